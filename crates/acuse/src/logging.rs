//! `tracing` lines on standard error.

use std::io::stderr;

use tracing_subscriber::filter::LevelFilter;
use tracing_subscriber::fmt;

use crate::config::LogFormat;

pub fn start(format: LogFormat) {
    start_from(LevelFilter::INFO, format);
}

/// Only warnings: a benchmark's table is not to drown in a line for each mail.
pub fn start_quiet(format: LogFormat) {
    start_from(LevelFilter::WARN, format);
}

fn start_from(level: LevelFilter, format: LogFormat) {
    let lines = fmt().with_writer(stderr).with_max_level(level).with_target(false);
    match format {
        LogFormat::Json => lines.json().init(),
        LogFormat::Text => lines.with_ansi(false).init(),
    }
}

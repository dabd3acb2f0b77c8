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
    // A line that cannot be written (a full disk, a reader that is gone) is lost: telling of it would panic, and take with it
    // whatever was to be recorded next.
    let lines = fmt().with_writer(stderr).log_internal_errors(false).with_max_level(level).with_target(false);
    match format {
        LogFormat::Json => lines.json().init(),
        LogFormat::Text => lines.with_ansi(false).init(),
    }
}

//! `tracing` lines on standard error.

use std::io::stderr;

use tracing_subscriber::filter::LevelFilter;
use tracing_subscriber::fmt;

use crate::config::LogFormat;

pub fn start(format: LogFormat) {
    let lines = fmt().with_writer(stderr).with_max_level(LevelFilter::INFO).with_target(false);
    match format {
        LogFormat::Json => lines.json().init(),
        LogFormat::Text => lines.with_ansi(false).init(),
    }
}

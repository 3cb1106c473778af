//! The libraries' log, on standard error, at the level that `--verbose` asks for.

use crate::report;
use log::{LevelFilter, Log, Metadata, Record};

struct Stderr;

impl Log for Stderr {
    fn enabled(&self, _: &Metadata<'_>) -> bool {
        true
    }

    fn log(&self, record: &Record<'_>) {
        report::notice(&format!("{}: {}", record.target(), record.args()));
    }

    fn flush(&self) {}
}

/// Starts logging. `verbosity` is how often `--verbose` was given.
pub(crate) fn start(verbosity: u8) {
    let level = match verbosity {
        0 => LevelFilter::Warn,
        1 => LevelFilter::Info,
        _ => LevelFilter::Debug,
    };
    // Fails only when a logger is set already, which nothing else does.
    let _ = log::set_logger(&Stderr);
    log::set_max_level(level);
}

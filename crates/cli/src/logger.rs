//! The libraries' log, on standard error, at the level that `--verbose` asks for.

use crate::report;
use log::{LevelFilter, Log, Metadata, Record};

/// Target of records that say what takes long, so that the user knows why nothing happens yet. They are
/// shown always.
const PROGRESS: &str = "progress";

/// Shows what is at this level or graver, and progress.
struct Stderr(LevelFilter);

impl Log for Stderr {
    fn enabled(&self, metadata: &Metadata<'_>) -> bool {
        metadata.level() <= self.0 || metadata.target() == PROGRESS
    }

    fn log(&self, record: &Record<'_>) {
        if record.target() == PROGRESS {
            report::notice(&record.args().to_string());
        } else if self.enabled(record.metadata()) {
            report::logged(record.level(), record.target(), record.args());
        }
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
    let _ = log::set_boxed_logger(Box::new(Stderr(level)));
    log::set_max_level(level.max(LevelFilter::Info));
}

//! How long each phase of a launch took, on request.

use crate::report;
use std::time::Instant;

/// A stop watch that prints the time of each phase when asked to.
pub(crate) struct Timings {
    enabled: bool,
    started: Instant,
    phase: Instant,
}

impl Timings {
    pub(crate) fn new(enabled: bool) -> Self {
        let now = Instant::now();
        Self { enabled, started: now, phase: now }
    }

    /// The phase called `name` has ended; the next one starts.
    pub(crate) fn phase(&mut self, name: &str) {
        let now = Instant::now();
        if self.enabled {
            report::notice(&format!(
                "timing: {name} {:.3} ms (total {:.3} ms)",
                (now - self.phase).as_secs_f64() * 1e3,
                (now - self.started).as_secs_f64() * 1e3
            ));
        }
        self.phase = now;
    }
}

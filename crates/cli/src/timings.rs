//! How long each phase of a launch took, on request.

use crate::report;
use std::time::Instant;

/// A stop watch that prints the time of each phase when asked to.
pub(crate) struct Timings {
    enabled: bool,
    started: Instant,
    phase: Instant,
    /// What has passed while it was not known whether anybody asks.
    waiting: Vec<(&'static str, Instant, Instant)>,
    is_waiting: bool,
}

impl Timings {
    pub(crate) fn new(enabled: bool) -> Self {
        let now = Instant::now();
        Self { enabled, started: now, phase: now, waiting: vec![], is_waiting: false }
    }

    /// One that keeps the phases until [`Self::enable`].
    pub(crate) fn waiting() -> Self {
        Self { is_waiting: true, ..Self::new(false) }
    }

    /// Somebody asks.
    pub(crate) fn enable(&mut self) {
        self.enabled = true;
        self.is_waiting = false;
        for (name, from, to) in std::mem::take(&mut self.waiting) {
            self.show(name, from, to);
        }
    }

    /// The phase called `name` has ended; the next one starts.
    pub(crate) fn phase(&mut self, name: &'static str) {
        let now = Instant::now();
        if self.enabled {
            self.show(name, self.phase, now);
        } else if self.is_waiting {
            self.waiting.push((name, self.phase, now));
        }
        self.phase = now;
    }

    fn show(&self, name: &str, from: Instant, to: Instant) {
        report::notice(&format!(
            "timing: {name} {:.3} ms (total {:.3} ms)",
            (to - from).as_secs_f64() * 1e3,
            (to - self.started).as_secs_f64() * 1e3
        ));
    }
}

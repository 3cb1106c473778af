//! What is done to processes that are to end, and when.

use std::time::{Duration, Instant};

/// How long processes have after SIGTERM when they must end and nothing says how long that may take.
pub(super) const ENDING: Duration = Duration::from_secs(2);

/// What is being done to the processes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Phase {
    /// They may go on.
    Wait,
    /// Each gets SIGTERM once.
    Terminate,
    /// Each gets SIGKILL once.
    Kill,
}

/// The times of an end.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Times {
    /// How long processes may go on before they are told to end.
    pub idle: Duration,
    /// Time between SIGTERM and SIGKILL; zero: there is no SIGTERM.
    pub grace: Duration,
}

/// The phases and when each ends.
#[derive(Clone, Copy, Debug)]
pub(super) struct Schedule {
    pub(super) phase: Phase,
    pub(super) ends: Option<Instant>,
    grace: Duration,
}

impl Schedule {
    /// Nothing is done.
    pub(super) const fn waiting() -> Self {
        Self { phase: Phase::Wait, ends: None, grace: Duration::ZERO }
    }

    /// Idle, then SIGTERM, then after the grace time SIGKILL. Without a grace time there is no
    /// SIGTERM, and without an idle time as well SIGKILL comes at once.
    pub(super) fn new(times: Times, now: Instant) -> Self {
        let schedule = Self { grace: times.grace, ..Self::waiting() };
        match times.idle {
            Duration::ZERO => schedule.advanced(now),
            // A time beyond what the clock can show is never.
            idle => Self { ends: now.checked_add(idle), ..schedule },
        }
    }

    /// The next phase.
    pub(super) fn advanced(self, now: Instant) -> Self {
        match self.phase {
            Phase::Wait if !self.grace.is_zero() => {
                Self { phase: Phase::Terminate, ends: now.checked_add(self.grace), ..self }
            }
            _ => Self { phase: Phase::Kill, ends: None, ..self },
        }
    }

    /// SIGTERM now, unless that was sent already, with this time until SIGKILL.
    pub(super) fn ending(self, grace: Duration, now: Instant) -> Self {
        match self.phase {
            Phase::Wait => {
                let grace = if grace.is_zero() { ENDING } else { grace };
                Self { grace, ..self }.advanced(now)
            }
            _ => self,
        }
    }

    /// Whether something is being done, or will be.
    pub(super) fn is_set(&self) -> bool {
        self.phase != Phase::Wait || self.ends.is_some()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn phases_follow_the_times_given() {
        use Phase::*;
        for (idle, grace, want) in [
            (0, 0, &[Kill][..]),
            (0, 5, &[Terminate, Kill]),
            (5, 0, &[Wait, Kill]),
            (5, 5, &[Wait, Terminate, Kill]),
        ] {
            let mut now = Instant::now();
            let times =
                Times { idle: Duration::from_secs(idle), grace: Duration::from_secs(grace) };
            let mut schedule = Schedule::new(times, now);
            let mut got = vec![schedule.phase];
            while let Some(ends) = schedule.ends {
                assert!(schedule.is_set());
                now = ends;
                schedule = schedule.advanced(now);
                got.push(schedule.phase);
            }
            assert_eq!(got, want, "{idle} {grace}");
        }
        assert!(!Schedule::waiting().is_set());
    }

    #[test]
    fn ending_gives_time_once() {
        let now = Instant::now();
        let schedule = Schedule::waiting().ending(Duration::ZERO, now);
        assert_eq!((schedule.phase, schedule.ends), (Phase::Terminate, Some(now + ENDING)));
        let later = now + Duration::from_secs(1);
        assert_eq!(schedule.ending(Duration::ZERO, later).ends, Some(now + ENDING));
    }

    #[test]
    fn a_time_without_end_is_never() {
        let times = Times { idle: Duration::MAX, grace: Duration::MAX };
        let schedule = Schedule::new(times, Instant::now());
        assert_eq!((schedule.phase, schedule.ends), (Phase::Wait, None));
    }
}

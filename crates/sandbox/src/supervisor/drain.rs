//! From the command's end to the end of everything that it left behind.

use super::children::{any_but, signal_all};
use super::server::Server;
use super::watch::wake;
use crate::link::Theirs;
use crate::relay::Signals;
use crate::spec::Spec;
use crate::sys::process::{Waited, wait};
use crate::sys::{SysError, call};
use std::collections::BTreeSet;
use std::time::{Duration, Instant};

/// How long descendants have after SIGTERM when the supervisor itself is told to end and the plan
/// gives them no time.
const ENDING: Duration = Duration::from_secs(2);

/// Signals that tell the supervisor to end once the command has ended.
const ENDS: &[i32] = &[libc::SIGTERM, libc::SIGINT, libc::SIGQUIT, libc::SIGHUP];

/// What is being done to descendants.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Phase {
    /// They may go on.
    Wait,
    /// Each gets SIGTERM once.
    Terminate,
    /// Each gets SIGKILL once.
    Kill,
}

/// The phases and when each ends.
struct Schedule {
    phase: Phase,
    ends: Option<Instant>,
    grace: Duration,
}

impl Schedule {
    /// As the plan says: idle, then SIGTERM, then after the grace time SIGKILL. Without a grace time
    /// there is no SIGTERM, and without an idle time as well SIGKILL comes at once.
    fn new(idle: Option<u64>, grace: u64, now: Instant) -> Self {
        let grace = Duration::from_millis(grace);
        match idle {
            None => Self { phase: Phase::Wait, ends: None, grace },
            Some(0) => Self { grace, phase: Phase::Wait, ends: None }.advanced(now),
            Some(idle) => {
                let ends = Some(now + Duration::from_millis(idle));
                Self { phase: Phase::Wait, ends, grace }
            }
        }
    }

    /// The next phase.
    fn advanced(self, now: Instant) -> Self {
        match self.phase {
            Phase::Wait if !self.grace.is_zero() => {
                Self { phase: Phase::Terminate, ends: Some(now + self.grace), ..self }
            }
            _ => Self { phase: Phase::Kill, ends: None, ..self },
        }
    }

    /// As if the supervisor was told to end: SIGTERM now, unless that was sent already.
    fn ending(self, now: Instant) -> Self {
        match self.phase {
            Phase::Wait => {
                let grace = if self.grace.is_zero() { ENDING } else { self.grace };
                Self { grace, ..self }.advanced(now)
            }
            _ => self,
        }
    }
}

/// Ends or waits for all children, orphans included, as the plan says; the emulator's server may go
/// on. `gone`: the launcher has ended, so nothing is waited for without limit.
pub(super) fn descendants(
    spec: &Spec,
    mut gone: bool,
    theirs: &Theirs,
    signals: &Signals,
    server: Option<&Server>,
) -> Result<(), SysError> {
    let mut schedule = Schedule::new(spec.terminate_idle, spec.terminate_grace, Instant::now());
    if gone {
        schedule = schedule.ending(Instant::now());
    }
    let mut told = BTreeSet::new();
    let mut told_in = schedule.phase;
    loop {
        loop {
            match call("waitpid", "any child", wait(None, false))? {
                Waited::NoChildren => return Ok(()),
                Waited::Child(pid, ended) => {
                    told.remove(&pid);
                    if let Some(server) = server {
                        server.note_end(pid, ended);
                    }
                }
                Waited::Nothing => break,
            }
        }
        if server.is_some_and(|server| !any_but(server)) {
            return Ok(());
        }
        if told_in != schedule.phase {
            told.clear();
            told_in = schedule.phase;
        }
        match schedule.phase {
            Phase::Wait => {}
            Phase::Terminate => signal_all(libc::SIGTERM, server, &mut told),
            Phase::Kill => signal_all(libc::SIGKILL, server, &mut told),
        }
        let woken = wake(signals, theirs, gone, schedule.ends)?;
        let now = Instant::now();
        if schedule.ends.is_some_and(|at| at <= now) {
            schedule = schedule.advanced(now);
        }
        if woken.gone && !gone {
            gone = true;
            schedule = schedule.ending(now);
        }
        if woken.signals.iter().any(|arrived| ENDS.contains(&arrived.signal)) {
            schedule = schedule.ending(now);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn phases_follow_the_times_given() {
        use Phase::*;
        for (idle, grace, want) in [
            (None, 0, &[Wait][..]),
            (None, 5, &[Wait]),
            (Some(0), 0, &[Kill]),
            (Some(0), 5, &[Terminate, Kill]),
            (Some(5), 0, &[Wait, Kill]),
            (Some(5), 5, &[Wait, Terminate, Kill]),
        ] {
            let mut now = Instant::now();
            let mut schedule = Schedule::new(idle, grace, now);
            let mut got = vec![schedule.phase];
            while let Some(ends) = schedule.ends {
                now = ends;
                schedule = schedule.advanced(now);
                got.push(schedule.phase);
            }
            assert_eq!(got, want, "{idle:?} {grace}");
        }
    }

    #[test]
    fn ending_gives_time_once() {
        let now = Instant::now();
        let schedule = Schedule::new(None, 0, now).ending(now);
        assert_eq!((schedule.phase, schedule.ends), (Phase::Terminate, Some(now + ENDING)));
        let later = now + Duration::from_secs(1);
        assert_eq!(schedule.ending(later).ends, Some(now + ENDING));
    }
}

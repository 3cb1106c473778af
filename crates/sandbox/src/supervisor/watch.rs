//! From the command's start to the end of everything that it leaves behind.

use super::children::{any_but, signal_all};
use super::schedule::{ENDING, Phase, Schedule, Times};
use super::server::Server;
use crate::link::Theirs;
use crate::relay::Signals;
use crate::sys::process::{Waited, wait};
use crate::sys::signal::{Arrived, send};
use crate::sys::{SysError, call};
use rustix::event::{PollFd, PollFlags, Timespec, poll};
use rustix::io::Errno;
use std::collections::BTreeSet;
use std::time::{Duration, Instant};

/// Signals that ask a program to end, whoever it is.
const ENDS: &[i32] = &[libc::SIGTERM, libc::SIGINT, libc::SIGQUIT];

/// What is done with processes and signals.
#[derive(Clone, Copy, Debug)]
pub(super) struct Rules {
    /// What the command leaves behind ends so; none: it is waited for.
    pub(super) after: Option<Times>,
    /// A signal that asks to end, ends the command and everything else so; none: it is passed on as
    /// all others are.
    pub(super) when_signaled: Option<Times>,
    /// What a signal means once the command has ended.
    pub(super) late: Late,
    /// Keys on the terminal reach the command only through this process.
    pub(super) keys: bool,
}

/// What a signal means once the command has ended.
#[derive(Clone, Copy, Debug)]
pub(super) enum Late {
    /// What still runs is to end, with this time between SIGTERM and SIGKILL.
    Ends(Duration),
    /// What it means to any program.
    Default,
}

/// What is watched, beside the processes.
pub(super) struct Watch<'w> {
    pub(super) signals: &'w Signals,
    /// The launcher, in whose place this process works.
    pub(super) theirs: Option<&'w Theirs>,
    /// The emulator's server, which may go on.
    pub(super) server: Option<&'w Server>,
    pub(super) rules: Rules,
}

/// What came of it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Outcome {
    /// The exit status: the command's own, or 128 + the number of the signal that ended it.
    Status(u8),
    /// This signal asks this process to end, as it would end any other.
    Signal(i32),
}

/// A failure on the way.
pub(super) struct Failed {
    /// The status, where the command had ended already.
    pub(super) status: Option<u8>,
    pub(super) failure: SysError,
}

/// What is known so far.
struct Progress {
    /// The command's, once it has ended.
    status: Option<u8>,
    /// The launcher has ended.
    gone: bool,
    schedule: Schedule,
    /// Children that got the signal of the phase.
    told: BTreeSet<i32>,
    told_in: Phase,
}

/// What was waited for.
struct Woken {
    /// Signals other than SIGCHLD.
    signals: Vec<Arrived>,
    /// The launcher has ended.
    gone: bool,
}

impl Watch<'_> {
    /// Passes signals on until the command has ended, and ends or waits for all children, orphans
    /// included, as the rules say.
    pub(super) fn until_all_ended(&self, command: i32) -> Result<Outcome, Failed> {
        let mut progress = Progress {
            status: None,
            gone: false,
            schedule: Schedule::waiting(),
            told: BTreeSet::new(),
            told_in: Phase::Wait,
        };
        self.go(command, &mut progress)
            .map_err(|failure| Failed { status: progress.status, failure })
    }

    fn go(&self, command: i32, progress: &mut Progress) -> Result<Outcome, SysError> {
        loop {
            let all = self.collect(command, progress)?;
            if let Some(status) = progress.status
                && (all || self.server.is_some_and(|server| !any_but(server)))
            {
                return Ok(Outcome::Status(status));
            }
            self.signal(progress);
            let woken = self.wake(progress.gone, progress.schedule.ends)?;
            let now = Instant::now();
            if progress.schedule.ends.is_some_and(|at| at <= now) {
                progress.schedule = progress.schedule.advanced(now);
            }
            if woken.gone && !progress.gone {
                progress.gone = true;
                // Nobody is left who could end it otherwise.
                let grace = match self.rules.late {
                    Late::Ends(grace) => grace.max(ENDING),
                    Late::Default => ENDING,
                };
                progress.schedule = progress.schedule.ending(grace, now);
            }
            for arrived in woken.signals {
                if let Some(signal) = self.arrived(arrived, command, progress, now) {
                    return Ok(Outcome::Signal(signal));
                }
            }
        }
    }

    /// Collects every child that has ended; whether none is left.
    fn collect(&self, command: i32, progress: &mut Progress) -> Result<bool, SysError> {
        loop {
            match call("waitpid", "any child", wait(None, false))? {
                Waited::Child(pid, ended) => {
                    progress.told.remove(&pid);
                    if pid == command {
                        progress.status = Some(ended.status());
                        self.command_has_ended(progress);
                    } else if let Some(server) = self.server {
                        server.note_end(pid, ended);
                    }
                }
                Waited::Nothing => return Ok(false),
                Waited::NoChildren if progress.status.is_some() => return Ok(true),
                Waited::NoChildren => return Err(SysError::new("waitpid", command, Errno::CHILD)),
            }
        }
    }

    fn command_has_ended(&self, progress: &mut Progress) {
        if !progress.schedule.is_set()
            && let Some(times) = self.rules.after
        {
            progress.schedule = Schedule::new(times, Instant::now());
        }
    }

    /// Sends the signal of the phase to those that have not got it.
    fn signal(&self, progress: &mut Progress) {
        if progress.told_in != progress.schedule.phase {
            progress.told.clear();
            progress.told_in = progress.schedule.phase;
        }
        match progress.schedule.phase {
            Phase::Wait => {}
            Phase::Terminate => signal_all(libc::SIGTERM, self.server, &mut progress.told),
            Phase::Kill => signal_all(libc::SIGKILL, self.server, &mut progress.told),
        }
    }

    /// A signal has arrived. Gives it back when it is for this process alone.
    fn arrived(
        &self,
        arrived: Arrived,
        command: i32,
        progress: &mut Progress,
        now: Instant,
    ) -> Option<i32> {
        let ends = ENDS.contains(&arrived.signal);
        match (self.rules.when_signaled, progress.status, self.rules.late) {
            (Some(times), ..) if ends => {
                let waits = progress.schedule.phase == Phase::Wait;
                // One that is under way already goes on.
                if waits && (progress.status.is_some() || !progress.schedule.is_set()) {
                    progress.schedule = Schedule::new(times, now);
                }
                None
            }
            (_, None, _) => {
                // A key on the terminal has reached the command by itself, unless it has a session
                // of its own.
                if !arrived.by_kernel || self.rules.keys {
                    // Fails only when the command has ended, which is found out next.
                    let _ = send(command, arrived.signal);
                }
                None
            }
            (_, Some(_), Late::Ends(grace)) => {
                if ends || arrived.signal == libc::SIGHUP {
                    progress.schedule = progress.schedule.ending(grace, now);
                }
                None
            }
            (_, Some(_), Late::Default) => Some(arrived.signal),
        }
    }

    /// Waits for a signal, which may be SIGCHLD, for the launcher's end (unless `gone` says that it
    /// is known), or until `deadline`.
    fn wake(&self, gone: bool, deadline: Option<Instant>) -> Result<Woken, SysError> {
        let signals = PollFd::new(self.signals.descriptor(), PollFlags::IN);
        let left = deadline.map(|at| at.saturating_duration_since(Instant::now()));
        let timeout = left.and_then(|left| Timespec::try_from(left).ok());
        let mut woken = Woken { signals: Vec::new(), gone };
        let polled = match self.theirs {
            Some(theirs) if !gone => {
                let link = PollFd::from_borrowed_fd(theirs.as_fd(), PollFlags::IN);
                let mut events = [signals, link];
                let polled = poll(&mut events, timeout.as_ref());
                woken.gone = events[1].revents().intersects(PollFlags::HUP | PollFlags::ERR);
                polled
            }
            _ => poll(&mut [signals], timeout.as_ref()),
        };
        match polled {
            Ok(_) | Err(Errno::INTR) => {}
            Err(errno) => return Err(SysError::new("poll", "", errno)),
        }
        while let Some(next) = self.signals.next()? {
            if next.signal != libc::SIGCHLD {
                woken.signals.push(next);
            }
        }
        let passed = self.theirs.into_iter().flat_map(|t| std::iter::from_fn(|| t.signal()));
        woken.signals.extend(passed.map(|signal| Arrived { signal, by_kernel: false }));
        Ok(woken)
    }
}

/// Whether the launcher has ended already.
pub(super) fn launcher_is_gone(theirs: &Theirs) -> bool {
    let mut events = [PollFd::from_borrowed_fd(theirs.as_fd(), PollFlags::empty())];
    let now = Timespec { tv_sec: 0, tv_nsec: 0 };
    poll(&mut events, Some(&now)).is_ok_and(|n| n > 0)
}

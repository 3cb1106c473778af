//! The supervisor's ways with processes, for programs that run a command by themselves.

use super::command::{Program, start};
use super::doing;
use super::schedule::Times;
use super::watch::{Failed, Late, Outcome, Rules, Watch};
use crate::error::Error;
use crate::relay::{FORWARDED, Signals};
use crate::sys::process::{Waited, fork, wait};
use crate::sys::signal::{Set, reset, reset_all, send};
use crate::sys::{SysError, call, fd};
use plan::ByteString;
use rustix::event::{PollFd, PollFlags, poll};
use rustix::fs::{Mode, OFlags, open};
use rustix::io::Errno;
use rustix::process::{
    Signal, getpid, getppid, set_child_subreaper, set_parent_process_death_signal,
};
use std::os::fd::{AsRawFd, RawFd};

/// The exit status that stands for one that is not known.
const LOST: u8 = 255;

/// A command and how it is looked after.
#[derive(Clone, Debug, Default)]
pub struct Task {
    /// The program and its arguments.
    pub command: Vec<ByteString>,
    /// Its whole environment.
    pub environment: Vec<(ByteString, ByteString)>,
    /// Inherited under the same number, and closed here.
    pub pass: Vec<RawFd>,
    /// `(target, source)`, all at the same time; the sources are closed here.
    pub assign: Vec<(RawFd, RawFd)>,
    /// What stays open here all the same.
    pub hold: Vec<RawFd>,
    /// It inherits nothing else from number 3 on.
    pub close_others: bool,
    /// It gets SIGTERM when this process ends.
    pub die_with_parent: bool,
    /// How what it leaves behind ends; none: that is waited for.
    pub after: Option<Times>,
    /// How it, and all it has started, ends when this process is asked to end (SIGTERM, SIGINT,
    /// SIGQUIT); none: that signal is passed on, as others always are.
    pub when_signaled: Option<Times>,
}

/// A program that has something to do before the command starts. What it writes to standard output
/// goes to standard error; its standard input is empty.
#[derive(Clone, Copy, Debug)]
pub struct Helper<'h> {
    /// The program and its arguments.
    pub command: &'h [ByteString],
    /// Its whole environment.
    pub environment: &'h [(ByteString, ByteString)],
    /// Where it starts.
    pub directory: &'h [u8],
}

/// A process that looks after a command. From its making on, signals wait until it looks at them.
pub struct Supervisor {
    signals: Signals,
}

impl Supervisor {
    /// Makes this process one. With `exit_with_parent` it gets SIGTERM when its parent ends; with
    /// `subreaper` it becomes the parent of orphans among its descendants. The actions of signals are
    /// the default ones from now on.
    ///
    /// # Errors
    /// Those of `prctl` and `signalfd`.
    pub fn new(exit_with_parent: bool, subreaper: bool) -> Result<Self, SysError> {
        // That of SIGPIPE stays: a message that nobody reads is no reason to end.
        FORWARDED.iter().copied().chain([libc::SIGCHLD]).for_each(reset);
        if exit_with_parent {
            let parent = getppid();
            let set = set_parent_process_death_signal(Some(Signal::TERM));
            call("prctl", "PR_SET_PDEATHSIG", set)?;
            if getppid() != parent {
                // It ended between the two calls.
                let _ = send(getpid().as_raw_nonzero().get(), libc::SIGTERM);
            }
        }
        if subreaper {
            let set = set_child_subreaper(Some(getpid()));
            call("prctl", "PR_SET_CHILD_SUBREAPER", set)?;
        }
        Ok(Self { signals: Signals::take()? })
    }

    /// Runs a helper to its end.
    ///
    /// # Errors
    /// When it cannot be started.
    pub fn help(&self, helper: &Helper<'_>) -> Result<Outcome, Error> {
        let failed = |failure| doing("starting a helper", failure);
        let null = open("/dev/null", OFlags::RDONLY | OFlags::CLOEXEC, Mode::empty());
        let null = call("open", "/dev/null", null).map_err(failed)?;
        let child = start(&Program {
            command: helper.command,
            environment: helper.environment,
            pass: &[],
            assign: &[(0, null.as_raw_fd()), (1, 2), (2, 2)],
            close_others: true,
            new_session: false,
            die_with_parent: true,
            directory: Some(helper.directory),
        })?;
        self.attend(child).map_err(|failure| doing("waiting for a helper", failure))
    }

    /// Runs a function in a process of its own, with standard output going to standard error. This
    /// process must have one thread.
    ///
    /// # Errors
    /// When there can be no process.
    pub fn fork(&self, function: impl FnOnce() -> u8) -> Result<Outcome, SysError> {
        let child = fork(|| {
            reset_all();
            // Fails only when standard error is not open, and then nothing is said anyway.
            let _ = fd::duplicate_onto(2, 1);
            let _ = set_parent_process_death_signal(Some(Signal::TERM));
            function()
        });
        self.attend(call("fork", "", child)?)
    }

    /// Waits for a child of ours. A signal that arrives meanwhile is passed on to it, and given back
    /// once it has ended.
    fn attend(&self, child: i32) -> Result<Outcome, SysError> {
        let mut told = None;
        loop {
            match call("waitpid", child, wait(Some(child), false))? {
                Waited::Child(_, ended) => {
                    let status = Outcome::Status(ended.status());
                    return Ok(told.map_or(status, Outcome::Signal));
                }
                Waited::NoChildren => return Err(SysError::new("waitpid", child, Errno::CHILD)),
                Waited::Nothing => {}
            }
            match poll(&mut [PollFd::new(self.signals.descriptor(), PollFlags::IN)], None) {
                Ok(_) | Err(Errno::INTR) => {}
                Err(errno) => return Err(SysError::new("poll", "signalfd", errno)),
            }
            while let Some(arrived) = self.signals.next()? {
                if arrived.signal != libc::SIGCHLD {
                    told = Some(arrived.signal);
                    let _ = send(child, arrived.signal);
                }
            }
        }
    }

    /// Runs the command, and waits until it and, as the task says, its descendants have ended.
    ///
    /// From the command's start on, this process's own standard output is its standard error, so that
    /// whoever reads the command's notices when that closes it.
    ///
    /// A failure while waiting is told to `failed`. The status stays what it is when the command had
    /// ended before, and is 255 otherwise.
    ///
    /// # Errors
    /// When the command cannot be started.
    pub fn run(&self, task: &Task, failed: impl FnOnce(&SysError)) -> Result<Outcome, Error> {
        // A signal that came before there was a command is meant for this process.
        if let Some(signal) = self.early().map_err(|f| doing("looking at signals", f))? {
            return Ok(Outcome::Signal(signal));
        }
        let command = start(&Program {
            command: &task.command,
            environment: &task.environment,
            pass: &task.pass,
            assign: &task.assign,
            close_others: task.close_others,
            new_session: false,
            die_with_parent: task.die_with_parent,
            directory: None,
        })?;
        let given = task.pass.iter().copied().chain(task.assign.iter().map(|(_, source)| *source));
        given.filter(|number| *number > 2 && !task.hold.contains(number)).for_each(fd::close);
        // Fails only when standard error is not open, and then there is nothing to write to.
        let _ = fd::duplicate_onto(2, 1);
        let rules = Rules {
            after: task.after,
            when_signaled: task.when_signaled,
            late: Late::Default,
            keys: false,
        };
        let watch = Watch { signals: &self.signals, theirs: None, server: None, rules };
        Ok(watch.until_all_ended(command).unwrap_or_else(|Failed { status, failure }| {
            failed(&failure);
            Outcome::Status(status.unwrap_or(LOST))
        }))
    }

    /// The first signal that has come so far and that ends a program.
    fn early(&self) -> Result<Option<i32>, SysError> {
        while let Some(arrived) = self.signals.next()? {
            if arrived.signal != libc::SIGCHLD {
                return Ok(Some(arrived.signal));
            }
        }
        Ok(None)
    }
}

/// Ends this process as `signal` ends any other that does not handle it. Comes back only when the signal
/// does not end a process, with the status that stands for it.
#[must_use]
pub fn end_by(signal: i32) -> u8 {
    reset(signal);
    Set::of(&[]).replace_mask();
    // Fails only for what is no signal.
    let _ = send(getpid().as_raw_nonzero().get(), signal);
    u8::try_from(128 + signal).unwrap_or(255)
}

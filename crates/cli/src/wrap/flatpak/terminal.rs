//! Terminals of a command in a sub-sandbox.
//!
//! A sub-sandbox is a session of its own, and the terminal of another session cannot be its: there would be neither job
//! control nor `/dev/tty`. So each terminal that is passed is replaced by a pseudo-terminal, which the portal makes
//! that of the new session, and what is typed and printed goes through this process.

use rustix::event::{PollFd, PollFlags, poll};
use rustix::fs::{OFlags, fcntl_getfl, fstat};
use rustix::io::{Errno, fcntl_dupfd_cloexec, ioctl_fionbio, read, write};
use rustix::process::{Signal, getpgrp};
use rustix::pty::{OpenptFlags, ioctl_tiocgptpeer, openpt, unlockpt};
use rustix::termios::{
    OptionalActions, OutputModes, SpecialCodeIndex, Termios, tcgetattr, tcgetpgrp, tcgetsid,
    tcgetwinsize, tcsetattr, tcsetwinsize,
};
use std::os::fd::{AsFd, BorrowedFd, OwnedFd};

/// Descriptors as they are passed: by their numbers.
type Passed<'a> = [(u32, BorrowedFd<'a>)];

/// Keys that stand for signals.
const KEYS: &[(Signal, SpecialCodeIndex)] = &[
    (Signal::INT, SpecialCodeIndex::VINTR),
    (Signal::QUIT, SpecialCodeIndex::VQUIT),
    (Signal::TSTP, SpecialCodeIndex::VSUSP),
];

/// A terminal, and the pseudo-terminal in its place.
pub(super) struct Terminal {
    device: u64,
    /// By which it is read, and by which written to: what is passed may be open for one of them only.
    own: OwnedFd,
    screen: OwnedFd,
    /// How it was.
    before: Termios,
    /// Whether it now passes on every key.
    raw: bool,
    /// Whether the command reads from it.
    is_read: bool,
    /// Whether it was last waited for what is typed.
    awaited: bool,
    ours: OwnedFd,
    /// The command's end; kept open, so that the end of a program that has it is no hang-up.
    theirs: OwnedFd,
    /// What was typed and has not been taken yet.
    typed: Vec<u8>,
}

impl Terminal {
    /// For each terminal among the descriptors. Where there can be none, the terminal itself is passed.
    pub(super) fn of(descriptors: &Passed<'_>) -> Vec<Self> {
        let mut terminals: Vec<Self> = vec![];
        for (number, fd) in descriptors {
            let Ok(before) = tcgetattr(fd) else { continue };
            let device = device(*fd);
            let is_read = !matches!(number, 1 | 2);
            if let Some(known) = terminals.iter_mut().find(|known| known.device == device) {
                known.join(*fd, is_read);
                continue;
            }
            match Self::replace(*fd, before, (device, is_read)) {
                Ok(terminal) => terminals.push(terminal),
                Err(errno) => log::warn!("descriptor {number}: no pseudo-terminal: {errno}"),
            }
        }
        for terminal in &terminals {
            let mut modes = terminal.before.clone();
            if !terminal.is_read {
                // The terminal itself does that already.
                modes.output_modes.remove(OutputModes::OPOST);
            }
            let _ = tcsetattr(&terminal.theirs, OptionalActions::Now, &modes);
            terminal.resize();
        }
        terminals
    }

    fn replace(
        fd: BorrowedFd<'_>,
        before: Termios,
        (device, is_read): (u64, bool),
    ) -> Result<Self, Errno> {
        let flags = OpenptFlags::RDWR | OpenptFlags::NOCTTY | OpenptFlags::CLOEXEC;
        let ours = openpt(flags)?;
        unlockpt(&ours)?;
        let theirs = ioctl_tiocgptpeer(&ours, flags)?;
        ioctl_fionbio(&ours, true)?;
        let (own, screen) = (copy(fd)?, copy(fd)?);
        let (raw, awaited, typed) = (false, false, vec![]);
        Ok(Self { device, own, screen, before, raw, is_read, awaited, ours, theirs, typed })
    }

    /// Takes in another descriptor of the same terminal.
    fn join(&mut self, fd: BorrowedFd<'_>, is_read: bool) {
        if is_read && let Ok(own) = copy(fd) {
            (self.own, self.is_read) = (own, true);
        }
        let written = fcntl_getfl(&self.screen).map(|flags| flags & OFlags::ACCMODE);
        if written == Ok(OFlags::RDONLY)
            && let Ok(screen) = copy(fd)
        {
            self.screen = screen;
        }
    }

    /// What is passed in the place of a descriptor of this terminal.
    pub(super) fn instead_of(&self, fd: BorrowedFd<'_>) -> Option<BorrowedFd<'_>> {
        (tcgetattr(fd).is_ok() && device(fd) == self.device).then(|| self.theirs.as_fd())
    }

    /// What to wait for: what the command prints, and what is typed.
    pub(super) fn watched(&mut self) -> [PollFd<'_>; 2] {
        self.awaited = self.reads();
        if self.awaited && !self.raw {
            let mut modes = self.before.clone();
            modes.make_raw();
            self.raw = tcsetattr(&self.own, OptionalActions::Now, &modes).is_ok();
        }
        let out = if self.typed.is_empty() { PollFlags::empty() } else { PollFlags::OUT };
        let own = if self.awaited { &self.own } else { &self.ours };
        [PollFd::new(&self.ours, PollFlags::IN | out), PollFd::new(own, PollFlags::IN)]
    }

    /// Whether what is typed is for the command: a job in the background has no terminal to read from.
    fn reads(&self) -> bool {
        self.is_read
            && self.typed.is_empty()
            // One of another session has no jobs of this one.
            && tcgetpgrp(&self.own).map_or(true, |group| group == getpgrp())
    }

    /// Passes on some of what there is, in both directions.
    pub(super) fn carry(&mut self, is_typed: bool) {
        if is_typed && self.awaited {
            let mut bytes = [0; 1024];
            match read(&self.own, &mut bytes) {
                Ok(count) if count > 0 => self.typed.extend(&bytes[..count]),
                Err(Errno::INTR | Errno::AGAIN) => {}
                // It has been hung up.
                _ => self.is_read = false,
            }
        }
        if !self.typed.is_empty() {
            match write(&self.ours, &self.typed) {
                Ok(count) => drop(self.typed.drain(..count)),
                Err(Errno::INTR | Errno::AGAIN) => {}
                Err(_) => self.typed.clear(),
            }
        }
        self.print();
    }

    /// Prints some of what the command has printed; whether there was any.
    fn print(&self) -> bool {
        let mut bytes = [0; 4096];
        let Ok(count) = read(&self.ours, &mut bytes) else { return false };
        let mut rest = &bytes[..count];
        while !rest.is_empty() {
            match write(&self.screen, rest) {
                Ok(count) => rest = &rest[count..],
                Err(Errno::INTR) => {}
                Err(Errno::AGAIN) => {
                    let _ = poll(&mut [PollFd::new(&self.screen, PollFlags::OUT)], None);
                }
                // It has been hung up, and nobody sees it.
                Err(_) => break,
            }
        }
        count > 0
    }

    /// Does with a signal what terminals do; whether it is one for them.
    pub(super) fn signal(terminals: &mut [Self], signal: i32) -> bool {
        let key = KEYS.iter().find(|(of, _)| of.as_raw() == signal);
        match (terminals, key) {
            ([], _) => false,
            ([first, ..], Some((_, key))) => {
                first.typed.push(first.before.special_codes[*key]);
                true
            }
            (all, None) if signal == Signal::WINCH.as_raw() => {
                all.iter().for_each(Self::resize);
                true
            }
            _ => false,
        }
    }

    fn resize(&self) {
        if let Ok(size) = tcgetwinsize(&self.own) {
            let _ = tcsetwinsize(&self.ours, size);
        }
    }
}

impl Drop for Terminal {
    fn drop(&mut self) {
        while self.print() {}
        if self.raw {
            let _ = tcsetattr(&self.own, OptionalActions::Drain, &self.before);
        }
    }
}

fn copy(fd: BorrowedFd<'_>) -> Result<OwnedFd, Errno> {
    fcntl_dupfd_cloexec(fd, 3)
}

/// What tells a terminal from another. `/dev/tty` is another name of the one that this session has.
fn device(fd: BorrowedFd<'_>) -> u64 {
    if tcgetsid(fd).is_ok() { 0 } else { fstat(fd).map_or(0, |stat| stat.st_rdev) }
}

//! Signal masks, dispositions and `signalfd(2)`.

use super::{check, last_errno};
use rustix::io::Errno;
use std::os::fd::{AsRawFd, FromRawFd, OwnedFd};

/// A set of signals for the kernel.
#[derive(Clone, Copy)]
pub(crate) struct Set(libc::sigset_t);

impl std::fmt::Debug for Set {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Set")
    }
}

impl Set {
    /// These signals. Numbers that are no signals are left out.
    pub(crate) fn of(signals: &[i32]) -> Self {
        // SAFETY: `sigset_t` is plain data; sigemptyset makes it valid before it is read.
        let mut set: libc::sigset_t = unsafe { std::mem::zeroed() };
        // SAFETY: the pointer is to a live `sigset_t`.
        unsafe { libc::sigemptyset(&raw mut set) };
        for &signal in signals {
            // SAFETY: as above; a bad number gives EINVAL and changes nothing.
            unsafe { libc::sigaddset(&raw mut set, signal) };
        }
        Self(set)
    }

    /// Makes this the mask of blocked signals of the calling thread and returns the old one.
    pub(crate) fn replace_mask(&self) -> Set {
        self.mask(libc::SIG_SETMASK)
    }

    /// Adds these to the blocked signals of the calling thread and returns the old mask.
    pub(crate) fn block(&self) -> Set {
        self.mask(libc::SIG_BLOCK)
    }

    fn mask(&self, how: libc::c_int) -> Set {
        let mut old = Set::of(&[]);
        // SAFETY: both pointers are to live `sigset_t`. The call can only fail for a bad `how`.
        unsafe { libc::pthread_sigmask(how, &raw const self.0, &raw mut old.0) };
        old
    }

    /// A descriptor that delivers these signals, which must be blocked. Close-on-exec, non-blocking.
    pub(crate) fn descriptor(&self) -> Result<OwnedFd, Errno> {
        let flags = libc::SFD_CLOEXEC | libc::SFD_NONBLOCK;
        // SAFETY: the pointer is to a live `sigset_t`.
        let fd = unsafe { libc::signalfd(-1, &raw const self.0, flags) };
        if fd == -1 {
            return Err(last_errno());
        }
        // SAFETY: the kernel has just made this descriptor.
        Ok(unsafe { OwnedFd::from_raw_fd(fd) })
    }
}

/// A signal that arrived.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Arrived {
    /// Its number.
    pub(crate) signal: i32,
    /// It was sent by the kernel itself, such as for a key on the terminal, which sends to the
    /// whole foreground process group.
    pub(crate) by_kernel: bool,
}

/// The next signal from a descriptor of [`Set::descriptor`]; `None` when there is none now.
pub(crate) fn next(descriptor: &OwnedFd) -> Result<Option<Arrived>, Errno> {
    // SAFETY: `signalfd_siginfo` is plain data, for which zeroes are a valid value.
    let mut info: libc::signalfd_siginfo = unsafe { std::mem::zeroed() };
    let size = size_of::<libc::signalfd_siginfo>();
    // SAFETY: the buffer is `size` bytes long and lives until the call returns.
    let read = unsafe { libc::read(descriptor.as_raw_fd(), (&raw mut info).cast(), size) };
    match check(read) {
        Ok(0) | Err(Errno::AGAIN | Errno::INTR) => Ok(None),
        Ok(_) => Ok(Some(Arrived {
            signal: info.ssi_signo as i32,
            by_kernel: info.ssi_code == libc::SI_KERNEL,
        })),
        Err(errno) => Err(errno),
    }
}

/// Gives every signal its default action and blocks none, as a new program expects. Allocates
/// nothing.
pub(crate) fn reset_all() {
    (1..=64).for_each(reset);
    Set::of(&[]).replace_mask();
}

/// Gives a signal its default action. Allocates nothing.
pub(crate) fn reset(signal: i32) {
    // SAFETY: SIG_DFL is a valid disposition for every signal; those that cannot be changed
    // (SIGKILL, SIGSTOP, the C library's own) give EINVAL, which is fine.
    unsafe { libc::signal(signal, libc::SIG_DFL) };
}

/// Sends `signal` to process `pid`, which must be a child that has not been waited for (or this
/// process), so that the number cannot mean another process.
pub(crate) fn send(pid: i32, signal: i32) -> Result<(), Errno> {
    // SAFETY: no memory is passed. Groups and broadcasts (0 and negative) are ruled out.
    if pid <= 0 {
        return Err(Errno::SRCH);
    }
    check(unsafe { libc::kill(pid, signal) }).map(drop)
}

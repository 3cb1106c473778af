//! Waiting for a child while passing on signals to it.
//!
//! A key on the terminal (`^C`, `^\`, hang-up) is sent by the kernel to the whole foreground process
//! group, to which the child belongs too: it is not sent to it a second time.

use crate::sys::process::{Ended, Waited, wait};
use crate::sys::signal::{Arrived, Set, next};
use crate::sys::{SysError, call};
use rustix::event::{PollFd, PollFlags, poll};
use rustix::io::Errno;
use std::os::fd::{AsFd, BorrowedFd, OwnedFd};

/// Signals that are passed on.
pub(crate) const FORWARDED: &[i32] =
    &[libc::SIGHUP, libc::SIGINT, libc::SIGQUIT, libc::SIGTERM, libc::SIGUSR1, libc::SIGUSR2];

/// Signals that arrive at a descriptor instead of a handler, from its making until its dropping.
#[derive(Debug)]
pub struct Signals {
    descriptor: OwnedFd,
    before: Set,
}

impl Signals {
    /// Blocks the forwarded signals and SIGCHLD, and receives them from now on.
    pub(crate) fn take() -> Result<Self, SysError> {
        let mut signals = FORWARDED.to_vec();
        signals.push(libc::SIGCHLD);
        Self::block(&signals)
    }

    /// Blocks these, and receives them from now on.
    ///
    /// # Errors
    /// Of signalfd(2).
    pub fn block(signals: &[i32]) -> Result<Self, SysError> {
        let set = Set::of(signals);
        let before = set.block();
        match set.descriptor() {
            Ok(descriptor) => Ok(Self { descriptor, before }),
            Err(errno) => {
                before.replace_mask();
                Err(SysError::new("signalfd", "", errno))
            }
        }
    }

    /// The number of the next one, if one has arrived.
    ///
    /// # Errors
    /// Of read(2).
    pub fn arrived(&self) -> Result<Option<i32>, SysError> {
        Ok(self.next()?.map(|arrived| arrived.signal))
    }

    /// For `poll`.
    pub(crate) fn descriptor(&self) -> &OwnedFd {
        &self.descriptor
    }

    /// The next signal, without waiting.
    pub(crate) fn next(&self) -> Result<Option<Arrived>, SysError> {
        call("read", "signalfd", next(&self.descriptor))
    }
}

/// Becomes readable when one arrives.
impl AsFd for Signals {
    fn as_fd(&self) -> BorrowedFd<'_> {
        self.descriptor.as_fd()
    }
}

impl Drop for Signals {
    fn drop(&mut self) {
        self.before.replace_mask();
    }
}

/// Waits until `child` has ended, passing on signals by `pass`.
pub(crate) fn relay(child: i32, signals: &Signals, pass: &dyn Fn(i32)) -> Result<Ended, SysError> {
    loop {
        match call("waitpid", child, wait(Some(child), false))? {
            Waited::Child(_, ended) => return Ok(ended),
            Waited::NoChildren => return Err(SysError::new("waitpid", child, Errno::CHILD)),
            Waited::Nothing => {}
        }
        let mut events = [PollFd::new(signals.descriptor(), PollFlags::IN)];
        match poll(&mut events, None) {
            Ok(_) | Err(Errno::INTR) => {}
            Err(errno) => return Err(SysError::new("poll", "signalfd", errno)),
        }
        while let Some(arrived) = signals.next()? {
            if arrived.signal != libc::SIGCHLD && !arrived.by_kernel {
                pass(arrived.signal);
            }
        }
    }
}

//! The socket between launcher and supervisor.
//!
//! Supervisor → launcher: "alive" once it runs, then at most one failure. Launcher → supervisor:
//! signals to pass on; that its end closes means that the launcher is gone, however it ended. Messages keep
//! their bounds (`SOCK_SEQPACKET`), so a reader needs no framing.

use crate::error::Error;
use crate::sys::{self, SysError};
use rustix::event::{PollFd, PollFlags, Timespec, poll};
use rustix::io::Errno;
use rustix::net::{
    AddressFamily, RecvFlags, SendFlags, SocketFlags, SocketType, recv, send, socketpair,
};
use serde::{Deserialize, Serialize};
use std::os::fd::{AsFd, BorrowedFd, OwnedFd};
use std::time::Duration;

/// Longest message, in bytes. A failure with a long trail is far below it.
const MESSAGE_BYTES: usize = 64 * 1024;

/// In place of a signal: the plan is right, and the command may start.
const GO: i32 = 0;

#[derive(Serialize, Deserialize)]
enum Message {
    Alive,
    Failed(Error),
}

/// The launcher's end.
pub(crate) struct Ours(OwnedFd);

/// The supervisor's end.
pub(crate) struct Theirs(OwnedFd);

/// Both ends, close-on-exec.
pub(crate) fn pair() -> Result<(Ours, Theirs), Error> {
    let made = socketpair(AddressFamily::UNIX, SocketType::SEQPACKET, SocketFlags::CLOEXEC, None);
    let (ours, theirs) = setup("starting", sys::call("socketpair", "AF_UNIX", made))?;
    Ok((Ours(ours), Theirs(theirs)))
}

/// Dresses a failed call with what was being done.
pub(crate) fn setup<T>(doing: &str, result: Result<T, SysError>) -> Result<T, Error> {
    result.map_err(|failure| Error::Setup { doing: doing.into(), failure })
}

/// What the launcher has heard so far.
#[derive(Default)]
pub(crate) struct Heard {
    /// The supervisor has started.
    pub(crate) alive: bool,
    /// It has failed.
    pub(crate) failure: Option<Error>,
}

impl Ours {
    /// Everything that has arrived, without waiting.
    pub(crate) fn hear(&self) -> Heard {
        let mut heard = Heard::default();
        let mut buffer = vec![0; MESSAGE_BYTES];
        while let Ok((length, _)) = recv(&self.0, &mut buffer[..], RecvFlags::DONTWAIT) {
            if length == 0 {
                break;
            }
            match serde_json::from_slice(&buffer[..length]) {
                Ok(Message::Alive) => heard.alive = true,
                Ok(Message::Failed(error)) => heard.failure = Some(error),
                Err(_) => log::debug!("a message of the supervisor cannot be understood"),
            }
        }
        heard
    }

    /// Asks the supervisor to pass on a signal. One that has ended already does not hear it.
    pub(crate) fn signal(&self, signal: i32) {
        let _ = send(&self.0, &signal.to_ne_bytes(), SendFlags::NOSIGNAL | SendFlags::DONTWAIT);
    }

    /// Lets a provisional container go on to its command.
    pub(crate) fn release(&self) {
        self.signal(GO);
    }

    /// Waits until the other end is closed, everywhere it was inherited, or for `limit`.
    pub(crate) fn wait_for_end(&self, limit: Duration) {
        let mut events = [PollFd::new(&self.0, PollFlags::empty())];
        let limit = Timespec::try_from(limit).ok();
        // Interrupted or not, the caller looks itself.
        let _ = poll(&mut events, limit.as_ref());
    }

    /// The failure that has arrived, if any.
    pub(crate) fn failure(&self) -> Option<Error> {
        self.hear().failure
    }
}

impl Theirs {
    /// Takes over the end that was inherited.
    pub(crate) fn adopt(fd: OwnedFd) -> Self {
        Self(fd)
    }

    /// Says that the supervisor runs.
    pub(crate) fn alive(&self) {
        self.say(&Message::Alive);
    }

    /// Says what failed. A launcher that is gone does not hear it; nobody does, then.
    pub(crate) fn fail(&self, error: &Error) {
        self.say(&Message::Failed(error.clone()));
    }

    fn say(&self, message: &Message) {
        let Ok(bytes) = serde_json::to_vec(message) else { return };
        let length = bytes.len().min(MESSAGE_BYTES);
        while send(&self.0, &bytes[..length], SendFlags::NOSIGNAL) == Err(Errno::INTR) {}
    }

    /// The next signal that the launcher wants passed on, without waiting.
    pub(crate) fn signal(&self) -> Option<i32> {
        let mut bytes = [0; 4];
        match recv(&self.0, &mut bytes, RecvFlags::DONTWAIT) {
            Ok((4, _)) => Some(i32::from_ne_bytes(bytes)),
            _ => None,
        }
    }

    /// Waits for the launcher's word that a provisional container may go on. `false`: the launcher has given
    /// it up, or is gone.
    pub(crate) fn is_released(&self) -> bool {
        let mut bytes = [0; 4];
        loop {
            match recv(&self.0, &mut bytes, RecvFlags::empty()) {
                Err(Errno::INTR) => {}
                Ok((4, _)) => return i32::from_ne_bytes(bytes) == GO,
                _ => return false,
            }
        }
    }

    /// For `poll`: it hangs up when the launcher is gone.
    pub(crate) fn as_fd(&self) -> BorrowedFd<'_> {
        self.0.as_fd()
    }
}

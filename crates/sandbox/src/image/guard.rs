//! The guard of a mounted image: what it does, and what it says to the launcher.

use super::readable;
use crate::sys::{self, SysError, call};
use plan::ByteString;
use rustix::event::{PollFd, PollFlags, Timespec, poll};
use rustix::fs::{AtFlags, CWD, Mode, OFlags, StatxFlags, statx};
use rustix::io::Errno;
use rustix::net::{RecvFlags, SendFlags, recv, send};
use serde::{Deserialize, Serialize};
use std::ffi::OsString;
use std::io::{self, Read};
use std::os::fd::{AsFd, OwnedFd};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};

/// First argument of this program when it is to be a guard. What serves the image, the image, the
/// mount point and `fusermount3` follow; the link to the launcher is standard input.
pub(super) const ASKED: &str = "bathysphere-image-guard";

/// How often the guard looks whether the image has been mounted: no event tells.
const LOOK: Timespec = Timespec { tv_sec: 0, tv_nsec: 5_000_000 };

/// The most of the server's messages that is kept, in bytes.
const MESSAGE_BYTES: u64 = 4096;

/// What the guard says, once.
#[derive(Debug, Serialize, Deserialize)]
pub(super) enum Answer {
    /// The image is mounted.
    Mounted,
    /// The server gave up.
    Refused { status: i32, messages: Vec<String> },
}

/// Waits for the guard's word.
pub(super) fn answer(link: Option<&OwnedFd>) -> Result<Answer, SysError> {
    let gone = |errno| SysError::new("recv", "guard", errno);
    let link = link.ok_or(gone(Errno::BADF))?;
    readable(link)?;
    let mut buffer = vec![0; 64 * 1024];
    let (length, _) = recv(link, &mut buffer[..], RecvFlags::empty()).map_err(gone)?;
    serde_json::from_slice(&buffer[..length]).map_err(|_| gone(Errno::CONNRESET))
}

/// Becomes a guard when the arguments say so, and returns the exit status then.
pub(crate) fn guard_if_asked(arguments: &[OsString]) -> Option<u8> {
    let [_, asked, name, server, image, at, helper] = arguments else { return None };
    if asked != ASKED {
        return None;
    }
    // Nothing of the launcher's is kept open, nor its terminal.
    sys::fd::close_from(3);
    let _ = rustix::process::setsid();
    let _ = rustix::process::chdir("/");
    let guard = Guard { at: at.into(), helper: helper.into() };
    let served = Command::new(server)
        .args(["-f", "-o", "ro"])
        .args([image, at])
        .stdin(Stdio::null())
        .stdout(Stdio::null())
        .stderr(Stdio::piped())
        .spawn();
    Some(match served {
        Ok(server) => guard.watch(server),
        Err(error) => {
            let name = name.to_string_lossy();
            guard.refuse(126, vec![format!("{name}: {error}")]);
            126
        }
    })
}

struct Guard {
    at: PathBuf,
    helper: PathBuf,
}

impl Guard {
    /// From the server's start to its end.
    fn watch(&self, mut server: Child) -> u8 {
        let before = device(&self.at);
        loop {
            if let Ok(Some(status)) = server.try_wait() {
                self.refuse(status.code().unwrap_or(-1), messages(&mut server));
                return 0;
            }
            if device(&self.at) != before {
                break;
            }
            if launcher_is_gone(&LOOK) {
                // It may mount all the same, at any time until it has ended.
                let _ = server.kill();
                let _ = server.wait();
                self.release();
                return 0;
            }
        }
        // A full pipe would stop the server.
        drop(server.stderr.take());
        say(&Answer::Mounted);
        while !launcher_is_gone(&Timespec { tv_sec: 3600, tv_nsec: 0 }) {}
        self.release();
        // The launcher waits for this.
        close_link();
        // Until the last user of the mount is gone.
        let _ = server.wait();
        0
    }

    fn refuse(&self, status: i32, messages: Vec<String>) {
        self.release();
        say(&Answer::Refused { status, messages });
    }

    /// Takes the mount away from the directory, and the directory. What is not mounted needs only the
    /// latter.
    fn release(&self) {
        let mut helper = Command::new(&self.helper);
        helper.args(["-u", "-z", "--"]).arg(&self.at);
        helper.stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null());
        let _ = helper.status();
        let _ = rustix::fs::rmdir(&self.at);
    }
}

/// The device number of what is at a path; a mount changes it.
fn device(path: &Path) -> Option<(u32, u32)> {
    let seen = statx(CWD, path, AtFlags::empty(), StatxFlags::TYPE).ok()?;
    Some((seen.stx_dev_major, seen.stx_dev_minor))
}

/// What the server has said before it ended.
fn messages(server: &mut Child) -> Vec<String> {
    let mut text = Vec::new();
    if let Some(said) = server.stderr.take() {
        let _ = said.take(MESSAGE_BYTES).read_to_end(&mut text);
    }
    let lines = text.split(|b| *b == b'\n').filter(|line| !line.is_empty());
    lines.map(|line| ByteString(line.to_vec()).to_string()).collect()
}

/// Whether the launcher has closed its end, waiting for that for at most `limit`.
fn launcher_is_gone(limit: &Timespec) -> bool {
    let link = io::stdin();
    let mut events = [PollFd::from_borrowed_fd(link.as_fd(), PollFlags::RDHUP)];
    let ends = PollFlags::RDHUP | PollFlags::HUP | PollFlags::ERR | PollFlags::NVAL;
    poll(&mut events, Some(limit)).is_ok() && events[0].revents().intersects(ends)
}

fn say(answer: &Answer) {
    let Ok(bytes) = serde_json::to_vec(answer) else { return };
    let said = send(io::stdin().as_fd(), &bytes, SendFlags::NOSIGNAL);
    if let Err(failure) = call("send", "launcher", said) {
        log::debug!("{failure}");
    }
}

/// Closes the link, which is standard input.
fn close_link() {
    let null = rustix::fs::open("/dev/null", OFlags::RDONLY | OFlags::CLOEXEC, Mode::empty());
    if let Err(errno) = null.and_then(|null| rustix::stdio::dup2_stdin(&null)) {
        // The launcher hears of it when this process ends.
        log::debug!("closing the link: {errno}");
    }
}

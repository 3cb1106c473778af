//! From the command's start to its end.

use super::server::Server;
use super::{children, doing};
use crate::error::Error;
use crate::link::Theirs;
use crate::relay::Signals;
use crate::spec::Spec;
use crate::sys::process::{Waited, wait};
use crate::sys::signal::{Arrived, send};
use crate::sys::{SysError, call};
use rustix::event::{PollFd, PollFlags, Timespec, poll};
use rustix::io::Errno;
use std::time::{Duration, Instant};

/// How long the command may go on after SIGTERM when the launcher is gone, at least. Nobody is left
/// who could end it otherwise.
const ORPHANED: Duration = Duration::from_secs(2);

/// What the supervisor waits for.
pub(super) struct Woken {
    /// Signals other than SIGCHLD.
    pub(super) signals: Vec<Arrived>,
    /// The launcher has ended.
    pub(super) gone: bool,
}

/// Waits for a signal, which may be SIGCHLD, for the launcher's end (unless `gone` says that it is
/// known), or until `deadline`.
pub(super) fn wake(
    signals: &Signals,
    theirs: &Theirs,
    gone: bool,
    deadline: Option<Instant>,
) -> Result<Woken, SysError> {
    let mut events = [
        PollFd::new(signals.descriptor(), PollFlags::IN),
        PollFd::from_borrowed_fd(theirs.as_fd(), PollFlags::IN),
    ];
    let watched = if gone { &mut events[..1] } else { &mut events[..] };
    let left = deadline.map(|at| at.saturating_duration_since(Instant::now()));
    let timeout = left.and_then(|left| Timespec::try_from(left).ok());
    match poll(watched, timeout.as_ref()) {
        Ok(_) | Err(Errno::INTR) => {}
        Err(errno) => return Err(SysError::new("poll", "", errno)),
    }
    let hung_up = PollFlags::HUP | PollFlags::ERR;
    let gone = gone || events[1].revents().intersects(hung_up);
    let mut arrived = Vec::new();
    while let Some(next) = signals.next()? {
        if next.signal != libc::SIGCHLD {
            arrived.push(next);
        }
    }
    let passed = std::iter::from_fn(|| theirs.signal());
    arrived.extend(passed.map(|signal| Arrived { signal, by_kernel: false }));
    Ok(Woken { signals: arrived, gone })
}

/// Whether the launcher has ended already.
pub(super) fn launcher_is_gone(theirs: &Theirs) -> bool {
    let mut events = [PollFd::from_borrowed_fd(theirs.as_fd(), PollFlags::empty())];
    let now = Timespec { tv_sec: 0, tv_nsec: 0 };
    poll(&mut events, Some(&now)).is_ok_and(|n| n > 0)
}

/// Passes signals on until the command has ended. Returns its status and whether the launcher has
/// ended meanwhile, in which case the command was told to end, too.
pub(super) fn until_end(
    command: i32,
    spec: &Spec,
    theirs: &Theirs,
    signals: &Signals,
    server: Option<&Server>,
) -> Result<(u8, bool), Error> {
    let failed = |failure| doing("waiting for the command", failure);
    let mut gone = false;
    let mut deadline = None;
    loop {
        if let Some(status) = collect(command, server).map_err(failed)? {
            return Ok((status, gone));
        }
        let woken = wake(signals, theirs, gone, deadline).map_err(failed)?;
        if woken.gone && !gone {
            gone = true;
            let grace = Duration::from_millis(spec.terminate_grace).max(ORPHANED);
            deadline = Some(Instant::now() + grace);
            children::signal_all(libc::SIGTERM, server, &mut Default::default());
        }
        if deadline.is_some_and(|at| at <= Instant::now()) {
            children::signal_all(libc::SIGKILL, server, &mut Default::default());
            deadline = None;
        }
        for arrived in woken.signals {
            // A key on the terminal has reached the command by itself, unless it has a session of
            // its own.
            if !arrived.by_kernel || spec.new_session {
                // Fails only when the command has ended, which the next `collect` tells.
                let _ = send(command, arrived.signal);
            }
        }
    }
}

/// Collects every child that has ended; the command's status when it is among them.
fn collect(command: i32, server: Option<&Server>) -> Result<Option<u8>, SysError> {
    let mut status = None;
    loop {
        match call("waitpid", "any child", wait(None, false))? {
            Waited::Child(pid, ended) if pid == command => status = Some(ended.status()),
            Waited::Child(pid, ended) => {
                if let Some(server) = server {
                    server.note_end(pid, ended);
                }
            }
            Waited::Nothing => return Ok(status),
            Waited::NoChildren if status.is_some() => return Ok(status),
            Waited::NoChildren => return Err(SysError::new("waitpid", command, Errno::CHILD)),
        }
    }
}

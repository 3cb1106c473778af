//! Advisory locks, compatible with those of bwrap, Flatpak and pressure-vessel.
//!
//! All of them lock the whole file (start 0, length 0) with an *open file description* lock
//! (`F_OFD_SETLK`, Linux 3.15), falling back to a traditional record lock where the kernel says
//! `EINVAL`. An OFD lock lives as long as any duplicate of its descriptor, in whatever process, which
//! is how a launcher hands a lock over to the supervisor. `flock(2)` is never used: it does not
//! conflict with these.
//!
//! A lock taken through an overlay does not conflict with one taken on the file below it: lock the
//! file on the host.

use nix::fcntl::{FcntlArg, fcntl};
use nix::libc;
use plan::HostPath;
use rustix::fs::{Mode, OFlags};
use rustix::io::Errno;
use std::os::fd::{AsFd, OwnedFd};
use std::time::Duration;

/// How a file is locked.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// Others may lock it shared too. The descriptor must be readable.
    Shared,
    /// Nobody else may lock it. The descriptor must be writable.
    Exclusive,
}

/// What to do when the file does not exist.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Missing {
    /// Make it, with mode 0644.
    Create,
    /// Fail with `ENOENT`.
    Fail,
}

/// Why a lock was not taken.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Error {
    /// Another process holds a conflicting lock.
    #[error("{path} is locked by another process")]
    Busy {
        /// The lock file.
        path: HostPath,
    },
    /// The file cannot be opened or locked.
    #[error("{call} {path}: {errno}")]
    Io {
        /// The lock file.
        path: HostPath,
        /// The system call.
        call: &'static str,
        /// Its error.
        errno: Errno,
    },
}

/// Locks `path` shared, without waiting.
///
/// # Errors
/// [`Error::Busy`] when somebody has it exclusively; [`Error::Io`] for anything else.
pub fn shared(path: &HostPath, missing: Missing) -> Result<OwnedFd, Error> {
    now(path, Kind::Shared, missing)
}

/// Locks `path` exclusively, without waiting.
///
/// # Errors
/// As [`shared`]; also busy when somebody has it shared.
pub fn exclusive(path: &HostPath, missing: Missing) -> Result<OwnedFd, Error> {
    now(path, Kind::Exclusive, missing)
}

/// Locks `path`, without waiting.
///
/// # Errors
/// As [`shared`] and [`exclusive`].
pub fn now(path: &HostPath, kind: Kind, missing: Missing) -> Result<OwnedFd, Error> {
    let fd = open(path, kind, missing)?;
    match try_lock(&fd, kind) {
        Ok(true) => Ok(fd),
        Ok(false) => Err(Error::Busy { path: path.clone() }),
        Err(errno) => Err(Error::Io { path: path.clone(), call: "fcntl", errno }),
    }
}

fn open(path: &HostPath, kind: Kind, missing: Missing) -> Result<OwnedFd, Error> {
    // Non-blocking, because what is there might be a FIFO.
    let flags = OFlags::CLOEXEC | OFlags::NOCTTY | OFlags::NONBLOCK;
    let flags = match (kind, missing) {
        (_, Missing::Create) => flags | OFlags::RDWR | OFlags::CREATE,
        (Kind::Exclusive, Missing::Fail) => flags | OFlags::RDWR,
        (Kind::Shared, Missing::Fail) => flags | OFlags::RDONLY,
    };
    rustix::fs::open(path.as_path(), flags, Mode::from_raw_mode(0o644)).map_err(|errno| Error::Io {
        path: path.clone(),
        call: "open",
        errno,
    })
}

/// Locks `path`, and waits for whoever has it in a way that does not go together with this.
///
/// # Errors
/// [`Error::Io`].
pub fn waiting(path: &HostPath, kind: Kind, missing: Missing) -> Result<OwnedFd, Error> {
    let fd = open(path, kind, missing)?;
    match set(&fd, kind, true) {
        Ok(_) => Ok(fd),
        Err(errno) => Err(Error::Io { path: path.clone(), call: "fcntl", errno }),
    }
}

/// Locks an open file without waiting, or changes the lock that this description has. `false`: busy; the
/// lock that there was is kept.
///
/// # Errors
/// When it cannot be locked at all.
pub fn try_lock(fd: impl AsFd, kind: Kind) -> Result<bool, Errno> {
    set(fd, kind, false)
}

/// Whether somebody, other than by this open file, has it locked in any way. It is not locked for that, not even
/// for a moment, in which whoever wants to lock it would be refused. What cannot be asked is not held.
pub(crate) fn is_held(fd: impl AsFd) -> bool {
    let mut other = whole(Kind::Exclusive);
    let mut answer = fcntl(fd.as_fd(), FcntlArg::F_OFD_GETLK(&mut other));
    if answer == Err(nix::Error::EINVAL) {
        answer = fcntl(fd.as_fd(), FcntlArg::F_GETLK(&mut other));
    }
    answer.is_ok() && other.l_type != libc::F_UNLCK as libc::c_short
}

fn whole(kind: Kind) -> libc::flock {
    let kind = match kind {
        Kind::Shared => libc::F_RDLCK,
        Kind::Exclusive => libc::F_WRLCK,
    };
    libc::flock {
        l_type: kind as libc::c_short,
        l_whence: libc::SEEK_SET as libc::c_short,
        l_start: 0,
        l_len: 0,
        // The kernel wants 0 here for OFD locks.
        l_pid: 0,
    }
}

fn set(fd: impl AsFd, kind: Kind, wait: bool) -> Result<bool, Errno> {
    let whole = whole(kind);
    let mut traditional = false;
    loop {
        let command = match (traditional, wait) {
            (false, false) => FcntlArg::F_OFD_SETLK(&whole),
            (false, true) => FcntlArg::F_OFD_SETLKW(&whole),
            (true, false) => FcntlArg::F_SETLK(&whole),
            (true, true) => FcntlArg::F_SETLKW(&whole),
        };
        match fcntl(fd.as_fd(), command) {
            Ok(_) => return Ok(true),
            Err(nix::Error::EINTR) => {}
            Err(nix::Error::EACCES | nix::Error::EAGAIN) => return Ok(false),
            Err(nix::Error::EINVAL) if !traditional => traditional = true,
            Err(e) => return Err(Errno::from_raw_os_error(e as i32)),
        }
    }
}

/// How long to sleep before looking again at a lock that is busy: growing, so that a short wait is
/// noticed soon and a long one costs nothing.
pub(crate) fn pause(attempt: u32) {
    std::thread::sleep(Duration::from_millis(u64::from(attempt.clamp(1, 20))));
}

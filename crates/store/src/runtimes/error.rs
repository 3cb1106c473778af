//! What can go wrong with whole runtimes, and how the user is told.

use crate::lock;
use plan::{Code, HostPath, Problem};
use rustix::io::Errno;

/// Why something cannot be done with a runtime.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Error {
    /// Another process has the runtime exclusively: it is being deleted or replaced.
    #[error("the runtime is being changed or deleted ({path} is locked)")]
    Busy {
        /// The lock file.
        path: HostPath,
    },
    /// A lock file cannot be opened or locked.
    #[error("{call} {path}: {errno}")]
    Lock {
        /// The lock file.
        path: HostPath,
        /// The system call.
        call: &'static str,
        /// Its error.
        errno: Errno,
    },
    /// A copy was asked for of a launch without a runtime.
    #[error("there is no runtime to be copied: the container's /usr is the host's")]
    NoRuntime,
    /// The variable directory, or something in it, cannot be made.
    #[error("{call} {path}: {errno}")]
    Variable {
        /// What was to be made.
        path: HostPath,
        /// The system call.
        call: &'static str,
        /// Its error.
        errno: Errno,
    },
    /// An archive is damaged, leads out of its directory, or has no runtime in it.
    #[error("the archive cannot be unpacked: {0}")]
    Archive(String),
    /// There is no such runtime in the library.
    #[error("there is no runtime `{0}` here")]
    Unknown(String),
    /// A runtime that is to be removed is in use.
    #[error("the runtime {path} is in use")]
    InUse {
        /// The runtime.
        path: HostPath,
        /// The lock file that somebody else has.
        lock: HostPath,
    },
    /// A name or version cannot be that of a directory here.
    #[error("`{0}` cannot be the name or version of a runtime")]
    BadName(String),
    /// The directory of runtimes cannot be used.
    #[error("the directory of runtimes cannot be used: {0}")]
    Library(crate::Error),
    /// The manifest cannot be read.
    #[error("the manifest {path} cannot be read: {why}")]
    Manifest {
        /// The file.
        path: HostPath,
        /// The system's or the reader's words.
        why: String,
    },
    /// Reading the runtime or writing the copy failed.
    #[error(transparent)]
    Content(#[from] crate::Error),
}

impl Error {
    pub(crate) fn of_lock(error: lock::Error) -> Self {
        match error {
            lock::Error::Busy { path } => Error::Busy { path },
            lock::Error::Io { path, call, errno } => Error::Lock { path, call, errno },
        }
    }

    /// The same, of something in the directory of runtimes.
    pub(super) fn in_library(self) -> Self {
        match self {
            Error::Content(
                error @ (crate::Error::Full { .. }
                | crate::Error::Unwritable { .. }
                | crate::Error::Io { .. }
                | crate::Error::Refused { .. }),
            ) => Error::Library(error),
            other => other,
        }
    }

    /// The problem to show.
    pub fn problem(&self) -> Problem {
        let blocking = |code| Problem::blocking(code, self.to_string());
        match self {
            Error::Busy { .. } => blocking(Code::RUNTIME_BUSY)
                .hint("wait until the update or removal has finished, and start again"),
            Error::NoRuntime => blocking(Code::BAD_VALUE)
                .hint("name a runtime, or leave out what asks for a copy of it"),
            Error::Archive(_) => blocking(Code::ARCHIVE_BROKEN)
                .hint("get the archive again; it must hold one unpacked runtime"),
            Error::Unknown(_) => blocking(Code::RUNTIME_MISSING)
                .hint("`bathysphere runtime list` shows what is there"),
            Error::InUse { lock, .. } => blocking(Code::RUNTIME_IN_USE)
                .evidence(format!("locked: {lock}"))
                .hint("end the games that use it, and run this again"),
            Error::BadName(_) => blocking(Code::BAD_VALUE)
                .hint("use letters, digits and `.`, `_`, `-`, not at the start"),
            Error::Library(error) => match error {
                crate::Error::Full { .. } => blocking(Code::DISK_FULL).hint(
                    "free some space there, or set BATHYSPHERE_RUNTIMES to a directory on another \
                     disk",
                ),
                _ => blocking(Code::COPY_IMPOSSIBLE)
                    .hint("set BATHYSPHERE_RUNTIMES to a directory of your own"),
            },
            Error::Manifest { .. } => blocking(Code::MTREE_BROKEN)
                .hint("let Steam verify the runtime's files, or add the runtime again"),
            Error::Variable { .. } | Error::Lock { .. } => blocking(Code::COPY_IMPOSSIBLE)
                .hint("name a directory that you can write with --variable-dir"),
            Error::Content(error) => match error {
                crate::Error::Full { .. } => blocking(Code::DISK_FULL)
                    .hint("free some space where the variable directory is, or name another one"),
                crate::Error::SourceChanged { .. } | crate::Error::Source { .. } => error.problem(),
                _ => blocking(Code::COPY_IMPOSSIBLE)
                    .hint("name a directory that you can write with --variable-dir"),
            },
        }
    }
}

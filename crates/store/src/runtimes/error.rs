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

    /// The problem to show.
    pub fn problem(&self) -> Problem {
        let blocking = |code| Problem::blocking(code, self.to_string());
        match self {
            Error::Busy { .. } => blocking(Code::RUNTIME_BUSY)
                .hint("wait until the update or removal has finished, and start again"),
            Error::NoRuntime => blocking(Code::BAD_VALUE)
                .hint("name a runtime, or leave out what asks for a copy of it"),
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

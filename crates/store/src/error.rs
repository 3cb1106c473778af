//! What can go wrong in the store, and how the user is told.

use plan::{Code, HostPath, Problem, RootPath};
use rustix::io::Errno;
use std::fmt;

/// Why the store, or what was to be put into it, cannot be had.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Error {
    /// The directory is not one that may be trusted with what programs will execute.
    #[error("{path} cannot be the store: {why}")]
    Refused {
        /// The directory.
        path: HostPath,
        /// What is wrong with it.
        why: Refusal,
    },
    /// The store cannot be made or written: read-only, or no permission.
    #[error("the store cannot be written ({call} {path}: {errno})")]
    Unwritable {
        /// What was to be written.
        path: HostPath,
        /// The system call.
        call: &'static str,
        /// Its error.
        errno: Errno,
    },
    /// No space, no inodes or no quota left.
    #[error("there is no space left for what the launch needs ({call} {path}: {errno})")]
    Full {
        /// What was to be written.
        path: HostPath,
        /// The system call.
        call: &'static str,
        /// Its error.
        errno: Errno,
    },
    /// The store's file system cannot have whiteouts: the union must be made as a tree.
    #[error("the store's file system has no whiteouts (mknodat {path}: {errno})")]
    NoWhiteouts {
        /// The whiteout that was to be made.
        path: HostPath,
        /// The error of `mknodat`.
        errno: Errno,
    },
    /// A file changed between being inspected and being taken: inspect again.
    #[error("{path} changed while it was being used")]
    SourceChanged {
        /// The file.
        path: HostPath,
    },
    /// A file or directory of the host cannot be read.
    #[error("{call} {path}: {errno}")]
    Source {
        /// The file.
        path: HostPath,
        /// The system call.
        call: &'static str,
        /// Its error.
        errno: Errno,
    },
    /// The description of a layer contradicts itself: a mistake of its author.
    #[error("the layer's entry {path} {why}")]
    BadSpec {
        /// The entry.
        path: RootPath,
        /// What is wrong.
        why: &'static str,
    },
    /// Directories are nested deeper than [`crate::Store::MAX_DEPTH`].
    #[error("{path} is nested too deeply")]
    TooDeep {
        /// The directory at which it was given up.
        path: HostPath,
    },
    /// Any other failed call on something in the store.
    #[error("{call} {path}: {errno}")]
    Io {
        /// What it was about.
        path: HostPath,
        /// The system call.
        call: &'static str,
        /// Its error.
        errno: Errno,
    },
}

/// Why a directory is refused as the store.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Refusal {
    /// It belongs to this other user.
    OtherOwner(u32),
    /// Everybody may write to it; these are its permission bits.
    WorldWritable(u32),
    /// It is no directory.
    NotADirectory,
}

impl fmt::Display for Refusal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Refusal::OtherOwner(uid) => write!(f, "it belongs to another user (uid {uid})"),
            Refusal::WorldWritable(mode) => {
                write!(f, "everybody may write to it (mode {mode:04o})")
            }
            Refusal::NotADirectory => f.write_str("it is not a directory"),
        }
    }
}

impl Error {
    /// Classifies a failed call that was to change something in the store.
    pub(crate) fn writing(path: HostPath, call: &'static str, errno: Errno) -> Self {
        match errno {
            Errno::NOSPC | Errno::DQUOT => Error::Full { path, call, errno },
            Errno::ROFS | Errno::ACCESS | Errno::PERM => Error::Unwritable { path, call, errno },
            _ => Error::Io { path, call, errno },
        }
    }

    /// Whether another, writable store would help.
    pub fn is_unwritable(&self) -> bool {
        matches!(self, Error::Unwritable { .. })
    }

    /// The problem to show, which stops the launch.
    pub fn problem(&self) -> Problem {
        let blocking = |code| Problem::blocking(code, self.to_string());
        match self {
            Error::Refused { path, why } => {
                let problem = blocking(Code::STORE_UNWRITABLE);
                match why {
                    Refusal::WorldWritable(_) => problem.hint(format!(
                        "`chmod 0700 {path}` after making sure that nobody has put anything there, \
                         or set BATHYSPHERE_STORE to another directory"
                    )),
                    _ => problem.hint("set BATHYSPHERE_STORE to a directory of your own"),
                }
            }
            Error::Unwritable { .. } => blocking(Code::STORE_UNWRITABLE)
                .hint("set BATHYSPHERE_STORE to a directory that you can write"),
            Error::Full { .. } => blocking(Code::DISK_FULL).hint(
                "free some space there (`bathysphere runtime gc` deletes what is unused), or set \
                 BATHYSPHERE_STORE to a directory on another disk",
            ),
            Error::SourceChanged { .. } => blocking(Code::RUNTIME_BUSY)
                .hint("wait until the update that changes it has finished, and start again"),
            Error::Source { .. } => blocking(Code::UNREADABLE),
            Error::NoWhiteouts { .. } => blocking(Code::SETUP_FAILED)
                .hint("set BATHYSPHERE_STORE to a directory on a local disk"),
            Error::BadSpec { .. } | Error::TooDeep { .. } | Error::Io { .. } => {
                blocking(Code::SETUP_FAILED)
            }
        }
    }
}

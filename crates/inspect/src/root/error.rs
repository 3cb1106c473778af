//! Why a path of a root cannot be used.

use super::TrailStep;
use plan::{HostPath, RootPath};
use rustix::io::Errno;
use std::fmt;

/// Why a path of a root cannot be used. `path` is always the path that was asked for.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Error {
    /// It, or what a link on the way names, does not exist.
    #[error("`{path}` does not exist{}", Trail(.trail))]
    NotFound {
        /// What was asked for.
        path: RootPath,
        /// The links followed before it ended.
        trail: Vec<TrailStep>,
    },
    /// Something on the way, or the thing itself where a directory is needed, is no directory.
    #[error("`{path}`: `{at}` is not a directory{}", Trail(.trail))]
    NotADirectory {
        /// What was asked for.
        path: RootPath,
        /// What is no directory.
        at: RootPath,
        /// The links followed before it ended.
        trail: Vec<TrailStep>,
    },
    /// A regular file is needed, and this is none.
    #[error("`{path}` is not a regular file{}", Trail(.trail))]
    NotAFile {
        /// What was asked for.
        path: RootPath,
        /// The links followed.
        trail: Vec<TrailStep>,
    },
    /// More than 40 links.
    #[error("`{path}` leads through more than 40 symbolic links{}", Trail(.trail))]
    Loop {
        /// What was asked for.
        path: RootPath,
        /// The links followed before it ended.
        trail: Vec<TrailStep>,
    },
    /// A directory on the way may not be searched, or the file may not be read.
    #[error("`{path}`: no permission at `{at}`{}", Trail(.trail))]
    Denied {
        /// What was asked for.
        path: RootPath,
        /// Where permission is lacking.
        at: RootPath,
        /// The links followed before it ended.
        trail: Vec<TrailStep>,
    },
    /// It is below an automount point that is not mounted; going on would mount it.
    #[error("`{path}`: `{at}` is an automount point, which is left alone{}", Trail(.trail))]
    Automount {
        /// What was asked for.
        path: RootPath,
        /// The automount point.
        at: RootPath,
        /// The links followed before it ended.
        trail: Vec<TrailStep>,
    },
    /// The root itself cannot be used.
    #[error("`{host}` cannot be used as a root: {errno}")]
    Unusable {
        /// Where it should be.
        host: HostPath,
        /// The error of opening it.
        errno: Errno,
    },
    /// The file is larger than what is read.
    #[error("`{path}` has {size} bytes, more than the {limit} that are read")]
    TooLarge {
        /// What was asked for.
        path: RootPath,
        /// Its size in bytes.
        size: u64,
        /// The limit in bytes.
        limit: u64,
    },
    /// A system call failed otherwise.
    #[error("`{path}`: {call}: {errno}{}", Trail(.trail))]
    Io {
        /// What was asked for.
        path: RootPath,
        /// The system call.
        call: &'static str,
        /// Its error.
        errno: Errno,
        /// The links followed before it ended.
        trail: Vec<TrailStep>,
    },
}

impl Error {
    /// Whether there is simply nothing at the path: it is missing, dangling, or below a file.
    pub fn is_absent(&self) -> bool {
        matches!(self, Self::NotFound { .. } | Self::NotADirectory { .. })
    }
}

/// What went wrong at one component, before it is known for which path.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Fault {
    Missing,
    NotADirectory,
    Automount,
    Call(&'static str, Errno),
}

impl Fault {
    /// Takes an error of a system call on one component.
    pub(super) fn from_errno(call: &'static str, errno: Errno) -> Self {
        match errno {
            Errno::NOENT => Self::Missing,
            Errno::NOTDIR => Self::NotADirectory,
            _ => Self::Call(call, errno),
        }
    }

    /// The error of the whole path.
    pub(super) fn at(self, path: &RootPath, at: &RootPath, trail: &[TrailStep]) -> Error {
        let (path, at, trail) = (path.clone(), at.clone(), trail.to_vec());
        match self {
            Self::Missing => Error::NotFound { path, trail },
            Self::NotADirectory => Error::NotADirectory { path, at, trail },
            Self::Automount => Error::Automount { path, at, trail },
            Self::Call(_, Errno::ACCESS | Errno::PERM) => Error::Denied { path, at, trail },
            Self::Call(call, errno) => Error::Io { path, call, errno, trail },
        }
    }
}

/// Shows the links that were followed, at most a few of them.
struct Trail<'a>(&'a [TrailStep]);

impl fmt::Display for Trail<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        const SHOWN: usize = 6;
        for (i, step) in self.0.iter().take(SHOWN).enumerate() {
            let target = plan::ByteString::from(step.target.as_os_str());
            write!(f, "{} {} -> {target}", if i == 0 { "; by" } else { "," }, step.at)?;
        }
        if self.0.len() > SHOWN {
            write!(f, ", and {} more", self.0.len() - SHOWN)?;
        }
        Ok(())
    }
}

//! What can go wrong, and how the user is told.

use plan::{Code, Problem, Tuple};
use std::io;
use std::path::{Path, PathBuf};

/// Why something is not installed, or not removed.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// The directory is not one to install to.
    #[error("`{}` {why}", .path.display())]
    NoPlace {
        /// The directory.
        path: PathBuf,
        /// What is wrong with it.
        why: &'static str,
    },
    /// A failed call on a file.
    #[error("{what} `{}`: {error}", .path.display())]
    Io {
        /// What was being done.
        what: &'static str,
        /// The file.
        path: PathBuf,
        /// Why it failed.
        error: io::Error,
    },
    /// There is no program to install.
    #[error("there is no build of this program for {0}")]
    NoBuild(Tuple),
    /// There is nothing to remove.
    #[error("nothing of this program is installed in `{}`", .0.display())]
    NothingThere(PathBuf),
    /// What was replaced is not where it was kept.
    #[error("what was in `{}` is not in `{}` any more", .path.display(), .kept.display())]
    OriginalGone {
        /// The directory.
        path: PathBuf,
        /// Where it was kept.
        kept: PathBuf,
    },
    /// Another process is installing or removing there.
    #[error("another process is installing beside `{}`", .0.display())]
    Busy(PathBuf),
}

impl Error {
    /// For the user to read.
    #[must_use]
    pub fn problem(&self) -> Problem {
        let (code, hint) = match self {
            Self::NoPlace { .. } => (
                Code::NO_PLACE_TO_INSTALL,
                "name a new or empty directory with `--prefix`, the `pressure-vessel` directory of a runtime with `--replace`",
            ),
            Self::Io { .. } => (
                Code::INSTALLATION_FAILED,
                "nothing was changed; make sure that the directory can be written and has space left",
            ),
            Self::NoBuild(_) => (
                Code::INSTALLATION_FAILED,
                "start the program from a tree that `cargo xtask dist` has made",
            ),
            Self::Busy(_) => (Code::INSTALLATION_FAILED, "wait for it, then try again"),
            Self::NothingThere(_) => {
                (Code::NOT_INSTALLED, "`bathysphere install --status` shows what is installed")
            }
            Self::OriginalGone { .. } => (
                Code::NOT_INSTALLED,
                "let Steam verify the files of the runtime: it fetches what is missing",
            ),
        };
        Problem::blocking(code, self.to_string()).hint(hint)
    }
}

/// Says what a failed call was for.
pub(crate) trait At<T> {
    /// With what was being done, and to what.
    fn at(self, what: &'static str, path: &Path) -> Result<T, Error>;
}

impl<T, E: Into<io::Error>> At<T> for Result<T, E> {
    fn at(self, what: &'static str, path: &Path) -> Result<T, Error> {
        self.map_err(|error| Error::Io { what, path: path.into(), error: error.into() })
    }
}

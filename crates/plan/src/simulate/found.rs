//! What a resolution gives: the file, or why there is none, and the way there.

use super::mount::Place;
use crate::{ByteString, ContainerPath, HostPath, LayerName, RootPath, Source};
use serde::{Deserialize, Serialize};
use std::fmt;
use std::sync::Arc;

/// What kind of file something is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Kind {
    /// A regular file.
    File,
    /// A directory.
    Directory,
    /// A symbolic link.
    Symlink,
    /// A socket, FIFO or device.
    Other,
}

/// Where the content of a file is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Origin {
    /// On the host.
    Host(HostPath),
    /// In one of the plan's layers, which need not have been prepared.
    Layer {
        /// Which.
        layer: LayerName,
        /// What of it.
        path: RootPath,
    },
    /// Made by an operation: a directory, link or file in memory, or a mount point.
    Made,
}

/// One step on the way from a path to a file.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Step {
    /// A symbolic link was followed.
    Link {
        /// Where it is.
        at: ContainerPath,
        /// Its text.
        target: ByteString,
    },
    /// Something is mounted at a place that was passed.
    Mount {
        /// Where.
        at: ContainerPath,
        /// Index of the operation in [`crate::Plan::steps`].
        step: usize,
        /// The operation with its reason.
        about: Arc<str>,
    },
    /// One of the directories of a stack has what was asked for.
    Chosen {
        /// What was asked for.
        at: ContainerPath,
        /// The directory of the stack that has it.
        source: Source,
        /// How many directories of the stack were above it at this place.
        above: usize,
    },
    /// The emulator looks at another path first.
    Redirected {
        /// The path that the program gave.
        path: ByteString,
        /// Where the emulator looks.
        to: ByteString,
        /// The rule, as "FEX, open".
        rule: &'static str,
    },
    /// The emulator found nothing there, and takes the path as it is.
    FellBack {
        /// Where it looked.
        from: ByteString,
        /// Why it found nothing.
        reason: Reason,
    },
}

/// Why a path leads to nothing. [`Reason::errno`] has the error that a program would get.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Reason {
    /// There is nothing of this name.
    NotFound,
    /// A directory further down in a stack has it, and this one hides it.
    Whiteout(Source),
    /// Something that is no directory is used as one.
    NotADirectory,
    /// More than 40 symbolic links on the way (`MAXSYMLINKS` of Linux).
    Loop,
    /// A name of more than 255 bytes, or a path of more than 4095.
    NameTooLong,
    /// The user may not search a directory.
    Denied,
    /// `readlink` of something that is no symbolic link.
    NotALink,
    /// Execution of something that is no regular file, has no executable bit, or lies on a mount
    /// that forbids execution.
    NotExecutable,
    /// FEX looks for the interpreter of a script only below its root, where it is not.
    NoInterpreter,
    /// What procfs shows here depends on the process that asks.
    Process,
    /// The path contains a NUL byte, which no system call can be given.
    Nul,
    /// The host cannot read it, with this error number.
    Unreadable(i32),
}

/// A file that a path leads to.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Found {
    /// Its path to native processes, free of symbolic links. In the emulated view too, so it may lie
    /// below the emulator's root.
    pub path: ContainerPath,
    /// Where its content is.
    pub origin: Origin,
    /// What it is. A link only where the call does not follow the last one.
    pub kind: Kind,
    /// The text of the link, if it is one.
    pub link: Option<ByteString>,
    /// Permission bits.
    pub mode: u32,
    /// How it was found.
    pub trail: Vec<Step>,
    /// The same for the namespace.
    pub(super) place: Place,
}

/// Why a path leads to no file.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Failure {
    /// Why.
    pub reason: Reason,
    /// Where the way ends: the name that is missing, the link that is one too many ….
    pub at: ContainerPath,
    /// How it was reached.
    pub trail: Vec<Step>,
}

/// An entry of a directory.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Entry {
    /// Its name.
    pub name: ByteString,
    /// What it is; links are not followed.
    pub kind: Kind,
}

impl Reason {
    /// The error number that a program would get; `None` where that cannot be said.
    pub fn errno(&self) -> Option<i32> {
        use rustix::io::Errno;
        let errno = match self {
            Reason::NotFound | Reason::Whiteout(_) => Errno::NOENT,
            Reason::NotADirectory => Errno::NOTDIR,
            Reason::Loop => Errno::LOOP,
            Reason::NameTooLong => Errno::NAMETOOLONG,
            Reason::Denied | Reason::NotExecutable => Errno::ACCESS,
            Reason::NotALink => Errno::INVAL,
            Reason::NoInterpreter => Errno::NOEXEC,
            Reason::Unreadable(number) => return Some(*number),
            Reason::Process | Reason::Nul => return None,
        };
        Some(errno.raw_os_error())
    }

    pub(super) fn of(errno: rustix::io::Errno) -> Self {
        use rustix::io::Errno;
        match errno {
            Errno::NOENT => Reason::NotFound,
            Errno::NOTDIR => Reason::NotADirectory,
            Errno::LOOP => Reason::Loop,
            Errno::NAMETOOLONG => Reason::NameTooLong,
            Errno::ACCESS => Reason::Denied,
            other => Reason::Unreadable(other.raw_os_error()),
        }
    }
}

impl fmt::Display for Reason {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Reason::NotFound => f.write_str("it does not exist"),
            Reason::Whiteout(source) => write!(f, "it is hidden by {source}"),
            Reason::NotADirectory => f.write_str("it is not a directory"),
            Reason::Loop => f.write_str("there are more than 40 symbolic links on the way"),
            Reason::NameTooLong => f.write_str("the name is too long"),
            Reason::Denied => f.write_str("permission is denied"),
            Reason::NotALink => f.write_str("it is not a symbolic link"),
            Reason::NotExecutable => f.write_str("it cannot be executed"),
            Reason::NoInterpreter => {
                f.write_str("the interpreter of a script must be below the emulator's root")
            }
            Reason::Process => f.write_str("it depends on the process that asks"),
            Reason::Nul => f.write_str("the path contains a NUL byte"),
            Reason::Unreadable(number) => {
                write!(f, "{}", std::io::Error::from_raw_os_error(*number))
            }
        }
    }
}

impl fmt::Display for Failure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {}", self.at, self.reason)
    }
}

impl std::error::Error for Failure {}

impl fmt::Display for Step {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Step::Link { at, target } => write!(f, "{at} -> {target}"),
            Step::Mount { at, step, about } => write!(f, "{at} is step {step}: {about}"),
            Step::Chosen { at, source, above: 0 } => write!(f, "{at} comes from {source}"),
            Step::Chosen { at, source, above } => {
                write!(f, "{at} comes from {source}, below {above} other")
            }
            Step::Redirected { path, to, rule } => write!(f, "{path}: {rule} looks at {to} first"),
            Step::FellBack { from, reason } => {
                write!(f, "{from}: {reason}; the path is taken as it is")
            }
        }
    }
}

impl fmt::Display for Origin {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Origin::Host(path) => write!(f, "{path}"),
            Origin::Layer { layer, path } => write!(f, "layer:{layer}{path}"),
            Origin::Made => f.write_str("made for the container"),
        }
    }
}

impl fmt::Display for Kind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Kind::File => "file",
            Kind::Directory => "directory",
            Kind::Symlink => "symbolic link",
            Kind::Other => "special file",
        })
    }
}

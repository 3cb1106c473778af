//! The operations that build a container's file-system namespace.
//!
//! One operation is one variant here, one line in `display`, one function in the built-in executor
//! (`sandbox`) and one row in its translation to bwrap arguments.

use crate::{ByteString, ContainerPath, HostPath, LayerName, RootPath};
use serde::{Deserialize, Serialize};

/// An operation with the reason why the plan has it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Step {
    /// What is done.
    #[serde(flatten)]
    pub op: Op,
    /// Why, in a few words: "the runtime's /usr", "X11 socket of :0".
    pub reason: String,
}

/// One operation on the namespace. The target of each is made if it is missing, and so are the
/// target's parent directories (mode 0755), but only in the base `tmpfs` or a [`Op::Tmpfs`]: below
/// a read-only mount the layer must already have it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "op", rename_all = "kebab-case")]
pub enum Op {
    /// An empty directory, unless there is one.
    Directory {
        /// Where.
        at: ContainerPath,
        /// Permission bits of a directory that is made.
        mode: u32,
    },
    /// A symbolic link. What is there already must be the same link.
    Symlink {
        /// Where.
        at: ContainerPath,
        /// The text of the link, as it is.
        target: ByteString,
    },
    /// A small read-only file.
    File {
        /// Where.
        at: ContainerPath,
        /// What is in it.
        content: ByteString,
        /// Permission bits.
        mode: u32,
    },
    /// A file or directory of the host, with the mounts below it.
    ///
    /// The source is a path that has been resolved: it has no symbolic link in it when planned, so
    /// that what was looked at is what is mounted.
    Bind {
        /// What is shown.
        source: Source,
        /// Where.
        at: ContainerPath,
        /// What may be done with it.
        access: Access,
        /// The launch goes on without it when the source has vanished since it was inspected.
        optional: bool,
    },
    /// Read-only union of directories, uppermost first, by overlayfs, or, where that cannot serve, a
    /// tree with the same content made once from the same description. At least two.
    Stack {
        /// Where.
        at: ContainerPath,
        /// Directories, uppermost first.
        sources: Vec<Source>,
        /// How the union is made.
        form: StackForm,
    },
    /// An empty file system in memory.
    Tmpfs {
        /// Where.
        at: ContainerPath,
        /// Permission bits of its root.
        mode: u32,
    },
    /// Makes the mount at the path read-only, after things were put into it. Not its submounts.
    ReadOnly {
        /// Which mount.
        at: ContainerPath,
    },
    /// A fresh procfs of the container's own PID namespace.
    Proc {
        /// Where.
        at: ContainerPath,
    },
}

/// Where the content of a mount comes from.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Source {
    /// A path of the host.
    Host(HostPath),
    /// A path inside a prepared layer, which is in the store by the time the plan is executed.
    Layer {
        /// Which of the plan's layers.
        layer: LayerName,
        /// What of it; `/` is all of it.
        path: RootPath,
    },
}

/// What may be done with a bound file or directory.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Access {
    /// Read. `nosuid`, `nodev`.
    ReadOnly,
    /// Read and write, as the user may. `nosuid`, `nodev`.
    ReadWrite,
    /// Read and write, and device nodes work. `nosuid`.
    Device,
}

/// How a [`Op::Stack`] is made. From inside both look the same.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum StackForm {
    /// One overlayfs mount over the untouched sources.
    Overlay,
    /// A bind of a prepared tree: the union, made once in the store (hard links, reflinks or copies)
    /// and reused.
    Tree,
}

impl Op {
    /// The path in the container that the operation is about.
    pub fn at(&self) -> &ContainerPath {
        match self {
            Op::Directory { at, .. }
            | Op::Symlink { at, .. }
            | Op::File { at, .. }
            | Op::Bind { at, .. }
            | Op::Stack { at, .. }
            | Op::Tmpfs { at, .. }
            | Op::ReadOnly { at }
            | Op::Proc { at } => at,
        }
    }
}

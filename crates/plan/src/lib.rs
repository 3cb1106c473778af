//! The container as a value.
//!
//! A [`Plan`] says everything that a launch will do: which operations build the file-system
//! namespace, in which order, which environment and file descriptors the command gets, and why each
//! of these is so. It is made by `compose`, printed and checked here, and executed by `sandbox`.
//!
//! This crate knows path types, operations, layers and the record of decisions. It must not mount,
//! spawn, or decide policy, and a plan never holds a file descriptor of its own making.

#![forbid(unsafe_code)]

mod bytes;
mod decision;
mod display;
mod emulation;
mod environment;
pub mod export;
pub mod hex;
mod layer;
mod operation;
mod path;
mod problem;
pub mod real;
pub mod simulate;
pub mod tree;
mod tuple;

use serde::{Deserialize, Serialize};

pub use bytes::ByteString;
pub use decision::{Candidate, Decision, Origin, Subject, Verdict};
pub use emulation::{Composition, Emulation, Emulator, Server};
pub use environment::{Environment, Variable};
pub use layer::{LayerEntry, LayerName, LayerSpec};
pub use operation::{Access, Op, Source, StackForm, Step};
pub use path::{ContainerPath, HostPath, PathError, RootPath};
pub use problem::{Code, Problem, Severity};
pub use tuple::{Tuple, UnknownTuple};

/// The version of the serialised form of [`Plan`]. Raised when a reader of the old form would
/// misunderstand the new one.
pub const SCHEMA: u32 = 1;

/// Everything that one launch does, decided.
///
/// Invariants, kept by `compose`:
/// - `steps` are executed in order; a step never depends on a later one;
/// - every [`Source::Layer`] names a layer in `layers`;
/// - nothing in it depends on time, process id or the order of directory entries, so that equal
///   input gives an equal plan.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Plan {
    /// Version of the serialised form, [`SCHEMA`].
    pub schema: u32,
    /// Prepared content that must exist before the steps are executed.
    #[serde(default)]
    pub layers: Vec<LayerSpec>,
    /// What builds the file-system namespace, in order, on an empty `tmpfs` root.
    pub steps: Vec<Step>,
    /// The environment of the command, as changes to the inherited one.
    #[serde(default)]
    pub environment: Environment,
    /// Where the command starts.
    pub working_directory: ContainerPath,
    /// The command and its arguments; never empty.
    pub command: Vec<ByteString>,
    /// How the command is supervised.
    #[serde(default)]
    pub supervision: Supervision,
    /// Namespaces beyond the user and mount namespace.
    #[serde(default)]
    pub namespaces: Namespaces,
    /// How foreign programs run in it; `None`: all programs are native.
    pub emulation: Option<Emulation>,
    /// Why things are as they are: every library, manifest and path that was considered.
    #[serde(default)]
    pub decisions: Vec<Decision>,
    /// Things the user should know that do not stop the launch.
    #[serde(default)]
    pub warnings: Vec<Problem>,
}

/// What the in-container supervisor does for the command.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct Supervision {
    /// Descriptors of the launcher that the command inherits, beside 0, 1 and 2.
    pub pass_fds: Vec<i32>,
    /// `(target, source)`: the command's descriptor `target` is the launcher's `source`.
    pub assign_fds: Vec<(i32, i32)>,
    /// Files on the host that are locked shared (OFD record lock) while the container lives. They
    /// are locked outside, because a lock through an overlay does not conflict with one below it.
    /// One that is missing is made, and left out where it cannot be made.
    pub locks: Vec<HostPath>,
    /// How long descendants may go on after the command has ended, before SIGTERM (see
    /// `terminate_grace`), in milliseconds. `None`: they are waited for without limit.
    pub terminate_idle: Option<u64>,
    /// Time between SIGTERM and SIGKILL for descendants, in milliseconds.
    pub terminate_grace: u64,
    /// Start a new session, so that the command cannot push characters into our terminal.
    pub new_session: bool,
    /// Connect standard input to `/dev/null`.
    pub null_stdin: bool,
    /// Modules for `LD_PRELOAD`; empty for most launches.
    pub ld_preload: Vec<Preload>,
    /// Modules for `LD_AUDIT`; empty for most launches.
    pub ld_audit: Vec<Preload>,
    /// Variables of the environment whose value gets the launcher's process id appended: names that
    /// launches of one plan must not share.
    pub per_launch: Vec<ByteString>,
}

/// One module for `LD_PRELOAD` or `LD_AUDIT`, possibly for one ABI only.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Preload {
    /// The module as the command will see it: a path in the container, in which `${LIB}` and
    /// `${PLATFORM}` are for the dynamic linker, or a SONAME. Modules of several ABIs can have the same
    /// text, which is then said to the dynamic linker once.
    pub module: ByteString,
    /// The ABI that it is for; `None`: all of them.
    pub tuple: Option<Tuple>,
}

/// Which further namespaces are unshared. IPC and network stay shared: Steam needs them.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct Namespaces {
    /// A PID namespace of its own, with a fresh `/proc`.
    pub pid: bool,
}

impl Plan {
    /// A plan that starts `command` in `/` and has nothing else yet.
    pub fn new(command: Vec<ByteString>) -> Self {
        Self {
            schema: SCHEMA,
            layers: vec![],
            steps: vec![],
            environment: Environment::default(),
            working_directory: ContainerPath::root(),
            command,
            supervision: Supervision::default(),
            namespaces: Namespaces::default(),
            emulation: None,
            decisions: vec![],
            warnings: vec![],
        }
    }

    /// The layer called `name`, if the plan has one.
    pub fn layer(&self, name: &LayerName) -> Option<&LayerSpec> {
        self.layers.iter().find(|l| &l.name == name)
    }
}

//! What can go wrong between a plan and its command, and what the user is told about it.

use crate::probe::{self, Diagnosis, Refusal};
use crate::sys::SysError;
use plan::{Code, ContainerPath, HostPath, LayerName, Problem};
use serde::{Deserialize, Serialize};
use std::path::Path;

/// Which part of a step failed, where that matters to the caller.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum StepKind {
    /// overlayfs refused the sources. The same plan with [`plan::StackForm::Tree`] for this stack
    /// may work.
    Overlay,
    /// Anything else.
    Other,
}

/// A step of the plan that failed.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, thiserror::Error)]
#[error("step {} of the plan failed, `{operation}` ({reason}): {failure}", index + 1)]
pub struct FailedStep {
    /// Position in `Plan::steps`, from 0.
    pub index: usize,
    /// The operation as it displays itself.
    pub operation: String,
    /// The step's reason.
    pub reason: String,
    /// What the operation is about.
    pub at: ContainerPath,
    /// Which part of it.
    pub kind: StepKind,
    /// The call that failed.
    pub failure: SysError,
    /// What the kernel said besides, one line each.
    pub log: Vec<String>,
}

/// Why a plan is not running, or did not run.
///
/// After any of them nothing remains: mounts end with the process that made them, and no file is
/// written outside memory.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, thiserror::Error)]
pub enum Error {
    /// The kernel, or a rule of this machine, does not let us create the namespaces.
    #[error("user and mount namespaces cannot be created: {0}")]
    NoNamespaces(Box<Refusal>),
    /// The kernel, or a seccomp filter, lacks a call of the mount API of Linux 5.2.
    #[error("the mount API of Linux 5.2 is missing: {0}")]
    NoMountApi(SysError),
    /// A step of the plan failed.
    #[error("{0}")]
    Step(Box<FailedStep>),
    /// Something before or after the steps failed.
    #[error("{doing}: {failure}")]
    Setup {
        /// What was being done: "entering the new root".
        doing: String,
        /// The call that failed.
        failure: SysError,
    },
    /// The plan names a layer that was not prepared. A mistake in the caller.
    #[error("the layer `{0}` has not been prepared")]
    LayerMissing(LayerName),
    /// A stack of the plan is in tree form, and its tree was not prepared. A mistake in the caller.
    #[error("the tree for {0} has not been prepared")]
    TreeMissing(ContainerPath),
    /// The executor has no overlays. The same plan with [`plan::StackForm::Tree`] works.
    #[error("no overlay can be mounted at {at}: {why}")]
    OverlayUnsupported {
        /// The stack.
        at: ContainerPath,
        /// Why not.
        why: String,
    },
    /// Another process has locked the file exclusively.
    #[error("{0} is locked by another process")]
    LockBusy(HostPath),
    /// A file that is to be locked cannot be.
    #[error("locking {path}: {failure}")]
    Lock {
        /// The file.
        path: HostPath,
        /// The call that failed.
        failure: SysError,
    },
    /// A descriptor that the command is to have is not open, or two are to get one number.
    #[error("descriptor {fd} cannot be passed to the command: {why}")]
    Descriptor {
        /// Its number.
        fd: i32,
        /// Why not.
        why: String,
    },
    /// A string of the command or environment has a NUL byte, or there is no command.
    #[error("the command cannot be started: {0}")]
    BadCommand(String),
    /// The working directory cannot be entered.
    #[error("the working directory {path} cannot be entered: {failure}")]
    WorkingDirectory {
        /// The directory, in the container.
        path: ContainerPath,
        /// The call that failed.
        failure: SysError,
    },
    /// The command is not there.
    #[error("`{command}` does not exist in the container")]
    CommandNotFound {
        /// As it was given.
        command: String,
        /// Every path that was tried.
        tried: Vec<String>,
    },
    /// The command is there and cannot be executed.
    #[error("`{command}` cannot be executed: {why}")]
    CommandNotExecutable {
        /// As it was given.
        command: String,
        /// The file, in the container.
        file: String,
        /// Why, such as its interpreter that is missing.
        why: String,
        /// The error that `execve` gave.
        failure: Box<SysError>,
    },
    /// The emulator's server is not ready.
    #[error("the emulator's server `{program}` did not become ready: {why}")]
    Server {
        /// Its program, as it was given.
        program: String,
        /// What it did instead.
        why: String,
        /// What it wrote to standard output, one line each.
        said: Vec<String>,
    },
    /// There is no bwrap.
    #[error("bwrap was not found")]
    BwrapMissing {
        /// Every path that was tried.
        tried: Vec<String>,
    },
    /// This program is emulated, and bwrap would be, too.
    #[error(
        "bwrap would be run by the emulator, and mount other files than those that it is shown"
    )]
    ForeignBwrap,
    /// bwrap ended before it started the supervisor.
    #[error("{path} failed with status {status}{}", because(.diagnosis.as_deref()))]
    BwrapFailed {
        /// Which bwrap.
        path: String,
        /// Its exit status.
        status: u8,
        /// What it wrote to standard error, by line.
        messages: Vec<String>,
        /// What explains it, when that was found.
        diagnosis: Option<Box<Diagnosis>>,
    },
    /// The plan asks for something that this executor cannot do.
    #[error("{executor} cannot carry out this plan: {why}")]
    Unsupported {
        /// Which executor.
        executor: String,
        /// Why not.
        why: String,
    },
    /// The supervisor failed.
    #[error("the supervisor failed while {doing}: {failure}")]
    Supervisor {
        /// What it was doing.
        doing: String,
        /// The call that failed.
        failure: SysError,
    },
}

impl Error {
    /// The exit status for it, as `env(1)` has it: 127 not found, 126 not executable, 125 the rest.
    pub fn exit_status(&self) -> u8 {
        match self {
            Error::CommandNotFound { .. } => 127,
            Error::CommandNotExecutable { .. } => 126,
            _ => 125,
        }
    }

    /// The stack that could not be mounted as an overlay, where that is what failed: the caller may
    /// try again with a prepared tree in its place.
    pub fn refused_overlay(&self) -> Option<&ContainerPath> {
        match self {
            Error::Step(step) if step.kind == StepKind::Overlay => Some(&step.at),
            Error::OverlayUnsupported { at, .. } => Some(at),
            _ => None,
        }
    }

    /// Whether the command has certainly not been started: the launch can be tried again.
    pub fn is_before_command(&self) -> bool {
        matches!(
            self,
            Error::NoNamespaces(_)
                | Error::NoMountApi(_)
                | Error::Step(_)
                | Error::LayerMissing(_)
                | Error::TreeMissing(_)
                | Error::OverlayUnsupported { .. }
                | Error::LockBusy(_)
                | Error::Lock { .. }
                | Error::Descriptor { .. }
                | Error::BadCommand(_)
                | Error::WorkingDirectory { .. }
                | Error::CommandNotFound { .. }
                | Error::CommandNotExecutable { .. }
                | Error::BwrapMissing { .. }
                | Error::BwrapFailed { .. }
                | Error::Unsupported { .. }
                | Error::Server { .. }
                | Error::ForeignBwrap
        )
    }

    /// Whether another executor may still succeed: nothing of the plan has failed, only the means.
    pub(crate) fn is_about_means(&self) -> bool {
        matches!(self, Error::NoNamespaces(_) | Error::NoMountApi(_))
    }

    /// That of a bwrap that has ended before it started anything.
    pub(crate) fn bwrap_failed(path: &Path, status: u8, messages: Vec<String>) -> Self {
        let diagnosis = probe::explain_bwrap(path, &messages).map(Box::new);
        Error::BwrapFailed { path: path.display().to_string(), status, messages, diagnosis }
    }

    /// In the launcher: with what explains it.
    pub(crate) fn diagnosed(self) -> Self {
        match self {
            Error::NoNamespaces(refusal) => Error::NoNamespaces(Box::new(refusal.diagnosed())),
            other => other,
        }
    }

    /// This one, about the built-in executor, with why bwrap could not take its place.
    pub(crate) fn with_bwrap(mut self, error: &Error) -> Self {
        if let Error::NoNamespaces(refusal) = &mut self {
            refusal.bwrap = vec![error.to_string()];
            match error {
                Error::BwrapFailed { messages, diagnosis, .. } => {
                    refusal.bwrap.extend_from_slice(messages);
                    refusal.bwrap.extend(diagnosis.iter().flat_map(|d| d.evidence.clone()));
                }
                other => refusal.bwrap.extend(other.evidence()),
            }
            // What both executors meet with needs to be said once.
            let known = refusal.diagnosis.iter().flat_map(|d| &d.evidence).cloned();
            let known: Vec<String> = known.collect();
            refusal.bwrap.retain(|line| !known.contains(line));
        }
        self
    }

    fn code(&self) -> Code {
        match self {
            Error::NoNamespaces(refusal) => refusal.code(),
            Error::BwrapFailed { diagnosis: Some(found), .. } => found.rule.code(),
            Error::CommandNotFound { .. } => Code::COMMAND_NOT_FOUND,
            Error::CommandNotExecutable { .. } => Code::COMMAND_NOT_EXECUTABLE,
            Error::LockBusy(_) => Code::RUNTIME_BUSY,
            Error::Lock { .. } => Code::UNREADABLE,
            Error::Server { .. } => Code::EMULATOR_SERVER,
            Error::ForeignBwrap => Code::FOREIGN_BWRAP,
            Error::BwrapMissing { .. } | Error::BwrapFailed { .. } => Code::BWRAP_UNUSABLE,
            Error::Descriptor { .. } | Error::BadCommand(_) | Error::WorkingDirectory { .. } => {
                Code::BAD_VALUE
            }
            Error::NoMountApi(_)
            | Error::Step(_)
            | Error::Setup { .. }
            | Error::LayerMissing(_)
            | Error::TreeMissing(_)
            | Error::OverlayUnsupported { .. }
            | Error::Unsupported { .. }
            | Error::Supervisor { .. } => Code::SETUP_FAILED,
        }
    }

    fn hint(&self) -> Option<String> {
        Some(match self {
            Error::NoNamespaces(refusal) => refusal.hint(),
            Error::NoMountApi(_) => {
                "use `--backend bwrap`, or a kernel of version 5.12 or later".into()
            }
            Error::OverlayUnsupported { .. } => OVERLAY_HINT.into(),
            Error::Step(step) => return step.hint(),
            Error::LockBusy(_) => {
                "wait until the runtime's update has ended, then run the command again".into()
            }
            Error::CommandNotFound { command, .. } if command.contains('/') => {
                "check the path; if it is outside your home, share it with `--filesystem`".into()
            }
            Error::CommandNotFound { .. } => {
                "check the spelling, or name the command by its path in the container".into()
            }
            Error::CommandNotExecutable { .. } => {
                "check the file's permissions, its architecture, and that its interpreter exists \
                 in the container"
                    .into()
            }
            Error::WorkingDirectory { .. } => {
                "start from a directory that the container has, or share this one with \
                 `--filesystem`"
                    .into()
            }
            Error::Server { .. } => {
                "look at the messages above; check `server_argv` in the emulator's manifest, or \
                 leave it out to run without a server"
                    .into()
            }
            Error::ForeignBwrap => {
                "leave `--backend bwrap` out, or install the build for this machine beside this one"
                    .into()
            }
            Error::BwrapMissing { .. } => "install the package `bubblewrap`".into(),
            Error::BwrapFailed { diagnosis: Some(found), .. } => found.hint.clone(),
            Error::BwrapFailed { .. } => {
                "check that `bwrap --ro-bind / / true` works on this machine".into()
            }
            _ => return None,
        })
    }

    fn evidence(&self) -> Vec<String> {
        match self {
            Error::NoNamespaces(refusal) => refusal.evidence(),
            Error::Step(step) => step.log.clone(),
            Error::CommandNotFound { tried, .. } | Error::BwrapMissing { tried } => {
                tried.iter().map(|path| format!("tried {path}")).collect()
            }
            Error::CommandNotExecutable { file, failure, .. } => {
                vec![format!("file {file}"), failure.to_string()]
            }
            Error::Server { said, .. } => said.iter().map(|line| format!("said {line}")).collect(),
            Error::BwrapFailed { messages, diagnosis, .. } => {
                let seen = diagnosis.iter().flat_map(|found| &found.evidence);
                messages.iter().chain(seen).cloned().collect()
            }
            _ => vec![],
        }
    }

    /// The same for the user to read.
    pub fn problem(&self) -> Problem {
        let mut problem = Problem::blocking(self.code(), self.to_string());
        problem.evidence = self.evidence();
        problem.hint = self.hint();
        problem
    }
}

/// The cause in brackets, where one was found.
fn because(diagnosis: Option<&Diagnosis>) -> String {
    diagnosis.map(|found| format!(" ({})", found.cause)).unwrap_or_default()
}

const OVERLAY_HINT: &str = "a prepared tree can take the overlay's place; if that was tried, look at \
                            the messages above";

impl FailedStep {
    fn hint(&self) -> Option<String> {
        let hint = match self.failure.errno {
            _ if self.kind == StepKind::Overlay => OVERLAY_HINT,
            libc::EROFS => {
                "the mount point is missing below a read-only mount: run again with `--verbose` \
                 and report the plan"
            }
            libc::ENOENT => {
                "a file or directory vanished after it was looked at: run the command again"
            }
            _ => return None,
        };
        Some(hint.into())
    }
}

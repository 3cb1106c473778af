//! One file for each operation of a plan, as the built-in executor carries it out.
//!
//! Sources are opened after the namespaces were entered, because a descriptor from before cannot be
//! cloned into them (EINVAL). Targets are looked up inside the new root only ([`Root`]).

mod bind;
mod directory;
mod file;
mod proc;
mod read_only;
mod remount;
mod root;
mod sources;
mod stack;
mod symlink;
mod tmpfs;

use crate::error::{Error, StepKind};
use crate::run::Prepared;
use crate::sys::SysError;
use plan::Op;

pub(crate) use root::Root;
pub(crate) use sources::Sources;

/// Why an operation failed.
pub(crate) enum Failure {
    /// The caller did not give what the plan needs.
    Caller(Error),
    /// A system call failed.
    Call {
        /// Which part of the operation it belongs to.
        kind: StepKind,
        /// The call.
        failure: SysError,
        /// What the kernel said besides.
        log: Vec<String>,
    },
}

impl From<SysError> for Failure {
    fn from(failure: SysError) -> Self {
        Failure::Call { kind: StepKind::Other, failure, log: vec![] }
    }
}

impl From<Error> for Failure {
    fn from(error: Error) -> Self {
        Failure::Caller(error)
    }
}

/// Carries out one operation.
pub(crate) fn apply(root: &mut Root, op: &Op, prepared: &Prepared) -> Result<(), Failure> {
    match op {
        Op::Directory { at, mode } => directory::apply(root, at, *mode)?,
        Op::Symlink { at, target } => symlink::apply(root, at, target)?,
        Op::File { at, content, mode } => file::apply(root, at, content, *mode)?,
        Op::Bind { source, at, access, optional } => {
            let source = prepared.host(source)?;
            bind::apply(root, &source, at, *access, *optional)?;
        }
        Op::Stack { at, sources, form } => stack::apply(root, at, sources, *form, prepared)?,
        Op::Tmpfs { at, mode } => tmpfs::apply(root, at, *mode)?,
        Op::ReadOnly { at } => read_only::apply(root, at)?,
        Op::Proc { at } => proc::apply(root, at)?,
    }
    Ok(())
}

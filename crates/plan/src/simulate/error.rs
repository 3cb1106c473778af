//! Why the operations of a plan cannot be carried out.

use super::found::{Failure, Kind, Reason};
use crate::{ContainerPath, LayerName, Source};

/// Why an operation of a plan cannot be carried out.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Error {
    /// The target cannot be reached.
    #[error("step {step}: {failure}")]
    Target {
        /// Index of the operation in [`crate::Plan::steps`].
        step: usize,
        /// Why.
        failure: Failure,
    },
    /// Something would have to be made where nothing can be made.
    #[error("step {step}: {at} would have to be made on a mount that is read-only")]
    ReadOnly {
        /// Index of the operation.
        step: usize,
        /// What.
        at: ContainerPath,
    },
    /// Something else is there already.
    #[error("step {step}: at {at} there is already a {kind}")]
    Exists {
        /// Index of the operation.
        step: usize,
        /// Where.
        at: ContainerPath,
        /// What is there.
        kind: Kind,
    },
    /// The target is not the root of a mount.
    #[error("step {step}: nothing is mounted at {at}")]
    NotMounted {
        /// Index of the operation.
        step: usize,
        /// Where.
        at: ContainerPath,
    },
    /// The source cannot be looked at.
    #[error("step {step}: {source_path}: {reason}")]
    Source {
        /// Index of the operation.
        step: usize,
        /// What is to be shown.
        source_path: Source,
        /// Why not.
        reason: Reason,
    },
    /// One directory of a stack is, or lies in, another: overlayfs refuses that (ELOOP).
    #[error("step {step}: {inner} lies in {outer}, which the stack has too")]
    Overlap {
        /// Index of the operation.
        step: usize,
        /// One of them.
        outer: Source,
        /// The other.
        inner: Source,
    },
    /// The target leads to `/` by a link: whether that becomes the new root depends on the executor.
    #[error("step {step}: {at} leads to /, over which nothing can be mounted by another name")]
    RootByLink {
        /// Index of the operation.
        step: usize,
        /// The target.
        at: ContainerPath,
    },
    /// A layer is not in the plan.
    #[error("step {step}: the plan has no layer {layer}")]
    NoLayer {
        /// Index of the operation.
        step: usize,
        /// Which.
        layer: LayerName,
    },
}

impl Error {
    /// Index of the operation in [`crate::Plan::steps`].
    pub fn step(&self) -> usize {
        match self {
            Error::Target { step, .. }
            | Error::ReadOnly { step, .. }
            | Error::Exists { step, .. }
            | Error::NotMounted { step, .. }
            | Error::Source { step, .. }
            | Error::Overlap { step, .. }
            | Error::RootByLink { step, .. }
            | Error::NoLayer { step, .. } => *step,
        }
    }
}

//! Runtimes as whole directories, in the layouts that Steam, Flatpak and pressure-vessel have on disk.
//!
//! Knows: the variable directory with its copies, and the locks that keep what is in use. The launch
//! itself needs none of this: it stacks a layer over the untouched runtime.

mod copy;
mod error;
mod fold;
mod variable;

pub use copy::{Copied, CopyRequest};
pub use error::Error;
pub use variable::{Swept, Variable};

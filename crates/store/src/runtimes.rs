//! Runtimes as whole directories, in the layouts that Steam, Flatpak and pressure-vessel have on disk.
//!
//! Knows: the variable directory with its copies, the locks that keep what is in use, and how a runtime
//! is held against its manifest. The launch itself needs none of this: it stacks a layer over the untouched runtime.

mod copy;
mod error;
mod fold;
mod library;
mod part;
mod sums;
mod tar;
mod unpack;
mod used;
mod variable;
mod verify;

pub use copy::{Copied, CopyRequest};
pub use error::Error;
pub use library::{Draft, Held, Library, Shelved, Tidied, is_token, version_order};
pub use part::{AppendError, Part};
pub use sums::digest_of;
pub use used::{is_used, space_of};
pub use variable::{Swept, Variable};
pub use verify::{Difference, Fault, Verdict, Verification, manifest, threads, verify};

//! This project on disk, where others look for pressure-vessel: trees of its programs, what they replace,
//! and how that is put back.
//!
//! An installation is one directory. It is written aside, with a [`Note`] of everything that is in it, and
//! takes its place by one rename, or by an exchange with what is there. At no moment is there half of one:
//! what an interrupted installation leaves is told from the original by its note, and settled by the next
//! one that looks ([`settle`]).
//!
//! Knows what a tree consists of. Must not know what the programs do.

#![forbid(unsafe_code)]
#![allow(
    clippy::disallowed_methods,
    reason = "installations are on the machine itself, not in a root"
)]

mod error;
mod list;
mod note;
mod original;
mod place;
mod stage;
mod steam;
mod swap;
mod tree;

pub use error::Error;
pub use list::{Installed, List};
pub use note::{Kind, NOTE, Note, State, look};
pub use original::original;
pub use place::{install, is_replaceable, kept, put_back, remove, replace, settle};
pub use stage::Stage;
pub use steam::{TOOL, write_tool};
pub use swap::{Exchange, exchange};
pub use tree::{Sources, write_tree};

//! Prepared layers and trees on disk, built once and reused.
//!
//! What a launch needs beyond the runtime is described by a [`plan::LayerSpec`]. The [`Store`] turns
//! the description into a directory, under a key that covers every input, and hands it out with a
//! shared lock. Where overlayfs cannot serve, it makes the whole union as a *tree* of hard links,
//! reflinks or copies, under the same discipline.
//!
//! Knows: the layout of the store, keys, locks, how content gets from the
//! host into the store, what overlayfs says about a file system, garbage collection. Must not mount,
//! spawn, read the environment, or decide what is in a layer; never changes a file of the host or of
//! a runtime, not even its mode.
//!
//! ```text
//! STORE/                0700
//!   layers/KEY/         content/ (a lower directory for overlayfs), lock
//!   trees/KEY/          content/ (the finished union), lock
//!   memo/KEY            small blobs with a checksum
//!   launches/KEY        whole launches, of this boot of the machine only
//!   tmp/                what is being built (DRAFT/), whose turn it is (KEY.turn), what is being
//!                       deleted (dead-…)
//! ```

#![forbid(unsafe_code)]

mod clock;
mod collect;
mod dir;
mod ephemeral;
mod error;
mod identity;
mod key;
mod launches;
pub mod lock;
mod memo;
mod node;
mod note;
mod place;
mod remove;
pub mod runtimes;
mod slot;
mod stack;
mod store;
pub mod support;
mod survey;
mod union;

pub use collect::{Collected, Policy};
pub use error::{Error, Refusal};
pub use identity::of as directory_identity;
pub use key::Key;
pub use place::Tally;
pub use remove::discard;
pub use slot::Prepared;
pub use stack::{Stack, StackSource};
pub use store::Store;
pub use survey::{Shelved, Survey, survey};

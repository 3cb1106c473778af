//! What was seen of the host's files, and whether it is still so.
//!
//! Whoever reads the host tells it here ([`saw`], [`listed`]), whichever root, view or plan it reads
//! for. While a [`Recording`] runs, all of that is written down. It ends as [`Witnesses`]: a compact list
//! that a later process compares with the file system, by `statx` alone, to learn that nothing has changed
//! without deciding everything again. What was absent counts as much as what was there: a driver may appear.
//!
//! Where `stat` lies, and what is done about it ([`Witnesses`] has the rest):
//!
//! - a hard link that somebody makes to a file changes its change time: for files it does not count;
//! - a change as recent as the look may be followed by another with the same time stamp (multigrain time
//!   stamps are only in Linux 6.13 and later, FAT's are as coarse as two seconds): a recording that saw
//!   something so recent has no witnesses;
//! - device numbers of btrfs, FUSE and overlays change between mounts: anonymous ones do not count, and
//!   whoever remembers something for longer than the mounts last must cover the mount table;
//! - two images (squashfs, erofs) can have equal numbers and times: the file behind the image counts;
//! - files of procfs, sysfs and the like change without a new time: their content counts.
//!
//! Knows nothing of launches, plans or roots. Must not write.

#![forbid(unsafe_code)]

pub mod code;
mod gather;
mod look;
mod pseudo;
mod recording;
mod set;
mod state;
#[cfg(test)]
mod tests;

pub use look::{Kind, Look, look};
pub use pseudo::Filter;
pub use recording::{Recording, listed, listed_for, saw, stat, unrecorded};
pub use set::{Verdict, Witnesses};

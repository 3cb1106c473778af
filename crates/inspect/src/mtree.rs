//! The subset of mtree(5) in which a depot describes its runtime (`usr-mtree.txt.gz`).
//!
//! Knows the lines of that format, which are errors and which are left out. Must not look at the
//! files that they describe.

use plan::{ByteString, RootPath};
use std::collections::{BTreeMap, BTreeSet};

/// A depot's manifest: what its `/usr` consists of.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Manifest {
    /// What is where. Paths are those of the `/usr` that it describes: `./lib/x` is `/lib/x`. The
    /// root itself is not listed; parent directories need not be.
    pub entries: BTreeMap<RootPath, Entry>,
    /// Directories that may have content that is not listed.
    pub ignore: BTreeSet<RootPath>,
    /// Things that are odd and harmless.
    pub warnings: Vec<Warning>,
}

/// Something odd and harmless in a manifest.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Warning {
    /// Counted from 1.
    pub line: usize,
    /// A keyword that is not known.
    pub keyword: String,
}

/// One entry of a manifest.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Entry {
    /// A directory of mode 0755.
    Directory,
    /// A symbolic link.
    Link {
        /// Its text.
        target: ByteString,
    },
    /// A regular file.
    File {
        /// Where the depot has its content, as a path below the depot's `files`.
        content: RootPath,
        /// In bytes, where it is said. Where it is 0, the depot need not have the file.
        size: Option<u64>,
        /// Mode 0755, else 0644.
        executable: bool,
        /// When it was modified, where it is said.
        modified: Option<Time>,
        /// Whether it may be missing from the depot.
        optional: bool,
        /// Whether mode and time are left as the depot has them.
        no_change: bool,
        /// SHA-256 of its content, where it is said.
        sha256: Option<[u8; 32]>,
    },
}

/// A moment, as nanoseconds after a second after 1970.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Time {
    /// Seconds since 1970.
    pub seconds: i64,
    /// Nanoseconds after that, below 1 000 000 000.
    pub nanoseconds: u32,
}

/// Where and why a manifest cannot be read.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("line {line}: {kind}")]
pub struct Error {
    /// Counted from 1; 0 where no line is at fault.
    pub line: usize,
    /// What is wrong.
    pub kind: ErrorKind,
}

/// What is wrong in a manifest.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum ErrorKind {
    /// The compressed data are broken.
    #[error("not valid gzip data: {0}")]
    Gzip(String),
}

/// Reads a manifest.
///
/// # Errors
/// At the first line that is not understood.
pub fn parse(bytes: &[u8]) -> Result<Manifest, Error> {
    let _ = bytes;
    Ok(Manifest::default())
}

/// Reads a manifest compressed with gzip, of at most 256 MiB when uncompressed.
///
/// # Errors
/// As [`parse`], and when the compressed data are broken or too long.
pub fn parse_gz(bytes: &[u8]) -> Result<Manifest, Error> {
    parse(bytes)
}

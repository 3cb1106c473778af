//! The subset of mtree(5) in which a depot describes its runtime (`usr-mtree.txt.gz`).
//!
//! Knows the lines of that format, which are errors and which are left out. Must not look at the
//! files that they describe.

mod line;

use plan::{ByteString, RootPath};
use std::collections::{BTreeMap, BTreeSet};
use std::io::Read;

/// A depot's manifest: what its `/usr` consists of.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Manifest {
    /// What is where. Paths are those of the `/usr` that it describes: `./lib/x` is `/lib/x`. The
    /// root itself is not listed; parent directories need not be.
    pub entries: BTreeMap<RootPath, Entry>,
    /// Directories that may have content that is not listed.
    pub ignore: BTreeSet<RootPath>,
    /// Directories and links that may be missing from the depot; a file says so itself.
    pub optional: BTreeSet<RootPath>,
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
        /// Whether the mode is said; it is 0644 otherwise.
        mode_said: bool,
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

impl Time {
    /// All of it in nanoseconds; the nearest that 64 bits hold.
    #[must_use]
    pub fn in_nanoseconds(self) -> i64 {
        self.seconds.saturating_mul(1_000_000_000).saturating_add(self.nanoseconds.into())
    }
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
    /// `/set` and the like.
    #[error("`{0}` is not supported here")]
    Command(ByteString),
    /// A line that goes on in the next one.
    #[error("a line that goes on in the next one is not supported here")]
    Continued,
    /// A name that is neither `.` nor starts with `./`, or has `..` or a NUL byte in it.
    #[error("`{0}` is not `.` or a path below `./`")]
    Name(ByteString),
    /// A backslash with something unknown after it.
    #[error("unknown escape in `{0}`")]
    Escape(ByteString),
    /// An entry without `type`.
    #[error("`type` is missing")]
    NoType,
    /// A type that is neither `file`, `dir` nor `link`.
    #[error("type `{0}` is not supported here")]
    Type(ByteString),
    /// A link without target.
    #[error("type is `link`, and `link` is missing")]
    NoTarget,
    /// A target of something that is no link.
    #[error("`link` is there, and type is not `link`")]
    StrayTarget,
    /// A keyword that needs a value.
    #[error("`{0}` has no value")]
    NoValue(&'static str),
    /// A value that is not what its keyword wants.
    #[error("`{keyword}={value}` is not {wanted}")]
    Value {
        /// The keyword.
        keyword: &'static str,
        /// Its value.
        value: ByteString,
        /// What it should be, with an article.
        wanted: &'static str,
    },
    /// `sha256` and `sha256digest` contradict each other.
    #[error("`sha256` and `sha256digest` differ")]
    Digests,
    /// The compressed data are broken.
    #[error("not valid gzip data: {0}")]
    Gzip(String),
    /// More than [`SIZE_LIMIT`] bytes when uncompressed.
    #[error("more than {SIZE_LIMIT} bytes when uncompressed")]
    TooLarge,
}

/// The largest manifest that is read, in bytes.
pub const SIZE_LIMIT: u64 = 256 << 20;

/// Reads a manifest. Of entries with the same path, the first counts: the files of a depot are
/// put in place in order, and none replaces an earlier one.
///
/// # Errors
/// At the first line that is not understood.
pub fn parse(bytes: &[u8]) -> Result<Manifest, Error> {
    let mut entries: Vec<(RootPath, Entry)> = Vec::new();
    let mut ignore = BTreeSet::new();
    let mut optional = BTreeSet::new();
    let mut warnings = Vec::new();
    for (i, line) in bytes.split(|b| *b == b'\n').enumerate() {
        let line = line.trim_ascii();
        if line.is_empty() || line[0] == b'#' {
            continue;
        }
        let mut warn = |keyword| warnings.push(Warning { line: i + 1, keyword });
        let entry = line::read(line, &mut warn).map_err(|kind| Error { line: i + 1, kind })?;
        if entry.ignore {
            ignore.insert(entry.path.clone());
        }
        if entry.optional && !matches!(entry.entry, Entry::File { .. }) {
            optional.insert(entry.path.clone());
        }
        if entry.path != RootPath::root() {
            entries.push((entry.path, entry.entry));
        }
    }
    // Sorting first, stably, is much faster than 20 000 insertions: manifests come nearly sorted.
    entries.sort_by(|a, b| a.0.cmp(&b.0));
    entries.dedup_by(|later, first| later.0 == first.0);
    Ok(Manifest { entries: entries.into_iter().collect(), ignore, optional, warnings })
}

/// Reads a manifest, compressed or not: the first bytes tell.
///
/// # Errors
/// As [`parse`] and [`parse_gz`].
pub fn parse_any(bytes: &[u8]) -> Result<Manifest, Error> {
    if bytes.starts_with(&[0x1f, 0x8b]) { parse_gz(bytes) } else { parse(bytes) }
}

/// Reads a manifest compressed with gzip, of at most [`SIZE_LIMIT`] bytes when uncompressed.
///
/// # Errors
/// As [`parse`], and when the compressed data are broken or too long.
pub fn parse_gz(bytes: &[u8]) -> Result<Manifest, Error> {
    let mut raw = Vec::new();
    flate2::read::MultiGzDecoder::new(bytes)
        .take(SIZE_LIMIT + 1)
        .read_to_end(&mut raw)
        .map_err(|e| Error { line: 0, kind: ErrorKind::Gzip(e.to_string()) })?;
    if raw.len() as u64 > SIZE_LIMIT {
        return Err(Error { line: 0, kind: ErrorKind::TooLarge });
    }
    parse(&raw)
}

#[cfg(test)]
mod tests;

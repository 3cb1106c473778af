//! The note in each installation: everything that was written, so that it can be told from what others
//! have put there since.

use crate::error::{At, Error};
use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};
use std::collections::BTreeMap;
use std::fs::{self, Metadata};
use std::io;
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};

/// Where the note is, below the directory of an installation.
pub const NOTE: &str = "metadata/bathysphere.json";

/// Version of the note's form.
const SCHEMA: u32 = 1;

/// What an installation is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Kind {
    /// A tree of its own.
    Prefix,
    /// In the place of the `pressure-vessel` directory of a runtime.
    Replaced,
    /// A compatibility tool of Steam.
    Steam,
}

/// What was written.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Note {
    schema: u32,
    /// Version of this program.
    pub version: String,
    /// What it is.
    pub kind: Kind,
    /// Where the original is kept: a name beside the directory.
    pub original: Option<String>,
    /// Every link and file, by its path below the directory.
    pub entries: BTreeMap<String, Entry>,
}

/// A link or file.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Entry {
    /// A symbolic link with its text.
    Link(String),
    /// A file.
    File {
        /// Its SHA-256.
        sha256: String,
        /// When it was written, in nanoseconds since 1970: while this and the size are the same, the content is
        /// taken to be.
        written: i64,
        /// In bytes.
        size: u64,
    },
}

/// How an installation compares with its note.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum State {
    /// As it was written.
    Intact,
    /// Some of it has been changed or removed: these paths.
    Changed(Vec<String>),
    /// None of the programs is ours any more.
    PutBack,
    /// The directory is gone.
    Gone,
}

impl Note {
    pub(crate) fn new(kind: Kind) -> Self {
        let version = env!("CARGO_PKG_VERSION").to_owned();
        Self { schema: SCHEMA, version, kind, original: None, entries: BTreeMap::new() }
    }

    /// The note of an installation; `None` where there is none, or one that cannot be understood.
    ///
    /// # Errors
    /// [`Error::Io`] when it is there and cannot be read.
    pub fn read(installation: &Path) -> Result<Option<Self>, Error> {
        let path = installation.join(NOTE);
        match fs::read(&path) {
            Ok(bytes) => {
                let note = serde_json::from_slice::<Self>(&bytes).ok();
                Ok(note.filter(|note| note.schema == SCHEMA))
            }
            Err(error) if is_absence(&error) => Ok(None),
            Err(error) => Err(error).at("reading", &path),
        }
    }

    pub(crate) fn write(&self, installation: &Path) -> Result<(), Error> {
        let path = installation.join(NOTE);
        let bytes = serde_json::to_vec_pretty(self).map_err(io::Error::from);
        bytes.and_then(|bytes| fs::write(&path, bytes)).at("writing", &path)
    }

    /// Paths of entries that are not as they were written.
    pub(crate) fn changed(&self, installation: &Path) -> Vec<String> {
        let differs = |(path, entry): &(&String, &Entry)| {
            !entry.is_at(&installation.join(path)).is_ok_and(|same| same)
        };
        self.entries.iter().filter(differs).map(|(path, _)| path.clone()).collect()
    }
}

impl Entry {
    /// A file that has just been written.
    pub(crate) fn file(bytes: &[u8], metadata: &Metadata) -> Self {
        Self::File { sha256: digest(bytes), written: written(metadata), size: metadata.len() }
    }

    /// Whether it is at a path.
    fn is_at(&self, path: &Path) -> io::Result<bool> {
        let metadata = path.symlink_metadata()?;
        Ok(match self {
            Self::Link(text) => metadata.is_symlink() && fs::read_link(path)? == Path::new(text),
            Self::File { sha256, written: then, size } => {
                metadata.is_file()
                    && metadata.len() == *size
                    && (written(&metadata) == *then || digest(&fs::read(path)?) == *sha256)
            }
        })
    }
}

fn written(metadata: &Metadata) -> i64 {
    metadata.mtime().wrapping_mul(1_000_000_000).wrapping_add(metadata.mtime_nsec())
}

fn digest(bytes: &[u8]) -> String {
    plan::hex::encode(&Sha256::digest(bytes))
}

pub(crate) fn is_absence(error: &io::Error) -> bool {
    matches!(error.kind(), io::ErrorKind::NotFound | io::ErrorKind::NotADirectory)
}

/// How an installation is now.
///
/// # Errors
/// [`Error::Io`] when it cannot be looked at.
pub fn look(installation: &Path) -> Result<State, Error> {
    match installation.symlink_metadata() {
        Err(error) if is_absence(&error) => return Ok(State::Gone),
        other => other.at("looking at", installation)?,
    };
    let Some(note) = Note::read(installation)? else { return Ok(State::PutBack) };
    let changed = note.changed(installation);
    let programs = |path: &&String| PathBuf::from(path).starts_with("bin");
    let ours = note.entries.keys().filter(programs).any(|path| !changed.contains(path));
    Ok(match (changed.is_empty(), ours || note.kind == Kind::Steam) {
        (true, _) => State::Intact,
        (false, true) => State::Changed(changed),
        (false, false) => State::PutBack,
    })
}

//! An installation while it is written: a directory beside its place.

use crate::error::{At, Error};
use crate::note::{Entry, Kind, NOTE, Note};
use rustix::fs::{FlockOperation, Mode, OFlags};
use rustix::io::Errno;
use std::ffi::{OsStr, OsString};
use std::fs;
use std::io::Write;
use std::os::fd::OwnedFd;
use std::os::unix::fs::{OpenOptionsExt, symlink};
use std::path::{Path, PathBuf};

/// What stands between the name of a place and a number in the name of what is written for it.
const MARK: &str = ".bathysphere-";

/// A directory that becomes an installation. Dropped, it disappears.
#[derive(Debug)]
pub struct Stage {
    dir: PathBuf,
    note: Note,
    placed: bool,
}

impl Stage {
    /// Starts to write an installation that is to stand at `target`, whose parent must exist.
    ///
    /// # Errors
    /// [`Error::Io`].
    pub fn new(target: &Path, kind: Kind) -> Result<Self, Error> {
        let dir = aside(target, std::process::id());
        // What a process of the same number has left.
        remove(&dir)?;
        fs::create_dir(&dir).at("creating", &dir)?;
        let stage = Self { dir, note: Note::new(kind), placed: false };
        // First of all, because a directory of this name without a note is the original, exchanged.
        let metadata = stage.dir.join("metadata");
        fs::create_dir(&metadata).at("creating", &metadata)?;
        stage.note.write(&stage.dir)?;
        Ok(stage)
    }

    /// Where it is written.
    #[must_use]
    pub fn path(&self) -> &Path {
        &self.dir
    }

    pub(crate) fn keep_original(&mut self, name: &str) {
        self.note.original = Some(name.into());
    }

    /// Makes a symbolic link.
    ///
    /// # Errors
    /// [`Error::Io`].
    pub fn link(&mut self, at: &str, text: &str) -> Result<(), Error> {
        let path = self.parented(at)?;
        symlink(text, &path).at("linking", &path)?;
        self.note.entries.insert(at.into(), Entry::Link(text.into()));
        Ok(())
    }

    /// Writes a file that can be read by all, and executed if `executable`.
    ///
    /// # Errors
    /// [`Error::Io`].
    pub fn file(&mut self, at: &str, bytes: &[u8], executable: bool) -> Result<(), Error> {
        let path = self.parented(at)?;
        let mode = if executable { 0o755 } else { 0o644 };
        let mut options = fs::OpenOptions::new();
        let file = options.write(true).create_new(true).mode(mode).open(&path);
        let mut file = file.at("creating", &path)?;
        file.write_all(bytes).at("writing", &path)?;
        let metadata = file.metadata().at("looking at", &path)?;
        self.note.entries.insert(at.into(), Entry::file(bytes, &metadata));
        Ok(())
    }

    /// Copies every file below `from` to below `at`.
    ///
    /// # Errors
    /// [`Error::Io`].
    pub fn copy_all(&mut self, at: &str, from: &Path) -> Result<(), Error> {
        for entry in fs::read_dir(from).at("reading", from)? {
            let entry = entry.at("reading", from)?;
            let path = entry.path();
            let name = entry.file_name();
            let Some(name) = name.to_str() else { continue };
            let at = format!("{at}/{name}");
            let kind = entry.file_type().at("looking at", &path)?;
            if kind.is_dir() {
                self.copy_all(&at, &path)?;
            } else if kind.is_symlink() {
                let text = fs::read_link(&path).at("reading", &path)?;
                self.link(&at, &text.to_string_lossy())?;
            } else {
                self.file(&at, &fs::read(&path).at("reading", &path)?, false)?;
            }
        }
        Ok(())
    }

    /// Writes what was written down, and waits until it is on the disk.
    pub(crate) fn finish(&self) -> Result<(), Error> {
        self.note.write(&self.dir)?;
        let dir = open(&self.dir)?;
        rustix::fs::syncfs(&dir).at("writing", &self.dir)
    }

    /// It has been renamed to its place, or exchanged.
    pub(crate) fn placed(&mut self) {
        self.placed = true;
    }

    fn parented(&self, at: &str) -> Result<PathBuf, Error> {
        let path = self.dir.join(at);
        if let Some(parent) = path.parent() {
            fs::create_dir_all(parent).at("creating", parent)?;
        }
        Ok(path)
    }
}

impl Drop for Stage {
    fn drop(&mut self) {
        if !self.placed {
            // The next one that installs there removes what this cannot.
            let _ = remove(&self.dir);
        }
    }
}

/// What is written for a place by the process of a number.
fn aside(target: &Path, number: u32) -> PathBuf {
    let mut name = prefix(target);
    name.push(number.to_string());
    target.with_file_name(name)
}

/// How names begin of what is written for a place.
fn prefix(target: &Path) -> OsString {
    let mut name = OsString::from(".");
    name.push(target.file_name().unwrap_or(OsStr::new("tree")));
    name.push(MARK);
    name
}

/// What was written for a place and did not get there, or came from there.
pub(crate) fn left_over(target: &Path) -> Result<Vec<PathBuf>, Error> {
    let parent = target.parent().unwrap_or(Path::new("/"));
    let prefix = prefix(target);
    let mut found = vec![];
    for entry in fs::read_dir(parent).at("reading", parent)? {
        let entry = entry.at("reading", parent)?;
        if entry.file_name().as_encoded_bytes().starts_with(prefix.as_encoded_bytes()) {
            found.push(entry.path());
        }
    }
    found.sort_unstable();
    Ok(found)
}

/// Whether a directory has a note: whether it is ours, finished or not.
pub(crate) fn is_ours(path: &Path) -> bool {
    path.join(NOTE).symlink_metadata().is_ok()
}

/// Removes a directory if it is there. The note goes last, so that what is left of an interrupted removal is
/// still known to be ours.
pub(crate) fn remove(path: &Path) -> Result<(), Error> {
    let entries = match fs::read_dir(path) {
        Err(error) if crate::note::is_absence(&error) => return Ok(()),
        other => other.at("reading", path)?,
    };
    for entry in entries {
        let entry = entry.at("reading", path)?;
        if entry.file_name() == "metadata" {
            continue;
        }
        let is_directory = entry.file_type().at("looking at", &entry.path())?.is_dir();
        let entry = entry.path();
        if is_directory { fs::remove_dir_all(&entry) } else { fs::remove_file(&entry) }
            .at("removing", &entry)?;
    }
    fs::remove_dir_all(path).at("removing", path)
}

/// Keeps others from installing or removing in the same directory at the same time.
pub(crate) fn lock(target: &Path) -> Result<OwnedFd, Error> {
    let parent = target.parent().unwrap_or(Path::new("/"));
    let fd = open(parent)?;
    match rustix::fs::flock(&fd, FlockOperation::NonBlockingLockExclusive) {
        Err(Errno::WOULDBLOCK) => Err(Error::Busy(target.into())),
        other => other.at("locking", parent).map(|()| fd),
    }
}

fn open(path: &Path) -> Result<OwnedFd, Error> {
    let flags = OFlags::RDONLY | OFlags::DIRECTORY | OFlags::CLOEXEC;
    rustix::fs::open(path, flags, Mode::empty()).at("opening", path)
}

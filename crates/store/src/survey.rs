//! What is in a store, for whoever looks at it: nothing is made, changed or deleted.

use crate::clock;
use crate::collect::Policy;
use crate::dir::Dir;
use crate::lock;
use crate::memo::MEMO;
use crate::note::Note;
use crate::slot::{LOCK, SETTLED, Shelf, TMP};
use crate::store::check;
use crate::{Error, Refusal};
use plan::HostPath;
use rustix::fs::OFlags;
use rustix::io::Errno;
use std::time::Duration;

/// What is in a store.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Survey {
    /// Prepared layers.
    pub layers: Shelved,
    /// Prepared trees.
    pub trees: Shelved,
    /// Answers that were kept.
    pub memos: u64,
    /// What killed processes have left half-made; the next collection deletes it.
    pub leftovers: u64,
    /// What is being built or deleted now.
    pub in_work: u64,
}

/// What is prepared of one kind.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Shelved {
    /// How many.
    pub count: u64,
    /// Bytes that they take; hard links and reflinks count nothing.
    pub bytes: u64,
    /// How many were not used for as long as the collector waits.
    pub unused: u64,
    /// How many are not known to be on the disk and were made before the machine was started: the next
    /// launch that wants one makes it anew.
    pub doubtful: u64,
}

impl Survey {
    /// How many entries are there that no launch will use.
    pub fn stale(&self) -> u64 {
        [self.layers, self.trees].iter().map(|s| s.unused + s.doubtful).sum::<u64>()
            + self.leftovers
    }
}

/// Looks at the store at `path`; `None`: there is none yet.
///
/// # Errors
/// [`Error::Refused`] where a launch would refuse it too; [`Error::Io`].
pub fn survey(path: &HostPath, policy: &Policy) -> Result<Option<Survey>, Error> {
    let directory = match Dir::open(path) {
        Ok(directory) => directory,
        Err(Errno::NOENT) => return Ok(None),
        Err(Errno::NOTDIR) => {
            return Err(Error::Refused { path: path.clone(), why: Refusal::NotADirectory });
        }
        Err(errno) => return Err(Error::Io { path: path.clone(), call: "open", errno }),
    };
    check(&directory)?;
    let now = clock::now();
    let mut found = Survey {
        layers: shelf(&directory, Shelf::Layers, now, policy)?,
        trees: shelf(&directory, Shelf::Trees, now, policy)?,
        memos: count(&directory)?,
        ..Survey::default()
    };
    work(&directory, &mut found)?;
    Ok(Some(found))
}

/// A directory of the store; `None` where it has not been made yet.
fn child(directory: &Dir, name: &std::ffi::CStr) -> Result<Option<Dir>, Error> {
    match directory.child(name) {
        Ok(child) => Ok(Some(child)),
        Err(Errno::NOENT) => Ok(None),
        Err(errno) => Err(Error::Io { path: directory.path_of(name), call: "open", errno }),
    }
}

fn shelf(store: &Dir, shelf: Shelf, now: Duration, policy: &Policy) -> Result<Shelved, Error> {
    let mut found = Shelved::default();
    let Some(directory) = child(store, shelf.name())? else { return Ok(found) };
    let entries = directory.entries();
    for (name, _) in entries.map_err(|errno| failed(&directory, "getdents", errno))? {
        // One that is being deleted in this moment is gone.
        let Ok(slot) = directory.child(&name) else { continue };
        let Ok(lock) = slot.open_file(LOCK, OFlags::RDONLY, 0) else { continue };
        let Ok(stat) = rustix::fs::fstat(&lock) else { continue };
        let note = Note::read(&lock);
        let used = clock::modified(&stat);
        found.count += 1;
        found.bytes += note.as_ref().map_or(0, |note| note.bytes);
        let settled = stat.st_mode & 0o777 == SETTLED;
        if !settled && !note.is_some_and(|note| note.is_of_this_boot()) {
            found.doubtful += 1;
        } else if now.saturating_sub(used) >= policy.max_age {
            found.unused += 1;
        }
    }
    Ok(found)
}

fn count(store: &Dir) -> Result<u64, Error> {
    let Some(directory) = child(store, MEMO)? else { return Ok(0) };
    let entries = directory.entries().map_err(|errno| failed(&directory, "getdents", errno))?;
    Ok(entries.len() as u64)
}

/// Whatever is in `tmp/` and locked by nobody was left there.
fn work(store: &Dir, found: &mut Survey) -> Result<(), Error> {
    let Some(directory) = child(store, TMP)? else { return Ok(()) };
    let entries = directory.entries();
    for (name, kind) in entries.map_err(|errno| failed(&directory, "getdents", errno))? {
        let lock = match kind {
            rustix::fs::FileType::Directory => {
                directory.child(&name).and_then(|dir| dir.open_file(LOCK, OFlags::RDONLY, 0))
            }
            _ => directory.open_file(&name, OFlags::RDONLY, 0),
        };
        if lock.is_ok_and(lock::is_held) {
            found.in_work += 1;
        } else {
            found.leftovers += 1;
        }
    }
    Ok(())
}

fn failed(directory: &Dir, call: &'static str, errno: Errno) -> Error {
    Error::Io { path: directory.path().clone(), call, errno }
}

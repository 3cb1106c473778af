//! Garbage collection, and writing back: what is done when nobody waits for it.

use crate::clock;
use crate::dir::Dir;
use crate::launches::LAUNCHES;
use crate::lock::{self, Kind};
use crate::memo::MEMO;
use crate::note::Note;
use crate::slot::{self, LOCK, SETTLED, Shelf, TMP};
use crate::{Error, Store, remove};
use rustix::fs::{AtFlags, FileType, Mode, OFlags};
use rustix::io::Errno;
use std::ffi::{CStr, CString};
use std::time::Duration;

/// What may go.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Policy {
    /// Layers, trees and memos that were not used for this long. Uses are recorded to a day.
    pub max_age: Duration,
    /// The least recently used go until the rest takes no more than this many bytes; hard links and
    /// reflinks count nothing. `None`: no limit.
    pub max_bytes: Option<u64>,
}

impl Default for Policy {
    /// A month, 8 GiB.
    fn default() -> Self {
        Self { max_age: Duration::from_secs(30 * 24 * 60 * 60), max_bytes: Some(8 << 30) }
    }
}

/// What a collection did.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Collected {
    /// Layers and trees deleted.
    pub removed: u64,
    /// Bytes that these took.
    pub freed: u64,
    /// Layers and trees that should have gone and are in use.
    pub in_use: u64,
    /// Unfinished drafts of killed processes, and the like.
    pub leftovers: u64,
    /// Memos and remembered launches deleted.
    pub memos: u64,
}

/// Most memos, and most remembered launches, that are kept: of 100 KiB each, say.
const MOST: usize = 1000;

/// Things in `tmp/` that have no lock are left alone for so long: their maker may be between two
/// calls.
const UNLOCKED_GRACE: Duration = Duration::from_secs(60 * 60);

/// A slot as the collector sees it.
struct Slot {
    shelf: Shelf,
    name: CString,
    used: Duration,
    bytes: u64,
}

impl Store {
    /// Writes back what is not yet known to be on the disk and marks it so. Until that is done, a
    /// layer does not survive the next boot of the machine. Takes as long as the disk takes.
    ///
    /// # Errors
    /// [`Error::Io`] when the file system cannot be synced.
    pub fn settle(&self) -> Result<(), Error> {
        let store = self.directory();
        let mut fresh = vec![];
        for shelf in Shelf::ALL {
            for name in names(store, shelf.name())? {
                let lock = store
                    .child(shelf.name())
                    .and_then(|s| s.child(&name))
                    .and_then(|slot| slot.open_file(LOCK, OFlags::RDONLY, 0));
                let Ok(lock) = lock else { continue };
                let settled = rustix::fs::fstat(&lock).is_ok_and(|s| s.st_mode & 0o777 == SETTLED);
                if !settled && Note::read(&lock).is_some_and(|n| n.is_of_this_boot()) {
                    fresh.push(lock);
                }
            }
        }
        if fresh.is_empty() {
            return Ok(());
        }
        let failed = |call, errno| Error::Io { path: self.path().clone(), call, errno };
        rustix::fs::syncfs(store).map_err(|e| failed("syncfs", e))?;
        for lock in fresh {
            rustix::fs::fchmod(lock, Mode::from_raw_mode(SETTLED))
                .map_err(|e| failed("fchmod", e))?;
        }
        Ok(())
    }

    /// Deletes what `policy` lets go and nobody uses, and what killed processes left behind.
    ///
    /// # Errors
    /// The first failure to read or delete; collecting goes on where it stopped next time.
    pub fn collect(&self, policy: &Policy) -> Result<Collected, Error> {
        let now = clock::now();
        let mut done = Collected::default();
        self.collect_tmp(now, &mut done)?;
        self.collect_files(MEMO, now.saturating_sub(policy.max_age), &mut done)?;
        // A launch is remembered for one boot of the machine.
        let booted = now.saturating_sub(uptime());
        let oldest = now.saturating_sub(policy.max_age).max(booted);
        self.collect_files(LAUNCHES, oldest, &mut done)?;
        let mut slots = self.slots()?;
        slots.sort_unstable_by_key(|slot| slot.used);
        let mut total: u64 = slots.iter().map(|slot| slot.bytes).sum();
        for slot in &slots {
            let unused = now.saturating_sub(slot.used);
            if unused < policy.max_age && policy.max_bytes.is_none_or(|max| total <= max) {
                continue;
            }
            if slot::retire(self.directory(), slot.shelf, &slot.name)? {
                total = total.saturating_sub(slot.bytes);
                done.removed += 1;
                done.freed += slot.bytes;
            } else {
                done.in_use += 1;
            }
        }
        self.note_tidied();
        Ok(done)
    }

    fn slots(&self) -> Result<Vec<Slot>, Error> {
        let store = self.directory();
        let mut out = vec![];
        for shelf in Shelf::ALL {
            for name in names(store, shelf.name())? {
                let Ok(dir) = store.child(shelf.name()).and_then(|s| s.child(&name)) else {
                    continue;
                };
                let Ok(lock) = dir.open_file(LOCK, OFlags::RDONLY, 0) else { continue };
                let used = rustix::fs::fstat(&lock).map_or(Duration::ZERO, |s| clock::modified(&s));
                let bytes = Note::read(&lock).map_or(0, |n| n.bytes);
                out.push(Slot { shelf, name, used, bytes });
            }
        }
        Ok(out)
    }

    fn collect_tmp(&self, now: Duration, done: &mut Collected) -> Result<(), Error> {
        let tmp = match self.directory().child(TMP) {
            Ok(tmp) => tmp,
            Err(Errno::NOENT) => return Ok(()),
            Err(errno) => return Err(failed(self.directory(), TMP, "open", errno)),
        };
        for (name, kind) in tmp.entries().map_err(|e| failed(&tmp, c".", "getdents", e))? {
            let Ok(stat) = tmp.stat_of(&name) else { continue };
            let old = now.saturating_sub(clock::changed(&stat)) > UNLOCKED_GRACE;
            let lock = match kind {
                FileType::Directory => {
                    tmp.child(&name).and_then(|dir| dir.open_file(LOCK, OFlags::RDWR, 0))
                }
                _ if name.to_bytes().ends_with(b".turn") => tmp.open_file(&name, OFlags::RDWR, 0),
                _ => Err(Errno::NOENT),
            };
            // Held until the thing is gone.
            let free = match &lock {
                Ok(fd) => lock::try_lock(fd, Kind::Exclusive).unwrap_or(false),
                Err(_) => old,
            };
            if free {
                remove::tree(&tmp, &name)?;
                done.leftovers += 1;
            }
        }
        Ok(())
    }

    /// Deletes the files of a directory that are older than `oldest`, and the oldest beyond [`MOST`].
    fn collect_files(
        &self,
        shelf: &CStr,
        oldest: Duration,
        done: &mut Collected,
    ) -> Result<(), Error> {
        let store = self.directory();
        let names = names(store, shelf)?;
        let Ok(files) = store.child(shelf) else { return Ok(()) };
        let mut kept: Vec<(Duration, CString)> = names
            .into_iter()
            .filter_map(|name| Some((clock::modified(&files.stat_of(&name).ok()?), name)))
            .collect();
        kept.sort_unstable();
        let too_many = kept.len().saturating_sub(MOST);
        for (n, (modified, name)) in kept.iter().enumerate() {
            if n >= too_many && *modified > oldest {
                continue;
            }
            match rustix::fs::unlinkat(&files, name, AtFlags::empty()) {
                Ok(()) => done.memos += 1,
                Err(Errno::NOENT) => {}
                Err(e) => return Err(Error::writing(files.path_of(name), "unlinkat", e)),
            }
        }
        Ok(())
    }
}

/// How long the machine has been up; a second less, because times of files are cut to seconds.
fn uptime() -> Duration {
    let up = rustix::time::clock_gettime(rustix::time::ClockId::Boottime);
    Duration::from_secs(u64::try_from(up.tv_sec).unwrap_or(0).saturating_add(1))
}

fn failed(dir: &Dir, name: &CStr, call: &'static str, errno: Errno) -> Error {
    Error::Io { path: dir.path_of(name), call, errno }
}

/// What a directory of the store has; nothing when it is not there yet.
fn names(store: &Dir, directory: &CStr) -> Result<Vec<CString>, Error> {
    match store.child(directory).and_then(|dir| dir.entries()) {
        Ok(entries) => Ok(entries.into_iter().map(|(name, _)| name).collect()),
        Err(Errno::NOENT) => Ok(vec![]),
        Err(e) => Err(failed(store, directory, "getdents", e)),
    }
}

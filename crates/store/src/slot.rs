//! One prepared directory: found, or built aside and renamed into place.
//!
//! - **Found**: its lock file is opened and locked shared; it is valid when the lock file is still
//!   the one at that path (a collector renames the slot away while it holds the lock exclusively).
//! - **Built**: in `tmp/`, locked exclusively from its first moment, so that a collector knows a draft
//!   in progress from one whose builder was killed. The lock is then changed to a shared one and the
//!   directory renamed: a name in `layers/` or `trees/` is always a finished one. Of two builders the
//!   second finds the name taken and uses the first one's.
//! - **After a crash of the machine** a rename may have reached the disk before the content. Nothing
//!   is synced while somebody waits for the launch; instead the lock file records the boot in which
//!   the slot was made, and in another boot the slot does not count until it was *settled*: written
//!   back by [`crate::Store::settle`] later, and marked so (mode 0700 of the lock file).

use crate::clock;
use crate::dir::Dir;
use crate::lock::{self, Kind};
use crate::note::Note;
use crate::place::Tally;
use crate::{Error, Key, Store, remove};
use plan::HostPath;
use rustix::fs::{Mode, OFlags, Stat};
use rustix::io::Errno;
use std::ffi::{CStr, CString};
use std::os::fd::{AsFd, OwnedFd};
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::{Duration, Instant};

/// Mode of the lock file of a slot that may not be on the disk yet.
const UNSETTLED: u32 = 0o600;
/// Mode of the lock file of a slot whose content is on the disk.
pub(crate) const SETTLED: u32 = 0o700;

/// The time of last use is kept as the lock file's modification time, this coarsely: a launch writes
/// nothing.
pub(crate) const USE_GRAIN: Duration = Duration::from_secs(24 * 60 * 60);

/// A prepared directory, locked.
#[derive(Debug)]
pub struct Prepared {
    /// The directory: a lower directory for overlayfs, or a finished tree.
    pub path: HostPath,
    /// Under which key it is in the store.
    pub key: Key,
    /// The shared lock that keeps it from being collected, for as long as this descriptor or a
    /// duplicate is open. Close-on-exec.
    pub lock: OwnedFd,
    /// Whether it was made now.
    pub built: bool,
    /// What was made; empty when it was found.
    pub tally: Tally,
}

/// The kinds of prepared directories, each a directory of the store.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Shelf {
    Layers,
    Trees,
}

impl Shelf {
    pub(crate) const ALL: [Shelf; 2] = [Shelf::Layers, Shelf::Trees];

    pub(crate) fn name(self) -> &'static CStr {
        match self {
            Shelf::Layers => c"layers",
            Shelf::Trees => c"trees",
        }
    }

    /// How long another process is given to build the same before we do it ourselves. A tree may be
    /// gigabytes that are copied.
    fn patience(self) -> Duration {
        match self {
            Shelf::Layers => Duration::from_secs(30),
            Shelf::Trees => Duration::from_secs(300),
        }
    }
}

pub(crate) const TMP: &CStr = c"tmp";
pub(crate) const LOCK: &CStr = c"lock";
const CONTENT: &CStr = c"content";

/// A key as a file name.
pub(crate) fn file_name(text: &str) -> CString {
    CString::new(text).unwrap_or_default()
}

/// The slot `key`, if it is there and usable. Never writes, but for the time of last use.
pub(crate) fn find(store: &Dir, shelf: Shelf, key: &Key) -> Result<Option<Prepared>, Error> {
    let slot = store.path().at(&format!("{}/{key}", shelf.name().to_string_lossy()));
    let path = slot.at("lock");
    for attempt in 1..50 {
        let flags = OFlags::RDONLY | OFlags::CLOEXEC | OFlags::NOFOLLOW;
        let fd = match rustix::fs::open(path.as_path(), flags, Mode::empty()) {
            Ok(fd) => fd,
            Err(Errno::NOENT) => return Ok(None),
            Err(errno) => return Err(Error::Io { path, call: "open", errno }),
        };
        let io = |call| move |errno| (call, errno);
        let state = locked(&fd).map_err(io("fcntl")).and_then(|locked| {
            if !locked {
                return Ok(None);
            }
            let held = rustix::fs::fstat(&fd).map_err(io("fstat"))?;
            match rustix::fs::stat(path.as_path()) {
                Ok(named) if named.st_ino == held.st_ino && named.st_dev == held.st_dev => {
                    Ok(Some(held))
                }
                Ok(_) | Err(Errno::NOENT) => Ok(None),
                Err(e) => Err(("stat", e)),
            }
        });
        match state {
            // In use all the time and of another boot: of another machine that shares this store.
            Ok(Some(stat)) if is_durable(&fd, &stat) || attempt > 20 => {
                touch(&fd, &stat);
                let path = slot.at("content");
                let tally = Tally::default();
                let key = key.clone();
                return Ok(Some(Prepared { path, key, lock: fd, built: false, tally }));
            }
            // Made before the machine went down, and perhaps never written.
            Ok(Some(_)) => {
                drop(fd);
                if retire(store, shelf, &file_name(key.as_str()))? {
                    return Ok(None);
                }
                lock::pause(attempt);
            }
            // Just being collected.
            Ok(None) => lock::pause(attempt),
            Err((call, errno)) => return Err(Error::Io { path, call, errno }),
        }
    }
    Ok(None)
}

fn locked(fd: &OwnedFd) -> Result<bool, Errno> {
    lock::try_lock(fd, Kind::Shared)
}

fn is_durable(fd: &OwnedFd, stat: &Stat) -> bool {
    stat.st_mode & 0o777 == SETTLED || Note::read(fd).is_some_and(|n| n.is_of_this_boot())
}

/// Records the use, unless that was done today.
fn touch(fd: impl AsFd, stat: &Stat) {
    if clock::now().saturating_sub(clock::modified(stat)) >= USE_GRAIN {
        clock::touch(fd);
    }
}

/// Takes a slot that nobody uses out of its shelf and deletes it. `false`: it is in use, or gone.
pub(crate) fn retire(store: &Dir, shelf: Shelf, name: &CStr) -> Result<bool, Error> {
    let Ok(shelf) = store.child(shelf.name()) else { return Ok(false) };
    let Ok(slot) = shelf.child(name) else { return Ok(false) };
    let Ok(fd) = slot.open_file(LOCK, OFlags::RDWR, 0) else { return Ok(false) };
    if !lock::try_lock(&fd, Kind::Exclusive).unwrap_or(false) {
        return Ok(false);
    }
    let tmp = store.child_or_new(TMP)?;
    let dead = format!("dead-{}-{}", std::process::id(), serial());
    let dead = file_name(&dead);
    // Whoever opened the lock file before finds that it is no longer the one at its path.
    match rustix::fs::renameat(&shelf, name, &tmp, &dead) {
        Ok(()) => {}
        Err(Errno::NOENT) => return Ok(false),
        Err(e) => return Err(Error::writing(shelf.path_of(name), "renameat", e)),
    }
    remove::tree(&tmp, &dead)?;
    drop(fd);
    Ok(true)
}

pub(crate) fn serial() -> u32 {
    static NEXT: AtomicU32 = AtomicU32::new(0);
    NEXT.fetch_add(1, Ordering::Relaxed)
}

/// A slot that is being built.
pub(crate) struct Draft {
    tmp: Dir,
    name: CString,
    /// `None` once it has been published.
    lock: Option<OwnedFd>,
    pub(crate) content: Dir,
}

impl Draft {
    pub(crate) fn new(store: &Dir) -> Result<Self, Error> {
        let tmp = store.child_or_new(TMP)?;
        loop {
            let name = file_name(&format!("draft-{}-{}", std::process::id(), serial()));
            match tmp.make(&name) {
                Ok(()) => {}
                // Of another PID namespace, or of a process of this number that was killed.
                Err(Errno::EXIST) => continue,
                Err(e) => return Err(Error::writing(tmp.path_of(&name), "mkdirat", e)),
            }
            if let Some(lock) = Self::lock(&tmp, &name)? {
                let dir = tmp
                    .child(&name)
                    .map_err(|e| Error::writing(tmp.path_of(&name), "openat", e))?;
                let made = dir.make(CONTENT).and_then(|()| dir.child(CONTENT));
                let content = made.map_err(|e| {
                    let _ = remove::tree(&tmp, &name);
                    Error::writing(dir.path_of(CONTENT), "mkdirat", e)
                })?;
                return Ok(Self { tmp, name, lock: Some(lock), content });
            }
        }
    }

    /// `None`: a collector found the draft before it was locked; another is needed.
    fn lock(tmp: &Dir, name: &CStr) -> Result<Option<OwnedFd>, Error> {
        let flags = OFlags::RDWR | OFlags::CREATE | OFlags::EXCL;
        let dir = match tmp.child(name) {
            Ok(dir) => dir,
            Err(Errno::NOENT) => return Ok(None),
            Err(e) => return Err(Error::writing(tmp.path_of(name), "openat", e)),
        };
        let fd = match dir.open_file(LOCK, flags, UNSETTLED) {
            Ok(fd) => fd,
            Err(Errno::NOENT | Errno::EXIST) => return Ok(None),
            Err(e) => {
                let _ = remove::tree(tmp, name);
                return Err(Error::writing(dir.path_of(LOCK), "openat", e));
            }
        };
        let ours = lock::try_lock(&fd, Kind::Exclusive)
            .and_then(|locked| Ok(locked && rustix::fs::fstat(&fd)?.st_nlink > 0))
            .map_err(|errno| Error::Io { path: dir.path_of(LOCK), call: "fcntl", errno })?;
        Ok(ours.then_some(fd))
    }

    /// Gives the finished draft its name. `None`: another builder was faster; its slot serves.
    pub(crate) fn publish(
        mut self,
        store: &Dir,
        shelf: Shelf,
        key: &Key,
        what: &str,
        tally: &Tally,
    ) -> Result<Option<Prepared>, Error> {
        let Some(lock) = self.lock.take() else { return Ok(None) };
        let path = self.tmp.path_of(&self.name);
        let written =
            Note::now(tally).write(&lock, what).and_then(|()| lock::try_lock(&lock, Kind::Shared));
        // Back, so that a failure below deletes the draft.
        let lock = self.lock.insert(lock);
        written.map_err(|e| Error::writing(path.clone(), "write", e))?;
        let shelf_dir = store.child_or_new(shelf.name())?;
        let name = file_name(key.as_str());
        match rustix::fs::renameat(&self.tmp, &self.name, &shelf_dir, &name) {
            Ok(()) => {
                let path = shelf_dir.path_of(&name).at("content");
                let fd = lock.try_clone().map_err(|_| Error::Io {
                    path: path.clone(),
                    call: "fcntl",
                    errno: Errno::MFILE,
                });
                self.lock = None;
                let (key, tally) = (key.clone(), tally.clone());
                Ok(Some(Prepared { path, key, lock: fd?, built: true, tally }))
            }
            Err(Errno::EXIST | Errno::NOTEMPTY) => Ok(None),
            Err(e) => Err(Error::writing(path, "renameat", e)),
        }
    }
}

impl Drop for Draft {
    fn drop(&mut self) {
        if self.lock.is_some()
            && let Err(e) = remove::tree(&self.tmp, &self.name)
        {
            log::warn!("{e}; a later collection deletes it");
        }
    }
}

/// The turn to build one key, so that many launches at once do not all build it. Only a courtesy: who
/// waits too long builds all the same, and nothing depends on it.
pub(crate) struct Turn {
    tmp: Dir,
    name: CString,
    held: Option<OwnedFd>,
}

impl Turn {
    /// Waits for the turn. `done` is asked from time to time whether there is still need to.
    pub(crate) fn wait<T>(
        store: &Dir,
        key: &Key,
        patience: Duration,
        mut done: impl FnMut() -> Result<Option<T>, Error>,
    ) -> Result<Result<Turn, T>, Error> {
        let tmp = store.child_or_new(TMP)?;
        let name = file_name(&format!("{key}.turn"));
        let flags = OFlags::RDWR | OFlags::CREATE;
        let fd = tmp
            .open_file(&name, flags, UNSETTLED)
            .map_err(|e| Error::writing(tmp.path_of(&name), "openat", e))?;
        let start = Instant::now();
        let mut attempt = 0;
        let held = loop {
            match lock::try_lock(&fd, Kind::Exclusive) {
                Ok(true) => break Some(fd),
                Ok(false) if start.elapsed() < patience => {}
                Ok(false) | Err(_) => break None,
            }
            attempt += 1;
            lock::pause(attempt);
            if let Some(found) = done()? {
                return Ok(Err(found));
            }
        };
        let turn = Turn { tmp, name, held };
        // Whoever had the turn before may have finished between the look and the lock.
        Ok(match done()? {
            Some(found) => Err(found),
            None => Ok(turn),
        })
    }
}

impl Drop for Turn {
    fn drop(&mut self) {
        if self.held.is_some() {
            let _ = rustix::fs::unlinkat(&self.tmp, &self.name, rustix::fs::AtFlags::empty());
        }
    }
}

impl Store {
    /// The slot `key`; built by `build` when there is none yet.
    ///
    /// `build` fills the empty directory it is given. It may be called again when its result was
    /// collected at once or a build fails.
    pub(crate) fn slot<E: From<Error>>(
        &self,
        shelf: Shelf,
        key: &Key,
        what: &str,
        build: &mut dyn FnMut(&Dir) -> Result<Tally, E>,
    ) -> Result<Prepared, E> {
        let store = self.directory();
        if let Some(found) = find(store, shelf, key)? {
            return Ok(found);
        }
        let _turn = match Turn::wait(store, key, shelf.patience(), || find(store, shelf, key))? {
            Ok(turn) => turn,
            Err(found) => return Ok(found),
        };
        loop {
            let draft = Draft::new(store)?;
            let tally = build(&draft.content)?;
            if let Some(made) = draft.publish(store, shelf, key, what, &tally)? {
                return Ok(made);
            }
            if let Some(found) = find(store, shelf, key)? {
                return Ok(found);
            }
        }
    }
}

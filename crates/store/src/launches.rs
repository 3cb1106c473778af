//! Remembered launches: blobs that hold for one boot of the machine.
//!
//! As [`crate::memo`], but without a checksum, because nothing can be cut short within one boot: a name
//! appears when the whole content is in the page cache. The caller's key must cover the boot, and what is
//! older than the boot is deleted by the next collection.

use crate::clock;
use crate::memo;
use crate::slot::{Shelf, USE_GRAIN, find};
use crate::{Error, Key, Prepared, Store};
use plan::HostPath;
use std::ffi::CStr;

pub(crate) const LAUNCHES: &CStr = c"launches";

/// File whose modification time says when the store was last tidied.
const TIDIED: &CStr = c"tidied";

impl Store {
    /// Opens the store at `path` if there is one; never makes anything.
    ///
    /// # Errors
    /// As [`Store::open`], but for what making it could bring.
    pub fn open_existing(path: &HostPath) -> Result<Option<Self>, Error> {
        match crate::dir::Dir::open(path) {
            Ok(_) => Self::open(path).map(Some),
            Err(rustix::io::Errno::NOENT) => Ok(None),
            Err(e) => Err(Error::writing(path.clone(), "open", e)),
        }
    }

    /// The launch that was remembered under `key`.
    ///
    /// # Errors
    /// [`Error::Io`] for anything but its absence.
    pub fn launch_get(&self, key: &Key) -> Result<Option<Vec<u8>>, Error> {
        memo::read(self, LAUNCHES, key)
    }

    /// Remembers a launch, atomically, in place of what is there.
    ///
    /// # Errors
    /// As [`Store::memo_put`].
    pub fn launch_put(&self, key: &Key, bytes: &[u8]) -> Result<(), Error> {
        memo::put(self, LAUNCHES, key, bytes)
    }

    /// Forgets a launch. One that is not there is no error.
    ///
    /// # Errors
    /// Those of the file system.
    pub fn launch_forget(&self, key: &Key) -> Result<(), Error> {
        memo::forget(self, LAUNCHES, key)
    }

    /// A layer by its key, if it is there; with the lock that keeps it.
    ///
    /// # Errors
    /// [`Error::Io`] for anything but its absence.
    pub fn layer_by_key(&self, key: &Key) -> Result<Option<Prepared>, Error> {
        find(self.directory(), Shelf::Layers, key)
    }

    /// A tree by its key, if it is there; with the lock that keeps it.
    ///
    /// # Errors
    /// [`Error::Io`] for anything but its absence.
    pub fn tree_by_key(&self, key: &Key) -> Result<Option<Prepared>, Error> {
        find(self.directory(), Shelf::Trees, key)
    }

    /// Whether the store has not been tidied for a day.
    pub fn wants_tidying(&self) -> bool {
        let Ok(stat) = self.directory().stat_of(TIDIED) else { return true };
        clock::now().saturating_sub(clock::modified(&stat)) >= USE_GRAIN
    }

    /// Notes that it was tidied now.
    pub(crate) fn note_tidied(&self) {
        let flags = rustix::fs::OFlags::WRONLY | rustix::fs::OFlags::CREATE;
        if let Ok(fd) = self.directory().open_file(TIDIED, flags, 0o600) {
            clock::touch(&fd);
        }
    }
}

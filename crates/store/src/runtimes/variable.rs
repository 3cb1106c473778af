//! The variable directory of a depot (`--variable-dir`): copies of runtimes, each of which outlives the
//! game that it was made for, until a later launch collects it.
//!
//! | in it | what |
//! |---|---|
//! | `.ref` | locked shared while a copy is made, exclusively while copies are collected |
//! | `tmp-XXXXXX/` | a copy; in use while its `.ref` (a link to `usr/.ref`) is locked shared |
//! | `tmp-XXXXXX/keep` | never collected while it has this, whatever it is |
//!
//! Layout and locks are those of pressure-vessel (`runtime.c`, `locking.md`), so that both can work in
//! one directory at the same time.

use super::Error;
use crate::dir::Dir;
use crate::lock::{self, Kind, Missing};
use crate::{remove, store};
use plan::HostPath;
use rustix::fs::{FileType, Mode, OFlags};
use rustix::io::Errno;
use std::ffi::{CStr, CString};
use std::hash::{BuildHasher, Hasher, RandomState};
use std::os::fd::OwnedFd;

/// The lock file, of the directory itself and of each copy.
pub(crate) const REF: &CStr = c".ref";

/// What a copy's name starts with.
const COPY: &[u8] = b"tmp-";

/// A variable directory.
#[derive(Debug)]
pub struct Variable {
    pub(super) directory: Dir,
}

/// What a collection did.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Swept {
    /// Copies that were deleted.
    pub removed: Vec<HostPath>,
    /// Copies that are in use.
    pub in_use: u64,
    /// Copies with a `keep` in them.
    pub kept: u64,
}

impl Variable {
    /// Opens the directory, making it and its parents (mode 0700) when they are missing.
    ///
    /// # Errors
    /// [`Error::Variable`].
    pub fn open(path: &HostPath) -> Result<Self, Error> {
        Ok(Self { directory: store::open_or_make(path)? })
    }

    /// The directory.
    pub fn path(&self) -> &HostPath {
        self.directory.path()
    }

    /// Keeps collectors away while a copy is made; waits for one that is at work.
    pub(super) fn hold(&self) -> Result<OwnedFd, Error> {
        let path = self.directory.path_of(REF);
        lock::waiting(&path, Kind::Shared, Missing::Create).map_err(Error::of_lock)
    }

    /// A new, empty `tmp-XXXXXX`.
    pub(super) fn draft(&self) -> Result<(CString, Dir), Error> {
        let failed = |name: &CStr, call, errno| Error::Variable {
            path: self.directory.path_of(name),
            call,
            errno,
        };
        loop {
            let name = crate::slot::file_name(&format!("tmp-{}", letters()));
            match self.directory.make(&name) {
                Ok(()) => {}
                Err(Errno::EXIST) => continue,
                Err(e @ (Errno::NOSPC | Errno::DQUOT)) => {
                    let path = self.directory.path_of(&name);
                    return Err(crate::Error::writing(path, "mkdir", e).into());
                }
                Err(e) => return Err(failed(&name, "mkdir", e)),
            }
            let dir = self.directory.child(&name).map_err(|e| failed(&name, "open", e))?;
            return Ok((name, dir));
        }
    }

    /// Deletes the copies that nobody uses. `None`: somebody is making one, or collecting; nothing was
    /// done.
    ///
    /// # Errors
    /// The first failure to list or delete. What cannot be locked counts as in use.
    pub fn collect(&self) -> Result<Option<Swept>, Error> {
        let own = self.directory.path_of(REF);
        let _alone = match lock::exclusive(&own, Missing::Create) {
            Ok(held) => held,
            Err(lock::Error::Busy { .. }) => return Ok(None),
            Err(error) => return Err(Error::of_lock(error)),
        };
        let entries = self.directory.entries().map_err(|errno| Error::Variable {
            path: self.path().clone(),
            call: "getdents",
            errno,
        })?;
        let mut swept = Swept::default();
        for (name, kind) in entries {
            if kind != FileType::Directory || !name.to_bytes().starts_with(COPY) {
                continue;
            }
            let Ok(copy) = self.directory.child(&name) else {
                swept.in_use += 1;
                continue;
            };
            if !matches!(copy.stat_of(c"keep"), Err(Errno::NOENT)) {
                swept.kept += 1;
                continue;
            }
            // Held until it is gone.
            let Some(_held) = unused(&copy) else {
                swept.in_use += 1;
                continue;
            };
            remove::tree(&self.directory, &name)?;
            swept.removed.push(self.directory.path_of(&name));
        }
        Ok(Some(swept))
    }
}

/// Whether nobody uses a copy; then with the lock that keeps it so. Its `.ref` is made where it has none,
/// as for a copy whose maker was killed. It is a link as a rule, so it is followed.
fn unused(copy: &Dir) -> Option<Option<OwnedFd>> {
    let flags = OFlags::RDWR | OFlags::CREATE | OFlags::CLOEXEC | OFlags::NOCTTY | OFlags::NONBLOCK;
    match rustix::fs::openat(copy, REF, flags, Mode::from_raw_mode(0o644)) {
        Ok(fd) => lock::try_lock(&fd, Kind::Exclusive).unwrap_or(false).then_some(Some(fd)),
        // A link to what is not there, not even its directory: nobody can have that locked.
        Err(Errno::NOENT) => Some(None),
        Err(_) => None,
    }
}

/// Six letters and digits, as of mkdtemp(3).
fn letters() -> String {
    const ALPHABET: &[u8] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789";
    // Keyed by the system's random numbers.
    let mut rest = RandomState::new().build_hasher().finish();
    let mut letter = || {
        let n = usize::try_from(rest % ALPHABET.len() as u64).unwrap_or(0);
        rest /= ALPHABET.len() as u64;
        char::from(ALPHABET[n])
    };
    (0..6).map(|_| letter()).collect()
}

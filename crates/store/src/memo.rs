//! Small blobs under a key: what was computed once and is cheap to check.

use crate::clock;
use crate::dir::Dir;
use crate::place::{EPOCH, Looks, Placer};
use crate::slot::{self, file_name};
use crate::{Error, Key, Store};
use rustix::fs::OFlags;
use rustix::io::Errno;
use sha2::{Digest, Sha256};
use std::ffi::CStr;
use std::fs::File;
use std::io::Read;

pub(crate) const MEMO: &CStr = c"memo";

/// Length of the checksum at the beginning.
const SUM: usize = 32;

impl Store {
    /// Largest memo, in bytes.
    pub const MAX_MEMO: usize = 16 << 20;

    /// What was put under `key`. `None` when there is nothing, or when it is damaged: a memo is not
    /// synced, so after a crash of the machine it may be cut short, which its checksum shows.
    ///
    /// # Errors
    /// [`Error::Io`] for anything but its absence.
    pub fn memo_get(&self, key: &Key) -> Result<Option<Vec<u8>>, Error> {
        let Some(mut bytes) = read(self, MEMO, key)? else { return Ok(None) };
        let intact = bytes.len() >= SUM && Sha256::digest(&bytes[SUM..])[..] == bytes[..SUM];
        Ok(intact.then(|| bytes.split_off(SUM)))
    }

    /// Puts `bytes` under `key`, atomically, replacing what is there.
    ///
    /// # Errors
    /// [`Error::Full`], [`Error::Unwritable`] and others of the file system; [`Error::Io`] with
    /// `EFBIG` for more than [`Self::MAX_MEMO`]. What was there before stays.
    pub fn memo_put(&self, key: &Key, bytes: &[u8]) -> Result<(), Error> {
        let whole = [&Sha256::digest(bytes)[..], bytes].concat();
        put(self, MEMO, key, &whole)
    }
}

/// What the file `key` in `shelf` has.
pub(crate) fn read(store: &Store, shelf: &CStr, key: &Key) -> Result<Option<Vec<u8>>, Error> {
    let path = store.path().at(&format!("{}/{key}", shelf.to_string_lossy()));
    let flags = OFlags::RDONLY | OFlags::CLOEXEC | OFlags::NOFOLLOW | OFlags::NONBLOCK;
    let fd = match rustix::fs::open(path.as_path(), flags, rustix::fs::Mode::empty()) {
        Ok(fd) => fd,
        Err(Errno::NOENT) => return Ok(None),
        Err(errno) => return Err(Error::Io { path, call: "open", errno }),
    };
    let size = rustix::fs::fstat(&fd).map_or(0, |s| usize::try_from(s.st_size).unwrap_or(0));
    let limit = Store::MAX_MEMO + SUM;
    // One byte more, so that the end shows without another growth.
    let mut bytes = Vec::with_capacity(size.min(limit) + 1);
    File::from(fd).take(limit as u64).read_to_end(&mut bytes).map_err(|e| {
        let errno = Errno::from_io_error(&e).unwrap_or(Errno::IO);
        Error::Io { path, call: "read", errno }
    })?;
    Ok(Some(bytes))
}

/// Makes the file `key` in `shelf`, whole or not at all.
pub(crate) fn put(store: &Store, shelf: &CStr, key: &Key, whole: &[u8]) -> Result<(), Error> {
    let into = store.directory().child_or_new(shelf)?;
    let name = file_name(key.as_str());
    if whole.len() > Store::MAX_MEMO + SUM {
        let path = into.path_of(&name);
        return Err(Error::Io { path, call: "write", errno: Errno::FBIG });
    }
    let tmp = store.directory().child_or_new(slot::TMP)?;
    let draft = file_name(&format!("memo-{}-{}", std::process::id(), slot::serial()));
    write(&tmp, &draft, whole)
        .and_then(|()| {
            rustix::fs::renameat(&tmp, &draft, &into, &name)
                .map_err(|e| Error::writing(into.path_of(&name), "renameat", e))
        })
        .inspect_err(|_| {
            let _ = rustix::fs::unlinkat(&tmp, &draft, rustix::fs::AtFlags::empty());
        })
}

/// Deletes the file `key` in `shelf`, if it is there.
pub(crate) fn forget(store: &Store, shelf: &CStr, key: &Key) -> Result<(), Error> {
    let Ok(from) = store.directory().child(shelf) else { return Ok(()) };
    let name = file_name(key.as_str());
    match rustix::fs::unlinkat(&from, &name, rustix::fs::AtFlags::empty()) {
        Ok(()) | Err(Errno::NOENT) => Ok(()),
        Err(e) => Err(Error::writing(from.path_of(&name), "unlinkat", e)),
    }
}

fn write(tmp: &Dir, draft: &CStr, whole: &[u8]) -> Result<(), Error> {
    // Of another PID namespace or a killed process.
    let _ = rustix::fs::unlinkat(tmp, draft, rustix::fs::AtFlags::empty());
    let now = clock::now();
    let modified =
        rustix::fs::Timespec { tv_sec: i64::try_from(now.as_secs()).unwrap_or(0), ..EPOCH };
    Placer::default().content(tmp, draft, whole, Looks { mode: 0o600, modified })
}

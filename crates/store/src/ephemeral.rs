//! A private temporary directory in the place of a store, deleted at the end.
//!
//! It is locked exclusively by its process; duplicates of that lock go wherever something prepared
//! in it is used. So whoever finds one unlocked knows that it was left behind, and deletes it.

use crate::dir::Dir;
use crate::lock::{self, Kind, Missing};
use crate::slot::file_name;
use crate::{Error, remove};
use plan::HostPath;
use rustix::fs::OFlags;
use rustix::io::Errno;
use std::ffi::CString;
use std::os::fd::OwnedFd;
use std::sync::atomic::{AtomicU32, Ordering};

/// Deletes its directory when it is dropped.
#[derive(Debug)]
pub(crate) struct Ephemeral {
    parent: Dir,
    name: CString,
    lock: OwnedFd,
    kept: bool,
}

impl Ephemeral {
    pub(crate) fn new(parents: &[HostPath]) -> Result<(Dir, Self), Error> {
        let mut last =
            Error::Unwritable { path: HostPath::root(), call: "mkdirat", errno: Errno::NOENT };
        for path in parents {
            match Dir::open(path) {
                Ok(parent) => {
                    sweep(&parent);
                    match Self::below(parent) {
                        Ok(new) => return Ok(new),
                        Err(e) => last = e,
                    }
                }
                Err(e) => last = Error::writing(path.clone(), "open", e),
            }
        }
        Err(last)
    }

    fn below(parent: Dir) -> Result<(Dir, Self), Error> {
        static NEXT: AtomicU32 = AtomicU32::new(0);
        loop {
            let serial = NEXT.fetch_add(1, Ordering::Relaxed);
            let name = file_name(&format!("{}{}-{serial}", prefix(), std::process::id()));
            match parent.make(&name) {
                Ok(()) => {}
                Err(Errno::EXIST) => continue,
                Err(e) => return Err(Error::writing(parent.path_of(&name), "mkdirat", e)),
            }
            let io = |e| Error::writing(parent.path_of(&name), "openat", e);
            let dir = parent.child(&name).map_err(io)?;
            let flags = OFlags::RDWR | OFlags::CREATE;
            let lock = dir.open_file(c"lock", flags, 0o600).map_err(|e| {
                let _ = remove::tree(&parent, &name);
                io(e)
            })?;
            if lock::try_lock(&lock, Kind::Exclusive).map_err(io)?
                && rustix::fs::fstat(&lock).map_err(io)?.st_nlink > 0
            {
                return Ok((dir, Self { parent, name, lock, kept: false }));
            }
        }
    }

    /// The lock, for another holder.
    pub(crate) fn lock(&self) -> Result<OwnedFd, Error> {
        self.lock.try_clone().map_err(|e| Error::Io {
            path: self.parent.path_of(&self.name),
            call: "fcntl",
            errno: Errno::from_io_error(&e).unwrap_or(Errno::MFILE),
        })
    }

    /// Leaves the directory to whoever uses it.
    pub(crate) fn keep(mut self) -> HostPath {
        self.kept = true;
        self.parent.path_of(&self.name)
    }
}

impl Drop for Ephemeral {
    fn drop(&mut self) {
        if !self.kept
            && let Err(e) = remove::tree(&self.parent, &self.name)
        {
            log::warn!("{e}");
        }
    }
}

fn prefix() -> String {
    format!("bathysphere-store-{}-", rustix::process::geteuid().as_raw())
}

/// Deletes what killed processes of this user have left in `parent`.
fn sweep(parent: &Dir) {
    let uid = rustix::process::geteuid().as_raw();
    let Ok(entries) = parent.entries() else { return };
    for (name, _) in entries {
        let ours = name.to_bytes().starts_with(prefix().as_bytes())
            && parent.stat_of(&name).is_ok_and(|s| s.st_uid == uid);
        if !ours {
            continue;
        }
        if let Ok(_held) = lock::exclusive(&parent.path_of(&name).at("lock"), Missing::Fail) {
            let _ = remove::tree(parent, &name);
        }
    }
}

//! A directory held open, with its path for messages.
//!
//! Everything in the store and in the sources is reached from such a directory by a single name that
//! is not followed, so that neither a link nor a rename of a parent leads elsewhere.

use crate::Error;
use plan::HostPath;
use rustix::fs::{AtFlags, FileType, Mode, OFlags, Stat};
use rustix::io::Errno;
use std::ffi::{CStr, CString, OsStr};
use std::os::fd::{AsFd, BorrowedFd, OwnedFd};
use std::os::unix::ffi::OsStrExt;

const OPEN: OFlags = OFlags::RDONLY.union(OFlags::DIRECTORY).union(OFlags::CLOEXEC);

/// An open directory.
#[derive(Debug)]
pub(crate) struct Dir {
    fd: OwnedFd,
    path: HostPath,
}

impl Dir {
    /// Opens a directory by path, following links.
    pub(crate) fn open(path: &HostPath) -> Result<Self, Errno> {
        let fd = rustix::fs::open(path.as_path(), OPEN, Mode::empty())?;
        Ok(Self { fd, path: path.clone() })
    }

    /// Opens the directory `name` in this one, not following a link.
    pub(crate) fn child(&self, name: &CStr) -> Result<Self, Errno> {
        let fd = rustix::fs::openat(&self.fd, name, OPEN | OFlags::NOFOLLOW, Mode::empty())?;
        Ok(Self { fd, path: self.path_of(name) })
    }

    /// As [`Self::child`], making the directory (mode 0700) when it is missing.
    pub(crate) fn child_or_new(&self, name: &CStr) -> Result<Self, Error> {
        match self.child(name) {
            Err(Errno::NOENT) => match self.make(name) {
                Ok(()) | Err(Errno::EXIST) => self.child(name),
                Err(e) => return Err(Error::writing(self.path_of(name), "mkdir", e)),
            },
            other => other,
        }
        .map_err(|e| Error::writing(self.path_of(name), "open", e))
    }

    /// Makes the directory `name` with mode 0700.
    pub(crate) fn make(&self, name: &CStr) -> Result<(), Errno> {
        rustix::fs::mkdirat(&self.fd, name, Mode::RWXU)
    }

    /// The path by which the directory was opened.
    pub(crate) fn path(&self) -> &HostPath {
        &self.path
    }

    /// The path of `name` in this directory.
    pub(crate) fn path_of(&self, name: &CStr) -> HostPath {
        self.path.join(OsStr::from_bytes(name.to_bytes())).unwrap_or_else(|_| self.path.clone())
    }

    /// The attributes of the directory itself.
    pub(crate) fn stat(&self) -> Result<Stat, Errno> {
        rustix::fs::fstat(&self.fd)
    }

    /// The attributes of `name`, not following a link.
    pub(crate) fn stat_of(&self, name: &CStr) -> Result<Stat, Errno> {
        rustix::fs::statat(&self.fd, name, AtFlags::SYMLINK_NOFOLLOW)
    }

    /// Opens `name`, not following a link.
    pub(crate) fn open_file(
        &self,
        name: &CStr,
        flags: OFlags,
        mode: u32,
    ) -> Result<OwnedFd, Errno> {
        let flags = flags | OFlags::CLOEXEC | OFlags::NOFOLLOW | OFlags::NONBLOCK | OFlags::NOCTTY;
        rustix::fs::openat(&self.fd, name, flags, Mode::from_raw_mode(mode))
    }

    /// Names and types of what is in it, in no order, without `.` and `..`.
    pub(crate) fn entries(&self) -> Result<Vec<(CString, FileType)>, Errno> {
        let mut out = vec![];
        for entry in rustix::fs::Dir::read_from(&self.fd)? {
            let entry = entry?;
            let name = entry.file_name();
            if name == c"." || name == c".." {
                continue;
            }
            let kind = match entry.file_type() {
                // Some file systems do not say.
                FileType::Unknown => FileType::from_raw_mode(self.stat_of(name)?.st_mode),
                kind => kind,
            };
            out.push((name.to_owned(), kind));
        }
        Ok(out)
    }
}

impl AsFd for Dir {
    fn as_fd(&self) -> BorrowedFd<'_> {
        self.fd.as_fd()
    }
}

//! The root that is being built, and how a path in it is found or made.

use crate::builtin::attach;
use crate::sys::{SysError, call};
use plan::ContainerPath;
use rustix::fs::{FileType, Mode, OFlags, ResolveFlags, fstat, mkdirat, openat, openat2};
use rustix::io::Errno;
use std::ffi::OsStr;
use std::os::fd::OwnedFd;

/// What a mount point must be.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Kind {
    Directory,
    /// Anything that is no directory: a file, socket or device is mounted on a file.
    File,
}

/// The root of the new namespace.
pub(crate) struct Root {
    /// Its uppermost mount.
    top: OwnedFd,
    /// How many mounts are below that one.
    covered: usize,
    /// The container has a PID namespace of its own.
    pub(super) own_pids: bool,
}

const DIRECTORY: OFlags = OFlags::PATH.union(OFlags::DIRECTORY).union(OFlags::CLOEXEC);
const ANY: OFlags = OFlags::PATH.union(OFlags::CLOEXEC);

impl Root {
    /// With `top` as its only mount.
    pub(crate) fn new(top: OwnedFd, own_pids: bool) -> Self {
        Self { top, covered: 0, own_pids }
    }

    /// The uppermost mount at `/`.
    pub(crate) fn top(&self) -> &OwnedFd {
        &self.top
    }

    /// How many mounts the uppermost one covers.
    pub(crate) fn covered(&self) -> usize {
        self.covered
    }

    /// Opens what is at `path`, following symbolic links within the root, as `flags` say.
    pub(super) fn open(&self, path: &ContainerPath, flags: OFlags) -> Result<OwnedFd, Errno> {
        let resolve = ResolveFlags::IN_ROOT | ResolveFlags::NO_MAGICLINKS;
        let relative = relative(path);
        match openat2(&self.top, relative, flags, Mode::empty(), resolve) {
            // Before Linux 5.6, or behind a filter that does not know it.
            Err(Errno::NOSYS) => self.walk(path, flags),
            other => other,
        }
    }

    /// As [`Self::open`] without `openat2`: one component after the other. A symbolic link on the
    /// way is an error, because nothing would keep it inside the root.
    fn walk(&self, path: &ContainerPath, flags: OFlags) -> Result<OwnedFd, Errno> {
        let mut at = openat(&self.top, ".", DIRECTORY, Mode::empty())?;
        let mut names = path.relative().iter().peekable();
        while let Some(name) = names.next() {
            let flags = if names.peek().is_some() { DIRECTORY } else { flags };
            at = openat(&at, name, flags | OFlags::NOFOLLOW, Mode::empty())?;
            if FileType::from_raw_mode(fstat(&at)?.st_mode) == FileType::Symlink {
                return Err(Errno::LOOP);
            }
        }
        Ok(at)
    }

    /// The directory at `path`. It and its parents are made where they are missing, with mode 0755
    /// for the parents.
    pub(super) fn directory(&self, path: &ContainerPath, mode: u32) -> Result<OwnedFd, SysError> {
        match self.open(path, DIRECTORY) {
            Err(Errno::NOENT) => {}
            other => return call("openat2", path, other),
        }
        let (parent, name) = self.parent(path)?;
        call("mkdirat", path, mkdirat(&parent, name, Mode::from_raw_mode(mode)))?;
        call("openat", path, openat(&parent, name, DIRECTORY | OFlags::NOFOLLOW, Mode::empty()))
    }

    /// The directory that contains `path`, made where it is missing, and the last component.
    pub(super) fn parent<'p>(
        &self,
        path: &'p ContainerPath,
    ) -> Result<(OwnedFd, &'p OsStr), SysError> {
        match (path.parent(), path.file_name()) {
            (Some(parent), Some(name)) => Ok((self.directory(&parent, 0o755)?, name)),
            _ => Err(SysError::new("openat", path, Errno::EXIST)),
        }
    }

    /// A mount point of this kind, made where it is missing.
    pub(super) fn mount_point(&self, at: &ContainerPath, kind: Kind) -> Result<OwnedFd, SysError> {
        if kind == Kind::Directory {
            return self.directory(at, 0o755);
        }
        match self.open(at, ANY) {
            Err(Errno::NOENT) => {}
            other => return call("openat2", at, other),
        }
        let (parent, name) = self.parent(at)?;
        let flags = OFlags::WRONLY | OFlags::CREATE | OFlags::EXCL | OFlags::CLOEXEC;
        call("openat", at, openat(&parent, name, flags, Mode::from_raw_mode(0o444)))?;
        call("openat", at, openat(&parent, name, ANY | OFlags::NOFOLLOW, Mode::empty()))
    }

    /// Mounts `tree` at `at`, where a mount point of this kind is made if there is none.
    pub(super) fn mount(
        &mut self,
        tree: OwnedFd,
        at: &ContainerPath,
        kind: Kind,
    ) -> Result<(), SysError> {
        let point = self.mount_point(at, kind)?;
        attach(&tree, &point, at)?;
        if at.file_name().is_none() {
            self.top = tree;
            self.covered += 1;
        }
        Ok(())
    }
}

/// Relative to the root's descriptor, which `openat2` takes as `/`.
fn relative(path: &ContainerPath) -> &std::path::Path {
    let relative = path.relative();
    if relative.as_os_str().is_empty() { std::path::Path::new(".") } else { relative }
}

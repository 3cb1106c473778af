//! The root that is being built, and how a path in it is found or made.
//!
//! Most of what is made lies in directories that were made a moment before, on the tmpfs that is the root.
//! These are remembered, and what is made in them is named from the root in one call. Every other path is
//! looked up inside the root first, because a link on the way could lead out of it.
//!
//! While it is not known whether the plan is still right, nothing is made but on file systems that were made
//! here: a mount point that has vanished from a directory of the host must not come back by mistake.

use super::Sources;
use crate::builtin::attach;
use crate::sys::{SysError, call};
use plan::ContainerPath;
use rustix::fs::{FileType, Mode, OFlags, ResolveFlags, fstat, mkdirat, mknodat, openat, openat2};
use rustix::io::Errno;
use rustix::mount::{MoveMountFlags, move_mount};
use std::collections::BTreeSet;
use std::os::fd::{AsFd, BorrowedFd, OwnedFd};
use std::path::Path;

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
    /// Directories that were made here, and file systems in memory on such; not hidden by another mount.
    plain: BTreeSet<ContainerPath>,
    /// Device numbers of the file systems in memory, when nothing may be made on any other.
    own: Option<Vec<u64>>,
    /// The container has a PID namespace of its own.
    pub(super) own_pids: bool,
    /// How files of the host are named.
    pub(super) sources: Sources,
    /// The kernel has no `open_tree_attr`.
    pub(super) is_before_open_tree_attr: bool,
}

/// A place for something new: a path from an open directory, on which there is no link.
pub(super) struct Place<'r> {
    /// The directory, where it had to be opened; otherwise the root.
    opened: Option<OwnedFd>,
    root: &'r OwnedFd,
    /// The path from there.
    pub(super) path: &'r Path,
}

impl AsFd for Place<'_> {
    fn as_fd(&self) -> BorrowedFd<'_> {
        self.opened.as_ref().unwrap_or(self.root).as_fd()
    }
}

const DIRECTORY: OFlags = OFlags::PATH.union(OFlags::DIRECTORY).union(OFlags::CLOEXEC);
const ANY: OFlags = OFlags::PATH.union(OFlags::CLOEXEC);

impl Root {
    /// With `top`, a new file system in memory, as its only mount.
    pub(crate) fn new(top: OwnedFd, own_pids: bool, sources: Sources) -> Self {
        let mut plain = BTreeSet::new();
        plain.insert(ContainerPath::root());
        Self {
            top,
            covered: 0,
            plain,
            own: None,
            own_pids,
            sources,
            is_before_open_tree_attr: false,
        }
    }

    /// Makes nothing from now on but on file systems in memory.
    pub(crate) fn keep_to_memory(&mut self) -> Result<(), SysError> {
        self.own = Some(vec![device(&self.top)?]);
        Ok(())
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

    /// Makes sure that there is a directory at `path`. It and its parents are made where they are missing, with
    /// mode 0755 for the parents. It is opened only where it is not known to be one that was made here.
    pub(super) fn directory(
        &mut self,
        path: &ContainerPath,
        mode: u32,
    ) -> Result<Option<OwnedFd>, SysError> {
        if self.plain.contains(path) {
            return Ok(None);
        }
        if self.is_in_plain(path)? {
            match mkdirat(&self.top, relative(path), Mode::from_raw_mode(mode)) {
                Ok(()) => {
                    self.plain.insert(path.clone());
                    return Ok(None);
                }
                // On a file system that has become read-only, EROFS wins over EEXIST.
                Err(Errno::EXIST | Errno::ROFS) => {}
                Err(errno) => return Err(SysError::new("mkdirat", path, errno)),
            }
        }
        match self.open(path, DIRECTORY) {
            Err(Errno::NOENT) => {}
            other => return call("openat2", path, other).map(Some),
        }
        let place = self.place(path)?;
        call("mkdirat", path, mkdirat(&place, place.path, Mode::from_raw_mode(mode)))?;
        let flags = DIRECTORY | OFlags::NOFOLLOW;
        call("openat", path, openat(&place, place.path, flags, Mode::empty())).map(Some)
    }

    /// Whether what contains `path` is a directory that was made here, and makes it where it is missing.
    fn is_in_plain(&mut self, path: &ContainerPath) -> Result<bool, SysError> {
        let Some(parent) = path.parent() else { return Ok(false) };
        if !self.plain.contains(&parent) {
            self.directory(&parent, 0o755)?;
        }
        Ok(self.plain.contains(&parent))
    }

    /// The place of `path`, the directory of which is made where it is missing.
    pub(super) fn place<'r>(&'r mut self, path: &'r ContainerPath) -> Result<Place<'r>, SysError> {
        let (Some(parent), Some(name)) = (path.parent(), path.file_name()) else {
            return Err(SysError::new("openat", path, Errno::EXIST));
        };
        let opened = self.directory(&parent, 0o755)?;
        if let (Some(own), Some(opened)) = (&self.own, &opened)
            && !own.contains(&device(opened)?)
        {
            return Err(SysError::new("openat", path, Errno::ROFS));
        }
        let path = if opened.is_some() { Path::new(name) } else { relative(path) };
        Ok(Place { opened, root: &self.top, path })
    }

    /// Mounts `tree`, a new file system in memory, at `at`.
    pub(super) fn mount_memory(
        &mut self,
        tree: OwnedFd,
        at: &ContainerPath,
    ) -> Result<(), SysError> {
        if let Some(own) = &mut self.own {
            own.push(device(&tree)?);
        }
        if self.mount(tree, at, Kind::Directory)? {
            self.plain.insert(at.clone());
        }
        Ok(())
    }

    /// Mounts `tree` at `at`, where a mount point of this kind is made if there is none. Whether that is in
    /// a directory that was made here.
    pub(super) fn mount(
        &mut self,
        tree: OwnedFd,
        at: &ContainerPath,
        kind: Kind,
    ) -> Result<bool, SysError> {
        let in_plain = self.mount_in_plain(&tree, at, kind)?;
        if !in_plain {
            let point = self.mount_point(at, kind)?;
            attach(&tree, &point, at)?;
        }
        let hidden: Vec<ContainerPath> =
            self.plain.range(at.clone()..).take_while(|p| p.is_within(at)).cloned().collect();
        hidden.iter().for_each(|path| {
            self.plain.remove(path);
        });
        if at.file_name().is_none() {
            self.top = tree;
            self.covered += 1;
        }
        Ok(in_plain)
    }

    /// Mounts at a mount point that was made here, or is made now, in a directory that was made here.
    /// `false`: the mount point must be looked up.
    fn mount_in_plain(
        &mut self,
        tree: &OwnedFd,
        at: &ContainerPath,
        kind: Kind,
    ) -> Result<bool, SysError> {
        if at.file_name().is_none() || !self.is_in_plain(at)? {
            return Ok(false);
        }
        let path = relative(at);
        if kind != Kind::Directory || !self.plain.contains(at) {
            let made = match kind {
                Kind::Directory => mkdirat(&self.top, path, Mode::from_raw_mode(0o755)),
                Kind::File => {
                    let (file, mode) = (FileType::RegularFile, Mode::from_raw_mode(0o444));
                    mknodat(&self.top, path, file, mode, 0)
                }
            };
            match made {
                Ok(()) => {}
                Err(Errno::EXIST | Errno::ROFS) => return Ok(false),
                Err(errno) => return Err(SysError::new("mknodat", at, errno)),
            }
        }
        let flags = MoveMountFlags::MOVE_MOUNT_F_EMPTY_PATH;
        call("move_mount", at, move_mount(tree, "", &self.top, path, flags))?;
        Ok(true)
    }

    /// A mount point of this kind, made where it is missing.
    fn mount_point(&mut self, at: &ContainerPath, kind: Kind) -> Result<OwnedFd, SysError> {
        match self.open(at, if kind == Kind::Directory { DIRECTORY } else { ANY }) {
            Err(Errno::NOENT) => {}
            other => return call("openat2", at, other),
        }
        if kind == Kind::Directory {
            return match self.directory(at, 0o755)? {
                Some(opened) => Ok(opened),
                None => call("openat2", at, self.open(at, DIRECTORY)),
            };
        }
        let place = self.place(at)?;
        let flags = OFlags::WRONLY | OFlags::CREATE | OFlags::EXCL | OFlags::CLOEXEC;
        let mode = Mode::from_raw_mode(0o444);
        call("openat", at, openat(&place, place.path, flags, mode))?;
        call("openat", at, openat(&place, place.path, ANY | OFlags::NOFOLLOW, Mode::empty()))
    }
}

/// The number of the device that a file is on.
fn device(file: &OwnedFd) -> Result<u64, SysError> {
    call("fstat", "a directory of the new root", fstat(file)).map(|status| status.st_dev)
}

/// Relative to the root's descriptor, which `openat2` takes as `/`.
fn relative(path: &ContainerPath) -> &std::path::Path {
    let relative = path.relative();
    if relative.as_os_str().is_empty() { std::path::Path::new(".") } else { relative }
}

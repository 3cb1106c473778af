//! A file or directory of the host, with the mounts below it.

use super::remount::{self, set_attributes};
use super::root::Kind;
use super::{Root, Sources, sources};
use crate::sys::mount::{self, Attributes};
use crate::sys::{SysError, call};
use plan::{Access, ContainerPath, HostPath};
use rustix::fs::{FileType, OFlags, fstat};
use rustix::io::Errno;
use rustix::mount::{OpenTreeFlags, UnmountFlags};
use std::os::fd::{AsRawFd, OwnedFd};

/// What a bind of this access adds to its mounts. bwrap adds the same.
fn attributes(access: Access) -> Attributes {
    let ours = Attributes::NOSUID.and(Attributes::NODEV);
    match access {
        Access::ReadOnly => ours.and(Attributes::RDONLY),
        Access::ReadWrite => ours,
        Access::Device => Attributes::NOSUID,
    }
}

pub(super) fn apply(
    root: &mut Root,
    source: &HostPath,
    at: &ContainerPath,
    access: Access,
    optional: bool,
) -> Result<(), SysError> {
    let attributes = attributes(access);
    let cloned = match clone_with(root, source, attributes) {
        Some(cloned) => cloned.map(|tree| (tree, true)),
        None => clone_tree(root, source).map(|tree| (tree, false)),
    };
    let (tree, is_set) = match cloned {
        Err(Errno::NOENT | Errno::NOTDIR) if optional => return Ok(()),
        other => call("open_tree", source, other)?,
    };
    let status = call("fstat", source, fstat(&tree))?;
    let kind = match FileType::from_raw_mode(status.st_mode) {
        FileType::Directory => Kind::Directory,
        _ => Kind::File,
    };
    // What the new root covers by now, before it may cover more.
    let ours = root.covered();
    let remount = !is_set
        && match set_attributes(&tree, attributes, true, source) {
            Err(error) if error.is(&[Errno::NOSYS]) => true,
            other => other.map(|()| false)?,
        };
    root.mount(tree, at, kind)?;
    if sources::is_root(source) {
        uncover(root, at, ours)?;
    }
    if remount { remount::after_mounting(root, at, attributes) } else { Ok(()) }
}

/// The new root is mounted over the old one until it takes its place, and a copy of all that is
/// mounted at `/` has a copy of it: away with that.
fn uncover(root: &Root, at: &ContainerPath, covered: usize) -> Result<(), SysError> {
    for _ in 0..=covered {
        let top = call("openat2", at, root.open(at, OFlags::PATH | OFlags::CLOEXEC))?;
        let path = format!("/proc/self/fd/{}", top.as_raw_fd());
        let done = rustix::mount::unmount(path.as_str(), UnmountFlags::DETACH);
        call("umount2", format_args!("{at}, MNT_DETACH"), done)?;
    }
    Ok(())
}

/// As [`clone_tree`], with attributes, in one call (Linux 6.15). `None` where there is no such call.
fn clone_with(
    root: &mut Root,
    source: &HostPath,
    attributes: Attributes,
) -> Option<Result<OwnedFd, Errno>> {
    if root.is_before_open_tree_attr || !matches!(root.sources, Sources::Paths) {
        return None;
    }
    match mount::clone_with(source.as_path(), attributes) {
        Err(Errno::NOSYS) => {
            root.is_before_open_tree_attr = true;
            None
        }
        other => Some(other),
    }
}

/// A copy of the mounts at and below `source`, not mounted anywhere yet. Recursive always: a
/// part of a tree that has locked mounts below it cannot be taken alone (EINVAL), and would show
/// what the mounts hide.
fn clone_tree(root: &Root, source: &HostPath) -> Result<OwnedFd, Errno> {
    let flags = OpenTreeFlags::OPEN_TREE_CLONE
        | OpenTreeFlags::OPEN_TREE_CLOEXEC
        | OpenTreeFlags::AT_RECURSIVE
        | OpenTreeFlags::AT_NO_AUTOMOUNT;
    root.sources.open_tree(source, flags)
}

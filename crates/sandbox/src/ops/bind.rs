//! A file or directory of the host, with the mounts below it.

use super::Root;
use super::remount::{self, set_attributes};
use super::root::Kind;
use crate::sys::mount::Attributes;
use crate::sys::{SysError, call};
use plan::{Access, ContainerPath, HostPath};
use rustix::fs::{CWD, FileType, fstat};
use rustix::io::Errno;
use rustix::mount::{OpenTreeFlags, open_tree};
use std::os::fd::OwnedFd;

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
    let tree = match clone_tree(source) {
        Err(Errno::NOENT | Errno::NOTDIR) if optional => return Ok(()),
        other => call("open_tree", source, other)?,
    };
    let status = call("fstat", source, fstat(&tree))?;
    let kind = match FileType::from_raw_mode(status.st_mode) {
        FileType::Directory => Kind::Directory,
        _ => Kind::File,
    };
    let attributes = attributes(access);
    match set_attributes(&tree, attributes, true, source) {
        Err(error) if error.is(&[Errno::NOSYS]) => {
            root.mount(tree, at, kind)?;
            remount::after_mounting(root, at, attributes)
        }
        other => other.and_then(|()| root.mount(tree, at, kind)),
    }
}

/// A copy of the mounts at and below `source`, not mounted anywhere yet. Recursive always: a
/// part of a tree that has locked mounts below it cannot be taken alone (EINVAL), and would show
/// what the mounts hide.
fn clone_tree(source: &HostPath) -> Result<OwnedFd, Errno> {
    let flags = OpenTreeFlags::OPEN_TREE_CLONE
        | OpenTreeFlags::OPEN_TREE_CLOEXEC
        | OpenTreeFlags::AT_RECURSIVE
        | OpenTreeFlags::AT_NO_AUTOMOUNT;
    open_tree(CWD, source.as_path(), flags)
}

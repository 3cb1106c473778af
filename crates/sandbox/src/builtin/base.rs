//! The new root: a tmpfs stacked over the old root, until it takes its place.

use super::namespaces::refused;
use crate::error::Error;
use crate::link::setup;
use crate::ops::Root;
use crate::sys::{SysError, call};
use rustix::io::Errno;
use rustix::mount::{
    FsMountFlags, FsOpenFlags, MountAttrFlags, MoveMountFlags, UnmountFlags, fsconfig_create,
    fsconfig_set_string, fsmount, fsopen, move_mount, unmount,
};
use std::os::fd::{AsFd, OwnedFd};

/// A new tmpfs that is not mounted anywhere yet.
pub(crate) fn tmpfs(mode: u32) -> Result<OwnedFd, SysError> {
    let context = call("fsopen", "tmpfs", fsopen("tmpfs", FsOpenFlags::FSOPEN_CLOEXEC))?;
    let mode = format!("{mode:04o}");
    let set = fsconfig_set_string(context.as_fd(), "mode", mode.as_str());
    call("fsconfig", format_args!("tmpfs, mode={mode}"), set)?;
    call("fsconfig", "tmpfs, create", fsconfig_create(context.as_fd()))?;
    let attributes = MountAttrFlags::MOUNT_ATTR_NOSUID | MountAttrFlags::MOUNT_ATTR_NODEV;
    let made = fsmount(context.as_fd(), FsMountFlags::FSMOUNT_CLOEXEC, attributes);
    call("fsmount", "tmpfs", made)
}

/// Mounts the tree whose root `tree` is at the directory or file `at`.
pub(crate) fn attach(
    tree: &OwnedFd,
    at: &OwnedFd,
    shown: &dyn std::fmt::Display,
) -> Result<(), SysError> {
    let flags = MoveMountFlags::MOVE_MOUNT_F_EMPTY_PATH | MoveMountFlags::MOVE_MOUNT_T_EMPTY_PATH;
    call("move_mount", shown, move_mount(tree, "", at, "", flags))
}

/// Mounts the tmpfs that the plan's steps start from, over the old root. Paths of this process
/// still mean the old root, because a lookup starts below what is stacked on its root.
///
/// # Errors
/// [`Error::NoNamespaces`] when mounting is refused although the namespaces could be made (AppArmor),
/// [`Error::NoMountApi`] when a call is missing.
pub(crate) fn base() -> Result<OwnedFd, Error> {
    let mounted = tmpfs(0o755).and_then(|tree| {
        let old = rustix::fs::open(
            "/",
            rustix::fs::OFlags::PATH | rustix::fs::OFlags::CLOEXEC,
            rustix::fs::Mode::empty(),
        );
        let old = call("open", "/", old)?;
        attach(&tree, &old, &"the new root over /")?;
        Ok(tree)
    });
    mounted.map_err(|failure| {
        if failure.is(&[Errno::NOSYS]) { Error::NoMountApi(failure) } else { refused(failure) }
    })
}

/// Makes the new root the root, and lets go of the old one with all that is below it.
pub(crate) fn enter(root: Root) -> Result<(), Error> {
    let swap = || {
        call("fchdir", "the new root", rustix::process::fchdir(root.top()))?;
        // Stacks the old root over the new one, at the same place (pivot_root(2), NOTES).
        call("pivot_root", "., .", rustix::process::pivot_root(".", "."))?;
        // And over that, what the new root covered: `/..` would lead to whatever is left there.
        for _ in 0..=root.covered() {
            call("umount2", "., MNT_DETACH", unmount(".", UnmountFlags::DETACH))?;
        }
        call("chdir", "/", rustix::process::chdir("/"))
    };
    setup("entering the new root", swap())
}

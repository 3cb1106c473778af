//! procfs of the container's PID namespace.
//!
//! Without a PID namespace of our own the kernel refuses a new procfs (EPERM); the host's shows the
//! same processes, so it is bound with all that is mounted on it, as bwrap does.

use super::Root;
use super::bind;
use super::root::Kind;
use crate::sys::{SysError, call};
use plan::{Access, ContainerPath, HostPath};
use rustix::mount::{FsMountFlags, FsOpenFlags, MountAttrFlags, fsconfig_create, fsmount, fsopen};
use std::os::fd::AsFd;

pub(super) fn apply(root: &mut Root, at: &ContainerPath) -> Result<(), SysError> {
    if !root.own_pids {
        return bind::apply(root, &HostPath::literal("/proc"), at, Access::ReadWrite, false);
    }
    let context = call("fsopen", "proc", fsopen("proc", FsOpenFlags::FSOPEN_CLOEXEC))?;
    call("fsconfig", "proc, create", fsconfig_create(context.as_fd()))?;
    let attributes = MountAttrFlags::MOUNT_ATTR_NOSUID
        | MountAttrFlags::MOUNT_ATTR_NODEV
        | MountAttrFlags::MOUNT_ATTR_NOEXEC;
    let made = fsmount(context.as_fd(), FsMountFlags::FSMOUNT_CLOEXEC, attributes);
    root.mount(call("fsmount", "proc", made)?, at, Kind::Directory).map(drop)
}

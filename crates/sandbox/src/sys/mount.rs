//! `mount_setattr(2)`, Linux 5.12, and `open_tree_attr(2)`, Linux 6.15.

use super::check;
use rustix::io::Errno;
use rustix::mount::OpenTreeFlags;
use std::ffi::CString;
use std::os::fd::{AsRawFd, BorrowedFd, FromRawFd, OwnedFd, RawFd};
use std::os::unix::ffi::OsStrExt;
use std::path::Path;

/// Attributes of a mount that are set; see `MOUNT_ATTR_*` in linux/mount.h.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Attributes(pub(crate) u64);

impl Attributes {
    /// `MOUNT_ATTR_RDONLY`
    pub(crate) const RDONLY: Self = Self(1);
    /// `MOUNT_ATTR_NOSUID`
    pub(crate) const NOSUID: Self = Self(2);
    /// `MOUNT_ATTR_NODEV`
    pub(crate) const NODEV: Self = Self(4);

    /// Both.
    pub(crate) const fn and(self, other: Self) -> Self {
        Self(self.0 | other.0)
    }

    /// Whether every attribute of `other` is set.
    pub(crate) fn has(self, other: Self) -> bool {
        self.0 & other.0 == other.0
    }
}

/// `struct mount_attr`, version 0.
#[repr(C)]
struct MountAttr {
    set: u64,
    clear: u64,
    propagation: u64,
    userns_fd: u64,
}

/// Number of `open_tree_attr`, the same on every architecture.
const OPEN_TREE_ATTR: libc::c_long = 467;

/// A copy of the mounts at and below `path`, not mounted anywhere yet, each with these attributes added.
/// Neither automounts nor anything hidden by mounts.
///
/// # Errors
/// ENOSYS before Linux 6.15, and those of `open_tree` and `mount_setattr`.
pub(crate) fn clone_with(path: &Path, attributes: Attributes) -> Result<OwnedFd, Errno> {
    let attr = MountAttr { set: attributes.0, clear: 0, propagation: 0, userns_fd: 0 };
    let path = CString::new(path.as_os_str().as_bytes()).map_err(|_| Errno::INVAL)?;
    let flags = OpenTreeFlags::OPEN_TREE_CLONE
        | OpenTreeFlags::OPEN_TREE_CLOEXEC
        | OpenTreeFlags::AT_RECURSIVE
        | OpenTreeFlags::AT_NO_AUTOMOUNT;
    // SAFETY: the path is NUL-terminated, both live until the call returns, and the size given is that of
    // `attr`.
    let fd = check(unsafe {
        libc::syscall(
            OPEN_TREE_ATTR,
            libc::AT_FDCWD,
            path.as_ptr(),
            flags.bits(),
            &raw const attr,
            size_of::<MountAttr>(),
        )
    })?;
    let fd = RawFd::try_from(fd).map_err(|_| Errno::BADF)?;
    // SAFETY: the kernel has just made this descriptor.
    Ok(unsafe { OwnedFd::from_raw_fd(fd) })
}

/// Adds attributes to the mount whose root `mount` is, and with `recursive` to all below it.
///
/// Attributes are only added: the kernel refuses to clear what a more privileged namespace has set.
pub(crate) fn set_attributes(
    mount: BorrowedFd<'_>,
    attributes: Attributes,
    recursive: bool,
) -> Result<(), Errno> {
    let attr = MountAttr { set: attributes.0, clear: 0, propagation: 0, userns_fd: 0 };
    let flags = libc::AT_EMPTY_PATH | if recursive { libc::AT_RECURSIVE } else { 0 };
    // SAFETY: the path is a NUL-terminated empty string, `attr` lives until the call returns, and
    // the size given is its size.
    check(unsafe {
        libc::syscall(
            libc::SYS_mount_setattr,
            mount.as_raw_fd(),
            c"".as_ptr(),
            flags as libc::c_uint,
            &raw const attr,
            size_of::<MountAttr>(),
        )
    })
    .map(drop)
}

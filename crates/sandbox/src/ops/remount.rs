//! Adding attributes to mounts.
//!
//! `mount_setattr` does it for a tree that is not mounted yet, all at once. Without it (before Linux
//! 5.12, Debian 11 for one) each mount is remounted after it was mounted, the classic way, which must
//! repeat the flags that a more privileged namespace has locked.

use super::Root;
use crate::sys::mount::{self, Attributes};
use crate::sys::{SysError, call, std_call};
use plan::ContainerPath;
use rustix::fs::{Mode, OFlags, open};
use rustix::io::Errno;
use rustix::mount::{MountFlags, mount_remount};
use std::collections::BTreeSet;
use std::fmt::Display;
use std::io::Read;
use std::os::fd::{AsFd, AsRawFd, OwnedFd};

/// Adds attributes to the mount whose root `mount` is, and with `recursive` to those below it.
pub(super) fn set_attributes(
    mount: &OwnedFd,
    attributes: Attributes,
    recursive: bool,
    shown: &dyn Display,
) -> Result<(), SysError> {
    let set = mount::set_attributes(mount.as_fd(), attributes, recursive);
    match set {
        Err(Errno::NOSYS) if !recursive => {
            let path = format!("/proc/self/fd/{}", mount.as_raw_fd()).into_bytes();
            let flags = own_flags(mount)?;
            remount(&path, flags, attributes)
        }
        other => call("mount_setattr", format_args!("{shown}, {attributes:?}"), other),
    }
}

/// Adds attributes to the mount at `at` and to every mount below it, by remounting each.
pub(super) fn after_mounting(
    root: &Root,
    at: &ContainerPath,
    attributes: Attributes,
) -> Result<(), SysError> {
    let top = call("openat2", at, root.open(at, OFlags::PATH | OFlags::CLOEXEC))?;
    let id = mount_id(&top)?;
    let base = format!("/proc/self/fd/{}", root.top().as_raw_fd());
    let mut ids = BTreeSet::new();
    ids.insert(id);
    for row in table()? {
        // A mount comes after the one that it is mounted on, unless it was moved since; the
        // recursive copy that is looked at here was made in order.
        if row.id != id && !ids.contains(&row.parent) {
            continue;
        }
        ids.insert(row.id);
        let path = if row.id == id {
            format!("/proc/self/fd/{}", top.as_raw_fd()).into_bytes()
        } else {
            [base.as_bytes(), &row.at].concat()
        };
        match remount(&path, row.flags, attributes) {
            // A mount that another one hides, or that the user may not reach, cannot be named.
            // bwrap passes over it too.
            Err(error)
                if row.id != id && error.is(&[Errno::ACCESS, Errno::NOENT, Errno::INVAL]) => {}
            other => other?,
        }
    }
    Ok(())
}

fn remount(path: &[u8], old: MountFlags, attributes: Attributes) -> Result<(), SysError> {
    let mut flags = old | MountFlags::BIND;
    for (attribute, flag) in [
        (Attributes::RDONLY, MountFlags::RDONLY),
        (Attributes::NOSUID, MountFlags::NOSUID),
        (Attributes::NODEV, MountFlags::NODEV),
    ] {
        if attributes.has(attribute) {
            flags |= flag;
        }
    }
    let shown = String::from_utf8_lossy(path);
    call("mount", format_args!("{shown}, MS_REMOUNT | {flags:?}"), mount_remount(path, flags, c""))
}

/// One line of `/proc/self/mountinfo`, as much of it as is needed.
struct Row {
    id: u64,
    parent: u64,
    at: Vec<u8>,
    flags: MountFlags,
}

/// Largest mount table that is read, in bytes.
const TABLE_BYTES: u64 = 16 << 20;

fn table() -> Result<Vec<Row>, SysError> {
    let path = "/proc/self/mountinfo";
    let fd = call("open", path, open(path, OFlags::RDONLY | OFlags::CLOEXEC, Mode::empty()))?;
    let mut text = Vec::new();
    let read = std::fs::File::from(fd).take(TABLE_BYTES).read_to_end(&mut text);
    std_call("read", path, read)?;
    Ok(text.split(|&b| b == b'\n').filter_map(row).collect())
}

fn row(line: &[u8]) -> Option<Row> {
    let mut fields = line.split(|&b| b == b' ');
    let id = number(fields.next()?)?;
    let parent = number(fields.next()?)?;
    let at = unescaped(fields.nth(2)?);
    let flags = flags(fields.next()?);
    Some(Row { id, parent, at, flags })
}

fn number(text: &[u8]) -> Option<u64> {
    std::str::from_utf8(text).ok()?.trim().parse().ok()
}

/// Undoes the kernel's octal escapes of space, tab, newline and backslash.
fn unescaped(text: &[u8]) -> Vec<u8> {
    let mut out = Vec::with_capacity(text.len());
    let mut rest = text;
    while let Some((&byte, after)) = rest.split_first() {
        if let (b'\\', Some(octal)) = (byte, after.get(..3))
            && octal.iter().all(|b| (b'0'..=b'7').contains(b))
        {
            out.push(octal.iter().fold(0, |n: u8, b| n.wrapping_mul(8).wrapping_add(b - b'0')));
            rest = &after[3..];
        } else {
            out.push(byte);
            rest = after;
        }
    }
    out
}

fn flags(options: &[u8]) -> MountFlags {
    let mut flags = MountFlags::empty();
    for option in options.split(|&b| b == b',') {
        flags |= match option {
            b"ro" => MountFlags::RDONLY,
            b"nosuid" => MountFlags::NOSUID,
            b"nodev" => MountFlags::NODEV,
            b"noexec" => MountFlags::NOEXEC,
            b"noatime" => MountFlags::NOATIME,
            b"nodiratime" => MountFlags::NODIRATIME,
            b"relatime" => MountFlags::RELATIME,
            _ => MountFlags::empty(),
        };
    }
    flags
}

fn mount_id(fd: &OwnedFd) -> Result<u64, SysError> {
    let path = format!("/proc/self/fdinfo/{}", fd.as_raw_fd());
    let opened = open(path.as_str(), OFlags::RDONLY | OFlags::CLOEXEC, Mode::empty());
    let mut text = Vec::new();
    let mut file = std::fs::File::from(call("open", &path, opened)?);
    std_call("read", &path, file.read_to_end(&mut text))?;
    let line = text.split(|&b| b == b'\n').find_map(|line| line.strip_prefix(b"mnt_id:"));
    line.and_then(number).ok_or_else(|| SysError::new("read", &path, Errno::NODATA))
}

fn own_flags(fd: &OwnedFd) -> Result<MountFlags, SysError> {
    let id = mount_id(fd)?;
    let found = table()?.into_iter().find(|row| row.id == id).map(|row| row.flags);
    found.ok_or_else(|| SysError::new("read", "/proc/self/mountinfo", Errno::NOENT))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rows_of_the_mount_table() {
        // From this machine, with a directory called "a b\n\" made for the test.
        let line = br"36 35 98:0 /mnt /a\040b\012\134 rw,nosuid,noatime master:1 - ext4 /dev/x rw";
        let got = row(line).unwrap();
        assert_eq!((got.id, got.parent), (36, 35));
        assert_eq!(got.at, b"/a b\n\\");
        assert_eq!(got.flags, MountFlags::NOSUID | MountFlags::NOATIME);
        for bad in [&b""[..], b"36", b"x 35 98:0 /mnt /a rw", b"36 35 98:0 /mnt"] {
            assert!(row(bad).is_none());
        }
    }

    #[test]
    fn escapes_that_end_early_stay() {
        for (raw, want) in [(&br"\04"[..], &br"\04"[..]), (br"\", br"\"), (br"\989", br"\989")] {
            assert_eq!(unescaped(raw), want);
        }
    }
}

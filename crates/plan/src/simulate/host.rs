//! Looking at files of the host, each once.
//!
//! Every look is `statx` with `AT_NO_AUTOMOUNT | AT_SYMLINK_NOFOLLOW`: a simulation must not make an
//! automounter act.

use super::found::Kind;
use crate::{HostPath, real};
use rustix::fs::{AtFlags, CWD, FileType, Mode, OFlags, StatxFlags};
use rustix::io::Errno;
use std::cell::RefCell;
use std::collections::HashMap;
use std::ffi::OsStr;
use std::os::unix::ffi::OsStrExt;

/// What a file is, as far as look-up needs to know.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Node {
    pub(super) kind: Kind,
    /// Permission bits.
    pub(super) mode: u32,
    /// A character device 0:0, which overlayfs takes as "nothing here".
    pub(super) whiteout: bool,
    /// A regular file of no bytes, which an extended attribute can make a whiteout.
    pub(super) empty: bool,
    /// The device that it lies on; 0 for what is not on the host.
    pub(super) device: u64,
}

impl Node {
    /// Something that is not on the host.
    pub(super) fn made(kind: Kind, mode: u32) -> Self {
        Self { kind, mode, whiteout: false, empty: false, device: 0 }
    }
}

/// Extended attribute of a lower directory of an overlay mounted with `userxattr`: one byte, `y`
/// when the directories below do not show through, `x` when it has whiteouts by attribute
/// (Documentation/filesystems/overlayfs.rst). The `trusted.` ones mean nothing to such an overlay.
const OPAQUE: &str = "user.overlay.opaque";

/// Extended attribute that makes an empty regular file a whiteout (Linux 6.7, same document).
const WHITEOUT: &str = "user.overlay.whiteout";

/// Extended attribute of a directory that was renamed in an overlay. One without redirects refuses
/// such a directory (EPERM).
const REDIRECT: &str = "user.overlay.redirect";

/// `f_type` of procfs (linux/magic.h).
const PROC_SUPER_MAGIC: u64 = 0x9fa0;

/// What was seen of the host.
#[derive(Debug, Default)]
pub(super) struct Host {
    nodes: RefCell<HashMap<HostPath, Result<Node, Errno>>>,
    links: RefCell<HashMap<HostPath, Result<Vec<u8>, Errno>>>,
    /// Whether a device is a procfs.
    procs: RefCell<HashMap<u64, bool>>,
}

impl Host {
    pub(super) fn look(&self, path: &HostPath) -> Result<Node, Errno> {
        if let Some(seen) = self.nodes.borrow().get(path) {
            return *seen;
        }
        let seen = look(path);
        self.nodes.borrow_mut().insert(path.clone(), seen);
        seen
    }

    /// The text of a symbolic link.
    pub(super) fn link(&self, path: &HostPath) -> Result<Vec<u8>, Errno> {
        if let Some(seen) = self.links.borrow().get(path) {
            return seen.clone();
        }
        let seen = link(path);
        self.links.borrow_mut().insert(path.clone(), seen.clone());
        seen
    }

    /// Whether what was seen at this path lies on a procfs.
    pub(super) fn is_proc(&self, path: &HostPath) -> bool {
        let Ok(node) = self.look(path) else { return false };
        *self.procs.borrow_mut().entry(node.device).or_insert_with(|| {
            rustix::fs::statfs(&*real::name(path))
                .is_ok_and(|s| u64::try_from(s.f_type).is_ok_and(|t| t == PROC_SUPER_MAGIC))
        })
    }
}

fn look(path: &HostPath) -> Result<Node, Errno> {
    let flags = AtFlags::SYMLINK_NOFOLLOW | AtFlags::NO_AUTOMOUNT;
    let seen = rustix::fs::statx(CWD, &*real::name(path), flags, StatxFlags::BASIC_STATS);
    // Whoever records what a decision depends on is told.
    witness::saw(path.as_path(), seen.as_ref().ok().map(witness::Look::from));
    let seen = seen?;
    let mode = u32::from(seen.stx_mode);
    let kind = FileType::from_raw_mode(mode);
    Ok(Node {
        kind: kind_of(kind),
        mode: mode & 0o7777,
        whiteout: kind == FileType::CharacterDevice
            && (seen.stx_rdev_major, seen.stx_rdev_minor) == (0, 0),
        empty: kind == FileType::RegularFile && seen.stx_size == 0,
        device: u64::from(seen.stx_dev_major) << 32 | u64::from(seen.stx_dev_minor),
    })
}

pub(super) fn kind_of(kind: FileType) -> Kind {
    match kind {
        FileType::RegularFile => Kind::File,
        FileType::Directory => Kind::Directory,
        FileType::Symlink => Kind::Symlink,
        _ => Kind::Other,
    }
}

fn link(path: &HostPath) -> Result<Vec<u8>, Errno> {
    rustix::fs::readlink(&*real::name(path), Vec::new()).map(std::ffi::CString::into_bytes)
}

/// Names and types of what is in a directory, without `.` and `..`.
pub(super) fn list(path: &HostPath) -> Result<Vec<(Vec<u8>, FileType)>, Errno> {
    witness::listed(path.as_path());
    let flags = OFlags::RDONLY | OFlags::DIRECTORY | OFlags::CLOEXEC;
    let fd = rustix::fs::open(&*real::name(path), flags, Mode::empty())?;
    let mut names = Vec::new();
    for entry in rustix::fs::Dir::new(fd)? {
        let entry = entry?;
        let name = entry.file_name().to_bytes();
        if name != b"." && name != b".." {
            names.push((name.to_vec(), entry.file_type()));
        }
    }
    Ok(names)
}

/// The byte of [`OPAQUE`].
pub(super) fn opacity(path: &HostPath) -> Option<u8> {
    // overlayfs reads one byte; a longer value is an error to it, and ignored.
    let mut value = [0; 1];
    let length = rustix::fs::lgetxattr(&*real::name(path), OPAQUE, &mut value[..]);
    (length == Ok(1)).then_some(value[0])
}

/// Whether an empty file is a whiteout.
pub(super) fn is_marked_whiteout(path: &HostPath) -> bool {
    let mut value = [0; 0];
    rustix::fs::lgetxattr(&*real::name(path), WHITEOUT, &mut value[..]).is_ok()
}

/// Whether a lower directory is one that an overlay refuses.
pub(super) fn is_redirected(path: &HostPath) -> bool {
    let mut value = [0; 0];
    rustix::fs::lgetxattr(&*real::name(path), REDIRECT, &mut value[..]).is_ok()
}

/// Follows links of the last component, as the mount of `path` does; the directories before it
/// are left to the kernel.
pub(super) fn resolved(path: &HostPath) -> Result<HostPath, Errno> {
    let mut path = path.clone();
    for _ in 0..=super::walk::MAX_LINKS {
        if look(&path)?.kind != Kind::Symlink {
            return Ok(path);
        }
        let text = link(&path)?;
        let base = match text.first() {
            Some(b'/') => HostPath::root(),
            _ => path.parent().unwrap_or_else(HostPath::root),
        };
        path = base.join(OsStr::from_bytes(&text)).map_err(|_| Errno::INVAL)?;
    }
    Err(Errno::LOOP)
}

//! The system calls by which a root is looked at. Each look is told to whoever records (`witness`).

use super::error::Fault;
use super::{Entry, Identity, Kind};
use plan::{HostPath, real};
use rustix::fs::{self, AtFlags, CWD, FileType, Mode, OFlags, StatxFlags, StatxTimestamp};
use rustix::io::Errno;
use std::ffi::{OsStr, OsString};
use std::os::unix::ffi::{OsStrExt, OsStringExt};

/// What one component is.
#[derive(Clone, Debug)]
pub(super) struct Node {
    pub(super) kind: Kind,
    pub(super) link: Option<OsString>,
    pub(super) identity: Identity,
    pub(super) mode: u32,
    pub(super) host: HostPath,
}

/// Looks at one component without following it and without mounting it.
pub(super) fn look(host: &HostPath) -> Result<Node, Fault> {
    look_with(host, AtFlags::SYMLINK_NOFOLLOW | AtFlags::NO_AUTOMOUNT)
}

/// Looks at what a path of the host ends at. Only for the top of a root, which is the host's affair.
pub(super) fn look_through(host: &HostPath) -> Result<Node, Fault> {
    look_with(host, AtFlags::NO_AUTOMOUNT)
}

/// As [`look`], without reading a link.
pub(super) fn glance(host: &HostPath) -> Result<(Kind, Identity), Fault> {
    let seen = identify(host, AtFlags::SYMLINK_NOFOLLOW | AtFlags::NO_AUTOMOUNT)?;
    Ok((seen.0, seen.1))
}

fn identify(host: &HostPath, flags: AtFlags) -> Result<(Kind, Identity, u32), Fault> {
    let seen = fs::statx(CWD, &*real::name(host), flags, StatxFlags::BASIC_STATS);
    if flags.contains(AtFlags::SYMLINK_NOFOLLOW) {
        witness::saw(host.as_path(), seen.as_ref().ok().map(witness::Look::from));
    }
    let s = seen.map_err(|e| Fault::from_errno("statx", e))?;
    let identity = Identity {
        device: fs::makedev(s.stx_dev_major, s.stx_dev_minor),
        inode: s.stx_ino,
        size: s.stx_size,
        modified: nanoseconds(s.stx_mtime),
        changed: nanoseconds(s.stx_ctime),
    };
    let mode = u32::from(s.stx_mode);
    Ok((kind_of(FileType::from_raw_mode(mode)), identity, mode & 0o7777))
}

fn look_with(host: &HostPath, flags: AtFlags) -> Result<Node, Fault> {
    let (kind, identity, mode) = identify(host, flags)?;
    let link = match kind {
        Kind::Symlink => {
            let text = fs::readlinkat(CWD, &*real::name(host), Vec::new())
                .map_err(|e| Fault::from_errno("readlink", e))?;
            Some(OsString::from_vec(text.into_bytes()))
        }
        _ => None,
    };
    Ok(Node { kind, link, identity, mode, host: host.clone() })
}

/// Whether a directory is on a file system of autofs, with nothing mounted over it. Opening with `O_PATH` does
/// not mount (open(2)), and `fstatfs` looks at what was opened.
pub(super) fn is_autofs(host: &HostPath) -> Result<bool, Fault> {
    const AUTOFS_SUPER_MAGIC: u64 = 0x0187;
    let flags = OFlags::PATH | OFlags::NOFOLLOW | OFlags::CLOEXEC;
    let fd = fs::openat(CWD, &*real::name(host), flags, Mode::empty())
        .map_err(|e| Fault::from_errno("open", e))?;
    let s = fs::fstatfs(&fd).map_err(|e| Fault::from_errno("fstatfs", e))?;
    // `f_type` is of another integer type on every architecture; the number is positive on all.
    Ok(u64::try_from(s.f_type).is_ok_and(|t| t == AUTOFS_SUPER_MAGIC))
}

/// The entries of a directory, in the order of the file system.
pub(super) fn entries(host: &HostPath) -> Result<Vec<Entry>, Fault> {
    witness::listed(host.as_path());
    let flags = OFlags::RDONLY | OFlags::DIRECTORY | OFlags::NOFOLLOW | OFlags::CLOEXEC;
    let fd = fs::openat(CWD, &*real::name(host), flags, Mode::empty())
        .map_err(|e| Fault::from_errno("open", e))?;
    let mut found = Vec::new();
    let directory = fs::Dir::new(fd).map_err(|e| Fault::from_errno("getdents", e))?;
    for entry in directory {
        let entry = match entry {
            Ok(entry) => entry,
            // Removed while it is read.
            Err(Errno::NOENT) => break,
            Err(e) => return Err(Fault::from_errno("getdents", e)),
        };
        let name = OsStr::from_bytes(entry.file_name().to_bytes());
        if name == "." || name == ".." {
            continue;
        }
        let kind = match entry.file_type() {
            // Some file systems do not say.
            FileType::Unknown => match host.join(name).map(|p| look(&p)) {
                Ok(Ok(node)) => node.kind,
                _ => continue,
            },
            known => kind_of(known),
        };
        found.push(Entry { name: name.into(), kind });
    }
    Ok(found)
}

fn kind_of(kind: FileType) -> Kind {
    match kind {
        FileType::RegularFile => Kind::File,
        FileType::Directory => Kind::Directory,
        FileType::Symlink => Kind::Symlink,
        _ => Kind::Other,
    }
}

fn nanoseconds(t: StatxTimestamp) -> i64 {
    t.tv_sec.saturating_mul(1_000_000_000).saturating_add(t.tv_nsec.into())
}

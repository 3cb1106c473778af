//! One look at one path.

use rustix::fs::{AtFlags, CWD, FileType, Statx, StatxFlags, StatxTimestamp, makedev, statx};
use std::path::Path;

/// What kind of file something is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// A regular file.
    File,
    /// A directory.
    Directory,
    /// A symbolic link.
    Link,
    /// A socket, FIFO or device.
    Other,
}

/// What was there.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Look {
    /// Its kind.
    pub kind: Kind,
    /// Device number, as `makedev` packs it.
    pub device: u64,
    /// Inode number.
    pub inode: u64,
    /// Size in bytes.
    pub size: u64,
    /// Modification time in nanoseconds since 1970.
    pub modified: i64,
    /// Time of the last change of the inode in nanoseconds since 1970.
    pub changed: i64,
    /// Owner.
    pub owner: u32,
    /// File type and permission bits, as `st_mode` has them.
    pub mode: u32,
}

/// What a look asks for.
pub(crate) const MASK: StatxFlags = StatxFlags::BASIC_STATS;
/// How: without following a link, and without making an automounter act.
pub(crate) const FLAGS: AtFlags = AtFlags::SYMLINK_NOFOLLOW.union(AtFlags::NO_AUTOMOUNT);

/// Looks at a path without recording it. `None` for what is not there or may not be looked at.
pub fn look(path: &Path) -> Option<Look> {
    statx(CWD, path, FLAGS, MASK).ok().map(|s| Look::from(&s))
}

impl From<&Statx> for Look {
    fn from(s: &Statx) -> Self {
        let mode = u32::from(s.stx_mode);
        let kind = match FileType::from_raw_mode(mode) {
            FileType::RegularFile => Kind::File,
            FileType::Directory => Kind::Directory,
            FileType::Symlink => Kind::Link,
            _ => Kind::Other,
        };
        Self {
            kind,
            device: makedev(s.stx_dev_major, s.stx_dev_minor),
            inode: s.stx_ino,
            size: s.stx_size,
            modified: nanoseconds(s.stx_mtime),
            changed: nanoseconds(s.stx_ctime),
            owner: s.stx_uid,
            mode,
        }
    }
}

fn nanoseconds(t: StatxTimestamp) -> i64 {
    t.tv_sec.saturating_mul(1_000_000_000).saturating_add(t.tv_nsec.into())
}

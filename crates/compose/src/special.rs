//! What kind of special file a path of the host is, and whose.

use plan::HostPath;
use rustix::fs::{AtFlags, CWD, FileType};

/// Whether the host has a socket there.
pub(crate) fn is_socket(path: &HostPath) -> bool {
    stat(path).is_some_and(|s| FileType::from_raw_mode(s.st_mode) == FileType::Socket)
}

/// Whether what the host has there belongs to this user.
pub(crate) fn belongs_to(path: &HostPath, uid: u32) -> bool {
    stat(path).is_some_and(|s| s.st_uid == uid)
}

/// Links are not followed, because the path has been resolved, and nothing is mounted by looking.
fn stat(path: &HostPath) -> Option<rustix::fs::Stat> {
    let flags = AtFlags::SYMLINK_NOFOLLOW | AtFlags::NO_AUTOMOUNT;
    witness::stat(path.as_path());
    rustix::fs::statat(CWD, path.as_path(), flags).ok()
}

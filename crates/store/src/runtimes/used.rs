//! Whether a runtime is in use: the files by which its users lock it.

use super::Error;
use super::library::PLATFORM;
use super::variable::REF;
use crate::dir::Dir;
use crate::lock::{self, Missing};
use plan::HostPath;
use rustix::fs::{FileType, Mode, OFlags};
use rustix::io::Errno;
use std::collections::HashSet;
use std::ffi::OsStr;
use std::os::fd::OwnedFd;
use std::os::unix::ffi::OsStrExt;

/// Locks a runtime exclusively by each file by which somebody may have it locked shared: that of its
/// files, in whatever form, that of a depot's variable directory, and those of the copies in it.
///
/// # Errors
/// [`Error::InUse`] with the first that is locked; [`Error::Lock`].
pub(super) fn locked_out(runtime: &HostPath) -> Result<Vec<OwnedFd>, Error> {
    let mut held = vec![];
    for path in lock_files(runtime) {
        match lock::exclusive(&path, Missing::Fail) {
            Ok(lock) => held.push(lock),
            Err(lock::Error::Io { errno: Errno::NOENT | Errno::NOTDIR, .. }) => {}
            Err(lock::Error::Busy { path }) => {
                return Err(Error::InUse { path: runtime.clone(), lock: path });
            }
            Err(error) => return Err(Error::of_lock(error)),
        }
    }
    Ok(held)
}

/// Makes the lock file of a runtime's files where there is none, so that whoever uses it can lock it.
/// Content servers and archives may have dropped an empty file.
pub(super) fn make_lock_files(runtime: &Dir) -> Result<(), crate::Error> {
    let entries = runtime.entries().unwrap_or_default();
    let directories = entries.into_iter().filter(|(_, kind)| *kind == FileType::Directory);
    let names: Vec<_> = directories.map(|(name, _)| name).collect();
    let mut files: Vec<_> = names
        .iter()
        .filter(|name| name.to_bytes().windows(PLATFORM.len()).any(|w| w == PLATFORM))
        .filter_map(|name| runtime.child(name).and_then(|dir| dir.child(c"files")).ok())
        .collect();
    files.extend(runtime.child(c"files").ok());
    let itself = files.is_empty().then_some(runtime);
    for dir in files.iter().chain(itself) {
        let flags = OFlags::RDWR | OFlags::CREATE;
        match dir.open_file(REF, flags, 0o644) {
            // Something else of that name cannot be locked, and is none of ours.
            Ok(_) | Err(Errno::LOOP | Errno::ISDIR | Errno::NXIO) => {}
            Err(e) => return Err(crate::Error::writing(dir.path_of(REF), "open", e)),
        }
    }
    Ok(())
}

/// Whether somebody has the runtime locked.
#[must_use]
pub fn is_used(runtime: &HostPath) -> bool {
    lock_files(runtime).iter().any(|path| {
        let flags = OFlags::RDONLY | OFlags::CLOEXEC | OFlags::NOCTTY | OFlags::NONBLOCK;
        rustix::fs::open(path.as_path(), flags, Mode::empty()).is_ok_and(lock::is_held)
    })
}

fn lock_files(runtime: &HostPath) -> Vec<HostPath> {
    let mut out: Vec<_> =
        [".ref", "files/.ref", "usr/.ref", "var/.ref"].map(|p| runtime.at(p)).into();
    let below = |directory: &HostPath, wanted: &[u8]| -> Vec<HostPath> {
        let entries = Dir::open(directory).and_then(|dir| dir.entries()).unwrap_or_default();
        let names = entries.into_iter().map(|(name, _)| name);
        let names = names.filter(|n| n.to_bytes().windows(wanted.len()).any(|w| w == wanted));
        names.filter_map(|n| directory.join(OsStr::from_bytes(n.to_bytes())).ok()).collect()
    };
    out.extend(below(runtime, PLATFORM).iter().map(|p| p.at("files/.ref")));
    out.extend(below(&runtime.at("var"), b"tmp-").iter().map(|p| p.at(".ref")));
    out
}

/// How much space a directory takes on the disk, in bytes; what cannot be looked at counts nothing. A file
/// with several names counts once.
#[must_use]
pub fn space_of(directory: &HostPath) -> u64 {
    let mut seen = HashSet::new();
    let mut total = 0;
    let mut pending = vec![directory.clone()];
    while let Some(at) = pending.pop() {
        let Ok(dir) = Dir::open(&at) else { continue };
        for (name, kind) in dir.entries().unwrap_or_default() {
            let Ok(stat) = dir.stat_of(&name) else { continue };
            if stat.st_nlink < 2 || kind == FileType::Directory || seen.insert(stat.st_ino) {
                total += u64::try_from(stat.st_blocks).unwrap_or(0) * 512;
            }
            if kind == FileType::Directory {
                pending.push(dir.path_of(&name));
            }
        }
    }
    total
}

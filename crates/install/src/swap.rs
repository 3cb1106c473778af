//! Two directories that change places.

use rustix::fs::{CWD, RenameFlags, renameat_with};
use rustix::io::Errno;
use std::fs;
use std::io;
use std::path::Path;

/// How two directories change places: the first is the one that others look for, the second is beside it.
pub type Exchange = fn(&Path, &Path) -> io::Result<()>;

/// Exchanges two directories: at once where the file system can, else by three renames.
///
/// # Errors
/// The error of a rename. Everything is where it was then, as far as that could be restored.
pub fn exchange(place: &Path, other: &Path) -> io::Result<()> {
    match renameat_with(CWD, place, CWD, other, RenameFlags::EXCHANGE) {
        Ok(()) => Ok(()),
        // Not of this file system (NFS, some of FUSE), or not of this kernel.
        Err(Errno::INVAL | Errno::NOSYS | Errno::NOTSUP) => by_renames(place, other),
        Err(error) => Err(error.into()),
    }
}

/// By way of a third name, which is that of the second with a letter more: what is settled after an
/// interruption finds it there.
pub(crate) fn by_renames(place: &Path, other: &Path) -> io::Result<()> {
    let mut third = other.as_os_str().to_owned();
    third.push("x");
    let third = Path::new(&third);
    fs::rename(place, third)?;
    if let Err(error) = fs::rename(other, place) {
        fs::rename(third, place)?;
        return Err(error);
    }
    fs::rename(third, other)
}

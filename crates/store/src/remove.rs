//! Deleting trees, also those whose directories do not let one.

use crate::dir::Dir;
use crate::{Error, Store};
use plan::HostPath;
use rustix::fs::{AtFlags, FileType, Mode};
use rustix::io::Errno;
use std::ffi::{CStr, CString};
use std::os::unix::ffi::OsStrExt;

/// Deletes `path` and everything in it, not following links; an absent one is fine. For the directory
/// of an ephemeral store that outlived its process, see [`Store::keep`].
///
/// # Errors
/// [`Error::Io`] and its kin for the first thing that cannot be deleted.
pub fn discard(path: &HostPath) -> Result<(), Error> {
    let (Some(parent), Some(name)) = (path.parent(), path.file_name()) else { return Ok(()) };
    let Ok(name) = CString::new(name.as_bytes()) else { return Ok(()) };
    match Dir::open(&parent) {
        Ok(parent) => tree(&parent, &name),
        Err(Errno::NOENT) => Ok(()),
        Err(e) => Err(Error::writing(parent, "open", e)),
    }
}

/// Deletes `name` of `parent` and everything in it. A file called `lock` at the top goes last, so
/// that the lock protects the directory until it is gone.
pub(crate) fn tree(parent: &Dir, name: &CStr) -> Result<(), Error> {
    let dir = match parent.child(name) {
        Ok(dir) => dir,
        Err(Errno::NOENT) => return Ok(()),
        Err(Errno::ACCESS) => {
            let _ = rustix::fs::chmodat(parent, name, Mode::RWXU, AtFlags::empty());
            parent.child(name).map_err(|e| Error::writing(parent.path_of(name), "open", e))?
        }
        Err(_) => return unlink(parent, name, AtFlags::empty()),
    };
    empty(&dir, Some(c"lock"), 0)?;
    unlink(&dir, c"lock", AtFlags::empty())?;
    unlink(parent, name, AtFlags::REMOVEDIR)
}

fn empty(dir: &Dir, except: Option<&CStr>, depth: usize) -> Result<(), Error> {
    let failed = |call, e| Error::writing(dir.path().clone(), call, e);
    if depth > 2 * Store::MAX_DEPTH {
        return Err(Error::TooDeep { path: dir.path().clone() });
    }
    // A directory without the right to write does not let its entries go.
    let stat = dir.stat().map_err(|e| failed("fstat", e))?;
    if stat.st_mode & 0o700 != 0o700 {
        rustix::fs::fchmod(dir, Mode::RWXU).map_err(|e| failed("fchmod", e))?;
    }
    for (name, kind) in dir.entries().map_err(|e| failed("getdents", e))? {
        if kind != FileType::Directory {
            if except != Some(name.as_c_str()) {
                unlink(dir, &name, AtFlags::empty())?;
            }
            continue;
        }
        let child = match dir.child(&name) {
            Err(Errno::ACCESS) => {
                let _ = rustix::fs::chmodat(dir, &name, Mode::RWXU, AtFlags::empty());
                dir.child(&name)
            }
            other => other,
        };
        match child {
            Ok(child) => empty(&child, None, depth + 1)?,
            Err(Errno::NOENT) => continue,
            Err(e) => return Err(Error::writing(dir.path_of(&name), "open", e)),
        }
        unlink(dir, &name, AtFlags::REMOVEDIR)?;
    }
    Ok(())
}

/// Another process may be deleting the same: what is gone already is fine.
fn unlink(dir: &Dir, name: &CStr, flags: AtFlags) -> Result<(), Error> {
    match rustix::fs::unlinkat(dir, name, flags) {
        Ok(()) | Err(Errno::NOENT) => Ok(()),
        Err(e) => Err(Error::writing(dir.path_of(name), "unlinkat", e)),
    }
}

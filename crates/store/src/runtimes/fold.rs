//! Moving a top directory of a root that is not merged into its `/usr`.

use super::Error;
use crate::dir::Dir;
use rustix::fs::{AtFlags, FileType};
use rustix::io::Errno;
use std::ffi::CStr;
use std::os::unix::ffi::OsStrExt;
use std::path::{Component, Path, PathBuf};

/// Whether a merged root has this as a link into `/usr`.
pub(super) fn is_merged(name: &[u8]) -> bool {
    matches!(name, b"bin" | b"sbin") || (name.starts_with(b"lib") && name != b"libexec")
}

/// Moves everything in `from`, which a root has at `at`, into `into`, which is `/usr` + `at`. Of two
/// files of the same name the moved one stays, but for links from one side of the merge to the same
/// path on the other: they would lead to themselves.
///
/// # Errors
/// Of the file system.
pub(super) fn fold(from: &Dir, into: &Dir, at: &Path) -> Result<(), Error> {
    let failed =
        |dir: &Dir, name: &CStr, call, e| crate::Error::writing(dir.path_of(name), call, e);
    for (name, kind) in from.entries().map_err(|e| failed(from, c".", "getdents", e))? {
        let path = at.join(std::ffi::OsStr::from_bytes(name.to_bytes()));
        if kind == FileType::Symlink && leads_to_the_other_side(from, &name, &path) {
            continue;
        }
        if kind == FileType::Directory {
            let moved = from.child(&name).map_err(|e| failed(from, &name, "open", e))?;
            match into.child(&name) {
                Ok(there) => {
                    fold(&moved, &there, &path)?;
                    continue;
                }
                // A link to the directory that takes its place now.
                Err(Errno::LOOP | Errno::NOTDIR) => {
                    rustix::fs::unlinkat(into, &name, AtFlags::empty())
                        .map_err(|e| failed(into, &name, "unlinkat", e))?;
                }
                Err(Errno::NOENT) => {}
                Err(e) => return Err(failed(into, &name, "open", e).into()),
            }
        }
        match rustix::fs::renameat(from, &name, into, &name) {
            Ok(()) => {}
            Err(e) => return Err(failed(into, &name, "renameat", e).into()),
        }
    }
    Ok(())
}

fn leads_to_the_other_side(dir: &Dir, name: &CStr, path: &Path) -> bool {
    let Ok(text) = rustix::fs::readlinkat(dir, name, vec![]) else { return false };
    let text = Path::new(std::ffi::OsStr::from_bytes(text.to_bytes()));
    let base = path.parent().unwrap_or(Path::new("/"));
    let other = Path::new("/usr").join(path.strip_prefix("/").unwrap_or(path));
    lexical(&base.join(text)) == other
}

/// Without `.` and `..`, by the text alone.
fn lexical(path: &Path) -> PathBuf {
    let mut out = PathBuf::from("/");
    for component in path.components() {
        match component {
            Component::ParentDir => {
                out.pop();
            }
            Component::Normal(name) => out.push(name),
            Component::RootDir | Component::CurDir | Component::Prefix(_) => {}
        }
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_a_merge_covers() {
        for (name, merged) in [
            (&b"bin"[..], true),
            (b"sbin", true),
            (b"lib", true),
            (b"lib64", true),
            (b"libx32", true),
            (b"libexec", false),
            (b"etc", false),
            (b"binary", false),
        ] {
            assert_eq!(is_merged(name), merged, "{}", name.escape_ascii());
        }
    }

    #[test]
    fn lexically() {
        for (path, want) in [
            ("/lib/../usr/lib/a", "/usr/lib/a"),
            ("/../..", "/"),
            ("/a/./b", "/a/b"),
            ("/a/b/..", "/a"),
        ] {
            assert_eq!(lexical(Path::new(path)), Path::new(want), "{path}");
        }
    }
}

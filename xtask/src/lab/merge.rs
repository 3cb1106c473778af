//! Making a merged `/usr` of a system that has none, as Debian's `usrmerge` does.
//!
//! Debian's packages of these releases say which files belong in `/bin` and `/lib` and which in `/usr`, so the
//! non-merged form is unpacked and the others are derived by moving; the way back could only guess.

use std::fs;
use std::os::unix::fs::{MetadataExt, lchown, symlink};
use std::path::{Component, Path, PathBuf};

use super::finish;
use crate::error::{Context, Problem, Result};

/// Makes each of `dirs` in `root` a link into `usr`, what was in it moved there, and the linker's cache anew.
pub(super) fn directories(root: &Path, dirs: &[&str]) -> Result<()> {
    let owner = fs::metadata(root).at("examining", root)?;
    for dir in dirs {
        let (old, new) = (root.join(dir), root.join("usr").join(dir));
        if old.is_symlink() {
            continue;
        }
        fs::create_dir_all(&new).at("creating", &new)?;
        if old.is_dir() {
            move_into(root, &old, &new)?;
        }
        symlink(Path::new("usr").join(dir), &old).at("linking", &old)?;
        for made in [&new, &old] {
            lchown(made, Some(owner.uid()), Some(owner.gid())).at("giving away", made)?;
        }
    }
    finish::linker_cache(root)
}

/// Moves everything in `from` to `to`, then removes `from`.
fn move_into(root: &Path, from: &Path, to: &Path) -> Result<()> {
    for entry in fs::read_dir(from).at("reading", from)? {
        let entry = entry.at("reading", from)?;
        let (old, new) = (entry.path(), to.join(entry.file_name()));
        let kind = entry.file_type().at("examining", &old)?;
        let there = new.symlink_metadata().ok();
        if kind.is_dir() && there.as_ref().is_some_and(|there| there.is_dir()) {
            move_into(root, &old, &new)?;
        } else if kind.is_symlink() {
            // A link to what has the same name in `/usr` would become a link to itself.
            if there.is_none() {
                move_link(root, &old, &new)?;
            }
            fs::remove_file(&old).at("removing", &old)?;
        } else {
            if let Some(there) = there {
                if !there.is_symlink() {
                    let both = format!("{} and {} both exist", old.display(), new.display());
                    return Err(Problem::new(both));
                }
                fs::remove_file(&new).at("removing", &new)?;
            }
            fs::rename(&old, &new).at("moving", &old)?;
        }
    }
    fs::remove_dir(from).at("removing", from)
}

/// Makes at `new` the link that is at `old`; one that climbs out of its directory is made absolute.
fn move_link(root: &Path, old: &Path, new: &Path) -> Result<()> {
    let target = fs::read_link(old).at("reading", old)?;
    let climbs = target.components().any(|part| part == Component::ParentDir);
    let target = if target.is_relative() && climbs {
        let directory = old.parent().unwrap_or(root);
        let inside = directory.strip_prefix(root).unwrap_or(directory);
        lexical(&Path::new("/").join(inside).join(target))
    } else {
        target
    };
    symlink(target, new).at("linking", new)
}

/// A path without `..`, as it is where no directory on the way is a link.
fn lexical(path: &Path) -> PathBuf {
    let mut out = PathBuf::from("/");
    for part in path.components() {
        match part {
            Component::ParentDir => drop(out.pop()),
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
    fn files_and_links_find_their_place() {
        let dir = std::env::temp_dir().join(format!("bathysphere-merge-{}", std::process::id()));
        let (from, to) = (dir.join("lib"), dir.join("usr/lib"));
        fs::create_dir_all(from.join("a")).unwrap();
        fs::create_dir_all(to.join("a")).unwrap();
        fs::write(from.join("a/real"), "x").unwrap();
        fs::write(to.join("tool"), "y").unwrap();
        for (target, link) in [
            ("../../lib/a/real", to.join("a/real")),
            ("/usr/lib/tool", from.join("tool")),
            ("real", from.join("a/soname")),
            ("../../etc/x", from.join("a/climbs")),
        ] {
            symlink(target, link).unwrap();
        }
        move_into(&dir, &from, &to).unwrap();
        assert!(!from.exists());
        assert_eq!(fs::read(to.join("a/real")).unwrap(), b"x");
        assert_eq!(fs::read(to.join("a/soname")).unwrap(), b"x");
        assert_eq!(fs::read(to.join("tool")).unwrap(), b"y");
        assert_eq!(fs::read_link(to.join("a/climbs")).unwrap(), Path::new("/etc/x"));
        fs::remove_dir_all(&dir).unwrap();
    }
}

//! Trees from a table.

use std::ffi::OsStr;
use std::fs;
use std::io;
use std::os::unix::ffi::OsStrExt;
use std::os::unix::fs::{PermissionsExt, symlink};
use std::path::{Path, PathBuf};

/// Makes a tree of files in a temporary directory, which lives as long as this value.
///
/// ```
/// # use testkit::TreeBuilder;
/// let tree = TreeBuilder::new().unwrap().table("
///     usr/lib/            # a directory
///     lib -> usr/lib      # a symbolic link
///     usr/lib/libx.so.1 = content
///     usr/lib/liby.so.1 => usr/lib/libx.so.1   # a hard link
///     usr/bin/tool 0755 = #!/bin/sh
/// ").unwrap();
/// assert!(tree.path().join("lib/libx.so.1").symlink_metadata().is_ok());
/// ```
#[derive(Debug)]
pub struct TreeBuilder {
    directory: tempfile::TempDir,
}

impl TreeBuilder {
    /// An empty tree.
    ///
    /// # Errors
    /// When no temporary directory can be made.
    pub fn new() -> io::Result<Self> {
        Ok(Self { directory: tempfile::tempdir()? })
    }

    /// Where it is.
    pub fn path(&self) -> &Path {
        self.directory.path()
    }

    /// Adds what a table says, one entry in a line; parents are made where they are missing:
    /// `PATH/`, `PATH -> TEXT`, `PATH => OTHER`, `PATH [MODE] = CONTENT`, `PATH` (an empty file).
    /// ` #` starts a comment.
    ///
    /// # Errors
    /// What the file system says.
    pub fn table(self, table: &str) -> io::Result<Self> {
        for line in table.lines() {
            let line = line.split(" # ").next().unwrap_or_default().trim();
            if line.is_empty() || line.starts_with('#') {
                continue;
            }
            if let Some((path, other)) = line.split_once(" => ") {
                let target = self.place(other.trim())?;
                fs::hard_link(target, self.place(path.trim())?)?;
            } else if let Some((path, text)) = line.split_once(" -> ") {
                symlink(text.trim(), self.place(path.trim())?)?;
            } else if let Some((path, content)) = line.split_once(" = ") {
                let (path, mode) = with_mode(path.trim());
                self.put(path, content.as_bytes(), mode)?;
            } else if let Some(path) = line.strip_suffix('/') {
                fs::create_dir_all(self.place(path)?)?;
            } else {
                let (path, mode) = with_mode(line);
                self.put(path, b"", mode)?;
            }
        }
        Ok(self)
    }

    /// Adds a file with mode 0644 whose path and content are any bytes.
    ///
    /// # Errors
    /// What the file system says.
    pub fn file(self, path: impl AsRef<OsStr>, content: &[u8]) -> io::Result<Self> {
        self.put(path.as_ref(), content, 0o644)?;
        Ok(self)
    }

    /// Adds a file with mode 0755.
    ///
    /// # Errors
    /// What the file system says.
    pub fn program(self, path: impl AsRef<OsStr>, content: &[u8]) -> io::Result<Self> {
        self.put(path.as_ref(), content, 0o755)?;
        Ok(self)
    }

    fn place(&self, path: impl AsRef<OsStr>) -> io::Result<PathBuf> {
        let relative = path.as_ref().as_bytes();
        let relative = relative.strip_prefix(b"/").unwrap_or(relative);
        let place = self.directory.path().join(OsStr::from_bytes(relative));
        if let Some(parent) = place.parent() {
            fs::create_dir_all(parent)?;
        }
        Ok(place)
    }

    fn put(&self, path: impl AsRef<OsStr>, content: &[u8], mode: u32) -> io::Result<()> {
        let place = self.place(path)?;
        fs::write(&place, content)?;
        fs::set_permissions(&place, fs::Permissions::from_mode(mode))
    }
}

fn with_mode(text: &str) -> (&str, u32) {
    match text.rsplit_once(' ') {
        Some((path, mode)) if mode.len() == 4 => match u32::from_str_radix(mode, 8) {
            Ok(mode) => (path, mode),
            Err(_) => (text, 0o644),
        },
        _ => (text, 0o644),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::os::unix::fs::MetadataExt;

    #[test]
    fn every_kind_of_line() {
        let tree = TreeBuilder::new()
            .unwrap()
            .table("a/b/\na/l -> b/x y\na/f = one two\na/h => a/f\nbin/t 0755 = #!/bin/sh\ne # no")
            .unwrap()
            .file(OsStr::from_bytes(b"odd\n\xff"), b"\0")
            .unwrap();
        let at = |path: &str| tree.path().join(path);
        assert!(fs::symlink_metadata(at("a/b")).unwrap().is_dir());
        assert_eq!(fs::read_link(at("a/l")).unwrap(), Path::new("b/x y"));
        assert_eq!(fs::read(at("a/f")).unwrap(), b"one two");
        assert_eq!(fs::metadata(at("a/f")).unwrap().ino(), fs::metadata(at("a/h")).unwrap().ino());
        assert_eq!(fs::metadata(at("bin/t")).unwrap().mode() & 0o777, 0o755);
        assert_eq!(fs::read(at("e")).unwrap(), b"");
        assert_eq!(fs::read(tree.path().join(OsStr::from_bytes(b"odd\n\xff"))).unwrap(), b"\0");
    }
}

//! Directories that are deleted when they are no longer needed.

use std::collections::hash_map::RandomState;
use std::ffi::OsStr;
use std::hash::{BuildHasher, Hasher};
use std::io;
use std::os::unix::fs::DirBuilderExt;
use std::path::{Path, PathBuf};

/// How often a name is made up before it is given up.
const ATTEMPTS: u32 = 100;

/// A directory of our own.
#[derive(Debug)]
pub(crate) struct Temporary(PathBuf);

impl Temporary {
    /// Makes `PARENT/PREFIXxxxxxx`, with mode 0700.
    ///
    /// # Errors
    /// Those of `mkdir`.
    pub(crate) fn make(parent: &Path, prefix: &str) -> io::Result<Self> {
        let mut last = io::Error::from(io::ErrorKind::AlreadyExists);
        for _ in 0..ATTEMPTS {
            let path = parent.join(format!("{prefix}{}", letters()));
            match std::fs::DirBuilder::new().mode(0o700).create(&path) {
                Ok(()) => return Ok(Self(path)),
                Err(error) if error.kind() == io::ErrorKind::AlreadyExists => last = error,
                Err(error) => return Err(error),
            }
        }
        Err(last)
    }

    /// Where it is.
    pub(crate) fn path(&self) -> &Path {
        &self.0
    }

    /// Whether there is nothing in it.
    ///
    /// # Errors
    /// When it cannot be read.
    pub(crate) fn is_empty(&self) -> io::Result<bool> {
        Ok(std::fs::read_dir(&self.0)?.next().is_none())
    }
}

impl Drop for Temporary {
    fn drop(&mut self) {
        // What cannot be deleted stays; nobody could do better.
        let _ = std::fs::remove_dir_all(&self.0);
    }
}

/// Where temporary directories are made: `TMPDIR`, else `/tmp`.
pub(crate) fn parent(tmpdir: Option<&OsStr>) -> &Path {
    tmpdir.filter(|value| !value.is_empty()).map_or(Path::new("/tmp"), Path::new)
}

/// Six letters or digits that nobody can foresee.
fn letters() -> String {
    const LETTERS: &[u8] = b"abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789";
    // The standard library takes its keys from the kernel's random numbers.
    let mut number = RandomState::new().build_hasher().finish();
    let base = LETTERS.len() as u64;
    let mut next = || {
        let letter = LETTERS[(number % base) as usize];
        number /= base;
        char::from(letter)
    };
    std::iter::repeat_with(&mut next).take(6).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_directory_goes_with_its_value() {
        let base = std::env::temp_dir();
        let made = Temporary::make(&base, "bathysphere-tools-").unwrap();
        let path = made.path().to_owned();
        assert!(made.is_empty().unwrap());
        std::os::unix::fs::symlink(&base, path.join("link")).unwrap();
        std::fs::create_dir_all(path.join("a/b")).unwrap();
        assert!(!made.is_empty().unwrap());
        let mode = std::os::unix::fs::PermissionsExt::mode(
            &std::fs::metadata(&path).unwrap().permissions(),
        );
        assert_eq!(mode & 0o777, 0o700);
        drop(made);
        assert!(std::fs::symlink_metadata(&path).is_err());
        assert!(std::fs::symlink_metadata(&base).is_ok(), "what a link leads to stays");
    }

    #[test]
    fn a_directory_that_cannot_be_made_is_told() {
        assert!(Temporary::make(Path::new("/proc/none"), "x-").is_err());
        assert_eq!(parent(None), Path::new("/tmp"));
        assert_eq!(parent(Some(OsStr::new(""))), Path::new("/tmp"));
        assert_eq!(parent(Some(OsStr::new("/var/tmp"))), Path::new("/var/tmp"));
    }
}

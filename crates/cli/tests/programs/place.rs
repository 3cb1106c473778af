//! A directory of a test: a home, files in it, and programs started with nothing else around them.

use crate::support::{Outcome, program};
use std::ffi::OsStr;
use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

/// A directory that is also the home.
pub(crate) struct Place {
    directory: tempfile::TempDir,
}

impl Place {
    pub(crate) fn new() -> Self {
        Self { directory: tempfile::Builder::new().prefix("home-").tempdir().expect("a home") }
    }

    pub(crate) fn path(&self, below: &str) -> PathBuf {
        self.directory.path().join(below)
    }

    pub(crate) fn read(&self, below: &str) -> String {
        let path = self.path(below);
        fs::read_to_string(&path).unwrap_or_else(|error| panic!("{}: {error}", path.display()))
    }

    /// Writes a file with its directories.
    pub(crate) fn write(&self, below: &str, text: &str) -> PathBuf {
        let path = self.path(below);
        fs::create_dir_all(path.parent().expect("it has one")).expect("directories");
        // What is there may be a link into somewhere else.
        let _ = fs::remove_file(&path);
        fs::write(&path, text).expect("a file");
        path
    }

    /// Writes a script for sh.
    pub(crate) fn script(&self, below: &str, text: &str) -> PathBuf {
        let path = self.write(below, &format!("#!/bin/sh\n{text}\n"));
        fs::set_permissions(&path, fs::Permissions::from_mode(0o755)).expect("a mode");
        path
    }

    /// A program, with this home and no other variables but a search path.
    pub(crate) fn command(&self, program: impl AsRef<OsStr>) -> Command {
        let mut command = Command::new(program);
        command.env_clear().env("PATH", "/usr/bin:/bin:/usr/sbin:/sbin").env("LANG", "C.UTF-8");
        command.env("HOME", self.path("")).current_dir(self.path("")).stdin(Stdio::null());
        command
    }

    /// The command of this project.
    pub(crate) fn bathysphere<S: AsRef<OsStr>>(&self, words: &[S]) -> Outcome {
        Outcome::of(self.command(program()).args(words))
    }

    /// A link to the program under test, by which it is another.
    pub(crate) fn link(&self, below: &str) -> PathBuf {
        let path = self.path(below);
        fs::create_dir_all(path.parent().expect("it has one")).expect("directories");
        std::os::unix::fs::symlink(program(), &path).expect("a link");
        path
    }

    /// Every path below a directory, with what it is: content, link, mode.
    pub(crate) fn listing(&self, below: &str) -> String {
        let mut lines = vec![];
        let mut pending = vec![self.path(below)];
        while let Some(directory) = pending.pop() {
            for entry in fs::read_dir(&directory).expect("a directory") {
                let path = entry.expect("an entry").path();
                lines.push(describe(&path));
                if path.is_dir() && !path.is_symlink() {
                    pending.push(path);
                }
            }
        }
        lines.sort();
        lines.concat()
    }
}

fn describe(path: &Path) -> String {
    let metadata = path.symlink_metadata().expect("it is there");
    let what = if metadata.is_symlink() {
        format!("-> {}", fs::read_link(path).expect("a link").display())
    } else {
        String::from_utf8_lossy(&fs::read(path).unwrap_or_default()).into_owned()
    };
    format!("{} {:o} {what}\n", path.display(), metadata.permissions().mode())
}

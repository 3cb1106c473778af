//! Programs by name, as plain commands: for those that need no home and no store.

use crate::support::program;
use std::ffi::OsStr;
use std::os::unix::fs::{PermissionsExt, symlink};
use std::path::{Path, PathBuf};
use std::process::{Command, Output};
use std::sync::OnceLock;

/// A link to the program, in a directory that all tests share.
pub(crate) fn link(name: &str) -> PathBuf {
    static LINKS: OnceLock<tempfile::TempDir> = OnceLock::new();
    let directory = LINKS.get_or_init(|| tempfile::tempdir().unwrap());
    let link = directory.path().join(name);
    match symlink(program(), &link) {
        Err(error) if error.kind() != std::io::ErrorKind::AlreadyExists => panic!("{error}"),
        _ => link,
    }
}

/// The program of this name, with nothing but a search path in its environment.
pub(crate) fn named(name: &str) -> Command {
    let mut command = Command::new(link(name));
    command.env_clear().env("PATH", "/usr/bin:/bin");
    command
}

/// Exit status, standard output, standard error.
pub(crate) fn outcome(command: &mut Command) -> (i32, String, String) {
    let Output { status, stdout, stderr } = command.output().unwrap();
    let text = |bytes: Vec<u8>| String::from_utf8(bytes).unwrap();
    (status.code().unwrap_or(-1), text(stdout), text(stderr))
}

/// A script that can be executed.
pub(crate) fn script(path: &Path, text: &str) {
    std::fs::create_dir_all(path.parent().unwrap()).unwrap();
    std::fs::write(path, format!("#!/bin/sh\n{text}\n")).unwrap();
    std::fs::set_permissions(path, std::fs::Permissions::from_mode(0o755)).unwrap();
}

/// Whether a program is in the search path; says so where it is not, and fails where nothing may be
/// skipped.
pub(crate) fn has(program: &str) -> bool {
    let there = Command::new(program).arg("--version").output().is_ok();
    if !there {
        assert!(std::env::var_os("BATHYSPHERE_NO_SKIP").is_none(), "there is no {program}");
        println!("SKIP: {}: there is no {program}", module_path!());
    }
    there
}

/// Names of a directory's entries, in order.
pub(crate) fn entries(directory: &Path) -> Vec<String> {
    let text = |name: &OsStr| name.to_str().unwrap().to_owned();
    let entries = std::fs::read_dir(directory).unwrap();
    let mut names: Vec<_> = entries.map(|entry| text(&entry.unwrap().file_name())).collect();
    names.sort();
    names
}

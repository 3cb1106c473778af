//! What is measured.

use std::ffi::OsString;
use std::path::{Path, PathBuf};

/// One command line that is measured.
pub(super) struct Subject {
    /// Its name in the table.
    pub(super) name: String,
    /// The command and its arguments.
    pub(super) command: Vec<OsString>,
    /// The store that must not be there before each launch, which is a cold one.
    pub(super) cold_store: Option<PathBuf>,
    /// That store is in memory.
    pub(super) in_memory: bool,
    /// Launches in a round.
    pub(super) runs: u32,
}

/// Where things are that the subjects need.
pub(super) struct Place<'p> {
    pub(super) program: &'p Path,
    pub(super) runtime: &'p Path,
    /// The same in the form that Flatpak and Steam use: its `/usr` as `files`.
    pub(super) files: &'p Path,
    pub(super) depot: &'p Path,
    /// On a disk.
    pub(super) home: &'p Path,
    /// On a tmpfs.
    pub(super) memory: &'p Path,
}

const ONE: &str = "x86_64-linux-gnu";
const TWO: &str = "x86_64-linux-gnu:i386-linux-gnu";

/// The subjects; the first is what the others are compared with.
pub(super) fn all(place: &Place<'_>, operations: usize) -> Vec<Subject> {
    let bare: Vec<OsString> = ["bwrap", "--ro-bind", "/", "/", "true"].map(OsString::from).into();
    let plain = |name: &str, command| Subject {
        name: name.into(),
        command,
        cold_store: None,
        in_memory: false,
        runs: 10,
    };
    let mut out = vec![
        plain("bwrap --ro-bind / / true", bare),
        plain("bwrap, as many operations", as_many(operations)),
    ];
    let disk = place.home;
    for (name, backend, tuples, at, runtime) in [
        ("builtin, two architectures", "builtin", TWO, disk, place.runtime),
        ("builtin, one architecture", "builtin", ONE, disk, place.runtime),
        ("builtin, Flatpak's form", "builtin", TWO, disk, place.files),
        ("builtin, store on tmpfs", "builtin", TWO, place.memory, place.runtime),
        ("bwrap", "bwrap", TWO, disk, place.runtime),
        ("bwrap, store on tmpfs", "bwrap", TWO, place.memory, place.runtime),
        ("builtin, depot", "builtin", TWO, disk, place.depot),
    ] {
        let number = out.len();
        let store = at.join(format!("store-{number}"));
        let options = [("--backend", backend), ("--architectures", tuples)];
        let mut subject =
            plain(&format!("warm, {name}"), launch(place.program, runtime, &store, &options, &[]));
        out.push(subject);
        let store = at.join(format!("store-cold-{number}"));
        subject =
            plain(&format!("cold, {name}"), launch(place.program, runtime, &store, &options, &[]));
        subject.cold_store = Some(store);
        subject.in_memory = at == place.memory;
        subject.runs = if backend == "bwrap" { 1 } else { 2 };
        out.push(subject);
    }
    let store = disk.join("store-unchecked");
    let mut unchecked = plain(
        "cold, builtin, without the check",
        launch(place.program, place.runtime, &store, &[("--backend", "builtin")], &["--no-check"]),
    );
    unchecked.cold_store = Some(store);
    unchecked.runs = 2;
    out.push(unchecked);
    out
}

/// A launch of `true`.
pub(super) fn launch(
    program: &Path,
    runtime: &Path,
    store: &Path,
    options: &[(&str, &str)],
    flags: &[&str],
) -> Vec<OsString> {
    let mut command = vec![program.into(), "run".into(), "--runtime".into(), runtime.into()];
    command.extend(["--store".into(), store.into()]);
    command.extend(flags.iter().map(OsString::from));
    for (name, value) in options {
        command.extend([name.into(), value.into()]);
    }
    command.extend(["--".into(), "true".into()]);
    command
}

/// A bwrap command with a root and `operations` further binds.
pub(super) fn as_many(operations: usize) -> Vec<OsString> {
    let mut command: Vec<OsString> =
        ["bwrap", "--ro-bind", "/", "/", "--tmpfs", "/tmp"].map(OsString::from).into();
    for index in 2..operations {
        let target = format!("/tmp/{index}");
        command.extend(["--ro-bind".into(), "/usr/share".into(), target.into()]);
    }
    command.push("true".into());
    command
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn as_many_has_as_many() {
        let command = as_many(40);
        let count = |word: &str| command.iter().filter(|argument| *argument == word).count();
        assert_eq!(count("--ro-bind") + count("--tmpfs"), 40);
    }
}

//! What is measured.

use std::ffi::OsString;
use std::path::{Path, PathBuf};

/// One command line that is measured.
pub(super) struct Subject {
    /// Its name in the table.
    pub(super) name: &'static str,
    /// The command and its arguments.
    pub(super) command: Vec<OsString>,
    /// Removed before each launch, so that it is a cold one.
    pub(super) store_to_empty: Option<PathBuf>,
    /// Launches in a round.
    pub(super) runs: u32,
}

/// The subjects; the first is what the others are compared with.
pub(super) fn all(program: &Path, runtime: &Path, home: &Path, operations: usize) -> Vec<Subject> {
    let bare: Vec<OsString> = ["bwrap", "--ro-bind", "/", "/", "true"].map(OsString::from).into();
    let warm = |name, backend| Subject {
        name,
        command: launch(program, runtime, &home.join("store-warm"), backend),
        store_to_empty: None,
        runs: 10,
    };
    let store = home.join("store-cold");
    vec![
        Subject { name: "bwrap --ro-bind / / true", command: bare, store_to_empty: None, runs: 10 },
        Subject {
            name: "bwrap, as many operations",
            command: as_many(operations),
            store_to_empty: None,
            runs: 10,
        },
        Subject {
            name: "bathysphere, cold, builtin",
            command: launch(program, runtime, &store, "builtin"),
            store_to_empty: Some(store),
            runs: 2,
        },
        warm("bathysphere, warm, builtin", "builtin"),
        warm("bathysphere, warm, bwrap", "bwrap"),
    ]
}

fn launch(program: &Path, runtime: &Path, store: &Path, backend: &str) -> Vec<OsString> {
    let mut command = vec![program.into(), "run".into(), "--runtime".into(), runtime.into()];
    command.extend(["--store".into(), store.into(), "--backend".into(), backend.into()]);
    command.extend(["--".into(), "true".into()]);
    command
}

/// A bwrap command with a root and `operations` further binds.
fn as_many(operations: usize) -> Vec<OsString> {
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

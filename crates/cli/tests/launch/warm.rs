//! A warm launch makes nothing outside memory.

use crate::support::{BACKENDS, Launch, lab, need};
use std::path::Path;

/// Everything in the store, with times and sizes.
fn state(store: &Path) -> String {
    let mut find = std::process::Command::new("find");
    find.arg(store).args(["-printf", "%P %y %m %s %T@ %i\\n"]);
    String::from_utf8_lossy(&find.output().unwrap().stdout).into_owned()
}

#[test]
fn nothing_is_written_by_a_warm_launch() {
    let runtime = need!(lab("runtime-bullseye"));
    let store = tempfile::tempdir().unwrap();
    let path = store.path().join("store");
    let home = tempfile::tempdir().unwrap();
    for backend in BACKENDS {
        let launch = || {
            let launch = Launch::new().runtime(&runtime).backend(backend).store(&path);
            launch.env("HOME", home.path()).in_directory(home.path()).run(&["/usr/bin/true"]).ok()
        };
        launch();
        let before = state(&path);
        launch();
        assert_eq!(before, state(&path), "{backend}");
        assert_eq!(std::fs::read_dir(home.path()).unwrap().count(), 0, "{backend}");
    }
}

//! Equal input gives byte-equal output.

use crate::support::{Launch, need, program};
use crate::walk::{self, RUNTIME};
use std::ffi::OsString;
use std::os::unix::ffi::OsStrExt;
use std::path::Path;
use std::process::{Command, Stdio};

/// The same launch with the environment in another order, and with a store of its own.
fn shuffled(launch: Launch, store: &Path, backwards: bool) -> Vec<u8> {
    let (command, _home) = launch.prepare(&["true"]);
    let mut variables: Vec<OsString> = vec![];
    for (name, value) in command.get_envs() {
        let mut variable = name.to_owned();
        variable.push("=");
        let store_of = name.as_bytes() == b"BATHYSPHERE_STORE";
        variable.push(if store_of { store.as_os_str() } else { value.unwrap_or_default() });
        variables.push(variable);
    }
    variables.extend(["ZZ=1", "AA=2"].map(OsString::from));
    if backwards {
        variables.reverse();
    }
    let mut env = Command::new("/usr/bin/env");
    env.arg("-i").args(variables).arg(program()).args(command.get_args());
    env.current_dir(command.get_current_dir().unwrap()).stdin(Stdio::null());
    let output = env.output().unwrap();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    output.stdout
}

#[test]
fn printed_forms_depend_on_nothing_else() {
    let home = tempfile::tempdir().unwrap();
    for form in ["tree", "json", "steps", "libraries"] {
        let mut seen: Vec<Vec<u8>> = vec![];
        for backwards in [false, true] {
            let store = tempfile::tempdir().unwrap();
            let launch = need!(walk::launch("plan", RUNTIME, home.path())).pair("--format", form);
            seen.push(shuffled(launch, store.path(), backwards));
        }
        assert!(!seen[0].is_empty());
        assert!(seen[0] == seen[1], "{form} is not the same twice");
    }
}

/// Where the store is named in the output it is part of the input; cold or warm is not.
#[test]
fn the_command_is_the_same_with_a_fresh_store() {
    let home = tempfile::tempdir().unwrap();
    let directory = tempfile::tempdir().unwrap();
    let store = directory.path().join("store");
    let mut seen: Vec<Vec<u8>> = vec![];
    for backwards in [false, true, false] {
        let launch = need!(walk::launch("plan", "form-usr", home.path()));
        seen.push(shuffled(launch.pair("--format", "bwrap"), &store, backwards));
        if backwards {
            std::fs::remove_dir_all(&store).unwrap();
        }
    }
    assert!(seen[0] == seen[1] && seen[1] == seen[2]);
}

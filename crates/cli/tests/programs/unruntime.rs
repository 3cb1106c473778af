//! `pressure-vessel-unruntime`.

use crate::by_name::{named, outcome, script};
use crate::support::program as binary;
use std::process::Command;

const NAME: &str = "pressure-vessel-unruntime";

/// It is pressure-vessel-wrap then, which refuses to be started with STEAM_RUNTIME.
#[test]
fn wrap_has_the_users_environment() {
    for (name, status) in [(NAME, 0), ("pressure-vessel-wrap", 2)] {
        let mut command = named(name);
        command.env("STEAM_RUNTIME", "/steam").arg("--version");
        let (got, stdout, stderr) = outcome(&mut command);
        assert_eq!(got, status, "{name} {stderr}");
        assert_eq!(stdout.starts_with("pressure-vessel-wrap:\n"), status == 0, "{stdout}");
    }
}

#[test]
fn a_window_asks_where_there_is_one() {
    let bin = tempfile::tempdir().unwrap();
    let program = bin.path().join(NAME);
    std::os::unix::fs::symlink(binary(), &program).unwrap();
    let asks = |words: &[&str], variables: &[(&str, &str)]| {
        let mut command = Command::new(&program);
        command.env_clear().envs([("PATH", "/usr/bin:/bin"), ("PRESSURE_VESSEL_WRAP_GUI", "1")]);
        command.envs(variables.iter().copied());
        outcome(command.args(words).arg("--version"))
    };
    // There is none.
    let (status, stdout, stderr) = asks(&[], &[]);
    assert_eq!((status, stdout.starts_with("pressure-vessel-wrap:")), (0, true), "{stderr}");
    assert!(stderr.contains("pressure-vessel-test-ui: nothing is asked"), "{stderr}");

    script(&bin.path().join("pressure-vessel-test-ui"), "echo window \"$@\" ${STEAM_RUNTIME-none}");
    for (words, variables, window) in [
        (&[][..], &[("STEAM_RUNTIME", "/s")][..], true),
        (&["--batch"], &[], false),
        (&[], &[("PRESSURE_VESSEL_BATCH", "1")], false),
        (&[], &[("PRESSURE_VESSEL_BATCH", "0")], true),
        (&[], &[("PRESSURE_VESSEL_WRAP_GUI", "")], false),
    ] {
        let (status, stdout, stderr) = asks(words, variables);
        assert_eq!(status, 0, "{stderr}");
        assert_eq!(stdout.starts_with("window "), window, "{words:?} {variables:?} {stdout}");
        if variables == [("STEAM_RUNTIME", "/s")] {
            assert!(
                stdout.ends_with("--env-if-host=STEAM_RUNTIME=/s --version none\n"),
                "{stdout}"
            );
        }
    }
}

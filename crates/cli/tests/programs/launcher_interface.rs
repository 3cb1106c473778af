//! `steam-runtime-launcher-interface-0`.

use crate::by_name::{named, outcome, script};

const NAME: &str = "steam-runtime-launcher-interface-0";
const SERVICE: &str = "steam-runtime-launcher-service";

/// Prints what the service got.
const SAYS: &str = "echo service \"$@\" ${STEAM_COMPAT_LAUNCHER_SERVICE-unset}";
const OPTIONS: &str =
    "--exec-fallback --hint --inside-app --no-stop-on-name-loss --replace --session --";

#[test]
fn wrong_usage() {
    for arguments in [&[][..], &["tool"], &["--help", "true"], &["tool", "--", "true"], &["", "-x"]]
    {
        let (status, stdout, stderr) = outcome(named(NAME).args(arguments));
        assert_eq!((status, stdout.as_str()), (125, ""), "{arguments:?}");
        assert!(stderr.contains("]: E: usage: "), "{stderr}");
    }
}

#[test]
fn the_command_itself() {
    for (names, wanted, words, status) in [
        ("tool", None, &["sh", "-c", "exit 3"][..], 3),
        ("tool", Some(""), &["true"], 0),
        ("tool", Some("other"), &["true"], 0),
        ("tool:more", Some("tool:more"), &["true"], 0),
        ("", Some(""), &["true"], 0),
        ("tool", None, &["/nonexistent"], 127),
        ("tool", None, &["nonexistent"], 127),
        ("tool", None, &["/etc/passwd"], 126),
    ] {
        let mut command = named(NAME);
        command.env("SRT_LAUNCHER_SERVICE", "/bin/false");
        if let Some(wanted) = wanted {
            command.env("STEAM_COMPAT_LAUNCHER_SERVICE", wanted);
        }
        let got = outcome(command.arg(names).args(words));
        assert_eq!(got.0, status, "{names} {wanted:?} {words:?} {}", got.2);
        let warned = got.2.contains("it has a colon and is not considered");
        assert_eq!(warned, wanted == Some("tool:more"), "{}", got.2);
    }
}

#[test]
fn where_the_service_is_found() {
    let place = tempfile::tempdir().unwrap();
    let at = |path: &str| place.path().join(path).to_str().unwrap().to_owned();
    script(&place.path().join("named"), SAYS);
    script(&place.path().join("path").join(SERVICE), SAYS);
    script(&place.path().join("tool/pressure-vessel/bin").join(SERVICE), SAYS);
    std::fs::create_dir_all(place.path().join("empty")).unwrap();
    let path = format!("{}:/usr/bin:/bin", at("path"));
    let tools = format!("{}:{}", at("empty"), at("tool"));
    for variables in [
        &[("SRT_LAUNCHER_SERVICE", at("named"))][..],
        &[("PATH", path)],
        &[("STEAM_COMPAT_TOOL_PATHS", tools), ("SRT_LAUNCHER_SERVICE", String::new())],
    ] {
        let mut command = named(NAME);
        command.env("STEAM_COMPAT_LAUNCHER_SERVICE", "tool");
        command.envs(variables.iter().cloned());
        let got = outcome(command.args(["one:tool", "echo", "-n", "--", "x"]));
        let want = format!("service {OPTIONS} echo -n -- x unset\n");
        assert_eq!(got, (0, want, String::new()), "{variables:?}");
    }
}

/// The command is what matters.
#[test]
fn without_a_service() {
    for (service, why) in [
        (None, "there is no steam-runtime-launcher-service"),
        (Some("/nonexistent"), "cannot execute `/nonexistent`"),
    ] {
        let mut command = named(NAME);
        command.env("STEAM_COMPAT_LAUNCHER_SERVICE", "tool");
        command.envs(service.map(|service| ("SRT_LAUNCHER_SERVICE", service)));
        let (status, stdout, stderr) = outcome(command.args(["tool", "echo", "ran"]));
        assert_eq!((status, stdout.as_str()), (0, "ran\n"), "{stderr}");
        assert!(stderr.contains(why), "{stderr}");
        assert!(stderr.contains("without a launcher service"), "{stderr}");
    }
}

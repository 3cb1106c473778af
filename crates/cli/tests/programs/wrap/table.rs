//! Options × outcomes, as the specification has them: what is wrong usage, what is answered at once, and how
//! a command ends.

use super::{launch, sh, wrap};
use crate::support::{BACKENDS, lab, need};

const USAGE: i32 = 2;

/// A row: words, variables, exit status, part of standard output, part of standard error.
type Row<'a> = (&'a [&'a str], &'a [(&'a str, &'a str)], i32, &'a str, &'a str);

fn check(rows: &[Row<'_>]) {
    for (words, variables, status, stdout, stderr) in rows {
        let outcome = wrap().args(words).envs(variables).run();
        let account = || format!("{words:?} {variables:?}\n{}", outcome.account());
        assert_eq!(outcome.status(), *status, "{}", account());
        assert!(outcome.stdout().contains(stdout), "{}", account());
        assert!(outcome.stderr().contains(stderr), "{}", account());
        if stdout.is_empty() {
            assert_eq!(outcome.stdout(), "", "{}", account());
        }
    }
}

#[test]
fn wrong_usage() {
    let inside = ("STEAM_RUNTIME", "/steam-runtime");
    check(&[
        (&[], &[], USAGE, "", "no command"),
        (&["--"], &[], USAGE, "", "no command"),
        (&["--devel"], &[], USAGE, "", "no command"),
        (&["--unknown"], &[], USAGE, "", "--unknown"),
        // No abbreviations, and no value for a switch.
        (&["--deve", "true"], &[], USAGE, "", "--deve"),
        (&["--devel=1", "true"], &[], USAGE, "", "--devel=1"),
        (&["true", "--unknown"], &[], USAGE, "", "--unknown"),
        (&["--runtime"], &[], USAGE, "", "--runtime"),
        (&["--copy-runtime", "true"], &[], USAGE, "", "--variable-dir"),
        (&["true"], &[("PRESSURE_VESSEL_COPY_RUNTIME", "1")], USAGE, "", "--variable-dir"),
        (&["--env-if-host=A", "true"], &[], USAGE, "", "NAME=VALUE"),
        (&["--filesystem=x", "true"], &[], USAGE, "", "--filesystem"),
        (&["--filesystem=/a:b", "true"], &[], USAGE, "", "--filesystem"),
        (&["--filesystem=home", "true"], &[], USAGE, "", "--filesystem"),
        (&["--graphics-provider=x", "true"], &[], USAGE, "", "absolute"),
        (&["true"], &[("PRESSURE_VESSEL_GRAPHICS_PROVIDER", "x")], USAGE, "", "absolute"),
        (&["--only-prepare", "--test"], &[], USAGE, "", "--test"),
        (&["--pass-fd=77", "true"], &[], USAGE, "", "not open"),
        (&["--pass-fd=x", "true"], &[], USAGE, "", "descriptor"),
        (&["--assign-fd=5=77", "true"], &[], USAGE, "", "not open"),
        (&["--shell=x", "true"], &[], USAGE, "", "after"),
        (&["--terminal=x", "true"], &[], USAGE, "", "xterm"),
        (&["--shell=after", "--terminal=none", "true"], &[], USAGE, "", "--shell"),
        (&["--shell=after", "--terminal=none", "--batch", "true"], &[], USAGE, "", "--shell"),
        (&["true"], &[("PRESSURE_VESSEL_SHELL", "x")], USAGE, "", "PRESSURE_VESSEL_SHELL"),
        (&["--unshare-home", "true"], &[], USAGE, "", "--unshare-home"),
        (&["true"], &[("PRESSURE_VESSEL_SHARE_HOME", "0")], USAGE, "", "--unshare-home"),
        (&["--terminate-timeout=x", "true"], &[], USAGE, "", "number"),
        (&["--runtime=/r", "--runtime-archive=/a.tar.gz", "true"], &[], USAGE, "", "together"),
        (&["--runtime-id=-x", "true"], &[], USAGE, "", "--runtime-id"),
        (&["true"], &[inside], USAGE, "", "pressure-vessel-unruntime"),
        (&["--version"], &[("STEAM_RUNTIME", "")], USAGE, "", "pressure-vessel-unruntime"),
    ]);
}

#[test]
fn what_is_answered_at_once() {
    let version = env!("CARGO_PKG_VERSION");
    check(&[
        (&["--version"], &[], 0, version, ""),
        (&["--version"], &[], 0, "pressure-vessel-wrap:\n", ""),
        (&["--version-only"], &[], 0, version, ""),
        (&["--help"], &[], 0, "--copy-runtime", ""),
        (&["true", "-h"], &[], 0, "Usage:", ""),
        (&["--test"], &[], 0, "", ""),
        (&["--test"], &[("PRESSURE_VESSEL_BWRAP", "/nonexistent/bwrap")], 1, "", "BS0014"),
        (&["--only-prepare"], &[], 0, "", ""),
    ]);
    assert_eq!(wrap().arg("--version-only").run().stdout(), format!("{version}\n"));
}

#[test]
fn what_fails_before_the_command() {
    check(&[
        (&["--runtime=/nonexistent", "true"], &[], 1, "", "BS0001"),
        (&["--runtime=r", "--runtime-base=/nonexistent", "true"], &[], 1, "", "/nonexistent/r"),
        (&["true"], &[("PRESSURE_VESSEL_RUNTIME", "/nonexistent")], 1, "", "BS0001"),
        // An option counts more than its variable.
        (&["--runtime=", "true"], &[("PRESSURE_VESSEL_RUNTIME", "/nonexistent")], 0, "", ""),
        (&["true"], &[("PRESSURE_VESSEL_RUNTIME", "")], 0, "", ""),
        (&["--launcher"], &[], 1, "", "BS0080"),
        (&["/nonexistent/command"], &[], 127, "", "BS0007"),
        (&["/etc/passwd"], &[], 126, "", "BS0008"),
        (&["true"], &[("PRESSURE_VESSEL_BWRAP", "/nonexistent/bwrap")], 1, "", "BS0014"),
        (&["--graphics-provider=/nonexistent", "true"], &[], 0, "", ""),
    ]);
}

#[test]
fn values_that_are_neither_on_nor_off_are_warned_of() {
    check(&[
        (&["true"], &[("PRESSURE_VESSEL_DEVEL", "yes")], 0, "", "PRESSURE_VESSEL_DEVEL"),
        (
            &["true"],
            &[("PRESSURE_VESSEL_SHARE_HOME", "maybe")],
            0,
            "",
            "PRESSURE_VESSEL_SHARE_HOME",
        ),
    ]);
    let quiet = wrap().arg("true").env("PRESSURE_VESSEL_DEVEL", "0").run();
    assert_eq!((quiet.status(), quiet.stderr()), (0, String::new()));
}

#[test]
fn process_numbers_of_its_own_are_warned_of() {
    check(&[
        (&["--unshare-pid", "true"], &[], 0, "", "W: --unshare-pid"),
        (&["true"], &[("PRESSURE_VESSEL_SHARE_PID", "0")], 0, "", "W: --unshare-pid"),
        (&["--share-pid", "true"], &[("PRESSURE_VESSEL_SHARE_PID", "0")], 0, "", ""),
    ]);
}

#[test]
fn obsolete_options_are_understood() {
    for option in [
        "--deterministic",
        "--single-thread",
        "--gc-legacy-runtimes",
        "--no-gc-legacy-runtimes",
        "--with-host-graphics",
        "--without-host-graphics",
        "--runtime-id=x",
        "--copy-runtime-into=",
        "--no-generate-locales",
    ] {
        let outcome = wrap().args(&[option, "--verbose", "true"]).run();
        assert_eq!(outcome.status(), 0, "{}", outcome.account());
    }
    let said = wrap().args(&["--verbose", "--deterministic", "true"]).run();
    assert!(said.stderr().contains("I: --deterministic changes nothing"), "{}", said.account());
}

/// The status of the container is that of the command, whatever it is.
#[test]
fn how_a_command_ends() {
    let runtime = need!(lab("runtime-bullseye"));
    for backend in BACKENDS {
        for (script, want) in [
            ("exit 0", 0),
            ("exit 1", 1),
            ("exit 2", 2),
            ("exit 125", 125),
            ("exit 255", 255),
            ("kill -TERM $$", 128 + 15),
            ("kill -KILL $$", 128 + 9),
        ] {
            let outcome = sh(launch(&runtime, backend), script).run();
            assert_eq!(outcome.status(), want, "{backend}: {}", outcome.account());
        }
        let missing = launch(&runtime, backend).arg("/nonexistent/command").run();
        assert_eq!(missing.status(), 127, "{}", missing.account());
    }
}

/// Options count wherever they stand until `--`, and one `--` disappears, as with GLib.
#[test]
fn where_options_stand() {
    let runtime = need!(lab("runtime-bullseye"));
    let runtime = format!("--runtime={}", runtime.display());
    for (words, want) in [
        (&["printf", "%s,", "a", runtime.as_str(), "b"][..], "a,b,"),
        (&[runtime.as_str(), "--", "printf", "%s,", "--devel", "--"], "--devel,--,"),
        (&[runtime.as_str(), "printf", "%s,", "--", "--devel"], "--devel,"),
        (&["--runtime=/nonexistent", runtime.as_str(), "printf", "%s,", "last"], "last,"),
    ] {
        let outcome = wrap().args(words).run();
        assert_eq!(outcome.ok(), want, "{words:?}");
    }
}

/// Messages are `PROGRAM[PID]: LETTER: text` on standard error, and as the variables want them.
#[test]
fn how_it_speaks() {
    let bad = |variables: &[(&str, &str)]| {
        wrap().args(&["--runtime=/nonexistent", "true"]).envs(variables).run().stderr()
    };
    let plain = bad(&[]);
    assert!(
        plain.starts_with("pressure-vessel-wrap[") && plain.contains("]: E: BS0001"),
        "{plain}"
    );
    let diffable = bad(&[("SRT_LOG", "diffable,level")]);
    assert!(diffable.starts_with("<3>pressure-vessel-wrap: E: BS0001"), "{diffable}");
    let info = wrap().args(&["true"]).env("PRESSURE_VESSEL_LOG_INFO", "1").run();
    assert!(info.stderr().contains("executor"), "{}", info.account());
    let verbose = wrap().args(&["true"]).env("PRESSURE_VESSEL_VERBOSE", "1").run();
    assert!(verbose.stderr().contains("executor"), "{}", verbose.account());
}

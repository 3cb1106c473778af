//! Inside Flatpak: a namespace that has `/.flatpak-info`, a real session bus, and a portal that executes what it is
//! asked for (`portal.py`).

use super::interactive::by_script;
use super::{NAME, wrap_in};
use crate::support::{Outcome, lab, need};
use crate::tool::{Places, Tool, installed};
use std::fs;
use std::io::{BufRead, BufReader, Read, Write};
use std::os::unix::process::ExitStatusExt;
use std::path::Path;
use std::process::{Child, Command, Stdio};

/// A session bus that starts nothing.
const BUS: &str = r#"<!DOCTYPE busconfig PUBLIC "-//freedesktop//DTD D-Bus Bus Configuration 1.0//EN"
 "http://www.freedesktop.org/standards/dbus/1.0/busconfig.dtd">
<busconfig><type>session</type><listen>unix:tmpdir=/tmp</listen><policy context="default">
<allow send_destination="*" eavesdrop="true"/><allow eavesdrop="true"/><allow own="*"/>
</policy></busconfig>"#;

/// Programs that end with their test.
struct Ending(Vec<Child>);

impl Drop for Ending {
    fn drop(&mut self) {
        for child in &mut self.0 {
            // It may have ended by itself.
            let _ = child.kill();
            let _ = child.wait();
        }
    }
}

/// A sandbox of Flatpak's with its session bus.
struct Sandbox {
    address: String,
    info: tempfile::NamedTempFile,
    programs: Ending,
}

fn first_line(mut command: Command) -> Result<(Child, String), String> {
    let name = format!("{command:?}");
    command.stdin(Stdio::null()).stdout(Stdio::piped());
    let mut child = command.spawn().map_err(|error| format!("{name}: {error}"))?;
    let mut line = String::new();
    let stdout = child.stdout.as_mut().expect("it is piped");
    BufReader::new(stdout).read_line(&mut line).map_err(|error| format!("{name}: {error}"))?;
    Ok((child, line.trim().to_owned()))
}

impl Sandbox {
    fn new(version: &str) -> Result<Self, String> {
        let info = tempfile::NamedTempFile::new().expect("a file");
        fs::write(&info, format!("[Instance]\nflatpak-version={version}\n")).expect("a file");
        // Without the services of the machine, which may have a portal.
        let configuration = tempfile::NamedTempFile::new().expect("a file");
        fs::write(&configuration, BUS).expect("a file");
        let mut daemon = Command::new("dbus-daemon");
        daemon.args(["--nofork", "--print-address", "--config-file"]).arg(configuration.path());
        let (daemon, address) = first_line(daemon)?;
        Ok(Self { address, info, programs: Ending(vec![daemon]) })
    }

    /// With a portal whose properties are these.
    fn with_portal(flatpak: &str, version: &str, supports: &str) -> Result<Self, String> {
        let python = "/usr/bin/python3";
        let gi = Command::new(python).args(["-c", "import gi"]).status();
        if !gi.is_ok_and(|status| status.success()) {
            return Err("python3-gi is not installed (cargo xtask setup does)".into());
        }
        let mut sandbox = Self::new(flatpak)?;
        let mut portal = Command::new(python);
        let script = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/programs/wrap/portal.py");
        portal.arg(script).args([version, supports]).env_clear();
        portal.env("PATH", "/usr/bin:/bin").env("STEAM_COMPAT_MOUNTS", "/portal");
        portal.env("DBUS_SESSION_BUS_ADDRESS", &sandbox.address);
        let (portal, line) = first_line(portal)?;
        sandbox.programs.0.push(portal);
        assert_eq!(line, "ready");
        Ok(sandbox)
    }

    /// The tool in the sandbox.
    fn prepare(&self, tool: Tool) -> (Command, Places) {
        let (inner, places) = tool.prepare();
        let mut outer = Command::new("bwrap");
        outer.arg("--ro-bind").arg(self.info.path()).arg("/.flatpak-info");
        for entry in fs::read_dir("/").expect("a root") {
            let path = entry.expect("an entry").path();
            if let Ok(target) = fs::read_link(&path) {
                outer.arg("--symlink").arg(target).arg(&path);
            } else if path == Path::new("/dev") {
                outer.args(["--dev-bind", "/dev", "/dev"]);
            } else if path.is_dir() {
                outer.arg("--bind").arg(&path).arg(&path);
            }
        }
        let adverb = places.at("prefix/bin/pressure-vessel-adverb");
        if !adverb.exists() {
            std::os::unix::fs::symlink(crate::support::program(), adverb).expect("a link");
        }
        outer.arg("--").arg(inner.get_program()).args(inner.get_args());
        outer.env_clear().current_dir(inner.get_current_dir().expect("it has one"));
        outer.envs(inner.get_envs().filter_map(|(name, value)| Some((name, value?))));
        outer.env("DBUS_SESSION_BUS_ADDRESS", &self.address);
        outer.env("XDG_RUNTIME_DIR", places.at("run")).stdin(Stdio::null());
        fs::create_dir_all(places.at("run")).expect("a directory");
        (outer, places)
    }

    fn run(&self, tool: Tool) -> Outcome {
        let (mut command, _places) = self.prepare(tool);
        Outcome::of(&mut command)
    }
}

/// With a runtime whose C library serves a program that is built here, or with none.
fn launch(places: Places, runtime: Option<&Path>) -> Tool {
    let variable = places.at("var");
    let tool = wrap_in(places).pair("--variable-dir", variable);
    if let Some(runtime) = runtime { tool.pair("--runtime", runtime) } else { tool }
}

#[test]
fn a_command_runs_with_the_copied_runtime() {
    let runtime = need!(lab("host-bookworm"));
    let sandbox = need!(Sandbox::with_portal("1.14.10", "6", "1"));
    let script = "echo \"$PRESSURE_VESSEL_ARCHITECTURES\" | cut -d: -f1
        test -e /usr/.ref && test -d /usr/lib/pressure-vessel/from-host/bin && echo copy
        echo \"${STEAM_COMPAT_MOUNTS-unset} ${STEAM_COMPAT_DATA_PATH-unset} ${container-none}\"
        test \"$(readlink /etc/ld.so.cache)\" = \"$RUN/pressure-vessel/ldso/ld.so.cache\" && echo cache
        head -n 1 \"$RUN/pressure-vessel/ldso/ld.so.conf\"
        readlink /usr/lib/pressure-vessel/overrides/lib/x86_64-linux-gnu/libc.so.6 | cut -d/ -f1-4
        readlink /usr/lib/pressure-vessel/overrides/lib/x86_64-linux-gnu/libGL.so.1 | cut -d/ -f1-4
        pwd
        exit 7";
    // Flatpak sets XDG_RUNTIME_DIR in a sandbox; that portal does not.
    let places = Places::new();
    let run = places.at("run");
    let tool =
        launch(places, Some(&runtime)).env("STEAM_COMPAT_DATA_PATH", "/data").env("RUN", run);
    let (mut command, places) = sandbox.prepare(super::sh(tool, script));
    let outcome = Outcome::of(&mut command);
    assert_eq!(outcome.status(), 7, "{}", outcome.account());
    let stdout = outcome.stdout();
    let lines: Vec<&str> = stdout.lines().collect();
    let home = places.home();
    let wanted = [
        "x86_64-linux-gnu",
        "copy",
        "unset /data none",
        "cache",
        "/usr/lib/pressure-vessel/overrides/lib/x86_64-linux-gnu",
    ];
    assert_eq!(lines[..5], wanted, "{}", outcome.account());
    assert_eq!(lines.last(), home.to_str().as_ref(), "{}", outcome.account());
    let links = &lines[5..lines.len() - 1];
    assert!(links.iter().all(|link| *link == "/run/parent/usr"), "{}", outcome.account());
    assert!(!links.is_empty(), "the host gives nothing: {}", outcome.account());
}

#[test]
fn signals_and_statuses() {
    let sandbox = need!(Sandbox::with_portal("1.14.10", "6", "1"));
    for (script, signal, want) in [
        ("trap 'echo got; exit 9' USR1; echo ready; while :; do sleep 0.1; done", "USR1", 9),
        ("echo ready; while :; do sleep 0.1; done", "TERM", 128 + 15),
        ("echo ready; kill -KILL $$", "", 128 + 9),
        ("echo ready; exit 255", "", 255),
    ] {
        let (mut command, _places) =
            sandbox.prepare(super::sh(launch(Places::new(), None), script));
        command.stdout(Stdio::piped());
        let mut child = command.spawn().expect("bwrap");
        let mut stdout = BufReader::new(child.stdout.take().expect("it is piped"));
        let mut line = String::new();
        stdout.read_line(&mut line).expect("a line");
        assert_eq!(line, "ready\n", "{script}");
        if !signal.is_empty() {
            // To the tool, which is bwrap's child.
            let pid = child.id();
            let children = fs::read_to_string(format!("/proc/{pid}/task/{pid}/children"));
            let children = children.expect("it runs");
            let kill = Command::new("kill").arg(format!("-{signal}")).arg(children.trim()).status();
            assert!(kill.expect("kill").success());
        }
        let mut rest = String::new();
        stdout.read_to_string(&mut rest).expect("text");
        let status = child.wait().expect("it ends");
        assert_eq!((status.code(), status.signal()), (Some(want), None), "{script}: {rest}");
        assert_eq!(rest.contains("got"), want == 9, "{script}");
    }
}

/// A terminal is replaced by one that is the sub-sandbox's own: what is typed goes there, keys for signals and the
/// size included; the terminal itself is as before at the end.
#[test]
fn a_terminal_of_its_own() {
    const COMMANDS: &str = "echo \"size $(stty size)\"; tty > inner; exec 3</dev/tty && echo tty
        case $- in *m*) echo jobs;; esac; trap 'echo interrupted; exit 5' INT
        trap 'echo \"now $(stty size)\"' WINCH
        read line; echo \"read $line\"; echo ready; while :; do read line; done";
    const AROUND: &str =
        "stty rows 33 cols 77; stty -g > before; tty > outer; \"$@\" < $(cat outer); s=$?
        stty -g > after; exit $s";
    need!(installed("script"));
    let sandbox = need!(Sandbox::with_portal("1.14.10", "6", "1"));
    for option in ["--tty", "--devel"] {
        // With `-m` a shell has job control, if it is on a terminal of its session.
        let words = [option, "--", "/bin/sh", "-mc", COMMANDS];
        let (call, places) = sandbox.prepare(launch(Places::new(), None).args(&words));
        fs::write(places.home().join("around"), AROUND).unwrap();
        let mut child = by_script("sh around", &call, &places).spawn().unwrap();
        let mut keys = child.stdin.take().unwrap();
        let mut output = BufReader::new(child.stdout.take().unwrap());
        let mut text = String::new();
        let mut type_until = |typed: &[u8], end: &str| {
            keys.write_all(typed).unwrap();
            while !text.trim_end().ends_with(end) {
                assert_ne!(output.read_line(&mut text).unwrap(), 0, "no {end}: {text}");
            }
        };
        type_until(b"typed\n", "ready");
        let mut resize = Command::new("sh");
        resize.args(["-c", "stty rows 40 cols 90 < $(cat outer)"]).current_dir(places.home());
        assert!(resize.status().unwrap().success());
        type_until(b"", "now 40 90");
        type_until(b"\x03", "interrupted");
        assert_eq!(child.wait().unwrap().code(), Some(5), "{option} {text}");
        for said in ["size 33 77", "tty", "jobs", "read typed"] {
            assert!(text.lines().any(|line| line == said), "{option} no {said}: {text}");
        }
        let file = |name: &str| fs::read_to_string(places.home().join(name)).unwrap();
        assert_eq!(file("before"), file("after"), "{option}");
        assert_ne!(file("inner"), file("outer"), "{option}");
    }
}

/// When the portal has gone, nobody can say how the command ends.
#[test]
fn the_portal_is_lost() {
    let mut sandbox = need!(Sandbox::with_portal("1.14.10", "6", "1"));
    let script = "echo ready; for n in 1 2 3 4 5 6 7 8 9; do sleep 1; done";
    let (mut command, _places) = sandbox.prepare(super::sh(launch(Places::new(), None), script));
    let mut child = command.stdout(Stdio::piped()).spawn().expect("bwrap");
    let mut line = String::new();
    let stdout = child.stdout.as_mut().expect("it is piped");
    BufReader::new(stdout).read_line(&mut line).expect("a line");
    assert_eq!(line, "ready\n");
    let portal = sandbox.programs.0.last_mut().expect("it runs");
    portal.kill().expect("it runs");
    let status = child.wait().expect("it ends");
    assert_eq!(status.code(), Some(255));
}

/// What stands in the way is said with its code.
#[test]
fn what_cannot_be() {
    type Of = fn() -> Result<Sandbox, String>;
    let rows: &[(&str, Of, &[&str], i32)] = &[
        ("BS0082", || Sandbox::new("1.10.8"), &[], 1),
        ("BS0083", || Sandbox::new("1.14.10"), &[], 1),
        ("BS0083", || Sandbox::with_portal("1.14.10", "5", "1"), &[], 1),
        ("BS0083", || Sandbox::with_portal("1.14.10", "6", "0"), &["true"], 1),
        (
            "BS0084",
            || Sandbox::with_portal("1.14.10", "6", "1"),
            &["--home=/tmp/x", "--unshare-home"],
            1,
        ),
        (
            "BS0084",
            || Sandbox::with_portal("1.14.10", "6", "1"),
            &["--runtime=/usr", "--no-copy-runtime"],
            1,
        ),
        // A warning.
        ("BS0082", || Sandbox::with_portal("1.11.3", "6", "1"), &["--test"], 0),
    ];
    for (code, sandbox, options, status) in rows {
        let sandbox = need!(sandbox());
        let places = Places::new();
        let variable = places.at("var");
        let tool = Tool::at(NAME, places).pair("--variable-dir", variable).args(options);
        let outcome = sandbox.run(tool.args(&["--", "true"]));
        assert_eq!(outcome.status(), *status, "{options:?} {}", outcome.account());
        assert!(outcome.stderr().contains(code), "{code} {options:?}: {}", outcome.account());
    }
}

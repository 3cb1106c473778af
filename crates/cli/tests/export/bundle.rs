//! `plan --format oci`, run by crun as the ordinary user.

use crate::support::{Launch, Outcome, host_name, need, outside, x_server};
use crate::walk::{self, RUNTIME};
use std::ffi::OsStr;
use std::path::Path;
use std::process::{Command, Output, Stdio};

/// crun, where the tests run on the machine itself; hosts of the laboratory have none, and there only
/// the bundle is looked at.
fn crun() -> Result<&'static str, String> {
    let path = "/usr/bin/crun";
    if Path::new(path).exists() { Ok(path) } else { Err(format!("{path} is not installed")) }
}

/// What crun says where the machine mixes both versions of control groups, which it does not support.
const HYBRID: &str = "hybrid mode not supported";

/// Runs the bundle; where the machine's control groups are in crun's way, behind an empty directory in
/// their place.
fn run(crun: &str, bundle: &Path, state: &Path) -> Output {
    let words = |command: &mut Command| {
        command.arg("--root").arg(state).arg("--cgroup-manager=disabled");
        command.args(["run", "-b"]).arg(bundle).arg("bathysphere-test");
        command.env_clear().env("PATH", "/usr/bin:/bin").stdin(Stdio::null()).output().unwrap()
    };
    let output = words(&mut Command::new(crun));
    if !String::from_utf8_lossy(&output.stderr).contains(HYBRID) {
        return output;
    }
    let hide = ["--dev-bind", "/", "/", "--tmpfs", "/sys/fs/cgroup", crun];
    words(Command::new("bwrap").args(hide))
}

fn made<S: AsRef<OsStr>>(launch: Launch, bundle: &Path, command: &[S]) -> Outcome {
    launch.pair("--format", "oci").pair("--output", bundle).run(command)
}

/// Everything in a directory, with what it is.
fn listed(directory: &Path) -> Vec<String> {
    let mut lines = vec![];
    let mut todo = vec![directory.to_owned()];
    while let Some(path) = todo.pop() {
        let status = path.symlink_metadata().unwrap();
        let shown = path.strip_prefix(directory).unwrap().display().to_string();
        if status.is_symlink() {
            lines.push(format!("{shown} -> {}", path.read_link().unwrap().display()));
        } else {
            use std::os::unix::fs::PermissionsExt;
            lines.push(format!("{shown} {:o}", status.permissions().mode()));
        }
        if status.is_dir() {
            todo.extend(std::fs::read_dir(&path).unwrap().map(|entry| entry.unwrap().path()));
        }
    }
    lines.sort();
    lines
}

/// crun makes of the bundle what a launch makes of the plan, with overlays and with trees.
#[test]
fn crun_makes_the_same_container() {
    let home = tempfile::tempdir().unwrap();
    let command = need!(walk::command());
    for stacking in ["--stacking=overlay", "--stacking=tree"] {
        let state = tempfile::tempdir().unwrap();
        let bundle = state.path().join("bundle");
        let launch = need!(walk::launch("plan", RUNTIME, home.path())).option(stacking);
        made(launch, &bundle, &command).ok();
        let text = std::fs::read_to_string(bundle.join("config.json")).unwrap();
        assert!(text.contains("\"ociVersion\": \"1.0.2\""), "{text}");
        assert!(bundle.join("rootfs/run/host/container-manager").is_file());
        if host_name().is_some() {
            continue;
        }
        let output = run(need!(crun()), &bundle, &state.path().join("state"));
        let said = String::from_utf8_lossy(&output.stderr);
        assert!(output.status.success(), "{stacking}: {said}");
        let seen = String::from_utf8_lossy(&output.stdout);
        let launched = need!(walk::launched(RUNTIME, "builtin", home.path(), &[stacking]));
        walk::assert_same(&walk::files(&launched), &walk::files(&seen), stacking);
        walk::assert_same(&walk::mounts(&launched), &walk::mounts(&seen), stacking);
    }
}

/// A program of the runtime draws with this machine's driver in crun's container too.
#[test]
fn the_drivers_are_this_machines() {
    if host_name().is_some() {
        return;
    }
    let (crun, server) = (need!(crun()), need!(x_server()));
    let state = tempfile::tempdir().unwrap();
    let bundle = state.path().join("bundle");
    let home = tempfile::tempdir().unwrap();
    let launch = need!(walk::launch("plan", RUNTIME, home.path())).env("DISPLAY", &server.display);
    made(launch, &bundle, &["glxinfo", "-B"]).ok();
    let output = run(crun, &bundle, &state.path().join("state"));
    let said = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{said}");
    let version = |text: &str| {
        let line = text.lines().find(|line| line.contains("OpenGL version string")).map(str::trim);
        line.map(str::to_owned)
    };
    let inside = version(&String::from_utf8_lossy(&output.stdout));
    let host = need!(outside("glxinfo", &["-B"], &server.display));
    assert!(inside.as_deref().is_some_and(|line| line.contains("Mesa")), "{inside:?} {said}");
    assert_eq!(inside, version(&host));
}

/// The same plan gives the same bundle, to the byte.
#[test]
fn a_bundle_is_the_same_when_made_again() {
    let home = tempfile::tempdir().unwrap();
    let state = tempfile::tempdir().unwrap();
    let bundle = state.path().join("bundle");
    let mut seen = vec![];
    for _ in 0..2 {
        let launch = need!(walk::launch("plan", RUNTIME, home.path()));
        made(launch, &bundle, &["true"]).ok();
        let config = std::fs::read_to_string(bundle.join("config.json")).unwrap();
        seen.push((config, listed(&bundle.join("rootfs"))));
        std::fs::remove_dir_all(&bundle).unwrap();
    }
    assert_eq!(seen[0], seen[1]);
}

#[test]
fn a_bundle_needs_a_place_of_its_own() {
    let home = tempfile::tempdir().unwrap();
    let launch = || walk::launch("plan", RUNTIME, home.path());
    made(need!(launch()), Path::new("/proc/nowhere"), &["true"]).fails(125, "BS0072");
    std::fs::write(home.path().join("something"), "").unwrap();
    made(need!(launch()), home.path(), &["true"]).fails(125, "BS0072");
    assert!(home.path().join("something").exists());
    let bundle = home.path().join("bundle");
    let passing = need!(launch()).pair("--pass-fd", "0");
    made(passing, &bundle, &["true"]).fails(125, "BS0071");
    let outcome = need!(launch()).pair("--format", "oci").run(&["true"]);
    assert_eq!(outcome.status(), 2, "{}", outcome.account());
}

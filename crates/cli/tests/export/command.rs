//! `plan --format bwrap`.

use crate::support::need;
use crate::walk::{self, RUNTIME};
use std::fs::File;
use std::os::fd::AsRawFd;
use std::path::Path;
use std::process::{Command, Output, Stdio};

/// The environment that the plan was made in.
fn shell(home: &Path, program: &str) -> Command {
    let mut command = Command::new(program);
    command.env_clear().env("PATH", "/usr/bin:/bin:/usr/sbin:/sbin").env("LANG", "C.UTF-8");
    command.env("HOME", home).current_dir(home).stdin(Stdio::null());
    command
}

#[track_caller]
fn seen(output: &Output) -> String {
    let said = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{:?}: {said}", output.status);
    String::from_utf8_lossy(&output.stdout).into_owned()
}

/// The printed command, run by a shell, makes the container that a launch makes: every file, link and
/// mount. It is run twice, because it must not use itself up.
#[test]
fn the_command_makes_the_same_container() {
    let home = tempfile::tempdir().unwrap();
    for runtime in [RUNTIME, "runtime-bullseye-nonmerged", "form-usr"] {
        let plan = need!(walk::launch("plan", runtime, home.path())).pair("--format", "bwrap");
        let script = home.path().join("command.sh");
        std::fs::write(&script, plan.run(&need!(walk::command())).ok()).unwrap();
        let launched = need!(walk::launched(runtime, "bwrap", home.path(), &[]));
        for shell_program in ["/bin/sh", "/bin/bash"] {
            let output = shell(home.path(), shell_program).arg(&script).output().unwrap();
            walk::assert_same(&launched, &seen(&output), &format!("{runtime} by bwrap alone"));
        }
    }
}

/// The command gets the plan's environment, working directory and words.
#[test]
fn the_command_is_started_as_planned() {
    let home = tempfile::tempdir().unwrap();
    let words = ["/bin/sh", "-c", "printf '%s|' \"$@\"; pwd; env | sort", "x", "it's", "a\nb", "*"];
    let started = |verb: &str, format: Option<&str>| -> Result<String, String> {
        let launch = walk::launch(verb, RUNTIME, home.path())?
            .pair("--env", "SPACE=a  b")
            .pair("--ld-preload", "libdl.so.2")
            .backend("bwrap")
            .env("UNSET", "x")
            .pair("--env", "UNSET");
        Ok(format.into_iter().fold(launch, |l, format| l.pair("--format", format)).run(&words).ok())
    };
    let script = home.path().join("command.sh");
    std::fs::write(&script, need!(started("plan", Some("bwrap")))).unwrap();
    let mut alone = shell(home.path(), "/bin/sh");
    let store = std::env::var_os("BATHYSPHERE_STORE");
    alone.env("UNSET", "x").envs(store.map(|store| ("BATHYSPHERE_STORE", store)));
    let got = seen(&alone.arg(&script).output().unwrap());
    let want = need!(started("run", None));
    let without_store = |text: &str| {
        let lines = text.lines().filter(|line| !line.starts_with("BATHYSPHERE_STORE="));
        lines.map(|line| format!("{line}\n")).collect::<String>()
    };
    assert_eq!(without_store(&got), without_store(&want));
    assert!(got.contains("it's|a\nb|*|"), "{got}");
    assert!(got.contains("LD_PRELOAD=libdl.so.2"), "{got}");
}

/// With `--null`, the options go to bwrap's `--args`, and small files are mounts.
#[test]
fn options_without_a_shell() {
    let home = tempfile::tempdir().unwrap();
    let command = need!(walk::command());
    let plan = need!(walk::launch("plan", RUNTIME, home.path()))
        .pair("--format", "bwrap")
        .option("--null");
    let (mut process, _home) = plan.prepare(&command);
    let output = process.output().unwrap();
    seen(&output);
    assert_eq!(output.stdout.last(), Some(&0), "every option is ended by a NUL byte");
    let options = home.path().join("options");
    std::fs::write(&options, &output.stdout).unwrap();
    let file = File::open(&options).unwrap();
    rustix::io::fcntl_setfd(&file, rustix::io::FdFlags::empty()).unwrap();
    let mut bwrap = shell(home.path(), "bwrap");
    bwrap.arg("--args").arg(file.as_raw_fd().to_string()).arg("--").args(&command);
    let alone = seen(&bwrap.output().unwrap());
    let launched = need!(walk::launched(RUNTIME, "bwrap", home.path(), &[]));
    // Files that are mounted have the owner and mode of the store's, and an old bwrap gives no modes.
    let names = |walk: &str| -> String {
        let name = |line: &str| {
            let path = line.split(' ').find(|word| word.starts_with('/'))?;
            Some(format!("{} {path}\n", line.split(' ').next()?))
        };
        walk::files(walk).lines().filter_map(name).collect()
    };
    walk::assert_same(&names(&launched), &names(&alone), "bwrap with --args");
    let kind = alone.lines().find(|line| line.contains("/run/host/container-manager 16 "));
    assert!(kind.is_some(), "the file has its content");
}

#[test]
fn what_bwrap_cannot_do_alone_is_refused() {
    let home = tempfile::tempdir().unwrap();
    let launch = || walk::launch("plan", RUNTIME, home.path());
    let null = need!(launch()).option("--null").run(&["true"]);
    null.fails(2, "BS0020");
    let output = need!(launch()).pair("--output", home.path()).run(&["true"]);
    output.fails(2, "BS0020");
}

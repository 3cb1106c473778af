//! Running the test programs: on this machine, and in each host of the laboratory.

use std::ffi::OsString;
use std::path::Path;
use std::process::{Command, Stdio};
use std::time::Duration;

use super::tally::Tally;
use super::{EMULATION, PROGRAMS, Programs, SETUID_BWRAP, STAGE, TARGET, TARGET_FOREIGN};
use crate::cargo::{self, Workspace};
use crate::error::{Context, Problem, Result};
use crate::lab::enter::{Bind, Entry};
use crate::lab::is_root;
use crate::progress::note;
use crate::setup::TEST_USER;
use crate::user::{self, TemporaryDir};
use crate::vm::Machine;

/// Where a host has the programs under test; `/opt` is shared with containers.
const INSIDE: &str = "/opt/bathysphere";

/// Where a host has the file that gets the table of results.
const RESULTS: &str = "/tmp/results";

/// Time after which the virtual machine is ended.
const MACHINE_LIMIT: Duration = Duration::from_secs(900);

/// The tests that are run in each virtual machine, where every launch takes a minute or two: the mission's
/// case in the one, what needs a newer system in the other. The hosts of this machine run all of them.
const FILTERS: &[(&str, &[&str])] = &[
    ("vm-host-merged", &["box64", "overlay_built_in"]),
    ("vm-host-nonmerged", &["foreign", "overlay"]),
];

/// The tests of the drop-in programs that are run in hosts: those that make containers. The others would be
/// the same as on this machine, and want programs that a host does not have.
const IN_HOSTS: &[&str] = &["container::", "depot::"];

/// Seconds after which a suite is ended: several times what it takes.
const LIMIT: &str = "1500";

/// What the launch tests are told, with the programs in `dir`.
fn environment(dir: &Path, programs: &Programs, no_skip: bool) -> Vec<(&'static str, OsString)> {
    let mut variables = vec![
        ("BATHYSPHERE_BIN", dir.join(TARGET).join("bathysphere").into()),
        ("BATHYSPHERE_BIN_DIR", dir.into()),
        ("BATHYSPHERE_LAB", programs.lab.dir().into()),
        ("BATHYSPHERE_PROBE", dir.join(TARGET).join("bathysphere-probe").into()),
        ("BATHYSPHERE_PROBE_AARCH64", dir.join(TARGET_FOREIGN).join("bathysphere-probe").into()),
        ("BATHYSPHERE_STAGE", dir.join(TARGET).join(STAGE).into()),
    ];
    if no_skip {
        variables.push(("BATHYSPHERE_NO_SKIP", "1".into()));
    }
    variables
}

/// All tests of the workspace, on this machine, as the ordinary user.
pub(super) fn machine(
    tally: &mut Tally,
    programs: &Programs,
    workspace: &Workspace,
    no_skip: bool,
) -> Result<()> {
    let home = TemporaryDir::new()?;
    // Some tests run an example as a program; `cargo test` would make a test of it, or, restricted to
    // one kind of target, nothing.
    cargo::run(&["build", "--workspace", "--examples", "--locked"])?;
    let mut test = limited(&cargo::cargo(&[
        "test",
        "--workspace",
        "--lib",
        "--bins",
        "--tests",
        "--locked",
        "--no-fail-fast",
        "--",
        "--show-output",
    ]));
    test.envs(environment(&programs.dir, programs, no_skip));
    // insta would ask cargo, which the user may not be able to run, where the workspace is.
    test.env("INSTA_WORKSPACE_ROOT", &workspace.root).env("INSTA_UPDATE", "no");
    if is_root() {
        test.env("CARGO_TARGET_X86_64_UNKNOWN_LINUX_GNU_RUNNER", runner(home.path()));
        test.env("BATHYSPHERE_SETUID_BWRAP", programs.dir.join(SETUID_BWRAP));
    }
    counted(tally, &mut test)
}

/// The examples in the documentation; rustdoc makes and runs them where only this user can read.
pub(super) fn documentation(tally: &mut Tally) -> Result<()> {
    counted(tally, &mut limited(&cargo::cargo(&["test", "--workspace", "--doc", "--locked"])))
}

/// The tests of the command inside the host of the laboratory that the tally is named after.
pub(super) fn host(
    tally: &mut Tally,
    programs: &Programs,
    no_skip: bool,
    programs_of_tests: &[&str],
) -> Result<()> {
    let root = programs.lab.root(tally.name)?;
    Entry::check(root.clone())?;
    let inside = Path::new(INSIDE);
    let lab = programs.lab.dir();
    // Writable, because a hard link does not lead from one mount to another.
    let laboratory = Bind { source: lab.into(), target: lab.into(), writable: true };
    let tests = Bind { source: programs.dir.clone(), target: inside.into(), writable: false };
    let mut entry = Entry::new(root).unprivileged().bind(laboratory).bind(tests);
    for (name, value) in environment(inside, programs, no_skip) {
        entry = entry.env(name, value);
    }
    entry = entry.env("BATHYSPHERE_TEST_HOST", tally.name);
    if let Some(results) = results() {
        entry = entry.bind(results).env("BATHYSPHERE_RESULTS", RESULTS);
    }
    for tests in programs_of_tests {
        let mut command = vec![inside.join(tests).into_os_string(), "--show-output".into()];
        if *tests == PROGRAMS {
            command.extend(IN_HOSTS.iter().map(Into::into));
        }
        entry.run_with(&command, |bwrap| Ok(counted(tally, &mut limited(bwrap))))??;
    }
    Ok(())
}

/// The tests of foreign programs in a virtual machine whose root the tally is named after.
pub(super) fn virtual_machine(tally: &mut Tally, programs: &Programs, no_skip: bool) -> Result<()> {
    let inside = Path::new(INSIDE);
    let tests = Bind { source: programs.dir.clone(), target: inside.into(), writable: false };
    let mut machine = Machine::new(&programs.lab, tally.name)?.unprivileged().limit(MACHINE_LIMIT);
    machine = machine.bind(tests);
    for (name, value) in environment(inside, programs, no_skip) {
        machine = machine.env(name, value);
    }
    let native = inside.join(TARGET_FOREIGN);
    for (name, value) in [
        ("BATHYSPHERE_BIN", native.join("bathysphere").into_os_string()),
        ("BATHYSPHERE_PROBE", native.join("bathysphere-probe").into_os_string()),
        (
            "BATHYSPHERE_PROBE_X86_64",
            inside.join(TARGET).join("bathysphere-probe").into_os_string(),
        ),
        ("BATHYSPHERE_TEST_HOST", tally.name.into()),
    ] {
        machine = machine.env(name, value);
    }
    let mut command = vec![native.join(EMULATION).into_os_string(), "--show-output".into()];
    let filters = FILTERS.iter().find(|(name, _)| *name == tally.name);
    command.extend(filters.into_iter().flat_map(|(_, filters)| *filters).map(Into::into));
    let ended = machine.run(&command, |qemu| {
        let mut child = qemu.stdout(Stdio::piped()).spawn()?;
        if let Some(stdout) = child.stdout.take() {
            tally.read(stdout);
        }
        child.wait()
    })?;
    let (started, seconds) = (ended.started, ended.ended - ended.started);
    note(&format!("the machine was up after {started:.0} s; its tests took {seconds:.0} s"));
    match ended.status {
        Some(0) => Ok(()),
        Some(_) if tally.failed() > 0 => Ok(()),
        Some(status) => Err(Problem::new(format!("the tests ended with status {status}"))),
        None => Err(Problem::new(format!("the machine ended by itself:\n{}", ended.console))),
    }
}

/// A file of this machine that gets the table of results, if one is named.
fn results() -> Option<Bind> {
    let source = std::env::var_os("BATHYSPHERE_RESULTS").filter(|value| !value.is_empty())?;
    Some(Bind { source: source.into(), target: RESULTS.into(), writable: true })
}

/// How cargo is told to run test programs as the ordinary user.
fn runner(home: &Path) -> String {
    let environment = format!(
        "env -u XDG_RUNTIME_DIR -u XDG_CACHE_HOME -u XDG_CONFIG_HOME -u XDG_DATA_HOME \
         HOME={} USER={} LOGNAME={}",
        home.display(),
        TEST_USER.name,
        TEST_USER.name
    );
    format!("setpriv {} {environment}", user::become_user().join(" "))
}

/// The same command under a time limit.
fn limited(command: &Command) -> Command {
    let mut limited = Command::new("timeout");
    limited.args(["--kill-after=10", LIMIT]).arg(command.get_program()).args(command.get_args());
    if let Some(dir) = command.get_current_dir() {
        limited.current_dir(dir);
    }
    limited.stdin(Stdio::null());
    limited
}

/// Runs test programs, showing and counting what they say.
fn counted(tally: &mut Tally, command: &mut Command) -> Result<()> {
    let failed_before = tally.failed();
    let mut child = command.stdout(Stdio::piped()).spawn().context("starting the tests")?;
    if let Some(stdout) = child.stdout.take() {
        tally.read(stdout);
    }
    let status = child.wait().context("waiting for the tests")?;
    if status.code() == Some(124) {
        return Err(Problem::new(format!("{} was ended after {LIMIT} s", tally.name)));
    }
    // A failed test makes the whole fail and has been counted; anything else has not.
    if !status.success() && tally.failed() == failed_before {
        return Err(Problem::new(format!("the tests did not run to their end ({status})")));
    }
    if tally.total() == 0 && tally.name != "documentation" {
        return Err(Problem::new("no test has run"));
    }
    Ok(())
}

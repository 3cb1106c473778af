//! Every test of the project, counted over all the places where tests run.

mod suite;
mod tally;

use std::fs::{self, Permissions};
use std::os::unix::fs::PermissionsExt;
use std::path::Path;

use crate::cargo::{self, Workspace};
use crate::error::{Context, Problem, Result};
use crate::lab::{Lab, is_root};
use crate::progress::step;
use crate::{dist, user, vm};
use tally::Tally;

/// Target of the programs that are run inside the hosts of the laboratory.
const TARGET: &str = "x86_64-unknown-linux-musl";
/// The same for the other guest architecture.
const TARGET_32: &str = "i686-unknown-linux-musl";
/// Target of the probe that is run by an emulator.
const TARGET_FOREIGN: &str = "aarch64-unknown-linux-musl";

/// The launcher of the oracle's tests, which must be static: nothing that it could be linked with is
/// in a random container.
const STAGE: &str = "stage";

/// The test programs of the command that are run in every host: real launches, plans in every form,
/// what is said about the machine, and the programs that stand in for others.
const TESTS: &[&str] = &["launch", "export", "check", "doctor"];

/// The test program of the drop-in programs, and the hosts that it is run in beside this machine: a newer and an
/// older system, merged and not.
const PROGRAMS: &str = "programs";
const PROGRAMS_HOSTS: &[&str] = &["host-bookworm", "host-bullseye-nonmerged"];

/// The test program of the command that runs foreign programs: in hosts with an emulator, and, built for
/// AArch64, in the virtual machine.
const EMULATION: &str = "emulation";

/// A bwrap that is set-uid root, as some machines have it, for tests; only root can make one.
const SETUID_BWRAP: &str = "bwrap-setuid";

/// What `cargo xtask test` was asked for.
pub(crate) struct Options {
    /// Names of suites; all when empty.
    pub(crate) suites: Vec<String>,
    /// Whether a skipped test is a failure.
    pub(crate) no_skip: bool,
}

/// The suites in the order in which they run: cheap ones first.
pub(crate) fn names() -> Vec<&'static str> {
    let mut names = vec!["format", "lints", "dist", "machine", "documentation"];
    names.extend(Lab::hosts());
    names.extend(Lab::emulation_hosts());
    names.extend(vm::HOSTS);
    names
}

/// Runs the suites, prints a table and the sums, and fails when anything failed.
pub(crate) fn run(options: &Options) -> Result<()> {
    for name in &options.suites {
        if !names().contains(&name.as_str()) {
            let problem = Problem::new(format!("there is no suite {name}"));
            return Err(problem.hint(format!("the suites are {}", names().join(", "))));
        }
    }
    let workspace = cargo::workspace()?;
    let mut tallies = Vec::new();
    let mut programs = None;
    for name in names() {
        if options.suites.is_empty() || options.suites.iter().any(|wanted| wanted == name) {
            tallies.push(one(name, options, &workspace, &mut programs));
        }
    }
    tally::report(&tallies, options.no_skip)
}

/// Runs one suite; that it could not run is a failure, and the others run nevertheless.
fn one(
    name: &'static str,
    options: &Options,
    workspace: &Workspace,
    programs: &mut Option<Result<Programs>>,
) -> Tally {
    let mut tally = Tally::new(name);
    let outcome = step(&format!("suite {name}"), || match name {
        "format" => tally.check(cargo::run(&["fmt", "--all", "--check"])),
        "lints" => tally.check(cargo::run(&[
            "clippy",
            "--workspace",
            "--all-targets",
            "--locked",
            "--",
            "-D",
            "warnings",
        ])),
        "dist" => tally.check(dist::run().map(drop)),
        "documentation" => suite::documentation(&mut tally),
        _ => {
            let programs = programs
                .get_or_insert_with(|| step("building what the tests run", || build(workspace)))
                .as_ref()
                .map_err(|problem| Problem::new(problem.to_string()))?;
            if name == "machine" {
                suite::machine(&mut tally, programs, workspace, options.no_skip)
            } else if vm::HOSTS.contains(&name) {
                suite::virtual_machine(&mut tally, programs, options.no_skip)
            } else if Lab::emulation_hosts().any(|host| host == name) {
                suite::host(&mut tally, programs, options.no_skip, &[EMULATION])
            } else {
                let also = PROGRAMS_HOSTS.contains(&name).then_some(PROGRAMS);
                let tests: Vec<&str> = TESTS.iter().copied().chain(also).collect();
                suite::host(&mut tally, programs, options.no_skip, &tests)
            }
        }
    });
    if let Err(problem) = outcome {
        tally.problem(problem);
    }
    tally.finish();
    tally
}

/// What the launch tests need: programs, and the laboratory.
pub(crate) struct Programs {
    /// Directory with the launch tests, `TARGET/bathysphere` and `TARGET/bathysphere-probe`.
    dir: std::path::PathBuf,
    lab: Lab,
}

/// Builds the static programs and the laboratory, and gathers the programs in one directory.
fn build(workspace: &Workspace) -> Result<Programs> {
    let dir = workspace.target.join("xtask-test");
    for target in [TARGET, TARGET_32, TARGET_FOREIGN] {
        for (package, name) in
            [("bathysphere", "bathysphere"), ("bathysphere-testkit", "bathysphere-probe")]
        {
            let built = dist::release(package, name, target)?;
            let place = dir.join(target);
            fs::create_dir_all(&place).at("creating", &place)?;
            dist::replace(&built, &place.join(name))?;
        }
    }
    for tests in TESTS.iter().chain(&[PROGRAMS, EMULATION]) {
        test_program(tests, TARGET, &dir.join(tests))?;
    }
    test_program(EMULATION, TARGET_FOREIGN, &dir.join(TARGET_FOREIGN).join(EMULATION))?;
    if is_root() {
        let bwrap = dir.join(SETUID_BWRAP);
        fs::copy("/usr/bin/bwrap", &bwrap).at("making", &bwrap)?;
        fs::set_permissions(&bwrap, Permissions::from_mode(0o4755)).at("changing", &bwrap)?;
    }
    let arguments = ["build", "--release", "--locked", "-p", "bathysphere-sandbox", "--example"];
    let arguments = [&arguments[..], &[STAGE, "--target", TARGET]].concat();
    let stage = cargo::executable(&arguments, STAGE)?;
    dist::replace(&stage, &dir.join(TARGET).join(STAGE))?;
    let lab = Lab::from_environment();
    step("laboratory", || lab.build(&[]))?;
    Ok(Programs { dir, lab })
}

/// Builds a test program of the command for a target, and places it.
fn test_program(tests: &str, target: &str, place: &Path) -> Result<()> {
    let package = ["test", "--locked", "-p", "bathysphere", "--test", tests];
    let arguments = [&package[..], &["--target", target, "--no-run"]].concat();
    let built = cargo::executable(&arguments, tests)?;
    dist::replace(&built, place)?;
    user::require_readable(place)
}

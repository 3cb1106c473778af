//! What of a plan will not work, found before anything is executed.
//!
//! The plan is simulated ([`plan::simulate`]), and what the kernel, the dynamic linker and the emulator
//! will look for is looked for there, each in the view in which it will be: the program interpreter of
//! the command, the libraries that it needs, the ends of override links, the directories that it is to
//! find. Each check is a file and a row of [`CHECKS`].
//!
//! A finding blocks only where the launch is certain to fail, because a launch that is stopped for
//! nothing is worse than one that fails by itself. Must not decide, write, execute or mount: what is
//! wrong is reported, and who made the plan decides.

#![forbid(unsafe_code)]

mod captured;
mod command;
mod emulator;
mod evidence;
mod execute;
mod libraries;
mod overrides;
mod paths;
mod preload;
mod runtime;
mod scene;
mod search;
mod shells;
mod versions;

#[cfg(test)]
mod testing;
#[cfg(test)]
mod tests;

use inspect::binfmt::{Absent, Registry};
use inspect::root::{Root, ViewRoot};
use plan::simulate::{Namespace, View};
use plan::{ByteString, Code, HostPath, Plan, Problem, Tuple};
use scene::Scene;

/// What the checks need to know beside the plan.
pub struct World<'w> {
    /// The environment that the launcher has, to which the plan's changes are applied.
    pub inherited: &'w [(ByteString, ByteString)],
    /// The host's root.
    pub host: &'w Root,
    /// The architectures whose programs this machine's kernel runs itself; empty: not known.
    pub runs: &'w [Tuple],
    /// Why a file of the host that has its executable bits may not be executed: its mount forbids it.
    pub mounted_noexec: &'w dyn Fn(&HostPath) -> Option<Problem>,
    /// What is registered in `binfmt_misc`. Asked only when it matters.
    pub registry: &'w dyn Fn() -> Result<Registry, Absent>,
    /// The directories that the user named to be shared, the working directory among them.
    pub named: &'w [HostPath],
}

/// One kind of check.
type Check = fn(&Scene<'_>) -> Vec<Problem>;

/// Every check. What explains other findings comes first.
const CHECKS: &[Check] = &[
    emulator::check,
    command::check,
    shells::check,
    libraries::check,
    runtime::check,
    overrides::check,
    captured::check,
    preload::check,
    paths::check,
];

/// Checks a plan. Blocking findings come first; equal input gives an equal answer.
pub fn check(plan: &Plan, world: &World<'_>) -> Vec<Problem> {
    let namespace = match Namespace::of(plan) {
        Ok(namespace) => namespace,
        Err(error) => {
            let cause = format!("the plan cannot be simulated, so nothing was checked: {error}");
            let problem = Problem::warning(Code::PLAN_NOT_SIMULATED, cause)
                .hint("run `bathysphere plan` with the same options and report what it prints");
            return vec![problem];
        }
    };
    let native = ViewRoot::new(&namespace, View::Native);
    let guest = View::emulated(plan).map(|view| ViewRoot::new(&namespace, view));
    let scene = Scene::new(world, &native, guest.as_ref());
    let mut found: Vec<Problem> = CHECKS.iter().flat_map(|check| check(&scene)).collect();
    Problem::sort(&mut found);
    found
}

/// The exit status of a launch that a finding stops, as `env(1)` has it: 127 for a command that is not
/// found, 126 for one that cannot be executed, 125 otherwise.
pub fn exit_status(problem: &Problem) -> u8 {
    const NOT_EXECUTABLE: &[Code] = &[
        Code::COMMAND_NOT_EXECUTABLE,
        Code::INTERPRETER_MISSING,
        Code::INTERPRETER_WRONG,
        Code::FOREIGN_COMMAND,
        Code::SCRIPT_LINE,
        Code::EMULATOR_CANNOT_START,
        Code::MOUNTED_NOEXEC,
    ];
    match problem.code {
        Code::COMMAND_NOT_FOUND => 127,
        code if NOT_EXECUTABLE.contains(&code) => 126,
        _ => 125,
    }
}

//! Which program this is: the name by which it was started decides.

use crate::foreign::Foreign;
use crate::{entry_point, wrap};
use std::ffi::{OsStr, OsString};
use std::path::{Path, PathBuf};
use tools::{Invocation, unruntime};

/// Where the kernel shows which file a process executes.
const OWN: &str = "/proc/self/exe";

/// Runs the drop-in program that the first argument names, if it names one.
pub(crate) fn run(arguments: &[OsString], foreign: Option<&Foreign>) -> Option<u8> {
    let (name, arguments) = arguments.split_first()?;
    let program = options::named(name)?;
    // Without /proc the name serves: it only leads to other programs.
    let executable = std::fs::read_link(OWN).unwrap_or_else(|_| PathBuf::from(name));
    let invocation = Invocation {
        program,
        arguments: arguments.to_vec(),
        environment: std::env::vars_os().collect(),
        executable,
    };
    match program.name() {
        "_v2-entry-point" => Some(entry_point::run_game(&invocation)),
        "scout-on-soldier-entry-point-v2" => Some(entry_point::scout::run(&invocation)),
        "run-in-sniper" => Some(entry_point::run(&invocation)),
        "pressure-vessel-wrap" => Some(wrap::run(&invocation, name, foreign)),
        "pressure-vessel-unruntime" => Some(unruntime(invocation, name, foreign)),
        _ => tools::run(&invocation),
    }
}

/// Is `pressure-vessel-wrap` in the environment that it should have.
fn unruntime(mut invocation: Invocation, name: &OsStr, foreign: Option<&Foreign>) -> u8 {
    const WRAP: &str = "pressure-vessel-wrap";
    unruntime::ask_in_window(&invocation, name);
    (invocation.arguments, invocation.environment) = unruntime::rewrite(&invocation);
    invocation.program = options::named(OsStr::new(WRAP)).unwrap_or(invocation.program);
    let name = Path::new(name).with_file_name(WRAP);
    wrap::run(&invocation, name.as_os_str(), foreign)
}

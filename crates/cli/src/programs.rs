//! Which program this is: the name by which it was started decides.

use crate::foreign::Foreign;
use crate::{entry_point, wrap};
use std::ffi::OsString;
use std::path::PathBuf;
use tools::Invocation;

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
        "run-in-sniper" => Some(entry_point::run(&invocation)),
        "pressure-vessel-wrap" => Some(wrap::run(&invocation, name, foreign)),
        _ => tools::run(&invocation),
    }
}

//! Which program this is: the name by which it was started decides.

use crate::foreign::Foreign;
use crate::{entry_point, wrap};
use options::Program;
use std::ffi::{CString, OsStr, OsString};
use std::os::unix::ffi::OsStrExt;
use std::path::{Path, PathBuf};
use tools::{Invocation, unruntime, variable};

/// Where the kernel shows which file a process executes.
const OWN: &str = "/proc/self/exe";

/// Runs the drop-in program that the first argument names, if it names one.
pub(crate) fn run(arguments: &[OsString], foreign: Option<&Foreign>) -> Option<u8> {
    let (name, arguments) = arguments.split_first()?;
    let program = options::named(name)?;
    start(program, name, arguments.to_vec(), std::env::vars_os().collect(), foreign)
}

/// Runs a program as if it had been executed as `name` with these arguments and this environment.
pub(crate) fn start(
    program: &'static Program,
    name: &OsStr,
    arguments: Vec<OsString>,
    environment: Vec<(OsString, OsString)>,
    foreign: Option<&Foreign>,
) -> Option<u8> {
    // Without /proc the name serves: it only leads to other programs.
    let executable = std::fs::read_link(OWN).unwrap_or_else(|_| PathBuf::from(name));
    let invocation = Invocation { program, arguments, environment, executable };
    match program.name() {
        "_v2-entry-point" => Some(entry_point::run_game(&invocation, foreign)),
        "scout-on-soldier-entry-point-v2" => Some(entry_point::scout::run(&invocation, foreign)),
        "run-in-sniper" => Some(entry_point::run(&invocation, foreign)),
        "pressure-vessel-wrap" => Some(wrap::run(&invocation, name, foreign)),
        "pressure-vessel-unruntime" => Some(unruntime(invocation, name, foreign)),
        _ => tools::run(&invocation),
    }
}

/// Whether a program is this one by another name: started, it would only go on as this process can, too.
pub(crate) fn is_own(program: &Path) -> bool {
    let identity = |path: &Path| rustix::fs::stat(path).map(|stat| (stat.st_dev, stat.st_ino));
    identity(program).is_ok_and(|program| identity(Path::new(OWN)) == Ok(program))
}

/// Is `pressure-vessel-wrap` in the environment that it should have.
fn unruntime(mut invocation: Invocation, name: &OsStr, foreign: Option<&Foreign>) -> u8 {
    const WRAP: &str = "pressure-vessel-wrap";
    unruntime::ask_in_window(&invocation, name);
    (invocation.arguments, invocation.environment) = unruntime::rewrite(&invocation);
    // For the programs of the host that wrap starts: theirs is this process's own environment.
    for name in unruntime::UNDONE {
        let value = variable(&invocation.environment, name);
        let value = value.and_then(|value| CString::new(value.as_bytes()).ok());
        if let Ok(name) = CString::new(*name) {
            sandbox::set_variable(&name, value.as_deref());
        }
    }
    invocation.program = options::named(OsStr::new(WRAP)).unwrap_or(invocation.program);
    let name = Path::new(name).with_file_name(WRAP);
    wrap::run(&invocation, name.as_os_str(), foreign)
}

//! `_v2-entry-point`, `run`, `run-in-SUITE` and the layer of scout: what Steam and umu start a runtime by.
//!
//! Decides what pressure-vessel-unruntime is started with, and writes the log where one is wanted. The
//! behaviour is that of the scripts which come with a Steam Linux Runtime; but what comes next is only executed
//! where it is not this program itself.

mod depot;
mod log;
pub(crate) mod scout;
mod start;

use crate::foreign::Foreign;
use crate::{FAILURE, programs, report};
use depot::Depot;
use options::Given;
use plan::Problem;
use start::Start;
use std::fs;
use std::io;
use std::os::unix::fs::symlink;
use std::os::unix::process::CommandExt;
use std::path::Path;
use std::process::Command;
use tools::Invocation;

/// `_v2-entry-point`.
pub(crate) fn run_game(invocation: &Invocation, foreign: Option<&Foreign>) -> u8 {
    let given = match invocation.program.read(invocation.arguments.iter().cloned()) {
        Ok(given) if given.help => {
            let _ = report::print(invocation.program.help().as_bytes(), 0);
            return 0;
        }
        Ok(given) => given,
        Err(wrong) => return usage(invocation, &wrong.to_string()),
    };
    if given.words.is_empty() {
        return usage(invocation, "no command is given");
    }
    carry_out(game(invocation, &given), foreign)
}

fn game(invocation: &Invocation, given: &Given) -> Result<Start, Problem> {
    let depot = Depot::of(invocation, given.last("suite"))?;
    if let Some(log) = log::wanted(invocation, given, &depot) {
        // True of this launch only: the next one may have a log, and must not repeat this.
        log::begin(&log).unwrap_or_else(|problem| report::notice(&format!("warning: {problem}")));
    }
    Ok(start::game(&invocation.environment, given, &depot))
}

/// `run` and `run-in-SUITE`.
pub(crate) fn run(invocation: &Invocation, foreign: Option<&Foreign>) -> u8 {
    let depot = Depot::of(invocation, None);
    let start = |depot| start::run(&invocation.environment, &invocation.arguments, &depot);
    carry_out(depot.map(start), foreign)
}

fn usage(invocation: &Invocation, text: &str) -> u8 {
    report::notice(&format!("error: {}: {text}", invocation.program.name()));
    report::notice(&format!("hint: `{} --help` shows its options", invocation.program.name()));
    FAILURE
}

/// Goes on as it, where it is this program by another name, and else executes it in place of this program; comes
/// back then when that failed.
fn carry_out(start: Result<Start, Problem>, foreign: Option<&Foreign>) -> u8 {
    let problem = match start {
        Ok(Start { program, arguments, environment }) => {
            let own = options::named(program.as_os_str()).filter(|_| programs::is_own(&program));
            if let Some(own) = own {
                let status =
                    programs::start(own, program.as_os_str(), arguments, environment, foreign);
                return status.unwrap_or(FAILURE);
            }
            let mut command = Command::new(&program);
            command.args(arguments).env_clear().envs(environment);
            start::not_executed(&program, &command.exec())
        }
        Err(problem) => problem,
    };
    report::problem(&problem);
    FAILURE
}

/// Makes a link, in the place of another, in one step: several games may start at once.
fn put_link(target: &Path, link: &Path) -> io::Result<()> {
    let mut aside = link.as_os_str().to_owned();
    aside.push(format!(".{}", std::process::id()));
    symlink(target, &aside)?;
    fs::rename(&aside, link)
}

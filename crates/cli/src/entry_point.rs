//! `_v2-entry-point`, `run`, `run-in-SUITE` and the layer of scout: what Steam and umu start a runtime by.
//!
//! Decides what pressure-vessel-unruntime is started with, and writes the log where one is wanted. The
//! behaviour is that of the scripts which come with a Steam Linux Runtime.

mod depot;
mod log;
pub(crate) mod scout;
mod start;

use crate::{FAILURE, report};
use depot::Depot;
use options::Given;
use plan::Problem;
use start::Start;
use std::os::unix::process::CommandExt;
use std::process::Command;
use tools::Invocation;

/// `_v2-entry-point`.
pub(crate) fn run_game(invocation: &Invocation) -> u8 {
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
    carry_out(game(invocation, &given))
}

fn game(invocation: &Invocation, given: &Given) -> Result<Start, Problem> {
    let depot = Depot::of(invocation, given.last("suite"))?;
    if let Some(log) = log::wanted(invocation, given, &depot) {
        log::begin(&log).unwrap_or_else(|problem| report::problem(&problem));
    }
    Ok(start::game(&invocation.environment, given, &depot))
}

/// `run` and `run-in-SUITE`.
pub(crate) fn run(invocation: &Invocation) -> u8 {
    let depot = Depot::of(invocation, None);
    carry_out(depot.map(|depot| start::run(&invocation.environment, &invocation.arguments, &depot)))
}

fn usage(invocation: &Invocation, text: &str) -> u8 {
    report::notice(&format!("error: {}: {text}", invocation.program.name()));
    report::notice(&format!("hint: `{} --help` shows its options", invocation.program.name()));
    FAILURE
}

/// Executes it in place of this program; comes back when that failed.
fn carry_out(start: Result<Start, Problem>) -> u8 {
    let problem = match start {
        Ok(start) => {
            let mut command = Command::new(&start.program);
            command.args(&start.arguments).env_clear().envs(start.environment);
            let error = command.exec();
            start::not_executed(&start.program, &error)
        }
        Err(problem) => problem,
    };
    report::problem(&problem);
    FAILURE
}

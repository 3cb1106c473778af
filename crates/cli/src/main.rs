//! The command `bathysphere`: an index of what it can do. Logic is in the crates that it joins.

#![forbid(unsafe_code)]

mod check;
mod disabled;
mod doctor;
mod edge;
mod entry_point;
mod explain;
mod foreign;
mod install;
mod launch;
mod locales;
mod logger;
mod memory;
mod programs;
mod replay;
mod report;
mod request;
mod runtime;
mod runtimes;
mod session;
mod show;
mod stop;
mod terminal;
mod tidy;
mod timings;
mod warm;
mod wrap;

use args::{Cli, Command};
use clap::Parser;
use foreign::Foreign;
use options::command as args;
use std::process::ExitCode;

#[global_allocator]
static HEAP: sandbox::Heap = sandbox::Heap;

/// Wrong usage, as most tools have it.
pub(crate) const USAGE: u8 = 2;
/// A failure of this program before the command was started, as `env(1)` has it.
pub(crate) const FAILURE: u8 = 125;

fn main() -> ExitCode {
    if let Some(status) = sandbox::supervise_if_asked(std::env::args_os()) {
        return status.into();
    }
    let arguments: Vec<_> = std::env::args_os().collect();
    if let Some(status) = disabled::hand_over(&arguments) {
        return status.into();
    }
    let mut foreign = Foreign::detect();
    if let Some(foreign) = &mut foreign {
        foreign.hand_over(&arguments);
    }
    if let Some(status) = programs::run(&arguments, foreign.as_ref()) {
        return status.into();
    }
    if foreign.is_none()
        && let Some(status) = warm::launch(&arguments)
    {
        return status.into();
    }
    let cli = match Cli::try_parse_from(arguments) {
        Ok(cli) => cli,
        Err(error) => {
            // A closed standard output is no reason to fail; nothing else can go wrong.
            let _ = error.print();
            return if error.use_stderr() { USAGE.into() } else { ExitCode::SUCCESS };
        }
    };
    let needs_machine = !matches!(
        cli.command,
        Command::Explain(_)
            | Command::Install(_)
            | Command::Uninstall(_)
            | Command::TidyStore { .. }
    );
    if let Some(problem) = foreign.and_then(|f| f.refusal()).filter(|_| needs_machine) {
        report::problem(&problem);
        return FAILURE.into();
    }
    match cli.command {
        Command::Run(run) => launch::run(run),
        Command::Plan(show) => show::run(show),
        Command::Doctor(doctor) => doctor::run(&doctor),
        Command::Check(check) => check::run(check),
        Command::Explain(explain) => explain::run(explain),
        Command::Runtime(asked) => runtime::run(&asked),
        Command::Install(options) => install::install(&options),
        Command::Uninstall(options) => install::uninstall(&options),
        Command::TidyStore { store } => tidy::run(&store),
    }
}

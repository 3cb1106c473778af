//! `bathysphere-probe walk [--skip PATH]… [ROOT]`, `bathysphere-probe status`: what a process sees.

use std::process::ExitCode;

fn main() -> ExitCode {
    let arguments: Vec<_> = std::env::args_os().skip(1).collect();
    match testkit::probe::command(&arguments) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("bathysphere-probe: {error}");
            ExitCode::FAILURE
        }
    }
}

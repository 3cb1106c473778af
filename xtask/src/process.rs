//! Running a program to its end.

use std::process::Command;

use crate::error::{Context, Problem, Result};

/// What a command prints; fails when it does.
pub(crate) fn output(command: &mut Command) -> Result<String> {
    let program = format!("{command:?}");
    let output = command.output().context(format!("starting {program}"))?;
    if output.status.success() {
        return Ok(String::from_utf8_lossy(&output.stdout).into_owned());
    }
    let said = String::from_utf8_lossy(&output.stderr).trim().to_owned();
    Err(Problem::new(format!("{program} failed ({}): {said}", output.status)))
}

//! `BATHYSPHERE_DISABLE=1`: a launch is handed to what this program has replaced.
//!
//! Before anything else is looked at, so that nothing that may be wrong here is in the way. The command
//! `bathysphere` and its tools by other names than the original's have nobody to hand over to, and go on.

use crate::edge::Edge;
use crate::{FAILURE, report, runtimes};
use compose::Facts;
use options::{Place, Program};
use plan::{Code, Problem};
use std::ffi::{OsStr, OsString};
use std::os::unix::process::CommandExt;
use std::path::{Path, PathBuf};
use std::process::Command;

/// The variable.
const VARIABLE: &str = "BATHYSPHERE_DISABLE";

/// Executes the original's program of the same name in place of this one. Returns when that was not asked
/// for, or with an exit status when it failed.
pub(crate) fn hand_over(arguments: &[OsString]) -> Option<u8> {
    let (name, arguments) = arguments.split_first()?;
    let program = options::named(name)?;
    if !std::env::vars_os().any(|(name, value)| name == VARIABLE && value == "1") {
        return None;
    }
    let called = Path::new(name).file_name().and_then(OsStr::to_str).unwrap_or(program.name());
    let is_entry_point = options::place(called) == Place::Depot;
    let found = if is_entry_point { of_depot(program, arguments) } else { of_tree(called) };
    let problem = match found {
        Ok(path) => {
            let mut command = Command::new(&path);
            command.args(arguments);
            // What an entry point executes may be one of ours, which has to hand over, too.
            if !is_entry_point {
                command.env_remove(VARIABLE);
            }
            let error = command.exec();
            missing(called).evidence(format!("{}: {error}", path.display()))
        }
        Err(looked) => looked.iter().fold(missing(called), |problem, path| {
            problem.evidence(format!("no {}", path.display()))
        }),
    };
    report::problem(&problem);
    Some(FAILURE)
}

fn missing(name: &str) -> Problem {
    let cause = format!("{VARIABLE}=1 asks for the original {name}, and there is none");
    Problem::blocking(Code::NO_ORIGINAL, cause).hint(format!(
        "unset {VARIABLE}, or start from a runtime with its own `pressure-vessel` directory"
    ))
}

/// A program of the tree that this one is in.
fn of_tree(name: &str) -> Result<PathBuf, Vec<PathBuf>> {
    let executable = std::fs::read_link("/proc/self/exe").unwrap_or_default();
    let base = std::env::vars_os().find(|(name, _)| name == "PRESSURE_VESSEL_RUNTIME_BASE");
    let base = base.map(|(_, value)| PathBuf::from(value)).filter(|base| base.is_absolute());
    install::original(&executable, name, base.as_deref())
}

/// The entry point of the installed runtime that this one would use.
fn of_depot(program: &Program, arguments: &[OsString]) -> Result<PathBuf, Vec<PathBuf>> {
    let edge = Edge::read();
    let given = program.read(arguments.iter().cloned()).unwrap_or_default();
    let Ok(facts) = Facts::gather(edge.inherited.clone()) else { return Err(vec![]) };
    let named = given.last("suite").or_else(|| edge.inherited.non_empty("BATHYSPHERE_RUNTIME"));
    let entries = runtimes::installed(&facts)
        .into_iter()
        .filter(|one| named.is_none_or(|named| named == one.name.as_str()))
        // umu-launcher gives it another name.
        .flat_map(|one| ["_v2-entry-point", "umu"].map(|name| one.depot.as_path().join(name)));
    let entries: Vec<PathBuf> = entries.collect();
    let is_there = |path: &&PathBuf| path.symlink_metadata().is_ok();
    entries.iter().find(is_there).cloned().ok_or(entries)
}

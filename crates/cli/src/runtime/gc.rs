//! `runtime gc` and `runtime remove`.

use super::{absolute, directory, hold};
use crate::args::CollectRuntimes;
use crate::edge::Edge;
use crate::report;
use crate::runtimes::{self, Origin};
use crate::stop::Stop;
use compose::Facts;
use plan::{Code, HostPath, Problem, RootPath};
use std::ffi::OsStr;
use std::process::ExitCode;
use store::runtimes::{Library, Variable};
use store::{Policy, Store};

pub(super) fn run(gc: &CollectRuntimes, edge: &Edge, facts: &Facts) -> Result<ExitCode, Stop> {
    let mut variable = vec![];
    for path in &gc.variable_dir {
        variable.push(absolute(path)?);
    }
    if let Some(library) = Library::open_existing(&directory(facts)?).map_err(|e| e.problem())? {
        let tidied = hold(&library)?.tidy().map_err(|error| error.problem())?;
        for gone in &tidied.removed {
            report::notice(&format!("deleted {} {}", gone.name, gone.version));
        }
        for used in &tidied.in_use {
            report::notice(&format!("{} {} is in use", used.name, used.version));
        }
        if tidied.leftovers > 0 {
            report::notice(&format!("deleted {} unfinished downloads", tidied.leftovers));
        }
        let own = runtimes::installed(facts).into_iter();
        let own = own.filter(|i| i.origin == Origin::Bathysphere).map(|i| i.depot.at("var"));
        variable.extend(own);
    }
    for path in &variable {
        copies(path, facts)?;
    }
    let path = match &gc.store {
        Some(path) => absolute(path.as_os_str())?,
        None => edge.store()?,
    };
    if let Some(store) = Store::open_existing(&path)? {
        let done = store.collect(&Policy::default())?;
        report::notice(&format!(
            "store: {} prepared directories deleted ({} MiB), {} in use, {} leftovers",
            done.removed,
            done.freed >> 20,
            done.in_use,
            done.leftovers
        ));
    }
    Ok(ExitCode::SUCCESS)
}

/// The copies in a variable directory, if there is one.
fn copies(path: &HostPath, facts: &Facts) -> Result<(), Problem> {
    let there = RootPath::new(path.as_path()).ok().and_then(|p| facts.host.find(&p)).is_some();
    if !there {
        return Ok(());
    }
    let swept = Variable::open(path).and_then(|v| v.collect()).map_err(|e| e.problem())?;
    let text = match swept {
        Some(swept) => format!(
            "{path}: {} copies deleted, {} in use, {} kept",
            swept.removed.len(),
            swept.in_use,
            swept.kept
        ),
        None => format!("{path}: another process is at work there; nothing is deleted"),
    };
    report::notice(&text);
    Ok(())
}

/// `NAME` or `NAME/VERSION`.
pub(super) fn remove(what: &str, facts: &Facts) -> Result<ExitCode, Stop> {
    let (name, version) = match what.split_once('/') {
        Some((name, version)) => (name, Some(version)),
        None => (what, None),
    };
    let library = Library::open_existing(&directory(facts)?).map_err(|error| error.problem())?;
    let Some(library) = library else { return Err(unknown(what, name, facts).into()) };
    let held = hold(&library)?;
    let all = library.list().map_err(|error| error.problem())?;
    let asked = all.iter().filter(|s| s.name == name && version.is_none_or(|v| v == s.version));
    let mut found = false;
    for runtime in asked {
        found = true;
        held.remove(runtime).map_err(|error| error.problem())?;
        report::notice(&format!("deleted {} {}", runtime.name, runtime.version));
    }
    if !found {
        return Err(unknown(what, name, facts).into());
    }
    Ok(ExitCode::SUCCESS)
}

fn unknown(what: &str, name: &str, facts: &Facts) -> Problem {
    match runtimes::find(facts, OsStr::new(name)) {
        Ok(found) if found.origin != Origin::Bathysphere => {
            let cause = format!("`{what}` was not put there by `runtime add`");
            Problem::blocking(Code::RUNTIME_MISSING, cause)
                .evidence(format!("it is in {}", found.depot))
                .hint("uninstall it in Steam, or where it was installed")
        }
        _ => store::runtimes::Error::Unknown(what.into()).problem(),
    }
}

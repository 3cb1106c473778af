//! What lies around an entry point: a runtime, the programs for it, a directory for what changes.

use super::start::Environment;
use crate::edge::Edge;
use crate::{runtimes, session};
use plan::{Code, HostPath, Problem};
use std::ffi::{OsStr, OsString};
use std::os::unix::ffi::OsStrExt;
use std::path::{Path, PathBuf};
use tools::{Invocation, in_path, variable};

/// The depot that an entry point belongs to, or stands for.
#[derive(Debug)]
pub(super) struct Depot {
    /// Where the entry point is.
    pub(super) here: PathBuf,
    /// The directory of the runtime, and its name there.
    pub(super) base: PathBuf,
    pub(super) runtime: OsString,
    /// The tree whose programs are used.
    pub(super) tree: PathBuf,
    /// Copies of runtimes and logs.
    pub(super) variable: PathBuf,
}

impl Depot {
    /// Looks around.
    ///
    /// # Errors
    /// When there is no runtime, neither here nor installed.
    pub(super) fn of(invocation: &Invocation, suite: Option<&OsStr>) -> Result<Self, Problem> {
        let here = here(&invocation.environment)?;
        let non_empty = |name| variable(&invocation.environment, name).filter(|v| !v.is_empty());
        let runtime = runtime(&here, suite.or_else(|| non_empty("BATHYSPHERE_RUNTIME")))?;
        let runtime = runtime.as_path();
        let (base, name) = match (runtime.parent(), runtime.file_name()) {
            (Some(base), Some(name)) => (base.to_owned(), name.to_owned()),
            _ => (PathBuf::from("/"), OsString::from(".")),
        };
        let tree = match non_empty("PRESSURE_VESSEL_PREFIX") {
            Some(prefix) => PathBuf::from(prefix),
            None => tree(&here, &invocation.executable),
        };
        let variable = match non_empty("PRESSURE_VESSEL_VARIABLE_DIR") {
            Some(directory) => PathBuf::from(directory),
            None => here.join("var"),
        };
        Ok(Self { here, base, runtime: name, tree, variable })
    }
}

/// Beside the entry point, as in a depot; else the one that this program is in.
fn tree(here: &Path, executable: &Path) -> PathBuf {
    let beside = here.join("pressure-vessel");
    let own = executable.ancestors().nth(4).filter(|_| beside.symlink_metadata().is_err());
    own.map_or(beside, Path::to_owned)
}

/// The runtime beside the entry point, else an installed one.
fn runtime(here: &Path, named: Option<&OsStr>) -> Result<HostPath, Problem> {
    let facts = session::facts(&Edge::read())?;
    if let Some(found) = runtimes::of_depot(&facts, here) {
        return Ok(found);
    }
    if let Some(name) = named {
        return runtimes::by_name(&facts, name);
    }
    runtimes::default(&facts).map(|best| best.path).ok_or_else(|| {
        Problem::blocking(Code::RUNTIME_MISSING, "no Steam Linux Runtime is installed")
            .evidence(format!("no `*_platform_*` in {}", here.display()))
            .hint("install \"Steam Linux Runtime 3.0 (sniper)\" in Steam, or one with `bathysphere runtime add sniper`")
    })
}

/// The directory by which this program was started, along `PATH` if without one.
///
/// # Errors
/// When there is none.
pub(super) fn here(environment: &Environment) -> Result<PathBuf, Problem> {
    directory(environment).ok_or_else(|| {
        Problem::blocking(Code::BAD_VALUE, "the directory of this program is not known")
            .hint("start it by its absolute path")
    })
}

fn directory(environment: &Environment) -> Option<PathBuf> {
    let called = std::env::args_os().next()?;
    let path = if called.as_bytes().contains(&b'/') {
        called.into()
    } else {
        in_path(environment, called.to_str()?)?
    };
    Some(std::path::absolute(path).ok()?.parent()?.to_owned())
}

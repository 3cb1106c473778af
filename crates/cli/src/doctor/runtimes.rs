//! The system itself, and the runtimes that are installed.

use crate::runtimes::{self, Installed};
use compose::{Facts, os_name, runtime_summary};
use inspect::root::{Layout, TopLevel};
use plan::{Code, HostPath, Problem, Tuple};
use serde::Serialize;
use std::collections::BTreeMap;
use std::ffi::OsStr;
use std::os::unix::ffi::OsStrExt;

/// The host as a root.
#[derive(Debug, Serialize)]
pub(super) struct System {
    /// What it calls itself.
    pub(super) name: Option<String>,
    /// `merged`, `non-merged`, `hybrid`.
    pub(super) layout: &'static str,
    /// Each top directory that a merged `/usr` replaces: `directory`, or the link's text.
    pub(super) top: BTreeMap<String, String>,
    /// The user's home directory.
    pub(super) home: Option<String>,
}

/// Which of the three a root is.
fn layout_of(layout: &Layout) -> &'static str {
    if layout.is_merged() {
        "merged"
    } else if layout.is_hybrid() {
        "hybrid"
    } else {
        "non-merged"
    }
}

/// Looks at the host's own root.
pub(super) fn system(facts: &Facts, problems: &mut Vec<Problem>) -> System {
    let layout = facts.host.layout();
    let top = layout.top.iter().map(|(name, what)| {
        let what = match what {
            TopLevel::Link(text) => text.to_string_lossy().into_owned(),
            TopLevel::Directory => "directory".into(),
            TopLevel::Other => "other".into(),
        };
        (name.to_string_lossy().into_owned(), what)
    });
    if let Some(home) = facts.home() {
        let path = HostPath::root().lexically(&home);
        super::store::disk(facts, &path, inspect::disk::Purpose::Home, problems);
    }
    System {
        name: os_name(&facts.host),
        layout: layout_of(&layout),
        top: top.collect(),
        home: facts.home().map(|home| home.to_string()),
    }
}

/// What is installed.
#[derive(Debug, Serialize)]
pub(super) struct Runtimes {
    /// What a launch without `--runtime` takes: the name of an installed one, or `host`.
    pub(super) default: String,
    pub(super) installed: Vec<Runtime>,
    /// The one that was asked about.
    pub(super) asked: Option<Runtime>,
}

/// A runtime.
#[derive(Debug, Serialize)]
pub(super) struct Runtime {
    pub(super) name: Option<String>,
    pub(super) path: String,
    /// What it calls itself.
    pub(super) system: Option<String>,
    /// `depot`, `sysroot`, `usr`.
    pub(super) form: Option<&'static str>,
    /// Of a sysroot: `merged`, `non-merged`, `hybrid`.
    pub(super) layout: Option<&'static str>,
    pub(super) architectures: Vec<Tuple>,
    /// Why it cannot be used.
    pub(super) trouble: Option<String>,
}

/// Looks at every installed runtime, and at the one asked about.
pub(super) fn look(facts: &Facts, asked: Option<&OsStr>, problems: &mut Vec<Problem>) -> Runtimes {
    let found = runtimes::installed(facts);
    let default = runtimes::default(facts).map_or("host".into(), |best| best.name);
    let installed = found
        .into_iter()
        .map(|Installed { name, path, .. }| {
            let (runtime, problem) = one(facts, Some(name), &path);
            // Another one may be used: it stops nothing.
            let warning = |problem| Problem { severity: plan::Severity::Warning, ..problem };
            problems.extend(problem.map(warning));
            runtime
        })
        .collect();
    let asked = asked.filter(|name| *name != "host").and_then(|name| {
        let path = if name.as_bytes().contains(&b'/') {
            let absolute = std::path::absolute(name).map_err(|error| error.to_string());
            absolute
                .and_then(|path| HostPath::new(path).map_err(|error| error.to_string()))
                .map(|path| runtimes::within(facts, path))
                .map_err(|error| {
                    Problem::blocking(Code::BAD_VALUE, format!("--runtime: {error}"))
                        .hint("name a directory")
                })
        } else {
            runtimes::by_name(facts, name)
        };
        let path = path.map_err(|problem| problems.push(problem)).ok()?;
        let (runtime, problem) = one(facts, None, &path);
        problems.extend(problem);
        Some(runtime)
    });
    Runtimes { default, installed, asked }
}

fn one(facts: &Facts, name: Option<String>, path: &HostPath) -> (Runtime, Option<Problem>) {
    let shown = path.to_string();
    match runtime_summary(&facts.host, path) {
        Ok(summary) => {
            let runtime = Runtime {
                name,
                path: shown,
                system: summary.name,
                form: Some(summary.form),
                layout: summary.layout.as_ref().map(layout_of),
                architectures: summary.tuples,
                trouble: None,
            };
            (runtime, None)
        }
        Err(problem) => {
            let runtime = Runtime {
                name,
                path: shown,
                system: None,
                form: None,
                layout: None,
                architectures: vec![],
                trouble: Some(problem.cause.clone()),
            };
            (runtime, Some(problem))
        }
    }
}

//! What `install` has installed, and whether it is still so.

use crate::install;
use compose::Facts;
use plan::Problem;
use serde::Serialize;

/// An installation.
#[derive(Debug, Serialize)]
pub(super) struct Installation {
    /// `prefix`, `replaced`, `steam`.
    pub(super) kind: &'static str,
    pub(super) path: String,
    /// `intact`, `changed`, `put back`, `gone`.
    pub(super) state: &'static str,
}

/// Looks at every installation of the user's list.
pub(super) fn look(facts: &Facts, problems: &mut Vec<Problem>) -> Vec<Installation> {
    let found = install::survey(&facts.environment).unwrap_or_else(|problem| {
        problems.push(problem);
        vec![]
    });
    problems.extend(found.iter().filter_map(install::Found::problem));
    let shown = found.into_iter().map(|one| Installation {
        kind: install::kind(one.kind),
        path: one.path.display().to_string(),
        state: install::name(&one.state),
    });
    shown.collect()
}

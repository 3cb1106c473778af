//! What is at a path of the container.

use super::page::Page;
use super::sight::{Sight, Sights};
use plan::simulate::{Call, Found, Kind, Step};
use plan::{ByteString, ContainerPath, Decision, Verdict};
use std::collections::BTreeSet;
use std::ffi::OsStr;
use std::os::unix::ffi::OsStrExt;

/// Explains the path in each view; whether there is anything in any.
pub(super) fn explain(path: &OsStr, sights: &Sights<'_, '_>, page: &mut Page) -> bool {
    let mut known = false;
    let mut passed = BTreeSet::new();
    passed.insert(ByteString::from(path).to_string());
    let shown = ByteString::from(path);
    for sight in &sights.all {
        let title = match &sight.title {
            Some(title) => format!("{shown} {title}"),
            None => shown.to_string(),
        };
        page.heading(&title);
        known |= one(path, sight, sights, page, &mut passed);
    }
    for decision in &sights.plan().decisions {
        if is_about(decision, &passed) {
            page.decision(decision);
        }
    }
    known
}

/// Whether a decision put something at one of the places.
fn is_about(decision: &Decision, places: &BTreeSet<String>) -> bool {
    match &decision.verdict {
        Verdict::Taken { at, .. } => places.contains(at),
        Verdict::Rejected | Verdict::Absent => false,
    }
}

/// One view; whether there is anything. Places that were passed are added to `passed`.
fn one(
    path: &OsStr,
    sight: &Sight<'_, '_>,
    sights: &Sights<'_, '_>,
    page: &mut Page,
    passed: &mut BTreeSet<String>,
) -> bool {
    let look = |call| {
        let start = ContainerPath::root();
        sights.namespace.resolve(sight.root.view(), call, &start, path.as_bytes())
    };
    let link = look(Call::Lstat).ok().and_then(|found| found.link);
    let known = link.is_some();
    if let Some(text) = link {
        page.row("is a link", &format!("-> {text}"));
    }
    let (known, trail) = match look(Call::Open) {
        Ok(found) => {
            describe(&found, sights, page);
            passed.insert(found.path.to_string());
            (true, found.trail)
        }
        Err(failure) => {
            let label = if known { "leads to" } else { "is" };
            page.row(label, &format!("nothing: {failure}"));
            (known, failure.trail)
        }
    };
    for step in &trail {
        if let Step::Link { at, .. } = step {
            passed.insert(at.to_string());
        }
    }
    page.rows("found by", trail.iter().map(ToString::to_string));
    known
}

/// What a file is, and who provides it.
fn describe(found: &Found, sights: &Sights<'_, '_>, page: &mut Page) {
    let architecture = match found.kind {
        Kind::File => sights.namespace.architecture(found),
        Kind::Directory | Kind::Symlink | Kind::Other => None,
    };
    let program = architecture.map(|tuple| format!(" of {tuple}")).unwrap_or_default();
    page.row("is", &format!("a {}{program}, mode {:04o}", found.kind, found.mode));
    page.row("at", &found.path.to_string());
    page.row("content", &sights.content(found));
    if let Some(step) = sights.provider(found) {
        page.row("provided by", &step);
    }
}

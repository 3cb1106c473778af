//! `runtime verify`: a depot and the runtime in it, each by its manifest.

use super::progress::Progress;
use super::{absolute, is_path};
use crate::args::VerifyRuntime;
use crate::edge::Edge;
use crate::stop::Stop;
use crate::{report, runtimes};
use compose::Facts;
use plan::{Code, HostPath, Problem, RootPath};
use std::process::ExitCode;
use std::sync::Mutex;
use store::runtimes::{Difference, Fault, Verification, manifest, threads, verify};

/// Something differs.
const DIFFERS: u8 = 1;

/// So many differences are shown.
const SHOWN: usize = 20;

/// What umu renames in a depot, and what it adds.
const UMU: &[(&str, bool)] =
    &[("/_v2-entry-point", true), ("/umu", false), ("/umu-shim", false), ("/umu.lock", false)];

pub(super) fn run(asked: &VerifyRuntime, _edge: &Edge, facts: &Facts) -> Result<ExitCode, Stop> {
    let (depot, runtime) = if is_path(&asked.what) {
        let path = absolute(&asked.what)?;
        (path.clone(), runtimes::within(facts, path))
    } else {
        let found = runtimes::find(facts, &asked.what)?;
        (found.depot, found.path)
    };
    let is_there = |path: &HostPath| {
        RootPath::new(path.as_path()).ok().and_then(|p| facts.host.find(&p)).is_some()
    };
    let whole = depot.at("mtree.txt.gz");
    let minimized = ["usr-mtree.txt.gz", "usr-mtree.txt"].map(|name| runtime.at(name));
    let minimized = minimized.into_iter().find(|path| is_there(path));
    let mut compared = vec![];
    if is_there(&whole) {
        let by_umu = is_there(&depot.at("umu")) && !is_there(&depot.at("_v2-entry-point"));
        compared.push((depot, whole, false, by_umu));
    }
    compared.extend(minimized.map(|path| (runtime.at("files"), path, true, false)));
    if compared.is_empty() {
        let cause = format!("{runtime} has no manifest, so that it cannot be verified");
        let problem = Problem::blocking(Code::MTREE_BROKEN, cause);
        return Err(problem
            .hint("only depots of Steam have one: mtree.txt.gz, usr-mtree.txt.gz")
            .into());
    }
    let mut status = 0;
    for (directory, path, minimized, by_umu) in compared {
        if let Err(problem) = one(&directory, &path, minimized, by_umu) {
            report::problem(&problem);
            status = DIFFERS;
        }
    }
    Ok(status.into())
}

fn one(
    directory: &HostPath,
    path: &HostPath,
    minimized: bool,
    by_umu: bool,
) -> Result<(), Problem> {
    let manifest = manifest(path).map_err(|error| error.problem())?;
    let progress = Mutex::new(Progress::new("comparing"));
    let total = total(&manifest);
    let show = |bytes| {
        // Whoever comes while it is being written has nothing newer to say.
        if let Ok(mut progress) = progress.try_lock() {
            progress.show(bytes, Some(total));
        }
    };
    let threads = threads();
    let how = Verification { manifest: &manifest, minimized, threads, progress: &show };
    let mut verdict = verify(directory, &how).map_err(|error| error.problem())?;
    drop(progress);
    if by_umu {
        verdict.differences.retain(|difference| !is_umus(difference));
    }
    let count = verdict.differences.len();
    if count == 0 {
        report::notice(&format!("{directory}: {} entries are as {path} says", verdict.entries));
        return Ok(());
    }
    let cause = format!("{count} things in {directory} are not as {path} says");
    let problem = Problem::blocking(Code::RUNTIME_DAMAGED, cause)
        .hint("let Steam verify the tool's files, or add the runtime again");
    let shown = verdict.differences.iter().take(SHOWN).map(ToString::to_string);
    let more = (count > SHOWN).then(|| format!("and {} more", count - SHOWN));
    Err(shown.chain(more).fold(problem, Problem::evidence))
}

fn total(manifest: &inspect::mtree::Manifest) -> u64 {
    let size = |entry: &inspect::mtree::Entry| match entry {
        inspect::mtree::Entry::File { size, .. } => size.unwrap_or(0),
        _ => 0,
    };
    manifest.entries.values().map(size).sum()
}

fn is_umus(difference: &Difference) -> bool {
    UMU.iter().any(|(path, renamed)| {
        let fault = if *renamed { Fault::Missing } else { Fault::Unlisted };
        difference.fault == fault && difference.path == RootPath::literal(path)
    })
}

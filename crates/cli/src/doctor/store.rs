//! The store: where it is, what its file system can hold, what is in it. Nothing is made.

use compose::Facts;
use inspect::disk::{self, Disk, Purpose};
use plan::{Code, HostPath, Problem};
use serde::Serialize;
use store::{Policy, Survey};

/// What is found.
#[derive(Debug, Serialize)]
pub(super) struct Report {
    pub(super) path: String,
    pub(super) exists: bool,
    pub(super) file_system: Option<FileSystem>,
    pub(super) layers: Shelf,
    pub(super) trees: Shelf,
    pub(super) memos: u64,
    /// Half-made things that killed processes have left.
    pub(super) leftovers: u64,
    /// Entries that no launch will use; the next collection deletes them.
    pub(super) stale: u64,
}

/// The file system that it is on, or would be.
#[derive(Debug, Serialize)]
pub(super) struct FileSystem {
    pub(super) kind: String,
    pub(super) mount: Option<String>,
    pub(super) read_only: bool,
    pub(super) noexec: bool,
    /// What it lacks of a Unix file system.
    pub(super) lacks: Vec<&'static str>,
    /// In bytes; `null` for one that may not answer.
    pub(super) size: Option<u64>,
    pub(super) free: Option<u64>,
    /// Whether layers on it can be stacked, found beforehand: `yes`, `no`, `only trying tells`.
    pub(super) overlay: Option<&'static str>,
    pub(super) overlay_why: Option<String>,
}

/// Prepared directories of one kind.
#[derive(Debug, Serialize)]
pub(super) struct Shelf {
    pub(super) count: u64,
    pub(super) bytes: u64,
}

/// Looks at the store at `path`.
pub(super) fn look(facts: &Facts, path: HostPath, problems: &mut Vec<Problem>) -> Report {
    let disk = disk(facts, &path, Purpose::Store, problems);
    let answers = disk.as_ref().is_none_or(|disk| disk.seen.is_some());
    let survey = if answers { survey(&path, problems) } else { None };
    let found = survey.unwrap_or_default();
    let shelf = |shelved: store::Shelved| Shelf { count: shelved.count, bytes: shelved.bytes };
    Report {
        path: path.to_string(),
        exists: survey.is_some(),
        file_system: disk.map(file_system),
        layers: shelf(found.layers),
        trees: shelf(found.trees),
        memos: found.memos,
        leftovers: found.leftovers,
        stale: found.stale(),
    }
}

fn survey(path: &HostPath, problems: &mut Vec<Problem>) -> Option<Survey> {
    match store::survey(path, &Policy::default()) {
        Ok(survey) => survey,
        Err(error) => {
            problems.push(error.problem());
            None
        }
    }
}

/// What is known of the file system of a path; what speaks against using it so becomes a problem.
pub(super) fn disk(
    facts: &Facts,
    path: &HostPath,
    purpose: Purpose,
    problems: &mut Vec<Problem>,
) -> Option<Disk> {
    match disk::of(&facts.mounts, path) {
        Ok(disk) => {
            problems.extend(disk.problems(purpose, facts.user.uid));
            Some(disk)
        }
        Err(error) => {
            let problem = Problem::warning(Code::FILE_SYSTEM_UNSUITED, error.to_string());
            problems.push(problem.hint("name a directory on a local file system"));
            None
        }
    }
}

fn file_system(disk: Disk) -> FileSystem {
    let overlay = disk.seen.as_ref().map(|_| store::support::overlay_support(&disk.path, None));
    let (overlay, overlay_why) = match overlay {
        None => (None, None),
        Some(store::support::Support::Ok) => (Some("yes"), None),
        Some(store::support::Support::Doubtful(why)) => (Some("only trying tells"), Some(why)),
        Some(store::support::Support::No(why)) => (Some("no"), Some(why)),
    };
    FileSystem {
        kind: disk.kind,
        mount: disk.mount.map(|mount| mount.to_string()),
        read_only: disk.read_only,
        noexec: disk.noexec,
        lacks: disk.lacks.iter().map(|lack| lack.name()).collect(),
        size: disk.seen.as_ref().map(|seen| seen.size),
        free: disk.seen.as_ref().map(|seen| seen.free),
        overlay,
        overlay_why,
    }
}

//! What completes a depot.
//!
//! The directory `files` of a depot lacks links, empty directories and empty files, stores some
//! contents under other names (two names that differ only in case, or that a download service
//! cannot hold), and may have files that the manifest does not list. The difference is computed here
//! as entries of a layer; the depot itself is never changed, not even its modes.

use crate::area::Area;
use inspect::mtree::{Entry, Manifest, Time};
use inspect::root::{Kind, Resolved, Root};
use plan::{ByteString, Code, HostPath, LayerEntry, Problem, RootPath};
use std::collections::BTreeSet;

/// At most so many missing files are named.
const NAMED: usize = 8;
/// Directories are nested at most so deep.
const DEPTH: usize = 64;

/// Directories of a depot whose times tell that files were added or removed, whatever the manifest says.
const TELLING: &[&str] = &[
    "/",
    "/bin",
    "/lib",
    "/lib/aarch64-linux-gnu",
    "/lib/i386-linux-gnu",
    "/lib/x86_64-linux-gnu",
    "/share",
];

/// Adds to `area` what `prefix` of the manifest has and the depot's `files` lack.
///
/// For whoever records, the manifest and the times of a few directories stand for the tens of thousands of
/// files that are looked at: an update by Steam writes another manifest, and what is changed by hand in a
/// file changes the runtime and not the difference.
///
/// # Errors
/// When files that the manifest needs are missing.
pub(crate) fn complete(
    area: &mut Area,
    manifest: &Manifest,
    files: &Root,
    prefix: &RootPath,
) -> Result<(), Problem> {
    for directory in TELLING {
        let host = files.path().lexically(&RootPath::literal(directory));
        if witness::stat(host.as_path()).is_some() {
            witness::listed(host.as_path());
        }
    }
    witness::unrecorded(|| difference(area, manifest, files, prefix))
}

fn difference(
    area: &mut Area,
    manifest: &Manifest,
    files: &Root,
    prefix: &RootPath,
) -> Result<(), Problem> {
    let mut missing = vec![];
    let mut listed = BTreeSet::new();
    for (path, entry) in manifest.entries.iter().filter(|(p, _)| p.is_within(prefix)) {
        let Some(inner) = path.below(prefix).and_then(|rest| RootPath::root().join(rest).ok())
        else {
            continue;
        };
        let mut above = Some(path.clone());
        while let Some(p) = above {
            above = p.parent();
            if !listed.insert(p) {
                break;
            }
        }
        match needed(path, entry, files) {
            Ok(Some(entry)) if inner != RootPath::root() => area.put(inner, entry),
            Ok(_) => {}
            Err(Missing) => missing.push(path),
        }
    }
    hide_unlisted(area, manifest, files, prefix, &listed);
    if missing.is_empty() {
        return Ok(());
    }
    let problem = Problem::blocking(
        Code::RUNTIME_INCOMPLETE,
        format!(
            "{} files of the runtime's manifest are missing in `{}`",
            missing.len(),
            files.path()
        ),
    )
    .hint("let Steam verify the runtime's files, or download it again");
    Err(missing.iter().take(NAMED).fold(problem, |p, path| p.evidence(format!("missing: {path}"))))
}

/// The manifest has it, needs it, and the depot does not have it.
struct Missing;

/// What the layer must have for one entry of the manifest; `None` when the depot has it as it is.
fn needed(path: &RootPath, entry: &Entry, files: &Root) -> Result<Option<LayerEntry>, Missing> {
    let found = match files.lookup(path) {
        Ok(found) => Some(found),
        Err(error) if error.is_absent() => None,
        // In a directory that this user may not search: left as it is, as a process of theirs
        // would find it closed as well.
        Err(_) => return Ok(None),
    };
    let kind = found.as_ref().map(|f| f.kind);
    match entry {
        Entry::Directory => {
            Ok((kind != Some(Kind::Directory)).then_some(LayerEntry::Directory { mode: 0o755 }))
        }
        Entry::Link { target } => {
            let same =
                found.and_then(|f| f.link).is_some_and(|text| ByteString::from(text) == *target);
            Ok((!same).then(|| LayerEntry::Symlink { target: target.clone() }))
        }
        Entry::File { size: Some(0), executable, modified, no_change, .. } => {
            let same = found.is_some_and(|f| fits(&f, *executable) && f.identity.size == 0);
            let modified = modified.filter(|_| !no_change).map(Time::in_nanoseconds);
            let content = ByteString::default();
            Ok((!same).then_some(LayerEntry::File { content, executable: *executable, modified }))
        }
        Entry::File { content, executable, modified, optional, no_change, .. } => {
            let modified = modified.filter(|_| !no_change);
            if content == path
                && let Some(found) = &found
                && found.kind == Kind::File
                && (*no_change || fits(found, *executable))
                && modified.is_none_or(|m| m.seconds == seconds(found))
            {
                return Ok(None);
            }
            let Some(source) = files.lookup(content).ok().filter(|f| f.kind == Kind::File) else {
                return if *optional { Ok(None) } else { Err(Missing) };
            };
            let executable = if *no_change { source.mode & 0o100 != 0 } else { *executable };
            let modified = modified.map(Time::in_nanoseconds);
            Ok(Some(copy_of(&source, executable, modified)))
        }
    }
}

/// A file of the host as an entry of a layer.
pub(crate) fn copy_of(source: &Resolved, executable: bool, modified: Option<i64>) -> LayerEntry {
    let id = source.identity;
    LayerEntry::CopyOf {
        source: source.host.clone(),
        executable,
        modified,
        identity: (id.size, id.modified, id.inode),
    }
}

/// Whether it is a regular file that may be executed by all, or by nobody, as wanted.
fn fits(found: &Resolved, executable: bool) -> bool {
    let want = if executable { 0o111 } else { 0 };
    found.kind == Kind::File && found.mode & 0o111 == want
}

fn seconds(found: &Resolved) -> i64 {
    found.identity.modified.div_euclid(1_000_000_000)
}

/// Hides what the depot has and the manifest does not.
fn hide_unlisted(
    area: &mut Area,
    manifest: &Manifest,
    files: &Root,
    prefix: &RootPath,
    listed: &BTreeSet<RootPath>,
) {
    let mut open = vec![(prefix.clone(), 0)];
    while let Some((directory, depth)) = open.pop() {
        for entry in files.list(&directory).unwrap_or_default() {
            let Ok(path) = directory.join(&entry.name) else { continue };
            if manifest.ignore.contains(&path) {
                continue;
            }
            if !listed.contains(&path) {
                if let Some(Ok(inner)) = path.below(prefix).map(|rest| RootPath::root().join(rest))
                {
                    area.put(inner, LayerEntry::Whiteout);
                }
            } else if entry.kind == Kind::Directory && depth < DEPTH {
                open.push((path, depth + 1));
            }
        }
    }
}

/// Where a depot's `files` have the directory, if they do.
pub(crate) fn on_disk(files: &Root, path: &RootPath) -> Option<HostPath> {
    files.lookup(path).ok().filter(|f| f.kind == Kind::Directory).map(|f| f.host)
}

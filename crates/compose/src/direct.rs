//! A container without a runtime: the host's own `/usr`.
//!
//! Only what a container always hides is hidden. `/` is listed without looking at its members,
//! because one of them may be an automount or the mount of a server that is gone.

use crate::approach::{self, Network, Obstacle, relative_link};
use crate::draft::Draft;
use crate::exports::{Exports, Mode, Wish};
use crate::facts::Facts;
use crate::{record, view};
use inspect::root::{Entry, Kind};
use plan::{Access, Code, ContainerPath, Problem, RootPath};
use std::os::unix::ffi::OsStrExt;

/// Shown for writing, as they are.
const WRITABLE: &[&str] = &["/etc", "/tmp", "/var"];

/// Members of `/` that are shown in another way, or not at all.
const NOT_FROM_ROOT: &[&str] = &[
    "app",
    "bin",
    "boot",
    "dev",
    "efi",
    "etc",
    "overrides",
    "proc",
    "root",
    "run",
    "sbin",
    "sys",
    "tmp",
    "usr",
    "var",
];

/// Members of `/run` that the container has for itself, and `media`, which is shared otherwise.
const NOT_FROM_RUN: &[&str] =
    &["flatpak", "gfx", "host", "interpreter-host", "media", "parent", "pressure-vessel"];

/// The host's system directories at their own places.
pub(crate) fn add(facts: &Facts, draft: &mut Draft) {
    view::show(&facts.host, &ContainerPath::root(), "the host's", draft);
    for path in WRITABLE {
        let path = RootPath::literal(path);
        let Some(found) = facts.host.find(&path) else { continue };
        if let Ok(at) = ContainerPath::new(path.as_path()) {
            draft.bind(&found, at, Access::ReadWrite, "the host's, as it is");
        }
    }
    let run = RootPath::literal("/run");
    for entry in members(facts, &run, NOT_FROM_RUN) {
        run_member(facts, draft, &run, &entry);
    }
}

fn run_member(facts: &Facts, draft: &mut Draft, run: &RootPath, entry: &Entry) {
    let Ok(path) = run.join(&entry.name) else { return };
    let Ok(at) = ContainerPath::new(path.as_path()) else { return };
    if entry.kind == Kind::Symlink {
        if let Some(text) = facts.host.lookup(&path).ok().and_then(|f| f.link) {
            let text = relative_link(&path, text.as_bytes());
            draft.symlink(at, text, "the host's, as it is");
        }
        return;
    }
    match approach::reach(facts, &path, Network::Avoided) {
        Ok(reached) => {
            draft.bind_optional(&reached.found, at, Access::ReadWrite, "the host's, as it is");
        }
        Err(obstacle) => draft.decisions.push(record::refused(path, obstacle.to_string())),
    }
}

/// Every further directory of `/`.
pub(crate) fn share(facts: &Facts, mode: Mode, exports: &mut Exports<'_>, draft: &mut Draft) {
    let root = RootPath::root();
    for entry in members(facts, &root, NOT_FROM_ROOT) {
        let Ok(path) = root.join(&entry.name) else { continue };
        if !matches!(entry.kind, Kind::Directory | Kind::Symlink)
            || crate::reserved::why(&path).is_some()
        {
            continue;
        }
        match approach::reach(facts, &path, Network::Avoided) {
            Err(obstacle @ (Obstacle::Automount { .. } | Obstacle::Network { .. })) => {
                draft.warnings.push(
                    Problem::warning(
                        Code::SHARED_PATH_MISSING,
                        format!("`{path}` is not shared: {obstacle}"),
                    )
                    .hint("ask for it with --filesystem if the command needs it"),
                );
                draft.decisions.push(record::refused(path, obstacle.to_string()));
            }
            _ => {
                exports.share(&path, mode, Wish::Usual, "a directory of the host");
            }
        }
    }
    let media = RootPath::literal("/run/media");
    exports.share(&media, mode, Wish::Usual, "removable disks");
}

/// The members of a directory but for some, by their names alone.
fn members(facts: &Facts, directory: &RootPath, without: &[&str]) -> Vec<Entry> {
    let entries = facts.host.list(directory).unwrap_or_default();
    entries.into_iter().filter(|e| !without.iter().any(|w| e.name == *w)).collect()
}

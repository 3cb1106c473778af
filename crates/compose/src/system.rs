//! The container's system directories, from a runtime: `/usr`, what belongs beside it, `/etc`, and
//! the members of `/var/cache` and `/var/lib`.

use crate::approach::relative_link;
use crate::area::Area;
use crate::depot;
use crate::draft::{Draft, has_submount, is_directory};
use crate::runtime::Runtime;
use inspect::mountinfo::Mount;
use inspect::root::{Form, Kind, Root, TopLevel};
use plan::{Access, ContainerPath, HostPath, Problem, RootPath, StackForm};
use std::os::unix::ffi::OsStrExt;

/// Of these directories the container has the members, and others can be mounted beside.
const MEMBERS: &[&str] = &["/var/cache", "/var/lib"];

/// The one of them that can have many. In the other, `ldconfig` is for root's eyes only, and what it has could not
/// be hidden beside the link that it gets.
const MANY: &str = "/var/lib";

/// So many members are bound one by one: an overlay over all of them costs the kernel as much.
const FEW: usize = 4;

/// Of a machine, never of the runtime.
const NEVER: &[&str] =
    &["/var/cache/ldconfig", "/var/lib/dbus", "/var/lib/dhcp", "/var/lib/sudo", "/var/lib/urandom"];

/// Adds the runtime's directories, stacked in this form; with what is mounted on the host.
///
/// # Errors
/// When a depot lacks files of its manifest.
pub(crate) fn add(
    runtime: &Runtime,
    (form, mounts): (StackForm, &[Mount]),
    draft: &mut Draft,
) -> Result<(), Problem> {
    area(runtime, draft, &RootPath::literal("/usr"), "the runtime's /usr")?;
    for (name, what) in runtime.root.layout().top {
        let Ok(path) = RootPath::root().join(&name) else { continue };
        let at = draft.place(&path);
        match what {
            TopLevel::Link(text) if draft.has_interpreter_root() => {
                // Emulators differ in what an absolute link below their root means.
                let text = relative_link(&path, text.as_bytes());
                draft.symlink(at, text, "merged into /usr");
            }
            TopLevel::Link(text) => draft.symlink(at, text, "merged into /usr"),
            TopLevel::Directory => {
                area(runtime, draft, &path, &format!("the runtime's {path}"))?;
            }
            TopLevel::Other => {}
        }
    }
    let at = ContainerPath::literal;
    for (place, mode) in [("/tmp", 0o1777), ("/var", 0o755), ("/var/tmp", 0o1777), ("/run", 0o755)]
    {
        draft.directory(at(place), mode, "present in every system");
    }
    draft.symlink(at("/var/run"), "../run", "present in every system");
    area(runtime, draft, &RootPath::literal("/etc"), "the runtime's /etc")?;
    for directory in MEMBERS {
        let directory = RootPath::literal(directory);
        if let Some(area) = whole(runtime, &directory, (form, mounts), draft) {
            draft.area(area);
        } else {
            draft.directory(draft.place(&directory), 0o755, "present in every system");
            members(runtime, draft, &directory)?;
        }
    }
    Ok(())
}

fn is_of_a_machine(path: &RootPath) -> bool {
    NEVER.iter().any(|never| *path == RootPath::literal(never))
}

/// The runtime's `directory` in one piece, without what it has of a machine, if it has many members and there
/// are overlays: a prepared tree would copy what a few binds show.
fn whole(
    runtime: &Runtime,
    directory: &RootPath,
    (form, mounts): (StackForm, &[Mount]),
    draft: &Draft,
) -> Option<Area> {
    let possible = form == StackForm::Overlay && !matches!(runtime.root.form(), Form::Depot(_));
    if !possible || *directory != RootPath::literal(MANY) {
        return None;
    }
    let lower = lower(&runtime.root, directory)?;
    let entries = runtime.root.list(directory).unwrap_or_default();
    let paths = entries.iter().filter_map(|entry| directory.join(&entry.name).ok());
    let (machine, members): (Vec<RootPath>, Vec<RootPath>) = paths.partition(is_of_a_machine);
    let mut area =
        Area::new(draft.place(directory), Some(lower), &format!("the runtime's {directory}"));
    if members.len() <= FEW || has_submount(&area, mounts) {
        return None;
    }
    area.open = true;
    for path in machine {
        // It gets a link of ours, which would not be seen in something hidden.
        let hidden = if path == RootPath::literal("/var/lib/dbus") {
            let entries = runtime.root.list(&path).unwrap_or_default();
            entries.iter().filter_map(|entry| path.join(&entry.name).ok()).collect()
        } else {
            vec![path]
        };
        for path in hidden {
            if let Some(inner) = area.inner(&draft.place(&path)) {
                area.hide(draft.raw(), &inner);
            }
        }
    }
    Some(area)
}

fn members(runtime: &Runtime, draft: &mut Draft, directory: &RootPath) -> Result<(), Problem> {
    for entry in runtime.root.list(directory).unwrap_or_default() {
        let Ok(path) = directory.join(&entry.name) else { continue };
        if is_of_a_machine(&path) {
            continue;
        }
        let at = draft.place(&path);
        let reason = format!("the runtime's {path}");
        match runtime.root.lookup(&path) {
            Ok(found) if found.kind == Kind::Directory => {
                area(runtime, draft, &path, &reason)?;
            }
            Ok(found) if found.link.is_some() => {
                draft.symlink(at, found.link.unwrap_or_default(), &reason);
            }
            Ok(found) if found.kind == Kind::File => {
                draft.bind(&found, at, Access::ReadOnly, &reason);
            }
            _ => {}
        }
    }
    Ok(())
}

/// Shows the runtime's `path` at the same place, completed where the runtime is a depot.
fn area(
    runtime: &Runtime,
    draft: &mut Draft,
    path: &RootPath,
    reason: &str,
) -> Result<(), Problem> {
    let at = draft.place(path);
    let area = match runtime.root.form() {
        Form::Depot(manifest) => {
            let files = Root::with_form(runtime.root.path().clone(), Form::Full)
                .map_err(|e| Problem::blocking(plan::Code::UNREADABLE, e.to_string()))?;
            let prefix =
                path.below(&RootPath::literal("/usr")).map(|rest| RootPath::root().join(rest));
            let prefix = prefix.and_then(Result::ok).unwrap_or_else(|| path.clone());
            let mut area = Area::new(at, depot::on_disk(&files, &prefix), reason);
            depot::complete(&mut area, manifest, &files, &prefix)?;
            area
        }
        Form::Full | Form::Usr => Area::new(at, lower(&runtime.root, path), reason),
    };
    draft.area(area);
    Ok(())
}

/// Where the runtime has the directory, if it has one.
fn lower(root: &Root, path: &RootPath) -> Option<HostPath> {
    root.find(path).filter(is_directory).map(|found| found.host)
}

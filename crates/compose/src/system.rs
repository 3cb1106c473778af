//! The container's system directories, from a runtime: `/usr`, what belongs beside it, `/etc`, and
//! the members of `/var/cache` and `/var/lib`.

use crate::approach::relative_link;
use crate::area::Area;
use crate::depot;
use crate::draft::{Draft, is_directory};
use crate::runtime::Runtime;
use inspect::root::{Form, Kind, Root, TopLevel};
use plan::{Access, ContainerPath, HostPath, Problem, RootPath};
use std::os::unix::ffi::OsStrExt;

/// Members of these directories are shown one by one, so that further ones can be mounted beside.
const MEMBERS: &[&str] = &["/var/cache", "/var/lib"];

/// Of a machine, never of the runtime.
const NEVER: &[&str] =
    &["/var/cache/ldconfig", "/var/lib/dbus", "/var/lib/dhcp", "/var/lib/sudo", "/var/lib/urandom"];

/// Adds the runtime's directories.
///
/// # Errors
/// When a depot lacks files of its manifest.
pub(crate) fn add(runtime: &Runtime, draft: &mut Draft) -> Result<(), Problem> {
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
        draft.directory(
            draft.place(&RootPath::literal(directory)),
            0o755,
            "present in every system",
        );
        members(runtime, draft, directory)?;
    }
    Ok(())
}

fn members(runtime: &Runtime, draft: &mut Draft, directory: &str) -> Result<(), Problem> {
    let directory = RootPath::literal(directory);
    for entry in runtime.root.list(&directory).unwrap_or_default() {
        let Ok(path) = directory.join(&entry.name) else { continue };
        if NEVER.iter().any(|n| path == RootPath::literal(n)) {
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

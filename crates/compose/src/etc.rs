//! The container's `/etc`: the runtime's, without what belongs to a machine, with what belongs to
//! this one.
//!
//! What is made or copied here goes into a layer that is reused, so nothing of it may depend on one
//! launch. Files that change while a container runs (`resolv.conf`) are bound instead.

use crate::account;
use crate::approach::{self, Network, Reached};
use crate::area::Area;
use crate::draft::Draft;
use crate::facts::Facts;
use crate::loader;
use crate::record;
use crate::timezone;
use inspect::root::{Kind, Resolved, Root};
use plan::{Access, ByteString, ContainerPath, RootPath};

/// Of the machine, never of the runtime.
const HIDDEN: &[&str] =
    &["/asound.conf", "/host.conf", "/hosts", "/localtime", "/machine-id", "/resolv.conf"];

/// The host's files that the container has, each with the places where the host may have it.
const HOST_FILES: &[(&str, &[&str])] = &[
    ("/host.conf", &["/etc/host.conf"]),
    ("/hosts", &["/etc/hosts"]),
    ("/machine-id", &["/etc/machine-id", "/var/lib/dbus/machine-id"]),
    ("/resolv.conf", &["/etc/resolv.conf"]),
];

/// The provider's configuration of its drivers.
const PROVIDER_FILES: &[&str] = &["/amd", "/drirc", "/nvidia"];

/// What `/etc/asound.conf` has when sound goes to a PulseAudio server.
pub(crate) const ASOUND: &str = "# Made by Bathysphere: sound goes to the PulseAudio server.\n\
    pcm.!default {\n    type pulse\n}\nctl.!default {\n    type pulse\n}\n";

/// What the container's `/etc` is made from.
pub(crate) struct Etc<'a> {
    pub(crate) facts: &'a Facts,
    pub(crate) runtime: &'a Root,
    pub(crate) provider: Option<&'a Root>,
    /// Whether a PulseAudio server is shared.
    pub(crate) pulse: bool,
}

/// Fills `area`, the container's `/etc`, with what is made.
pub(crate) fn fill(etc: &Etc<'_>, area: &mut Area, raw: &Root, relative: bool) {
    for name in HIDDEN {
        area.hide(raw, &RootPath::literal(name));
    }
    let accounts = account::accounts(etc.facts);
    area.file("/passwd", accounts.passwd);
    area.file("/group", accounts.group);
    let zone = timezone::time_zone(etc.facts, etc.runtime);
    if let Some(mut localtime) = zone.localtime {
        if let (true, plan::LayerEntry::Symlink { target }) = (relative, &mut localtime) {
            *target =
                approach::relative_link(&RootPath::literal("/etc/localtime"), target.as_bytes());
        }
        area.put(RootPath::literal("/localtime"), localtime);
    }
    let mut name = zone.name.0;
    name.push(b'\n');
    area.file("/timezone", name);
    for (path, target) in loader::LINKS {
        if let Some(inner) = path.strip_prefix("/etc") {
            let target = loader::text(path, target, relative);
            area.put(RootPath::literal(inner), plan::LayerEntry::Symlink { target });
        }
    }
    if etc.pulse {
        area.file("/asound.conf", ASOUND);
    }
}

/// Binds the host's and the provider's files.
pub(crate) fn bind(etc: &Etc<'_>, draft: &mut Draft) {
    for (name, sources) in HOST_FILES {
        let found = sources.iter().find_map(|source| {
            approach::reach(etc.facts, &RootPath::literal(source), Network::Avoided).ok()
        });
        match found {
            Some(reached) if *name == "/resolv.conf" => resolver(&reached, draft),
            Some(reached) => host_file(draft, name, &reached.found),
            None => {
                draft.decisions.push(record::absent(format!("/etc{name}"), "the host has none"))
            }
        }
    }
    for name in PROVIDER_FILES {
        let path = RootPath::literal("/etc").at(name);
        let Some(provider) = etc.provider else { continue };
        match provider.find(&path) {
            Some(found) => {
                let at = draft.place(&path);
                mount_point(draft, &path, &found);
                let reason = format!("the graphics provider's {path}");
                draft.bind_optional(&found, at, Access::ReadOnly, &reason);
            }
            None => {
                if let Some((area, inner, raw)) = draft.area_and_raw(&path) {
                    area.hide(raw, &inner);
                }
            }
        }
    }
}

/// Makes a mount point in the runtime's `/etc`.
fn mount_point(draft: &mut Draft, path: &RootPath, found: &Resolved) {
    let kind = if found.kind == Kind::Directory { Kind::Directory } else { Kind::File };
    if let Some((area, inner, raw)) = draft.area_and_raw(path) {
        area.mount_point(raw, &inner, kind);
    }
}

/// Mounts a file of the host in `/etc`. Emulated programs that have a root of their own find it too:
/// the runtime's is hidden there, and what their root does not have they see as native ones do.
fn host_file(draft: &mut Draft, name: &str, found: &Resolved) {
    let path = RootPath::literal("/etc").at(name);
    if !draft.has_interpreter_root() {
        mount_point(draft, &path, found);
    }
    let at = ContainerPath::literal("/etc").at(name);
    draft.bind_optional(found, at, Access::ReadOnly, &format!("the host's {path}"));
}

/// A resolver that keeps its file in a directory of its own below `/run` replaces it by renaming:
/// a bind of the file would show the old one for ever. The directory is bound, and linked to.
fn resolver(reached: &Reached, draft: &mut Draft) {
    let file = &reached.found;
    let directory = file.path.parent().filter(|d| {
        let run = RootPath::literal("/run");
        d.is_within(&run) && *d != run && crate::reserved::why(d).is_none()
    });
    let bound = directory.and_then(|directory| {
        let host = file.host.parent()?;
        let at = ContainerPath::new(directory.as_path()).ok()?;
        let source = plan::Source::Host(host);
        let op = plan::Op::Bind { source, at, access: Access::ReadOnly, optional: true };
        draft.mount(op, "the resolver's directory, in which it replaces resolv.conf").then_some(())
    });
    let path = RootPath::literal("/etc/resolv.conf");
    let target = ByteString::from(file.path.as_path().as_os_str());
    match (bound, draft.has_interpreter_root(), draft.area_of(&path)) {
        (Some(()), true, _) => {
            let at = ContainerPath::literal("/etc/resolv.conf");
            draft.symlink(at, target, "in the resolver's directory");
        }
        (Some(()), false, Some((area, inner))) => {
            area.put(inner, plan::LayerEntry::Symlink { target });
        }
        _ => host_file(draft, "/resolv.conf", file),
    }
}

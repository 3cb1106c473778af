//! PipeWire: the system's and the user's.

use super::Desk;
use crate::approach::{self, Network};
use crate::draft::is_directory;
use crate::record;
use plan::{Access, ContainerPath, RootPath};
use std::os::unix::ffi::OsStrExt;
use witness::Filter;

const SERVICE: &str = "PipeWire";

/// At most so many sockets of one user are shared.
const SOCKETS: usize = 16;

pub(super) fn share(desk: &mut Desk<'_>) {
    let system = RootPath::literal("/run/pipewire");
    if let Ok(reached) = approach::reach(desk.facts, &system, Network::Avoided)
        && is_directory(&reached.found)
    {
        let at = ContainerPath::literal("/run/pipewire");
        desk.draft.bind_optional(&reached.found, at, Access::ReadOnly, "the system's PipeWire");
    }
    let environment = &desk.facts.environment;
    let directory = environment.path("PIPEWIRE_RUNTIME_DIR").or_else(|| desk.facts.runtime_dir());
    desk.draft.environment.unset("PIPEWIRE_RUNTIME_DIR", "the sockets are in XDG_RUNTIME_DIR");
    let Some(directory) = directory else {
        return desk.absent(SERVICE, "there is no runtime directory");
    };
    let mut found = 0;
    // Sockets of all kinds of services come and go there.
    let entries = witness::unrecorded(|| desk.facts.host.list(&directory).unwrap_or_default());
    if let Some(found) = desk.facts.host.find(&directory) {
        witness::listed_for(found.host.as_path(), &Filter::Prefix(b"pipewire-".to_vec()));
    }
    for entry in entries {
        if !entry.name.as_bytes().starts_with(b"pipewire-") || found == SOCKETS {
            continue;
        }
        let Some(socket) = directory.join(&entry.name).ok().and_then(|p| desk.socket(&p)) else {
            continue;
        };
        let Ok(at) = desk.user_directory().join(&entry.name) else { continue };
        desk.show_at(&socket, at, SERVICE);
        found += 1;
    }
    remote(desk, &directory);
    if found == 0 {
        desk.absent(SERVICE, format!("there is no socket `pipewire-*` in {directory}"));
    }
}

/// A server that the environment names and that is not one of the usual ones.
fn remote(desk: &mut Desk<'_>, directory: &RootPath) {
    const VARIABLE: &str = "PIPEWIRE_REMOTE";
    let Some(name) = desk.facts.environment.non_empty(VARIABLE).map(ToOwned::to_owned) else {
        return;
    };
    if name.as_bytes().starts_with(b"pipewire-") && !name.as_bytes().contains(&b'/') {
        return;
    }
    let path = if name.as_bytes().first() == Some(&b'/') {
        RootPath::new(&name).ok()
    } else {
        directory.join(&name).ok()
    };
    let Some(socket) = path.and_then(|p| desk.socket(&p)) else {
        return desk.unavailable(SERVICE, format!("{VARIABLE} names no socket that is there"));
    };
    let at = desk.user_directory().at("pv-pipewire");
    desk.show_at(&socket, at.clone(), SERVICE);
    desk.draft.environment.set(VARIABLE, "pv-pipewire", "the server's name in the container");
    desk.draft.decisions.push(record::service_at("PIPEWIRE_REMOTE", at, "it has an odd name"));
}

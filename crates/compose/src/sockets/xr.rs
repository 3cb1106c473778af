//! OpenXR runtimes that are servers: Monado and WiVRn.

use super::Desk;

/// Socket below the runtime directory, and whose it is.
const SOCKETS: &[(&str, &str)] = &[("monado_comp_ipc", "Monado"), ("wivrn/comp_ipc", "WiVRn")];

pub(super) fn share(desk: &mut Desk<'_>) {
    let Some(directory) = desk.facts.runtime_dir() else { return };
    for (name, service) in SOCKETS {
        if let Some(socket) = desk.socket(&directory.at(name)) {
            let at = desk.user_directory().at(name);
            desk.show_at(&socket, at, service);
        }
    }
}

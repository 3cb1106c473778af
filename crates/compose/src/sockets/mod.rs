//! Services of the desktop that the container reaches through sockets of the host, a file for each.
//!
//! A socket is shown at a place of the container's own in `/run/pressure-vessel`, linked to from
//! where programs look in `/run/user/UID`, and named by the variable that the service defines.
//! Network and IPC namespaces are shared, so abstract sockets and TCP need nothing.
//!
//! Nothing here goes into a layer: displays and cookies differ from launch to launch.

mod accessibility;
mod address;
mod dbus;
mod discord;
mod pipewire;
mod pulse;
#[cfg(test)]
mod tests;
mod wayland;
mod x11;
mod xauthority;
mod xr;

use crate::approach::{self, Network};
use crate::draft::Draft;
use crate::facts::Facts;
use crate::{record, special, view};
use inspect::root::Resolved;
use plan::{Access, Code, ContainerPath, Problem, RootPath};

pub(crate) use pulse::is_shared as pulse_is_shared;

/// What is made for one launch.
const OURS: &str = "/run/pressure-vessel";

/// Sockets of the system's services, at their own places.
const SYSTEM: &[(&str, &str)] = &[
    ("/run/systemd/resolve/io.systemd.Resolve", "systemd's resolver"),
    ("/run/systemd/journal/socket", "systemd's journal"),
    ("/run/systemd/journal/stdout", "systemd's journal"),
];

/// Shares every service that is there.
pub(crate) fn share(facts: &Facts, openxr: bool, draft: &mut Draft) {
    let mut desk = Desk { facts, draft };
    user_directory(facts, desk.draft);
    let value = desk.user_directory().as_path().as_os_str().to_owned();
    desk.draft.environment.set("XDG_RUNTIME_DIR", value, "the container's own");
    wayland::share(&mut desk);
    x11::share(&mut desk);
    pulse::share(&mut desk);
    dbus::share_session(&mut desk);
    dbus::share_system(&mut desk);
    for (path, name) in SYSTEM {
        desk.share_system_socket(path, name);
    }
    accessibility::share(&mut desk);
    if openxr {
        xr::share(&mut desk);
    }
    pipewire::share(&mut desk);
    discord::share(&mut desk);
}

/// Makes the user's runtime directory, which only they may enter. Made before anything is shared
/// below it.
pub(crate) fn user_directory(facts: &Facts, draft: &mut Draft) {
    let at = ContainerPath::literal("/run/user").at(&facts.user.uid.to_string());
    draft.directory(at, 0o700, "the user's runtime directory");
}

/// The desktop as one launch sees it.
struct Desk<'a> {
    facts: &'a Facts,
    draft: &'a mut Draft,
}

impl Desk<'_> {
    /// `/run/user/UID` of the container.
    fn user_directory(&self) -> ContainerPath {
        ContainerPath::literal("/run/user").at(&self.facts.user.uid.to_string())
    }

    /// The socket that the host has at `path`.
    fn socket(&self, path: &RootPath) -> Option<Resolved> {
        let reached = approach::reach(self.facts, path, Network::Avoided).ok()?;
        special::is_socket(&reached.found.host).then_some(reached.found)
    }

    /// As [`Self::socket`], if it belongs to the user.
    fn own_socket(&self, path: &RootPath) -> Option<Resolved> {
        self.socket(path).filter(|s| special::belongs_to(&s.host, self.facts.user.uid))
    }

    /// Shows a socket at `/run/pressure-vessel/NAME`.
    fn show(&mut self, socket: &Resolved, name: &str, service: &str) -> ContainerPath {
        let at = ContainerPath::literal(OURS).at(name);
        self.show_at(socket, at.clone(), service);
        at
    }

    fn show_at(&mut self, socket: &Resolved, at: ContainerPath, service: &str) {
        let why = format!("socket of {service}");
        if self.draft.bind_optional(socket, at.clone(), Access::ReadOnly, &why) {
            let why = format!("the host has its socket at {}", socket.path);
            self.draft.decisions.push(record::service_at(service, at, why));
        }
    }

    /// A link from the user's runtime directory to what is shown in `/run/pressure-vessel`.
    fn link(&mut self, name: &str, target: &str) {
        let at = self.user_directory().at(name);
        let target = format!("../../pressure-vessel/{target}");
        self.draft.symlink(at, target, "where programs look for it");
    }

    /// Records that a service is not there, and why that is known.
    fn absent(&mut self, service: &str, why: impl Into<String>) {
        self.draft.decisions.push(record::service(service, plan::Verdict::Absent, why));
    }

    /// Warns that a service that the environment names is not reached.
    fn unavailable(&mut self, service: &str, why: String) {
        self.draft.warnings.push(Problem::warning(
            Code::SERVICE_UNAVAILABLE,
            format!("{service} is not shared: {why}"),
        ));
        self.draft.decisions.push(record::service(service, plan::Verdict::Rejected, why));
    }

    fn share_system_socket(&mut self, path: &str, name: &str) {
        let path = RootPath::literal(path);
        let Some(found) = self.socket(&path) else { return };
        let Ok(at) = ContainerPath::new(path.as_path()) else { return };
        if self.draft.shows_host(&at, &found.host) {
            return;
        }
        view::same_place(&Resolved { path, ..found }, Access::ReadOnly, name, self.draft);
    }
}

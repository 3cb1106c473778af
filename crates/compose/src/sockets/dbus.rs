//! The session and the system bus.

use super::Desk;
use super::address::{self, Address};
use inspect::root::Resolved;
use plan::{ContainerPath, RootPath};
use std::os::unix::ffi::OsStrExt;

/// Where the socket of the system bus is when nothing says otherwise (D-Bus Specification).
const SYSTEM: &str = "/var/run/dbus/system_bus_socket";

/// Where the container has it.
const SYSTEM_HERE: &str = "/run/dbus/system_bus_socket";

/// What a variable with a bus address comes to.
pub(super) enum Named {
    /// A socket that can be shown elsewhere.
    Socket(Resolved, Option<Vec<u8>>),
    /// The address works in the container as it is.
    AsItIs,
    /// There is no such variable.
    Unset,
    /// The address leads nowhere.
    Broken,
}

/// Looks for the first usable address of a list.
pub(super) fn named(desk: &Desk<'_>, variable: &str) -> Named {
    let Some(value) = desk.facts.environment.non_empty(variable) else { return Named::Unset };
    usable(desk, value.as_bytes())
}

pub(super) fn usable(desk: &Desk<'_>, list: &[u8]) -> Named {
    for address in address::parse(list) {
        match address {
            Address::AsItIs => return Named::AsItIs,
            Address::Path { path, guid } => {
                let socket = RootPath::new(&path).ok().and_then(|p| desk.socket(&p));
                if let Some(socket) = socket {
                    return Named::Socket(socket, guid);
                }
            }
            Address::Unknown => {}
        }
    }
    Named::Broken
}

pub(super) fn share_session(desk: &mut Desk<'_>) {
    const VARIABLE: &str = "DBUS_SESSION_BUS_ADDRESS";
    const SERVICE: &str = "D-Bus session bus";
    let (socket, guid) = match named(desk, VARIABLE) {
        Named::Socket(socket, guid) => (socket, guid),
        Named::AsItIs => return desk.absent(SERVICE, "its address needs no socket file"),
        Named::Broken => {
            return desk.unavailable(SERVICE, format!("{VARIABLE} names no socket that is there"));
        }
        Named::Unset => {
            let usual = desk.facts.runtime_dir().and_then(|d| desk.own_socket(&d.at("bus")));
            match usual {
                Some(socket) => (socket, None),
                None => {
                    return desk.absent(SERVICE, "no address is set and there is no usual socket");
                }
            }
        }
    };
    let at = desk.show(&socket, "bus", SERVICE);
    desk.link("bus", "bus");
    let value = address::unix(&at.to_string(), guid.as_deref());
    desk.draft.environment.set(VARIABLE, value, "where the container has the session bus");
}

pub(super) fn share_system(desk: &mut Desk<'_>) {
    const VARIABLE: &str = "DBUS_SYSTEM_BUS_ADDRESS";
    const SERVICE: &str = "D-Bus system bus";
    let (socket, guid, is_set) = match named(desk, VARIABLE) {
        Named::Socket(socket, guid) => (socket, guid, true),
        Named::AsItIs => return desk.absent(SERVICE, "its address needs no socket file"),
        Named::Broken => {
            return desk.unavailable(SERVICE, format!("{VARIABLE} names no socket that is there"));
        }
        Named::Unset => match desk.socket(&RootPath::literal(SYSTEM)) {
            Some(socket) => (socket, None, false),
            None => return desk.absent(SERVICE, format!("there is no socket at {SYSTEM}")),
        },
    };
    desk.show_at(&socket, ContainerPath::literal(SYSTEM_HERE), SERVICE);
    if is_set {
        let value = address::unix(SYSTEM_HERE, guid.as_deref());
        desk.draft.environment.set(VARIABLE, value, "where the container has the system bus");
    }
}

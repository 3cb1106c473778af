//! The accessibility bus (AT-SPI): a bus of its own, whose address the session bus knows.

use super::dbus::{self, Named};
use super::{Desk, address};
use inspect::root::Resolved;

const VARIABLE: &str = "AT_SPI_BUS_ADDRESS";
const SERVICE: &str = "accessibility bus";

pub(super) fn share(desk: &mut Desk<'_>) {
    let Some((socket, guid)) = find(desk) else {
        return desk.absent(SERVICE, "neither a variable, the session bus, nor a socket names it");
    };
    let at = desk.show(&socket, "at-spi-bus", SERVICE);
    let value = address::unix(&at.to_string(), guid.as_deref());
    desk.draft.environment.set(VARIABLE, value, "where the container has the accessibility bus");
}

/// The variable, else what the session bus answered, else the usual place; only one's own.
fn find(desk: &Desk<'_>) -> Option<(Resolved, Option<Vec<u8>>)> {
    let own = |socket: &Resolved| crate::special::belongs_to(&socket.host, desk.facts.user.uid);
    let answer = desk.facts.accessibility_bus.as_ref();
    let from = [
        dbus::named(desk, VARIABLE),
        answer.map_or(Named::Unset, |a| dbus::usable(desk, a.as_bytes())),
    ];
    for named in from {
        match named {
            Named::Socket(socket, guid) if own(&socket) => return Some((socket, guid)),
            _ => {}
        }
    }
    let usual = desk.facts.runtime_dir()?.at("at-spi/bus");
    desk.own_socket(&usual).map(|socket| (socket, None))
}

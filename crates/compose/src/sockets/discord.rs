//! Discord's rich presence: sockets `discord-ipc-N` in the first directory that its SDK looks in.

use super::Desk;
use crate::approach::{self, Network};
use plan::RootPath;

const SERVICE: &str = "Discord";
/// The SDK tries the numbers 0 to 9.
const NUMBERS: u8 = 10;

pub(super) fn share(desk: &mut Desk<'_>) {
    let variables = ["XDG_RUNTIME_DIR", "TMPDIR", "TMP", "TEMP"];
    let environment = &desk.facts.environment;
    let directory = variables
        .iter()
        .find_map(|v| environment.path(v))
        .unwrap_or_else(|| RootPath::literal("/tmp"));
    if approach::reach(desk.facts, &directory, Network::Avoided).is_err() {
        return;
    }
    for n in 0..NUMBERS {
        let name = format!("discord-ipc-{n}");
        if let Some(socket) = desk.socket(&directory.at(&name)) {
            let at = desk.user_directory().at(&name);
            desk.show_at(&socket, at, SERVICE);
        }
    }
}

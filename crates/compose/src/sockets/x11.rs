//! The X server (X(7), "Display Names"; libxcb's `xcb_parse_display`).

use super::{Desk, OURS, xauthority};
use crate::record;
use plan::{ByteString, ContainerPath, RootPath};
use std::os::unix::ffi::OsStrExt;

const SERVICE: &str = "X11";
const SOCKETS: &str = "/tmp/.X11-unix";

/// A display name.
#[derive(Debug, PartialEq, Eq)]
enum Display<'a> {
    /// A server of this host, by number.
    Local(&'a [u8]),
    /// A server that is reached by TCP.
    Remote(&'a [u8]),
    /// A socket by path, as XQuartz and some nested servers have it, with the display's number.
    Socket(&'a [u8]),
}

/// `[HOST]:NUMBER[.SCREEN]`; the host is empty or `unix` for a local server.
fn parse(name: &[u8]) -> Option<Display<'_>> {
    let colon = name.iter().rposition(|b| *b == b':')?;
    let (host, rest) = (&name[..colon], &name[colon + 1..]);
    let number = rest.split(|b| *b == b'.').next()?;
    if number.is_empty() || !number.iter().all(u8::is_ascii_digit) || number.len() > 5 {
        return None;
    }
    Some(match host {
        b"" | b"unix" => Display::Local(number),
        _ if host.first() == Some(&b'/') => Display::Socket(&name[..colon]),
        _ => Display::Remote(number),
    })
}

pub(super) fn share(desk: &mut Desk<'_>) {
    let environment = &desk.facts.environment;
    let Some(name) = environment.non_empty("DISPLAY").map(ToOwned::to_owned) else {
        desk.draft.environment.unset("XAUTHORITY", "no X server is shared");
        return desk.absent(SERVICE, "DISPLAY is not set");
    };
    let name = name.as_bytes();
    match parse(name) {
        Some(Display::Local(number)) => local(desk, number),
        Some(Display::Remote(number)) => {
            desk.draft.decisions.push(record::service_at(
                SERVICE,
                ByteString::from(name.to_vec()),
                "the display is reached over the network, which is shared",
            ));
            authority(desk, |file| xauthority::for_remote(file, number));
        }
        Some(Display::Socket(path)) => by_path(desk, path),
        None => desk.unavailable(
            SERVICE,
            format!("DISPLAY is `{}`, which is no display name", ByteString::from(name.to_vec())),
        ),
    }
}

fn local(desk: &mut Desk<'_>, number: &[u8]) {
    let name = format!("X{}", String::from_utf8_lossy(number));
    match desk.socket(&RootPath::literal(SOCKETS).at(&name)) {
        Some(socket) => {
            let directory = ContainerPath::literal(SOCKETS);
            if desk.draft.tmpfs(directory.clone(), 0o755, "sockets of other X servers are hidden") {
                desk.show_at(&socket, directory.at(&name), SERVICE);
            }
        }
        None => {
            let why = format!("there is no socket {SOCKETS}/{name}; an abstract one needs nothing");
            desk.absent(SERVICE, why);
        }
    }
    let host = desk.facts.hostname.clone();
    authority(desk, |file| xauthority::for_display(file, host.as_bytes(), number));
}

/// A display that is named by its socket: shared where it is.
fn by_path(desk: &mut Desk<'_>, path: &[u8]) {
    let path = RootPath::new(std::ffi::OsStr::from_bytes(path)).ok();
    let Some(socket) = path.and_then(|p| desk.socket(&p)) else {
        return desk.unavailable(SERVICE, "DISPLAY names no socket that is there".into());
    };
    if let Ok(at) = ContainerPath::new(socket.path.as_path()) {
        desk.show_at(&socket, at, SERVICE);
    }
    authority(desk, <[u8]>::to_vec);
}

/// Makes the container's Xauthority file from what `keep` leaves of the user's.
fn authority(desk: &mut Desk<'_>, keep: impl FnOnce(&[u8]) -> Vec<u8>) {
    let named = desk.facts.environment.path("XAUTHORITY");
    let path = named.or_else(|| desk.facts.home().map(|h| h.at(".Xauthority")));
    let file = path.and_then(|p| {
        let reached =
            crate::approach::reach(desk.facts, &p, crate::approach::Network::Allowed).ok()?;
        desk.facts.host.read(&reached.found.path).ok()
    });
    let Some(file) = file else {
        desk.draft.environment.unset("XAUTHORITY", "the file is not there");
        return;
    };
    let at = ContainerPath::literal(OURS).at("Xauthority");
    desk.draft.file(at.clone(), keep(&file), 0o600, "entries for this display");
    desk.draft.environment.set("XAUTHORITY", at.to_string(), "entries for this display");
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn display_names() {
        for (name, want) in [
            (":0", Some(Display::Local(b"0"))),
            ("unix:12.1", Some(Display::Local(b"12"))),
            ("localhost:10.0", Some(Display::Remote(b"10"))),
            ("[::1]:0", Some(Display::Remote(b"0"))),
            ("/tmp/launch/x:0", Some(Display::Socket(b"/tmp/launch/x"))),
            (":", None),
            ("0", None),
            (":x", None),
            (":999999", None),
        ] {
            assert_eq!(parse(name.as_bytes()), want, "{name}");
        }
    }
}

//! PulseAudio (PulseAudio's "Server Strings", `pa_client_conf`), or PipeWire in its place.

use super::{Desk, OURS};
use crate::approach::{self, Network};
use crate::draft::Draft;
use crate::facts::Facts;
use inspect::root::Resolved;
use plan::{ContainerPath, RootPath};
use std::os::unix::ffi::OsStrExt;

const SERVICE: &str = "PulseAudio";

/// What the container's client configuration has: memory cannot be shared with a server that sees
/// another `/dev/shm` or user namespace.
const CONFIG: &str = "# Made by Bathysphere.\nautospawn=no\nenable-shm=no\n";

/// Where a server is found.
#[derive(Debug, PartialEq, Eq)]
enum Server {
    Socket(RootPath),
    /// Reached as it is.
    Network,
}

/// The first server of a list separated by spaces that is a socket or on the network.
/// `{MACHINE-ID}` before an address restricts it to that machine, and is dropped.
fn parse(list: &[u8]) -> Option<Server> {
    list.split(|b| *b == b' ').filter(|s| !s.is_empty()).take(32).find_map(|server| {
        let server = match server.iter().position(|b| *b == b'}') {
            Some(end) if server.first() == Some(&b'{') => &server[end + 1..],
            _ => server,
        };
        let path = server.strip_prefix(b"unix:").unwrap_or(server);
        if path.first() == Some(&b'/') {
            return RootPath::new(std::ffi::OsStr::from_bytes(path)).ok().map(Server::Socket);
        }
        let network = [&b"tcp:"[..], b"tcp4:", b"tcp6:"].iter().any(|p| server.starts_with(p));
        network.then_some(Server::Network)
    })
}

/// Whether sound in the container goes to a PulseAudio server.
pub(crate) fn is_shared(facts: &Facts, draft: &mut Draft) -> bool {
    !matches!(find(&Desk { facts, draft }), Found::Nothing(_))
}

enum Found {
    Socket(Resolved),
    /// Reached by this name.
    Network(Vec<u8>),
    Nothing(&'static str),
}

pub(super) fn share(desk: &mut Desk<'_>) {
    let found = find(desk);
    let environment = &mut desk.draft.environment;
    match found {
        Found::Nothing(why) => {
            environment.unset("PULSE_SERVER", "no PulseAudio server is shared");
            if desk.facts.environment.non_empty("PULSE_SERVER").is_some() {
                return desk.unavailable(SERVICE, why.into());
            }
            return desk.absent(SERVICE, why);
        }
        Found::Network(name) => {
            // The name may come from a file that the container does not use.
            environment.set("PULSE_SERVER", name, "reached over the network, which is shared");
            desk.absent(SERVICE, "its address needs no socket file");
        }
        Found::Socket(socket) => {
            let at = desk.show(&socket, "pulse/native", SERVICE);
            desk.link("pulse", "pulse");
            let value = format!("unix:{at}");
            desk.draft.environment.set("PULSE_SERVER", value, "where the container has it");
        }
    }
    let at = ContainerPath::literal(OURS).at("pulse/config");
    desk.draft.file(at.clone(), CONFIG, 0o444, "PulseAudio without shared memory");
    desk.draft.environment.set("PULSE_CLIENTCONFIG", at.to_string(), "without shared memory");
}

fn find(desk: &Desk<'_>) -> Found {
    let environment = &desk.facts.environment;
    let named = environment.non_empty("PULSE_SERVER").map(|v| v.as_bytes().to_vec());
    let named = named.or_else(|| configured(desk));
    if let Some(list) = named {
        return match parse(&list) {
            Some(Server::Network) => Found::Network(list),
            Some(Server::Socket(path)) => desk.socket(&path).map_or(
                Found::Nothing("the server that is named has no socket there"),
                Found::Socket,
            ),
            None => Found::Nothing("the server's name is not understood"),
        };
    }
    let directories = [
        environment.path("PULSE_RUNTIME_PATH"),
        desk.facts.runtime_dir().map(|d| d.at("pulse")),
        Some(RootPath::literal("/var/run/pulse")),
    ];
    directories
        .into_iter()
        .flatten()
        .find_map(|d| desk.socket(&d.at("native")))
        .map_or(Found::Nothing("none of the usual sockets is there"), Found::Socket)
}

/// `default-server` of the first client configuration that is there.
fn configured(desk: &Desk<'_>) -> Option<Vec<u8>> {
    let facts = desk.facts;
    let places = [
        facts.environment.path("PULSE_CLIENTCONFIG"),
        facts.xdg("XDG_CONFIG_HOME", ".config").map(|c| c.at("pulse/client.conf")),
        Some(RootPath::literal("/etc/pulse/client.conf")),
    ];
    let file = places.into_iter().flatten().find_map(|place| {
        let reached = approach::reach(facts, &place, Network::Allowed).ok()?;
        facts.host.read(&reached.found.path).ok()
    })?;
    default_server(&file)
}

fn default_server(file: &[u8]) -> Option<Vec<u8>> {
    file.split(|b| *b == b'\n').rev().find_map(|line| {
        let line = line.trim_ascii();
        let rest = line.strip_prefix(b"default-server")?.trim_ascii_start().strip_prefix(b"=")?;
        let value = rest.trim_ascii();
        (!value.is_empty()).then(|| value.to_vec())
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn server_strings() {
        let socket = |p: &str| Some(Server::Socket(RootPath::literal(p)));
        for (list, want) in [
            ("unix:/run/user/1000/pulse/native", socket("/run/user/1000/pulse/native")),
            ("/tmp/native", socket("/tmp/native")),
            ("{0123abcd}unix:/x y", socket("/x")),
            ("tcp:localhost", Some(Server::Network)),
            ("box tcp4:box:4713", Some(Server::Network)),
            ("box", None),
            ("", None),
        ] {
            assert_eq!(parse(list.as_bytes()), want, "{list}");
        }
    }

    #[test]
    fn client_configuration() {
        let file = b"; default-server = a\n default-server = unix:/a\ndefault-server=unix:/b \nx=1";
        assert_eq!(default_server(file).as_deref(), Some(&b"unix:/b"[..]));
        assert_eq!(default_server(b"default-serverx = 1\ndefault-server ="), None);
    }
}

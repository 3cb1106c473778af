//! D-Bus server addresses (D-Bus Specification, "Server Addresses") and what of them can be shared.

use std::os::unix::ffi::OsStringExt;

/// How one address of a list is reached.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Address {
    /// A socket in the file system. The GUID, where known, is kept when the path is rewritten.
    Path { path: std::ffi::OsString, guid: Option<Vec<u8>> },
    /// Reached from the container as it is: an abstract socket, TCP.
    AsItIs,
    /// Anything else.
    Unknown,
}

/// The addresses of a list separated by `;`, at most 32 of them. Broken ones are left out.
pub(super) fn parse(list: &[u8]) -> Vec<Address> {
    list.split(|b| *b == b';').filter(|a| !a.is_empty()).take(32).filter_map(parse_one).collect()
}

fn parse_one(address: &[u8]) -> Option<Address> {
    let colon = address.iter().position(|b| *b == b':')?;
    let (transport, rest) = (&address[..colon], &address[colon + 1..]);
    let mut path = None;
    let mut guid = None;
    let mut is_abstract = false;
    for pair in rest.split(|b| *b == b',').filter(|p| !p.is_empty()) {
        let equals = pair.iter().position(|b| *b == b'=')?;
        match &pair[..equals] {
            b"path" => path = Some(unescape(&pair[equals + 1..])?),
            b"guid" => guid = Some(pair[equals + 1..].to_vec()),
            b"abstract" => is_abstract = true,
            _ => {}
        }
    }
    Some(match (transport, path) {
        (b"unix", Some(path)) => Address::Path { path: std::ffi::OsString::from_vec(path), guid },
        (b"unix", None) if is_abstract => Address::AsItIs,
        (b"tcp" | b"nonce-tcp", _) => Address::AsItIs,
        _ => Address::Unknown,
    })
}

/// `%2f` is `/`.
fn unescape(value: &[u8]) -> Option<Vec<u8>> {
    let mut out = vec![];
    let mut bytes = value.iter();
    while let Some(byte) = bytes.next() {
        if *byte != b'%' {
            out.push(*byte);
            continue;
        }
        let digit = |b: Option<&u8>| char::from(*b?).to_digit(16);
        let (high, low) = (digit(bytes.next())?, digit(bytes.next())?);
        out.push(u8::try_from(high << 4 | low).ok()?);
    }
    Some(out)
}

/// The address of a socket at a path that needs no escapes.
pub(super) fn unix(path: &str, guid: Option<&[u8]>) -> Vec<u8> {
    let mut out = format!("unix:path={path}").into_bytes();
    if let Some(guid) = guid {
        out.extend_from_slice(b",guid=");
        out.extend_from_slice(guid);
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn addresses() {
        let path = |p: &str, guid: Option<&str>| Address::Path {
            path: p.into(),
            guid: guid.map(|g| g.as_bytes().to_vec()),
        };
        for (list, want) in [
            ("unix:path=/run/user/1000/bus", vec![path("/run/user/1000/bus", None)]),
            ("unix:path=/tmp/a%20b%2c,guid=ab12", vec![path("/tmp/a b,", Some("ab12"))]),
            (
                "unix:abstract=/tmp/dbus-x,guid=1;unix:path=/x",
                vec![Address::AsItIs, path("/x", None)],
            ),
            ("tcp:host=localhost,port=1", vec![Address::AsItIs]),
            ("unix:runtime=yes", vec![Address::Unknown]),
            ("autolaunch:", vec![Address::Unknown]),
            ("nonsense;unix:path=%zz;unix:=;;", vec![Address::Unknown]),
        ] {
            assert_eq!(parse(list.as_bytes()), want, "{list}");
        }
        assert_eq!(unix("/x", Some(b"1")), b"unix:path=/x,guid=1");
    }
}

//! Server addresses, as far as they are sockets of this host.

use crate::Error;
use rustix::net::SocketAddrUnix;
use std::ffi::OsString;
use std::os::unix::ffi::OsStringExt;

/// At most so many addresses of a list are tried.
const ADDRESSES: usize = 16;

/// The sockets that a list of addresses names, in its order.
///
/// # Errors
/// When it names none.
pub(crate) fn sockets(list: &[u8]) -> Result<Vec<SocketAddrUnix>, Error> {
    let all = list.split(|b| *b == b';').filter(|a| !a.is_empty()).take(ADDRESSES);
    let sockets: Vec<_> = all.filter_map(socket).collect();
    if sockets.is_empty() {
        return Err(Error::Address(String::from_utf8_lossy(list).into_owned()));
    }
    Ok(sockets)
}

fn socket(address: &[u8]) -> Option<SocketAddrUnix> {
    let pairs = address.strip_prefix(b"unix:")?;
    pairs.split(|b| *b == b',').find_map(|pair| {
        if let Some(path) = pair.strip_prefix(b"path=") {
            return SocketAddrUnix::new(OsString::from_vec(unescape(path)?)).ok();
        }
        let name = unescape(pair.strip_prefix(b"abstract=")?)?;
        SocketAddrUnix::new_abstract_name(&name).ok()
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sockets_of_addresses() {
        for (list, want) in [
            ("unix:path=/run/bus", &["/run/bus"][..]),
            ("tcp:host=x;unix:guid=1,path=/a%20b;unix:path=/c", &["/a b", "/c"]),
            ("unix:path=%0", &[]),
            ("unix:runtime=yes", &[]),
            ("", &[]),
        ] {
            let got = sockets(list.as_bytes()).unwrap_or_default();
            let got: Vec<_> = got
                .iter()
                .map(|s| s.path().map_or(String::new(), |p| p.to_string_lossy().into_owned()))
                .collect();
            assert_eq!(got, want, "{list}");
        }
        let got = sockets(b"unix:abstract=/tmp/x").unwrap();
        assert_eq!(got[0].abstract_name(), Some(&b"/tmp/x"[..]));
    }
}

//! Records for systemd's journal: its native protocol (systemd.io, "Native Journal Protocol").
//!
//! A record is a datagram of fields. A field is `NAME=value` and a newline; a value that has newlines
//! itself comes after its length instead.

use rustix::net::{
    AddressFamily, SendFlags, SocketAddrUnix, SocketFlags, SocketType, connect, send, socket_with,
};
use std::io;
use std::os::fd::OwnedFd;

/// Where the journal listens.
const SOCKET: &str = "/run/systemd/journal/socket";

/// Longer records are cut: the largest datagram of a local socket that needs no other settings.
const LONGEST: usize = 128 * 1024;

/// A connection to the journal.
#[derive(Debug)]
pub struct Journal {
    socket: OwnedFd,
    identifier: String,
}

impl Journal {
    /// Connects; records will be of the program `identifier`.
    ///
    /// # Errors
    /// Where no journal listens.
    pub fn open(identifier: &str) -> io::Result<Self> {
        let flags = SocketFlags::CLOEXEC;
        let socket = socket_with(AddressFamily::UNIX, SocketType::DGRAM, flags, None)?;
        connect(&socket, &SocketAddrUnix::new(SOCKET)?)?;
        Ok(Self::over(socket, identifier))
    }

    /// The same over a socket that is connected already.
    #[must_use]
    pub fn over(socket: OwnedFd, identifier: &str) -> Self {
        Self { socket, identifier: identifier.to_owned() }
    }

    /// Sends a message of a priority (syslog(3)).
    ///
    /// # Errors
    /// When the journal does not take it, for example because it has ended.
    pub fn send(&self, priority: u8, message: &[u8]) -> io::Result<()> {
        let mut record = vec![];
        field(&mut record, "PRIORITY", priority.to_string().as_bytes());
        field(&mut record, "SYSLOG_IDENTIFIER", self.identifier.as_bytes());
        field(&mut record, "MESSAGE", &message[..message.len().min(LONGEST)]);
        send(&self.socket, &record, SendFlags::NOSIGNAL)?;
        Ok(())
    }
}

fn field(record: &mut Vec<u8>, name: &str, value: &[u8]) {
    record.extend(name.as_bytes());
    if value.contains(&b'\n') {
        record.push(b'\n');
        record.extend((value.len() as u64).to_le_bytes());
    } else {
        record.push(b'=');
    }
    record.extend(value);
    record.push(b'\n');
}

#[cfg(test)]
mod tests {
    use super::*;
    use rustix::net::{RecvFlags, recv, socketpair};

    #[test]
    fn records() {
        let flags = SocketFlags::CLOEXEC;
        let (ours, theirs) =
            socketpair(AddressFamily::UNIX, SocketType::DGRAM, flags, None).unwrap();
        let journal = Journal::over(ours, "game");
        for (message, want) in [
            (&b"one line"[..], &b"MESSAGE=one line\n"[..]),
            (b"two\nlines", b"MESSAGE\n\x09\0\0\0\0\0\0\0two\nlines\n"),
            (b"", b"MESSAGE=\n"),
        ] {
            journal.send(4, message).unwrap();
            let mut got = [0; 4096];
            let (n, _) = recv(&theirs, &mut got[..], RecvFlags::empty()).unwrap();
            let head = b"PRIORITY=4\nSYSLOG_IDENTIFIER=game\n";
            assert_eq!(&got[..n], [head, want].concat());
        }
    }
}

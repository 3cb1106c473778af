//! A connection to a message bus.

use crate::message::{self, Call, FIXED, Incoming};
use crate::{Error, address};
use rustix::event::{PollFd, PollFlags, Timespec};
use rustix::io::Errno;
use rustix::net::{
    AddressFamily, RecvFlags, SendFlags, SocketAddrUnix, SocketFlags, SocketType, connect, recv,
    send, socket_with,
};
use std::os::fd::OwnedFd;
use std::time::{Duration, Instant};

/// The longest line of the handshake.
const LINE: usize = 4096;

/// A connection that has said hello. One call at a time; it is closed when dropped.
#[derive(Debug)]
pub struct Connection {
    socket: OwnedFd,
    received: Vec<u8>,
    serial: u32,
    limit: Duration,
    deadline: Instant,
}

impl Connection {
    /// Connects to the first of a list of addresses that answers, and registers with the bus.
    /// `limit` is for this and every later call together.
    ///
    /// # Errors
    /// When no address is understood, none is reached, or the bus refuses.
    pub fn open(addresses: &[u8], limit: Duration) -> Result<Self, Error> {
        let deadline = Instant::now() + limit;
        let mut last = Error::Closed;
        for socket in address::sockets(addresses)? {
            match reach(&socket) {
                Ok(socket) => {
                    let mut bus = Self { socket, received: vec![], serial: 0, limit, deadline };
                    bus.authenticate()?;
                    let name = "org.freedesktop.DBus";
                    bus.call_for_text(name, "/org/freedesktop/DBus", name, "Hello")?;
                    return Ok(bus);
                }
                Err(error) => last = error,
            }
        }
        Err(last)
    }

    /// Calls a method that has no arguments and answers with a text.
    ///
    /// # Errors
    /// When the answer is an error, no text, or does not come in time.
    pub fn call_for_text(
        &mut self,
        destination: &str,
        path: &str,
        interface: &str,
        member: &str,
    ) -> Result<String, Error> {
        self.serial += 1;
        let serial = self.serial;
        self.send(&Call { serial, destination, path, interface, member }.marshal())?;
        loop {
            match self.next()? {
                Incoming::Return { to, text } if to == serial => {
                    return text.ok_or(Error::Malformed("an answer that is no text"));
                }
                Incoming::Error { to, name, text } if to == serial => {
                    return Err(Error::Call { name, text });
                }
                _ => {}
            }
        }
    }

    /// Proves who we are by the credentials that the kernel passes along (mechanism `EXTERNAL`).
    fn authenticate(&mut self) -> Result<(), Error> {
        let uid = rustix::process::geteuid().as_raw().to_string();
        let hex: String = uid.bytes().map(|b| format!("{b:02x}")).collect();
        self.send(format!("\0AUTH EXTERNAL {hex}\r\n").as_bytes())?;
        let line = self.line()?;
        if !line.starts_with(b"OK") {
            return Err(Error::Refused(String::from_utf8_lossy(&line).into_owned()));
        }
        self.send(b"BEGIN\r\n")
    }

    fn line(&mut self) -> Result<Vec<u8>, Error> {
        loop {
            if let Some(end) = self.received.windows(2).position(|w| w == b"\r\n") {
                let line = self.received[..end].to_vec();
                self.received.drain(..end + 2);
                return Ok(line);
            }
            if self.received.len() > LINE {
                return Err(Error::Malformed("a line of the handshake that is too long"));
            }
            self.receive()?;
        }
    }

    fn next(&mut self) -> Result<Incoming, Error> {
        loop {
            if let Some((fixed, _)) = self.received.split_first_chunk::<FIXED>() {
                let length = message::total_length(fixed)?;
                if self.received.len() >= length {
                    let incoming = message::parse(&self.received[..length])?;
                    self.received.drain(..length);
                    return Ok(incoming);
                }
            }
            self.receive()?;
        }
    }

    fn receive(&mut self) -> Result<(), Error> {
        self.wait(PollFlags::IN)?;
        let mut buffer = [0; 4096];
        match recv(&self.socket, &mut buffer[..], RecvFlags::DONTWAIT) {
            Ok((0, _)) => Err(Error::Closed),
            Ok((n, _)) => {
                self.received.extend_from_slice(&buffer[..n]);
                Ok(())
            }
            Err(Errno::AGAIN | Errno::INTR) => Ok(()),
            Err(errno) => Err(Error::Io { call: "recv", errno }),
        }
    }

    fn send(&mut self, mut bytes: &[u8]) -> Result<(), Error> {
        while !bytes.is_empty() {
            self.wait(PollFlags::OUT)?;
            match send(&self.socket, bytes, SendFlags::NOSIGNAL | SendFlags::DONTWAIT) {
                Ok(n) => bytes = &bytes[n..],
                Err(Errno::AGAIN | Errno::INTR) => {}
                Err(Errno::PIPE | Errno::CONNRESET) => return Err(Error::Closed),
                Err(errno) => return Err(Error::Io { call: "send", errno }),
            }
        }
        Ok(())
    }

    /// Waits until the socket is ready, at most until the deadline.
    fn wait(&self, flags: PollFlags) -> Result<(), Error> {
        loop {
            let left = self.deadline.saturating_duration_since(Instant::now());
            if left.is_zero() {
                return Err(Error::TimedOut(self.limit));
            }
            let timeout = Timespec::try_from(left).ok();
            let mut fds = [PollFd::new(&self.socket, flags)];
            match rustix::event::poll(&mut fds, timeout.as_ref()) {
                Ok(0) | Err(Errno::INTR) => {}
                Ok(_) => return Ok(()),
                Err(errno) => return Err(Error::Io { call: "poll", errno }),
            }
        }
    }
}

/// Connects without waiting: a bus whose queue is full counts as one that does not answer.
fn reach(address: &SocketAddrUnix) -> Result<OwnedFd, Error> {
    let flags = SocketFlags::CLOEXEC | SocketFlags::NONBLOCK;
    let socket = socket_with(AddressFamily::UNIX, SocketType::STREAM, flags, None)
        .map_err(Error::io("socket"))?;
    connect(&socket, address).map_err(Error::io("connect"))?;
    Ok(socket)
}

//! A connection to a message bus.

use crate::message::{self, FIXED, Incoming, Signal, Value};
use crate::{Arguments, Error, address};
use rustix::event::{PollFd, PollFlags, Timespec};
use rustix::io::Errno;
use rustix::net::{
    AddressFamily, RecvFlags, SendAncillaryBuffer, SendAncillaryMessage, SendFlags, SocketAddrUnix,
    SocketFlags, SocketType, connect, recv, sendmsg, socket_with,
};
use std::io::IoSlice;
use std::mem::MaybeUninit;
use std::os::fd::{AsFd, BorrowedFd, OwnedFd};
use std::time::{Duration, Instant};

/// The longest line of the handshake.
const LINE: usize = 4096;

/// So many signals are kept until somebody asks for them; later ones are lost.
const SIGNALS: usize = 64;

/// Room for the descriptors of one message.
const DESCRIPTORS: usize = 64;

/// A method of an object.
#[derive(Clone, Copy, Debug)]
pub struct Target<'a> {
    /// The service on the bus; none where there is no bus between.
    pub destination: Option<&'a str>,
    /// The object.
    pub path: &'a str,
    /// The interface.
    pub interface: &'a str,
    /// The method.
    pub member: &'a str,
}

/// With whom a connection is, and what it can.
#[derive(Clone, Copy)]
enum Manner {
    /// A bus.
    Bus,
    /// A bus; descriptors can be passed.
    Descriptors,
    /// A service, without a bus between.
    Direct,
}

/// A connection that has said hello. One call at a time; it is closed when dropped.
#[derive(Debug)]
pub struct Connection {
    socket: OwnedFd,
    received: Vec<u8>,
    signals: Vec<Signal>,
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
        Self::start(addresses, limit, Manner::Bus)
    }

    /// The same, for calls with descriptors among their arguments.
    ///
    /// # Errors
    /// As [`Self::open`], and when the bus does not pass descriptors.
    pub fn open_for_descriptors(addresses: &[u8], limit: Duration) -> Result<Self, Error> {
        Self::start(addresses, limit, Manner::Descriptors)
    }

    /// Connects to a service itself, without a bus.
    ///
    /// # Errors
    /// As [`Self::open`].
    pub fn direct(addresses: &[u8], limit: Duration) -> Result<Self, Error> {
        Self::start(addresses, limit, Manner::Direct)
    }

    fn start(addresses: &[u8], limit: Duration, manner: Manner) -> Result<Self, Error> {
        let deadline = Instant::now() + limit;
        let mut last = Error::Closed;
        for socket in address::sockets(addresses)? {
            match reach(&socket) {
                Ok(socket) => {
                    let (received, signals) = (vec![], vec![]);
                    let mut bus = Self { socket, received, signals, serial: 0, limit, deadline };
                    bus.authenticate(matches!(manner, Manner::Descriptors))?;
                    if !matches!(manner, Manner::Direct) {
                        let name = "org.freedesktop.DBus";
                        bus.call_for_text(name, "/org/freedesktop/DBus", name, "Hello")?;
                    }
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
        let target = Target { destination: Some(destination), path, interface, member };
        let values = self.call(&target, &Arguments::new())?;
        let text = values.first().and_then(Value::text);
        text.map(str::to_owned).ok_or(Error::Malformed("an answer that is no text"))
    }

    /// Calls a method and waits for its answer: values up to the first one that is not of a simple type.
    ///
    /// # Errors
    /// When the answer is an error or does not come in time.
    pub fn call(
        &mut self,
        target: &Target<'_>,
        arguments: &Arguments<'_>,
    ) -> Result<Vec<Value>, Error> {
        self.serial += 1;
        let serial = self.serial;
        let message = message::call(serial, target, arguments);
        self.send_with(&message, &arguments.descriptors)?;
        loop {
            match self.next()? {
                Incoming::Return { to, values } if to == serial => return Ok(values),
                Incoming::Error { to, name, text } if to == serial => {
                    return Err(Error::Call { name, text });
                }
                Incoming::Signal(signal) if self.signals.len() < SIGNALS => {
                    self.signals.push(signal);
                }
                _ => {}
            }
        }
    }

    /// Waits for a signal, those that have come already included.
    ///
    /// # Errors
    /// When it does not come in time.
    pub fn signal(&mut self, is_it: impl Fn(&Signal) -> bool) -> Result<Signal, Error> {
        if let Some(at) = self.signals.iter().position(&is_it) {
            return Ok(self.signals.remove(at));
        }
        loop {
            match self.next()? {
                Incoming::Signal(signal) if is_it(&signal) => return Ok(signal),
                _ => {}
            }
        }
    }

    /// A signal that is there already, without waiting for one. What else comes is dropped.
    ///
    /// # Errors
    /// When the bus has closed the connection, or sends what is not understood.
    pub fn arrived(&mut self, is_it: impl Fn(&Signal) -> bool) -> Result<Option<Signal>, Error> {
        let received = std::mem::take(&mut self.signals);
        if let Some(signal) = received.into_iter().find(&is_it) {
            return Ok(Some(signal));
        }
        loop {
            while let Some(incoming) = self.whole()? {
                if let Incoming::Signal(signal) = incoming
                    && is_it(&signal)
                {
                    return Ok(Some(signal));
                }
            }
            if !self.take_what_came()? {
                return Ok(None);
            }
        }
    }

    /// From now, the limit is for the calls to come.
    pub fn renew(&mut self, limit: Duration) {
        self.limit = limit;
        self.deadline = Instant::now() + limit;
    }

    /// Proves who we are by the credentials that the kernel passes along (mechanism `EXTERNAL`).
    fn authenticate(&mut self, descriptors: bool) -> Result<(), Error> {
        let uid = rustix::process::geteuid().as_raw().to_string();
        // Of the characters' hexadecimal numbers: those of digits are 30 to 39.
        let hex: String = uid.chars().flat_map(|digit| ['3', digit]).collect();
        self.send(format!("\0AUTH EXTERNAL {hex}\r\n").as_bytes())?;
        let line = self.line()?;
        if !line.starts_with(b"OK") {
            return Err(Error::Refused(String::from_utf8_lossy(&line).into_owned()));
        }
        if descriptors {
            self.send(b"NEGOTIATE_UNIX_FD\r\n")?;
            let line = self.line()?;
            if !line.starts_with(b"AGREE_UNIX_FD") {
                return Err(Error::Refused(String::from_utf8_lossy(&line).into_owned()));
            }
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
            if let Some(incoming) = self.whole()? {
                return Ok(incoming);
            }
            self.receive()?;
        }
    }

    /// The next message, if it has been received whole.
    fn whole(&mut self) -> Result<Option<Incoming>, Error> {
        let Some((fixed, _)) = self.received.split_first_chunk::<FIXED>() else { return Ok(None) };
        let length = message::total_length(fixed)?;
        if self.received.len() < length {
            return Ok(None);
        }
        let incoming = message::parse(&self.received[..length])?;
        self.received.drain(..length);
        Ok(Some(incoming))
    }

    fn receive(&mut self) -> Result<(), Error> {
        self.wait(PollFlags::IN)?;
        self.take_what_came().map(drop)
    }

    /// Whether anything came.
    fn take_what_came(&mut self) -> Result<bool, Error> {
        let mut buffer = [0; 4096];
        match recv(&self.socket, &mut buffer[..], RecvFlags::DONTWAIT) {
            Ok((0, _)) => Err(Error::Closed),
            Ok((n, _)) => {
                self.received.extend_from_slice(&buffer[..n]);
                Ok(true)
            }
            Err(Errno::AGAIN | Errno::INTR) => Ok(false),
            Err(errno) => Err(Error::Io { call: "recv", errno }),
        }
    }

    fn send(&mut self, bytes: &[u8]) -> Result<(), Error> {
        self.send_with(bytes, &[])
    }

    /// Sends bytes; descriptors go with the first of them.
    fn send_with(&mut self, mut bytes: &[u8], fds: &[BorrowedFd<'_>]) -> Result<(), Error> {
        let mut space = [MaybeUninit::uninit(); rustix::cmsg_space!(ScmRights(DESCRIPTORS))];
        let mut control = SendAncillaryBuffer::new(&mut space);
        if !fds.is_empty() && !control.push(SendAncillaryMessage::ScmRights(fds)) {
            return Err(Error::Io { call: "sendmsg", errno: Errno::TOOBIG });
        }
        while !bytes.is_empty() {
            self.wait(PollFlags::OUT)?;
            let flags = SendFlags::NOSIGNAL | SendFlags::DONTWAIT;
            match sendmsg(&self.socket, &[IoSlice::new(bytes)], &mut control, flags) {
                Ok(n) => {
                    bytes = &bytes[n..];
                    control.clear();
                }
                Err(Errno::AGAIN | Errno::INTR) => {}
                Err(Errno::PIPE | Errno::CONNRESET) => return Err(Error::Closed),
                Err(errno) => return Err(Error::Io { call: "sendmsg", errno }),
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

/// Becomes readable when something comes, which [`Connection::arrived`] takes.
impl AsFd for Connection {
    fn as_fd(&self) -> BorrowedFd<'_> {
        self.socket.as_fd()
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

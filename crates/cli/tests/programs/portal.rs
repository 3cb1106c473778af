//! A session bus, and a desktop portal on it that a test plays.

use rustix::net::{RecvAncillaryBuffer, RecvAncillaryMessage, RecvFlags, recvmsg};
use std::fs::File;
use std::io::{BufRead, BufReader, IoSliceMut, Read, Write};
use std::mem::MaybeUninit;
use std::os::unix::net::UnixStream;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::mpsc::{Receiver, channel};

/// A `dbus-daemon` that is ended when dropped.
pub(crate) struct Bus {
    daemon: Child,
    socket: PathBuf,
    pub(crate) address: String,
}

impl Drop for Bus {
    fn drop(&mut self) {
        let _ = self.daemon.kill();
        let _ = self.daemon.wait();
    }
}

impl Bus {
    pub(crate) fn start(directory: &Path) -> Self {
        let socket = directory.join("bus");
        let config = format!(
            "<!DOCTYPE busconfig PUBLIC \"-//freedesktop//DTD D-BUS Bus Configuration 1.0//EN\" \
             \"http://www.freedesktop.org/standards/dbus/1.0/busconfig.dtd\">\n\
             <busconfig><type>session</type><listen>unix:path={}</listen>\
             <policy context=\"default\"><allow send_destination=\"*\" eavesdrop=\"true\"/>\
             <allow eavesdrop=\"true\"/><allow own=\"*\"/></policy></busconfig>",
            socket.display()
        );
        std::fs::write(directory.join("bus.conf"), config).unwrap();
        let mut daemon = Command::new("dbus-daemon")
            .arg(format!("--config-file={}", directory.join("bus.conf").display()))
            .args(["--nofork", "--print-address"])
            .stdout(Stdio::piped())
            .stderr(Stdio::null())
            .spawn()
            .unwrap();
        let mut address = String::new();
        BufReader::new(daemon.stdout.take().unwrap()).read_line(&mut address).unwrap();
        Self { daemon, socket, address: address.trim().to_owned() }
    }

    /// Starts a portal, which answers as `answer` says, and gives back what it is asked for.
    pub(crate) fn portal(&self, answer: Answer) -> Receiver<String> {
        let stream = UnixStream::connect(&self.socket).unwrap();
        let (calls, asked) = channel();
        let (ready, is_ready) = channel();
        std::thread::spawn(move || {
            let mut portal = Portal { stream, answer };
            portal.register();
            ready.send(()).unwrap();
            // The end of the bus is the end of the portal.
            while let Some(call) = portal.next() {
                if call.kind == 1 && calls.send(portal.reply(&call)).is_err() {
                    break;
                }
            }
        });
        is_ready.recv().unwrap();
        asked
    }
}

/// What a portal does with calls.
#[derive(Clone, Copy)]
pub(crate) enum Answer {
    Opens,
    Refuses,
}

struct Portal {
    stream: UnixStream,
    answer: Answer,
}

/// A message that has come.
#[derive(Default)]
struct Message {
    kind: u8,
    serial: u32,
    sender: String,
    member: String,
    signature: String,
    body: Vec<u8>,
    file: Option<File>,
}

/// Header fields by their codes.
const PATH: u8 = 1;
const INTERFACE: u8 = 2;
const MEMBER: u8 = 3;
const ERROR_NAME: u8 = 4;
const REPLY_SERIAL: u8 = 5;
const DESTINATION: u8 = 6;
const SENDER: u8 = 7;
const SIGNATURE: u8 = 8;

impl Portal {
    fn register(&mut self) {
        let uid: String = rustix::process::geteuid()
            .as_raw()
            .to_string()
            .bytes()
            .map(|b| format!("{b:02x}"))
            .collect();
        self.stream.write_all(format!("\0AUTH EXTERNAL {uid}\r\n").as_bytes()).unwrap();
        self.line("OK");
        self.stream.write_all(b"NEGOTIATE_UNIX_FD\r\n").unwrap();
        self.line("AGREE_UNIX_FD");
        self.stream.write_all(b"BEGIN\r\n").unwrap();
        self.call("Hello", "", &[]);
        let name = "org.freedesktop.portal.Desktop";
        let mut body = u32::try_from(name.len()).unwrap().to_le_bytes().to_vec();
        body.extend(name.as_bytes());
        body.push(0);
        body.resize(body.len().next_multiple_of(4), 0);
        body.extend([0; 4]);
        let reply = self.call("RequestName", "su", &body);
        assert_eq!(reply.body[..4], [1, 0, 0, 0], "the name is not ours");
    }

    fn line(&mut self, begins: &str) {
        let mut line = vec![];
        while !line.ends_with(b"\r\n") {
            let mut byte = [0];
            self.stream.read_exact(&mut byte).unwrap();
            line.extend(byte);
        }
        assert!(line.starts_with(begins.as_bytes()), "{}", String::from_utf8_lossy(&line));
    }

    /// Calls a method of the bus.
    fn call(&mut self, member: &str, signature: &str, body: &[u8]) -> Message {
        let bus = "org.freedesktop.DBus";
        let texts = [
            (PATH, 'o', "/org/freedesktop/DBus"),
            (INTERFACE, 's', bus),
            (MEMBER, 's', member),
            (DESTINATION, 's', bus),
        ];
        self.send(1, None, &texts, signature, body);
        loop {
            let message = self.next().unwrap();
            if message.kind == 2 {
                return message;
            }
        }
    }

    fn send(
        &mut self,
        kind: u8,
        to: Option<u32>,
        texts: &[(u8, char, &str)],
        signature: &str,
        body: &[u8],
    ) {
        let number = |n: usize| u32::try_from(n).unwrap().to_le_bytes();
        let mut fields = vec![];
        for (code, kind, text) in texts {
            fields.resize(fields.len().next_multiple_of(8), 0);
            fields.extend([*code, 1, *kind as u8, 0]);
            fields.extend(number(text.len()));
            fields.extend(text.as_bytes());
            fields.push(0);
        }
        if let Some(to) = to {
            fields.resize(fields.len().next_multiple_of(8), 0);
            fields.extend([REPLY_SERIAL, 1, b'u', 0]);
            fields.extend(to.to_le_bytes());
        }
        if !signature.is_empty() {
            fields.resize(fields.len().next_multiple_of(8), 0);
            fields.extend([SIGNATURE, 1, b'g', 0, u8::try_from(signature.len()).unwrap()]);
            fields.extend(signature.as_bytes());
            fields.push(0);
        }
        let mut out = vec![b'l', kind, 0, 1];
        out.extend(number(body.len()));
        out.extend([9, 0, 0, 0]);
        out.extend(number(fields.len()));
        out.extend(fields);
        out.resize(out.len().next_multiple_of(8), 0);
        out.extend(body);
        self.stream.write_all(&out).unwrap();
    }

    /// The next message; none when the bus has gone.
    fn next(&mut self) -> Option<Message> {
        let mut message = Message::default();
        let mut fixed = [0; 16];
        self.receive(&mut fixed, &mut message.file)?;
        let number = |at: usize| u32::from_le_bytes(fixed[at..at + 4].try_into().unwrap());
        let size = |at: usize| usize::try_from(number(at)).unwrap();
        message.kind = fixed[1];
        message.serial = number(8);
        let mut fields = vec![0; (16 + size(12)).next_multiple_of(8) - 16];
        self.receive(&mut fields, &mut message.file)?;
        let mut body = vec![0; size(4)];
        self.receive(&mut body, &mut message.file)?;
        message.body = body;
        let mut at = 0;
        while at < size(12) {
            at = at.next_multiple_of(8);
            let (code, kind) = (fields[at], fields[at + 2]);
            at += 4;
            if kind == b'u' {
                at += 4;
                continue;
            }
            let (length, from) = match kind {
                b'g' => (usize::from(fields[at]), at + 1),
                _ => (u32::from_le_bytes(fields[at..at + 4].try_into().unwrap()) as usize, at + 4),
            };
            let text = String::from_utf8(fields[from..from + length].to_vec()).unwrap();
            at = from + length + 1;
            match code {
                SENDER => message.sender = text,
                MEMBER => message.member = text,
                SIGNATURE => message.signature = text,
                _ => {}
            }
        }
        Some(message)
    }

    /// Fills the buffer; a descriptor that comes along is kept.
    fn receive(&mut self, mut buffer: &mut [u8], file: &mut Option<File>) -> Option<()> {
        while !buffer.is_empty() {
            let mut space = [MaybeUninit::uninit(); rustix::cmsg_space!(ScmRights(1))];
            let mut control = RecvAncillaryBuffer::new(&mut space);
            let mut into = [IoSliceMut::new(buffer)];
            let got =
                recvmsg(&self.stream, &mut into, &mut control, RecvFlags::CMSG_CLOEXEC).ok()?;
            for message in control.drain() {
                if let RecvAncillaryMessage::ScmRights(fds) = message {
                    *file = fds.map(File::from).next().or(file.take());
                }
            }
            if got.bytes == 0 {
                return None;
            }
            buffer = &mut buffer[got.bytes..];
        }
        Some(())
    }

    /// Answers, and says what was asked for: the method, its texts, the content of a file.
    fn reply(&mut self, call: &Message) -> String {
        let mut asked = format!("{}({})", call.member, call.signature);
        let mut at = 0;
        for kind in call.signature.bytes().take_while(|kind| b"sh".contains(kind)) {
            at = usize::next_multiple_of(at, 4);
            let length = u32::from_le_bytes(call.body[at..at + 4].try_into().unwrap()) as usize;
            at += 4;
            if kind == b's' {
                asked.push_str(&format!(
                    " '{}'",
                    String::from_utf8_lossy(&call.body[at..at + length])
                ));
                at += length + 1;
            }
        }
        if let Some(file) = &call.file {
            let text = std::io::read_to_string(file).unwrap_or("(no file)".into());
            asked.push_str(&format!(" file {text:?}"));
        }
        let destination = (DESTINATION, 's', call.sender.as_str());
        match self.answer {
            Answer::Opens => {
                self.send(2, Some(call.serial), &[destination], "o", b"\x02\0\0\0/r\0");
            }
            Answer::Refuses => {
                let name = (ERROR_NAME, 's', "org.freedesktop.portal.Error.NotAllowed");
                self.send(3, Some(call.serial), &[name, destination], "s", b"\x02\0\0\0no\0");
            }
        }
        asked
    }
}

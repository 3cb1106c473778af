//! Against a real `dbus-daemon`, started for the test.

use bus::{Connection, Error, accessibility};
use std::io::{BufRead, BufReader, Read, Write};
use std::net::Shutdown;
use std::os::unix::net::UnixListener;
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

const LIMIT: Duration = Duration::from_secs(10);

/// A daemon that is ended when dropped.
struct Daemon {
    child: Child,
    address: String,
}

impl Drop for Daemon {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// Starts a bus that may start the service `org.a11y.Bus` by `exec`.
fn daemon(directory: &Path, exec: &str) -> Option<Daemon> {
    let config = format!(
        "<!DOCTYPE busconfig PUBLIC \"-//freedesktop//DTD D-BUS Bus Configuration 1.0//EN\" \
         \"http://www.freedesktop.org/standards/dbus/1.0/busconfig.dtd\">\n\
         <busconfig><type>session</type><listen>unix:path={0}/bus</listen>\
         <servicedir>{0}/services</servicedir>\
         <policy context=\"default\"><allow send_destination=\"*\" eavesdrop=\"true\"/>\
         <allow eavesdrop=\"true\"/><allow own=\"*\"/></policy></busconfig>",
        directory.display()
    );
    std::fs::write(directory.join("bus.conf"), config).unwrap();
    std::fs::create_dir(directory.join("services")).unwrap();
    let service = format!("[D-BUS Service]\nName=org.a11y.Bus\nExec={exec}\n");
    std::fs::write(directory.join("services/org.a11y.Bus.service"), service).unwrap();
    let started = Command::new("dbus-daemon")
        .arg(format!("--config-file={}", directory.join("bus.conf").display()))
        .args(["--nofork", "--print-address"])
        .stdout(Stdio::piped())
        .stderr(Stdio::null())
        .spawn();
    let mut child = match started {
        Ok(child) => child,
        Err(error) => {
            println!("SKIPPED: dbus-daemon cannot be started: {error}");
            return None;
        }
    };
    let mut address = String::new();
    BufReader::new(child.stdout.take().unwrap()).read_line(&mut address).unwrap();
    Some(Daemon { child, address: address.trim().to_owned() })
}

#[test]
fn a_real_bus_answers() {
    let directory = tempfile::tempdir().unwrap();
    let Some(daemon) = daemon(directory.path(), "/bin/false") else { return };
    let mut bus = Connection::open(daemon.address.as_bytes(), LIMIT).unwrap();
    let name = "org.freedesktop.DBus";
    let id = bus.call_for_text(name, "/org/freedesktop/DBus", name, "GetId").unwrap();
    assert!(id.len() == 32 && id.bytes().all(|b| b.is_ascii_hexdigit()), "{id}");
    match bus.call_for_text("no.such.name", "/", "no.such", "Thing") {
        Err(Error::Call { name, text }) => {
            assert_eq!(name, "org.freedesktop.DBus.Error.ServiceUnknown");
            assert!(text.contains("no.such.name"), "{text}");
        }
        other => panic!("{other:?}"),
    }
    // The connection still works after an error.
    let again = bus.call_for_text(name, "/org/freedesktop/DBus", name, "GetId").unwrap();
    assert_eq!(again, id);
}

#[test]
fn a_service_that_fails_is_an_error() {
    let directory = tempfile::tempdir().unwrap();
    let Some(daemon) = daemon(directory.path(), "/bin/false") else { return };
    match accessibility::address(daemon.address.as_bytes(), LIMIT) {
        Err(Error::Call { name, .. }) => {
            assert!(name.starts_with("org.freedesktop.DBus.Error.Spawn"), "{name}");
        }
        other => panic!("{other:?}"),
    }
}

#[test]
fn a_service_that_hangs_ends_the_wait() {
    let directory = tempfile::tempdir().unwrap();
    let Some(daemon) = daemon(directory.path(), "/bin/sleep 5") else { return };
    let limit = Duration::from_millis(200);
    let start = Instant::now();
    let got = accessibility::address(daemon.address.as_bytes(), limit);
    assert_eq!(got, Err(Error::TimedOut(limit)));
    assert!(start.elapsed() < Duration::from_secs(3), "{:?}", start.elapsed());
}

/// Plays a bus: answers the handshake with `handshake`, then sends `after`.
fn impostor(directory: &Path, handshake: &'static [u8], after: Vec<u8>) -> Vec<u8> {
    let socket = directory.join("s");
    let listener = UnixListener::bind(&socket).unwrap();
    std::thread::spawn(move || {
        let (mut stream, _) = listener.accept().unwrap();
        let mut buffer = [0; 256];
        let _ = stream.read(&mut buffer);
        if !handshake.is_empty() {
            let _ = stream.write_all(handshake);
            let _ = stream.read(&mut buffer);
            let _ = stream.write_all(&after);
        }
        // Hanging up before everything is read would reset the connection instead of closing it.
        if after.is_empty() && handshake.len() <= 100 {
            let _ = stream.shutdown(Shutdown::Write);
        }
        let _ = stream.read_to_end(&mut vec![]);
    });
    format!("unix:path={}", socket.display()).into_bytes()
}

#[test]
fn what_is_no_bus_is_an_error() {
    type Case = (&'static [u8], &'static [u8], fn(&Error) -> bool);
    let cases: &[Case] = &[
        (b"REJECTED EXTERNAL\r\n", b"", |e| matches!(e, Error::Refused(_))),
        (b"OK 1\r\n", b"", |e| matches!(e, Error::Closed)),
        (b"OK 1\r\n", b"HTTP/1.0 400 Bad Request\r\n\r\n", |e| matches!(e, Error::Malformed(_))),
        (b"", b"", |e| matches!(e, Error::Closed)),
        (&[b'x'; 9000], b"", |e| matches!(e, Error::Malformed(_))),
    ];
    for (handshake, after, is_right) in cases {
        let directory = tempfile::tempdir().unwrap();
        let address = impostor(directory.path(), handshake, after.to_vec());
        let error = Connection::open(&address, LIMIT).unwrap_err();
        assert!(is_right(&error), "{error:?}");
    }
    let limit = Duration::from_millis(100);
    assert!(matches!(Connection::open(b"autolaunch:", limit), Err(Error::Address(_))));
    let gone = Connection::open(b"unix:path=/nonexistent/bus", limit);
    assert!(matches!(gone, Err(Error::Io { call: "connect", .. })));
}

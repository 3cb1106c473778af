//! A scope for a process: against a real `systemd --user` where one can be started, and against what else
//! systemd may answer.

#![allow(clippy::disallowed_methods, reason = "tests look at the real file system")]

use bus::{Error, systemd};
use std::io::{Read, Write};
use std::os::unix::net::{UnixListener, UnixStream};
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::time::Duration;

const LIMIT: Duration = Duration::from_secs(20);

/// The control group that `cargo xtask setup` makes for the test user, in the hierarchy that is systemd's on
/// machines with version 1 of them.
const GROUP: &str = "/sys/fs/cgroup/systemd/bathysphere-test";

/// A process that is ended when dropped.
struct Ended(Child);

impl Drop for Ended {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

/// Starts an instance for this user in its own runtime directory, in a namespace in which systemd believes that it
/// has booted the machine.
fn start(runtime: &Path) -> Option<Ended> {
    let script = format!(
        "echo $$ >{GROUP}/cgroup.procs && exec bwrap --die-with-parent --dev-bind / / \
         --tmpfs /run --dir /run/systemd/system --tmpfs /sys/fs/cgroup \
         --dev-bind /sys/fs/cgroup/systemd /sys/fs/cgroup/systemd /lib/systemd/systemd --user"
    );
    let mut command = Command::new("sh");
    command.args(["-c", &script]).env_clear().env("PATH", "/usr/bin:/bin");
    command.env("HOME", runtime).env("XDG_RUNTIME_DIR", runtime);
    let mut child = Ended(command.stdout(Stdio::null()).stderr(Stdio::null()).spawn().ok()?);
    let socket = runtime.join("systemd/private");
    while UnixStream::connect(&socket).is_err() {
        if child.0.try_wait().unwrap().is_some() {
            return None;
        }
        std::thread::sleep(Duration::from_millis(10));
    }
    Some(child)
}

#[test]
fn a_real_one() {
    let runtime = tempfile::tempdir().unwrap();
    let Some(_systemd) = start(runtime.path()) else {
        let reason = format!("systemd --user cannot be started (in {GROUP}: cargo xtask setup)");
        assert!(std::env::var_os("BATHYSPHERE_NO_SKIP").is_none(), "{reason}");
        println!("SKIP: {reason}");
        return;
    };
    let game = Ended(Command::new("sleep").arg("60").spawn().unwrap());
    let pid = game.0.id();
    let address = format!("unix:path={}/systemd/private", runtime.path().display());
    let unit = systemd::scope(address.as_bytes(), Some("440"), pid, LIMIT).unwrap();
    assert_eq!(unit, format!("app-steam-app440-{pid}.scope"));
    let groups = std::fs::read_to_string(format!("/proc/{pid}/cgroup")).unwrap();
    let group = groups.lines().find(|line| line.contains(":name=systemd:")).unwrap();
    assert!(group.ends_with(&unit), "{groups}");

    // There is a unit of this name now.
    match systemd::scope(address.as_bytes(), Some("440"), pid, LIMIT) {
        Err(Error::Call { name, .. }) => {
            assert_eq!(name, "org.freedesktop.systemd1.UnitExists");
        }
        other => panic!("{other:?}"),
    }
    // A process that there is not.
    let gone = systemd::scope(address.as_bytes(), None, 0x3fff_ffff, LIMIT);
    assert!(matches!(gone, Err(Error::Call { .. })), "{gone:?}");
}

/// A message of systemd: its kind, header fields, body.
fn message(kind: u8, fields: &[u8], body: &[u8]) -> Vec<u8> {
    let number = |n: usize| u32::try_from(n).unwrap().to_le_bytes();
    let mut out = vec![b'l', kind, 0, 1];
    out.extend(number(body.len()));
    out.extend(number(1));
    out.extend(number(fields.len()));
    out.extend(fields);
    out.resize(out.len().next_multiple_of(8), 0);
    out.extend(body);
    out
}

/// `JobRemoved` for a job, with its result.
fn removed(job: &str, result: &str) -> Vec<u8> {
    let mut body = vec![7, 0, 0, 0];
    for text in [job, "x.scope", result] {
        body.resize(body.len().next_multiple_of(4), 0);
        body.extend(u32::try_from(text.len()).unwrap().to_le_bytes());
        body.extend(text.as_bytes());
        body.push(0);
    }
    let fields = b"\x03\x01s\0\x0a\0\0\0JobRemoved\0\0\0\0\0\0\x08\x01g\0\x04uoss\0";
    message(4, fields, &body)
}

/// Plays systemd: answers the call with `messages`, and gives back what was asked for.
fn played(directory: &Path, messages: Vec<Vec<u8>>) -> std::thread::JoinHandle<Vec<u8>> {
    let listener = UnixListener::bind(directory.join("private")).unwrap();
    std::thread::spawn(move || {
        let (mut stream, _) = listener.accept().unwrap();
        let mut buffer = [0; 4096];
        let n = stream.read(&mut buffer).unwrap();
        assert!(buffer[..n].starts_with(b"\0AUTH EXTERNAL "));
        stream.write_all(b"OK 0123456789abcdef0123456789abcdef\r\n").unwrap();
        let mut asked = vec![];
        // Begin and the call may come at once or not; the call ends with the empty array of auxiliary units.
        while !asked.ends_with(&[0; 8]) || asked.len() < 100 {
            let n = stream.read(&mut buffer).unwrap();
            asked.extend(&buffer[..n]);
        }
        for message in messages {
            stream.write_all(&message).unwrap();
        }
        let _ = stream.read(&mut buffer);
        asked
    })
}

#[test]
fn what_it_may_answer() {
    let fields = b"\x05\x01u\0\x01\0\0\0\x08\x01g\0\x01o\0";
    let job = || message(2, fields, b"\x06\0\0\0/job/1\0");
    let refusal = || {
        let fields = b"\x05\x01u\0\x01\0\0\0\x04\x01s\0\x05\0\0\0a.b.c\0";
        message(3, fields, b"")
    };
    let short = Duration::from_millis(300);
    let call = |name: &str, text: &str| Error::Call { name: name.into(), text: text.into() };
    let failed = "org.freedesktop.systemd1.JobRemoved";
    let unit = "app-steam-unknown-5.scope";
    for (messages, limit, want) in [
        (vec![job(), removed("/job/2", "failed"), removed("/job/1", "done")], LIMIT, Ok(unit)),
        // A job that is done before the answer is read.
        (vec![removed("/job/1", "done"), job()], LIMIT, Ok(unit)),
        (vec![job(), removed("/job/1", "failed")], LIMIT, Err(call(failed, "failed"))),
        (vec![refusal()], LIMIT, Err(call("a.b.c", ""))),
        (vec![job()], short, Err(Error::TimedOut(short))),
        (vec![], short, Err(Error::TimedOut(short))),
    ] {
        let directory = tempfile::tempdir().unwrap();
        let systemd = played(directory.path(), messages);
        let address = format!("unix:path={}/private", directory.path().display());
        let got = systemd::scope(address.as_bytes(), None, 5, limit);
        assert_eq!(got, want.map(str::to_owned));
        let asked = systemd.join().unwrap();
        let has = |text: &[u8]| asked.windows(text.len()).any(|part| part == text);
        assert!(has(b"StartTransientUnit\0") && has(b"ssa(sv)a(sa(sv))\0"));
        assert!(has(b"app-steam-unknown-5.scope\0") && has(b"fail\0"));
        assert!(has(b"PIDs\0\x02au\0\0\0\0\x04\0\0\0\x05\0\0\0"), "{}", asked.escape_ascii());
        // There is no bus, to which one would have to say hello.
        assert!(!has(b"Hello"));
    }
    let none = systemd::scope(b"unix:path=/nonexistent", None, 5, LIMIT);
    assert!(matches!(none, Err(Error::Io { call: "connect", .. })));
}

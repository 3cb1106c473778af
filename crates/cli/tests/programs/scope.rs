//! `pressure-vessel-wrap --systemd-scope`: what the user's systemd is asked for. How it answers is in the tests of
//! crate `bus`.

use crate::by_name::{has, link, outcome};
use std::io::{Read, Write};
use std::os::unix::net::UnixListener;
use std::process::Command;

/// Plays a systemd that hangs up after it has been asked; gives back for what.
fn systemd(listener: UnixListener) -> std::thread::JoinHandle<String> {
    std::thread::spawn(move || {
        let (mut stream, _) = listener.accept().unwrap();
        let mut buffer = [0; 4096];
        let _ = stream.read(&mut buffer).unwrap();
        stream.write_all(b"OK 0123456789abcdef0123456789abcdef\r\n").unwrap();
        let mut asked = String::new();
        while !asked.contains(".scope") {
            let n = stream.read(&mut buffer).unwrap();
            assert_ne!(n, 0, "nothing was asked: {asked}");
            asked.push_str(&String::from_utf8_lossy(&buffer[..n]));
        }
        asked
    })
}

#[test]
fn a_scope_is_asked_for() {
    if !has("bwrap") {
        return;
    }
    let uid = rustix::process::getuid().as_raw();
    for (option, variables, unit) in [
        ("--systemd-scope", &[("SteamAppId", "440")][..], "app-steam-app440-"),
        ("--systemd-scope", &[], "app-steam-unknown-"),
        ("--batch", &[("PRESSURE_VESSEL_SYSTEMD_SCOPE", "1")], "app-steam-unknown-"),
    ] {
        let directory = tempfile::tempdir().unwrap();
        let listener = UnixListener::bind(directory.path().join("private")).unwrap();
        let asked = systemd(listener);
        let mut command = Command::new("bwrap");
        command.env_clear().env("PATH", "/usr/bin:/bin").env("HOME", directory.path());
        command.envs(variables.iter().copied());
        command.args(["--dev-bind", "/", "/", "--tmpfs", "/run", "--bind"]).arg(directory.path());
        command.arg(format!("/run/user/{uid}/systemd")).arg(link("pressure-vessel-wrap"));
        let (_, _, stderr) = outcome(command.args(["--verbose", option, "--", "/usr/bin/true"]));
        let asked = asked.join().unwrap();
        assert!(asked.contains("StartTransientUnit") && asked.contains(unit), "{asked}");
        assert!(stderr.contains("in no scope of its own: the bus closed"), "{stderr}");
    }
}

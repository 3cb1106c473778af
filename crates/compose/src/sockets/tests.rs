//! Sockets of a small desktop in, steps and variables out.

use super::share;
use crate::draft::Draft;
use crate::facts::User;
use crate::testing::{facts, tree};
use inspect::root::{Form, Root};
use plan::{HostPath, StackForm};
use std::os::unix::net::UnixListener;
use std::path::Path;

/// What a desktop comes to: steps but for those that are always there, variables, warnings.
struct Outcome {
    steps: Vec<String>,
    environment: Vec<String>,
    warnings: Vec<String>,
}

/// A host with these files and sockets, and these variables.
fn outcome(lines: &[&str], sockets: &[&str], variables: &[(&str, &str)]) -> Outcome {
    let base = tempfile::tempdir().unwrap();
    tree(base.path(), &["run/user/1000/", "tmp/.X11-unix/"]);
    tree(base.path(), lines);
    let listeners: Vec<UnixListener> = sockets.iter().map(|s| listen(base.path(), s)).collect();
    let mut variables = variables.to_vec();
    variables.push(("XDG_RUNTIME_DIR", "/run/user/1000"));
    variables.push(("HOME", "/home/ann"));
    let mut facts = facts(base.path(), &variables);
    // The sockets are ours, whoever runs the test.
    let me = User { uid: rustix::process::geteuid().as_raw(), gid: 1000 };
    facts.user = me;
    let mut draft = Draft::new(
        Root::with_form(HostPath::root(), Form::Full).unwrap(),
        plan::ContainerPath::root(),
    );
    share(&facts, false, &mut draft);
    drop(listeners);
    let made = draft.finish(StackForm::Overlay, &[]);
    let here = base.path().to_str().unwrap();
    let ours = format!("/run/user/{}", me.uid);
    let tidy = |s: String| s.replace(here, "HOST").replace(&ours, "/run/user/ME");
    let always = ["XDG_RUNTIME_DIR", "PIPEWIRE_RUNTIME_DIR"];
    Outcome {
        steps: made.steps.iter().skip(1).map(|s| tidy(s.op.to_string())).collect(),
        environment: made
            .environment
            .0
            .iter()
            .filter(|(n, _)| !always.contains(&n.to_string().as_str()))
            .map(|(n, v)| match &v.value {
                Some(value) => format!("{n}={value}"),
                None => format!("-{n}"),
            })
            .collect(),
        warnings: made.warnings.iter().map(|w| w.cause.clone()).collect(),
    }
}

/// A socket with a long path is bound by way of its directory: `sun_path` has 108 bytes.
fn listen(base: &Path, path: &str) -> UnixListener {
    let place = base.join(path.trim_start_matches('/'));
    std::fs::create_dir_all(place.parent().unwrap()).unwrap();
    UnixListener::bind(place).unwrap()
}

#[test]
fn an_empty_desktop() {
    let got = outcome(&[], &[], &[]);
    assert_eq!(got.steps, [] as [&str; 0]);
    assert_eq!(got.environment, ["-PULSE_SERVER", "-XAUTHORITY"]);
    assert_eq!(got.warnings, [] as [&str; 0]);
}

#[test]
fn a_whole_desktop() {
    let got = outcome(
        &["home/ann/.Xauthority = "],
        &[
            "/run/user/1000/bus",
            "/run/user/1000/wayland-1",
            "/run/user/1000/pulse/native",
            "/run/user/1000/pipewire-0",
            "/run/user/1000/at-spi/bus",
            "/run/user/1000/discord-ipc-0",
            "/tmp/.X11-unix/X3",
            "/var/run/dbus/system_bus_socket",
            "/run/systemd/journal/socket",
        ],
        &[("DISPLAY", ":3"), ("WAYLAND_DISPLAY", "wayland-1")],
    );
    let want = [
        "bind ro? /run/pressure-vessel/wayland-1 = HOST/run/user/1000/wayland-1",
        "symlink /run/user/ME/wayland-1 -> ../../pressure-vessel/wayland-1",
        "tmpfs 0755 /tmp/.X11-unix",
        "bind ro? /tmp/.X11-unix/X3 = HOST/tmp/.X11-unix/X3",
        "file 0600 /run/pressure-vessel/Xauthority (0 bytes)",
        "bind ro? /run/pressure-vessel/pulse/native = HOST/run/user/1000/pulse/native",
        "symlink /run/user/ME/pulse -> ../../pressure-vessel/pulse",
        "file 0444 /run/pressure-vessel/pulse/config (50 bytes)",
        "bind ro? /run/pressure-vessel/bus = HOST/run/user/1000/bus",
        "symlink /run/user/ME/bus -> ../../pressure-vessel/bus",
        "bind ro? /run/dbus/system_bus_socket = HOST/var/run/dbus/system_bus_socket",
        "bind ro? /run/systemd/journal/socket = HOST/run/systemd/journal/socket",
        "bind ro? /run/pressure-vessel/at-spi-bus = HOST/run/user/1000/at-spi/bus",
        "bind ro? /run/user/ME/pipewire-0 = HOST/run/user/1000/pipewire-0",
        "bind ro? /run/user/ME/discord-ipc-0 = HOST/run/user/1000/discord-ipc-0",
    ];
    assert_eq!(got.steps, want);
    let want = [
        "AT_SPI_BUS_ADDRESS=unix:path=/run/pressure-vessel/at-spi-bus",
        "DBUS_SESSION_BUS_ADDRESS=unix:path=/run/pressure-vessel/bus",
        "PULSE_CLIENTCONFIG=/run/pressure-vessel/pulse/config",
        "PULSE_SERVER=unix:/run/pressure-vessel/pulse/native",
        "WAYLAND_DISPLAY=wayland-1",
        "XAUTHORITY=/run/pressure-vessel/Xauthority",
    ];
    assert_eq!(got.environment, want);
    assert_eq!(got.warnings, [] as [&str; 0]);
}

#[test]
fn odd_names_and_places() {
    let got = outcome(
        &["x/link -> ../y/real"],
        &["/run/user/1000/odd", "/y/real", "/run/user/1000/remote", "/y/gamescope"],
        &[
            ("WAYLAND_DISPLAY", "odd"),
            ("DBUS_SESSION_BUS_ADDRESS", "unix:path=/gone;unix:path=/x/link,guid=12ab"),
            ("PIPEWIRE_REMOTE", "remote"),
            ("GAMESCOPE_WAYLAND_DISPLAY", "/y/gamescope"),
            ("PULSE_SERVER", "tcp:box"),
        ],
    );
    let want = [
        "bind ro? /run/pressure-vessel/wayland-0 = HOST/run/user/1000/odd",
        "symlink /run/user/ME/wayland-0 -> ../../pressure-vessel/wayland-0",
        "bind ro? /run/pressure-vessel/gamescope-socket = HOST/y/gamescope",
        "file 0444 /run/pressure-vessel/pulse/config (50 bytes)",
        "bind ro? /run/pressure-vessel/bus = HOST/y/real",
        "symlink /run/user/ME/bus -> ../../pressure-vessel/bus",
        "bind ro? /run/user/ME/pv-pipewire = HOST/run/user/1000/remote",
    ];
    assert_eq!(got.steps, want);
    let want = [
        "DBUS_SESSION_BUS_ADDRESS=unix:path=/run/pressure-vessel/bus,guid=12ab",
        "GAMESCOPE_WAYLAND_DISPLAY=/run/pressure-vessel/gamescope-socket",
        "PIPEWIRE_REMOTE=pv-pipewire",
        "PULSE_CLIENTCONFIG=/run/pressure-vessel/pulse/config",
        "PULSE_SERVER=tcp:box",
        "WAYLAND_DISPLAY=wayland-0",
        "-XAUTHORITY",
    ];
    assert_eq!(got.environment, want);
    assert_eq!(got.warnings, [] as [&str; 0]);
}

#[test]
fn what_is_named_and_not_there_is_said() {
    let got = outcome(
        &["run/user/1000/wayland-5 = not a socket"],
        &[],
        &[
            ("WAYLAND_DISPLAY", "wayland-5"),
            ("DISPLAY", "nonsense"),
            ("DBUS_SESSION_BUS_ADDRESS", "unix:path=/gone"),
            ("DBUS_SYSTEM_BUS_ADDRESS", "autolaunch:"),
            ("PULSE_SERVER", "unix:/gone"),
            ("PIPEWIRE_REMOTE", "gone"),
            ("GAMESCOPE_WAYLAND_DISPLAY", "gone"),
        ],
    );
    assert_eq!(got.steps, [] as [&str; 0]);
    let services: Vec<&str> =
        got.warnings.iter().filter_map(|w| w.split(" is not shared").next()).collect();
    let want = [
        "Wayland",
        "gamescope",
        "X11",
        "PulseAudio",
        "D-Bus session bus",
        "D-Bus system bus",
        "PipeWire",
    ];
    assert_eq!(services, want);
}

#[test]
fn addresses_that_need_no_file_stay() {
    let got = outcome(
        &["tmp/.Xa = "],
        &[],
        &[
            ("DISPLAY", "localhost:10.0"),
            ("XAUTHORITY", "/tmp/.Xa"),
            ("DBUS_SESSION_BUS_ADDRESS", "unix:abstract=/tmp/dbus-x"),
        ],
    );
    assert_eq!(got.steps, ["file 0600 /run/pressure-vessel/Xauthority (0 bytes)"]);
    let want = ["-PULSE_SERVER", "XAUTHORITY=/run/pressure-vessel/Xauthority"];
    assert_eq!(got.environment, want);
    assert_eq!(got.warnings, [] as [&str; 0]);
}

//! What is shared with the container: home, links, sockets, users, time zone, reserved paths.

use crate::support::{BACKENDS, Launch, lab, need, sh};
use std::os::unix::fs::symlink;
use std::os::unix::net::UnixListener;
use std::path::Path;

fn mkdir(path: &Path) {
    std::fs::create_dir_all(path).unwrap();
}

#[test]
fn the_home_is_shared() {
    let runtime = need!(lab("runtime-bullseye"));
    for backend in BACKENDS {
        let launch = Launch::new().runtime(&runtime).backend(backend);
        let home = launch.home().to_owned();
        std::fs::write(home.join("in"), "in\n").unwrap();
        let (mut command, keep) = launch.prepare(&sh("cat ~/in && echo out > ~/out"));
        let output = command.output().unwrap();
        assert_eq!(output.stdout, b"in\n", "{output:?}");
        assert_eq!(std::fs::read(keep.path().join("out")).unwrap(), b"out\n", "{backend}");
    }
}

/// A home that is a symbolic link, in a place whose parent is one as well: both ends work.
#[test]
fn symlinked_homes_and_libraries() {
    let runtime = need!(lab("runtime-bullseye"));
    let base = tempfile::Builder::new().prefix("links").tempdir_in("/var/tmp").unwrap();
    let real = base.path().join("disk/home");
    mkdir(&real.join("games"));
    symlink("disk", base.path().join("link")).unwrap();
    let home = base.path().join("user");
    symlink(base.path().join("link/home"), &home).unwrap();
    std::fs::write(real.join("games/file"), "same\n").unwrap();
    for backend in BACKENDS {
        let script = format!(
            "cat ~/games/file {}/games/file \"$STEAM_COMPAT_INSTALL_PATH/file\"; readlink {}",
            real.display(),
            home.display()
        );
        let outcome = Launch::new()
            .runtime(&runtime)
            .backend(backend)
            .env("HOME", &home)
            .env("STEAM_COMPAT_INSTALL_PATH", home.join("games"))
            .in_directory(&real)
            .run(&sh(&script));
        let text = outcome.ok();
        assert!(text.starts_with("same\nsame\nsame\n"), "{backend}: {}", outcome.account());
    }
}

#[test]
fn private_and_transient_homes() {
    let runtime = need!(lab("runtime-bullseye"));
    for backend in BACKENDS {
        let outcome = Launch::new()
            .runtime(&runtime)
            .backend(backend)
            .option("--transient-home")
            .in_directory("/".as_ref())
            .run(&sh("ls -A ~ | wc -l; touch ~/new && echo writable"));
        let text = outcome.ok();
        assert!(text.ends_with("writable\n"), "{backend}: {}", outcome.account());
        let private = tempfile::tempdir().unwrap();
        let launch = Launch::new().runtime(&runtime).backend(backend);
        let outcome = launch
            .pair("--home", private.path())
            .in_directory("/".as_ref())
            .run(&sh("echo kept > ~/kept"));
        outcome.ok();
        assert_eq!(std::fs::read(private.path().join("kept")).unwrap(), b"kept\n", "{backend}");
    }
}

#[test]
fn reserved_paths_are_refused_clearly() {
    let runtime = need!(lab("runtime-bullseye"));
    for path in ["/usr", "/etc", "/usr/share/doc", "/lib"] {
        let outcome =
            Launch::new().runtime(&runtime).pair("--filesystem", path).run(&["/usr/bin/true"]);
        assert!(outcome.stderr().contains("BS0009"), "{path}: {}", outcome.account());
    }
}

#[test]
fn read_only_shares_are_read_only() {
    let runtime = need!(lab("runtime-bullseye"));
    let base = tempfile::Builder::new().prefix("ro").tempdir_in("/var/tmp").unwrap();
    // Not below a directory that is shared for writing already.
    let outside = base.path().join("dir");
    mkdir(&outside);
    for backend in BACKENDS {
        let script =
            format!("touch {}/new 2>/dev/null && echo written || echo refused", outside.display());
        let outcome = Launch::new()
            .runtime(&runtime)
            .backend(backend)
            .pair("--filesystem", format!("{}:ro", outside.display()))
            .run(&sh(&script));
        assert_eq!(outcome.ok(), "refused\n", "{backend}");
    }
}

#[test]
fn users_are_known() {
    let runtime = need!(lab("runtime-bullseye"));
    for backend in BACKENDS {
        let outcome = Launch::new().runtime(&runtime).backend(backend).env("USER", "someone").run(
            &sh("id -un; getent passwd $(id -u) | cut -d: -f3,6; getent passwd root | cut -d: -f3"),
        );
        let text = outcome.ok();
        let lines: Vec<&str> = text.lines().collect();
        assert_eq!(lines.len(), 3, "{backend}: {}", outcome.account());
        assert!(!lines[0].is_empty() && lines[0].parse::<u32>().is_err(), "{text}");
        assert_eq!(lines[2], "0");
    }
}

#[test]
fn system_files_come_from_the_host() {
    let runtime = need!(lab("runtime-bullseye"));
    for backend in BACKENDS {
        let script = "cat /run/host/container-manager; test -e /run/host/usr/bin/env && \
             test -e /run/host/etc/os-release && test -d /run/pressure-vessel && \
             . /run/host/os-release && echo $VERSION_ID; echo $container; \
             test -e /etc/hosts && echo hosts; test -d /overrides/lib && echo overrides";
        let outcome = Launch::new().runtime(&runtime).backend(backend).run(&sh(script));
        let text = outcome.ok();
        assert!(text.starts_with("pressure-vessel\n"), "{backend}: {text}");
        assert!(text.contains("\npressure-vessel\n"), "{backend}: {text}");
        assert!(text.ends_with("\noverrides\n"), "{backend}: {text}");
    }
}

/// Sockets of the desktop: made here, seen inside at the specified places.
#[test]
fn desktop_sockets() {
    let runtime = need!(lab("runtime-bullseye"));
    let dir = tempfile::tempdir().unwrap();
    let runtime_dir = dir.path().join("run");
    mkdir(&runtime_dir.join("pulse"));
    let bus = runtime_dir.join("bus");
    let sockets = ["wayland-7", "pulse/native", "bus", "pipewire-0"];
    let _listeners: Vec<UnixListener> =
        sockets.iter().map(|s| UnixListener::bind(runtime_dir.join(s)).unwrap()).collect();
    for backend in BACKENDS {
        let script = "for s in wayland-7 pulse/native bus pipewire-0; do \
             test -S $XDG_RUNTIME_DIR/$s && echo $s; done; \
             echo $XDG_RUNTIME_DIR; test -S /run/pressure-vessel/bus && echo pv-bus; \
             echo $DBUS_SESSION_BUS_ADDRESS; test -S ${PULSE_SERVER#unix:} && echo pulse";
        let outcome = Launch::new()
            .runtime(&runtime)
            .backend(backend)
            .env("XDG_RUNTIME_DIR", &runtime_dir)
            .env("WAYLAND_DISPLAY", "wayland-7")
            .env("DBUS_SESSION_BUS_ADDRESS", format!("unix:path={}", bus.display()))
            .run(&sh(script));
        let text = outcome.ok();
        for want in
            sockets.iter().copied().chain(["pv-bus", "pulse", "unix:path=/run/pressure-vessel/bus"])
        {
            assert!(text.lines().any(|l| l == want), "{backend}: no {want}: {}", outcome.account());
        }
        assert!(text.contains("/run/user/"), "{text}");
    }
}

/// A real session bus answers inside, and a real PulseAudio client finds its server's address.
#[test]
fn a_real_session_bus_answers() {
    let runtime = need!(lab("runtime-bullseye"));
    let dir = tempfile::tempdir().unwrap();
    let address = format!("unix:path={}/bus", dir.path().display());
    let mut daemon = need!(
        std::process::Command::new("dbus-daemon")
            .args(["--session", "--nofork", "--print-address=1"])
            .arg(format!("--address={address}"))
            .stdout(std::process::Stdio::piped())
            .spawn()
            .map_err(|error| format!("dbus-daemon cannot be started: {error}"))
    );
    let mut line = String::new();
    let mut stdout = std::io::BufReader::new(daemon.stdout.take().unwrap());
    std::io::BufRead::read_line(&mut stdout, &mut line).unwrap();
    for backend in BACKENDS {
        let launch = Launch::new()
            .runtime(&runtime)
            .backend(backend)
            .env("DBUS_SESSION_BUS_ADDRESS", line.trim());
        let outcome = launch.run(&[
            "dbus-send",
            "--session",
            "--print-reply",
            "--dest=org.freedesktop.DBus",
            "/",
            "org.freedesktop.DBus.GetId",
        ]);
        assert!(outcome.stdout().contains("string"), "{backend}: {}", outcome.account());
    }
    daemon.kill().unwrap();
    daemon.wait().unwrap();
}

#[test]
fn the_locale_of_the_user_works() {
    let runtime = need!(lab("runtime-bullseye"));
    for backend in BACKENDS {
        let outcome = Launch::new()
            .runtime(&runtime)
            .backend(backend)
            .env("LANG", "C.UTF-8")
            .run(&sh("locale charmap"));
        assert_eq!(outcome.ok(), "UTF-8\n", "{backend}");
        assert!(!outcome.stderr().contains("Cannot set"), "{backend}: {}", outcome.account());
    }
}

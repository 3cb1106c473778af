//! File systems, emulators and services, made in namespaces of our own.

use crate::support::{Call, causes, doctor};
use serde_json::Value;

/// What speaks against a store on each kind of mount.
#[test]
fn stores_on_unsuited_file_systems() {
    for (options, parts) in [
        ("mode=0700", &[][..]),
        ("mode=0700,ro", &["it is read-only"]),
        ("mode=0700,noexec", &["mounted with noexec"]),
        ("mode=0700,ro,noexec", &["it is read-only", "mounted with noexec"]),
    ] {
        let script = format!("mkdir \"$HOME/s\" && mount -t tmpfs -o {options} none \"$HOME/s\"");
        let call = doctor().after(&script).argument("--store");
        let store = call.home().join("s");
        let report = call.argument(&store).run().json(0);
        let causes = causes(&report, "BS0047");
        assert_eq!(causes.len(), parts.len(), "{options}: {causes:?}");
        for (cause, part) in causes.iter().zip(parts) {
            assert!(cause.contains(part) && cause.contains("tmpfs at "), "{options}: {cause}");
        }
        let system = &report["store"]["file_system"];
        assert_eq!((&system["kind"], &system["mount"]), (&"tmpfs".into(), &store.to_str().into()));
        assert_eq!(system["read_only"], options.contains("ro"), "{options}");
        assert_eq!(system["noexec"], options.contains("noexec"), "{options}");
    }
}

#[test]
fn a_store_that_is_refused() {
    let call = doctor();
    let file = call.home().join("file");
    std::fs::write(&file, "").unwrap();
    let report = call.argument("--store").argument(&file).run().json(1);
    assert_eq!(causes(&report, "BS0012").len(), 1, "{report}");
    let report = doctor().argument("--store=relative/path").run().json(1);
    assert_eq!(causes(&report, "BS0020").len(), 1, "{report}");
}

#[test]
fn a_home_that_cannot_be_written() {
    let call = doctor().after("mount -t tmpfs -o ro none \"$HOME\"");
    let store = tempfile::tempdir().unwrap();
    let report = call.argument("--store").argument(store.path()).run().json(0);
    let causes = causes(&report, "BS0047");
    assert_eq!(causes.len(), 1, "{report}");
    assert!(causes[0].contains("games cannot keep their files"), "{causes:?}");
}

/// An entry of `binfmt_misc`, registered for real in our own instance of it (Linux 6.7).
#[test]
fn registrations_of_emulators() {
    let none = doctor().run().json(0);
    assert!(none["emulators"]["registrations"].is_array(), "{none}");
    // The header of a program for AArch64, with the bits that qemu's own entry leaves out.
    let magic = r"\x7fELF\x02\x01\x01\x00\x00\x00\x00\x00\x00\x00\x00\x00\x02\x00\xb7\x00";
    let mask = r"\xff\xff\xff\xff\xff\xff\xff\x00\xff\xff\xff\xff\xff\xff\xff\xff\xfe\xff\xff\xff";
    let script = format!(
        "mount -t binfmt_misc none /proc/sys/fs/binfmt_misc
         echo ':test-arm:M::{magic}:{mask}:/nowhere/qemu-aarch64:PC' > /proc/sys/fs/binfmt_misc/register
         echo ':test-off:M::{magic}:{mask}:/bin/sh:F' > /proc/sys/fs/binfmt_misc/register
         echo 0 > /proc/sys/fs/binfmt_misc/test-off
         echo ':test-other:E::exe::/bin/sh:' > /proc/sys/fs/binfmt_misc/register"
    );
    let report = doctor().after_as_root(&script).run().json(0);
    assert_eq!(report["emulators"]["binfmt_misc"], Value::Null, "{}", report["emulators"]);
    let entries = report["emulators"]["registrations"].as_array().unwrap();
    assert_eq!(entries.len(), 2, "{entries:?}");
    assert_eq!(entries[0]["interpreter"], "/nowhere/qemu-aarch64");
    assert_eq!((&entries[0]["emulator"], &entries[0]["flags"]), (&"qemu".into(), &"OCP".into()));
    assert_eq!(entries[0]["tuples"], serde_json::json!(["aarch64-linux-gnu"]));
    assert!(entries[0]["trouble"].is_string(), "{entries:?}");
    assert_eq!((&entries[1]["enabled"], &entries[1]["trouble"]), (&false.into(), &Value::Null));
}

/// A compositor that listens, one that is gone and has left its socket, and none.
#[test]
fn services_of_the_desktop() {
    let look = |call: &Call, name: &str| {
        let report = call.run().json(0);
        let services = report["desktop"]["services"].as_array().unwrap().clone();
        let found = services.into_iter().find(|service| service["name"] == name);
        (found.expect("it is looked for"), causes(&report, "BS0022"))
    };
    let call = doctor().env("XDG_RUNTIME_DIR", "/nowhere");
    let (wayland, _) = look(&call, "Wayland");
    assert_eq!((&wayland["found"], &wayland["answers"]), (&false.into(), &Value::Null));
    let call = doctor();
    let run = call.home().to_owned();
    let listener = std::os::unix::net::UnixListener::bind(run.join("wayland-7")).unwrap();
    let call = call.env("XDG_RUNTIME_DIR", &run).env("WAYLAND_DISPLAY", "wayland-7");
    let (wayland, problems) = look(&call, "Wayland");
    assert_eq!((&wayland["found"], &wayland["answers"]), (&true.into(), &true.into()));
    assert_eq!(problems, Vec::<String>::new());
    drop(listener);
    let (wayland, problems) = look(&call, "Wayland");
    assert_eq!((&wayland["found"], &wayland["answers"]), (&true.into(), &false.into()));
    assert!(problems[0].contains("nobody listens"), "{problems:?}");
}

/// A bus that takes the connection and never says a word does not hold anything up.
#[test]
fn a_dead_bus() {
    let call = doctor();
    let socket = call.home().join("bus");
    let _listener = std::os::unix::net::UnixListener::bind(&socket).unwrap();
    let mut address = std::ffi::OsString::from("unix:path=");
    address.push(&socket);
    let report = call.env("DBUS_SESSION_BUS_ADDRESS", address).run().json(0);
    let services = report["desktop"]["services"].to_string();
    assert!(services.contains("D-Bus session bus"), "{services}");
}

#[test]
fn a_locale_that_is_missing() {
    let report = doctor().env("LC_ALL", "xx_XX.UTF-8").run().json(0);
    assert_eq!(report["desktop"]["locales"]["missing"], serde_json::json!(["xx_XX.UTF-8"]));
    assert_eq!(causes(&report, "BS0019").len(), 1, "{report}");
    let report = doctor().run().json(0);
    assert_eq!(report["desktop"]["locales"]["missing"], serde_json::json!([]));
}

/// A game on a disk that is mounted with noexec: said before it is started.
#[test]
fn a_command_on_a_mount_with_noexec() {
    let script =
        "mkdir \"$HOME/s\" && mount -t tmpfs none \"$HOME/s\" && cp /bin/true \"$HOME/s/game\"
                  mount -o remount,noexec \"$HOME/s\"";
    let call = Call::new(&["run", "--runtime=host"]).after(script);
    let game = call.home().join("s/game");
    let ran = call.argument(&game).run();
    assert_eq!(ran.status(), 126, "{}", ran.account());
    for part in ["BS0048", "mounted with noexec", "hint: run `sudo mount -o remount,exec "] {
        assert!(ran.stderr().contains(part), "no `{part}` in {}", ran.account());
    }
}

//! What is said of this machine is true of it.

use crate::launch::{lab, need};
use crate::support::{Call, causes, doctor};
use serde_json::Value;
use std::os::unix::fs::PermissionsExt;
use std::process::Command;

fn said(program: &str, arguments: &[&str]) -> String {
    let output = Command::new(program).args(arguments).output().expect("the program starts");
    String::from_utf8_lossy(&output.stdout).trim().to_owned()
}

#[test]
fn a_launch_can_work() {
    let report = doctor().run().json(0);
    assert_eq!(report["kernel"]["release"], said("uname", &["-r"]).as_str());
    assert_eq!(report["kernel"]["machine"], said("uname", &["-m"]).as_str());
    assert_eq!(report["kernel"]["namespaces"]["executor"], "builtin");
    let version = said("bwrap", &["--version"]);
    let want = format!("bubblewrap {}", report["kernel"]["bwrap"]["version"].as_str().unwrap());
    assert_eq!(version, want);
    assert_eq!(report["kernel"]["bwrap"]["setuid"], false);
    for feature in report["kernel"]["features"].as_array().unwrap() {
        assert_eq!(feature["present"], true, "this kernel has everything: {feature}");
    }
}

/// Merged or not, as `ls -l /` shows it.
#[test]
fn the_layout_of_the_root() {
    let report = doctor().run().json(0);
    let is_link = |name: &str| {
        let path = format!("/{name}");
        std::fs::symlink_metadata(path).ok().map(|meta| meta.is_symlink())
    };
    let mut links = 0;
    let mut directories = 0;
    for name in ["bin", "sbin", "lib", "lib32", "lib64", "libx32"] {
        let shown = &report["system"]["top"][name];
        match is_link(name) {
            Some(true) => {
                links += 1;
                let target = std::fs::read_link(format!("/{name}")).unwrap();
                assert_eq!(shown.as_str(), target.to_str(), "{name}");
            }
            Some(false) => {
                directories += 1;
                assert_eq!(shown, "directory", "{name}");
            }
            None => assert_eq!(shown, &Value::Null, "{name}"),
        }
    }
    let main = ["bin", "sbin", "lib"].map(is_link);
    let want = match (links, directories) {
        (_, 0) => "merged",
        _ if !main.contains(&Some(true)) => "non-merged",
        _ => "hybrid",
    };
    assert_eq!(report["system"]["layout"], want);
    let name = std::fs::read_to_string("/etc/os-release").unwrap();
    assert!(name.contains(report["system"]["name"].as_str().unwrap()), "{report}");
}

/// Programs that would betray that something was executed.
#[test]
fn nothing_is_executed() {
    let call = doctor();
    let bin = call.home().join("bin");
    std::fs::create_dir(&bin).unwrap();
    let marker = call.home().join("executed");
    for name in
        ["bwrap", "ldconfig", "ld.so", "vulkaninfo", "glxinfo", "FEX", "qemu-x86_64", "locale"]
    {
        let path = bin.join(name);
        let script = format!("#!/bin/sh\necho {name} >> '{}'\n", marker.display());
        std::fs::write(&path, script).unwrap();
        std::fs::set_permissions(&path, std::fs::Permissions::from_mode(0o755)).unwrap();
    }
    let report = call.env("PATH", &bin).run().json(0);
    assert_eq!(report["kernel"]["bwrap"]["path"], bin.join("bwrap").to_str().unwrap());
    assert_eq!(report["kernel"]["bwrap"]["version"], Value::Null);
    assert!(!marker.exists(), "{}", std::fs::read_to_string(&marker).unwrap_or_default());
}

/// A Steam library with a runtime in it; the depot is one of the laboratory's.
#[test]
fn runtimes_are_found() {
    let runtime = need!(lab("form-flatpak"));
    let report = doctor().run().json(0);
    assert_eq!(report["runtimes"]["default"], "host");
    assert_eq!(report["runtimes"]["installed"], Value::Array(vec![]));
    let call = doctor();
    let library = call.home().join("library");
    let steam = call.home().join(".steam/root/steamapps");
    std::fs::create_dir_all(&steam).unwrap();
    let list = format!("\"libraryfolders\" {{ \"1\" {{ \"path\" \"{}\" }} }}", library.display());
    std::fs::write(steam.join("libraryfolders.vdf"), list).unwrap();
    let depot = library.join("steamapps/common/SteamLinuxRuntime_sniper");
    let platform = depot.join("sniper_platform_3.0.20250101.1");
    std::fs::create_dir_all(&platform).unwrap();
    // One that was not downloaded to its end.
    let broken =
        library.join("steamapps/common/SteamLinuxRuntime_soldier/soldier_platform_2.0/files");
    std::fs::create_dir_all(broken).unwrap();
    let script = format!("mount --bind '{}' '{}'", runtime.display(), platform.display());
    let report = call.after(&script).run().json(0);
    assert_eq!(report["runtimes"]["default"], "sniper");
    let installed = report["runtimes"]["installed"].as_array().unwrap();
    assert_eq!(installed.len(), 2, "{installed:?}");
    assert_eq!(installed[0]["path"], platform.to_str().unwrap());
    assert_eq!(installed[0]["architectures"][0], "x86_64-linux-gnu", "{installed:?}");
    assert!(installed[1]["trouble"].is_string(), "{installed:?}");
    assert_eq!(report["problems"].as_array().unwrap().len(), 1, "{report}");
}

#[test]
fn a_runtime_that_is_asked_about() {
    let runtime = need!(lab("runtime-bullseye-nonmerged"));
    let report = doctor().argument("--runtime").argument(&runtime).run().json(0);
    let asked = &report["runtimes"]["asked"];
    assert_eq!((&asked["form"], &asked["layout"]), (&"sysroot".into(), &"non-merged".into()));
    assert!(asked["system"].as_str().unwrap().contains("bullseye"), "{asked}");
    let report = doctor().argument("--runtime=/does/not/exist").run().json(1);
    assert_eq!(causes(&report, "BS0001").len(), 1, "{report}");
}

/// What a launch has prepared is counted, and looking changes nothing.
#[test]
fn the_store() {
    let runtime = need!(lab("runtime-bullseye"));
    let home = tempfile::tempdir().unwrap();
    let store = home.path().join("store");
    let look = || doctor().argument("--store").argument(&store).run().json(0);
    let report = look();
    assert_eq!(
        (&report["store"]["exists"], report["store"]["layers"]["count"].as_u64()),
        (&false.into(), Some(0))
    );
    assert!(!store.exists(), "looking makes nothing");
    let prepare = Call::new(&["run", "--only-prepare"])
        .argument("--store")
        .argument(&store)
        .argument("--runtime")
        .argument(&runtime)
        .argument("true")
        .run();
    assert_eq!(prepare.status(), 0, "{}", prepare.account());
    let report = look();
    assert_eq!(report["store"]["exists"], true);
    assert!(report["store"]["layers"]["count"].as_u64().unwrap() >= 1, "{report}");
    assert!(report["store"]["layers"]["bytes"].as_u64().unwrap() > 0, "{report}");
    assert_eq!(report["store"]["stale"], 0, "{report}");
    assert!(report["store"]["file_system"]["free"].as_u64().unwrap() > 0, "{report}");
}

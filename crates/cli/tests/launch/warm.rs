//! A warm launch makes nothing outside memory.

use crate::support::{BACKENDS, Launch, lab, need, sh};
use std::path::Path;
use std::time::{Duration, Instant, SystemTime};

/// Everything in the store, with times and sizes.
fn state(store: &Path) -> String {
    let mut find = std::process::Command::new("find");
    find.arg(store).args(["-printf", "%P %y %m %s %T@ %i\\n"]);
    String::from_utf8_lossy(&find.output().unwrap().stdout).into_owned()
}

/// Waits until what was made has been written to the disk, which is done behind the back of the launch
/// and shows in the mode of the slot's lock.
fn settled(store: &Path) {
    let deadline = Instant::now() + Duration::from_secs(60);
    while state(store).lines().any(|line| line.contains("/lock f 600 ")) {
        assert!(Instant::now() < deadline, "{}", state(store));
        std::thread::sleep(Duration::from_millis(20));
    }
}

#[test]
fn nothing_is_written_by_a_warm_launch() {
    let runtime = need!(lab("runtime-bullseye"));
    let store = tempfile::tempdir().unwrap();
    let path = store.path().join("store");
    let home = tempfile::tempdir().unwrap();
    for backend in BACKENDS {
        let launch = || {
            let launch = Launch::new().runtime(&runtime).backend(backend).store(&path);
            launch.env("HOME", home.path()).in_directory(home.path()).run(&["/usr/bin/true"]).ok()
        };
        launch();
        settled(&path);
        let before = state(&path);
        launch();
        let after = state(&path);
        let differ: Vec<_> = before.lines().zip(after.lines()).filter(|(b, a)| b != a).collect();
        assert!(differ.is_empty(), "{backend}: {differ:#?}");
        assert_eq!(before.len(), after.len(), "{backend}");
        assert_eq!(std::fs::read_dir(home.path()).unwrap().count(), 0, "{backend}");
    }
}

/// Files older than the grain of any clock, so that what is decided from them is remembered.
fn age(path: &Path) {
    let old = SystemTime::now() - Duration::from_secs(60);
    let file = std::fs::File::open(path).unwrap();
    file.set_modified(old).unwrap();
}

/// A Vulkan layer that appears in, changes in and goes from the home directory is noticed by warm
/// launches, and launches in between are warm.
#[test]
fn a_new_layer_is_noticed() {
    let runtime = need!(lab("runtime-bullseye"));
    let store = tempfile::tempdir().unwrap();
    let home = tempfile::tempdir().unwrap();
    let layers = home.path().join(".local/share/vulkan/implicit_layer.d");
    let manifest = |name: &str| {
        format!(
            r#"{{"file_format_version": "1.0.0", "layer": {{"name": "{name}", "type": "GLOBAL",
            "component_layers": ["VK_LAYER_MESA_overlay"],
            "api_version": "1.1.0", "implementation_version": "1", "description": "test",
            "disable_environment": {{"NO_TEST_LAYER": "1"}}}}}}"#
        )
    };
    let seen = || {
        let script = "cat /usr/lib/pressure-vessel/overrides/share/vulkan/implicit_layer.d/* | \
             grep -o 'VK_LAYER_TEST_[a-z]*' | sort -u; true";
        let launch = Launch::new().runtime(&runtime).store(&store.path().join("store"));
        let outcome = launch
            .env("HOME", home.path())
            .in_directory(home.path())
            .option("--verbose")
            .run(&sh(script));
        (outcome.ok(), outcome.stderr().contains("deciding anew"))
    };
    std::fs::create_dir_all(home.path().join(".local/share")).unwrap();
    for directory in [".local/share", ".local", ""] {
        age(&home.path().join(directory));
    }
    assert_eq!(seen().0, "");
    assert_eq!(seen(), (String::new(), false), "the second launch is warm");
    std::fs::create_dir_all(&layers).unwrap();
    std::fs::write(layers.join("test.json"), manifest("VK_LAYER_TEST_one")).unwrap();
    assert_eq!(seen(), ("VK_LAYER_TEST_one\n".into(), true));
    std::fs::write(layers.join("test.json"), manifest("VK_LAYER_TEST_changed")).unwrap();
    assert_eq!(seen().0, "VK_LAYER_TEST_changed\n");
    std::fs::remove_file(layers.join("test.json")).unwrap();
    assert_eq!(seen().0, "");
}

//! The home directory that the container has.

use super::{by, wrap_in};
use crate::support::{BACKENDS, lab, need};
use crate::tool::Places;
use std::fs;
use std::path::Path;

/// What a container with these options writes into its home, and where that lands below the places.
fn lands(
    runtime: &Path,
    backend: &str,
    options: &[&str],
    variables: &[(&str, &str)],
) -> (String, Places) {
    let places = Places::new();
    let tool = by(wrap_in(places).pair("--runtime", runtime), backend);
    let script = "echo kept > ~/kept; echo \"$XDG_CACHE_HOME,$XDG_CONFIG_HOME,$XDG_DATA_HOME\"; \
                  echo scratch > /var/tmp/scratch-of-wrap-test";
    let tool = tool.args(options).envs(variables).in_directory("/");
    let (outcome, places) = tool.args(&["--", "/bin/sh", "-c", script]).run_in();
    (outcome.ok(), places)
}

#[test]
fn homes_of_applications() {
    let runtime = need!(lab("runtime-bullseye"));
    for backend in BACKENDS {
        for (options, variables, id) in [
            (
                &["--unshare-home", "--freedesktop-app-id=org.example.Game"][..],
                &[][..],
                "org.example.Game",
            ),
            (
                &["--unshare-home"],
                &[("PRESSURE_VESSEL_FDO_APP_ID", "org.example.G")],
                "org.example.G",
            ),
            (
                &["--unshare-home", "--steam-app-id=12"],
                &[("SteamAppId", "13")],
                "com.steampowered.App12",
            ),
            (
                &[],
                &[("PRESSURE_VESSEL_SHARE_HOME", "0"), ("SteamAppId", "13")],
                "com.steampowered.App13",
            ),
        ] {
            let (said, places) = lands(&runtime, backend, options, variables);
            let home = places.home().join(".var/app").join(id);
            assert_eq!(fs::read_to_string(home.join("kept")).unwrap(), "kept\n", "{backend} {id}");
            assert!(!places.home().join("kept").exists());
            for directory in [".cache/tmp", ".config", ".local/share"] {
                assert!(home.join(directory).is_dir(), "{directory}");
            }
            assert!(home.join("data/../../.config").is_dir() && home.join("cache/tmp").is_dir());
            let want =
                [".cache", ".config", ".local/share"].map(|d| home.join(d).display().to_string());
            assert_eq!(said.trim_end(), want.join(","), "{backend}");
            assert!(home.join(".cache/tmp/scratch-of-wrap-test").is_file());
        }
    }
}

#[test]
fn a_home_of_ones_choice() {
    let runtime = need!(lab("runtime-bullseye"));
    for backend in BACKENDS {
        let other = tempfile::Builder::new().prefix("home-").tempdir_in("/var/tmp").unwrap();
        let option = format!("--home={}", other.path().display());
        let (_, places) = lands(&runtime, backend, &[&option], &[]);
        assert!(other.path().join("kept").is_file() && !places.home().join("kept").exists());
        // Sharing wins.
        let (_, places) = lands(&runtime, backend, &[&option, "--share-home"], &[]);
        assert!(places.home().join("kept").is_file(), "{backend}");
        fs::remove_file("/var/tmp/scratch-of-wrap-test").unwrap();
    }
}

#[test]
fn no_home_at_all() {
    let runtime = need!(lab("runtime-bullseye"));
    for backend in BACKENDS {
        let (_, places) = lands(&runtime, backend, &["--unshare-home", "--batch"], &[]);
        assert_eq!(fs::read_dir(places.home()).unwrap().count(), 0, "{backend}");
        let _ = fs::remove_file("/var/tmp/scratch-of-wrap-test");
    }
}

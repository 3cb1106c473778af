//! Copies of the runtime, their collection, and the command line that is written down.

use super::{NAME, by, sh, wrap_in};
use crate::support::{BACKENDS, Outcome, lab, need};
use crate::tool::{Places, Tool};
use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

fn copies(variable: &Path) -> Vec<PathBuf> {
    let Ok(entries) = fs::read_dir(variable) else { return vec![] };
    let paths = entries.map(|entry| entry.unwrap().path());
    paths.filter(|p| p.file_name().unwrap().to_string_lossy().starts_with("tmp-")).collect()
}

/// A launch that allows for a copy in `var` below the places.
fn copying(places: Places, runtime: &Path) -> Tool {
    let variable = places.at("var");
    Tool::at(NAME, places)
        .pair("--runtime", runtime)
        .arg("--copy-runtime")
        .pair("--variable-dir", variable)
}

/// With `--only-prepare` a caller finds a complete copy; without, nothing is copied.
#[test]
fn only_who_prepares_gets_a_copy() {
    let runtimes = ["runtime-bullseye", "form-depot"];
    for runtime in runtimes {
        let runtime = need!(lab(runtime));
        let places = Places::new();
        let variable = places.at("var");
        let tool = copying(places, &runtime).env("PRESSURE_VESSEL_VARIABLE_DIR", variable);
        let script = "echo \"ran ${PRESSURE_VESSEL_VARIABLE_DIR-without it}\"";
        let (outcome, places) = sh(tool, script).run_in();
        assert_eq!(outcome.ok(), "ran without it\n");
        let variable = places.at("var");
        assert!(variable.is_dir() && copies(&variable).is_empty(), "{runtime:?}");
        let (outcome, _places) = copying(places, &runtime).arg("--only-prepare").run_in();
        assert_eq!(outcome.ok(), "");
        let made = copies(&variable);
        let [copy] = &made[..] else { panic!("{made:?}") };
        for path in
            ["usr/bin/env", "bin/sh", "lib64/ld-linux-x86-64.so.2", ".ref", "usr/.ref", "etc"]
        {
            // Some are links that lead to the right place only where the copy is the root.
            let there = copy.join(path).symlink_metadata().is_ok();
            assert!(there, "{} lacks {path}", copy.display());
        }
        assert!(copy.join("overrides/lib/x86_64-linux-gnu").is_dir());
        let own = copy.join("usr/lib/pressure-vessel/from-host/bin").join(NAME);
        assert!(own.is_symlink(), "{}", own.display());
    }
}

/// Unused copies go with the next launch, unless they are to stay, and whatever is remembered of it.
#[test]
fn unused_copies_are_collected() {
    let runtime = need!(lab("runtime-bullseye"));
    let places = Places::new();
    let variable = places.at("var");
    let run = |places: Places, options: &[&str]| {
        let (outcome, places) = copying(places, &runtime).args(options).arg("true").run_in();
        outcome.ok();
        places
    };
    let make = |name: &str| {
        let copy = variable.join(name);
        fs::create_dir_all(copy.join("usr")).unwrap();
        copy
    };
    let mut places = run(places, &[]);
    for round in 0..2 {
        let (old, kept) = (make("tmp-old"), make("tmp-kept"));
        fs::write(kept.join("keep"), "").unwrap();
        places = run(places, &["--no-gc-runtimes"]);
        assert!(old.exists() && kept.exists(), "round {round}");
        places = run(places, &[]);
        assert!(!old.exists() && kept.exists(), "round {round}");
    }
    let other = make("deploy-x");
    let places = run(places, &[]);
    assert!(other.exists(), "archives are not ours");
    drop(places);
}

/// The command line that is written down makes the same container by itself.
#[test]
fn the_final_command_works() {
    let runtime = need!(lab("runtime-bullseye"));
    for backend in BACKENDS {
        let places = Places::new();
        let file = places.at("argv");
        let tool = by(wrap_in(places).pair("--runtime", &runtime), backend);
        let script =
            "cat /run/host/container-manager; ls /usr/lib/pressure-vessel; echo \"$PATH\"; pwd";
        let (outcome, places) = sh(tool.pair("--write-final-argv", &file), script).run_in();
        let bytes = fs::read(&file).unwrap();
        assert_eq!(bytes.last(), Some(&0), "{backend}");
        let text = String::from_utf8(bytes).unwrap();
        let words: Vec<&str> = text.trim_end_matches('\0').split('\0').collect();
        assert!(words[0].ends_with("bwrap") && words.contains(&"--"), "{words:?}");
        let mut again = Command::new(words[0]);
        again.args(&words[1..]).env_clear().env("PATH", "/usr/bin:/bin").stdin(Stdio::null());
        again.env("HOME", places.home()).current_dir(places.home());
        assert_eq!(Outcome::of(&mut again).ok(), outcome.ok(), "{backend}");
    }
}

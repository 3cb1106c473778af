//! Which runtimes are found, by what name, and how they are listed.

use crate::depot;
use crate::support::{Outcome, program};
use serde_json::Value;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

struct Home(tempfile::TempDir);

impl Home {
    fn new() -> Self {
        Self(tempfile::tempdir().unwrap())
    }

    fn at(&self, path: &str) -> PathBuf {
        self.0.path().join(path)
    }

    fn command(&self, words: &[&str]) -> Command {
        let mut command = Command::new(program());
        command.args(words).env_clear().current_dir(self.0.path()).stdin(Stdio::null());
        command.env("HOME", self.0.path()).env("PATH", "/usr/bin:/bin");
        command
    }

    fn run(&self, words: &[&str]) -> Outcome {
        Outcome::of(&mut self.command(words))
    }

    fn rows(&self) -> Vec<Value> {
        let json = self.run(&["runtime", "list", "--json"]).ok();
        let list: Value = serde_json::from_str(&json).unwrap();
        list.as_array().unwrap().clone()
    }
}

/// Each installation as Steam and umu make it, and what is found of it.
#[test]
fn every_place_is_found() {
    let home = Home::new();
    let steam = ".local/share/Steam/steamapps/common";
    let other = "library/steamapps/common";
    for (path, version) in [
        (format!("{steam}/SteamLinuxRuntime_sniper"), "1"),
        (format!("{other}/SteamLinuxRuntime_soldier"), "2"),
        (format!("{other}/SteamLinuxRuntime_4"), "3"),
        (format!("{other}/SteamLinuxRuntime_5"), "4"),
        (format!("{other}/SteamLinuxRuntime_4-arm64"), "5"),
        (".local/share/umu/steamrt3".into(), "6"),
        (".local/share/umu/steamrt4-arm64".into(), "7"),
        (".local/share/bathysphere/runtimes/sniper/8".into(), "8"),
        (".local/share/bathysphere/runtimes/sniper/9".into(), "9"),
        (".local/share/bathysphere/runtimes/mine/10".into(), "10"),
    ] {
        depot::make(&home.at(&path), version, 10);
    }
    // A tool without a runtime, a game, and something unfinished.
    for path in [
        format!("{steam}/SteamLinuxRuntime"),
        format!("{steam}/Game/usr"),
        format!("{steam}/SteamLinuxRuntime_6"),
        ".local/share/bathysphere/runtimes/.drafts/new-1/x_platform_1".into(),
    ] {
        fs::create_dir_all(home.at(&path)).unwrap();
    }
    let list = format!(
        "\"libraryfolders\" {{ \"0\" {{ \"path\" \"{}\" }} }}",
        home.at("library").display()
    );
    fs::write(home.at(".local/share/Steam/steamapps/libraryfolders.vdf"), list).unwrap();
    let rows: Vec<String> = home
        .rows()
        .iter()
        .map(|row| {
            let text = |key: &str| row[key].as_str().unwrap().to_owned();
            assert!(
                row["path"].as_str().unwrap().ends_with(&format!("_platform_{}", text("version")))
            );
            assert!(row["size"].as_u64().unwrap() > 0);
            format!("{} {} {}", text("name"), text("version"), text("origin"))
        })
        .collect();
    assert_eq!(
        rows,
        [
            "sniper 1 steam",
            "sniper 9 bathysphere",
            "sniper 8 bathysphere",
            "sniper 6 umu",
            "steamrt4 3 steam",
            "steamrt4-arm64 5 steam",
            "steamrt4-arm64 7 umu",
            "steamrt5 4 steam",
            "mine 10 bathysphere",
            "soldier 2 steam",
        ]
    );
    let table = home.run(&["runtime", "list"]).ok();
    assert_eq!(table.lines().count(), 11, "{table}");
    assert!(table.starts_with("NAME"), "{table}");
    // The small depots have no program interpreter: they are listed, and cannot be used.
    assert_eq!(table.matches("unusable").count(), 10, "{table}");
    home.run(&["runtime", "remove", "soldier"]).fails(125, "BS0001");
}

#[test]
fn nothing_is_there() {
    let home = Home::new();
    let outcome = home.run(&["runtime", "list"]);
    assert_eq!(outcome.ok(), "");
    assert!(outcome.stderr().contains("runtime add sniper"), "{}", outcome.account());
    assert_eq!(home.rows(), Vec::<Value>::new());
    let outcome = home.run(&["run", "--runtime", "steamrt7", "--", "true"]);
    outcome.fails(125, "BS0001");
    assert!(
        outcome.stderr().contains("`bathysphere runtime add steamrt7`"),
        "{}",
        outcome.account()
    );
    home.run(&["runtime", "gc"]).ok();
    home.run(&["runtime", "verify", "sniper"]).fails(125, "BS0001");
    home.run(&["runtime", "verify", "./"]).fails(125, "BS0017");
}

/// umu renames the entry point and adds its own files.
#[test]
fn umus_depot_is_verified() {
    let home = Home::new();
    let umu = home.at(".local/share/umu/steamrt3");
    depot::make(&umu, "1", 10);
    fs::rename(umu.join("_v2-entry-point"), umu.join("umu")).unwrap();
    fs::write(umu.join("umu-shim"), "").unwrap();
    home.run(&["runtime", "verify", "sniper"]).ok();
    home.run(&["runtime", "verify", umu.to_str().unwrap()]).ok();
    fs::write(umu.join("else"), "").unwrap();
    let outcome = home.run(&["runtime", "verify", "sniper"]);
    outcome.fails(1, "BS0076");
    assert!(outcome.stderr().contains("/else: not in the manifest"), "{}", outcome.account());
}

/// A game that another tool has started in the runtime, holding its lock.
#[test]
fn a_locked_runtime_stays() {
    let home = Home::new();
    let runtime = home.at(".local/share/bathysphere/runtimes/sniper/1");
    depot::make(&runtime, "1", 10);
    depot::make(&home.at(".local/share/bathysphere/runtimes/sniper/2"), "2", 10);
    let lock = runtime.join("sniper_platform_1/files/.ref");
    let game = holder(&lock);
    assert_eq!(home.rows()[1]["in_use"], true);
    assert_eq!(home.rows()[0]["in_use"], false);
    home.run(&["runtime", "remove", "sniper/1"]).fails(125, "BS0077");
    let gc = home.run(&["runtime", "gc"]);
    gc.ok();
    assert!(gc.stderr().contains("sniper 1 is in use"), "{}", gc.account());
    assert!(runtime.join("VERSIONS.txt").exists());
    drop(game);
    home.run(&["runtime", "gc"]).ok();
    assert!(!runtime.exists());
}

/// Copies in a variable directory, one of which is used.
#[test]
fn copies_are_collected() {
    let home = Home::new();
    let var = home.at("var");
    for name in ["tmp-used00", "tmp-unused"] {
        fs::create_dir_all(var.join(name).join("usr")).unwrap();
        fs::write(var.join(name).join("usr/.ref"), "").unwrap();
        std::os::unix::fs::symlink("usr/.ref", var.join(name).join(".ref")).unwrap();
    }
    let game = holder(&var.join("tmp-used00/.ref"));
    let gc = home.run(&["runtime", "gc", "--variable-dir", "var"]);
    gc.ok();
    assert!(gc.stderr().contains("1 copies deleted, 1 in use"), "{}", gc.account());
    assert!(var.join("tmp-used00").exists() && !var.join("tmp-unused").exists());
    drop(game);
}

/// A process that has `file` locked shared, as bwrap's --lock-file does.
fn holder(file: &Path) -> Holder {
    let mut bwrap = Command::new("bwrap");
    bwrap.args(["--bind", "/", "/", "--lock-file"]).arg(file);
    bwrap.args(["sh", "-c", "echo held; read line"]).stdin(Stdio::piped()).stdout(Stdio::piped());
    let mut child = bwrap.spawn().unwrap();
    let mut line = String::new();
    let stdout = child.stdout.take().unwrap();
    std::io::BufRead::read_line(&mut std::io::BufReader::new(stdout), &mut line).unwrap();
    assert_eq!(line, "held\n");
    Holder(child)
}

struct Holder(std::process::Child);

impl Drop for Holder {
    fn drop(&mut self) {
        drop(self.0.stdin.take());
        self.0.wait().unwrap();
    }
}

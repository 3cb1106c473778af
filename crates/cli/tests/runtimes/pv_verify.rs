//! `pv-verify`: each option and outcome.

use crate::depot;
use crate::support::{Outcome, program};
use std::fs;
use std::os::unix::fs::{PermissionsExt, symlink};
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

const PLATFORM: &str = "sniper_platform_1.2";

/// A depot with the program in it.
struct Scene {
    tmp: tempfile::TempDir,
    depot: PathBuf,
    tool: PathBuf,
}

impl Scene {
    fn new() -> Self {
        let tmp = tempfile::tempdir().unwrap();
        let depot = tmp.path().join("SteamLinuxRuntime_sniper");
        depot::make(&depot, "1.2", 1000);
        let tool = tmp.path().join("pv-verify");
        symlink(program(), &tool).unwrap();
        Self { tmp, depot, tool }
    }

    fn files(&self) -> PathBuf {
        self.depot.join(PLATFORM).join("files")
    }

    fn run(&self, words: &[&str]) -> Outcome {
        let mut command = Command::new(&self.tool);
        command.args(words).env_clear().env("SRT_LOG", "diffable").stdin(Stdio::null());
        Outcome::of(command.current_dir(self.tmp.path()))
    }
}

/// Words (`D`: the depot, `F`: its files, `M`: the manifest of the files), exit status, and what is said.
type Row = (&'static [&'static str], i32, &'static str);

const TABLE: &[Row] = &[
    (&["D"], 0, "is as"),
    (&["--", "D"], 0, "is as"),
    (&["D", "--quiet"], 0, ""),
    (&["--quiet", "--verbose", "D"], 0, "comparing"),
    (&["--verbose", "D"], 0, "bytes read"),
    (&["SteamLinuxRuntime_sniper"], 0, "is as"),
    (&["--minimized-runtime", "F"], 0, "is as"),
    (&["--minimized-runtime", "--quiet", "F"], 0, ""),
    (&["--minimized-runtime", "--mtree", "M", "F"], 0, "is as"),
    (&["--minimized-runtime", "--mtree=M", "F"], 0, "is as"),
    (&["--mtree", "M", "F"], 1, "/lib/empty: missing"),
    (&["F"], 1, "mtree.txt.gz cannot be read"),
    (&["--minimized-runtime", "D"], 1, "usr-mtree.txt.gz cannot be read"),
    (&["--mtree", "absent", "D"], 1, "absent cannot be read"),
    (&["--mtree", "SteamLinuxRuntime_sniper/VERSIONS.txt", "D"], 1, "is not `.` or a path"),
    (&["absent"], 1, "absent"),
    (&["D", "F"], 64, "usage: pv-verify"),
    (&["--unknown", "D"], 64, "unknown option `--unknown`"),
    (&["--mtree"], 64, "needs a value"),
    (&["--quiet=yes", "D"], 64, "unknown option"),
];

#[test]
fn options_and_outcomes() {
    let scene = Scene::new();
    let (depot, files) = (scene.depot.to_str().unwrap(), scene.files());
    let manifest = scene.depot.join(PLATFORM).join("usr-mtree.txt.gz");
    let manifest = manifest.to_str().unwrap();
    for (words, status, said) in TABLE {
        let whole = |word: &str| match word {
            "D" => depot.to_owned(),
            "F" => files.to_str().unwrap().to_owned(),
            word if word.ends_with('M') => word.replace('M', manifest),
            word => word.to_owned(),
        };
        let whole: Vec<String> = words.iter().map(|word| whole(word)).collect();
        let words: Vec<&str> = whole.iter().map(String::as_str).collect();
        let outcome = scene.run(&words);
        assert_eq!(outcome.status(), *status, "{}", outcome.account());
        assert_eq!(outcome.stdout(), "", "{}", outcome.account());
        match *said {
            "" => assert_eq!(outcome.stderr(), "", "{}", outcome.account()),
            said => assert!(outcome.stderr().contains(said), "{said}: {}", outcome.account()),
        }
    }
}

#[test]
fn what_it_is() {
    let scene = Scene::new();
    for (word, said) in [("--version", "Package: bathysphere"), ("--help", "--minimized-runtime")] {
        let outcome = scene.run(&[word]);
        assert!(outcome.ok().contains(said), "{}", outcome.account());
    }
}

/// How the depot is damaged.
type Damage = fn(&Path);

#[test]
fn damage_is_named() {
    let library = "lib/libnoise.so.1";
    let rows: &[(&str, Damage, &str)] = &[
        ("", |files| fs::remove_file(files.join("bin/tool")).unwrap(), "/bin/tool: missing"),
        (
            "",
            |files| fs::write(files.join("bin/tool"), "#!/bin/sx\n").unwrap(),
            "/bin/tool: its content",
        ),
        ("", |files| fs::write(files.join("bin/tool"), "").unwrap(), "/bin/tool: 0 bytes, not 10"),
        (
            "",
            |files| fs::write(files.join("ab/stored-1.bin"), "").unwrap(),
            "/Lib/x: 0 bytes, not 6",
        ),
        (
            "",
            |files| fs::write(files.join("lib/new"), "").unwrap(),
            "/lib/new: not in the manifest",
        ),
        ("", |files| symlink("sh", files.join("bin/link")).unwrap(), "/bin/link: leads to `sh`"),
        (
            "",
            |files| fs::create_dir(files.join("lib/empty")).unwrap(),
            "/lib/empty: not a regular file",
        ),
    ];
    for (_, damage, said) in rows {
        let scene = Scene::new();
        damage(&scene.files());
        let files = scene.files();
        let outcome = scene.run(&["--minimized-runtime", "--quiet", files.to_str().unwrap()]);
        assert_eq!(outcome.status(), 1, "{}", outcome.account());
        assert!(outcome.stderr().contains(said), "{said}: {}", outcome.account());
        assert!(outcome.stderr().contains("BS0076: 1 things"), "{}", outcome.account());
        assert!(outcome.stderr().contains("hint: "), "{}", outcome.account());
        // The files are none of the depot's business.
        assert_eq!(scene.run(&[scene.depot.to_str().unwrap()]).status(), 0);
    }
    let scene = Scene::new();
    // Modes and times are set when it is used.
    let mode = |path: &Path, mode| {
        fs::set_permissions(path, fs::Permissions::from_mode(mode)).unwrap();
    };
    mode(&scene.files().join("bin/tool"), 0o644);
    mode(&scene.files().join(library), 0o755);
    let files = scene.files();
    assert_eq!(scene.run(&["--minimized-runtime", files.to_str().unwrap()]).status(), 0);
    // In a depot they are not.
    mode(&scene.depot.join("_v2-entry-point"), 0o644);
    let outcome = scene.run(&[scene.depot.to_str().unwrap()]);
    assert!(outcome.stderr().contains("/_v2-entry-point: not executable"), "{}", outcome.account());
    assert_eq!(outcome.status(), 1);
}

/// Without a directory, the depot that the program is in.
#[test]
fn its_own_depot() {
    let scene = Scene::new();
    let bin = scene.depot.join("pressure-vessel/bin");
    fs::create_dir_all(&bin).unwrap();
    fs::copy(program(), bin.join("pv-verify")).unwrap();
    let run = || Outcome::of(Command::new(bin.join("pv-verify")).env_clear().current_dir("/"));
    let outcome = run();
    // The tool itself is not in this depot's manifest.
    assert_eq!(outcome.status(), 1, "{}", outcome.account());
    assert!(
        outcome.stderr().contains("/pressure-vessel: not in the manifest"),
        "{}",
        outcome.account()
    );
    let own = Outcome::of(
        Command::new(bin.join("pv-verify"))
            .env_clear()
            .args(["--minimized-runtime"])
            .arg(scene.files()),
    );
    own.ok();
}

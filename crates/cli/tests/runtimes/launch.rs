//! Launches with runtimes as Steam, umu and `runtime add` have them, and what happens to these meanwhile.

use crate::support::{Launch, Outcome, lab, need, program, sh};
use std::fs;
use std::io::{BufRead, BufReader};
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

/// A depot with the laboratory's runtime in it, made of hard links but for the lock file.
struct Depot {
    tmp: tempfile::TempDir,
}

impl Depot {
    fn new() -> Result<Self, String> {
        let runtime = lab("form-depot")?;
        let stores = lab(".stores")?;
        let tmp = tempfile::Builder::new().prefix("depot-").tempdir_in(stores);
        let tmp = tmp.map_err(|error| error.to_string())?;
        let platform = tmp.path().join("depot/sniper_platform_1.0");
        fs::create_dir_all(tmp.path().join("depot")).map_err(|error| error.to_string())?;
        let linked = Command::new("cp").arg("-al").arg(&runtime).arg(&platform).status();
        if !linked.is_ok_and(|status| status.success()) {
            return Err("the laboratory's files cannot be linked".into());
        }
        let lock = platform.join("files/.ref");
        let _ = fs::remove_file(&lock);
        fs::write(&lock, "").map_err(|error| error.to_string())?;
        fs::write(tmp.path().join("depot/VERSIONS.txt"), "").map_err(|error| error.to_string())?;
        Ok(Self { tmp })
    }

    fn at(&self, path: &str) -> PathBuf {
        self.tmp.path().join(path)
    }

    /// The depot is somewhere else now.
    fn moved(&self, from: &str, to: &str) -> PathBuf {
        let to = self.at(to);
        fs::create_dir_all(to.parent().unwrap()).unwrap();
        fs::rename(self.at(from), &to).unwrap();
        to
    }

    fn launch(&self) -> Launch {
        Launch::new()
            .env("BATHYSPHERE_RUNTIMES", self.at("runtimes"))
            .env("XDG_DATA_HOME", self.at("data"))
    }

    fn manage(&self, words: &[&str]) -> Outcome {
        let mut command = Command::new(program());
        command.arg("runtime").args(words).env_clear().stdin(Stdio::null());
        command.env("HOME", self.tmp.path()).env("PATH", "/usr/bin:/bin");
        command.env("BATHYSPHERE_RUNTIMES", self.at("runtimes"));
        Outcome::of(&mut command)
    }
}

/// What the laboratory's runtime says of itself.
const IS_THE_RUNTIME: &str = "grep -c bullseye /usr/lib/os-release && test ! -e /usr/lib/left-over-from-an-older-version.txt";

#[track_caller]
fn runs(launch: Launch, runtime: &Path) {
    let outcome = launch.runtime(runtime).run(&sh(IS_THE_RUNTIME));
    assert_eq!(outcome.ok().lines().count(), 1, "{}", outcome.account());
}

#[test]
fn wherever_the_depot_is() {
    let depot = need!(Depot::new());
    // As it was delivered, and the platform in it.
    runs(depot.launch(), &depot.at("depot"));
    runs(depot.launch(), &depot.at("depot/sniper_platform_1.0"));
    // By its name, where `runtime add` puts it.
    let added = depot.moved("depot", "runtimes/sniper/1.0");
    runs(depot.launch(), Path::new("sniper"));
    runs(depot.launch(), &added);
    // By its name, where umu has it.
    let umu = depot.moved("runtimes/sniper/1.0", "data/umu/steamrt3");
    runs(depot.launch(), Path::new("sniper"));
    runs(depot.launch(), &umu);
    // In a home, as Steam has it.
    let launch = depot.launch();
    let steam = launch.home().join(".local/share/Steam/steamapps/common");
    fs::create_dir_all(&steam).unwrap();
    let moved = umu.with_file_name("SteamLinuxRuntime_7");
    fs::rename(&umu, &moved).unwrap();
    std::os::unix::fs::symlink(&moved, steam.join("SteamLinuxRuntime_7")).unwrap();
    runs(launch, Path::new("steamrt7"));
}

/// A game is running: neither we nor another tool may take its runtime away; and one that is being taken away
/// does not start.
#[test]
fn a_runtime_is_kept_while_a_game_runs() {
    let depot = need!(Depot::new());
    let python = Command::new("python3").arg("--version").output();
    need!(python.map_err(|error| format!("python3 cannot be started: {error}")));
    let added = depot.moved("depot", "runtimes/sniper/1.0");
    let lock = added.join("sniper_platform_1.0/files/.ref");
    let launch = depot.launch().runtime("sniper");
    let end = launch.home().join("end");
    let script = format!("echo started; while ! test -e {}; do sleep 0.05; done", end.display());
    let (mut command, _home) = launch.prepare(&sh(&script));
    let mut game = command.stdout(Stdio::piped()).spawn().unwrap();
    let mut line = String::new();
    BufReader::new(game.stdout.take().unwrap()).read_line(&mut line).unwrap();
    assert_eq!(line, "started\n");

    depot.manage(&["remove", "sniper"]).fails(125, "BS0077");
    let list = depot.manage(&["list"]).ok();
    assert!(list.contains("in use"), "{list}");
    // Another tool, with the plain system call: F_SETLK of Python, and bwrap's way.
    let python =
        "import fcntl,sys\nfcntl.lockf(open(sys.argv[1],'r+'), fcntl.LOCK_EX|fcntl.LOCK_NB)";
    let other = |path: &Path| Command::new("python3").args(["-c", python]).arg(path).output();
    let refused = other(&lock).unwrap();
    let said = String::from_utf8_lossy(&refused.stderr).into_owned();
    assert!(said.contains("BlockingIOError"), "{said}");

    fs::write(&end, "").unwrap();
    assert!(game.wait().unwrap().success());
    assert!(other(&lock).unwrap().status.success());
    // Being deleted by another tool: no game starts in it.
    let python = "import fcntl,sys\nf=open(sys.argv[1],'r+')\nfcntl.lockf(f, fcntl.LOCK_EX)\nprint('held',flush=True)\nsys.stdin.read()";
    let mut deleting = Command::new("python3")
        .args(["-c", python])
        .arg(&lock)
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();
    let mut line = String::new();
    BufReader::new(deleting.stdout.take().unwrap()).read_line(&mut line).unwrap();
    assert_eq!(line, "held\n");
    depot.launch().runtime("sniper").run(&["true"]).fails(125, "BS0018");
    depot.manage(&["remove", "sniper"]).fails(125, "BS0077");
    drop(deleting.stdin.take());
    deleting.wait().unwrap();
    depot.manage(&["remove", "sniper"]).ok();
    assert!(!added.exists());
    depot.launch().runtime("sniper").run(&["true"]).fails(125, "BS0001");
}

/// The manifest's times are those of the files, also of empty ones, which Steam does not deliver; in an overlay
/// and in a tree.
#[test]
fn empty_files_have_their_times() {
    const FILE: &str = "lib/python3.9/urllib/__init__.py";
    let depot = need!(Depot::new());
    let platform = depot.at("depot/sniper_platform_1.0");
    assert!(!platform.join("files").join(FILE).exists());
    let listed = Command::new("zcat").arg(platform.join("usr-mtree.txt.gz")).output().unwrap();
    let listed = String::from_utf8(listed.stdout).unwrap();
    let line = listed.lines().find(|line| line.starts_with(&format!("./{FILE} "))).unwrap();
    assert!(line.contains("size=0"), "{line}");
    let (_, time) = line.split_once("time=").unwrap();
    let time = time.split('.').next().unwrap();
    for stacking in ["overlay", "tree"] {
        let launch = depot.launch().runtime(depot.at("depot")).pair("--stacking", stacking);
        let command = ["stat", "-c", "%s %Y", &format!("/usr/{FILE}")];
        assert_eq!(launch.run(&command).ok(), format!("0 {time}\n"), "{stacking}");
    }
}

/// What a copy has beyond the runtime: its lock, the overrides, and where some linkers look.
const OURS: &[&str] = &["/.ref", "/lib/pressure-vessel", "/share/defaults"];

/// What `--copy-runtime --only-prepare` leaves is held against the depot's manifest: it has all of it, but for
/// what the host's libraries replace.
#[test]
fn a_copy_is_complete() {
    let runtime = need!(lab("form-depot"));
    let stores = need!(lab(".stores"));
    let tmp = tempfile::Builder::new().prefix("copy-").tempdir_in(stores).unwrap();
    let named = |name: &str| {
        let path = tmp.path().join(name);
        std::os::unix::fs::symlink(program(), &path).unwrap();
        let mut command = Command::new(path);
        command.env_clear().env("PATH", "/usr/bin:/bin").env("HOME", tmp.path());
        command.env("SRT_LOG", "diffable").current_dir("/").stdin(Stdio::null());
        command
    };
    let var = tmp.path().join("var");
    let mut wrap = named("pressure-vessel-wrap");
    wrap.args(["--copy-runtime", "--only-prepare", "--variable-dir"]).arg(&var);
    wrap.arg("--runtime").arg(&runtime).args(["--", "true"]);
    wrap.env("BATHYSPHERE_STORE", tmp.path().join("store"));
    Outcome::of(&mut wrap).ok();
    let copies: Vec<PathBuf> = fs::read_dir(&var).unwrap().map(|e| e.unwrap().path()).collect();
    let [copy] = copies.iter().filter(|p| !p.ends_with(".ref")).collect::<Vec<_>>()[..] else {
        panic!("{copies:?}");
    };
    assert!(copy.join("overrides/lib").exists() && copy.join("lib/os-release").exists());
    let mut verify = named("pv-verify");
    verify.arg("--mtree").arg(runtime.join("usr-mtree.txt.gz")).arg(copy.join("usr"));
    let verified = Outcome::of(&mut verify);
    assert_eq!(verified.status(), 1, "{}", verified.account());
    let said = verified.stderr();
    let differences = said.lines().filter_map(|line| line.strip_prefix("pv-verify: W: "));
    let is_link = |path: &str| {
        let path = copy.join("usr").join(path.trim_start_matches('/'));
        path.ancestors().any(|p| p.is_symlink() && p.starts_with(copy.join("usr")))
    };
    let mut count = 0;
    for difference in differences {
        let (path, fault) = difference.split_once(": ").unwrap();
        let expected = match fault {
            "not in the manifest" => OURS.contains(&path) || is_link(path),
            // A library of the host's takes its place, by the linker's cache.
            "missing" => path.starts_with("/lib/"),
            "not a regular file" | "not a directory" => is_link(path),
            _ => false,
        };
        assert!(expected, "{difference}");
        count += 1;
    }
    assert!(count > 10 && count < 1000, "{}", verified.account());
}

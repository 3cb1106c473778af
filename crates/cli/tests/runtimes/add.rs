//! Downloads from a server with the published layout, whole and broken.

use crate::depot::{self, ARCHIVE};
use crate::server::{Fault, Server};
use crate::support::{Outcome, program};
use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

const VERSION: &str = "3.0.20260101.7";

/// A home, a server, and what the server has.
struct Scene {
    home: tempfile::TempDir,
    server: Server,
    archive: Vec<u8>,
}

impl Scene {
    fn new(bulk: usize) -> Self {
        let home = tempfile::tempdir().unwrap();
        let server = Server::start();
        let archive = depot::archive(VERSION, bulk);
        depot::publish(&server, VERSION, &archive);
        Self { home, server, archive }
    }

    fn command(&self, words: &[&str]) -> Command {
        let mut command = Command::new(program());
        command.arg("runtime").args(words).env_clear().current_dir(self.home.path());
        command.env("HOME", self.home.path()).env("PATH", "/usr/bin:/bin").stdin(Stdio::null());
        command.env("BATHYSPHERE_MIRROR", &self.server.url);
        command
    }

    fn run(&self, words: &[&str]) -> Outcome {
        Outcome::of(&mut self.command(words))
    }

    fn runtimes(&self) -> PathBuf {
        self.home.path().join(".local/share/bathysphere/runtimes")
    }

    fn added(&self) -> PathBuf {
        self.runtimes().join("sniper").join(VERSION)
    }

    fn archive_path(&self) -> String {
        depot::path(VERSION, ARCHIVE)
    }

    /// The downloads that are kept.
    fn parts(&self) -> Vec<Vec<u8>> {
        let entries = fs::read_dir(self.runtimes().join(".parts")).into_iter().flatten();
        entries.map(|e| fs::read(e.unwrap().path()).unwrap()).collect()
    }

    /// Asserts that there is no runtime, and nothing half of one.
    #[track_caller]
    fn nothing_added(&self) {
        assert!(!self.runtimes().join("sniper").exists(), "a half runtime");
        let drafts = fs::read_dir(self.runtimes().join(".drafts")).into_iter().flatten();
        assert_eq!(drafts.count(), 0, "a draft is left");
    }

    /// Asserts that the runtime is there, as it was published, and nothing else.
    #[track_caller]
    fn all_added(&self) {
        let verified = self.run(&["verify", "sniper"]);
        verified.ok();
        assert_eq!(
            verified.stderr().matches("entries are as").count(),
            2,
            "{}",
            verified.account()
        );
        assert_eq!(self.parts(), Vec::<Vec<u8>>::new());
    }
}

#[test]
fn downloads_verifies_and_removes() {
    let scene = Scene::new(300_000);
    let added = scene.run(&["add", "sniper"]);
    added.ok();
    assert!(added.stderr().contains("downloading: 100 %"), "{}", added.account());
    assert!(added.stderr().contains(&format!("sniper {VERSION} is in")), "{}", added.account());
    assert_eq!(added.stdout(), "");
    scene.all_added();
    // Again: nothing is downloaded.
    let again = scene.run(&["add", "sniper"]);
    again.ok();
    assert!(again.stderr().contains("there already"), "{}", again.account());
    assert_eq!(scene.server.offsets(&scene.archive_path()), [0]);
    // A newer one beside it, and the older one goes when it is tidied.
    let newer = "3.0.20260101.10";
    depot::publish(&scene.server, newer, &depot::archive(newer, 1000));
    scene.run(&["add", "sniper"]).ok();
    let list = scene.run(&["list", "--json"]).ok();
    assert!(list.find(newer).unwrap() < list.find(VERSION).unwrap(), "{list}");
    let gc = scene.run(&["gc"]);
    gc.ok();
    assert!(gc.stderr().contains(&format!("deleted sniper {VERSION}")), "{}", gc.account());
    assert!(!scene.added().exists());
    // What was published under a name of its own.
    scene.run(&["add", "sniper", "--snapshot", VERSION]).fails(125, "BS0074");
    scene.server.put(&depot::path(VERSION, "VERSION.txt"), VERSION.as_bytes());
    scene.run(&["add", "sniper", "--snapshot", VERSION]).ok();
    scene.run(&["remove", &format!("sniper/{VERSION}")]).ok();
    assert!(!scene.added().exists());
    scene.run(&["remove", "sniper"]).ok();
    scene.run(&["remove", "sniper"]).fails(125, "BS0001");
}

#[test]
fn a_broken_connection_is_gone_on_with() {
    let scene = Scene::new(500_000);
    let path = scene.archive_path();
    scene.server.fault(&path, Some(Fault::CutAfter(200_000)));
    let added = scene.run(&["add", "sniper"]);
    added.ok();
    scene.all_added();
    let offsets = scene.server.offsets(&path);
    assert!(offsets.len() > 2 && offsets.windows(2).all(|pair| pair[0] < pair[1]), "{offsets:?}");
}

#[test]
fn a_server_that_sends_nothing_more() {
    let scene = Scene::new(300_000);
    let path = scene.archive_path();
    for fault in [Fault::CutAfter(0), Fault::Status(500), Fault::Status(403), Fault::Status(404)] {
        scene.server.fault(&path, Some(fault));
        scene.run(&["add", "sniper"]).fails(125, "BS0074");
        scene.nothing_added();
    }
    scene.server.fault(&path, None);
    for file in ["SHA256SUMS", ARCHIVE] {
        let scene = Scene::new(10);
        scene.server.remove(&depot::path(VERSION, file));
        let failed = scene.run(&["add", "sniper"]);
        failed.fails(125, "BS0074");
        assert!(failed.stderr().contains("404"), "{}", failed.account());
        scene.nothing_added();
    }
    scene.server.put(&depot::path("latest-public-stable", "VERSION.txt"), b"../../etc\n");
    scene.run(&["add", "sniper"]).fails(125, "BS0074");
    scene.server.put(&depot::path("latest-public-stable", "VERSION.txt"), VERSION.as_bytes());
    scene.server.put(&depot::path(VERSION, "SHA256SUMS"), b"0000  another\n");
    scene.run(&["add", "sniper"]).fails(125, "BS0074");
    scene.nothing_added();
}

#[test]
fn what_is_not_what_was_published() {
    let scene = Scene::new(300_000);
    let path = scene.archive_path();
    let mut corrupt = scene.archive.clone();
    corrupt[150_000] ^= 1;
    let longer = [&scene.archive[..], b"more"].concat();
    let shorter = &scene.archive[..scene.archive.len() - 4];
    for content in [&corrupt[..], &longer, shorter, b""] {
        scene.server.put(&path, content);
        scene.run(&["add", "sniper"]).fails(125, "BS0075");
        scene.nothing_added();
        assert_eq!(scene.parts(), [b""], "what is wrong is not kept");
    }
    // A published archive that is damaged, has nothing in it, or leads out: its sum is right.
    let cut = scene.archive[..200_000].to_vec();
    for (archive, why) in
        [(cut, "archive"), (b"plain text".to_vec(), "cut off"), (vec![0; 1024], "neither")]
    {
        depot::publish(&scene.server, VERSION, &archive);
        let failed = scene.run(&["add", "sniper"]);
        failed.fails(125, "BS0075");
        assert!(failed.stderr().contains(why), "{}", failed.account());
        scene.nothing_added();
    }
    depot::publish(&scene.server, VERSION, &scene.archive);
    scene.run(&["add", "sniper"]).ok();
    assert!(scene.added().exists());
}

#[test]
fn slow_and_without_parts() {
    let scene = Scene::new(100_000);
    scene.server.fault(&scene.archive_path(), Some(Fault::Slow));
    scene.run(&["add", "sniper"]).ok();
    scene.all_added();
    // A server that knows no parts: what was kept is of no use.
    let scene = Scene::new(100_000);
    scene.keep(&scene.archive[..5000]);
    scene.server.fault(&scene.archive_path(), Some(Fault::NoParts));
    scene.run(&["add", "sniper"]).ok();
    scene.all_added();
}

impl Scene {
    /// As an earlier download would have left it.
    fn keep(&self, part: &[u8]) {
        use sha2::{Digest, Sha256};
        let digest = Sha256::digest(&self.archive);
        let name: String = digest.iter().map(|byte| format!("{byte:02x}")).collect();
        let parts = self.runtimes().join(".parts");
        fs::create_dir_all(&parts).unwrap();
        fs::write(parts.join(name), part).unwrap();
    }
}

#[test]
fn what_was_kept_is_used() {
    let whole = Scene::new(100_000).archive;
    let other = vec![7; 5000];
    let too_much = [&whole[..], b"more"].concat();
    for (part, want) in [
        (&whole[..5000], &[5000][..]),
        (&whole[..], &[]),
        (&other, &[5000, 0]),
        (&too_much, &[100, 0]),
    ] {
        let scene = Scene::new(100_000);
        assert!(scene.archive == whole, "the archive is the same each time");
        scene.keep(part);
        scene.run(&["add", "sniper"]).ok();
        scene.all_added();
        let offsets = scene.server.offsets(&scene.archive_path());
        let want: Vec<u64> =
            want.iter().map(|n| if *n == 100 { too_much.len() as u64 } else { *n }).collect();
        assert_eq!(offsets, want);
    }
}

#[test]
fn killed_in_between() {
    let scene = Scene::new(400_000);
    let path = scene.archive_path();
    scene.server.fault(&path, Some(Fault::HoldAfter(150_000)));
    let mut child = scene.command(&["add", "sniper"]).stderr(Stdio::null()).spawn().unwrap();
    scene.server.wait_until_held();
    // What was sent has been written when it is in the file.
    while scene.parts().first().is_none_or(|part| part.len() < 150_000) {
        assert!(child.try_wait().unwrap().is_none(), "it ended by itself");
        std::thread::sleep(std::time::Duration::from_millis(5));
    }
    child.kill().unwrap();
    child.wait().unwrap();
    scene.server.go_on();
    scene.nothing_added();
    assert!(scene.run(&["list"]).stderr().contains("no runtime is installed"));
    scene.server.fault(&path, None);
    scene.run(&["add", "sniper"]).ok();
    scene.all_added();
    assert_eq!(scene.server.offsets(&path), [0, 150_000]);
}

#[test]
fn two_at_once() {
    let scene = Scene::new(200_000);
    let path = scene.archive_path();
    scene.server.fault(&path, Some(Fault::HoldAfter(1000)));
    let start = || {
        scene
            .command(&["add", "sniper"])
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .unwrap()
    };
    let first = start();
    scene.server.wait_until_held();
    let mut second = start();
    // It says that it waits, and then the first may go on.
    use std::io::{BufRead, BufReader, Read};
    let mut said = BufReader::new(second.stderr.take().unwrap());
    let mut line = String::new();
    said.read_line(&mut line).unwrap();
    assert!(line.contains("waiting for another process"), "{line}");
    scene.server.go_on();
    assert!(first.wait_with_output().unwrap().status.success());
    said.read_to_string(&mut line).unwrap();
    assert!(second.wait().unwrap().success(), "{line}");
    assert!(line.contains("there already"), "{line}");
    assert_eq!(scene.server.offsets(&path), [0]);
    scene.all_added();
}

/// In a namespace of its own, with a small file system where the runtimes are.
#[test]
fn disk_full() {
    let scene = Scene::new(3_000_000);
    fs::create_dir_all(scene.runtimes()).unwrap();
    for (size, what) in [("1m", "downloaded"), ("5m", "unpacked")] {
        let script = format!(
            "mount -t tmpfs -o size={size},mode=700 none {0} && \"$@\"; s=$?; \
             ls -A {0} {0}/.drafts {0}/sniper 2>/dev/null; exit $s",
            scene.runtimes().display()
        );
        let mut command = Command::new("unshare");
        command
            .args(["-Urm", "sh", "-c", &script, "sh"])
            .arg(program())
            .args(["runtime", "add", "sniper"]);
        command
            .env_clear()
            .env("HOME", scene.home.path())
            .env("PATH", "/usr/bin:/bin:/usr/sbin:/sbin");
        command.env("BATHYSPHERE_MIRROR", &scene.server.url).current_dir(scene.home.path());
        let output = Outcome::of(&mut command);
        if output.stderr().contains("unshare") || output.stderr().contains("mount:") {
            crate::support::need!(Err::<(), _>("no mounts in a user namespace here".to_owned()));
        }
        assert_eq!(output.status(), 125, "{what}: {}", output.account());
        assert!(output.stderr().contains("BS0013"), "{what}: {}", output.account());
        assert!(output.stderr().contains("hint: free some space"), "{what}: {}", output.account());
        assert!(!output.stdout().contains(VERSION), "{what}: {}", output.account());
        assert!(!output.stdout().contains("new-"), "{what}: {}", output.account());
    }
}

#[test]
fn programs_that_are_missing() {
    let scene = Scene::new(1000);
    let tools = scene.home.path().join("tools");
    fs::create_dir(&tools).unwrap();
    let link = |name: &str| {
        let from = ["/usr/bin", "/bin"].map(|dir| Path::new(dir).join(name));
        let from = from.iter().find(|path| path.exists()).unwrap();
        std::os::unix::fs::symlink(from, tools.join(name)).unwrap();
    };
    let run = || Outcome::of(scene.command(&["add", "sniper"]).env("PATH", &tools));
    let failed = run();
    failed.fails(125, "BS0079");
    assert!(failed.stderr().contains("curl or wget"), "{}", failed.account());
    if !Path::new("/usr/bin/wget").exists() {
        crate::support::need!(Err::<(), _>("wget is not installed".to_owned()));
    }
    link("wget");
    let failed = run();
    failed.fails(125, "BS0079");
    assert!(failed.stderr().contains("xz cannot be run"), "{}", failed.account());
    scene.nothing_added();
    // The archive is there by now, and is not asked for again.
    link("xz");
    run().ok();
    scene.all_added();
    assert_eq!(scene.server.offsets(&scene.archive_path()), [0]);
}

#[test]
fn wget_does_it_too() {
    if !Path::new("/usr/bin/wget").exists() {
        crate::support::need!(Err::<(), _>("wget is not installed".to_owned()));
    }
    let scene = Scene::new(300_000);
    let tools = scene.home.path().join("tools");
    fs::create_dir(&tools).unwrap();
    for name in ["wget", "xz"] {
        std::os::unix::fs::symlink(Path::new("/usr/bin").join(name), tools.join(name)).unwrap();
    }
    let path = scene.archive_path();
    let run = || Outcome::of(scene.command(&["add", "sniper"]).env("PATH", &tools));
    scene.server.fault(&path, Some(Fault::Status(404)));
    let failed = run();
    failed.fails(125, "BS0074");
    assert!(failed.stderr().contains("404"), "{}", failed.account());
    scene.server.fault(&path, Some(Fault::CutAfter(100_000)));
    let added = run();
    added.ok();
    let offsets = scene.server.offsets(&path);
    assert!(offsets.contains(&100_000), "{offsets:?} {}", added.account());
    scene.all_added();
}

#[test]
fn from_this_machine() {
    let scene = Scene::new(50_000);
    let xz = scene.home.path().join("SteamLinuxRuntime_sniper.tar.xz");
    fs::write(&xz, &scene.archive).unwrap();
    scene.run(&["add", xz.to_str().unwrap()]).ok();
    scene.all_added();
    assert!(scene.added().join("_v2-entry-point").exists());
    // The same once more is no other.
    scene.run(&["add", xz.to_str().unwrap()]).fails(2, "BS0020");
    scene.run(&["add", xz.to_str().unwrap(), "--name", "mine"]).ok();
    // A directory, and an archive with gzip and without compression; relative names.
    let depot = scene.home.path().join("SteamLinuxRuntime_5");
    depot::make(&depot, "5.0", 10);
    scene.run(&["add", "./SteamLinuxRuntime_5"]).ok();
    for (option, name) in [("-czf", "plain.tar.gz"), ("-cf", "bare.tar")] {
        let mut tar = Command::new("tar");
        tar.current_dir(scene.home.path()).args([option, name, "SteamLinuxRuntime_5"]);
        assert!(tar.status().unwrap().success());
        scene.run(&["add", &format!("./{name}")]).ok();
    }
    let list = scene.run(&["list", "--json"]).ok();
    let list: serde_json::Value = serde_json::from_str(&list).unwrap();
    let rows = list.as_array().unwrap().iter();
    let mut names: Vec<_> = rows
        .map(|row| {
            format!("{} {}", row["name"].as_str().unwrap(), row["version"].as_str().unwrap())
        })
        .collect();
    names.sort();
    assert_eq!(
        names,
        ["bare 5.0", "mine 3.0.20260101.7", "plain 5.0", "sniper 3.0.20260101.7", "steamrt5 5.0"]
    );
    // What was added does not change with what it was added from.
    fs::write(depot.join("VERSIONS.txt"), "changed").unwrap();
    scene.run(&["verify", "steamrt5"]).ok();
    assert_eq!(scene.run(&["verify", "./SteamLinuxRuntime_5"]).status(), 1);
    for (what, status, code) in [
        ("./absent", 125, "BS0001"),
        ("./SteamLinuxRuntime_5/VERSIONS.txt", 2, "BS0020"),
        ("./tools", 125, "BS0075"),
        ("nonsense", 2, "BS0020"),
    ] {
        fs::create_dir_all(scene.home.path().join("tools/empty")).unwrap();
        let name = ["./SteamLinuxRuntime_5/VERSIONS.txt"].contains(&what);
        let mut words = vec!["add", what];
        if name {
            words.extend(["--name", "a b"]);
        }
        scene.run(&words).fails(status, code);
    }
}

#[test]
fn what_cannot_be_written() {
    let scene = Scene::new(10);
    let closed = scene.home.path().join("closed");
    fs::write(&closed, "a file").unwrap();
    let failed = Outcome::of(
        scene.command(&["add", "sniper"]).env("BATHYSPHERE_RUNTIMES", closed.join("below")),
    );
    failed.fails(125, "BS0078");
    for words in
        [&["add", "sniper", "--mirror", "file:///x"][..], &["add", "sniper", "--snapshot", "a/b"]]
    {
        scene.run(words).fails(2, "BS0020");
    }
}

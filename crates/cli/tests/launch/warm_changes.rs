//! What a remembered launch must notice, and what it must not mind.
//!
//! Each change is made under launches that are warm, which `--timings` tells, and after each the launches
//! become warm again.

use crate::support::{Launch, lab, need, sh};
use std::ffi::OsString;
use std::fs;
use std::os::unix::fs::symlink;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::time::Duration;

/// A runtime that may be changed: hard links to one of the laboratory, so nothing may be edited in place that
/// was not written anew before.
struct Copy {
    directory: tempfile::TempDir,
}

impl Copy {
    fn of(name: &str) -> Result<Self, String> {
        let from = lab(name)?;
        let near = lab(".stores")?;
        let directory = tempfile::Builder::new().prefix("copy-").tempdir_in(near);
        let copy = Self { directory: directory.map_err(|error| error.to_string())? };
        copy.link(&from, "root")?;
        Ok(copy)
    }

    fn link(&self, from: &Path, name: &str) -> Result<(), String> {
        let mut cp = Command::new("cp");
        cp.arg("-al").arg(from).arg(self.directory.path().join(name)).stderr(Stdio::null());
        let done = cp.status().is_ok_and(|status| status.success());
        if done { Ok(()) } else { Err(format!("{} cannot be linked to", from.display())) }
    }

    fn root(&self) -> PathBuf {
        self.directory.path().join("root")
    }

    fn at(&self, path: &str) -> PathBuf {
        self.root().join(path)
    }
}

/// Writes a file anew, so that what it was linked to stays.
fn replace(path: &Path, content: &[u8]) {
    let aside = path.with_extension("aside");
    fs::write(&aside, content).unwrap();
    fs::rename(&aside, path).unwrap();
}

/// What there is to change.
struct Scene {
    provider: Copy,
    runtime: Copy,
    home: tempfile::TempDir,
    variables: Vec<(&'static str, OsString)>,
    store: tempfile::TempDir,
}

impl Scene {
    fn new() -> Result<Self, String> {
        let home = tempfile::tempdir().map_err(|error| error.to_string())?;
        fs::create_dir_all(home.path().join(".local/share")).map_err(|error| error.to_string())?;
        let provider = Copy::of("runtime-bullseye")?;
        let conf = provider.at("etc/ld.so.conf.d/libc.conf");
        let content = fs::read(&conf).map_err(|error| error.to_string())?;
        replace(&conf, &content);
        Ok(Self {
            runtime: Copy::of("runtime-bullseye")?,
            provider,
            home,
            variables: vec![],
            store: tempfile::tempdir().map_err(|error| error.to_string())?,
        })
    }

    /// Launches, and says what was printed and how the launch came about.
    fn launch(&self, command: &[&str]) -> (String, How) {
        let mut launch = Launch::new()
            .runtime(self.runtime.root())
            .pair("--graphics-provider", self.provider.root())
            .store(self.store.path())
            .env("HOME", self.home.path())
            .in_directory(self.home.path())
            .option("--timings");
        for (name, value) in &self.variables {
            launch = launch.env(name, value);
        }
        let outcome = launch.run(command);
        let said = outcome.stderr();
        let changed = said.lines().find_map(|line| {
            let path = line.strip_suffix(" has changed: deciding anew")?;
            path.strip_prefix("bathysphere: ").map(PathBuf::from)
        });
        let how = match changed {
            Some(path) => How::Changed(path),
            None if said.contains("timing: compose") => How::Composed,
            None => How::Remembered,
        };
        (outcome.ok(), how)
    }

    /// Launches until launches are warm. What was changed just now is not relied on.
    fn warm_up(&self, command: &[&str]) {
        for _ in 0..8 {
            if self.launch(command).1 == How::Remembered {
                return;
            }
            std::thread::sleep(Duration::from_millis(1500));
        }
        panic!("launches do not become warm: {:?}", self.launch(command));
    }
}

#[derive(Debug, PartialEq, Eq)]
enum How {
    Remembered,
    Composed,
    Changed(PathBuf),
}

/// Whether a change must be noticed.
enum Want {
    Noticed,
    Ignored,
}

type Change = fn(&mut Scene);

const CHANGES: &[(&str, Change, Want)] = &[
    (
        "a driver is updated",
        |s| {
            let driver = s.provider.at("usr/lib/x86_64-linux-gnu/libdrm.so.2.4.0");
            let mut content = fs::read(&driver).unwrap();
            content.push(0);
            replace(&driver, &content);
        },
        Want::Noticed,
    ),
    (
        "a driver of the same size and time takes the place of another",
        |s| {
            let driver = s.provider.at("usr/lib/x86_64-linux-gnu/libdrm.so.2.4.0");
            let old = fs::metadata(&driver).unwrap().modified().unwrap();
            let content = fs::read(&driver).unwrap();
            let aside = driver.with_extension("aside");
            fs::write(&aside, content).unwrap();
            fs::File::open(&aside).unwrap().set_modified(old).unwrap();
            fs::rename(&aside, &driver).unwrap();
        },
        Want::Noticed,
    ),
    (
        "a hard link is made to a driver",
        |s| {
            let driver = s.provider.at("usr/lib/x86_64-linux-gnu/libdrm.so.2.4.0");
            fs::hard_link(driver, s.provider.at("usr/share/doc/a-link")).unwrap();
        },
        Want::Ignored,
    ),
    (
        "a driver appears where one was looked for",
        |s| {
            let from = s.provider.at("usr/lib/x86_64-linux-gnu/libdrm.so.2.4.0");
            fs::copy(from, s.provider.at("usr/lib/x86_64-linux-gnu/libGLX_new.so.0")).unwrap();
        },
        Want::Noticed,
    ),
    (
        "a Vulkan layer is installed in the home directory",
        |s| {
            let layers = s.home.path().join(".local/share/vulkan/implicit_layer.d");
            fs::create_dir_all(&layers).unwrap();
            fs::write(layers.join("new.json"), "{}").unwrap();
        },
        Want::Noticed,
    ),
    (
        "something unrelated appears in the home directory",
        |s| fs::write(s.home.path().join("notes.txt"), "x").unwrap(),
        Want::Ignored,
    ),
    (
        "XDG_DATA_DIRS is changed",
        |s| s.variables.push(("XDG_DATA_DIRS", "/opt/share:/usr/share".into())),
        Want::Noticed,
    ),
    (
        "a terminal's variable is changed",
        |s| s.variables.push(("WINDOWID", "77".into())),
        Want::Ignored,
    ),
    (
        "a file of ld.so.conf.d is edited in place",
        |s| {
            let conf = s.provider.at("etc/ld.so.conf.d/libc.conf");
            let mut text = fs::read(&conf).unwrap();
            text.extend(b"/opt/lib\n");
            fs::write(conf, text).unwrap();
        },
        Want::Noticed,
    ),
    (
        "the runtime is replaced by another copy",
        |s| {
            let old = s.runtime.directory.path().join("old");
            fs::rename(s.runtime.root(), &old).unwrap();
            s.runtime.link(&old, "root").unwrap();
            // Hard links have the inodes and times of what was there. Only directories differ.
            let release = s.runtime.at("usr/lib/os-release");
            let content = fs::read(&release).unwrap();
            replace(&release, &content);
        },
        Want::Noticed,
    ),
    (
        "the runtime becomes a link to itself elsewhere",
        |s| {
            let moved = s.runtime.directory.path().join("moved");
            fs::rename(s.runtime.root(), &moved).unwrap();
            symlink(moved, s.runtime.root()).unwrap();
        },
        Want::Noticed,
    ),
];

#[test]
fn changes_are_noticed() {
    let mut scene = need!(Scene::new());
    let command = ["/usr/bin/true"];
    for (what, change, want) in CHANGES {
        scene.warm_up(&command);
        change(&mut scene);
        let how = scene.launch(&command).1;
        match want {
            Want::Noticed => assert_ne!(how, How::Remembered, "{what}"),
            Want::Ignored => assert_eq!(how, How::Remembered, "{what}"),
        }
    }
}

/// The plan is the same with and without the variables that are not part of the question.
#[test]
fn unread_variables_decide_nothing() {
    let runtime = need!(lab("runtime-bullseye"));
    let home = tempfile::tempdir().unwrap();
    let plan = |variable: Option<(&str, &str)>| {
        let mut launch = Launch::verb("plan")
            .pair("--format", "json")
            .runtime(&runtime)
            .env("HOME", home.path())
            .in_directory(home.path());
        if let Some((name, value)) = variable {
            launch = launch.env(name, value);
        }
        launch.run(&["/usr/bin/true"]).ok()
    };
    let without = plan(None);
    for name in [
        "COLUMNS",
        "DESKTOP_STARTUP_ID",
        "GIO_LAUNCHED_DESKTOP_FILE_PID",
        "HYPERFINE_RANDOMIZED_ENVIRONMENT_OFFSET",
        "INVOCATION_ID",
        "JOURNAL_STREAM",
        "KONSOLE_DBUS_SESSION",
        "LINES",
        "LS_COLORS",
        "MANAGERPID",
        "OLDPWD",
        "SHELL_SESSION_ID",
        "SHLVL",
        "SSH_CLIENT",
        "SSH_CONNECTION",
        "SSH_TTY",
        "SYSTEMD_EXEC_PID",
        "TERM_SESSION_ID",
        "TMUX_PANE",
        "WINDOWID",
        "XDG_ACTIVATION_TOKEN",
        "_",
    ] {
        let value = "/usr/share/odd:77";
        assert!(plan(Some((name, value))) == without, "{name} decides something");
    }
}

/// Steam updates a depot in place, and a game may be running in it. The next launch has the new files; the
/// running game keeps its container.
#[test]
fn a_depot_is_updated_under_a_running_game() {
    let depot = need!(Copy::of("form-depot"));
    let store = tempfile::tempdir().unwrap();
    let home = tempfile::tempdir().unwrap();
    let launch = || {
        let launch = Launch::new().runtime(depot.root()).store(store.path());
        launch.env("HOME", home.path()).in_directory(home.path())
    };
    let seen = ["/bin/cat", "/usr/share/update"];
    let (mut game, _home) =
        launch().option("--interactive").prepare(&sh("read line; cat /usr/lib/os-release"));
    let game = game.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::null()).spawn();
    let mut game = game.unwrap();
    assert_eq!(launch().run(&seen).status(), 1, "it is not there yet");
    for number in 1..=2 {
        fs::write(depot.at("files/share/update"), format!("{number}")).unwrap();
        let manifest = depot.at("usr-mtree.txt.gz");
        let script = format!(
            "(zcat '{0}' | grep -v '^./share/update '; \
             echo './share/update type=file mode=644 size=1') | gzip >'{0}.new' && mv '{0}.new' '{0}'",
            manifest.display()
        );
        assert!(Command::new("sh").args(["-c", &script]).status().unwrap().success());
        assert_eq!(launch().run(&seen).ok(), format!("{number}"));
        assert_eq!(launch().run(&seen).ok(), format!("{number}"), "and again");
    }
    drop(game.stdin.take());
    let ended = game.wait_with_output().unwrap();
    assert!(String::from_utf8_lossy(&ended.stdout).contains("NAME="), "{ended:?}");
}

/// Launches that are killed at any moment, with others beside them, leave nothing that a later one stumbles
/// over.
#[test]
fn launches_are_killed_at_any_moment() {
    let runtime = need!(lab("runtime-bullseye"));
    let store = tempfile::tempdir().unwrap();
    let home = tempfile::tempdir().unwrap();
    let launch = || {
        let launch = Launch::new().runtime(&runtime).store(store.path());
        launch.env("HOME", home.path()).in_directory(home.path())
    };
    let script =
        sh("cat /usr/lib/os-release | grep -c NAME; readlink -e /etc/localtime >/dev/null");
    let want = launch().run(&script).ok();
    let rounds = 24;
    for round in 0..rounds {
        if round % 3 == 0 {
            // From an empty store again, but for what a running collection may still hold.
            for part in ["layers", "launches", "memo"] {
                let _ = fs::remove_dir_all(store.path().join(part));
            }
        }
        let start = || {
            let (mut command, home) = launch().prepare(&script);
            command.stdout(Stdio::piped()).stderr(Stdio::piped());
            (command.spawn().unwrap(), home)
        };
        let (mut victim, _kept) = start();
        let (other, _kept) = start();
        // Spread over what a cold launch takes here, and beyond.
        std::thread::sleep(Duration::from_millis(round * 19));
        let _ = victim.kill();
        victim.wait().unwrap();
        let other = other.wait_with_output().unwrap();
        let account = String::from_utf8_lossy(&other.stderr).into_owned();
        assert_eq!(String::from_utf8_lossy(&other.stdout), want, "{round}: {account}");
        assert_eq!(launch().run(&script).ok(), want, "{round}: afterwards");
    }
}

/// Damaged records are passed over: the launch is composed.
#[test]
fn damaged_records_are_passed_over() {
    let runtime = need!(lab("runtime-bullseye"));
    let store = tempfile::tempdir().unwrap();
    let home = tempfile::tempdir().unwrap();
    let launch = || {
        let launch = Launch::new().runtime(&runtime).store(store.path()).option("--timings");
        let outcome = launch.env("HOME", home.path()).in_directory(home.path());
        let outcome = outcome.run(&["/bin/echo", "ran"]);
        (outcome.ok(), outcome.stderr().contains("timing: compose"))
    };
    let mut warm = false;
    for _ in 0..8 {
        warm = launch() == ("ran\n".to_owned(), false);
        if warm {
            break;
        }
        std::thread::sleep(Duration::from_millis(1500));
    }
    assert!(warm, "launches do not become warm");
    let record = || {
        let mut records = fs::read_dir(store.path().join("launches")).unwrap();
        records.next().unwrap().unwrap().path()
    };
    let whole = fs::read(record()).unwrap();
    let mut torn = whole.clone();
    torn[whole.len() / 2..].fill(0);
    let mut elsewhere = whole.clone();
    // The layers' keys are hexadecimal digits: others that are no layers.
    let key = whole.windows(4).rposition(|w| w == b"\x28abc").unwrap_or(whole.len() - 1);
    elsewhere[key] ^= 1;
    for damaged in [&b""[..], &whole[..20], &whole[..whole.len() - 3], &torn, &elsewhere] {
        fs::write(record(), damaged).unwrap();
        assert_eq!(launch().0, "ran\n");
        assert_eq!(launch().0, "ran\n");
    }
}

//! A launch as a value, and what it needs around it: a home, a store, an X server.

use std::ffi::{OsStr, OsString};
use std::io::{BufRead, BufReader};
use std::os::unix::ffi::OsStrExt;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Output, Stdio};
use std::sync::OnceLock;

/// The executors; each test of the container's content goes through both.
pub(crate) const BACKENDS: &[&str] = &["builtin", "bwrap"];

/// The forms of a runtime in the laboratory.
pub(crate) const FORMS: &[&str] = &[
    "runtime-bullseye",
    "runtime-bullseye-nonmerged",
    "runtime-bullseye-hybrid",
    "form-flatpak",
    "form-usr",
    "form-depot",
];

fn variable(name: &str) -> Option<OsString> {
    std::env::var_os(name).filter(|v| !v.is_empty())
}

/// The program under test.
pub(crate) fn program() -> PathBuf {
    variable("BATHYSPHERE_BIN").map_or_else(|| env!("CARGO_BIN_EXE_bathysphere").into(), Into::into)
}

/// The static probe, or a reason to skip.
pub(crate) fn probe() -> Result<PathBuf, String> {
    let path: PathBuf = variable("BATHYSPHERE_PROBE")
        .ok_or("BATHYSPHERE_PROBE is not set (cargo xtask test sets it)")?
        .into();
    if path.exists() { Ok(path) } else { Err(format!("{} does not exist", path.display())) }
}

/// Which laboratory root this process runs in; `None`: the machine itself.
pub(crate) fn host_name() -> Option<String> {
    variable("BATHYSPHERE_TEST_HOST").map(|v| v.to_string_lossy().into_owned())
}

/// A root of the laboratory, or a reason to skip.
pub(crate) fn lab(name: &str) -> Result<PathBuf, String> {
    let lab = variable("BATHYSPHERE_LAB").unwrap_or("/var/cache/bathysphere/lab".into());
    let path = Path::new(&lab).join(name);
    if path.exists() {
        Ok(path)
    } else {
        Err(format!("{} does not exist: run `cargo xtask lab build`", path.display()))
    }
}

/// Unwraps, or skips the test visibly (fails where skipping is forbidden).
macro_rules! need {
    ($result:expr) => {
        match $result {
            Ok(value) => value,
            Err(reason) => {
                assert!(
                    std::env::var_os("BATHYSPHERE_NO_SKIP").is_none(),
                    "skipped where nothing may be: {reason}"
                );
                println!("SKIP: {}: {reason}", module_path!());
                return;
            }
        }
    };
}
pub(crate) use need;

/// What all launches of this process share: one store, so that only the first launch of a kind is a
/// cold one. It is on the laboratory's file system where that can be written, so that prepared trees
/// are hard links, as they are for a user whose Steam library and cache are on one file system.
fn shared_store() -> &'static Path {
    static STORE: OnceLock<tempfile::TempDir> = OnceLock::new();
    let make = || {
        let near = lab(".stores").and_then(|dir| {
            let made = tempfile::Builder::new().prefix("store-").tempdir_in(dir);
            made.map_err(|error| error.to_string())
        });
        near.or_else(|_| tempfile::tempdir()).expect("a directory for the store")
    };
    STORE.get_or_init(make).path()
}

/// An X server of our own.
pub(crate) struct XServer {
    child: Child,
    pub(crate) display: String,
}

impl Drop for XServer {
    fn drop(&mut self) {
        // It may have ended by itself; then there is nothing to do.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// Starts Xvfb on a free display. Without `-noreset` it starts anew whenever its last client has gone,
/// and refuses connections for that moment: `vulkaninfo` makes several, one after the other.
pub(crate) fn x_server() -> Result<XServer, String> {
    x_server_with(&[])
}

/// The same, with further arguments.
pub(crate) fn x_server_with(arguments: &[&OsStr]) -> Result<XServer, String> {
    let mut child = Command::new("Xvfb")
        .args(["-displayfd", "1", "-screen", "0", "640x480x24", "-nolisten", "tcp", "-noreset"])
        .args(arguments)
        .stdout(Stdio::piped())
        .stderr(Stdio::null())
        .spawn()
        .map_err(|error| format!("Xvfb cannot be started: {error}"))?;
    let mut line = String::new();
    let stdout = child.stdout.take().expect("it is piped");
    BufReader::new(stdout).read_line(&mut line).map_err(|error| format!("Xvfb: {error}"))?;
    if line.trim().is_empty() {
        return Err("Xvfb ended without a display".into());
    }
    Ok(XServer { child, display: format!(":{}", line.trim()) })
}

/// One launch.
pub(crate) struct Launch {
    command: Command,
    home: tempfile::TempDir,
}

impl Launch {
    /// `bathysphere run` with an empty home of its own, which is also the working directory.
    pub(crate) fn new() -> Self {
        Self::verb("run")
    }

    /// Another command of the program.
    pub(crate) fn verb(verb: &str) -> Self {
        Self::wrapped(verb, &[])
    }

    /// A command of the program, started by other words, whose last is the program's name.
    pub(crate) fn wrapped(verb: &str, words: &[OsString]) -> Self {
        let home = tempfile::Builder::new().prefix("home-").tempdir().expect("a home");
        let mut words = words.iter().cloned().chain([program().into_os_string()]);
        let mut command = Command::new(words.next().expect("there is the program"));
        command.args(words);
        command.env_clear();
        command.env("PATH", "/usr/bin:/bin:/usr/sbin:/sbin").env("LANG", "C.UTF-8");
        command.env("HOME", home.path()).env("BATHYSPHERE_STORE", shared_store());
        command.current_dir(home.path()).stdin(Stdio::null());
        command.arg(verb);
        Self { command, home }
    }

    pub(crate) fn home(&self) -> &Path {
        self.home.path()
    }

    pub(crate) fn option(mut self, option: impl AsRef<OsStr>) -> Self {
        self.command.arg(option);
        self
    }

    pub(crate) fn pair(self, option: &str, value: impl AsRef<OsStr>) -> Self {
        let mut whole = OsString::from(option);
        whole.push("=");
        whole.push(value);
        self.option(whole)
    }

    pub(crate) fn runtime(self, path: impl AsRef<OsStr>) -> Self {
        self.pair("--runtime", path)
    }

    pub(crate) fn backend(self, backend: &str) -> Self {
        self.pair("--backend", backend)
    }

    pub(crate) fn env(mut self, name: &str, value: impl AsRef<OsStr>) -> Self {
        self.command.env(name, value);
        self
    }

    pub(crate) fn in_directory(mut self, path: &Path) -> Self {
        self.command.current_dir(path);
        self
    }

    /// A store of its own, for tests about the store.
    pub(crate) fn store(self, path: &Path) -> Self {
        self.env("BATHYSPHERE_STORE", path)
    }

    /// The process, not started yet, for tests that want to hold it.
    pub(crate) fn prepare<S: AsRef<OsStr>>(
        mut self,
        command: &[S],
    ) -> (Command, tempfile::TempDir) {
        self.command.arg("--").args(command);
        (self.command, self.home)
    }

    /// Starts it and waits for its end.
    pub(crate) fn run<S: AsRef<OsStr>>(self, command: &[S]) -> Outcome {
        let (mut process, home) = self.prepare(command);
        Outcome { _home: Some(home), ..Outcome::of(&mut process) }
    }
}

/// What came of a launch.
pub(crate) struct Outcome {
    pub(crate) output: Output,
    shown: String,
    _home: Option<tempfile::TempDir>,
}

impl Outcome {
    /// Starts the program under test and waits for its end.
    pub(crate) fn of(process: &mut Command) -> Self {
        let shown = format!("{process:?}");
        let output = process.output().expect("the program under test starts");
        Self { output, shown, _home: None }
    }

    pub(crate) fn status(&self) -> i32 {
        self.output.status.code().unwrap_or(-1)
    }

    pub(crate) fn stdout(&self) -> String {
        String::from_utf8_lossy(&self.output.stdout).into_owned()
    }

    pub(crate) fn stderr(&self) -> String {
        String::from_utf8_lossy(&self.output.stderr).into_owned()
    }

    /// Everything there is to say about it, for failed assertions.
    pub(crate) fn account(&self) -> String {
        format!(
            "{}\nstatus {:?}\n--- stdout\n{}\n--- stderr\n{}",
            self.shown,
            self.output.status,
            self.stdout(),
            self.stderr()
        )
    }

    /// Standard output of a launch that must succeed.
    #[track_caller]
    pub(crate) fn ok(&self) -> String {
        assert!(self.output.status.success(), "{}", self.account());
        self.stdout()
    }

    /// Asserts a failure by this program: exit status, code, and that there is a hint.
    #[track_caller]
    pub(crate) fn fails(&self, status: i32, code: &str) {
        assert_eq!(self.status(), status, "{}", self.account());
        let stderr = self.stderr();
        assert!(stderr.contains(code), "no {code} in:\n{}", self.account());
        assert!(stderr.contains("hint: "), "no hint in:\n{}", self.account());
        assert_eq!(self.stdout(), "", "something on stdout: {}", self.account());
    }
}

/// Runs a program of this host, outside any container.
pub(crate) fn outside(program: &str, arguments: &[&str], display: &str) -> Result<String, String> {
    let output = Command::new(program)
        .args(arguments)
        .env("DISPLAY", display)
        .output()
        .map_err(|error| format!("{program} cannot be started on this host: {error}"))?;
    Ok(String::from_utf8_lossy(&output.stdout).into_owned())
}

/// The process, to be started after a shell script in a user and mount namespace of its own.
pub(crate) fn after(script: &str, process: &Command) -> Command {
    let drop = "exec setpriv --ambient-caps=-all --inh-caps=-all \"$0\" \"$@\"";
    let mut outer = Command::new("unshare");
    outer.args(["--user", "--map-current-user", "--keep-caps", "--mount", "/bin/sh", "-c"]);
    outer.arg(format!("set -e; {script}\n{drop}"));
    outer.arg(process.get_program()).args(process.get_args()).stdin(Stdio::null());
    outer.env_clear();
    for (name, value) in process.get_envs() {
        outer.env(name, value.unwrap_or_default());
    }
    if let Some(directory) = process.get_current_dir() {
        outer.current_dir(directory);
    }
    outer
}

/// Shell text as arguments.
pub(crate) fn sh(script: &str) -> [&str; 3] {
    ["/bin/sh", "-c", script]
}

/// Bytes as a path.
pub(crate) fn path_of(bytes: &[u8]) -> PathBuf {
    PathBuf::from(OsStr::from_bytes(bytes))
}

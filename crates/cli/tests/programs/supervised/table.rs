//! A program of the binary, started by its name.

use crate::support::{Outcome, program};
use std::io::{BufRead, BufReader, Read};
use std::path::PathBuf;
use std::process::{Child, ChildStdout, Command, Stdio};
use std::time::{Duration, Instant};

/// How long anything may take that is waited for.
const LIMIT: Duration = Duration::from_secs(20);

/// A directory with the program in it, and everything that a call of it is about.
pub(crate) struct Tool {
    directory: tempfile::TempDir,
    name: &'static str,
}

/// What every call has open, beside the standard descriptors: 5, variables as `env -0` writes them; 6, what
/// are no variables; 7, a file with the word `seven`.
const OPEN: &str = "exec \"$@\" 5<variables 6<novariables 7<seven";

impl Tool {
    pub(crate) fn new(name: &'static str) -> Self {
        let directory = tempfile::Builder::new().prefix("tool-").tempdir().expect("a directory");
        let tool = Self { directory, name };
        std::os::unix::fs::symlink(program(), tool.path(name)).unwrap();
        tool.write("seven", "seven\n");
        tool.write("variables", "FIVE=from five\0SIX=from five");
        tool.write("novariables", "FIVE=from five\0SIX\0");
        tool
    }

    pub(crate) fn path(&self, name: &str) -> PathBuf {
        self.directory.path().join(name)
    }

    pub(crate) fn write(&self, name: &str, text: &str) {
        let path = self.path(name);
        std::fs::create_dir_all(path.parent().unwrap()).unwrap();
        std::fs::write(path, text).unwrap();
    }

    /// A program for the search path.
    pub(crate) fn script(&self, name: &str, text: &str) {
        self.write(name, &format!("#!/bin/sh\n{text}\n"));
        let mode = std::os::unix::fs::PermissionsExt::from_mode(0o755);
        std::fs::set_permissions(self.path(name), mode).unwrap();
    }

    /// The text with `{lib}` and `{dir}` replaced.
    pub(crate) fn fill(&self, text: &str) -> String {
        let text = text.replace("{lib}", "{dir}/pressure-vessel-libs-XXXXXX/${LIB}");
        text.replace("{dir}", self.directory.path().to_str().expect("a plain path"))
    }

    /// A call, not started.
    pub(crate) fn command(&self, words: &[&str]) -> Command {
        let mut command = Command::new("/bin/sh");
        command.args(["-c", OPEN, "sh"]).arg(self.path(self.name));
        command.args(words.iter().map(|word| self.fill(word)));
        command.env_clear().current_dir(self.directory.path()).stdin(Stdio::null());
        let search = format!("{}:/usr/bin:/bin:/usr/sbin:/sbin", self.directory.path().display());
        command.env("PATH", search).env("TMPDIR", self.directory.path()).env("LANG", "C.UTF-8");
        command
    }

    /// A call, started, whose standard output is read line by line.
    pub(crate) fn start(&self, words: &[&str]) -> Running {
        Running::new(self.command(words))
    }

    /// Temporary directories that are left.
    pub(crate) fn left(&self) -> Vec<String> {
        let entries = std::fs::read_dir(self.directory.path()).unwrap().flatten();
        let names = entries.map(|entry| entry.file_name().to_string_lossy().into_owned());
        names
            .filter(|name| name.starts_with("pressure-vessel-"))
            .filter(|name| name != self.name)
            .collect()
    }
}

/// A program that runs.
pub(crate) struct Running {
    pub(crate) child: Child,
    output: BufReader<ChildStdout>,
}

impl Drop for Running {
    fn drop(&mut self) {
        // It has most often ended by itself.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

impl Running {
    pub(crate) fn new(mut command: Command) -> Self {
        let mut child = command.stdout(Stdio::piped()).spawn().expect("the program starts");
        let output = BufReader::new(child.stdout.take().expect("it is piped"));
        Self { child, output }
    }

    pub(crate) fn pid(&self) -> i32 {
        i32::try_from(self.child.id()).unwrap()
    }

    /// The next line of its standard output; empty at the end.
    pub(crate) fn line(&mut self) -> String {
        let mut line = String::new();
        self.output.read_line(&mut line).unwrap();
        line.trim_end().into()
    }

    /// All that it still writes, until everybody has closed its standard output.
    pub(crate) fn rest(&mut self) -> String {
        let mut text = String::new();
        self.output.read_to_string(&mut text).unwrap();
        text
    }

    pub(crate) fn signal(&self, signal: &str) {
        signal_to(self.pid(), signal);
    }

    /// As a shell gives it back: the exit status, or the negative number of a signal.
    pub(crate) fn status(&mut self) -> i32 {
        use std::os::unix::process::ExitStatusExt;
        let status = self.child.wait().unwrap();
        status.code().unwrap_or_else(|| -status.signal().unwrap_or(0))
    }

    pub(crate) fn runs(&mut self) -> bool {
        self.child.try_wait().unwrap().is_none()
    }

    /// Waits until the process has collected its child `pid`.
    pub(crate) fn collects(&self, pid: i32) {
        let path = format!("/proc/{0}/task/{0}/children", self.pid());
        let number = pid.to_string();
        until(&format!("child {pid} is collected"), || {
            let children = std::fs::read_to_string(&path).unwrap_or_default();
            !children.split_whitespace().any(|child| child == number)
        });
    }
}

pub(crate) fn signal_to(pid: i32, signal: &str) {
    let script = format!("kill -{signal} {pid}");
    assert!(Command::new("/bin/sh").args(["-c", &script]).status().unwrap().success(), "{script}");
}

/// Waits for something that is going to be.
pub(crate) fn until(what: &str, mut is: impl FnMut() -> bool) {
    let start = Instant::now();
    while !is() {
        assert!(start.elapsed() < LIMIT, "waited in vain: {what}");
        std::thread::sleep(Duration::from_millis(10));
    }
}

/// Shows variables, `-` for those that are not set.
const SHOW: &str = r#"for n; do eval "echo $n=\${$n--}"; done"#;

/// Reads descriptors, `-` for those that are not open.
const READ: &str = r#"for n; do { eval "cat <&$n" || echo -; } 2>/dev/null; done"#;

/// One call and what comes of it.
pub(crate) struct Row {
    /// Set beside what every call has; `{dir}` is replaced everywhere.
    pub(crate) variables: &'static [(&'static str, &'static str)],
    pub(crate) words: &'static [&'static str],
    /// The command after these words: a script of sh, and what it is about.
    pub(crate) script: Option<(&'static str, &'static [&'static str])>,
    pub(crate) status: i32,
    /// All of standard output.
    pub(crate) output: &'static str,
    /// In standard error.
    pub(crate) says: &'static str,
}

/// The row of a call that writes this.
pub(crate) const fn gives(words: &'static [&'static str], output: &'static str) -> Row {
    Row { variables: &[], words, script: None, status: 0, output, says: "" }
}

/// The row of a call that ends so, and says why.
pub(crate) const fn ends(words: &'static [&'static str], status: i32, says: &'static str) -> Row {
    Row { variables: &[], words, script: None, status, output: "", says }
}

/// The row of a call whose command has these variables, `NAME=VALUE` a line.
pub(crate) const fn shows(
    options: &'static [&'static str],
    names: &'static [&'static str],
    output: &'static str,
) -> Row {
    Row { script: Some((SHOW, names)), ..gives(options, output) }
}

/// The row of a call whose command reads this from these descriptors.
pub(crate) const fn reads(
    options: &'static [&'static str],
    descriptors: &'static [&'static str],
    output: &'static str,
) -> Row {
    Row { script: Some((READ, descriptors)), ..gives(options, output) }
}

impl Row {
    /// The same with variables.
    pub(crate) const fn with(self, variables: &'static [(&'static str, &'static str)]) -> Self {
        Self { variables, ..self }
    }

    /// The same with something in standard error.
    pub(crate) const fn saying(self, says: &'static str) -> Self {
        Self { says, ..self }
    }

    /// Makes the call, prepared by `prepare`, and looks at what comes of it.
    pub(crate) fn check(&self, name: &'static str, prepare: impl FnOnce(&Tool)) {
        let tool = Tool::new(name);
        prepare(&tool);
        let mut words = self.words.to_vec();
        if let Some((script, about)) = self.script {
            words.extend(["--", "/bin/sh", "-c", script, "sh"]);
            words.extend(about);
        }
        let mut command = tool.command(&words);
        command.envs(self.variables.iter().map(|(name, value)| (name, tool.fill(value))));
        let outcome = Outcome::of(&mut command);
        let account = outcome.account();
        assert_eq!(outcome.status(), self.status, "{account}");
        assert_eq!(anonymous(&outcome.stdout()), tool.fill(self.output), "{account}");
        assert!(outcome.stderr().contains(&tool.fill(self.says)), "no `{}`: {account}", self.says);
        assert_eq!(tool.left(), [""; 0], "temporary directories are left: {account}");
    }
}

/// The text with the made-up parts of names of temporary directories shown as `XXXXXX`.
fn anonymous(text: &str) -> String {
    let mut out = String::new();
    let mut rest = text;
    while let Some(at) =
        ["-libs-", "-locales-"].iter().filter_map(|m| Some(rest.find(m)? + m.len())).min()
    {
        out.push_str(&rest[..at]);
        out.push_str("XXXXXX");
        rest = rest.get(at + 6..).unwrap_or_default();
    }
    out + rest
}

/// Asserts that each option of a program is in some row, or answered elsewhere.
pub(crate) fn all_are_tried(name: &str, rows: &[&[Row]], answered: &[&str]) {
    let program = options::named(name.as_ref()).expect("a program");
    let words = rows.iter().flat_map(|rows| rows.iter()).flat_map(|row| row.words);
    let words: Vec<_> = words.chain(answered).collect();
    for option in program.options {
        let spelled = format!("--{}", option.long);
        let tried = |word: &&&&str| word.split('=').next() == Some(&spelled);
        assert!(words.iter().any(|word| tried(&word)), "no row has {spelled}");
    }
}

//! The program under test, and places that are made for it to look at.

use crate::launch::{Outcome, program};
use serde_json::Value;
use std::ffi::{OsStr, OsString};
use std::ops::Deref;
use std::path::Path;
use std::process::{Command, Stdio};

/// One call of the program.
pub(crate) struct Call {
    arguments: Vec<OsString>,
    environment: Vec<(OsString, OsString)>,
    home: tempfile::TempDir,
    /// Shell text that makes the machine another one, in namespaces of our own.
    prepare: Option<String>,
    /// Who we are in these namespaces.
    user: &'static str,
}

impl Call {
    /// `bathysphere WORDS`, with an empty home of its own.
    pub(crate) fn new(words: &[&str]) -> Self {
        let home = tempfile::Builder::new().prefix("home-").tempdir().expect("a home");
        let arguments = words.iter().map(OsString::from).collect();
        let environment = vec![
            ("PATH".into(), "/usr/bin:/bin:/usr/sbin:/sbin".into()),
            ("LANG".into(), "C.UTF-8".into()),
            ("HOME".into(), home.path().into()),
        ];
        Self { arguments, environment, home, prepare: None, user: "--map-current-user" }
    }

    pub(crate) fn home(&self) -> &Path {
        self.home.path()
    }

    pub(crate) fn argument(mut self, argument: impl AsRef<OsStr>) -> Self {
        self.arguments.push(argument.as_ref().into());
        self
    }

    pub(crate) fn env(mut self, name: &str, value: impl AsRef<OsStr>) -> Self {
        self.environment.push((name.into(), value.as_ref().into()));
        self
    }

    /// Runs `script` as root of namespaces of our own before, which has the home as `$HOME`; the
    /// program then has no rights in them, as outside.
    pub(crate) fn after(mut self, script: &str) -> Self {
        self.prepare = Some(script.into());
        self
    }

    /// The same where only the user 0 may do it; the program is then this user's, too.
    pub(crate) fn after_as_root(mut self, script: &str) -> Self {
        self.user = "--map-root-user";
        self.after(script)
    }

    /// The process, not started yet.
    pub(crate) fn command(&self) -> Command {
        let mut command = match &self.prepare {
            None => Command::new(program()),
            Some(script) => {
                let drop = "exec setpriv --ambient-caps=-all --inh-caps=-all \"$0\" \"$@\"";
                let script = format!("set -e; {script}\n{drop}");
                let mut outer = Command::new("unshare");
                outer.args(["--user", self.user, "--keep-caps", "--mount", "sh", "-c"]);
                outer.arg(script).arg(program());
                outer
            }
        };
        command.args(&self.arguments).env_clear().stdin(Stdio::null());
        command.envs(self.environment.iter().map(|(name, value)| (name, value)));
        command.current_dir(self.home.path());
        command
    }

    pub(crate) fn run(&self) -> Ran {
        Ran(Outcome::of(&mut self.command()))
    }
}

/// What came of it.
pub(crate) struct Ran(Outcome);

impl Deref for Ran {
    type Target = Outcome;

    fn deref(&self) -> &Outcome {
        &self.0
    }
}

impl Ran {
    /// Standard output as JSON, after a look at the exit status.
    #[track_caller]
    pub(crate) fn json(&self, status: i32) -> Value {
        assert_eq!(self.status(), status, "{}", self.account());
        let report: Value = serde_json::from_slice(&self.output.stdout).expect("it is JSON");
        assert_eq!(report["schema"], 1);
        assert_eq!(report["healthy"], status == 0, "{}", self.account());
        report
    }
}

/// `doctor --json`.
pub(crate) fn doctor() -> Call {
    Call::new(&["doctor", "--json"])
}

/// The problems of a report that have this code: their causes.
pub(crate) fn causes(report: &Value, code: &str) -> Vec<String> {
    let problems = report["problems"].as_array().expect("a list");
    let of_code = problems.iter().filter(|problem| problem["code"] == code);
    of_code
        .map(|problem| {
            assert!(problem["hint"].is_string(), "no hint: {problem}");
            problem["cause"].as_str().expect("a text").to_owned()
        })
        .collect()
}

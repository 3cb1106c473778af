//! A drop-in program, started by its name through a link, as in an installation.

use crate::support::{Outcome, lab, program};
use std::ffi::OsStr;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

/// A program of the host, or a reason to skip.
pub(crate) fn installed(program: &str) -> Result<(), String> {
    let found = ["/usr/bin", "/bin"].iter().any(|d| Path::new(d).join(program).exists());
    if found { Ok(()) } else { Err(format!("{program} is not installed")) }
}

/// One call.
pub(crate) struct Tool {
    command: Command,
    places: Places,
}

/// Where things are for one call: a prefix with the program in its `bin`, a home, a store.
pub(crate) struct Places(tempfile::TempDir);

impl Places {
    pub(crate) fn new() -> Self {
        let near = lab(".stores").and_then(|dir| {
            let made = tempfile::Builder::new().prefix("tool-").tempdir_in(dir);
            made.map_err(|error| error.to_string())
        });
        let places = Self(near.unwrap_or_else(|_| tempfile::tempdir().expect("a directory")));
        for directory in ["home", "prefix/bin"] {
            std::fs::create_dir_all(places.0.path().join(directory)).expect("a directory");
        }
        places
    }

    pub(crate) fn at(&self, path: &str) -> PathBuf {
        self.0.path().join(path)
    }

    pub(crate) fn home(&self) -> PathBuf {
        self.at("home")
    }
}

impl Tool {
    /// The program called `name`, in places of its own.
    pub(crate) fn new(name: &str) -> Self {
        Self::at(name, Places::new())
    }

    pub(crate) fn at(name: &str, places: Places) -> Self {
        let link = places.at("prefix/bin").join(name);
        if !link.is_symlink() {
            std::os::unix::fs::symlink(program(), &link).expect("a link");
        }
        let mut command = Command::new(&link);
        command.env_clear().env("PATH", "/usr/bin:/bin:/usr/sbin:/sbin").env("LANG", "C.UTF-8");
        command.env("HOME", places.home()).env("BATHYSPHERE_STORE", places.at("store"));
        command.current_dir(places.home()).stdin(Stdio::null());
        Self { command, places }
    }

    pub(crate) fn arg(mut self, argument: impl AsRef<OsStr>) -> Self {
        self.command.arg(argument);
        self
    }

    pub(crate) fn args<S: AsRef<OsStr>>(mut self, arguments: &[S]) -> Self {
        self.command.args(arguments);
        self
    }

    pub(crate) fn pair(self, option: &str, value: impl AsRef<Path>) -> Self {
        let mut whole = std::ffi::OsString::from(option);
        whole.push("=");
        whole.push(value.as_ref());
        self.arg(whole)
    }

    pub(crate) fn env(mut self, name: &str, value: impl AsRef<OsStr>) -> Self {
        self.command.env(name, value);
        self
    }

    pub(crate) fn envs(mut self, variables: &[(&str, &str)]) -> Self {
        self.command.envs(variables.iter().copied());
        self
    }

    pub(crate) fn in_directory(mut self, path: impl AsRef<Path>) -> Self {
        self.command.current_dir(path);
        self
    }

    pub(crate) fn stdin(mut self, stdin: impl Into<Stdio>) -> Self {
        self.command.stdin(stdin);
        self
    }

    /// The process, not started yet.
    pub(crate) fn prepare(self) -> (Command, Places) {
        (self.command, self.places)
    }

    /// Starts it and waits for its end. The places stay for further calls.
    pub(crate) fn run_in(mut self) -> (Outcome, Places) {
        (Outcome::of(&mut self.command), self.places)
    }

    /// Starts it and waits for its end.
    pub(crate) fn run(self) -> Outcome {
        self.run_in().0
    }
}

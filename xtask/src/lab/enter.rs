//! Running a command in a root of the laboratory, as if the machine had been started from it.
//!
//! A changed root (chroot) may not create user namespaces; bubblewrap run by root makes a mount namespace with the root
//! in its place instead, where an ordinary user may do all that he may do on that system.

use std::ffi::OsString;
use std::os::unix::process::ExitStatusExt;
use std::path::{Path, PathBuf};
use std::process::{Command, ExitCode, ExitStatus};
use std::str::FromStr;

use super::require_root;
use crate::error::{Context, Problem, Result};
use crate::setup::TEST_USER;
use crate::user::TemporaryDir;

/// Run by root inside, before becoming the user: what only root can prepare.
const PREPARE: &str = r#"
runtime=/run/user/$1; uid=$1; shift
mkdir -p -m 755 /run/user && mkdir -m 700 "$runtime" && chown "$uid:$uid" "$runtime" || exit 125
mkdir -p -m 1777 /tmp/.X11-unix && mkdir -p -m 755 /run/lock && chmod 1777 /run/lock || exit 125
test "$uid" = 0 && exec "$@"
exec setpriv --reuid="$uid" --regid="$uid" --clear-groups "$@"
"#;

/// A directory or file of the machine that is shown inside.
#[derive(Debug, Clone)]
pub(crate) struct Bind {
    /// Where it is on the machine.
    pub(crate) source: PathBuf,
    /// Where it is inside.
    pub(crate) target: PathBuf,
    /// Whether it can be written inside.
    pub(crate) writable: bool,
}

impl FromStr for Bind {
    type Err = String;

    /// Reads `SOURCE[:TARGET[:rw]]`.
    fn from_str(text: &str) -> std::result::Result<Self, String> {
        let mut parts = text.split(':');
        let source = PathBuf::from(parts.next().unwrap_or_default());
        let target = parts.next().filter(|target| !target.is_empty());
        let target = target.map_or_else(|| source.clone(), PathBuf::from);
        let writable = match parts.next() {
            None | Some("ro") => false,
            Some("rw") => true,
            Some(other) => return Err(format!("`{other}` is neither `ro` nor `rw`")),
        };
        if !source.is_absolute() || !target.is_absolute() || parts.next().is_some() {
            return Err("wanted SOURCE[:TARGET[:rw]] with absolute paths".to_owned());
        }
        Ok(Self { source, target, writable })
    }
}

/// A command to run inside a root.
#[derive(Debug)]
pub(crate) struct Entry {
    root: PathBuf,
    uid: u32,
    binds: Vec<Bind>,
    environment: Vec<(OsString, OsString)>,
}

impl Entry {
    /// Enters `root` as root.
    pub(crate) fn new(root: PathBuf) -> Self {
        Self { root, uid: 0, binds: Vec::new(), environment: Vec::new() }
    }

    /// Enters as the unprivileged test user instead.
    pub(crate) fn unprivileged(mut self) -> Self {
        self.uid = TEST_USER.uid;
        self
    }

    /// Shows something of the machine inside.
    pub(crate) fn bind(mut self, bind: Bind) -> Self {
        self.binds.push(bind);
        self
    }

    /// Sets an environment variable; nothing else is inherited.
    pub(crate) fn env(mut self, name: impl Into<OsString>, value: impl Into<OsString>) -> Self {
        self.environment.push((name.into(), value.into()));
        self
    }

    /// Runs `command` with a home of its own, removed afterwards, and gives what `finish` makes of it.
    ///
    /// `finish` runs the prepared process: to wait for it, or to collect its output.
    pub(crate) fn run_with<T>(
        &self,
        command: &[OsString],
        finish: impl FnOnce(&mut Command) -> std::io::Result<T>,
    ) -> Result<T> {
        require_root("entering a root of the laboratory")?;
        let home = TemporaryDir::of(self.uid)?;
        let mut bwrap = self.command(home.path(), command);
        finish(&mut bwrap)
            .context("starting bwrap")
            .map_err(|problem| problem.hint("run `cargo xtask setup`, which installs it"))
    }

    /// Runs `command` with this process's standard streams.
    pub(crate) fn run(&self, command: &[OsString]) -> Result<ExitStatus> {
        self.run_with(command, Command::status)
    }

    /// Shows that the root serves as a host: its shell runs, and an ordinary user may create user namespaces.
    pub(crate) fn check(root: PathBuf) -> Result<()> {
        let name = root.display().to_string();
        let command = ["unshare", "--user", "--map-root-user", "true"].map(OsString::from);
        let output = Self::new(root).unprivileged().run_with(&command, Command::output)?;
        if output.status.success() {
            return Ok(());
        }
        let said = String::from_utf8_lossy(&output.stderr).trim().to_owned();
        let problem = Problem::new(format!("no user namespace can be created in {name}: {said}"));
        Err(problem
            .hint("see whether `unshare -Ur true` works for an ordinary user of this machine"))
    }

    /// The bubblewrap command that runs `command` inside.
    fn command(&self, home: &Path, command: &[OsString]) -> Command {
        let inside = if self.uid == 0 { "/root" } else { TEST_USER.home };
        let mut bwrap = Command::new("bwrap");
        bwrap.args(["--cap-add", "ALL", "--die-with-parent", "--clearenv", "--bind"]);
        bwrap.arg(&self.root).arg("/");
        bwrap.args(["--dev-bind", "/dev", "/dev", "--bind", "/proc", "/proc"]);
        bwrap.args(["--ro-bind", "/sys", "/sys", "--tmpfs", "/run"]);
        bwrap
            .args(["--perms", "1777", "--tmpfs", "/tmp", "--perms", "1777", "--tmpfs", "/var/tmp"]);
        bwrap.arg("--bind").arg(home).arg(inside);
        for bind in &self.binds {
            bwrap.arg(if bind.writable { "--bind" } else { "--ro-bind" });
            bwrap.arg(&bind.source).arg(&bind.target);
        }
        let user = if self.uid == 0 { "root" } else { TEST_USER.name };
        let runtime = format!("/run/user/{}", self.uid);
        for (name, value) in [
            ("HOME", inside),
            ("LANG", "C.UTF-8"),
            ("LOGNAME", user),
            ("PATH", "/usr/local/bin:/usr/bin:/bin:/usr/sbin:/sbin"),
            ("SHELL", "/bin/bash"),
            ("USER", user),
            ("XDG_RUNTIME_DIR", &runtime),
        ] {
            bwrap.args(["--setenv", name, value]);
        }
        for (name, value) in &self.environment {
            bwrap.arg("--setenv").arg(name).arg(value);
        }
        bwrap.args(["--chdir", inside, "--", "/bin/sh", "-c", PREPARE, "lab-enter"]);
        bwrap.arg(self.uid.to_string()).args(command);
        bwrap
    }
}

/// A command's exit status as this process's own: 128 + n for signal n.
pub(crate) fn exit_code(status: ExitStatus) -> ExitCode {
    let code = status.code().or_else(|| status.signal().map(|signal| 128 + signal));
    ExitCode::from(code.and_then(|code| u8::try_from(code).ok()).unwrap_or(1))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn binds_are_read() {
        let bind: Bind = "/a".parse().unwrap();
        assert_eq!((bind.target, bind.writable), (PathBuf::from("/a"), false));
        let bind: Bind = "/a:/b:rw".parse().unwrap();
        assert_eq!((bind.target, bind.writable), (PathBuf::from("/b"), true));
        assert!("a:/b".parse::<Bind>().is_err());
        assert!("/a:/b:x".parse::<Bind>().is_err());
    }
}

//! Running programs as an ordinary user: the test user where this process is root's, else as we are.

use std::ffi::OsStr;
use std::fs;
use std::os::unix::fs::chown;
use std::path::{Path, PathBuf};
use std::process::Command;

use crate::error::{Context, Problem, Result};
use crate::lab::is_root;
use crate::setup::TEST_USER;

/// A command run as an ordinary user with `home`, and nothing else of this process's environment.
pub(crate) fn command(program: impl AsRef<OsStr>, home: &Path) -> Command {
    let mut command = if is_root() {
        let mut setpriv = Command::new("setpriv");
        setpriv.args(become_user()).arg(program);
        setpriv
    } else {
        Command::new(program)
    };
    command.env_clear();
    for (name, value) in [
        ("LANG", "C.UTF-8"),
        ("LOGNAME", TEST_USER.name),
        ("PATH", "/usr/local/bin:/usr/bin:/bin:/usr/sbin:/sbin"),
        ("USER", TEST_USER.name),
    ] {
        command.env(name, value);
    }
    command.env("HOME", home).current_dir(home);
    command
}

/// The options of setpriv that make a root process the test user's.
pub(crate) fn become_user() -> [String; 3] {
    let uid = TEST_USER.uid;
    [format!("--reuid={uid}"), format!("--regid={uid}"), "--clear-groups".to_owned()]
}

/// Fails unless the ordinary user can read `path`, which he cannot below another user's home.
pub(crate) fn require_readable(path: &Path) -> Result<()> {
    let status = command("test", Path::new("/")).arg("-r").arg(path).status();
    if status.context("starting test")?.success() {
        return Ok(());
    }
    let problem =
        Problem::new(format!("{} cannot be read by the user {}", path.display(), TEST_USER.name));
    Err(problem.hint(
        "put the checkout and CARGO_TARGET_DIR where every user can read, for example in /srv",
    ))
}

/// A directory of the ordinary user on a real disk, removed with all that is in it.
pub(crate) struct TemporaryDir {
    path: PathBuf,
}

impl TemporaryDir {
    /// A directory of the user as whom [`command`] runs programs.
    pub(crate) fn new() -> Result<Self> {
        Self::create(is_root().then_some(TEST_USER.uid))
    }

    /// A directory of the user with this number.
    pub(crate) fn of(uid: u32) -> Result<Self> {
        Self::create(Some(uid))
    }

    /// As [`Self::new`], but in memory.
    pub(crate) fn in_memory() -> Result<Self> {
        Self::below("/dev/shm", is_root().then_some(TEST_USER.uid))
    }

    fn create(uid: Option<u32>) -> Result<Self> {
        Self::below("/var/tmp", uid)
    }

    fn below(parent: &str, uid: Option<u32>) -> Result<Self> {
        let output = Command::new("mktemp")
            .args(["--directory", &format!("{parent}/bathysphere-home.XXXXXX")])
            .output()
            .context("starting mktemp")?;
        let text = String::from_utf8_lossy(&output.stdout);
        let path = PathBuf::from(text.trim_end());
        if !output.status.success() || !path.is_absolute() {
            return Err(Problem::new(format!("no temporary directory could be made in {parent}")));
        }
        let dir = Self { path };
        if let Some(uid) = uid {
            chown(&dir.path, Some(uid), Some(uid)).at("giving to the user", &dir.path)?;
        }
        Ok(dir)
    }

    /// Where it is.
    pub(crate) fn path(&self) -> &Path {
        &self.path
    }
}

impl Drop for TemporaryDir {
    fn drop(&mut self) {
        if let Err(error) = fs::remove_dir_all(&self.path) {
            eprintln!("warning: {} was not removed: {error}", self.path.display());
        }
    }
}

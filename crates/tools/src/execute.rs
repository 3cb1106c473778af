//! Becoming another program.

use crate::messages::Messages;
use crate::variable;
use rustix::fs::{Access, access};
use std::ffi::{OsStr, OsString};
use std::io;
use std::os::unix::ffi::OsStrExt;
use std::os::unix::process::CommandExt;
use std::path::{Path, PathBuf};
use std::process::Command;

/// Exit statuses of a program that cannot become another one, as `env(1)` has them.
const NOT_EXECUTABLE: u8 = 126;
const NOT_FOUND: u8 = 127;

/// Executes a command in place of this process. Gives back the exit status where that fails.
pub(crate) fn execute(
    command: &[OsString],
    environment: &[(OsString, OsString)],
    messages: &Messages,
) -> u8 {
    let Some((program, arguments)) = command.split_first() else { return NOT_FOUND };
    let mut started = Command::new(program);
    started.args(arguments).env_clear();
    started.envs(environment.iter().map(|(name, value)| (name, value)));
    executed(&mut started, messages)
}

/// The same with a command that is made up already.
pub(crate) fn executed(command: &mut Command, messages: &Messages) -> u8 {
    let error = command.exec();
    let program = command.get_program().display();
    messages.error(format_args!("cannot execute `{program}`: {error}"));
    if error.kind() == io::ErrorKind::NotFound { NOT_FOUND } else { NOT_EXECUTABLE }
}

/// Whether this process may execute the file.
pub(crate) fn is_executable(path: &Path) -> bool {
    let is_file = std::fs::metadata(path).is_ok_and(|found| found.is_file());
    is_file && access(path, Access::EXEC_OK).is_ok()
}

/// A program in the directories of `PATH`.
#[must_use]
pub fn in_path(environment: &[(OsString, OsString)], program: &str) -> Option<PathBuf> {
    let path = variable(environment, "PATH").unwrap_or(OsStr::new("/usr/bin:/bin"));
    let directories = path.as_bytes().split(|b| *b == b':').map(OsStr::from_bytes);
    let mut found = directories.map(|directory| Path::new(directory).join(program));
    found.find(|program| is_executable(program))
}

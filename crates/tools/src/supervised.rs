//! What the programs that look after a command have in common: `pressure-vessel-adverb` and
//! `steam-runtime-supervisor`.

mod asked;
mod changes;
mod locking;
mod variables;

pub(crate) use asked::{Asked, Refused};
pub(crate) use variables::Variables;

use crate::messages::Messages;
use plan::ByteString;
use sandbox::{Error, Outcome, Supervisor, Task};

/// What is wrong with a command line without one.
pub(crate) const NO_COMMAND: &str = "there is no command; `--help` shows how to give one";

/// Runs the task. The status where the command cannot be started or is lost: as `env(1)` has it, and 255.
pub(crate) fn run(supervisor: &Supervisor, task: &Task, messages: &Messages) -> Outcome {
    let words: Vec<String> = task.command.iter().map(ToString::to_string).collect();
    messages.info(format_args!("starting {words:?}"));
    for (name, value) in &task.environment {
        messages.info(format_args!("with {name}={value}"));
    }
    let ran = supervisor.run(task, |failure| {
        messages.warning(format_args!("the command cannot be waited for: {failure}"));
    });
    ran.unwrap_or_else(|error| {
        messages.error(told(&error));
        Outcome::Status(error.exit_status())
    })
}

/// An error of the command for who does not know of a container.
fn told(error: &Error) -> String {
    match error {
        Error::CommandNotFound { command, .. } => format!("`{command}` does not exist"),
        other => other.to_string(),
    }
}

/// Words of a command line as those of a command.
pub(crate) fn words(words: Vec<std::ffi::OsString>) -> Vec<ByteString> {
    words.into_iter().map(ByteString::from).collect()
}

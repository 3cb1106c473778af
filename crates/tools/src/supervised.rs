//! What the programs that look after a command have in common: `pressure-vessel-adverb` and
//! `steam-runtime-supervisor`.

mod asked;
mod changes;
mod locking;
mod variables;

pub(crate) use asked::{Asked, Refused};
pub(crate) use variables::Variables;

use crate::Invocation;
use crate::messages::{self, Messages};
use options::{Given, Wrong};
use plan::ByteString;
use sandbox::{Error, Outcome, Supervisor, Task};
use std::ffi::{OsStr, OsString};

/// Takes the options of a command line, in order, up to what is wrong with it, and gives back the words of the
/// command. `None`: the program was asked about itself, and has answered.
pub(crate) fn command(
    invocation: &Invocation,
    (given, wrong): (Given, Option<Wrong>),
    take: &mut dyn FnMut(&str, &OsStr) -> Result<(), Refused>,
) -> Result<Option<Vec<OsString>>, Refused> {
    for (option, value) in &given.options {
        take(option, value)?;
    }
    if let Some(wrong) = wrong {
        return Err(Refused::Usage(wrong.to_string()));
    }
    if messages::answered(invocation.program, &given) {
        return Ok(None);
    }
    if given.words.is_empty() {
        let why = "there is no command; `--help` shows how to give one";
        return Err(Refused::Usage(why.into()));
    }
    Ok(Some(given.words))
}

/// The exit status of a program that ended so.
pub(crate) fn status(outcome: Outcome) -> u8 {
    match outcome {
        Outcome::Status(status) => status,
        Outcome::Signal(signal) => sandbox::end_by(signal),
    }
}

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
pub(crate) fn words(words: Vec<OsString>) -> Vec<ByteString> {
    words.into_iter().map(ByteString::from).collect()
}

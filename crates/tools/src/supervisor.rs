//! `steam-runtime-supervisor`: runs a command with locks held, and sees to what it leaves behind.

use crate::Invocation;
use crate::messages;
use crate::supervised::{self, Asked, Refused};
use sandbox::{Outcome, Supervisor};

/// The exit status for everything that goes wrong before the command.
const FAILURE: u8 = 125;

/// The program.
pub(crate) fn run(invocation: &Invocation) -> u8 {
    match attempt(invocation) {
        Outcome::Status(status) => status,
        Outcome::Signal(signal) => sandbox::end_by(signal),
    }
}

fn attempt(invocation: &Invocation) -> Outcome {
    let (given, wrong, messages) = messages::read(invocation);
    let mut asked = Asked::default();
    for (option, value) in &given.options {
        let taken = asked.take(option, value, &messages);
        if let Err(Refused::Usage(why) | Refused::Unavailable(why) | Refused::Busy(why)) = taken {
            messages.error(why);
            return Outcome::Status(FAILURE);
        }
    }
    if let Some(wrong) = wrong {
        messages.error(wrong);
        return Outcome::Status(FAILURE);
    }
    if messages::answered(invocation.program, &given) {
        return Outcome::Status(0);
    }
    if given.words.is_empty() {
        messages.error(supervised::NO_COMMAND);
        return Outcome::Status(FAILURE);
    }
    match Supervisor::new(asked.exit_with_parent, asked.needs_orphans()) {
        Ok(supervisor) => {
            let environment = asked.environment(&invocation.environment);
            let task = asked.task(given.words, environment);
            supervised::run(&supervisor, &task, &messages)
        }
        Err(failure) => {
            messages.error(failure);
            Outcome::Status(FAILURE)
        }
    }
}

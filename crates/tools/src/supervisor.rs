//! `steam-runtime-supervisor`: runs a command with locks held, and sees to what it leaves behind.

use crate::Invocation;
use crate::messages;
use crate::supervised::{self, Asked, Refused};
use sandbox::{Outcome, Supervisor};

/// The exit status for everything that goes wrong before the command.
const FAILURE: u8 = 125;

/// The program.
pub(crate) fn run(invocation: &Invocation) -> u8 {
    supervised::status(attempt(invocation))
}

fn attempt(invocation: &Invocation) -> Outcome {
    let (given, wrong, messages) = messages::read(invocation);
    let mut asked = Asked::default();
    let words = supervised::command(invocation, (given, wrong), &mut |option, value| {
        asked.take(option, value, &messages).map(drop)
    });
    let why = match words {
        Ok(None) => return Outcome::Status(0),
        Ok(Some(words)) => match Supervisor::new(asked.exit_with_parent, asked.needs_orphans()) {
            Ok(supervisor) => {
                let environment = asked.environment(&invocation.environment);
                let task = asked.task(words, environment);
                return supervised::run(&supervisor, &task, &messages);
            }
            Err(failure) => failure.to_string(),
        },
        Err(Refused::Usage(why) | Refused::Unavailable(why) | Refused::Busy(why)) => why,
    };
    messages.error(why);
    Outcome::Status(FAILURE)
}

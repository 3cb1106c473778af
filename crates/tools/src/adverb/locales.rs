//! Locales that are set and that the container does not have.

use crate::Invocation;
use crate::messages::Messages;
use crate::temporary::Temporary;
use sandbox::{Outcome, Supervisor};
use std::path::Path;

/// The program that makes them; it runs here in a process of its own.
const PROGRAM: &str = "pressure-vessel-locale-gen";

/// Its exit status when it has made some, `EX_OSFILE` of sysexits.h.
const MADE: u8 = 72;

/// Why there are none.
pub(super) enum Failed {
    /// A signal came meanwhile.
    Signal(i32),
    /// They cannot be made.
    Because(String),
}

/// Makes them in a temporary directory; none where nothing was missing.
///
/// # Errors
/// When they cannot be made, or a signal came.
pub(super) fn make(
    supervisor: &Supervisor,
    invocation: &Invocation,
    parent: &Path,
    messages: &Messages,
) -> Result<Option<Temporary>, Failed> {
    let because = |error: &dyn std::fmt::Display| Failed::Because(error.to_string());
    let directory = Temporary::make(parent, "pressure-vessel-locales-");
    let directory = directory.map_err(|error| because(&error))?;
    let program = options::named(PROGRAM.as_ref());
    let generation = Invocation {
        program: program.ok_or_else(|| because(&"this build has no program for it"))?,
        arguments: vec!["--output-dir".into(), directory.path().into(), "--verbose".into()],
        ..invocation.clone()
    };
    let outcome = supervisor.fork(|| crate::run(&generation).unwrap_or(u8::MAX));
    match outcome.map_err(|failure| because(&failure))? {
        Outcome::Signal(signal) => return Err(Failed::Signal(signal)),
        Outcome::Status(0) => {}
        Outcome::Status(MADE) => {
            messages.warning("locales were missing and had to be made, which delays every start");
        }
        Outcome::Status(status) => {
            return Err(because(&format_args!("{PROGRAM} ended with status {status}")));
        }
    }
    let empty = directory.is_empty().map_err(|error| because(&error))?;
    Ok((!empty).then_some(directory))
}

//! A shell and a terminal around the command, for whoever looks for a mistake in a container.

use super::asked::Asked;
use crate::interactive::{Terminal, words};
use crate::supervised::Refused;
use rustix::fs::{Mode, OFlags, open};
use std::ffi::OsString;
use std::os::fd::OwnedFd;

/// Who says something in the terminal.
const NAME: &str = "pressure-vessel-adverb";

/// What is started, and the terminal that it gets in place of the standard descriptors.
///
/// # Errors
/// When there is a shell and no terminal, or the terminal cannot be opened.
pub(super) fn around(
    asked: &Asked,
    command: Vec<OsString>,
) -> Result<(Vec<OsString>, Option<OwnedFd>), Refused> {
    let (shell, terminal) = asked.shell()?;
    let tty = if terminal == Terminal::Tty { Some(tty()?) } else { None };
    Ok((words(shell, terminal, NAME, command), tty))
}

fn tty() -> Result<OwnedFd, Refused> {
    let opened = open("/dev/tty", OFlags::RDWR | OFlags::CLOEXEC, Mode::empty());
    opened.map_err(|errno| Refused::Unavailable(format!("the terminal /dev/tty: {errno}")))
}

//! Steam's pipe: a running Steam reads command lines from it.

use crate::Invocation;
use crate::messages::Messages;
use crate::variable;
use plan::export::shell;
use rustix::fs::{FileType, Mode, OFlags};
use std::ffi::{OsStr, OsString};
use std::fs::File;
use std::io::{self, Write};
use std::os::unix::ffi::OsStrExt;
use std::path::Path;

/// The pipe, below the home directory.
const PIPE: &str = ".steam/steam.pipe";

/// The program whose command line is written, below the home directory. Steam itself writes this one.
const PROGRAM: &str = ".steam/root/ubuntu12_32/steam";

/// What Steam is asked for where nothing else is.
const DEFAULT: &str = "-foreground";

/// No Steam reads its pipe.
const FAILED: u8 = 1;

/// Does what `steam-runtime-steam-remote` does.
pub(crate) fn remote(invocation: &Invocation) -> u8 {
    let messages = Messages::new(invocation.program.name(), &invocation.environment, 0);
    let default = [OsString::from(DEFAULT)];
    let given = &invocation.arguments[..];
    let arguments = if given.is_empty() { &default } else { given };
    match ask(&invocation.environment, arguments) {
        Ok(()) => 0,
        Err(error) => {
            messages.error(format_args!("cannot write to Steam's pipe: {error}"));
            FAILED
        }
    }
}

/// Passes arguments to the running Steam.
pub(crate) fn ask(environment: &[(OsString, OsString)], arguments: &[OsString]) -> io::Result<()> {
    let home = variable(environment, "HOME").filter(|home| !home.is_empty());
    let home = Path::new(home.ok_or_else(|| io::Error::other("HOME is not set"))?);
    let flags = OFlags::WRONLY | OFlags::NONBLOCK | OFlags::CLOEXEC | OFlags::NOCTTY;
    // Fails where nobody reads (ENXIO).
    let pipe = rustix::fs::open(home.join(PIPE), flags, Mode::empty())?;
    let kind = FileType::from_raw_mode(rustix::fs::fstat(&pipe)?.st_mode);
    if kind != FileType::Fifo {
        return Err(io::Error::other("it is no pipe"));
    }
    let program = home.join(PROGRAM);
    let words = [program.as_os_str()].into_iter().chain(arguments.iter().map(OsString::as_os_str));
    let words: Vec<_> = words.map(|word| shell::in_quotes(word.as_bytes())).collect();
    let mut line = words.join(&b' ');
    line.push(b'\n');
    // In one piece, because others write there too.
    File::from(pipe).write_all(&line)
}

/// Whether Steam answers for addresses of this scheme.
pub(crate) fn is_its_scheme(scheme: &OsStr) -> bool {
    scheme.eq_ignore_ascii_case("steam") || scheme.eq_ignore_ascii_case("steamlink")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn schemes() {
        for (scheme, its) in [("steam", true), ("SteamLink", true), ("http", false), ("", false)] {
            assert_eq!(is_its_scheme(OsStr::new(scheme)), its, "{scheme}");
        }
    }
}

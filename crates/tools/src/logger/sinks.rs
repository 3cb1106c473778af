//! Where lines go: file, journal, terminal, or standard error.

use super::file::LogFile;
use super::lines::Piece;
use super::settings::{Settings, Terminal};
use crate::journal::Journal;
use crate::messages::Messages;
use rustix::fs::{Mode, OFlags};
use rustix::termios::{isatty, ttyname};
use std::ffi::{OsStr, OsString};
use std::fs::File;
use std::io::{self, Write};
use std::os::fd::OwnedFd;
use std::os::unix::ffi::{OsStrExt, OsStringExt};
use std::path::PathBuf;
use std::time::{SystemTime, UNIX_EPOCH};

/// A line of the journal is sent in parts of this size.
const RECORD: usize = 32 * 1024;

/// The end of a colour (ECMA-48).
const PLAIN: &[u8] = b"\x1b[0m";

/// All of them.
pub(super) struct Sinks<'a> {
    messages: &'a Messages,
    file: Option<(LogFile, u8)>,
    timestamps: bool,
    journal: Option<(Records, u8)>,
    terminal: Option<(File, u8)>,
    /// The terminal's path, where it is known.
    terminal_path: Option<PathBuf>,
    colours: bool,
    stderr: bool,
}

/// The journal.
enum Records {
    /// A stream with prefixes (`sd_journal_stream_fd`).
    Stream(File),
    /// Records, with the line that is not finished.
    Native(Journal, Vec<u8>),
}

impl<'a> Sinks<'a> {
    /// Opens everything. Only the file must work.
    pub(super) fn open(settings: &Settings, messages: &'a Messages) -> io::Result<Self> {
        let path = settings.directory.as_ref().zip(settings.filename.as_ref());
        let file = match (path.map(|(directory, name)| directory.join(name)), settings.file) {
            (None, _) => None,
            (Some(path), Some(fd)) => Some(LogFile::adopt(path, given(fd)?, settings.rotate)?),
            (Some(path), None) => Some(
                LogFile::open(path.clone(), settings.rotate)
                    .map_err(|error| io::Error::other(format!("{}: {error}", path.display())))?,
            ),
        };
        let journal = journal(settings, messages)?;
        let stderr = file.is_none() && journal.is_none();
        let (terminal, terminal_path) = terminal(settings, stderr, messages)?;
        Ok(Self {
            messages,
            file: file.map(|file| (file, settings.file_level)),
            timestamps: settings.timestamps,
            journal: journal.map(|journal| (journal, settings.journal_level)),
            terminal: terminal.map(|terminal| (terminal, settings.terminal_level)),
            terminal_path,
            colours: settings.colours,
            stderr,
        })
    }

    /// What programs need in their environment so that what they record goes the same ways.
    pub(super) fn variables(&self) -> Vec<(&'static str, OsString)> {
        let mut out = vec![];
        // A line of output for each: a path with a line end cannot be told.
        let path = self.terminal_path.as_ref().map(|path| path.as_os_str());
        if let Some(path) = path.filter(|path| !path.as_bytes().contains(&b'\n')) {
            out.push(("SRT_LOG_TERMINAL", path.to_owned()));
        }
        let only = self.file.is_none() && self.terminal.is_none();
        match (&self.journal, only) {
            (None, _) => {}
            (Some(_), true) => out.push(("SRT_LOG_TO_JOURNAL", "1".into())),
            (Some(_), false) => {
                out.push(("SRT_LOG_TO_JOURNAL", "0".into()));
                out.push(("SRT_LOGGER_USE_JOURNAL", "1".into()));
            }
        }
        out
    }

    /// Writes a piece of a line to all that want its level. A sink that fails is said once and left out.
    pub(super) fn write(&mut self, piece: &Piece<'_>) {
        if let Some((file, _)) = self.file.as_mut().filter(|(_, least)| piece.level <= *least) {
            let stamp = if piece.begins && self.timestamps { stamp() } else { String::new() };
            if piece.begins {
                file.make_room(stamp.len() + piece.text.len() + 1, self.messages);
            }
            if let Err(error) = file.write(&line(&[stamp.as_bytes(), piece.text], piece)) {
                self.messages.error(format_args!("cannot write the log file: {error}"));
                self.file = None;
            }
        }
        if let Some((journal, _)) = self.journal.as_mut().filter(|(_, least)| piece.level <= *least)
            && let Err(error) = journal.write(piece)
        {
            self.messages.error(format_args!("cannot write to the journal: {error}"));
            self.journal = None;
        }
        if let Some((terminal, _)) =
            self.terminal.as_mut().filter(|(_, least)| piece.level <= *least)
        {
            // A terminal that has been closed is no news.
            let colour = if self.colours { colour(piece.level) } else { b"" };
            let plain = if colour.is_empty() { b"" } else { PLAIN };
            if terminal.write_all(&line(&[colour, piece.text, plain], piece)).is_err() {
                self.terminal = None;
            }
        }
        if self.stderr {
            let _ = io::stderr().write_all(&line(&[piece.text], piece));
        }
    }
}

impl Records {
    fn write(&mut self, piece: &Piece<'_>) -> io::Result<()> {
        match self {
            Self::Stream(stream) => {
                let level = format!("<{}>", piece.level);
                let prefix = if piece.begins { level.as_bytes() } else { b"" };
                stream.write_all(&line(&[prefix, piece.text], piece))
            }
            Self::Native(journal, begun) => {
                begun.extend(piece.text);
                if piece.ends || begun.len() > RECORD {
                    let record = std::mem::take(begun);
                    journal.send(piece.level, &record)?;
                }
                Ok(())
            }
        }
    }
}

/// Parts, and the line end where there is one.
fn line(parts: &[&[u8]], piece: &Piece<'_>) -> Vec<u8> {
    let end: &[u8] = if piece.ends { b"\n" } else { b"" };
    [&parts.concat(), end].concat()
}

/// How a level looks on a terminal (ECMA-48, SGR).
fn colour(level: u8) -> &'static [u8] {
    match level {
        0..=3 => b"\x1b[1;31m",
        4 => b"\x1b[33m",
        5 => b"\x1b[1m",
        7 => b"\x1b[2m",
        _ => b"",
    }
}

/// Date and time, as they stand before a line.
fn stamp() -> String {
    let since = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
    let time = i64::try_from(since.as_secs()).ok().and_then(sandbox::local_time);
    let Some(t) = time else { return String::new() };
    format!("[{}", t.text(["-", "-", " ", ":", ":", "] "]))
}

fn given(fd: i32) -> io::Result<OwnedFd> {
    sandbox::descriptor::copy(fd).map_err(|error| io::Error::other(error.to_string()))
}

fn journal(settings: &Settings, messages: &Messages) -> io::Result<Option<Records>> {
    if let Some(fd) = settings.journal {
        return Ok(Some(Records::Stream(given(fd)?.into())));
    }
    let Some(identifier) = settings.identifier.as_ref().filter(|_| settings.use_journal) else {
        return Ok(None);
    };
    match Journal::open(identifier) {
        Ok(journal) => Ok(Some(Records::Native(journal, vec![]))),
        Err(error) => {
            messages.warning(format_args!("cannot reach the journal: {error}"));
            Ok(None)
        }
    }
}

/// The terminal and its path. `stderr`: lines go to standard error anyway.
fn terminal(
    settings: &Settings,
    stderr: bool,
    messages: &Messages,
) -> io::Result<(Option<File>, Option<PathBuf>)> {
    let own = rustix::stdio::stderr();
    let path = match &settings.terminal {
        Terminal::None => return Ok((None, None)),
        Terminal::Given(fd) => return Ok((Some(given(*fd)?.into()), None)),
        Terminal::Auto(_) if isatty(own) => {
            let name = ttyname(own, vec![])?;
            PathBuf::from(OsString::from_vec(name.into_bytes()))
        }
        Terminal::Auto(None) => return Ok((None, None)),
        Terminal::Auto(Some(named)) => named.clone(),
    };
    if stderr && isatty(own) {
        // Once is enough.
        return Ok((None, Some(path)));
    }
    let flags = OFlags::WRONLY | OFlags::APPEND | OFlags::CLOEXEC | OFlags::NOCTTY;
    match rustix::fs::open(&path, flags, Mode::empty()) {
        Ok(fd) => Ok((Some(fd.into()), Some(path))),
        Err(error) => {
            let shown: &OsStr = path.as_os_str();
            messages.info(format_args!("cannot open the terminal {}: {error}", shown.display()));
            Ok((None, None))
        }
    }
}

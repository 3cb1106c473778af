//! What a logger is asked for, by options and environment.

use super::level;
use crate::messages::{Messages, boolean};
use crate::variable;
use options::Given;
use std::ffi::{OsStr, OsString};
use std::os::fd::RawFd;
use std::os::unix::ffi::OsStrExt;
use std::path::{Path, PathBuf};

/// A file that would become larger is rotated, in bytes.
const ROTATE: u64 = 8 << 20;

/// Factors by suffix.
const SUFFIXES: &[(&str, u64)] = &[
    ("KiB", 1 << 10),
    ("kB", 1000),
    ("MiB", 1 << 20),
    ("MB", 1_000_000),
    ("K", 1 << 10),
    ("M", 1 << 20),
    ("", 1),
];

/// Where the log directory is below the home directory, without its last part.
const STEAM: &str = ".steam/steam";

/// The terminal that lines are copied to.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Terminal {
    /// None.
    None,
    /// The one on standard error, or else the named one.
    Auto(Option<PathBuf>),
    /// A descriptor.
    Given(RawFd),
}

/// What is asked for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Settings {
    /// The name of the file in the directory.
    pub(super) filename: Option<OsString>,
    pub(super) directory: Option<PathBuf>,
    pub(super) file: Option<RawFd>,
    pub(super) file_level: u8,
    pub(super) timestamps: bool,
    /// Bytes.
    pub(super) rotate: Option<u64>,
    pub(super) identifier: Option<String>,
    pub(super) use_journal: bool,
    pub(super) journal: Option<RawFd>,
    pub(super) journal_level: u8,
    pub(super) terminal: Terminal,
    pub(super) terminal_level: u8,
    pub(super) colours: bool,
    pub(super) default_level: u8,
    pub(super) parse_prefix: bool,
    pub(super) sh_syntax: bool,
    pub(super) exec_fallback: bool,
    pub(super) new_session: bool,
}

/// What cannot be meant.
#[derive(Debug, PartialEq, Eq, thiserror::Error)]
pub(super) enum Wrong {
    /// A value.
    #[error("`{}` is no value of --{option}", .value.display())]
    Value { option: &'static str, value: OsString },
    /// No home directory.
    #[error("HOME is not set: there is no log directory")]
    NoHome,
}

impl Settings {
    /// Reads options and environment.
    pub(super) fn of(
        given: &Given,
        environment: &[(OsString, OsString)],
        messages: &Messages,
    ) -> Result<Self, Wrong> {
        let on = |name| boolean(environment, name) == Ok(Some(true));
        let level = |option, default| value(given, option, level::parse, default);
        let fd = |option| value(given, option, |text| text.parse().ok().map(Some), None);
        let (filename, identifier) = names(given)?;
        let file: Option<RawFd> = fd("log-fd")?;
        let directory = match &filename {
            Some(_) => Some(directory(given, environment)?),
            None => None,
        };
        let rotates = messages.boolean(environment, "SRT_LOG_ROTATION", true);
        let rotate = value(given, "rotate", bytes, ROTATE)?;
        let terminal = match (fd("terminal-fd")?, variable(environment, "SRT_LOG_TERMINAL")) {
            (Some(fd), _) => Terminal::Given(fd),
            (None, _) if given.has("no-auto-terminal") => Terminal::None,
            (None, Some(path)) if path.is_empty() => Terminal::None,
            (None, path) => Terminal::Auto(path.map(PathBuf::from)),
        };
        let use_journal = given.has("use-journal")
            || messages.settings.journal
            || on("SRT_LOGGER_USE_JOURNAL")
            || stderr_is_journal(environment);
        Ok(Self {
            filename,
            directory,
            file,
            file_level: level("file-level", 7)?,
            timestamps: given.either("timestamps", "no-timestamps").unwrap_or(true),
            rotate: (rotates && rotate > 0).then_some(rotate),
            identifier,
            use_journal,
            journal: fd("journal-fd")?,
            journal_level: level("journal-level", 7)?,
            terminal,
            terminal_level: level("terminal-level", 6)?,
            colours: variable(environment, "NO_COLOR").is_none_or(OsStr::is_empty),
            default_level: level("default-level", 6)?,
            parse_prefix: given.has("parse-level-prefix"),
            sh_syntax: given.has("sh-syntax"),
            exec_fallback: given.has("exec-fallback"),
            new_session: given.has("new-session"),
        })
    }
}

impl Settings {
    /// The descriptor of the terminal, where it was given.
    pub(super) fn terminal_fd(&self) -> Option<RawFd> {
        match self.terminal {
            Terminal::Given(fd) => Some(fd),
            _ => None,
        }
    }
}

/// A value that is understood, or the default.
fn value<T>(
    given: &Given,
    option: &'static str,
    parse: impl FnOnce(&str) -> Option<T>,
    default: T,
) -> Result<T, Wrong> {
    let Some(text) = given.last(option) else { return Ok(default) };
    let parsed = text.to_str().and_then(parse);
    parsed.ok_or_else(|| Wrong::Value { option, value: text.to_owned() })
}

fn bytes(text: &str) -> Option<u64> {
    let (number, factor) =
        SUFFIXES.iter().find_map(|(suffix, factor)| Some((text.strip_suffix(suffix)?, factor)))?;
    number.parse::<u64>().ok()?.checked_mul(*factor)
}

/// File name and identifier: each one says what the other is, and the command says both.
fn names(given: &Given) -> Result<(Option<OsString>, Option<String>), Wrong> {
    let command = given.words.first().map(Path::new).and_then(Path::file_name);
    let filename = given.last("filename").map(OsStr::to_owned);
    let identifier = given.last("identifier").map(|text| text.to_string_lossy().into_owned());
    if let Some(name) = &filename
        && (name.as_bytes().contains(&b'/') || name.as_bytes().starts_with(b"."))
    {
        return Err(Wrong::Value { option: "filename", value: name.clone() });
    }
    let stem = filename.as_deref().filter(|name| !name.is_empty()).map(Path::new);
    let identifier = identifier
        .or_else(|| Some(stem?.file_stem()?.to_string_lossy().into_owned()))
        .or_else(|| Some(command?.to_string_lossy().into_owned()))
        .filter(|name| !name.is_empty());
    let default = || {
        let plain =
            identifier.as_ref().filter(|name| !name.contains('/') && !name.starts_with('.'));
        plain.map(|name| OsString::from(format!("{name}.txt")))
    };
    let filename = filename.or_else(default).filter(|name| !name.is_empty());
    Ok((filename, identifier))
}

/// The log directory.
fn directory(given: &Given, environment: &[(OsString, OsString)]) -> Result<PathBuf, Wrong> {
    let set = |name| variable(environment, name).filter(|value| !value.is_empty());
    if let Some(named) = given.last("log-directory").or_else(|| set("SRT_LOG_DIR")) {
        return Ok(named.into());
    }
    let steam = Path::new(set("HOME").ok_or(Wrong::NoHome)?).join(STEAM);
    // Relative whatever it looks like, as for Steam itself.
    let folder = set("STEAM_CLIENT_LOG_FOLDER").unwrap_or(OsStr::new("logs")).as_bytes();
    let start = folder.iter().position(|b| *b != b'/').unwrap_or(folder.len());
    Ok(steam.join(OsStr::from_bytes(&folder[start..])))
}

/// Whether standard error goes to the journal (systemd.exec(5), `JOURNAL_STREAM`).
fn stderr_is_journal(environment: &[(OsString, OsString)]) -> bool {
    let Some(named) = variable(environment, "JOURNAL_STREAM") else { return false };
    let stat = rustix::fs::fstat(rustix::stdio::stderr());
    stat.is_ok_and(|stat| named == OsStr::new(&format!("{}:{}", stat.st_dev, stat.st_ino)))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn settings(words: &[&str], variables: &[(&str, &str)]) -> Result<Settings, Wrong> {
        let program = options::named(OsStr::new("srt-logger")).unwrap();
        let environment: Vec<(OsString, OsString)> =
            variables.iter().map(|(n, v)| (n.into(), v.into())).collect();
        let given = program.read(words.iter().map(OsString::from)).unwrap();
        Settings::of(&given, &environment, &Messages::new("srt-logger", &environment, 0))
    }

    #[test]
    fn names_and_places() {
        let home = ("HOME", "/h");
        let dir = ("SRT_LOG_DIR", "rel");
        for (words, variables, want) in [
            (&["-t", "game"][..], &[home][..], "/h/.steam/steam/logs/game.txt game"),
            (&["--filename=a.log"], &[home], "/h/.steam/steam/logs/a.log a"),
            (&["--filename=a.log", "-tb"], &[home, dir], "rel/a.log b"),
            (&["--", "/usr/bin/true"], &[dir], "rel/true.txt true"),
            (&["--filename=x", "--log-directory=/d"], &[dir], "/d/x x"),
            (&["--filename=", "--", "true"], &[], "- true"),
            (&["--identifier=", "--filename=x"], &[dir], "rel/x -"),
            (&["-ta/b"], &[], "- a/b"),
            (&[], &[], "- -"),
            (
                &["-tx"],
                &[home, ("STEAM_CLIENT_LOG_FOLDER", "//old/logs")],
                "/h/.steam/steam/old/logs/x.txt x",
            ),
        ] {
            let got = settings(words, variables).unwrap();
            let path = got.directory.zip(got.filename).map(|(d, f)| d.join(f));
            let path = path.map_or("-".into(), |path| path.display().to_string());
            assert_eq!(
                format!("{path} {}", got.identifier.unwrap_or("-".into())),
                want,
                "{words:?}"
            );
        }
        assert_eq!(settings(&["-tx"], &[]), Err(Wrong::NoHome));
        for wrong in ["--filename=a/b", "--filename=.a", "--default-level=x", "--rotate=1G"] {
            let got = settings(&[wrong], &[dir]);
            assert!(matches!(got, Err(Wrong::Value { .. })), "{wrong}");
        }
    }

    #[test]
    fn sizes() {
        for (text, want) in [
            ("0", Some(0)),
            ("10", Some(10)),
            ("2K", Some(2048)),
            ("2KiB", Some(2048)),
            ("2kB", Some(2000)),
            ("3M", Some(3 << 20)),
            ("3MB", Some(3_000_000)),
            ("M", None),
            ("-1", None),
            ("99999999999999999M", None),
        ] {
            assert_eq!(bytes(text), want, "{text}");
        }
        let rotate = |words: &[&str], value: &str| {
            settings(words, &[("SRT_LOG_ROTATION", value)]).unwrap().rotate
        };
        assert_eq!(rotate(&[], "1"), Some(8 << 20));
        assert_eq!(rotate(&["--rotate=9K"], "1"), Some(9 << 10));
        assert_eq!((rotate(&["--rotate=9K"], "0"), rotate(&["--rotate=0"], "1")), (None, None));
    }
}

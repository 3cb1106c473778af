//! What the drop-in programs say, and where: `PROGRAM[PID]: W: text` on standard error, or in systemd's
//! journal. Nothing goes to standard output, which is the command's.
//!
//! Variables: `SRT_LOG` (tokens), `SRT_LOG_TO_JOURNAL`, `PRESSURE_VESSEL_LOG_INFO`,
//! `PRESSURE_VESSEL_LOG_WITH_TIMESTAMP`, `DEBUG_INVOCATION`, and `PRESSURE_VESSEL_VERBOSE` for a program
//! that has the option `--verbose`.

use crate::journal::Journal;
use crate::{Invocation, variable};
use options::{Given, Program, Wrong};
use std::ffi::{OsStr, OsString};
use std::fmt::{self, Write as _};
use std::io::Write as _;
use std::os::unix::ffi::OsStrExt;
use std::time::{SystemTime, UNIX_EPOCH};

/// How grave a message is, as syslog(3) counts it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Level {
    /// Something does not work.
    Error = 3,
    /// Something may not work.
    Warning = 4,
    /// To be read.
    Notice = 5,
    /// Of interest to who looks for something.
    Info = 6,
    /// Every step.
    Debug = 7,
}

impl Level {
    fn letter(self) -> char {
        match self {
            Self::Error => 'E',
            Self::Warning => 'W',
            Self::Notice => 'N',
            Self::Info => 'I',
            Self::Debug => 'D',
        }
    }
}

/// How messages are written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Settings {
    /// Less grave messages are not shown.
    pub level: Level,
    /// The time stands before each message.
    pub timestamp: bool,
    /// The process's number is shown.
    pub pid: bool,
    /// It is said how long things take.
    pub timing: bool,
    /// Each line begins with its level as `<N>` (sd-daemon(3)).
    pub prefix: bool,
    /// Messages go to the journal.
    pub journal: bool,
}

impl Settings {
    /// What the environment and the number of `--verbose` ask for.
    #[must_use]
    pub fn of(environment: &[(OsString, OsString)], verbose: usize) -> Self {
        let tokens = variable(environment, "SRT_LOG").unwrap_or_default().as_bytes();
        let has = |token: &str| {
            // As GLib reads such lists.
            let mut words = tokens.split(|b| b":;, \t".contains(b));
            words.any(|word| word.eq_ignore_ascii_case(token.as_bytes()))
        };
        let on = |name| boolean(environment, name).ok().flatten();
        let debug = has("debug") || on("DEBUG_INVOCATION") == Some(true) || verbose > 1;
        let info = has("info") || on("PRESSURE_VESSEL_LOG_INFO") == Some(true) || verbose > 0;
        let diffable = has("diffable");
        let to_journal = on("SRT_LOG_TO_JOURNAL");
        Self {
            level: match (debug, info) {
                (true, _) => Level::Debug,
                (_, true) => Level::Info,
                _ => Level::Notice,
            },
            timestamp: has("timestamp") || on("PRESSURE_VESSEL_LOG_WITH_TIMESTAMP") == Some(true),
            pid: has("pid") || !diffable,
            timing: has("timing") || (debug && !diffable),
            prefix: has("level"),
            journal: to_journal.unwrap_or_else(|| has("journal")),
        }
    }
}

/// Where a program's messages go.
#[derive(Debug)]
pub struct Messages {
    program: &'static str,
    /// How they are written.
    pub settings: Settings,
    journal: Option<Journal>,
}

impl Messages {
    /// For a program, as its environment wants it. `verbose`: how often `--verbose` was given.
    #[must_use]
    pub fn new(
        program: &'static str,
        environment: &[(OsString, OsString)],
        verbose: usize,
    ) -> Self {
        let settings = Settings::of(environment, verbose);
        let journal = settings.journal.then(|| Journal::open(program).ok()).flatten();
        Self { program, settings, journal }
    }

    /// Whether messages of a level are shown.
    #[must_use]
    pub fn shows(&self, level: Level) -> bool {
        level <= self.settings.level
    }

    /// Says something. A failure to do so has nobody who could be told.
    pub fn say(&self, level: Level, text: impl fmt::Display) {
        if !self.shows(level) {
            return;
        }
        if let Some(journal) = &self.journal {
            let text = format!("{}: {text}", level.letter());
            if journal.send(level as u8, text.as_bytes()).is_ok() {
                return;
            }
        }
        let text = self.line(level, &text, SystemTime::now(), std::process::id());
        let _ = std::io::stderr().write_all(text.as_bytes());
    }

    /// Says why something does not work.
    pub fn error(&self, text: impl fmt::Display) {
        self.say(Level::Error, text);
    }

    /// Says why something may not work.
    pub fn warning(&self, text: impl fmt::Display) {
        self.say(Level::Warning, text);
    }

    /// Says something that is to be read.
    pub fn notice(&self, text: impl fmt::Display) {
        self.say(Level::Notice, text);
    }

    /// Says something to who asked to hear more.
    pub fn info(&self, text: impl fmt::Display) {
        self.say(Level::Info, text);
    }

    /// Says what is being done.
    pub fn debug(&self, text: impl fmt::Display) {
        self.say(Level::Debug, text);
    }

    /// The value of a variable that is on or off: `1` is on; `0` and nothing are off, whatever the
    /// default is; anything else is warned of and is the default.
    #[must_use]
    pub fn boolean(&self, environment: &[(OsString, OsString)], name: &str, default: bool) -> bool {
        boolean(environment, name).map(|value| value.unwrap_or(default)).unwrap_or_else(|value| {
            self.warning(format_args!(
                "the value `{}` of {name} is neither 0 nor 1 and is not considered",
                value.display()
            ));
            default
        })
    }

    /// A message as standard error gets it.
    fn line(&self, level: Level, text: &dyn fmt::Display, now: SystemTime, pid: u32) -> String {
        let mut head = String::new();
        // Writing to a string cannot fail.
        if self.settings.prefix {
            let _ = write!(head, "<{}>", level as u8);
        }
        if self.settings.timestamp {
            let _ = write!(head, "{}: ", clock(now));
        }
        head.push_str(self.program);
        if self.settings.pid {
            let _ = write!(head, "[{pid}]");
        }
        let _ = write!(head, ": {}: ", level.letter());
        let text = text.to_string();
        let mut out = String::new();
        for line in text.split('\n') {
            let _ = writeln!(out, "{head}{line}");
        }
        out
    }
}

/// The time of the day with microseconds.
fn clock(now: SystemTime) -> String {
    let since = now.duration_since(UNIX_EPOCH).unwrap_or_default();
    let time = i64::try_from(since.as_secs()).ok().and_then(sandbox::local_time);
    let time = time.map(|t| format!("{:02}:{:02}:{:02}", t.hour, t.minute, t.second));
    format!("{}.{:06}", time.unwrap_or_default(), since.subsec_micros())
}

/// A variable that is on or off; none where it is not set.
///
/// # Errors
/// Its value, where that is neither `0` nor `1` nor empty.
pub fn boolean<'a>(
    environment: &'a [(OsString, OsString)],
    name: &str,
) -> Result<Option<bool>, &'a OsStr> {
    match variable(environment, name) {
        None => Ok(None),
        Some(value) if value == "1" => Ok(Some(true)),
        Some(value) if value == "0" || value.is_empty() => Ok(Some(false)),
        Some(value) => Err(value),
    }
}

/// What every program begins with: reads the command line, and answers `--help` and `--version`, on
/// standard output.
///
/// # Errors
/// The exit status, where there is nothing more to do: 0 after an answer, and `usage` where the command
/// line cannot be read.
pub fn begin(invocation: &Invocation, usage: u8) -> Result<(Given, Messages), u8> {
    let (given, wrong, messages) = read(invocation);
    match wrong {
        Some(wrong) => {
            messages.error(wrong);
            Err(usage)
        }
        None if answered(invocation.program, &given) => Err(0),
        None => Ok((given, messages)),
    }
}

/// Reads the command line up to the first thing that cannot be read: for programs that act on options
/// before they know whether all can be read.
#[must_use]
pub fn read(invocation: &Invocation) -> (Given, Option<Wrong>, Messages) {
    let program = invocation.program;
    let environment = &invocation.environment;
    let (given, wrong) = program.read_part(invocation.arguments.iter().cloned());
    let has = |option| program.options.iter().any(|known| known.long == option);
    let mut verbose = given.all("verbose").count();
    let talks = || boolean(environment, "PRESSURE_VESSEL_VERBOSE") == Ok(Some(true));
    if verbose == 0 && has("verbose") && talks() {
        verbose = 1;
    }
    (given, wrong, Messages::new(program.name(), environment, verbose))
}

/// Answers `--help` and `--version`, on standard output; whether one of them was given.
#[must_use]
pub fn answered(program: &Program, given: &Given) -> bool {
    let answer = if given.help {
        program.help()
    } else if given.has("version") {
        version(program.name())
    } else {
        return false;
    };
    // A closed standard output is no reason to fail.
    let _ = std::io::stdout().write_all(answer.as_bytes());
    true
}

/// What `--version` prints.
fn version(name: &str) -> String {
    format!("{name}:\n Package: bathysphere\n Version: {}\n", env!("CARGO_PKG_VERSION"))
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::time::Duration;

    fn variables(list: &[(&str, &str)]) -> Vec<(OsString, OsString)> {
        list.iter().map(|(name, value)| (name.into(), value.into())).collect()
    }

    #[test]
    fn what_the_environment_asks_for() {
        let of = |list: &[(&str, &str)], verbose| {
            let s = Settings::of(&variables(list), verbose);
            let marks = [
                (s.timestamp, "timestamp"),
                (s.pid, "pid"),
                (s.timing, "timing"),
                (s.prefix, "prefix"),
                (s.journal, "journal"),
            ];
            let marks = marks.iter().filter(|(on, _)| *on).map(|(_, name)| *name);
            format!("{} {}", s.level.letter(), marks.collect::<Vec<_>>().join(" "))
        };
        for (list, verbose, want) in [
            (&[][..], 0, "N pid"),
            (&[], 1, "I pid"),
            (&[], 2, "D pid timing"),
            (&[("SRT_LOG", "info,timestamp")], 0, "I timestamp pid"),
            (&[("SRT_LOG", "DEBUG diffable")], 0, "D "),
            (&[("SRT_LOG", "diffable:pid:timing")], 0, "N pid timing"),
            (&[("SRT_LOG", "level;journal;unknown")], 0, "N pid prefix journal"),
            (&[("SRT_LOG", "journal"), ("SRT_LOG_TO_JOURNAL", "0")], 0, "N pid"),
            (&[("SRT_LOG_TO_JOURNAL", "1")], 0, "N pid journal"),
            (&[("PRESSURE_VESSEL_LOG_INFO", "1")], 0, "I pid"),
            (&[("PRESSURE_VESSEL_LOG_INFO", "yes")], 0, "N pid"),
            (&[("PRESSURE_VESSEL_LOG_WITH_TIMESTAMP", "1")], 0, "N timestamp pid"),
            (&[("DEBUG_INVOCATION", "1")], 0, "D pid timing"),
            (&[("DEBUG_INVOCATION", "")], 0, "N pid"),
        ] {
            assert_eq!(of(list, verbose), want, "{list:?}");
        }
    }

    #[test]
    fn lines() {
        let line = |list: &[(&str, &str)], text: &str| {
            let messages = Messages::new("pv-tool", &variables(list), 0);
            messages.line(Level::Warning, &text, UNIX_EPOCH + Duration::from_micros(7), 12)
        };
        assert_eq!(line(&[], "text"), "pv-tool[12]: W: text\n");
        assert_eq!(line(&[("SRT_LOG", "diffable")], "text"), "pv-tool: W: text\n");
        let prefixed = line(&[("SRT_LOG", "level diffable")], "two\nlines");
        assert_eq!(prefixed, "<4>pv-tool: W: two\n<4>pv-tool: W: lines\n");
        let timed = line(&[("SRT_LOG", "timestamp")], "text");
        assert_eq!(timed[8..], *".000007: pv-tool[12]: W: text\n", "{timed}");
        assert!(timed[..8].bytes().all(|b| b.is_ascii_digit() || b == b':'), "{timed}");
    }

    #[test]
    fn on_and_off() {
        let messages = Messages::new("pv-tool", &[], 0);
        let value =
            |value: &str, default| messages.boolean(&variables(&[("X", value)]), "X", default);
        assert!(value("1", false) && !value("0", true) && !value("", true));
        assert!(value("yes", true) && !value("yes", false));
        assert!(messages.boolean(&[], "X", true));
    }
}

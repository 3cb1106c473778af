//! Reading a command line by a program's table, as GLib's `GOptionContext` does (2.74).

use crate::program::{Opt, Order, Program};
use std::ffi::{OsStr, OsString};
use std::os::unix::ffi::{OsStrExt, OsStringExt};

/// What was given.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Given {
    /// The options in their order, by long name; a switch has an empty value.
    pub options: Vec<(&'static str, OsString)>,
    /// Everything that is no option.
    pub words: Vec<OsString>,
    /// `--help`, `-h` or `-?` is among the options.
    pub help: bool,
}

/// Why a command line cannot be read.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Wrong {
    /// No such option.
    #[error("unknown option `{}`", .0.display())]
    Unknown(OsString),
    /// The value is not there.
    #[error("`--{0}` needs a value")]
    NoValue(&'static str),
}

impl Given {
    /// The value that counts of an option that is given once or several times: the last one.
    #[must_use]
    pub fn last(&self, long: &str) -> Option<&OsStr> {
        self.options
            .iter()
            .rev()
            .find(|(name, _)| *name == long)
            .map(|(_, value)| value.as_os_str())
    }

    /// All values of an option, in order.
    pub fn all<'a>(&'a self, long: &'a str) -> impl Iterator<Item = &'a OsStr> {
        let of = self.options.iter().filter(move |(name, _)| *name == long);
        of.map(|(_, value)| value.as_os_str())
    }

    /// Whether a switch is given.
    #[must_use]
    pub fn has(&self, long: &str) -> bool {
        self.last(long).is_some()
    }

    /// Which one of two switches stands last.
    #[must_use]
    pub fn either(&self, on: &str, off: &str) -> Option<bool> {
        let last = self.options.iter().rev().find(|(name, _)| *name == on || *name == off);
        last.map(|(name, _)| *name == on)
    }
}

impl Program {
    /// Reads the arguments that follow the program's name.
    ///
    /// A switch does not take a value (`--switch=value` is unknown), a value stands after `=` or in the
    /// next argument, whatever that is. The first `--` ends the options and disappears.
    ///
    /// # Errors
    /// [`Wrong`]: the first thing that cannot be read.
    pub fn read(&self, arguments: impl IntoIterator<Item = OsString>) -> Result<Given, Wrong> {
        match self.read_part(arguments) {
            (given, None) => Ok(given),
            (_, Some(wrong)) => Err(wrong),
        }
    }

    /// The same, with what was given before the first thing that cannot be read: for programs that act
    /// while they read.
    pub fn read_part(
        &self,
        arguments: impl IntoIterator<Item = OsString>,
    ) -> (Given, Option<Wrong>) {
        let mut given = Given::default();
        let wrong = self.read_into(&mut given, arguments.into_iter());
        (given, wrong.err())
    }

    fn read_into(
        &self,
        given: &mut Given,
        mut arguments: impl Iterator<Item = OsString>,
    ) -> Result<(), Wrong> {
        while let Some(argument) = arguments.next() {
            let bytes = argument.as_bytes();
            if bytes == b"--" {
                break;
            }
            if let Some(long) = bytes.strip_prefix(b"--") {
                self.long(long, &argument, &mut arguments, given)?;
            } else if bytes.len() > 1 && bytes[0] == b'-' {
                self.short(&bytes[1..], &argument, &mut arguments, given)?;
            } else {
                given.words.push(argument);
                if self.order == Order::First {
                    break;
                }
            }
        }
        given.words.extend(arguments);
        Ok(())
    }

    fn long(
        &self,
        long: &[u8],
        argument: &OsStr,
        rest: &mut impl Iterator<Item = OsString>,
        given: &mut Given,
    ) -> Result<(), Wrong> {
        let (name, value) = match long.iter().position(|b| *b == b'=') {
            Some(at) => (&long[..at], Some(OsString::from_vec(long[at + 1..].to_vec()))),
            None => (long, None),
        };
        let option = self.options.iter().find(|option| option.long.as_bytes() == name);
        match (option, value) {
            (Some(option), value) if option.value.is_some() => {
                take(option, value.or_else(|| rest.next()), given)
            }
            (Some(option), None) => take(option, Some(OsString::new()), given),
            (None, None) if name == b"help" => {
                given.help = true;
                Ok(())
            }
            _ => Err(Wrong::Unknown(argument.into())),
        }
    }

    fn short(
        &self,
        letters: &[u8],
        argument: &OsStr,
        rest: &mut impl Iterator<Item = OsString>,
        given: &mut Given,
    ) -> Result<(), Wrong> {
        for (at, letter) in letters.iter().enumerate() {
            match self.options.iter().find(|option| option.short == Some(*letter)) {
                Some(option) if option.value.is_some() => {
                    let attached = &letters[at + 1..];
                    let attached =
                        (!attached.is_empty()).then(|| OsString::from_vec(attached.to_vec()));
                    return take(option, attached.or_else(|| rest.next()), given);
                }
                Some(option) => take(option, Some(OsString::new()), given)?,
                None if matches!(letter, b'h' | b'?') => given.help = true,
                None => return Err(Wrong::Unknown(argument.into())),
            }
        }
        Ok(())
    }
}

fn take(option: &Opt, value: Option<OsString>, given: &mut Given) -> Result<(), Wrong> {
    given.options.push((option.long, value.ok_or(Wrong::NoValue(option.long))?));
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    const OPTIONS: &[Opt] = &[
        Opt::switch("create", "Create."),
        Opt::switch("no-create", "Do not."),
        Opt::value("lock-file", "FILE", "Lock.").short(b'l'),
        Opt::switch("verbose", "Talk.").short(b'v'),
    ];

    fn program(order: Order) -> Program {
        Program {
            names: &["tried"],
            summary: "A program",
            usage: "",
            about: "",
            options: OPTIONS,
            variables: &[],
            statuses: &[],
            order,
        }
    }

    fn read(order: Order, words: &[&str]) -> Result<Given, Wrong> {
        program(order).read(words.iter().map(OsString::from))
    }

    fn line(given: &Given) -> String {
        let option = |(name, value): &(&str, OsString)| format!("{name}={}", value.display());
        let options: Vec<_> = given.options.iter().map(option).collect();
        let words: Vec<_> = given.words.iter().map(|word| word.display().to_string()).collect();
        format!("{} | {}", options.join(" "), words.join(" "))
    }

    #[test]
    fn lines_are_read_as_glib_reads_them() {
        for (words, want) in [
            (
                &["--create", "--lock-file", "a", "--no-create", "--lock-file=b"][..],
                "create= lock-file=a no-create= lock-file=b | ",
            ),
            (&["cmd", "--create", "word"], "create= | cmd word"),
            (&["--", "cmd", "--create"], " | cmd --create"),
            (&["cmd", "--", "word", "--", "x"], " | cmd word -- x"),
            (&["--lock-file", "--create", "-"], "lock-file=--create | -"),
            (&["--lock-file="], "lock-file= | "),
            (
                &["-vlfile", "-vl", "other", "-v"],
                "verbose= lock-file=file verbose= lock-file=other verbose= | ",
            ),
        ] {
            assert_eq!(line(&read(Order::Anywhere, words).unwrap()), want, "{words:?}");
        }
        let given = read(Order::First, &["-v", "cmd", "--create", "--", "x"]).unwrap();
        assert_eq!(line(&given), "verbose= | cmd --create -- x");
    }

    #[test]
    fn what_cannot_be_read_is_named() {
        let unknown = |word: &str| Wrong::Unknown(word.into());
        for (words, want) in [
            (&["--creat"][..], unknown("--creat")),
            (&["--create=1"], unknown("--create=1")),
            (&["-vx"], unknown("-vx")),
            (&["--lock-file"], Wrong::NoValue("lock-file")),
            (&["-l"], Wrong::NoValue("lock-file")),
        ] {
            assert_eq!(read(Order::Anywhere, words).unwrap_err(), want, "{words:?}");
        }
    }

    #[test]
    fn what_stands_before_a_mistake_is_known() {
        let program = program(Order::Anywhere);
        let words = ["--create", "word", "--wrong", "-v"].map(OsString::from);
        let (given, wrong) = program.read_part(words);
        assert_eq!(line(&given), "create= | word");
        assert_eq!(wrong, Some(Wrong::Unknown("--wrong".into())));
    }

    #[test]
    fn what_stands_last_counts() {
        let words = ["--create", "--no-create", "-l1", "-l2", "-h"];
        let given = read(Order::Anywhere, &words).unwrap();
        assert_eq!(given.either("create", "no-create"), Some(false));
        assert_eq!(given.last("lock-file"), Some(OsStr::new("2")));
        assert_eq!(given.all("lock-file").count(), 2);
        assert!(given.help && !given.has("verbose"));
    }
}

//! The definition of a program as a value.

use std::fmt::Write;

/// A drop-in program: its names, options and the rest of its manual page.
#[derive(Debug)]
pub struct Program {
    /// The names that it answers to; the first is that of its manual page.
    pub names: &'static [&'static str],
    /// What it does, in one line without a full stop.
    pub summary: &'static str,
    /// What stands after the name, such as `[OPTION…] [--] COMMAND [ARGUMENT…]`.
    pub usage: &'static str,
    /// What else is to be known: paragraphs separated by an empty line.
    pub about: &'static str,
    /// In the order in which they are shown.
    pub options: &'static [Opt],
    /// Variables that it reads.
    pub variables: &'static [Variable],
    /// Its exit statuses.
    pub statuses: &'static [Status],
    /// Where options may stand.
    pub order: Order,
}

/// An option of a program.
#[derive(Debug)]
pub struct Opt {
    /// Its name without the two hyphens.
    pub long: &'static str,
    /// Its short form.
    pub short: Option<u8>,
    /// What its value is called; none for a switch.
    pub value: Option<&'static str>,
    /// What it does: a sentence. Empty for an option that is understood and not shown: an old name, or
    /// one that means nothing any more.
    pub help: &'static str,
}

/// A variable of the environment.
#[derive(Debug)]
pub struct Variable {
    /// Its name.
    pub name: &'static str,
    /// What it does: a sentence.
    pub help: &'static str,
}

/// An exit status.
#[derive(Debug)]
pub struct Status {
    /// The number, or what stands for several (`128 + N`).
    pub number: &'static str,
    /// When.
    pub when: &'static str,
}

/// Where options may stand.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Order {
    /// Before, between and after words, until `--`, as GLib reads them.
    Anywhere,
    /// Before the first word, as in `env(1)`.
    First,
}

impl Opt {
    /// An option without a value.
    #[must_use]
    pub const fn switch(long: &'static str, help: &'static str) -> Self {
        Self { long, short: None, value: None, help }
    }

    /// An option with a value.
    #[must_use]
    pub const fn value(long: &'static str, value: &'static str, help: &'static str) -> Self {
        Self { long, short: None, value: Some(value), help }
    }

    /// The same with a short form, an ASCII letter.
    #[must_use]
    pub const fn short(self, letter: u8) -> Self {
        Self { short: Some(letter), ..self }
    }

    /// Whether it is shown.
    #[must_use]
    pub const fn shown(&self) -> bool {
        !self.help.is_empty()
    }
}

impl Program {
    /// The name of its manual page.
    #[must_use]
    pub const fn name(&self) -> &'static str {
        self.names[0]
    }

    /// What `--help` prints.
    #[must_use]
    pub fn help(&self) -> String {
        let mut out =
            format!("Usage: {} {}\n\n{}\n\nOptions:\n", self.name(), self.usage, self.summary);
        for option in self.options.iter().filter(|option| option.shown()) {
            // Writing to a string cannot fail.
            let _ = writeln!(out, "  {}\n          {}", spelled(option), option.help);
        }
        out
    }

    /// The same for what makes manual pages and completions.
    #[must_use]
    pub fn to_command(&self) -> clap::Command {
        let mut command = clap::Command::new(self.name())
            .about(self.summary)
            .long_about(format!("{}\n\n{}", self.summary, self.about))
            .override_usage(format!("{} {}", self.name(), self.usage))
            .disable_help_flag(true);
        for option in self.options {
            let mut arg = clap::Arg::new(option.long).long(option.long).help(option.help);
            if let Some(letter) = option.short {
                arg = arg.short(char::from(letter));
            }
            arg = match option.value {
                Some(name) => arg.value_name(name).action(clap::ArgAction::Append),
                None => arg.action(clap::ArgAction::Count),
            };
            command = command.arg(arg.hide(!option.shown()));
        }
        command
    }
}

/// An option as it is written: `-v, --verbose`, `--shell SHELL`.
fn spelled(option: &Opt) -> String {
    let short = option.short.map(|letter| format!("-{}, ", char::from(letter))).unwrap_or_default();
    let value = option.value.map(|name| format!(" {name}")).unwrap_or_default();
    format!("{short}--{}{value}", option.long)
}

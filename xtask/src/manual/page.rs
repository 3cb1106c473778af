//! A manual page as a value.

use clap::{Arg, Command};
use options::{Program, Status, Variable, command};

/// What a page says.
#[derive(Debug)]
pub(super) struct Page {
    /// Its name, as `man` takes it.
    pub(super) name: String,
    /// One line.
    pub(super) summary: String,
    /// How it is started, without the name of the program.
    pub(super) usages: Vec<String>,
    /// Paragraphs.
    pub(super) about: Vec<String>,
    /// Options and what they do.
    pub(super) options: Vec<Row>,
    /// Commands and what they do.
    pub(super) commands: Vec<Row>,
    /// Variables and what they do.
    pub(super) variables: Vec<Row>,
    /// Exit statuses and when they are returned.
    pub(super) statuses: Vec<Row>,
    /// Names of other pages.
    pub(super) see: Vec<String>,
}

/// A term and what is said of it.
pub(super) type Row = (String, String);

impl Page {
    /// Of a drop-in program.
    pub(super) fn of_program(program: &Program) -> Self {
        let options = program.options.iter().filter(|option| option.shown());
        let option = |option: &options::Opt| {
            let value = option.value.map(|value| format!(" {value}")).unwrap_or_default();
            let long = format!("--{}{value}", option.long);
            let short = option.short.map(|letter| format!("-{}, ", char::from(letter)));
            (short.unwrap_or_default() + &long, option.help.into())
        };
        let others = options::ALL.iter().filter(|other| other.name() != program.name());
        let about = program.about.split("\n\n").map(Into::into).collect();
        let see = ["bathysphere".into()].into_iter().chain(others.map(|o| o.name().into()));
        Self {
            name: program.name().into(),
            summary: program.summary.into(),
            usages: program.names.iter().map(|name| format!("{name} {}", program.usage)).collect(),
            about,
            options: options.map(option).collect(),
            commands: vec![],
            variables: variables(program.variables),
            statuses: statuses(program.statuses),
            see: see.collect(),
        }
    }

    /// Of `bathysphere` itself.
    pub(super) fn of_bathysphere(command: &Command) -> Self {
        let shown = |one: &&Command| !one.is_hide_set() && one.get_name() != "help";
        let commands: Vec<_> = command.get_subcommands().filter(shown).collect();
        let row = |one: &&Command| (one.get_name().to_owned(), about(one).concat());
        Self {
            commands: commands.iter().map(row).collect(),
            variables: variables(command::VARIABLES),
            statuses: statuses(command::STATUSES),
            see: commands.iter().map(|one| format!("bathysphere-{}", one.get_name())).collect(),
            ..Self::of_command(command, "bathysphere", "bathysphere")
        }
    }

    /// Of a command, under the name of its page and as it is spelled.
    fn of_command(command: &Command, name: &str, spelled: &str) -> Self {
        let paragraphs = about(command);
        let summary = paragraphs.first().cloned().unwrap_or_default();
        let arguments = command.get_arguments().filter(|argument| !argument.is_hide_set());
        let usage = command.clone().render_usage().to_string();
        let usage =
            usage.trim_start_matches("Usage: ").split_once(' ').map_or("", |(_, rest)| rest);
        // What clap knows of the words before is in `spelled`.
        let own = spelled
            .split(' ')
            .skip(1)
            .fold(usage, |usage, word| usage.strip_prefix(word).map_or(usage, str::trim_start));
        Self {
            name: name.into(),
            summary: first_sentence(&summary),
            usages: vec![format!("{spelled} {own}")],
            about: paragraphs,
            options: arguments.map(row).collect(),
            commands: vec![],
            variables: vec![],
            statuses: vec![],
            see: vec!["bathysphere".into()],
        }
    }
}

/// The pages of a command and of those below it.
pub(super) fn of_commands(command: &Command, above: &str) -> Vec<Page> {
    let spelled = format!("{above} {}", command.get_name());
    let mut pages = vec![Page::of_command(command, &spelled.replace(' ', "-"), &spelled)];
    let below = command.get_subcommands();
    let shown = below.filter(|one| !one.is_hide_set() && one.get_name() != "help");
    pages.extend(shown.flat_map(|one| of_commands(one, &spelled)));
    pages
}

fn about(command: &Command) -> Vec<String> {
    let text = command.get_long_about().or(command.get_about());
    let text = text.map(ToString::to_string).unwrap_or_default();
    text.split("\n\n").map(|paragraph| paragraph.replace('\n', " ")).collect()
}

/// The first sentence, for a line without a full stop.
fn first_sentence(text: &str) -> String {
    let end = text.find(". ").unwrap_or(text.len());
    text[..end].trim_end_matches('.').to_owned()
}

/// An option or word of a command.
fn row(argument: &Arg) -> Row {
    let names = argument.get_value_names().unwrap_or_default();
    let value = if argument.get_action().takes_values() { names.join(" ") } else { String::new() };
    let spelled = match (argument.get_short(), argument.get_long()) {
        (Some(short), Some(long)) => format!("-{short}, --{long} {value}"),
        (None, Some(long)) => format!("--{long} {value}"),
        (Some(short), None) => format!("-{short} {value}"),
        (None, None) => value,
    };
    let help = argument.get_long_help().or(argument.get_help());
    let help = help.map(ToString::to_string).unwrap_or_default();
    let mut help: Vec<String> = help.split("\n\n").map(|text| text.replace('\n', " ")).collect();
    let possible = argument.get_possible_values();
    for value in possible.iter().filter(|_| argument.get_action().takes_values()) {
        let of = value.get_help().map(|help| format!(": {help}")).unwrap_or_default();
        help.push(format!("{}{of}", value.get_name()));
    }
    (spelled.trim_end().to_owned(), help.join("\n"))
}

fn variables(variables: &[Variable]) -> Vec<Row> {
    variables.iter().map(|variable| (variable.name.into(), variable.help.into())).collect()
}

fn statuses(statuses: &[Status]) -> Vec<Row> {
    statuses.iter().map(|status| (status.number.into(), status.when.into())).collect()
}

//! Starting a logger in a process of its own, and becoming the command that it records.

use super::FAILED;
use super::settings::Settings;
use crate::Invocation;
use crate::execute::executed;
use crate::messages::Messages;
use options::{Given, Program};
use std::ffi::{OsStr, OsString};
use std::io::{self, PipeWriter, Read, Write};
use std::os::fd::AsFd;
use std::os::unix::process::CommandExt;
use std::process::{Command, Stdio};

/// The last line that a logger prints.
pub(super) const READY: &str = "SRT_LOGGER_READY=1\n";

/// Options that are not for the logger itself, or are given to it in another form.
const OWN: &[&str] =
    &["background", "exec-fallback", "sh-syntax", "filename", "identifier", "new-session"];

/// Starts a logger; with a command, becomes that.
pub(super) fn run(
    invocation: &Invocation,
    given: &Given,
    settings: &Settings,
    messages: &Messages,
) -> u8 {
    let started = start(invocation, given, settings);
    for fd in [settings.file, settings.journal, settings.terminal_fd()].into_iter().flatten() {
        // They were for the logger. One that is not open is nothing to be kept.
        let _ = sandbox::descriptor::keep(fd);
    }
    let mut command = given.words.split_first().map(|(program, arguments)| {
        let mut command = Command::new(program);
        command.args(arguments).env_clear();
        command.envs(invocation.environment.iter().map(|(name, value)| (name, value)));
        command
    });
    match (started, &mut command) {
        (Ok((lines, writer)), command) => {
            if settings.sh_syntax {
                // Whoever does not read this does not want to know.
                let _ = io::stdout().write_all(lines.as_bytes());
            }
            match (command, writer) {
                (Some(command), Some(writer)) => record(command, &lines, writer, messages),
                _ => 0,
            }
        }
        (Err(error), command) => {
            messages.error(format_args!("cannot start a logger: {error}"));
            match command.as_mut().filter(|_| settings.exec_fallback) {
                Some(command) => executed(command.stdout(io::stderr()), messages),
                None => FAILED,
            }
        }
    }
}

/// Becomes the command, with its output and errors going to the logger.
fn record(command: &mut Command, lines: &str, writer: PipeWriter, messages: &Messages) -> u8 {
    for line in lines.lines() {
        let words = inspect::emulator::split_words(line).unwrap_or_default();
        match &words[..] {
            [export, assignment] if export == "export" => {
                command.envs(assignment.split_once('='));
            }
            [unset, name] if unset == "unset" => {
                command.env_remove(name);
            }
            _ => {}
        }
    }
    match writer.try_clone() {
        Ok(second) => executed(command.stdout(second).stderr(writer), messages),
        Err(error) => {
            messages.error(error);
            FAILED
        }
    }
}

/// Starts a logger and waits until it records. Gives back what it printed, and where its lines come from if
/// that is not standard input.
fn start(
    invocation: &Invocation,
    given: &Given,
    settings: &Settings,
) -> io::Result<(String, Option<PipeWriter>)> {
    let has_command = !given.words.is_empty();
    let mut logger = Command::new(&invocation.executable);
    logger.arg0(invocation.program.name()).args(options(invocation.program, given, settings));
    logger.env_clear().envs(invocation.environment.iter().map(|(name, value)| (name, value)));
    let mut writer = None;
    if has_command {
        let (reader, to) = io::pipe()?;
        logger.stdin(reader);
        writer = Some(to);
        if given.has("background") {
            // One process between: it ends, and so the logger is nobody's child.
            logger.arg("--background");
        }
    } else {
        logger.stdin(Stdio::from(io::stdin().as_fd().try_clone_to_owned()?));
    }
    let mut logger = logger.stdout(Stdio::piped()).spawn()?;
    let mut lines = String::new();
    if let Some(mut stdout) = logger.stdout.take() {
        stdout.read_to_string(&mut lines)?;
    }
    if !lines.ends_with(READY) {
        let status = logger.wait()?;
        return Err(io::Error::other(format!("it ended ({status})")));
    }
    if has_command && given.has("background") {
        logger.wait()?;
    }
    Ok((lines, writer))
}

/// The options of the logger.
fn options(program: &Program, given: &Given, settings: &Settings) -> Vec<OsString> {
    let takes = |option: &str| {
        program.options.iter().any(|known| known.long == option && known.value.is_some())
    };
    let spelled = |option: &str, value: &OsStr| {
        let mut word = OsString::from(format!("--{option}"));
        if takes(option) {
            word.push("=");
            word.push(value);
        }
        word
    };
    let kept = given.options.iter().filter(|(option, _)| !OWN.contains(option));
    let mut words: Vec<OsString> = kept.map(|(option, value)| spelled(option, value)).collect();
    words.push(spelled("filename", settings.filename.as_deref().unwrap_or_default()));
    let identifier = settings.identifier.as_deref().unwrap_or_default();
    words.push(spelled("identifier", identifier.as_ref()));
    words.extend(["--sh-syntax", "--new-session"].map(OsString::from));
    words
}

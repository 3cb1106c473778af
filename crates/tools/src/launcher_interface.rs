//! `steam-runtime-launcher-interface-0`.

use crate::execute::{execute, in_path, is_executable};
use crate::messages::Messages;
use crate::{Invocation, variable};
use std::ffi::{OsStr, OsString};
use std::os::unix::ffi::OsStrExt;
use std::path::{Path, PathBuf};

/// Wrong usage.
const USAGE: u8 = 125;

/// The variable that says which tool shall have a service.
const WANTED: &str = "STEAM_COMPAT_LAUNCHER_SERVICE";

/// The service.
const SERVICE: &str = "steam-runtime-launcher-service";

/// Where it is in a container: as wrap mounts its own directory, and as older ones copied it.
const IN_CONTAINER: &[&str] =
    &["/run/pressure-vessel/pv-from-host/bin", "/usr/lib/pressure-vessel/from-host/bin"];

/// How the service is started: for the command alone, and the command without it where it does not work.
const OPTIONS: &[&str] = &[
    "--exec-fallback",
    "--hint",
    "--inside-app",
    "--no-stop-on-name-loss",
    "--replace",
    "--session",
    "--",
];

/// Runs the program.
pub(crate) fn run(invocation: &Invocation) -> u8 {
    let environment = &invocation.environment;
    let messages = Messages::new(invocation.program.name(), environment, 0);
    let [names, command @ ..] = &invocation.arguments[..] else { return usage(&messages) };
    let is_option = |word: &OsString| word.as_bytes().starts_with(b"-");
    if is_option(names) || command.first().is_none_or(is_option) {
        return usage(&messages);
    }
    if is_wanted(names, environment, &messages) {
        match service(environment) {
            Some(service) => {
                messages.info(format_args!("starting {}", service.display()));
                let options = OPTIONS.iter().map(OsString::from);
                let words = [service.into_os_string()].into_iter().chain(options);
                let words: Vec<_> = words.chain(command.iter().cloned()).collect();
                let rest = environment.iter().filter(|(name, _)| name != WANTED).cloned();
                // Only comes back when it has failed.
                let _ = execute(&words, &rest.collect::<Vec<_>>(), &messages);
            }
            None => messages.error(format_args!("there is no {SERVICE}")),
        }
        messages.warning("the command is executed without a launcher service");
    }
    execute(command, environment, &messages)
}

fn usage(messages: &Messages) -> u8 {
    messages.error("usage: steam-runtime-launcher-interface-0 NAME[:NAME…] COMMAND [ARGUMENT…]");
    USAGE
}

/// Whether the user wants a service for one of the names.
fn is_wanted(names: &OsStr, environment: &[(OsString, OsString)], messages: &Messages) -> bool {
    let wanted = variable(environment, WANTED).unwrap_or_default().as_bytes();
    if wanted.contains(&b':') {
        let text = "is the name of one tool; it has a colon and is not considered";
        messages.warning(format_args!("{WANTED} {text}"));
        return false;
    }
    !wanted.is_empty() && names.as_bytes().split(|b| *b == b':').any(|name| name == wanted)
}

/// The service's program.
fn service(environment: &[(OsString, OsString)]) -> Option<PathBuf> {
    let value = |name| variable(environment, name).filter(|value| !value.is_empty());
    if let Some(named) = value("SRT_LAUNCHER_SERVICE") {
        return Some(named.into());
    }
    let in_container = IN_CONTAINER.iter().map(|directory| Path::new(directory).join(SERVICE));
    let tools = value("STEAM_COMPAT_TOOL_PATHS").unwrap_or_default().as_bytes();
    let tools = tools.split(|b| *b == b':').filter(|tool| !tool.is_empty());
    let beside =
        |tool| Path::new(OsStr::from_bytes(tool)).join("pressure-vessel/bin").join(SERVICE);
    in_container
        .chain(in_path(environment, SERVICE))
        .chain(tools.map(beside))
        .find(|program| is_executable(program))
}

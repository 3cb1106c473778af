//! The drop-in programs that need no plan: what runs inside a container that another tool has made, and
//! what looks after runtimes and logs. Options: crate `options`; their meaning: a file each here.
//!
//! Must not decide what a container is; must not be needed by a launch of our own.

#![forbid(unsafe_code)]

mod adverb;
mod execute;
pub mod interactive;
pub mod journal;
mod launcher_interface;
mod locale;
mod logger;
pub mod messages;
mod steam;
mod supervised;
mod supervisor;
mod temporary;
pub mod unruntime;
mod urlopen;
mod verify;

pub use execute::in_path;

use options::Program;
use std::ffi::{OsStr, OsString};
use std::path::PathBuf;

/// How a program was started.
#[derive(Clone, Debug)]
pub struct Invocation {
    /// The program that the name means.
    pub program: &'static Program,
    /// The arguments after the name.
    pub arguments: Vec<OsString>,
    /// The environment, read once.
    pub environment: Vec<(OsString, OsString)>,
    /// This executable.
    pub executable: PathBuf,
}

/// The value of a variable of an environment.
#[must_use]
pub fn variable<'a>(environment: &'a [(OsString, OsString)], name: &str) -> Option<&'a OsStr> {
    environment.iter().find(|(known, _)| known == name).map(|(_, value)| value.as_os_str())
}

/// Sets a variable of an environment, or takes it out.
pub fn set(environment: &mut Vec<(OsString, OsString)>, name: &str, value: Option<&OsStr>) {
    environment.retain(|(known, _)| known != name);
    environment.extend(value.map(|value| (name.into(), value.to_owned())));
}

/// A program: gives back its exit status.
type Run = fn(&Invocation) -> u8;

/// What each program does, by its name.
const PROGRAMS: &[(&str, Run)] = &[
    ("pressure-vessel-adverb", adverb::run),
    ("pressure-vessel-locale-gen", locale::generate::run),
    ("pressure-vessel-try-setlocale", locale::try_setlocale),
    ("pv-verify", verify::run),
    ("srt-logger", logger::run),
    ("steam-runtime-launcher-interface-0", launcher_interface::run),
    ("steam-runtime-steam-remote", steam::remote),
    ("steam-runtime-supervisor", supervisor::run),
    ("steam-runtime-urlopen", urlopen::run),
];

/// Does what the program that was named does, and gives back its exit status. `None`: a program that is
/// not in this crate.
#[must_use]
pub fn run(invocation: &Invocation) -> Option<u8> {
    let name = invocation.program.name();
    let (_, program) = PROGRAMS.iter().find(|(of, _)| *of == name)?;
    Some(program(invocation))
}

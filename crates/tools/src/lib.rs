//! The drop-in programs that need no plan: what runs inside a container that another tool has made, and
//! what looks after runtimes and logs. Options: crate `options`; their meaning: a file each here.
//!
//! Must not decide what a container is; must not be needed by a launch of our own.

#![forbid(unsafe_code)]

pub mod interactive;
pub mod journal;
pub mod messages;

mod adverb;
mod supervised;
mod supervisor;
mod temporary;
mod verify;

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

/// A program: gives back its exit status.
type Run = fn(&Invocation) -> u8;

/// What each program does, by its name.
const PROGRAMS: &[(&str, Run)] = &[
    ("pressure-vessel-adverb", adverb::run),
    ("pv-verify", verify::run),
    ("steam-runtime-supervisor", supervisor::run),
];

/// Does what the program that was named does, and gives back its exit status. `None`: a program that is
/// not in this crate.
#[must_use]
pub fn run(invocation: &Invocation) -> Option<u8> {
    let name = invocation.program.name();
    let (_, program) = PROGRAMS.iter().find(|(of, _)| *of == name)?;
    Some(program(invocation))
}

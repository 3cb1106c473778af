//! The supervisor: starts the command in the container, passes signals on to it, gives back its exit
//! status, and ends what it leaves behind.
//!
//! It runs with one thread and without privileges. Below the built-in executor it is the process
//! that built the namespace; below bwrap it is this program executed again ([`supervise_if_asked`]).

mod children;
mod command;
mod diagnose;
mod schedule;
mod server;
mod task;
mod watch;

pub use schedule::Times;
pub use task::{Helper, Supervisor, Task, end_by};
pub use watch::Outcome;

use crate::error::Error;
use crate::link::Theirs;
use crate::relay::Signals;
use crate::spec::Spec;
use crate::sys::{SysError, call, fd, std_call};
use plan::ContainerPath;
use rustix::io::Errno;
use rustix::process::{Signal, set_child_subreaper, set_parent_process_death_signal};
use std::ffi::OsString;
use std::io::{Read, Seek};
use std::os::fd::{OwnedFd, RawFd};
use std::os::unix::ffi::OsStrExt;
use std::time::Duration;
use watch::{Failed, Late, Rules, Watch};

/// First argument of this program when it is to be the supervisor. The second is the number of a
/// descriptor from which the rest is read.
pub(crate) const ASKED: &str = "bathysphere-supervisor";

/// Becomes the supervisor, or the guard of a mounted image, when the arguments say so, and returns the exit status then. To be called
/// before anything else is done with the arguments.
pub fn supervise_if_asked(arguments: impl IntoIterator<Item = OsString>) -> Option<u8> {
    let arguments: Vec<OsString> = arguments.into_iter().collect();
    if let Some(status) = crate::image::guard_if_asked(&arguments) {
        return Some(status);
    }
    let mut arguments = arguments.into_iter().skip(1);
    if arguments.next()?.as_bytes() != ASKED.as_bytes() {
        return None;
    }
    let number = arguments.next()?.to_str()?.parse().ok()?;
    Some(match read(number) {
        Ok((spec, theirs)) => executed(&spec, theirs),
        Err(failure) => {
            // The launcher cannot be told: the way to it is in what could not be read.
            eprintln!("bathysphere: {}", doing("reading its instructions", failure));
            125
        }
    })
}

/// Writes a spec where [`supervise_if_asked`] reads it: a file in memory.
pub(crate) fn written(spec: &Spec) -> Result<OwnedFd, SysError> {
    let flags = rustix::fs::MemfdFlags::CLOEXEC;
    let memfd = rustix::fs::memfd_create("bathysphere-supervisor", flags);
    let mut file = std::fs::File::from(call("memfd_create", "", memfd)?);
    let written = serde_json::to_writer(&mut file, spec).map_err(std::io::Error::from);
    std_call("write", "memfd", written)?;
    std_call("lseek", "memfd", file.rewind())?;
    Ok(file.into())
}

fn read(number: RawFd) -> Result<(Spec, Theirs), SysError> {
    let memfd = call("fcntl", number, fd::adopt(number))?;
    let mut bytes = Vec::new();
    std_call("read", number, std::fs::File::from(memfd).read_to_end(&mut bytes))?;
    let invalid = |_| SysError::new("read", number, Errno::BADMSG);
    let spec: Spec = serde_json::from_slice(&bytes).map_err(invalid)?;
    let link = spec.link.ok_or_else(|| SysError::new("read", number, Errno::BADMSG))?;
    Ok((spec, Theirs::adopt(call("fcntl", link, fd::adopt(link))?)))
}

/// The supervisor as a program of its own.
fn executed(spec: &Spec, theirs: Theirs) -> u8 {
    theirs.alive();
    if let Some(copy) = spec.standard_error {
        // Fails only when it is not open, and then there is nothing to put back.
        let _ = fd::duplicate_onto(copy, 2);
    }
    let prepared = set_modes(spec)
        .and_then(|()| enter_directory(&spec.working_directory))
        .and_then(|()| Signals::take().map_err(|failure| doing("preparing for signals", failure)));
    match prepared {
        Ok(signals) => supervise(spec, theirs, &signals),
        Err(error) => {
            theirs.fail(&error);
            error.exit_status()
        }
    }
}

/// An old bwrap makes directories and files with modes of its own. Where what it made has become
/// read-only since, the mode stays as it is.
fn set_modes(spec: &Spec) -> Result<(), Error> {
    for (path, mode) in &spec.modes {
        let mode = rustix::fs::Mode::from_raw_mode(*mode);
        match rustix::fs::chmod(path.as_path(), mode) {
            Err(Errno::ROFS) => {}
            other => {
                call("chmod", path, other).map_err(|failure| doing("setting modes", failure))?;
            }
        }
    }
    Ok(())
}

/// Enters the directory in which the command is to start.
pub(crate) fn enter_directory(path: &ContainerPath) -> Result<(), Error> {
    call("chdir", path, rustix::process::chdir(path.as_path()))
        .map_err(|failure| Error::WorkingDirectory { path: path.clone(), failure })
}

/// Runs the command of `spec` and returns its exit status, or that of the failure that the launcher
/// has been told.
pub(crate) fn supervise(spec: &Spec, theirs: Theirs, signals: &Signals) -> u8 {
    match attempt(spec, &theirs, signals, || ()) {
        Ok(status) => status,
        Err(error) => {
            theirs.fail(&error);
            error.exit_status()
        }
    }
}

/// `started` is called once the command runs.
fn attempt(
    spec: &Spec,
    theirs: &Theirs,
    signals: &Signals,
    started: impl FnOnce(),
) -> Result<u8, Error> {
    for &held in &spec.hold {
        call("fcntl", held, fd::set_close_on_exec(held, true))
            .map_err(|failure| doing("keeping locks", failure))?;
    }
    let own = rustix::process::getpid();
    call("prctl", "PR_SET_CHILD_SUBREAPER", set_child_subreaper(Some(own)))
        .map_err(|failure| doing("becoming subreaper", failure))?;
    // Late, because gaining capabilities in a user namespace clears it. A launcher that ended
    // before this is noticed by its end of the link.
    call("prctl", "PR_SET_PDEATHSIG", set_parent_process_death_signal(Some(Signal::TERM)))
        .map_err(|failure| doing("tying itself to the launcher", failure))?;
    if watch::launcher_is_gone(theirs) {
        return Ok(125);
    }
    let server = match &spec.server {
        None => None,
        Some(server) => match server::start(server, theirs, signals)? {
            server::Start::Ready(server) => Some(server),
            server::Start::Interrupted(status) => return Ok(status),
        },
    };
    let ran = command(spec, theirs, signals, server.as_ref(), started);
    if let Some(server) = server {
        server.end();
    }
    ran
}

/// Runs the command and ends what it leaves behind.
fn command(
    spec: &Spec,
    theirs: &Theirs,
    signals: &Signals,
    server: Option<&server::Server>,
    started: impl FnOnce(),
) -> Result<u8, Error> {
    let command = command::start(&command::Program {
        command: &spec.command,
        environment: &spec.environment,
        pass: &spec.pass,
        assign: &spec.assign,
        close_others: true,
        new_session: spec.new_session,
        die_with_parent: true,
        directory: None,
    })?;
    started();
    let grace = Duration::from_millis(spec.terminate_grace);
    let after = spec.terminate_idle.map(|idle| Times { idle: Duration::from_millis(idle), grace });
    let rules =
        Rules { after, when_signaled: None, late: Late::Ends(grace), keys: spec.new_session };
    let watch = Watch { signals, theirs: Some(theirs), server, rules };
    match watch.until_all_ended(command) {
        Ok(Outcome::Status(status)) => Ok(status),
        Ok(Outcome::Signal(_)) => unreachable!("these rules end what still runs"),
        Err(Failed { status: None, failure }) => Err(doing("waiting for the command", failure)),
        Err(Failed { failure, .. }) => Err(doing("ending descendants", failure)),
    }
}

fn doing(what: &str, failure: SysError) -> Error {
    Error::Supervisor { doing: what.into(), failure }
}

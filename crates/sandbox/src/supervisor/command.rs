//! Starting the command, and programs that help.
//!
//! Between fork and exec nothing is allocated and no lock is taken: strings, candidates on the
//! `PATH` and duplicated descriptors are prepared before, and what fails comes back over a
//! close-on-exec pipe as numbers.

use super::{diagnose, doing};
use crate::error::Error;
use crate::sys::process::{Strings, Waited, execve, fork_to_execute, read_start, wait};
use crate::sys::{SysError, call, fd, signal};
use plan::ByteString;
use rustix::io::Errno;
use rustix::pipe::{PipeFlags, pipe_with};
use rustix::process::{
    Pid, Signal, chdir, getpid, getppid, set_parent_process_death_signal, setsid,
};
use std::ffi::CString;
use std::os::fd::{AsRawFd, OwnedFd, RawFd};

/// Where commands are searched when the environment has no `PATH` (confstr(3), `_CS_PATH`).
const DEFAULT_PATH: &[u8] = b"/bin:/usr/bin";

/// Longest search path that is used, in directories.
const MAX_CANDIDATES: usize = 1024;

/// What the child was doing when it failed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Stage {
    Parent = 1,
    Session = 2,
    Descriptors = 3,
    Directory = 4,
    Execute = 5,
}

/// What is started, and with what.
pub(super) struct Program<'s> {
    /// The program and its arguments.
    pub(super) command: &'s [ByteString],
    /// Its whole environment; its search path is that of the program.
    pub(super) environment: &'s [(ByteString, ByteString)],
    /// Inherited under the same number.
    pub(super) pass: &'s [RawFd],
    /// `(target, source)`: as if all were made at the same time.
    pub(super) assign: &'s [(RawFd, RawFd)],
    /// Nothing else from 3 on is inherited.
    pub(super) close_others: bool,
    /// It gets a session of its own.
    pub(super) new_session: bool,
    /// It gets SIGTERM when this process ends.
    pub(super) die_with_parent: bool,
    /// Where it starts; none: here.
    pub(super) directory: Option<&'s [u8]>,
}

/// Everything that the child needs.
struct Launch {
    arguments: Strings,
    environment: Strings,
    candidates: Vec<Candidate>,
    assigned: Vec<(RawFd, OwnedFd)>,
    open: Vec<RawFd>,
    report: OwnedFd,
    /// This process, when the command is to end with it.
    supervisor: Option<Pid>,
    new_session: bool,
    close_others: bool,
    directory: Option<CString>,
}

/// A file that may be the command.
struct Candidate {
    path: CString,
    /// How the shell would run it, for a script without `#!`, as `execvp` does.
    by_shell: Strings,
}

/// Starts a program and returns its process id.
pub(super) fn start(program: &Program<'_>) -> Result<i32, Error> {
    let failed = |failure| doing("starting the command", failure);
    let (report, launch) = prepare(program)?;
    let child = fork_to_execute(&mut || launch.child());
    let child = call("clone", "", child).map_err(failed)?;
    let candidates: Vec<CString> = launch.candidates.iter().map(|c| c.path.clone()).collect();
    drop(launch);
    let mut record = [0; 8];
    let length = loop {
        match rustix::io::read(&report, &mut record) {
            Err(Errno::INTR) => {}
            other => break call("read", "report of the child", other).map_err(failed)?,
        }
    };
    if length < record.len() {
        return Ok(child);
    }
    let collected = call("waitpid", child, wait(Some(child), true)).map_err(failed)?;
    debug_assert!(matches!(collected, Waited::Child(..)));
    let [a, b, c, d, stage @ ..] = record;
    let errno = Errno::from_raw_os_error(i32::from_ne_bytes([a, b, c, d]));
    let stage = i32::from_ne_bytes(stage);
    if stage == Stage::Execute as i32 {
        let command = program.command.first().map(ToString::to_string).unwrap_or_default();
        return Err(diagnose::execution(command, &candidates, errno));
    }
    let call = match stage {
        s if s == Stage::Parent as i32 => "prctl",
        s if s == Stage::Session as i32 => "setsid",
        s if s == Stage::Directory as i32 => "chdir",
        _ => "dup2",
    };
    Err(failed(SysError::new(call, "in the command's process", errno)))
}

fn prepare(program: &Program<'_>) -> Result<(OwnedFd, Launch), Error> {
    let failed = |failure| doing("starting the command", failure);
    // Nothing prepared may have a number that the command is to get.
    let targets = program.assign.iter().map(|(target, _)| *target);
    let least = targets.chain(program.pass.iter().copied()).max().unwrap_or(2).max(2) + 1;
    let mut assigned = Vec::new();
    for &(target, source) in program.assign {
        let copy = call("fcntl", source, fd::duplicate_above(source, least)).map_err(failed)?;
        assigned.push((target, copy));
    }
    let pipe = call("pipe2", "", pipe_with(PipeFlags::CLOEXEC)).map_err(failed)?;
    let report = fd::duplicate_above(pipe.1.as_raw_fd(), least);
    let report = call("fcntl", "report", report).map_err(failed)?;
    let arguments = strings(program.command.iter().map(ByteString::as_bytes))?;
    let environment: Vec<Vec<u8>> = program
        .environment
        .iter()
        .map(|(name, value)| [name.as_bytes(), b"=", value.as_bytes()].concat())
        .collect();
    let launch = Launch {
        arguments: Strings::new(arguments),
        environment: Strings::new(strings(environment.iter().map(Vec::as_slice))?),
        candidates: candidates(program)?,
        open: program.pass.iter().copied().chain(assigned.iter().map(|(t, _)| *t)).collect(),
        assigned,
        report,
        supervisor: program.die_with_parent.then(getpid),
        new_session: program.new_session,
        close_others: program.close_others,
        directory: program.directory.map(string).transpose()?,
    };
    Ok((pipe.0, launch))
}

fn strings<'b>(items: impl Iterator<Item = &'b [u8]>) -> Result<Vec<CString>, Error> {
    items.map(string).collect()
}

fn string(bytes: &[u8]) -> Result<CString, Error> {
    CString::new(bytes).map_err(|_| {
        Error::BadCommand(format!("`{}` contains a NUL byte", ByteString(bytes.to_vec())))
    })
}

/// The files that may be the command, in order: itself when it has a slash, otherwise one in each
/// directory of the container's `PATH`, where an empty entry means the working directory.
fn candidates(program: &Program<'_>) -> Result<Vec<Candidate>, Error> {
    let Some(command) = program.command.first().map(ByteString::as_bytes) else {
        return Err(Error::BadCommand("it is empty".into()));
    };
    let path = program.environment.iter().find(|(name, _)| name.as_bytes() == b"PATH");
    let path = path.map_or(DEFAULT_PATH, |(_, value)| value.as_bytes());
    let paths: Vec<Vec<u8>> = if command.is_empty() {
        vec![]
    } else if command.contains(&b'/') {
        vec![command.to_vec()]
    } else {
        path.split(|&b| b == b':')
            .take(MAX_CANDIDATES)
            .map(|directory| {
                let directory = if directory.is_empty() { b"." } else { directory };
                [directory, b"/", command].concat()
            })
            .collect()
    };
    paths
        .iter()
        .map(|path| {
            let path = string(path)?;
            let mut by_shell = vec![c"/bin/sh".to_owned(), path.clone()];
            by_shell.extend(strings(program.command.iter().skip(1).map(ByteString::as_bytes))?);
            Ok(Candidate { path, by_shell: Strings::new(by_shell) })
        })
        .collect()
}

impl Launch {
    /// The child, up to the command. Returns only when that fails.
    fn child(&self) -> u8 {
        let (stage, errno) = match self.arrange() {
            Ok(()) => (Stage::Execute, self.execute()),
            Err(failed) => failed,
        };
        let mut record = [0; 8];
        record[..4].copy_from_slice(&errno.raw_os_error().to_ne_bytes());
        record[4..].copy_from_slice(&(stage as i32).to_ne_bytes());
        let _ = rustix::io::write(&self.report, &record);
        125
    }

    fn arrange(&self) -> Result<(), (Stage, Errno)> {
        signal::reset_all();
        if self.supervisor.is_some() {
            set_parent_process_death_signal(Some(Signal::TERM)).map_err(|e| (Stage::Parent, e))?;
            if getppid() != self.supervisor {
                return Err((Stage::Parent, Errno::SRCH));
            }
        }
        if self.new_session {
            setsid().map_err(|errno| (Stage::Session, errno))?;
        }
        for (target, copy) in &self.assigned {
            fd::duplicate_onto(copy.as_raw_fd(), *target)
                .map_err(|errno| (Stage::Descriptors, errno))?;
        }
        if self.close_others {
            fd::mark_close_on_exec_from(3);
        }
        for &number in &self.open {
            fd::set_close_on_exec(number, false).map_err(|errno| (Stage::Descriptors, errno))?;
        }
        if let Some(directory) = &self.directory {
            chdir(directory.as_c_str()).map_err(|errno| (Stage::Directory, errno))?;
        }
        Ok(())
    }

    /// As `execvp`: a candidate that is missing or forbidden gives way to the next one, and a script
    /// without `#!` is given to the shell. The error is EACCES when any was forbidden.
    fn execute(&self) -> Errno {
        let mut result = Errno::NOENT;
        for candidate in &self.candidates {
            let mut errno = execve(&candidate.path, &self.arguments, &self.environment);
            if errno == Errno::NOEXEC && !is_elf(&candidate.path) {
                errno = execve(c"/bin/sh", &candidate.by_shell, &self.environment);
                if errno == Errno::NOENT {
                    return Errno::NOEXEC;
                }
            }
            match errno {
                Errno::NOENT | Errno::NOTDIR => {}
                Errno::ACCESS => result = Errno::ACCESS,
                other => return other,
            }
        }
        result
    }
}

/// An ELF file that cannot be executed is one of another architecture: no script for a shell.
fn is_elf(path: &CString) -> bool {
    let mut magic = [0; 4];
    read_start(path, &mut magic) == 4 && magic == *b"\x7fELF"
}

//! What the supervisor must know, as one value: made by the launcher, used in the container.
//!
//! Below bwrap it travels as JSON in a memfd. It has descriptor numbers of the launcher, which the
//! supervisor has inherited under the same numbers.

use crate::error::Error;
use crate::run::Inherited;
use plan::{ByteString, ContainerPath, Plan};
use rustix::fs::{Mode, OFlags};
use rustix::io::Errno;
use serde::{Deserialize, Serialize};
use std::collections::{BTreeMap, BTreeSet};
use std::os::fd::{AsFd, AsRawFd, OwnedFd, RawFd};

/// Instructions for the supervisor.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Spec {
    /// The command and its arguments.
    pub(crate) command: Vec<ByteString>,
    /// Its whole environment.
    pub(crate) environment: Vec<(ByteString, ByteString)>,
    /// Where it starts.
    pub(crate) working_directory: ContainerPath,
    /// Inherited under the same number.
    pub(crate) pass: Vec<RawFd>,
    /// `(target, source)`.
    pub(crate) assign: Vec<(RawFd, RawFd)>,
    /// Held until the end: locks.
    pub(crate) hold: Vec<RawFd>,
    /// See `plan::Supervision`.
    pub(crate) terminate_idle: Option<u64>,
    /// See `plan::Supervision`.
    pub(crate) terminate_grace: u64,
    /// The command gets a session of its own.
    pub(crate) new_session: bool,
    /// Modes that an old bwrap cannot give to what it makes.
    pub(crate) modes: Vec<(ContainerPath, u32)>,
    /// What must be ready before the command starts.
    pub(crate) server: Option<Server>,
    /// The real standard error, where the supervisor was started with another one.
    pub(crate) standard_error: Option<RawFd>,
    /// The socket to the launcher, where it is not handed over within the process.
    pub(crate) link: Option<RawFd>,
}

/// See `plan::Server`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Server {
    /// The program and its arguments; not empty.
    pub(crate) command: Vec<ByteString>,
    /// Its whole environment.
    pub(crate) environment: Vec<(ByteString, ByteString)>,
}

/// A spec with the descriptors that it names and that did not exist before.
pub(crate) struct Prepared {
    pub(crate) spec: Spec,
    /// Locks and `/dev/null`, open as long as this lives.
    opened: Vec<OwnedFd>,
}

impl Prepared {
    /// Numbers of all descriptors that the supervisor needs.
    pub(crate) fn descriptors(&self) -> Vec<RawFd> {
        let spec = &self.spec;
        let mut all: BTreeSet<_> = spec.pass.iter().copied().collect();
        all.extend(spec.assign.iter().map(|(_, source)| *source));
        all.extend(self.opened.iter().map(AsRawFd::as_raw_fd));
        all.into_iter().collect()
    }

    /// The spec, and what must stay open for it.
    pub(crate) fn into_parts(self) -> (Spec, Vec<OwnedFd>) {
        (self.spec, self.opened)
    }
}

/// Takes the locks, opens what must be opened, and checks the descriptors.
///
/// # Errors
/// [`Error::LockBusy`], [`Error::Lock`], [`Error::Descriptor`], [`Error::BadCommand`].
pub(crate) fn prepare(plan: &Plan, inherited: &Inherited) -> Result<Prepared, Error> {
    if plan.command.is_empty() {
        return Err(Error::BadCommand("it is empty".into()));
    }
    let supervision = &plan.supervision;
    let mut opened = Vec::new();
    for path in &supervision.locks {
        opened.extend(lock(path)?);
    }
    let hold = opened.iter().map(AsRawFd::as_raw_fd).collect();
    let mut assign = supervision.assign_fds.clone();
    if supervision.null_stdin && !assign.iter().any(|(target, _)| *target == 0) {
        let null = rustix::fs::open("/dev/null", OFlags::RDWR | OFlags::CLOEXEC, Mode::empty());
        let null = crate::link::setup("opening", crate::sys::call("open", "/dev/null", null))?;
        assign.push((0, null.as_raw_fd()));
        opened.push(null);
    }
    check_descriptors(&supervision.pass_fds, &assign)?;
    let server = plan.emulation.as_ref().and_then(|emulation| emulation.server.as_ref());
    if server.is_some_and(|server| server.argv.is_empty()) {
        return Err(Error::BadCommand("that of the emulator's server is empty".into()));
    }
    let spec = Spec {
        command: plan.command.clone(),
        environment: environment(plan, inherited),
        server: server.map(|server| server_of(server, plan, inherited)),
        working_directory: plan.working_directory.clone(),
        pass: supervision.pass_fds.clone(),
        assign,
        hold,
        terminate_idle: supervision.terminate_idle,
        terminate_grace: supervision.terminate_grace,
        new_session: supervision.new_session,
        modes: vec![],
        standard_error: None,
        link: None,
    };
    Ok(Prepared { spec, opened })
}

/// The changes of the plan applied, with what only this launch has.
fn changed(plan: &Plan, inherited: &Inherited) -> BTreeMap<ByteString, ByteString> {
    let mut environment = plan.environment.apply(inherited.environment.iter().cloned());
    for name in &plan.supervision.per_launch {
        if let Some(value) = environment.get_mut(name) {
            value.0.extend(std::process::id().to_string().bytes());
        }
    }
    environment
}

/// The changes of the plan applied, with the modules for the dynamic linker.
fn environment(plan: &Plan, inherited: &Inherited) -> Vec<(ByteString, ByteString)> {
    let mut environment = changed(plan, inherited);
    environment.extend(plan.module_variables().map(|(name, list)| (name.into(), list)));
    environment.into_iter().collect()
}

/// The server with its environment: the command's without the modules for the dynamic linker, which
/// are for the game, and with the changes of its own.
fn server_of(server: &plan::Server, plan: &Plan, inherited: &Inherited) -> Server {
    let mut environment = changed(plan, inherited);
    for name in ["LD_PRELOAD", "LD_AUDIT"] {
        environment.remove(&ByteString::from(name));
    }
    for (name, value) in &server.environment {
        match value {
            Some(value) => environment.insert(name.clone(), value.clone()),
            None => environment.remove(name),
        };
    }
    Server { command: server.argv.clone(), environment: environment.into_iter().collect() }
}

/// Locks a file shared. `None`: it is missing and cannot be made, as on a disk that is only read.
fn lock(path: &plan::HostPath) -> Result<Option<OwnedFd>, Error> {
    let failed = |failure| Error::Lock { path: path.clone(), failure };
    let open = |how| {
        let flags = how | OFlags::CLOEXEC | OFlags::NOCTTY | OFlags::NONBLOCK;
        rustix::fs::open(path.as_path(), flags, Mode::from_raw_mode(0o644))
    };
    let opened = match open(OFlags::RDONLY) {
        Err(Errno::NOENT) => match open(OFlags::RDWR | OFlags::CREATE) {
            Err(errno @ (Errno::ROFS | Errno::ACCESS | Errno::PERM)) => {
                log::info!("{path} cannot be made ({errno}): the runtime is not locked");
                return Ok(None);
            }
            made => made,
        },
        opened => opened,
    };
    let fd = crate::sys::call("open", path, opened).map_err(failed)?;
    match crate::sys::fd::lock_shared(fd.as_fd()) {
        // Whoever deletes a runtime has its lock until the file is gone: it may have been opened before.
        Ok(()) if rustix::fs::fstat(&fd).is_ok_and(|stat| stat.st_nlink == 0) => {
            Err(Error::LockBusy(path.clone()))
        }
        Ok(()) => Ok(Some(fd)),
        Err(Errno::AGAIN | Errno::ACCESS) => Err(Error::LockBusy(path.clone())),
        Err(errno) => Err(failed(crate::sys::SysError::new("fcntl", path, errno))),
    }
}

fn check_descriptors(pass: &[RawFd], assign: &[(RawFd, RawFd)]) -> Result<(), Error> {
    let bad = |fd, why: &str| Err(Error::Descriptor { fd, why: why.into() });
    let sources = pass.iter().copied().chain(assign.iter().map(|(_, source)| *source));
    for fd in sources {
        if fd < 0 || !crate::sys::fd::is_open(fd) {
            return bad(fd, "it is not open");
        }
    }
    let mut targets: BTreeSet<_> = pass.iter().copied().collect();
    for &(target, _) in assign {
        if target < 0 {
            return bad(target, "the number is negative");
        }
        if !targets.insert(target) {
            return bad(target, "two descriptors are to get this number");
        }
    }
    Ok(())
}

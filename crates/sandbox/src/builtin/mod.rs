//! The built-in executor: namespaces and mounts made by this process itself.
//!
//! A forked child leaves for a new user and mount namespace, builds the new root on a tmpfs that is
//! stacked over the old root, pivots into it, gives up every capability and becomes the supervisor.
//! What fails on the way is told to the launcher, which stays as it was.
//!
//! A plan that is remembered may have become wrong. Finding that out takes about as long as making the
//! container, so the launcher does it meanwhile: the container is provisional until then, nothing is
//! executed in it, and it is given up without a trace when the plan turns out to be wrong.

mod base;
mod namespaces;
mod privileges;

use crate::error::{Error, FailedStep, StepKind};
use crate::link::{self, Theirs, setup};
use crate::ops::{self, Root, Sources};
use crate::relay::{Signals, relay};
use crate::run::{Confirm, ExitStatus, Prepared};
use crate::spec;
use crate::supervisor;
use crate::sys::process::{Ended, wait};
use crate::sys::{self, call};
use plan::{Plan, Step};
use rustix::io::Errno;

pub(crate) use base::{attach, base, tmpfs};
pub(crate) use namespaces::enter_namespaces;

/// What is executed.
#[derive(Clone, Copy)]
pub(crate) struct Job<'j> {
    pub(crate) plan: &'j Plan,
    pub(crate) prepared: &'j Prepared,
    pub(crate) spec: &'j spec::Prepared,
    /// See [`Sources`].
    pub(crate) by_descriptor: bool,
}

/// Executes the plan in a child and waits for it. `None`: it was given up, because `confirm` said so.
pub(crate) fn run(job: Job<'_>, confirm: Option<Confirm<'_>>) -> Result<Option<ExitStatus>, Error> {
    let (ours, theirs) = link::pair()?;
    let signals = setup("preparing for signals", Signals::take())?;
    let mut ends = Some((ours, theirs));
    let provisional = confirm.is_some();
    let child = sys::process::fork(|| {
        let Some((ours, theirs)) = ends.take() else { return 125 };
        drop(ours);
        inside(job, theirs, &signals, provisional)
    });
    let child = setup("starting a process", call("fork", "", child))?;
    let Some((ours, theirs)) = ends.take() else { unreachable!("only the child takes the ends") };
    drop(theirs);
    if let Some(confirm) = confirm {
        if !confirm() {
            drop(ours);
            // It ends by itself when it finds the link closed; this is sooner.
            let _ = sys::signal::send(child, libc::SIGKILL);
            setup("giving up the container", call("waitpid", child, wait(Some(child), true)))?;
            return Ok(None);
        }
        ours.release();
    }
    let ended = relay(child, &signals, &|signal| ours.signal(signal));
    match ours.failure() {
        Some(error) => Err(error.diagnosed()),
        None => Ok(Some(ExitStatus(setup("waiting for the container", ended)?.status()))),
    }
}

/// The child: from here to the end of the command.
fn inside(job: Job<'_>, theirs: Theirs, signals: &Signals, provisional: bool) -> u8 {
    let own_pids = job.plan.namespaces.pid;
    if let Err(error) = enter_namespaces(own_pids) {
        return told(&theirs, &error);
    }
    if !own_pids {
        return contained(job, theirs, signals, provisional);
    }
    // A PID namespace is entered by the next child, which becomes its process 1.
    let mut end = Some(theirs);
    let first = sys::process::fork(|| match end.take() {
        Some(theirs) => contained(job, theirs, signals, provisional),
        None => 125,
    });
    let ended = match (first, end.take()) {
        (Ok(child), theirs) => {
            drop(theirs);
            namespaces::end_with_parent();
            // Signals reach process 1 through the link.
            relay(child, signals, &|_| ()).map(Ended::status)
        }
        (Err(errno), Some(theirs)) => {
            let failure = sys::SysError::new("fork", "", errno);
            return told(&theirs, &Error::Setup { doing: "starting process 1".into(), failure });
        }
        (Err(_), None) => return 125,
    };
    ended.unwrap_or(125)
}

fn told(theirs: &Theirs, error: &Error) -> u8 {
    theirs.fail(error);
    error.exit_status()
}

fn contained(job: Job<'_>, theirs: Theirs, signals: &Signals, provisional: bool) -> u8 {
    let spec = &job.spec.spec;
    let entered = build(job, provisional)
        .and_then(base::enter)
        .and_then(|()| supervisor::enter_directory(&spec.working_directory))
        .and_then(|()| privileges::drop_all());
    match entered {
        Ok(()) if provisional && !theirs.is_released() => 125,
        Ok(()) => supervisor::supervise(spec, theirs, signals),
        Err(error) => told(&theirs, &error),
    }
}

/// Carries out every step of the plan.
fn build(job: Job<'_>, provisional: bool) -> Result<Root, Error> {
    let Job { plan, prepared, .. } = job;
    // Modes in the plan are exact.
    let mask = rustix::process::umask(rustix::fs::Mode::empty());
    let sources = setup("opening the real root", Sources::new(job.by_descriptor))?;
    let mut root = Root::new(base()?, plan.namespaces.pid, sources);
    if provisional {
        setup("looking at the new root", root.keep_to_memory())?;
    }
    for (index, step) in plan.steps.iter().enumerate() {
        match ops::apply(&mut root, &step.op, prepared) {
            Ok(()) => {}
            Err(ops::Failure::Caller(error)) => return Err(error),
            Err(ops::Failure::Call { failure, .. }) if is_missing_mount_api(&failure) => {
                return Err(Error::NoMountApi(failure));
            }
            Err(ops::Failure::Call { kind, failure, log }) => {
                return Err(failed_step(index, step, kind, failure, log));
            }
        }
    }
    rustix::process::umask(mask);
    Ok(root)
}

/// Whether a call is missing that has no other way round. `mount_setattr` and `openat2` have one.
fn is_missing_mount_api(failure: &sys::SysError) -> bool {
    const CALLS: &[&str] = &["open_tree", "move_mount", "fsopen", "fsconfig", "fsmount"];
    failure.is(&[Errno::NOSYS]) && CALLS.contains(&failure.call.as_str())
}

fn failed_step(
    index: usize,
    step: &Step,
    kind: StepKind,
    failure: sys::SysError,
    log: Vec<String>,
) -> Error {
    Error::Step(Box::new(FailedStep {
        index,
        operation: step.op.to_string(),
        reason: step.reason.clone(),
        at: step.op.at().clone(),
        kind,
        failure,
        log,
    }))
}

//! Starting bwrap and waiting for it.
//!
//! bwrap executes this program again, through a descriptor: the file need not be visible in the
//! container, so that the namespace is the same as with the built-in executor. Everything else is
//! handed over in memory: options, contents of files, the supervisor's instructions.
//!
//! bwrap's standard error is a pipe to us, so that its messages become part of ours; the supervisor
//! puts the real one back. Signals that are passed on are blocked in bwrap, whose waiting process
//! would die of them.

use super::arguments::{Arguments, arguments};
use crate::error::Error;
use crate::link::{self, Ours, setup};
use crate::relay::{FORWARDED, Signals, relay};
use crate::run::{Bwrap, ExitStatus, Prepared};
use crate::spec;
use crate::supervisor::{ASKED, written};
use crate::sys::process::{Strings, execve, fork};
use crate::sys::{SysError, call, fd, signal, std_call};
use plan::{ByteString, Op, Plan, StackForm};
use rustix::fs::{MemfdFlags, Mode, OFlags, memfd_create, open};
use rustix::io::Errno;
use rustix::pipe::{PipeFlags, pipe_with};
use std::ffi::CString;
use std::fs::File;
use std::io::{Seek, Write};
use std::os::fd::{AsRawFd, OwnedFd, RawFd};
use std::os::unix::ffi::OsStrExt;
use std::path::Path;

/// Most of bwrap's messages that is kept, in bytes.
const MESSAGES_BYTES: usize = 4096;

/// All that must stay open, unchanged, until bwrap has been executed.
struct Launch {
    program: CString,
    arguments: Strings,
    environment: Strings,
    /// Inherited by bwrap.
    open: Vec<RawFd>,
    /// Keeps them open.
    _held: Vec<OwnedFd>,
    errors: OwnedFd,
}

/// Executes the plan with this bwrap and waits for it.
pub(crate) fn run(
    plan: &Plan,
    prepared: &Prepared,
    spec: spec::Prepared,
    bwrap: &Bwrap,
) -> Result<ExitStatus, Error> {
    if !plan.steps.iter().any(|step| shows_proc(&step.op)) {
        let why = "the supervisor is started through /proc, which the plan does not have".into();
        return Err(Error::Unsupported { executor: "bwrap".into(), why });
    }
    let mut held = Vec::new();
    let mut data = |content: &ByteString| {
        let memfd = setup("handing over a file", memory(content.as_bytes()))?;
        let number = memfd.as_raw_fd();
        held.push(memfd);
        Ok(number)
    };
    let present = without_missing(plan, prepared)?;
    let translated =
        arguments(present.as_ref().unwrap_or(plan), prepared, bwrap.features, &mut data)?;
    let bwrap = &bwrap.path;
    let (ours, theirs) = link::pair()?;
    let errors = setup("preparing for messages", call("pipe2", "", pipe_with(PipeFlags::CLOEXEC)))?;
    let (messages, errors) = errors;
    let open = theirs.as_fd().as_raw_fd();
    let launch =
        setup("handing over to bwrap", prepare(bwrap, spec, translated, open, held, errors))?;
    let signals = setup("preparing for signals", Signals::take())?;
    let child = fork(|| launch.child());
    let child = setup("starting bwrap", call("fork", "", child))?;
    // What is held stays open here, too: a lock may be this process's alone.
    drop(theirs);
    let ended = relay(child, &signals, &|signal| ours.signal(signal));
    let ended = setup("waiting for bwrap", ended)?;
    outcome(&ours, ended.status(), bwrap, &messages).map_err(|error| about_overlay(error, plan))
}

/// The plan's steps without optional binds of what does not exist: bwrap would pass over them, but
/// not over the directories that the mount point would be in. `None` when all of it exists.
fn without_missing(plan: &Plan, prepared: &Prepared) -> Result<Option<Plan>, Error> {
    let mut missing = Vec::new();
    for (index, step) in plan.steps.iter().enumerate() {
        if let Op::Bind { source, optional: true, .. } = &step.op {
            let source = prepared.host(source)?;
            let seen = rustix::fs::stat(source.as_path());
            if matches!(seen, Err(Errno::NOENT | Errno::NOTDIR)) {
                missing.push(index);
            }
        }
    }
    if missing.is_empty() {
        return Ok(None);
    }
    let present = plan.steps.iter().enumerate().filter(|(index, _)| !missing.contains(index));
    // Only the steps and namespaces are translated; the rest need not be copied.
    Ok(Some(Plan {
        schema: plan.schema,
        steps: present.map(|(_, step)| step.clone()).collect(),
        working_directory: plan.working_directory.clone(),
        namespaces: plan.namespaces,
        ..Plan::new(vec![])
    }))
}

/// Whether the operation puts a procfs at `/proc`, as far as paths tell.
fn shows_proc(op: &Op) -> bool {
    match op {
        Op::Proc { at } | Op::Bind { at, .. } => {
            at.as_bytes() == b"/proc" || at.file_name().is_none()
        }
        _ => false,
    }
}

fn outcome(ours: &Ours, status: u8, bwrap: &Path, messages: &OwnedFd) -> Result<ExitStatus, Error> {
    let heard = ours.hear();
    let messages = lines(messages);
    if let Some(failure) = heard.failure {
        return Err(failure);
    }
    if !heard.alive {
        return Err(Error::bwrap_failed(bwrap, status, messages));
    }
    for message in messages {
        log::warn!("{message}");
    }
    Ok(ExitStatus(status))
}

/// What bwrap says when the kernel refuses an overlay (0.11 and later).
const OVERLAY_REFUSED: &str = "Can't make overlay mount on";

/// bwrap does not say which overlay was refused: the first one of the plan is taken for it, and when
/// that has become a tree and another is refused, that is the first.
fn about_overlay(error: Error, plan: &Plan) -> Error {
    let Error::BwrapFailed { messages, .. } = &error else { return error };
    let message = messages.iter().find(|message| message.contains(OVERLAY_REFUSED));
    let stack = plan.steps.iter().find_map(|step| match &step.op {
        Op::Stack { at, form: StackForm::Overlay, .. } => Some(at),
        _ => None,
    });
    match (message, stack) {
        (Some(why), Some(at)) => Error::OverlayUnsupported { at: at.clone(), why: why.clone() },
        _ => error,
    }
}

/// What bwrap has said, without waiting for more.
fn lines(messages: &OwnedFd) -> Vec<String> {
    let mut buffer = [0; MESSAGES_BYTES];
    let _ = rustix::fs::fcntl_setfl(messages, OFlags::NONBLOCK);
    let length = rustix::io::read(messages, &mut buffer).unwrap_or(0);
    String::from_utf8_lossy(&buffer[..length]).lines().map(str::to_owned).collect()
}

/// A file in memory with this content, at its start, close-on-exec.
fn memory(content: &[u8]) -> Result<OwnedFd, SysError> {
    let memfd = call("memfd_create", "", memfd_create("bathysphere", MemfdFlags::CLOEXEC))?;
    let mut file = File::from(memfd);
    std_call("write", "memfd", file.write_all(content))?;
    std_call("lseek", "memfd", file.rewind())?;
    Ok(file.into())
}

fn prepare(
    bwrap: &Path,
    spec: spec::Prepared,
    translated: Arguments,
    link: RawFd,
    mut held: Vec<OwnedFd>,
    errors: OwnedFd,
) -> Result<Launch, SysError> {
    let mut open_numbers = spec.descriptors();
    open_numbers.push(link);
    let (mut instructions, opened) = spec.into_parts();
    held.extend(opened);
    instructions.link = Some(link);
    instructions.modes = translated.modes;
    // A closed standard error stays closed for the command.
    if let Ok(copy) = fd::duplicate_above(2, 3) {
        instructions.standard_error = Some(copy.as_raw_fd());
        held.push(copy);
    }
    let spec = written(&instructions)?;
    let mut options = Vec::new();
    for word in &translated.words {
        options.extend_from_slice(word.as_bytes());
        options.push(0);
    }
    let options = memory(&options)?;
    let own = "/proc/self/exe";
    let own = call("open", own, open(own, OFlags::PATH | OFlags::CLOEXEC, Mode::empty()))?;
    let words = [
        bwrap.as_os_str().as_bytes().to_vec(),
        b"--args".to_vec(),
        options.as_raw_fd().to_string().into(),
        format!("/proc/self/fd/{}", own.as_raw_fd()).into(),
        ASKED.into(),
        spec.as_raw_fd().to_string().into(),
    ];
    held.extend([spec, options, own]);
    open_numbers.extend(held.iter().map(AsRawFd::as_raw_fd));
    let string = |bytes: Vec<u8>| {
        CString::new(bytes).map_err(|_| SysError::new("execve", bwrap.display(), Errno::INVAL))
    };
    Ok(Launch {
        program: string(words[0].clone())?,
        arguments: Strings::new(words.into_iter().map(string).collect::<Result<_, _>>()?),
        // The command's environment is in its instructions; bwrap itself needs none.
        environment: Strings::new(vec![]),
        open: open_numbers,
        _held: held,
        errors,
    })
}

impl Launch {
    /// The child, up to bwrap. Returns only when that cannot be executed.
    fn child(&self) -> u8 {
        signal::reset_all();
        signal::Set::of(FORWARDED).replace_mask();
        let redirected = fd::duplicate_onto(self.errors.as_raw_fd(), 2);
        fd::mark_close_on_exec_from(3);
        let kept = self.open.iter().try_for_each(|&number| fd::set_close_on_exec(number, false));
        if redirected.and(kept).is_ok() {
            execve(&self.program, &self.arguments, &self.environment);
        }
        126
    }
}

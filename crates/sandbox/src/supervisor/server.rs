//! The emulator's server (`server_argv` of `emulator_v0`): ready before the command starts, told to
//! end when the container's work is done.
//!
//! A process of its own *keeps* it: a supervisor like this one, subreaper of whatever the server
//! starts, so that the server's processes are never taken for the game's. The server's standard
//! input and output are pipes. It writes `READY=1` and closes its output; the end of its input tells
//! it to end, and what does not, is killed.

use super::{attempt, doing, watch};
use crate::error::Error;
use crate::link::{self, Ours, Theirs};
use crate::relay::Signals;
use crate::spec::{self, Spec};
use crate::sys::process::{Ended, Waited, fork, wait};
use crate::sys::{SysError, call};
use plan::{ByteString, ContainerPath};
use rustix::event::{PollFd, PollFlags, Timespec, poll};
use rustix::fs::OFlags;
use rustix::io::Errno;
use rustix::pipe::{PipeFlags, pipe_with};
use rustix::process::setsid;
use std::cell::Cell;
use std::os::fd::{AsRawFd, OwnedFd};
use std::time::{Duration, Instant};

/// How long the server, and what it leaves behind, may take to end by itself.
const GRACE: Duration = Duration::from_secs(2);

/// When a server that is not ready yet is worth a message.
const SLOW: Duration = Duration::from_secs(10);

/// The most of its output that is read, in bytes.
const OUTPUT_BYTES: usize = 64 * 1024;

/// Longest message about its output, in lines.
const SAID_LINES: usize = 8;

/// A server that is ready.
pub(super) struct Server {
    /// The process that keeps it, until that has been collected.
    keeper: Cell<Option<i32>>,
    program: String,
    /// Its end tells the keeper to end the server.
    link: Ours,
    /// Its end tells the server to end.
    input: OwnedFd,
}

/// What came of starting it.
pub(super) enum Start {
    /// It is ready.
    Ready(Server),
    /// A signal came first, or the launcher has ended: the status to end with.
    Interrupted(u8),
}

/// Starts the server and waits until it is ready.
///
/// # Errors
/// [`Error::Server`] when it cannot be executed, ends, or does not keep to the protocol.
pub(super) fn start(
    server: &spec::Server,
    theirs: &Theirs,
    signals: &Signals,
) -> Result<Start, Error> {
    let failed = |failure| doing("starting the emulator's server", failure);
    let pipe = || call("pipe2", "", pipe_with(PipeFlags::CLOEXEC)).map_err(failed);
    let (its_input, input) = pipe()?;
    let (output, its_output) = pipe()?;
    let (link, its_link) = link::pair()?;
    let spec = spec_of(server, &its_input, &its_output);
    let mut ends = Some((input, output, link));
    let mut its_ends = Some((its_input, its_output, its_link));
    let keeper = fork(|| {
        drop(ends.take());
        match its_ends.take() {
            Some((its_input, its_output, its_link)) => {
                keep(&spec, &its_link, signals, (its_input, its_output))
            }
            None => 125,
        }
    });
    let keeper = call("fork", "", keeper).map_err(failed)?;
    drop(its_ends);
    let Some((input, output, link)) = ends else { unreachable!("only the child takes the ends") };
    let program = spec.command.first().map(ToString::to_string).unwrap_or_default();
    let server = Server { keeper: Cell::new(Some(keeper)), program, link, input };
    let heard = server.hear(&output, theirs, signals).map_err(failed);
    drop(output);
    let said = match heard {
        Ok(Heard::All(said)) => said,
        Ok(Heard::Interrupted(status)) => {
            server.end();
            return Ok(Start::Interrupted(status));
        }
        Err(error) => {
            server.end();
            return Err(error);
        }
    };
    match complaint(&said) {
        None => Ok(Start::Ready(server)),
        Some(why) => Err(server.refused(why, &said)),
    }
}

/// The server as the command of a supervisor.
fn spec_of(server: &spec::Server, input: &OwnedFd, output: &OwnedFd) -> Spec {
    let grace = u64::try_from(GRACE.as_millis()).unwrap_or(u64::MAX);
    Spec {
        command: server.command.clone(),
        environment: server.environment.clone(),
        working_directory: ContainerPath::root(),
        pass: vec![],
        assign: vec![(0, input.as_raw_fd()), (1, output.as_raw_fd())],
        hold: vec![],
        terminate_idle: Some(grace),
        terminate_grace: grace,
        new_session: false,
        modes: vec![],
        server: None,
        standard_error: None,
        link: None,
    }
}

/// The keeper. A session of its own, so that a key on the terminal ends the game before its server.
/// `pipes` are the server's alone once it runs.
fn keep(spec: &Spec, link: &Theirs, signals: &Signals, pipes: (OwnedFd, OwnedFd)) -> u8 {
    let mut pipes = Some(pipes);
    let session = call("setsid", "", setsid()).map_err(|f| doing("leaving the terminal", f));
    match session.and_then(|_| attempt(spec, link, signals, || drop(pipes.take()))) {
        Ok(status) => status,
        Err(error) => {
            // Before the server's output ends, so that whoever reads that finds the reason.
            link.fail(&error);
            drop(pipes);
            error.exit_status()
        }
    }
}

/// What was heard from a server that starts.
enum Heard {
    /// All of its output.
    All(Vec<u8>),
    /// As [`Start::Interrupted`].
    Interrupted(u8),
}

impl Server {
    /// Whether this process keeps the server.
    pub(super) fn is_kept_by(&self, pid: i32) -> bool {
        self.keeper.get() == Some(pid)
    }

    /// Takes note that a child was collected; when it was the keeper, the server is gone while the
    /// game runs, which is told.
    pub(super) fn note_end(&self, pid: i32, ended: Ended) {
        if self.is_kept_by(pid) {
            self.keeper.set(None);
            let (program, status) = (&self.program, ended.status());
            eprintln!("bathysphere: the emulator's server `{program}` ended with status {status}");
        }
    }

    /// Reads its output to the end.
    fn hear(
        &self,
        output: &OwnedFd,
        theirs: &Theirs,
        signals: &Signals,
    ) -> Result<Heard, SysError> {
        call("fcntl", "O_NONBLOCK", rustix::fs::fcntl_setfl(output, OFlags::NONBLOCK))?;
        let mut said = Vec::new();
        let mut slow = Some(Instant::now() + SLOW);
        loop {
            if self.read(output, &mut said)? {
                return Ok(Heard::All(said));
            }
            if let Some(status) = wait_for(output, theirs, signals, &mut slow, &self.program)? {
                return Ok(Heard::Interrupted(status));
            }
        }
    }

    /// Reads what there is; whether that was the end, or more than a server may say.
    fn read(&self, output: &OwnedFd, said: &mut Vec<u8>) -> Result<bool, SysError> {
        let mut buffer = [0; 4096];
        loop {
            match rustix::io::read(output, &mut buffer) {
                Ok(0) => return Ok(true),
                Ok(length) => said.extend_from_slice(&buffer[..length]),
                Err(Errno::INTR) => {}
                Err(Errno::AGAIN) => return Ok(false),
                Err(errno) => return Err(SysError::new("read", "the server's output", errno)),
            }
            if said.len() > OUTPUT_BYTES {
                return Ok(true);
            }
        }
    }

    /// Ends a server that has not said what it must, and says what came of it.
    fn refused(self, complaint: String, said: &[u8]) -> Error {
        let program = self.program.clone();
        let failure = self.link.failure();
        let ended = self.end();
        let why = match (failure, ended) {
            (Some(error), _) => error.to_string(),
            (None, Some(ended)) if ended.status() != 0 => {
                format!("{complaint}, and ended with status {}", ended.status())
            }
            (None, _) => complaint,
        };
        let lines = said.split(|b| *b == b'\n').filter(|line| !line.is_empty());
        let lines = lines.take(SAID_LINES).map(|line| ByteString(line.to_vec()).to_string());
        Error::Server { program, why, said: lines.collect() }
    }

    /// Tells the server to end, and waits until it has; what does not is killed by its keeper. How it
    /// ended, unless that was noted before.
    pub(super) fn end(self) -> Option<Ended> {
        let Server { keeper, link, input, .. } = self;
        drop(input);
        let keeper = keeper.get()?;
        let mut deadline = Some(Instant::now() + GRACE);
        let mut link = Some(link);
        loop {
            match wait(Some(keeper), link.is_none()) {
                Ok(Waited::Nothing) => {}
                Ok(Waited::Child(_, ended)) => return Some(ended),
                Ok(Waited::NoChildren) | Err(_) => return None,
            }
            if deadline.is_some_and(|at| at <= Instant::now()) {
                // The keeper sends SIGTERM now, and SIGKILL when that is of no use.
                deadline = None;
                link = None;
            } else if let Some(link) = &link {
                link.wait_for_end(GRACE);
            }
        }
    }
}

/// Waits for more output. A status, when a signal or the launcher's end says to stop waiting.
fn wait_for(
    output: &OwnedFd,
    theirs: &Theirs,
    signals: &Signals,
    slow: &mut Option<Instant>,
    program: &str,
) -> Result<Option<u8>, SysError> {
    let mut events = [
        PollFd::new(output, PollFlags::IN),
        PollFd::new(signals.descriptor(), PollFlags::IN),
        PollFd::from_borrowed_fd(theirs.as_fd(), PollFlags::IN),
    ];
    let left = slow.map(|at| at.saturating_duration_since(Instant::now()));
    let timeout = left.and_then(|left| Timespec::try_from(left).ok());
    match poll(&mut events, timeout.as_ref()) {
        Ok(0) => {
            *slow = None;
            eprintln!("bathysphere: still waiting for the emulator's server `{program}`");
        }
        Ok(_) | Err(Errno::INTR) => {}
        Err(errno) => return Err(SysError::new("poll", "the server's output", errno)),
    }
    if watch::launcher_is_gone(theirs) {
        return Ok(Some(125));
    }
    let mut ending = None;
    while let Some(arrived) = signals.next()? {
        if arrived.signal != libc::SIGCHLD {
            ending = Some(arrived.signal);
        }
    }
    let passed = std::iter::from_fn(|| theirs.signal()).last();
    Ok(passed.or(ending).map(|signal| Ended::Signaled(signal).status()))
}

/// Why this output does not mean that a server is ready. Lines before the one that says so are of no
/// meaning here; after it nothing may come.
fn complaint(said: &[u8]) -> Option<String> {
    const READY: &[u8] = b"READY=1\n";
    if said.len() > OUTPUT_BYTES {
        return Some(format!("it wrote more than {OUTPUT_BYTES} bytes to standard output"));
    }
    let mut rest = said;
    loop {
        if let Some(after) = rest.strip_prefix(READY) {
            return (!after.is_empty())
                .then(|| "it wrote more to standard output after `READY=1`".into());
        }
        match rest.iter().position(|b| *b == b'\n') {
            Some(end) => rest = &rest[end + 1..],
            None => return Some("it closed its standard output without `READY=1`".into()),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_a_server_may_say() {
        let long = vec![b'x'; OUTPUT_BYTES + 1];
        for (said, want) in [
            (&b"READY=1\n"[..], None),
            (b"STATUS=starting\nREADY=1\n", None),
            (b"", Some("without `READY=1`")),
            (b"READY=1", Some("without `READY=1`")),
            (b"NOTREADY=1\n", Some("without `READY=1`")),
            (b"READY=0\n", Some("without `READY=1`")),
            (b"READY=1\nREADY=1\n", Some("more to standard output after")),
            (b"READY=1\n\0", Some("more to standard output after")),
            (&long, Some("more than 65536 bytes")),
        ] {
            let got = complaint(said);
            match want {
                None => assert_eq!(got, None),
                Some(part) => assert!(got.as_ref().is_some_and(|g| g.contains(part)), "{got:?}"),
            }
        }
    }
}

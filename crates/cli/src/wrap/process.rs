//! What is done to this process, so that the command inherits it.

use super::failed;
use crate::stop::Stop;
use plan::Code;
use rustix::fs::{Mode, OFlags, open, stat};
use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};
use std::os::fd::{AsRawFd, OwnedFd};
use std::process::{Command, Stdio};
use std::time::Duration;
use tools::interactive::Terminal;

/// Programs that use select(2) break with descriptors of 1024 and more, so the soft limit is that (systemd
/// has the same default).
const DESCRIPTORS: u64 = 1024;

/// So long a launch waits for systemd.
const SCOPE_LIMIT: Duration = Duration::from_secs(1);

/// Sets the soft limit, where the hard one allows it.
pub(super) fn limit_descriptors() {
    let Rlimit { current, maximum } = getrlimit(Resource::Nofile);
    if current == Some(DESCRIPTORS) || maximum.is_some_and(|most| most < DESCRIPTORS) {
        return;
    }
    if let Err(error) = setrlimit(Resource::Nofile, Rlimit { current: Some(DESCRIPTORS), maximum })
    {
        log::warn!("the limit of open files stays as it is: {error}");
    }
}

/// CUDA in the container needs the kernel module that is loaded, and its device made, outside.
pub(super) fn load_nvidia() {
    let there = |path: &str| stat(path).is_ok();
    if !there("/sys/module/nvidia/version") || there("/sys/module/nvidia_uvm") {
        return;
    }
    let mut command = Command::new("nvidia-modprobe");
    command.args(["-u", "-c=0"]).stdin(Stdio::null()).stdout(Stdio::null());
    match command.status() {
        Ok(status) if status.success() => {}
        Ok(status) => log::info!("nvidia-modprobe: {status}"),
        Err(error) => log::info!("nvidia-modprobe cannot be started: {error}"),
    }
}

/// The terminal that this was started from.
pub(super) struct Tty(OwnedFd);

impl Tty {
    /// The command's standard streams.
    pub(super) fn assigned(&self) -> [(i32, i32); 3] {
        [0, 1, 2].map(|stream| (stream, self.0.as_raw_fd()))
    }
}

/// Opens the terminal, if that is asked for.
pub(super) fn terminal(terminal: Terminal) -> Result<Option<Tty>, Stop> {
    if terminal != Terminal::Tty {
        return Ok(None);
    }
    let opened = open("/dev/tty", OFlags::RDWR | OFlags::CLOEXEC, Mode::empty());
    opened.map(|fd| Some(Tty(fd))).map_err(|error| {
        let cause = format!("--terminal=tty: /dev/tty cannot be opened: {error}");
        failed(Code::NO_TERMINAL, cause, "start it from a terminal, or use --terminal=xterm")
    })
}

/// Moves this process into a scope of its own. The launch goes on without one.
pub(super) fn enter_scope(app: Option<&str>) {
    let address = bus::systemd::address(rustix::process::getuid().as_raw());
    match bus::systemd::scope(address.as_bytes(), app, std::process::id(), SCOPE_LIMIT) {
        Ok(unit) => log::info!("in the scope {unit}"),
        Err(error) => log::info!("in no scope of its own: {error}"),
    }
}

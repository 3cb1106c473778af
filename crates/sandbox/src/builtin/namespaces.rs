//! Leaving for a new user and mount namespace.

use crate::error::Error;
use crate::link::setup;
use crate::probe::Refusal;
use crate::sys::{self, SysError, call};
use rustix::fs::{Mode, OFlags};
use rustix::mount::{MountPropagationFlags, mount_change};
use rustix::process::{Signal, getegid, geteuid, set_parent_process_death_signal};

/// Unshares the user and mount namespace, and with `own_pids` that for PIDs, whose first process
/// will be the next child. The caller keeps its uid and gid, the only ones that exist inside.
///
/// Mounts of the host go on arriving, such as disks that are plugged in; ours do not go out.
///
/// # Errors
/// [`Error::NoNamespaces`].
pub(crate) fn enter_namespaces(own_pids: bool) -> Result<(), Error> {
    let (uid, gid) = (geteuid().as_raw(), getegid().as_raw());
    let pids = if own_pids { libc::CLONE_NEWPID } else { 0 };
    let unshared = sys::process::unshare(libc::CLONE_NEWUSER | libc::CLONE_NEWNS | pids);
    let arguments = if own_pids {
        "CLONE_NEWUSER | CLONE_NEWNS | CLONE_NEWPID"
    } else {
        "CLONE_NEWUSER | CLONE_NEWNS"
    };
    call("unshare", arguments, unshared).map_err(refused)?;
    // Without this the kernel lets no unprivileged process map a group (user_namespaces(7)).
    write("/proc/self/setgroups", "deny").map_err(refused)?;
    write("/proc/self/uid_map", &format!("{uid} {uid} 1\n")).map_err(refused)?;
    write("/proc/self/gid_map", &format!("{gid} {gid} 1\n")).map_err(refused)?;
    let flags = MountPropagationFlags::DOWNSTREAM | MountPropagationFlags::REC;
    call("mount", "/, MS_SLAVE | MS_REC", mount_change("/", flags)).map_err(refused)
}

pub(super) fn refused(failure: SysError) -> Error {
    Error::NoNamespaces(Box::new(Refusal::seen(failure)))
}

fn write(path: &str, content: &str) -> Result<(), SysError> {
    let opened = rustix::fs::open(path, OFlags::WRONLY | OFlags::CLOEXEC, Mode::empty());
    let fd = call("open", path, opened)?;
    call("write", path, rustix::io::write(&fd, content.as_bytes())).map(drop)
}

/// For the process between launcher and process 1: when the launcher is killed, so is this one, and
/// process 1 is told in turn.
pub(super) fn end_with_parent() {
    let set = set_parent_process_death_signal(Some(Signal::KILL));
    if let Err(error) = setup("tying the container to the launcher", call("prctl", "", set)) {
        log::warn!("{error}");
    }
}

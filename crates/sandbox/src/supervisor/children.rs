//! The supervisor's children: what it has started, and orphans that the kernel gave to it.

use super::server::Server;
use crate::sys::signal::send;
use rustix::fs::{Mode, OFlags, RawDir, open};
use std::collections::BTreeSet;
use std::io::Read;
use std::mem::MaybeUninit;

/// Longest list of children that is read, in bytes.
const LIST_BYTES: u64 = 1 << 20;

/// Sends `signal`, and SIGCONT so that a stopped process gets it, to every child that is not in
/// `told` and does not keep the server, and adds these to it.
pub(super) fn signal_all(signal: i32, server: Option<&Server>, told: &mut BTreeSet<i32>) {
    let mut children = list();
    children.retain(|pid| server.is_none_or(|server| !server.is_kept_by(*pid)));
    told.retain(|pid| children.contains(pid));
    for pid in children {
        if told.insert(pid) {
            // Children that have not been collected keep their number, so this hits no one else.
            let _ = send(pid, signal);
            let _ = send(pid, libc::SIGCONT);
        }
    }
}

/// Whether there is any child beside the one that keeps the server.
pub(super) fn any_but(server: &Server) -> bool {
    list().into_iter().any(|pid| !server.is_kept_by(pid))
}

/// Process ids of the children. Empty where the container has no procfs.
fn list() -> BTreeSet<i32> {
    let own = rustix::process::getpid().as_raw_nonzero().get();
    // Of the main thread, the only one. The file needs CONFIG_PROC_CHILDREN.
    match read(&format!("/proc/self/task/{own}/children")) {
        Some(text) => text.split_whitespace().filter_map(|pid| pid.parse().ok()).collect(),
        None => processes().into_iter().filter(|pid| parent(*pid) == Some(own)).collect(),
    }
}

fn read(path: &str) -> Option<String> {
    let fd = open(path, OFlags::RDONLY | OFlags::CLOEXEC, Mode::empty()).ok()?;
    let mut text = Vec::new();
    std::fs::File::from(fd).take(LIST_BYTES).read_to_end(&mut text).ok()?;
    Some(String::from_utf8_lossy(&text).into_owned())
}

/// The parent in `/proc/PID/stat`: the second field after the name, which is in parentheses and may
/// contain any byte.
fn parent(pid: i32) -> Option<i32> {
    let text = read(&format!("/proc/{pid}/stat"))?;
    let (_, after) = text.rsplit_once(')')?;
    after.split_whitespace().nth(1)?.parse().ok()
}

fn processes() -> Vec<i32> {
    let flags = OFlags::RDONLY | OFlags::DIRECTORY | OFlags::CLOEXEC;
    let Ok(directory) = open("/proc", flags, Mode::empty()) else { return vec![] };
    let mut buffer = [MaybeUninit::uninit(); 8192];
    let mut entries = RawDir::new(directory, &mut buffer);
    let mut pids = Vec::new();
    while let Some(Ok(entry)) = entries.next() {
        if let Some(pid) = entry.file_name().to_str().ok().and_then(|name| name.parse().ok()) {
            pids.push(pid);
        }
    }
    pids
}

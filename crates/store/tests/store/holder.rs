//! Another process that holds a lock with `fcntl` alone, as bwrap, Flatpak and pressure-vessel do.

use crate::fixture::again;
use nix::fcntl::{FcntlArg, fcntl};
use nix::libc;
use std::io::{BufRead, BufReader};
use std::path::{Path, PathBuf};
use std::process::{Child, ChildStdout, Stdio};

const FILE: &str = "BATHYSPHERE_TEST_LOCK";
const HOW: &str = "BATHYSPHERE_TEST_LOCK_HOW";
const HELD: &str = "held";

/// The two system calls by which the others lock.
pub(crate) const CALLS: [&str; 2] = ["F_SETLK", "F_OFD_SETLK"];

/// A process that holds a lock.
pub(crate) struct Holder {
    child: Child,
    _output: BufReader<ChildStdout>,
}

/// Starts one that locks `file` by `call`, and waits until it has it. `None`: it was refused.
pub(crate) fn hold(file: &Path, call: &str, exclusive: bool) -> Option<Holder> {
    let how = format!("{call} {exclusive}");
    let mut command = again("holder::holds", Path::new("/"), false);
    command.env(FILE, file).env(HOW, how).stdin(Stdio::piped()).stdout(Stdio::piped());
    let mut child = command.spawn().unwrap();
    let mut output = BufReader::new(child.stdout.take().unwrap());
    let mut line = String::new();
    while output.read_line(&mut line).unwrap() > 0 {
        if line.trim_end().ends_with(HELD) {
            return Some(Holder { child, _output: output });
        }
        line.clear();
    }
    assert!(child.wait().unwrap().success());
    None
}

impl Drop for Holder {
    fn drop(&mut self) {
        drop(self.child.stdin.take());
        self.child.wait().unwrap();
    }
}

/// The process: holds until its standard input ends.
#[test]
fn holds() {
    let Some(file) = std::env::var_os(FILE).map(PathBuf::from) else { return };
    let how = std::env::var(HOW).unwrap();
    let (call, exclusive) = how.split_once(' ').unwrap();
    let kind = if exclusive == "true" { libc::F_WRLCK } else { libc::F_RDLCK };
    let file = std::fs::OpenOptions::new()
        .read(true)
        .write(true)
        .create(true)
        .truncate(false)
        .open(file)
        .unwrap();
    let whole = libc::flock {
        l_type: kind as libc::c_short,
        l_whence: libc::SEEK_SET as libc::c_short,
        l_start: 0,
        l_len: 0,
        l_pid: 0,
    };
    let command = match call {
        "F_SETLK" => FcntlArg::F_SETLK(&whole),
        _ => FcntlArg::F_OFD_SETLK(&whole),
    };
    if fcntl(&file, command).is_err() {
        println!("refused");
        return;
    }
    println!("{HELD}");
    let mut rest = String::new();
    std::io::stdin().read_line(&mut rest).unwrap();
}

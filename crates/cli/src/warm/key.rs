//! The question under which a launch is remembered: everything that decides, but for files.
//!
//! The command line as it is; the environment, but for variables that nothing here reads and that
//! differ from one launch to the next; the working directory; who asks; the machine, its boot and its mount
//! table; this program. All of it goes into one digest, because the environment may have secrets.

use plan::ByteString;
use rustix::fs::{AtFlags, CWD, Mode, OFlags, StatxFlags};
use std::ffi::OsString;
use std::os::unix::ffi::OsStrExt;
use store::Key;

/// Variables that are passed on to the command and decide nothing: those that begin so, or are so where the
/// name ends with `=`. Terminals, shells and session managers give them a new value all the time.
/// (`tests/launch/warm_changes.rs` compares plans with and without each of them.)
pub(crate) const UNREAD: &[&str] = &[
    "COLUMNS=",
    "DESKTOP_STARTUP_ID=",
    "GIO_LAUNCHED_DESKTOP_FILE",
    "HYPERFINE_",
    "INVOCATION_ID=",
    "JOURNAL_STREAM=",
    "KONSOLE_",
    "LINES=",
    "LS_COLORS=",
    "MANAGERPID",
    "OLDPWD=",
    "SHELL_SESSION_ID=",
    "SHLVL=",
    "SSH_CLIENT=",
    "SSH_CONNECTION=",
    "SSH_TTY=",
    "SYSTEMD_EXEC_PID=",
    "TERM_SESSION_ID=",
    "TMUX",
    "WINDOWID=",
    "XDG_ACTIVATION_TOKEN=",
    "_=",
];

fn is_unread(name: &[u8]) -> bool {
    UNREAD.iter().any(|row| match row.strip_suffix('=') {
        Some(whole) => name == whole.as_bytes(),
        None => name.starts_with(row.as_bytes()),
    })
}

/// The key for this launch. `None` when something that decides cannot be read.
pub(crate) fn of(arguments: &[OsString], environment: &[(ByteString, ByteString)]) -> Option<Key> {
    let mut variables: Vec<(&[u8], &[u8])> = environment
        .iter()
        .map(|(name, value)| (name.as_bytes(), value.as_bytes()))
        .filter(|(name, _)| !is_unread(name))
        .collect();
    variables.sort_unstable();
    let uname = rustix::system::uname();
    let ids = [
        rustix::process::geteuid().as_raw(),
        rustix::process::getegid().as_raw(),
        rustix::process::getuid().as_raw(),
    ];
    let ids: Vec<u8> = ids.iter().flat_map(|id| id.to_le_bytes()).collect();
    let directory = rustix::process::getcwd(vec![]).ok()?;
    let boot = read("/proc/sys/kernel/random/boot_id", 64)?;
    let mounts = read("/proc/self/mountinfo", 64 << 10)?;
    let program = program();
    let mut parts: Vec<&[u8]> = vec![
        program.as_bytes(),
        &ids,
        directory.as_bytes(),
        uname.nodename().to_bytes(),
        uname.release().to_bytes(),
        uname.version().to_bytes(),
        uname.machine().to_bytes(),
        &boot,
        &mounts,
    ];
    parts.extend(arguments.iter().map(|a| a.as_bytes()));
    parts.push(b"environment");
    parts.extend(variables.iter().flat_map(|(name, value)| [name, value]));
    Some(Key::of("launch", &parts))
}

/// What tells this program from another build of it, which may decide otherwise.
pub(crate) fn program() -> String {
    let version = env!("CARGO_PKG_VERSION");
    let own = rustix::fs::statx(CWD, "/proc/self/exe", AtFlags::empty(), StatxFlags::BASIC_STATS);
    match own {
        Ok(s) => format!(
            "{version} {} {} {}.{}",
            s.stx_ino, s.stx_size, s.stx_mtime.tv_sec, s.stx_mtime.tv_nsec
        ),
        Err(_) => version.into(),
    }
}

/// The whole of a small file of procfs, which says no size.
fn read(path: &str, room: usize) -> Option<Vec<u8>> {
    let fd = rustix::fs::open(path, OFlags::RDONLY | OFlags::CLOEXEC, Mode::empty()).ok()?;
    let mut bytes = vec![0; room];
    let mut length = 0;
    loop {
        if length == bytes.len() {
            bytes.resize(length * 2, 0);
        }
        match rustix::io::read(&fd, &mut bytes[length..]) {
            Ok(0) => break,
            Ok(n) => length += n,
            Err(rustix::io::Errno::INTR) => {}
            Err(_) => return None,
        }
    }
    bytes.truncate(length);
    Some(bytes)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_decides_is_in_the_key() {
        let arguments: Vec<OsString> = ["bathysphere", "run", "--", "x"].map(Into::into).into();
        let variables = |rows: &[(&str, &str)]| -> Vec<(ByteString, ByteString)> {
            rows.iter().map(|(n, v)| ((*n).into(), (*v).into())).collect()
        };
        let base = of(&arguments, &variables(&[("A", "1"), ("B", "2")])).unwrap();
        for (rows, same) in [
            (&[("B", "2"), ("A", "1")][..], true),
            (&[("A", "1"), ("B", "2"), ("SHLVL", "3")], true),
            (&[("A", "1"), ("B", "2"), ("_", "/bin/x")], true),
            (&[("A", "1"), ("B", "2"), ("TMUX_PANE", "%1")], true),
            (&[("A", "1"), ("B", "2"), ("SHLVL2", "3")], false),
            (&[("A", "1"), ("B", "2"), ("C", "")], false),
            (&[("A", "12"), ("B", "")], false),
            (&[("A", "1")], false),
        ] {
            assert_eq!(of(&arguments, &variables(rows)).unwrap() == base, same, "{rows:?}");
        }
        let longer: Vec<OsString> = ["bathysphere", "run", "--", "x", "y"].map(Into::into).into();
        assert_ne!(of(&longer, &variables(&[("A", "1"), ("B", "2")])).unwrap(), base);
    }
}

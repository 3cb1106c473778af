//! By which name a file of the host is asked for.
//!
//! Natively by its path. An emulator that redirects paths (FEX) would show another file: a process that
//! it runs asks for everything below `/proc/self/root`, which is never redirected. That holds for the
//! whole process, whatever root is looked at, and is said once, before anything is looked at.

use crate::HostPath;
use std::borrow::Cow;
use std::ffi::OsString;
use std::os::unix::ffi::OsStringExt;
use std::path::Path;
use std::sync::OnceLock;

/// What comes before every path; nothing natively.
static PREFIX: OnceLock<HostPath> = OnceLock::new();

/// From now on, this process asks for every file of the host below `prefix`, another name of its `/`.
/// Once said, it stays.
pub fn ask_below(prefix: HostPath) {
    let _ = PREFIX.set(prefix);
}

/// The name by which the kernel is asked for a file: its own path, natively.
pub fn name(host: &HostPath) -> Cow<'_, Path> {
    match PREFIX.get() {
        None => Cow::Borrowed(host.as_path()),
        Some(prefix) => Cow::Owned(below(prefix, host)),
    }
}

/// A trailing slash stays for the top, so that the link that the prefix is gets followed.
fn below(prefix: &HostPath, host: &HostPath) -> std::path::PathBuf {
    OsString::from_vec([prefix.as_bytes(), host.as_bytes()].concat()).into()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_below_another_root() {
        let prefix = HostPath::literal("/proc/self/root");
        for (path, want) in [("/", "/proc/self/root/"), ("/usr/lib", "/proc/self/root/usr/lib")] {
            assert_eq!(below(&prefix, &HostPath::literal(path)).as_os_str(), want);
        }
    }
}

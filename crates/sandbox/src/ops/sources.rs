//! How files of the host are named to the kernel.
//!
//! Natively by their paths. Under an emulator that redirects paths of its own choice (FEX), relative to
//! a descriptor of `/proc/self/root`, which it leaves alone: what is looked at and what is mounted are
//! the same file then. The descriptor is opened after the namespaces were entered, because `open_tree`
//! refuses one from before (EINVAL), and before anything is mounted over `/`.

use crate::sys::{SysError, call};
use plan::HostPath;
use rustix::fs::{CWD, Mode, OFlags, open};
use rustix::io::Errno;
use rustix::mount::{OpenTreeFlags, open_tree};
use std::ffi::OsStr;
use std::os::fd::OwnedFd;
use std::os::unix::ffi::OsStrExt;
use std::path::Path;

/// The host's `/`, by a name that no emulator redirects.
const REAL_ROOT: &str = "/proc/self/root";

/// How files of the host are named.
pub(crate) enum Sources {
    /// By their paths.
    Paths,
    /// By their paths relative to this descriptor of the real root.
    Descriptor(OwnedFd),
}

impl Sources {
    /// Relative to a descriptor, if `by_descriptor`.
    pub(crate) fn new(by_descriptor: bool) -> Result<Self, SysError> {
        if !by_descriptor {
            return Ok(Sources::Paths);
        }
        let flags = OFlags::PATH | OFlags::DIRECTORY | OFlags::CLOEXEC;
        let root = call("open", REAL_ROOT, open(REAL_ROOT, flags, Mode::empty()))?;
        Ok(Sources::Descriptor(root))
    }

    /// `open_tree(2)` of a path.
    pub(super) fn open_tree(
        &self,
        path: &HostPath,
        flags: OpenTreeFlags,
    ) -> Result<OwnedFd, Errno> {
        match self {
            Sources::Paths => open_tree(CWD, path.as_path(), flags),
            Sources::Descriptor(root) => open_tree(root, relative(path), flags),
        }
    }

    /// A path that the kernel itself will look up, and that nothing has changed on the way.
    pub(super) fn named(&self, path: HostPath) -> HostPath {
        match self {
            Sources::Paths => path,
            Sources::Descriptor(_) => {
                let real = HostPath::literal(REAL_ROOT);
                real.join(relative(&path)).unwrap_or(path)
            }
        }
    }
}

/// Whether a path means the host's `/`.
pub(super) fn is_root(path: &HostPath) -> bool {
    relative(path) == Path::new(".")
}

/// What is left of a path below the real root; `.` for that itself.
fn relative(path: &HostPath) -> &Path {
    let below = path.below(&HostPath::literal(REAL_ROOT)).unwrap_or_else(|| path.relative());
    if below.as_os_str().is_empty() { Path::new(OsStr::from_bytes(b".")) } else { below }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn paths_below_the_real_root() {
        for (path, want) in [
            ("/", "."),
            ("/usr/lib", "usr/lib"),
            ("/proc/self/root", "."),
            ("/proc/self/root/usr", "usr"),
            ("/proc/self/rootless", "proc/self/rootless"),
        ] {
            assert_eq!(relative(&HostPath::literal(path)), Path::new(want), "{path}");
        }
    }
}

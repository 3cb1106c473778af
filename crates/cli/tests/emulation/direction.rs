//! Which architecture is foreign here, and the laboratory's roots of it.

use crate::support::{host_name, lab};
use std::path::PathBuf;

/// Native and foreign architecture, and what there is of the latter.
pub(crate) struct Direction {
    /// Multiarch tuple of the games.
    pub(crate) guest: &'static str,
    /// Multiarch tuple of the machine.
    pub(crate) native: &'static str,
    /// `e_machine` of both, as two hexadecimal digits.
    pub(crate) machines: Machines,
    /// The emulator's program in every host.
    pub(crate) emulator: &'static str,
    /// `ldconfig -p` names the architecture so.
    pub(crate) cache_flag: &'static str,
    /// Layout and root of each emulator root.
    pub(crate) rootfs: &'static [(&'static str, &'static str)],
    /// Layout and root of each runtime.
    pub(crate) runtimes: &'static [(&'static str, &'static str)],
    /// The root with Python, if the runtime has none.
    pub(crate) python: Option<&'static str>,
}

/// The second-lowest byte of `e_machine` is zero for all of these.
#[derive(Clone, Copy)]
pub(crate) struct Machines {
    pub(crate) guest: &'static str,
    pub(crate) native: &'static str,
}

const MIRROR: Direction = Direction {
    guest: "aarch64-linux-gnu",
    native: "x86_64-linux-gnu",
    machines: Machines { guest: "b7", native: "3e" },
    emulator: "/usr/bin/qemu-aarch64",
    cache_flag: "(libc6,AArch64)",
    rootfs: &[
        ("merged", "arm64-rootfs-merged"),
        ("non-merged", "arm64-rootfs-nonmerged"),
        ("hybrid", "arm64-rootfs-hybrid"),
    ],
    runtimes: &[
        ("merged", "arm64-runtime-merged"),
        ("non-merged", "arm64-runtime-nonmerged"),
        ("hybrid", "arm64-runtime-hybrid"),
    ],
    python: None,
};

const TRUE: Direction = Direction {
    guest: "x86_64-linux-gnu",
    native: "aarch64-linux-gnu",
    machines: Machines { guest: "3e", native: "b7" },
    emulator: "/usr/bin/qemu-x86_64",
    cache_flag: "(libc6,x86-64)",
    rootfs: &[("merged", "host-bookworm")],
    runtimes: &[("merged", "vm-runtime-merged")],
    python: Some("python-amd64"),
};

/// The direction of this machine.
pub(crate) fn direction() -> &'static Direction {
    if cfg!(target_arch = "aarch64") { &TRUE } else { &MIRROR }
}

/// One mixture of layouts with this host.
#[derive(Clone)]
pub(crate) struct Mix {
    /// The host's layout.
    pub(crate) host: &'static str,
    /// The emulator root's layout, and where it is.
    pub(crate) rootfs: (&'static str, PathBuf),
    /// The runtime's layout, and where it is.
    pub(crate) runtime: (&'static str, PathBuf),
}

impl std::fmt::Display for Mix {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{:10} {:10} {:10}", self.host, self.rootfs.0, self.runtime.0)
    }
}

/// The layout of this host.
pub(crate) fn host_layout() -> &'static str {
    let is_link = |path: &str| std::path::Path::new(path).is_symlink();
    match (is_link("/bin"), is_link("/lib")) {
        (true, true) => "merged",
        (false, false) => "non-merged",
        _ => "hybrid",
    }
}

/// The mixtures that this host is part of. The machine itself, which is no host of the laboratory, has one.
pub(crate) fn mixes() -> Result<Vec<Mix>, String> {
    let direction = direction();
    let count = if host_name().is_some() { usize::MAX } else { 1 };
    let mut mixes = Vec::new();
    for (rootfs_layout, rootfs) in direction.rootfs.iter().take(count) {
        for (runtime_layout, runtime) in direction.runtimes.iter().take(count) {
            mixes.push(Mix {
                host: host_layout(),
                rootfs: (rootfs_layout, lab(rootfs)?),
                runtime: (runtime_layout, lab(runtime)?),
            });
        }
    }
    Ok(mixes)
}

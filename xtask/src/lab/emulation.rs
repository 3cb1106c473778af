//! The roots of foreign programs, as data.
//!
//! *Mirror*: hosts of this machine's processor with a dynamically linked `qemu-aarch64`, and emulator root and runtime of
//! arm64; quick, since the container itself is native. *True direction*: arm64 hosts with `qemu-x86_64` and a kernel for a
//! virtual machine, which use the amd64 and i386 roots of the native tests as emulator root and runtime.
//!
//! Debian 13's `qemu-user` is linked statically, so the hosts of the mirror are older; one of the arm64 hosts has it, and
//! box64. Of every other group the non-merged form is unpacked and the others are made of it by moving directories.

use super::recipe::{Recipe, Shape, Source, System};
use super::roots::{BASE, DRIVERS, MERGED};

/// `/bin` and `/sbin` are links, `/lib*` are directories.
const PROGRAMS_MERGED: Shape = Shape::Merged(&["bin", "sbin"]);
/// `/lib*` are links, `/bin` and `/sbin` are directories.
const LIBRARIES_MERGED: Shape = Shape::Merged(&["lib", "lib64"]);
/// Everything is a link.
const ALL_MERGED: Shape = Shape::Merged(MERGED);

/// What a host of foreign programs needs: the emulator, and bubblewrap as one of the executors.
const EMULATION: &[&str] = &["bubblewrap", "mount", "netbase", "qemu-user"];

/// Programs that load libraries by name and draw: a script of the tests does both with `ctypes`.
const SCRIPTING: &[&str] = &["python3-minimal", "libpython3-stdlib"];

const fn host(
    suite: &'static str,
    architectures: &'static [&'static str],
    each: &'static [&'static [&'static str]],
) -> Source {
    Source::System(System {
        suite,
        architectures,
        merged: &[],
        each,
        native: &[BASE, EMULATION],
        foreign: &[],
        host: true,
    })
}

const fn foreign(suite: &'static str) -> Source {
    Source::System(System {
        suite,
        architectures: &["arm64"],
        merged: &[],
        each: &[DRIVERS],
        native: &[BASE, SCRIPTING],
        foreign: &[],
        host: false,
    })
}

const fn form(of: &'static str, shape: Shape) -> Source {
    Source::Form { of, shape }
}

/// Every root of this kind, those first that others derive from.
pub(super) const RECIPES: &[Recipe] = &[
    Recipe {
        name: "emu-host-nonmerged",
        about: "host with a dynamic qemu-aarch64 5.2",
        source: host("bullseye", &["amd64"], &[DRIVERS]),
    },
    Recipe {
        name: "emu-host-hybrid",
        about: "the same, /lib* links, /bin and /sbin directories",
        source: form("emu-host-nonmerged", LIBRARIES_MERGED),
    },
    Recipe {
        name: "emu-bookworm-nonmerged",
        about: "what emu-host-merged is made of, qemu-aarch64 7.2",
        source: host("bookworm", &["amd64"], &[DRIVERS]),
    },
    Recipe {
        name: "emu-host-merged",
        about: "host with a dynamic qemu-aarch64 7.2",
        source: form("emu-bookworm-nonmerged", ALL_MERGED),
    },
    Recipe {
        name: "arm64-rootfs-nonmerged",
        about: "emulator root with Mesa 22.3.6",
        source: foreign("bookworm"),
    },
    Recipe {
        name: "arm64-rootfs-merged",
        about: "emulator root, the usual form",
        source: form("arm64-rootfs-nonmerged", ALL_MERGED),
    },
    Recipe {
        name: "arm64-rootfs-hybrid",
        about: "emulator root, /bin and /sbin links, /lib a directory",
        source: form("arm64-rootfs-nonmerged", PROGRAMS_MERGED),
    },
    Recipe {
        name: "arm64-runtime-nonmerged",
        about: "runtime of Debian 11",
        source: foreign("bullseye"),
    },
    Recipe {
        name: "arm64-runtime-merged",
        about: "runtime, the usual form",
        source: form("arm64-runtime-nonmerged", ALL_MERGED),
    },
    Recipe {
        name: "arm64-runtime-hybrid",
        about: "runtime, /bin and /sbin links, /lib a directory",
        source: form("arm64-runtime-nonmerged", PROGRAMS_MERGED),
    },
    Recipe {
        name: "vm-kernel",
        about: "kernel, modules and busybox of the virtual machine",
        source: Source::Kernel {
            suite: "bookworm",
            modules: &[
                "virtio_pci",
                "virtio_mmio",
                "virtio_console",
                "9pnet_virtio",
                "9p",
                "overlay",
                "fuse",
                "binfmt_misc",
            ],
        },
    },
    Recipe {
        name: "vm-host-nonmerged",
        about: "arm64 host with a dynamic qemu-x86_64 5.2: the mission's case",
        source: host("bullseye", &["arm64"], &[]),
    },
    Recipe {
        name: "vm-host-merged",
        about: "arm64 host with a static qemu-x86_64 10, box64, bwrap 0.11",
        source: Source::System(System {
            suite: "trixie",
            architectures: &["arm64"],
            merged: MERGED,
            each: &[],
            native: &[BASE, EMULATION, &["box64", "libgl1", "libvulkan1"]],
            foreign: &[],
            host: true,
        }),
    },
    Recipe {
        name: "vm-runtime-merged",
        about: "least amd64 and i386 runtime: bwrap of Debian 11 has a copy made of it, by 9p",
        source: Source::System(System {
            suite: "bullseye",
            architectures: &["amd64", "i386"],
            merged: MERGED,
            each: &[&[
                "libc6",
                "libexpat1",
                "libffi7",
                "libgcc-s1",
                "libstdc++6",
                "libx11-6",
                "zlib1g",
            ]],
            native: &[BASE],
            foreign: &[],
            host: false,
        }),
    },
    Recipe {
        name: "python-amd64",
        about: "a game's own Python, for the amd64 runtime that has none",
        source: Source::Packages {
            suite: "bullseye",
            packages: &["libpython3.9-minimal", "libpython3.9-stdlib", "python3.9-minimal"],
        },
    },
];

/// The hosts of this machine's processor that the tests run in.
pub(super) fn hosts() -> impl Iterator<Item = &'static str> {
    RECIPES
        .iter()
        .filter(|recipe| recipe.is_host() && recipe.name.starts_with("emu-host-"))
        .map(|recipe| recipe.name)
}

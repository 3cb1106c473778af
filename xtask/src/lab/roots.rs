//! The roots of the laboratory, as data.
//!
//! Every root is made of a Debian release's main archive alone: the security archives lack old and i386 packages.

use super::emulation;
use super::recipe::{ForeignPrograms, Recipe, Shape, Source, System};

/// The root directories that a merged `/usr` has as links.
pub(crate) const MERGED: &[&str] = &["bin", "sbin", "lib", "lib32", "lib64", "libx32"];

const BOTH: &[&str] = &["amd64", "i386"];

/// What any system needs so that a shell and the usual commands run.
pub(super) const BASE: &[&str] = &[
    "base-files",
    "base-passwd",
    "bash",
    "coreutils",
    "dash",
    "debianutils",
    "diffutils",
    "findutils",
    "grep",
    "gzip",
    "hostname",
    "libc-bin",
    "login",
    "mawk",
    "ncurses-base",
    "procps",
    "sed",
    "tar",
    "tzdata",
    "util-linux",
];

/// Graphics and video drivers with the libraries that load them.
pub(super) const DRIVERS: &[&str] = &[
    "libc6",
    "libegl-mesa0",
    "libegl1",
    "libgbm1",
    "libgcc-s1",
    "libgl1",
    "libgl1-mesa-dri",
    "libgles2",
    "libglx-mesa0",
    "libglx0",
    "libopengl0",
    "libstdc++6",
    "libudev1",
    "libva-drm2",
    "libva-x11-2",
    "libva2",
    "libvdpau1",
    "libvulkan1",
    "libwayland-client0",
    "libwayland-egl1",
    "libx11-6",
    "libx11-xcb1",
    "libxcb1",
    "mesa-va-drivers",
    "mesa-vdpau-drivers",
    "mesa-vulkan-drivers",
    "ocl-icd-libopencl1",
];

/// Programs that report which driver is in use.
const REPORTERS: &[&str] = &["mesa-utils", "vulkan-tools"];

/// What games link with, as the Steam Runtime 3 platform has it.
const PLATFORM: &[&str] = &[
    "libasound2",
    "libasound2-plugins",
    "libatk-bridge2.0-0",
    "libcups2",
    "libcurl3-gnutls",
    "libcurl4",
    "libdbus-1-3",
    "libexpat1",
    "libfontconfig1",
    "libfreetype6",
    "libgdk-pixbuf-2.0-0",
    "libgles1",
    "libglew2.1",
    "libglib2.0-0",
    "libglu1-mesa",
    "libgtk-3-0",
    "libgtk2.0-0",
    "libice6",
    "libidn11",
    "libjpeg62-turbo",
    "libnspr4",
    "libnss3",
    "libogg0",
    "libopenal1",
    "libopenxr-loader1",
    "libpipewire-0.3-0",
    "libpng16-16",
    "libpulse0",
    "librsvg2-common",
    "libsdl2-2.0-0",
    "libsdl2-image-2.0-0",
    "libsdl2-net-2.0-0",
    "libsdl2-ttf-2.0-0",
    "libsm6",
    "libssl1.1",
    "libtbb2",
    "libtheora0",
    "libusb-1.0-0",
    "libuuid1",
    "libva-glx2",
    "libva-wayland2",
    "libvorbisfile3",
    "libwayland-cursor0",
    "libxcursor1",
    "libxext6",
    "libxi6",
    "libxinerama1",
    "libxkbcommon0",
    "libxrandr2",
    "libxss1",
    "libxtst6",
    "libxxf86vm1",
    "zlib1g",
];

/// Programs of the platform, and the libraries that cannot be installed for two architectures at once.
const PLATFORM_NATIVE: &[&str] = &[
    "alsa-utils",
    "ca-certificates",
    "clinfo",
    "dbus",
    "fontconfig",
    "fonts-dejavu-core",
    "libsdl2-mixer-2.0-0",
    "mesa-utils-extra",
    "pulseaudio-utils",
    "python3-minimal",
    "strace",
    "vainfo",
    "vdpauinfo",
    "x11-utils",
    "xdg-utils",
    "xz-utils",
    "zenity",
];

/// What a desktop has for us to use: bubblewrap, an X server, a message bus, fonts, locales.
const DESKTOP: &[&str] = &[
    "bubblewrap",
    "ca-certificates",
    "dbus",
    "dbus-x11",
    "fontconfig",
    "fonts-dejavu-core",
    "locales",
    "mount",
    "netbase",
    "strace",
    "x11-utils",
    "xauth",
    "xdotool",
    "xkb-data",
    "xvfb",
];

/// Modules that players have the dynamic linker load into games, and what these load themselves.
const MODULES: &[&str] = &["libeatmydata1", "libgamemode0", "libgamemodeauto0", "mangohud"];

/// i386 reporters of bullseye, where they are not co-installable.
const REPORTERS_BULLSEYE: &[ForeignPrograms] = &[
    ForeignPrograms { package: "vulkan-tools", programs: &["vulkaninfo"] },
    ForeignPrograms { package: "mesa-utils", programs: &["glxinfo", "glxgears"] },
    ForeignPrograms { package: "mesa-utils-extra", programs: &["eglinfo"] },
];

/// i386 reporters of bookworm, whose `mesa-utils-bin` is co-installable.
const REPORTERS_BOOKWORM: &[ForeignPrograms] =
    &[ForeignPrograms { package: "vulkan-tools", programs: &["vulkaninfo"] }];

const fn small_runtime(merged: &'static [&'static str]) -> Source {
    Source::System(System {
        suite: "bullseye",
        architectures: BOTH,
        merged,
        each: &[DRIVERS, &["libglew2.1", "libglu1-mesa", "libsdl2-2.0-0"]],
        native: &[BASE, REPORTERS, &["mesa-utils-extra"]],
        foreign: REPORTERS_BULLSEYE,
        host: false,
    })
}

const fn bookworm_host(merged: &'static [&'static str]) -> Source {
    Source::System(System {
        suite: "bookworm",
        architectures: BOTH,
        merged,
        each: &[DRIVERS, MODULES, &["libopenxr-loader1", "mesa-utils-bin"]],
        native: &[BASE, REPORTERS, DESKTOP],
        foreign: REPORTERS_BOOKWORM,
        host: true,
    })
}

/// The roots of native launches, those first that others derive from.
const RECIPES: &[Recipe] = &[
    Recipe {
        name: "runtime-bullseye",
        about: "runtime like the Steam Runtime 3 platform, full sysroot",
        source: Source::System(System {
            suite: "bullseye",
            architectures: BOTH,
            merged: MERGED,
            each: &[DRIVERS, PLATFORM],
            native: &[BASE, REPORTERS, PLATFORM_NATIVE],
            foreign: REPORTERS_BULLSEYE,
            host: false,
        }),
    },
    Recipe {
        name: "host-bookworm",
        about: "host with a newer Mesa and bwrap 0.8",
        source: bookworm_host(MERGED),
    },
    Recipe {
        name: "host-bullseye-nonmerged",
        about: "host whose /bin, /sbin and /lib* are directories, with bwrap 0.4",
        source: Source::System(System {
            suite: "bullseye",
            architectures: BOTH,
            merged: &[],
            each: &[DRIVERS, MODULES, &["libglew2.1", "libglu1-mesa", "libopenxr-loader1"]],
            native: &[BASE, REPORTERS, DESKTOP, &["mesa-utils-extra"]],
            foreign: REPORTERS_BULLSEYE,
            host: true,
        }),
    },
    Recipe {
        name: "host-bookworm-hybrid",
        about: "host where /bin and /lib64 are links but /sbin and /lib are directories",
        source: bookworm_host(&["bin", "lib64"]),
    },
    Recipe {
        name: "host-trixie",
        about: "host with bwrap 0.11 or later (overlays), amd64 alone",
        source: Source::System(System {
            suite: "trixie",
            architectures: &["amd64"],
            merged: MERGED,
            each: &[
                DRIVERS,
                MODULES,
                &["libopenxr-loader1", "libopenxr1-monado", "mesa-utils-bin"],
            ],
            native: &[BASE, REPORTERS, DESKTOP],
            foreign: &[],
            host: true,
        }),
    },
    Recipe {
        name: "runtime-bullseye-nonmerged",
        about: "small runtime whose /bin, /sbin and /lib* are directories",
        source: small_runtime(&[]),
    },
    Recipe {
        name: "runtime-bullseye-hybrid",
        about: "small runtime where /bin and /sbin are links but /lib* are directories",
        source: small_runtime(&["bin", "sbin"]),
    },
    Recipe {
        name: "game-neverball",
        about: "the game of the demonstration, with the libraries that the platform lacks",
        source: Source::Packages {
            suite: "bullseye",
            packages: &[
                "fonts-dejavu-core",
                "fonts-wqy-microhei",
                "libhidapi-libusb0",
                "libopenhmd0",
                "neverball",
                "neverball-common",
                "neverball-data",
            ],
        },
    },
    Recipe {
        name: "form-flatpak",
        about: "runtime-bullseye as files/ and metadata",
        source: Source::Form { of: "runtime-bullseye", shape: Shape::Flatpak },
    },
    Recipe {
        name: "form-usr",
        about: "runtime-bullseye as a merged /usr by itself",
        source: Source::Form { of: "runtime-bullseye", shape: Shape::Usr },
    },
    Recipe {
        name: "form-depot",
        about: "runtime-bullseye as a content server delivers it, with usr-mtree.txt.gz",
        source: Source::Form { of: "runtime-bullseye", shape: Shape::Depot },
    },
    Recipe {
        name: "depot-sniper",
        about: "runtime-bullseye as an installed Steam Linux Runtime, with entry points",
        source: Source::Form { of: "runtime-bullseye", shape: Shape::Steam },
    },
];

/// Every root, those first that others derive from.
pub(crate) fn all() -> impl Iterator<Item = &'static Recipe> {
    RECIPES.iter().chain(emulation::RECIPES)
}

/// The roots that serve as hosts of native launches.
pub(crate) fn hosts() -> impl Iterator<Item = &'static str> {
    RECIPES.iter().filter(|recipe| recipe.is_host()).map(|recipe| recipe.name)
}

/// The recipe of a name.
pub(crate) fn find(name: &str) -> Option<&'static Recipe> {
    all().find(|recipe| recipe.name == name)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_unique_and_parents_come_first() {
        for (index, recipe) in all().enumerate() {
            assert!(all().take(index).all(|earlier| earlier.name != recipe.name));
            if let Some(parent) = recipe.parent() {
                assert!(all().take(index).any(|earlier| earlier.name == parent));
            }
        }
    }
}

//! Libraries and drivers that programs find by a variable: SDL, and the drivers of VDPAU.

use super::asked::Asked;
use super::libraries::{Libraries, Linked};
use crate::messages::Messages;
use crate::supervised::Variables;
use inspect::root::{Filesystem, Kind};
use plan::{RootPath, Tuple};
use std::path::{Path, PathBuf};

/// A version of SDL: programs that have it built in look for a newer one in a variable.
struct Sdl {
    /// The variable that asks for the container's.
    wanted: &'static str,
    /// The word in `STEAM_COMPAT_FLAGS` that does.
    flag: &'static [u8],
    variable: &'static str,
    library: &'static str,
}

const SDL: &[Sdl] = &[
    Sdl {
        wanted: "STEAM_COMPAT_RUNTIME_SDL2",
        flag: b"runtime-sdl2",
        variable: "SDL_DYNAMIC_API",
        library: "libSDL2-2.0.so.0",
    },
    Sdl {
        wanted: "STEAM_COMPAT_RUNTIME_SDL3",
        flag: b"runtime-sdl3",
        variable: "SDL3_DYNAMIC_API",
        library: "libSDL3.so.0",
    },
];

impl Sdl {
    /// Whether it is asked for, and if so in which directory below the runtime's libraries it is:
    /// `sdl2-compat` means the SDL 2 that is built on SDL 3, which a runtime has beside the other.
    fn asked_for(&self, variables: &Variables) -> Option<&'static str> {
        match variables.get(self.wanted) {
            Some(b"1" | b"classic") => Some(""),
            Some(b"sdl2-compat") => Some("sdl2-compat"),
            Some(b"0") => None,
            _ => {
                let flags = variables.get("STEAM_COMPAT_FLAGS").unwrap_or_default();
                flags.split(|b| *b == b',').any(|flag| flag == self.flag).then_some("")
            }
        }
    }
}

/// What the redirections have in common.
pub(super) struct Drivers<'a> {
    pub(super) root: &'a dyn Filesystem,
    pub(super) libraries: &'a Libraries,
    pub(super) asked: &'a Asked,
    pub(super) messages: &'a Messages,
}

impl Drivers<'_> {
    /// Lets programs with an SDL of their own use the container's, where that is asked for.
    pub(super) fn sdl(&self, variables: &mut Variables) {
        for sdl in SDL {
            let Some(below) = sdl.asked_for(variables) else { continue };
            if variables.get(sdl.variable).is_some() {
                self.messages.info(format_args!("{} stays as it is set", sdl.variable));
                continue;
            }
            let name = Path::new(sdl.library);
            let targets = |tuple: Tuple| {
                let runtime = Path::new("/usr/lib").join(tuple.name()).join(below);
                let places = self.overrides(tuple).into_iter().chain([runtime]);
                places.map(|place| place.join(name)).collect()
            };
            self.redirect(sdl.variable, name, Kind::File, &targets, variables);
        }
    }

    /// Lets `libvdpau` find the drivers that the container has in place of the runtime's.
    pub(super) fn vdpau(&self, variables: &mut Variables) {
        let name = Path::new("vdpau");
        let targets =
            |tuple: Tuple| self.overrides(tuple).into_iter().map(|dir| dir.join(name)).collect();
        self.redirect("VDPAU_DRIVER_PATH", name, Kind::Directory, &targets, variables);
    }

    /// The libraries of an architecture that take the runtime's place.
    fn overrides(&self, tuple: Tuple) -> Option<PathBuf> {
        Some(self.asked.overrides.as_ref()?.join("lib").join(tuple.name()))
    }

    /// Links `name`, for each architecture, to the first target that is there, and sets the variable
    /// where there is any.
    fn redirect(
        &self,
        variable: &str,
        name: &Path,
        kind: Kind,
        targets: &dyn Fn(Tuple) -> Vec<PathBuf>,
        variables: &mut Variables,
    ) {
        let there = |path: &PathBuf| {
            let found = RootPath::new(path).ok().and_then(|path| self.root.find(&path));
            found.is_some_and(|found| found.kind == kind)
        };
        let mut any = false;
        for tuple in self.libraries.tuples() {
            let Some(target) = targets(tuple).into_iter().find(there) else { continue };
            match self.libraries.link(tuple, name, &target) {
                Ok(Linked::Made) => any = true,
                Ok(Linked::Taken) => {
                    self.messages.warning(format_args!("{} is there already", name.display()));
                }
                Err(error) => {
                    self.messages.warning(format_args!("a link to {}: {error}", target.display()));
                }
            }
        }
        if any {
            let entry = self.libraries.entry(name.as_os_str().as_encoded_bytes());
            self.messages.debug(format_args!("{variable}={entry}"));
            variables.set(variable, entry);
        }
    }
}

//! How programs of a foreign architecture run in the container.
//!
//! Knows the two compositions: [`overlay`], where the host's system directories are the container's
//! and an emulator that the kernel starts lays the runtime over them; [`direct`], where the runtime is
//! `/` and the emulator of a manifest stands before the command. What is special about one emulator is
//! in its own file ([`fex`], [`qemu`]). Must not read the emulators' configuration itself: that is
//! `inspect::emulator`.

pub(crate) mod choose;
pub(crate) mod command;
pub(crate) mod direct;
pub(crate) mod fex;
pub(crate) mod overlay;
pub(crate) mod providers;
pub(crate) mod qemu;
pub(crate) mod record;

use direct::Direct;
use overlay::Overlay;

/// The host's root in the container of the overlay composition, by one name in both views.
pub(crate) const INTERPRETER_HOST: &str = "/run/interpreter-host";

/// The tree that an emulator started by the kernel shows to its programs first.
pub(crate) const INTERPRETER_ROOT: &str = "/run/pressure-vessel/interpreter-root";

/// How the programs of a runtime run.
pub(crate) enum Arrangement {
    /// By themselves.
    Native,
    /// By an emulator that the kernel starts.
    Overlay(Box<Overlay>),
    /// By an emulator that stands before the command.
    Direct(Box<Direct>),
}

impl Arrangement {
    /// Where the container has the runtime's `/`.
    pub(crate) fn base(&self) -> plan::ContainerPath {
        plan::ContainerPath::literal(match self {
            Arrangement::Overlay(_) => INTERPRETER_ROOT,
            Arrangement::Native | Arrangement::Direct(_) => "/",
        })
    }
}

#[cfg(test)]
mod tests;

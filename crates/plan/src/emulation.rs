//! How programs of a foreign architecture run in the container.
//!
//! One path can mean two files there: one to native processes (the emulator itself, the kernel), one
//! to emulated programs. What makes them differ is here as data, so that the plan can be simulated
//! in both views.

use crate::{ByteString, ContainerPath, Tuple};
use serde::{Deserialize, Serialize};

/// Emulation in the container.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Emulation {
    /// Whose rules of path look-up hold for emulated programs.
    pub emulator: Emulator,
    /// The architectures whose programs it runs; not empty.
    pub tuples: Vec<Tuple>,
    /// The architecture of the emulator itself, and of the machine.
    pub native: Tuple,
    /// The emulator's own program as native processes see it in the container. Like its program
    /// interpreter and its libraries, it must resolve in the native view, unless the kernel holds it
    /// open ([`Composition::Overlay::fixed`]): then only interpreter and libraries must.
    pub program: ContainerPath,
    /// How emulator and runtime are put together.
    pub composition: Composition,
    /// A process that must be ready before any emulated program starts.
    pub server: Option<Server>,
}

/// A known emulator, by its rules of path look-up.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Emulator {
    /// FEX-Emu, whose rootfs is `FEX_ROOTFS`.
    Fex,
    /// qemu-user, whose prefix is `QEMU_LD_PREFIX`.
    Qemu,
    /// Any other, with no rootfs: emulated programs see what native ones see.
    Plain,
}

/// The two ways in which emulator and runtime are put together.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case", tag = "form")]
pub enum Composition {
    /// The host's system directories are the container's, and the emulator lays the interpreter root
    /// over them. The kernel starts the emulator by binfmt_misc.
    Overlay {
        /// The emulator's root in the container, usually `/run/pressure-vessel/interpreter-root`.
        root: ContainerPath,
        /// The name of the registration in binfmt_misc for each of [`Emulation::tuples`].
        registrations: Vec<String>,
        /// Whether the kernel opened the emulator at registration (flag `F`), so that its program,
        /// though not its libraries, need not exist in the container.
        fixed: bool,
    },
    /// The runtime is `/`, and the emulator is prepended to foreign commands.
    Direct {
        /// The words that [`crate::Plan::command`] starts with when the command is foreign; what
        /// follows them is the emulated command. Empty when the command is native.
        prefix: Vec<ByteString>,
        /// The words that start any further emulated command in the container.
        container_argv: Vec<ByteString>,
    },
}

/// A server of the emulator (`server_argv` of `emulator_v0`), started by the supervisor.
///
/// It gets pipes as standard input and output, writes `READY=1\n` and closes its output when it is
/// ready, and ends when its input does.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Server {
    /// Program, as seen in the container, and its arguments.
    pub argv: Vec<ByteString>,
    /// Changes to its environment, beside those of the command: a value, or `None` to unset.
    pub environment: Vec<(ByteString, Option<ByteString>)>,
}

impl Emulation {
    /// The emulator's root, where it has one: what emulated programs see first.
    pub fn root(&self) -> Option<&ContainerPath> {
        match &self.composition {
            Composition::Overlay { root, .. } => Some(root),
            Composition::Direct { .. } => None,
        }
    }
}

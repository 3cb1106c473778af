//! Emulators: which one the kernel starts, what it is, where its foreign files are.
//!
//! Knows the interpreters' names, FEX's and qemu-user's ways to find their root, images of file
//! systems by their magic numbers, and the manifest of an emulator (`emulator_v0`). Reads files only;
//! which emulator is used is decided elsewhere.

pub mod fex;
pub mod image;
pub mod manifest;
pub mod qemu;
mod words;

pub use crate::binfmt::{Absent, Registration, Registry, registry};
pub use words::split as split_words;

use crate::elf::{self, Elf};
use crate::root::{self, Resolved, Root};
use plan::{HostPath, RootPath};
use std::ffi::OsStr;
use std::os::unix::ffi::OsStrExt;

/// A known emulator, told by the name of its program.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Kind {
    /// FEX-Emu.
    Fex,
    /// qemu-user.
    Qemu,
    /// box64, box86 or box32.
    Box,
    /// Any other program.
    Other,
}

/// How a program's base name begins and ends, and what it is then.
const NAMES: &[(&str, &str, Kind)] = &[
    ("FEX", "", Kind::Fex),
    // Valve's wrapper of the command line that ends up in FEX.
    ("FEXCompatTool", "", Kind::Fex),
    ("FEXInterpreter", "", Kind::Fex),
    // Until 2024, the same program under the name of the loader.
    ("FEXLoader", "", Kind::Fex),
    ("qemu-", "*", Kind::Qemu),
    // Debian registers links in /usr/libexec/qemu-binfmt, whose name tells qemu about flag `P`.
    ("", "-binfmt-P", Kind::Qemu),
    ("", "-binfmt", Kind::Qemu),
    ("box64", "", Kind::Box),
    ("box86", "", Kind::Box),
    ("box32", "", Kind::Box),
];

impl Kind {
    /// By the base name of a program, such as `qemu-x86_64-static`. A system emulator
    /// (`qemu-system-…`) is none.
    pub fn of_name(name: &OsStr) -> Kind {
        let name = name.as_bytes();
        let row = NAMES.iter().find(|(start, end, _)| match (*start, *end) {
            (start, "*") => {
                name.starts_with(start.as_bytes()) && !name.starts_with(b"qemu-system-")
            }
            ("", end) => name.ends_with(end.as_bytes()),
            (start, _) => name == start.as_bytes(),
        });
        row.map_or(Kind::Other, |(_, _, kind)| *kind)
    }

    /// What is registered, by its own name, or where that says nothing and the file is there, by the
    /// name of the file that links lead to.
    pub fn of_interpreter(root: &Root, interpreter: &HostPath) -> Kind {
        let named = interpreter.file_name().map_or(Kind::Other, Kind::of_name);
        if named != Kind::Other {
            return named;
        }
        let found = RootPath::new(interpreter.as_path()).ok().and_then(|p| root.find(&p));
        found.and_then(|f| f.path.file_name().map(Kind::of_name)).unwrap_or(Kind::Other)
    }
}

/// An emulator's program.
#[derive(Clone, Debug)]
pub struct Program {
    /// Where it is.
    pub file: Resolved,
    /// What it is. `elf.interpreter` is `None` for a static one, which needs nothing else in a
    /// container; `elf.tuple` must be native.
    pub elf: Elf,
}

impl Program {
    /// Whether it needs neither a program interpreter nor libraries.
    pub fn is_static(&self) -> bool {
        self.elf.interpreter.is_none() && self.elf.needed.is_empty()
    }
}

/// Reads an emulator's program. Its libraries are those of `elf.needed`, found by a
/// [`Linker`](crate::linker::Linker) of `elf.tuple`.
///
/// # Errors
/// When it is missing, cannot be read, or is no ELF file, as a script is not.
pub fn program(root: &Root, path: &HostPath) -> Result<Program, elf::Error> {
    let file = root.resolve(&inside(root, path)?)?;
    let elf = elf::read_resolved(root, &file)?;
    Ok(Program { file, elf })
}

/// A path of the host as one of its root, with `..` resolved.
fn inside(root: &Root, path: &HostPath) -> Result<RootPath, root::Error> {
    root.without_dot_dot(&RootPath::root(), path.as_path().as_os_str())
}

#[cfg(test)]
mod tests;

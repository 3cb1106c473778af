//! Whether a file can be what is looked for.

use crate::elf::{self, Elf, Kind};
use crate::root::{Filesystem, Resolved};
use plan::{RootPath, Tuple};
use std::rc::Rc;

/// What came of looking at one candidate.
#[derive(Clone, Debug)]
pub(super) enum Candidate {
    /// There is nothing.
    Absent,
    /// It is there and does not count; the search goes on.
    Passed(String),
    /// The dynamic linker would give up here: the file is damaged, or no shared object.
    Fatal(String),
    /// It can be loaded.
    Usable(Rc<Resolved>, Rc<Elf>),
}

/// Looks at `path` as `open_verify` of elf/dl-load.c: what is of another class or machine is passed over, what
/// is no ELF file ends the search.
pub(super) fn look(root: &dyn Filesystem, tuple: Tuple, path: &RootPath) -> Candidate {
    let file = match root.resolve(path) {
        Ok(file) => file,
        Err(e) if e.is_absent() => return Candidate::Absent,
        Err(e) => return Candidate::Passed(e.to_string()),
    };
    match elf::read_known(root, &file) {
        Err(elf::Error::File(e)) => Candidate::Passed(e.to_string()),
        Err(e) => Candidate::Fatal(e.to_string()),
        Ok(elf) if elf.tuple != Some(tuple) => Candidate::Passed(match elf.tuple {
            Some(other) => format!("it is for {other}"),
            None => "it is for another architecture".into(),
        }),
        Ok(elf) if elf.kind == Kind::Other => {
            Candidate::Fatal("it is neither a program nor a shared object".into())
        }
        Ok(elf) => Candidate::Usable(Rc::new(file), elf),
    }
}

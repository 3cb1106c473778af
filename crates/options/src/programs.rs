//! The drop-in programs, a file each.

mod verify;
mod wrap;

use crate::Program;
use std::ffi::OsStr;
use std::os::unix::ffi::OsStrExt;

/// Every program.
pub const ALL: &[&Program] = &[&verify::VERIFY, &wrap::WRAP];

/// The program that is started as `name`: the first argument of a process, with or without directories.
#[must_use]
pub fn named(name: &OsStr) -> Option<&'static Program> {
    let base = name.as_bytes().rsplit(|b| *b == b'/').next()?;
    ALL.iter().copied().find(|program| program.names.iter().any(|n| n.as_bytes() == base))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn definitions_are_consistent() {
        for program in ALL {
            program.to_command().debug_assert();
            let found = named(OsStr::new(&format!("/x/{}", program.name())));
            assert!(found.is_some_and(|found| std::ptr::eq(found, *program)), "{}", program.name());
        }
        assert!(named(OsStr::new("/usr/bin/bathysphere")).is_none());
    }
}

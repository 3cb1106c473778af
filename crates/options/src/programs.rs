//! The drop-in programs, a file each.

mod adverb;
mod entry_point;
mod environment;
mod launcher_interface;
mod locales;
mod logger;
mod supervisor;
mod unruntime;
mod urlopen;
mod verify;
mod wrap;

use crate::Program;
use std::ffi::OsStr;
use std::os::unix::ffi::OsStrExt;

/// Every program.
pub const ALL: &[&Program] = &[
    &adverb::ADVERB,
    &entry_point::ENTRY_POINT,
    &entry_point::RUN,
    &launcher_interface::LAUNCHER_INTERFACE,
    &locales::LOCALE_GEN,
    &locales::TRY_SETLOCALE,
    &logger::LOGGER,
    &entry_point::SCOUT,
    &supervisor::SUPERVISOR,
    &unruntime::UNRUNTIME,
    &urlopen::STEAM_REMOTE,
    &urlopen::URLOPEN,
    &verify::VERIFY,
    &wrap::WRAP,
];

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
            for name in program.names {
                let found = named(OsStr::new(&format!("/x/{name}")));
                assert_eq!(found.map(Program::name), Some(program.name()), "{name}");
            }
        }
        assert!(named(OsStr::new("/usr/bin/bathysphere")).is_none());
    }

    /// Every program, variable and status has words for it, and so has every option that is shown; no two
    /// programs have a name in common.
    #[test]
    fn everything_is_documented() {
        let mut names: Vec<&str> = ALL.iter().flat_map(|program| program.names).copied().collect();
        names.sort_unstable();
        assert!(names.windows(2).all(|pair| pair[0] != pair[1]), "{names:?}");
        for program in ALL {
            let texts = [program.summary, program.usage, program.about];
            assert!(texts.iter().all(|text| !text.is_empty()), "{}", program.name());
            assert!(!program.summary.ends_with('.'), "{}", program.summary);
            assert!(!program.statuses.is_empty(), "{}", program.name());
            let options = program.options.iter().filter(|option| option.shown()).map(|o| o.help);
            let variables = program.variables.iter().map(|variable| variable.help);
            for sentence in options.chain(variables) {
                assert!(sentence.ends_with('.'), "{}: {sentence}", program.name());
            }
            assert!(program.statuses.iter().all(|status| !status.when.is_empty()));
        }
    }
}

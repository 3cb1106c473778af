//! Where each program stands in a tree that can take the place of a `pressure-vessel` directory.

use crate::{ALL, Program};

/// The directory of a tree that has a program.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Place {
    /// `bin`: what others start.
    Bin,
    /// `libexec/steam-runtime-tools-0`: what the programs of `bin` start.
    Libexec,
    /// Not in the tree, but at the top of a depot, beside it.
    Depot,
}

impl Place {
    /// The directory, below the top of the tree; `None` for what is not in it.
    #[must_use]
    pub const fn directory(self) -> Option<&'static str> {
        match self {
            Self::Bin => Some("bin"),
            Self::Libexec => Some("libexec/steam-runtime-tools-0"),
            Self::Depot => None,
        }
    }
}

/// Names that are not in `bin`.
const ELSEWHERE: &[(&str, Place)] = &[
    ("pv-adverb", Place::Libexec),
    ("pv-locale-gen", Place::Libexec),
    ("pv-try-setlocale", Place::Libexec),
    ("srt-logger", Place::Libexec),
    ("_v2-entry-point", Place::Depot),
    ("umu", Place::Depot),
    ("scout-on-soldier-entry-point-v2", Place::Depot),
];

/// Where the program of a name stands.
#[must_use]
pub fn place(name: &str) -> Place {
    if name == "run" || name.starts_with("run-in-") {
        return Place::Depot;
    }
    ELSEWHERE.iter().find(|(of, _)| *of == name).map_or(Place::Bin, |(_, place)| *place)
}

/// Every name of a program that is in the tree, with its directory.
pub fn placed() -> impl Iterator<Item = (&'static Program, &'static str, &'static str)> {
    let names = |program: &'static Program| program.names.iter().map(move |name| (program, *name));
    ALL.iter()
        .copied()
        .flat_map(names)
        .filter_map(|(program, name)| Some((program, name, place(name).directory()?)))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn programs_stand_where_they_are_looked_for() {
        for (name, want) in [
            ("pressure-vessel-wrap", Some("bin")),
            ("pv-verify", Some("bin")),
            ("pv-adverb", Some("libexec/steam-runtime-tools-0")),
            ("srt-logger", Some("libexec/steam-runtime-tools-0")),
            ("run-in-sniper", None),
            ("_v2-entry-point", None),
        ] {
            assert_eq!(place(name).directory(), want, "{name}");
        }
    }

    #[test]
    fn only_names_of_programs_are_elsewhere() {
        for (name, _) in ELSEWHERE.iter().filter(|(_, place)| *place == Place::Depot) {
            assert!(crate::named(name.as_ref()).is_some(), "{name}");
        }
    }
}

//! Whether a root has a merged `/usr`.

use std::ffi::OsString;

/// One of the directories beside `usr` that a merged `/usr` replaces by links.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum TopLevel {
    /// A link with this text.
    Link(OsString),
    /// A directory of its own.
    Directory,
    /// Neither of the two.
    Other,
}

/// What a root has beside `usr`: `bin`, `sbin` and every `lib*` but `libexec`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Layout {
    /// Name → what it is, in ascending order of the names; absent ones are not listed.
    pub top: Vec<(OsString, TopLevel)>,
}

impl Layout {
    /// What is at `/name`, if anything.
    pub fn get(&self, name: &str) -> Option<&TopLevel> {
        self.top.iter().find(|(n, _)| n == name).map(|(_, t)| t)
    }

    /// Every one that is there is a link.
    pub fn is_merged(&self) -> bool {
        self.top.iter().all(|(_, t)| matches!(t, TopLevel::Link(_)))
    }

    /// `bin`, `sbin` and `lib` are directories of their own, as far as they are there.
    pub fn is_non_merged(&self) -> bool {
        !self.is_merged()
            && ["bin", "sbin", "lib"]
                .iter()
                .all(|n| !matches!(self.get(n), Some(TopLevel::Link(_) | TopLevel::Other)))
    }

    /// Some are links and some are directories, as an upgrade or a local change leaves behind.
    pub fn is_hybrid(&self) -> bool {
        !self.is_merged() && !self.is_non_merged()
    }
}

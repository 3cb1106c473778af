//! Whether a root has a merged `/usr`.

use super::{Kind, Root};
use plan::RootPath;
use std::ffi::{OsStr, OsString};
use std::os::unix::ffi::OsStrExt;

/// Whether a merged `/usr` replaces `/name` by a link.
pub(super) fn is_replaced(name: &OsStr) -> bool {
    let name = name.as_bytes();
    name == b"bin" || name == b"sbin" || (name.starts_with(b"lib") && name != b"libexec")
}

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
    /// Looks at the top of a root; an unreadable one has nothing.
    pub(super) fn of(root: &Root) -> Layout {
        let top = RootPath::root();
        let names = root.list(&top).unwrap_or_default().into_iter().map(|e| e.name);
        let looked = names.filter(|n| is_replaced(n)).filter_map(|name| {
            let found = root.lookup(&top.join(&name).ok()?).ok()?;
            let what = match (found.kind, found.link) {
                (Kind::Directory, _) => TopLevel::Directory,
                (_, Some(text)) => TopLevel::Link(text),
                _ => TopLevel::Other,
            };
            Some((name, what))
        });
        Layout { top: looked.collect() }
    }

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

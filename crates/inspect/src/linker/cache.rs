//! The cache of a root, as the dynamic linker looks names up in it.

use super::capabilities::Capabilities;
use crate::ld_cache::{self, Entry};
use crate::root::Filesystem;
use plan::{RootPath, Tuple};
use std::collections::HashMap;
use std::ffi::OsStr;
use std::os::unix::ffi::OsStrExt;

/// `FLAG_ELF`: an ELF library of the time before the C library was marked. Only 32-bit dynamic
/// linkers accept it (sysdeps/generic/dl-cache.h).
const FLAG_ELF: i32 = 1;

/// One cache with the entries of one architecture.
#[derive(Debug)]
pub(super) struct Cache {
    /// Where it is.
    pub(super) path: RootPath,
    entries: HashMap<Vec<u8>, Vec<Entry>>,
}

impl Cache {
    /// The first of `places` that is a cache.
    pub(super) fn open(root: &dyn Filesystem, tuple: Tuple, places: &[RootPath]) -> Option<Self> {
        places.iter().find_map(|path| {
            let bytes = root.read(path).ok()?;
            match ld_cache::parse(&bytes) {
                Ok(entries) => Some(Self::new(path.clone(), tuple, entries)),
                Err(e) => {
                    log::warn!("{path}: {e}");
                    None
                }
            }
        })
    }

    fn new(path: RootPath, tuple: Tuple, all: Vec<Entry>) -> Self {
        let wanted = ld_cache::flags_for(tuple);
        let fits = |f: i32| f == wanted || (f == FLAG_ELF && !tuple.is_64_bit());
        let mut entries: HashMap<Vec<u8>, Vec<Entry>> = HashMap::new();
        for entry in all.into_iter().filter(|e| fits(e.flags)) {
            entries.entry(entry.name.as_bytes().to_vec()).or_default().push(entry);
        }
        for of_name in entries.values_mut() {
            // An exact match counts before an unmarked one.
            of_name.sort_by_key(|e| e.flags != wanted);
        }
        Self { path, entries }
    }

    /// The path of the one entry that the dynamic linker tries: the best subdirectory of
    /// `glibc-hwcaps`, else the first that the CPU can use.
    pub(super) fn lookup(&self, name: &str, capabilities: &Capabilities) -> Option<RootPath> {
        let entries = self.entries.get(name.as_bytes())?;
        let rank = |e: &Entry| match &e.hwcaps_subdir {
            Some(subdirectory) => capabilities.hwcaps.iter().position(|h| h == subdirectory),
            None if e.hwcap == 0 => Some(usize::MAX),
            None => capabilities.is_usable_legacy(e.path.as_bytes()).then_some(usize::MAX),
        };
        let ranked = entries.iter().filter_map(|e| rank(e).map(|r| (r, e)));
        let (_, best) = ranked.min_by_key(|(rank, _)| *rank)?;
        RootPath::new(OsStr::from_bytes(best.path.as_bytes())).ok()
    }

    /// Every name.
    pub(super) fn names(&self) -> impl Iterator<Item = &[u8]> {
        self.entries.keys().map(Vec::as_slice)
    }
}

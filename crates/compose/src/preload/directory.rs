//! Directories with one link for each architecture, of which the dynamic linker chooses by `$LIB`.
//!
//! They are in the memory of the container, so that nothing is written for them. Where the dynamic
//! linkers of two architectures put the same for `$LIB`, `$PLATFORM` is taken, which differs, but for
//! which each CPU of an architecture has another word: each gets a directory. Mirrors glibc's
//! `_dl_dst_substitute`.

use super::abi::Abi;
use crate::approach::relative_link;
use crate::draft::Draft;
use crate::view;
use plan::{ByteString, ContainerPath, RootPath, Tuple};
use std::collections::BTreeMap;

/// Where they are.
const PLACE: &str = "/run/pressure-vessel/modules";

/// The links so far.
#[derive(Debug)]
pub(crate) struct Directory {
    token: &'static str,
    /// The directories of each architecture.
    names: BTreeMap<Tuple, Vec<String>>,
    links: BTreeMap<(Tuple, ByteString), ByteString>,
}

impl Directory {
    pub(crate) fn new(abis: &[Abi<'_>]) -> Self {
        let libs = || abis.iter().map(|abi| &abi.lib);
        let distinct = libs().enumerate().all(|(n, lib)| !libs().take(n).any(|other| other == lib));
        let names = |abi: &Abi<'_>| {
            if distinct {
                vec![abi.lib.clone()]
            } else {
                abi.tuple.platforms().iter().map(ToString::to_string).collect()
            }
        };
        Self {
            token: if distinct { "${LIB}" } else { "${PLATFORM}" },
            names: abis.iter().map(|abi| (abi.tuple, names(abi))).collect(),
            links: BTreeMap::new(),
        }
    }

    /// Has programs of an architecture find `target` by the entry that is given back. `None`: they find
    /// something else by that name already.
    pub(crate) fn add(
        &mut self,
        tuple: Tuple,
        name: &ByteString,
        target: &ByteString,
    ) -> Option<ByteString> {
        let key = (tuple, name.clone());
        let there = self.links.entry(key).or_insert_with(|| target.clone());
        let mut entry = format!("{PLACE}/{}/", self.token).into_bytes();
        entry.extend_from_slice(name.as_bytes());
        (there == target && self.names.contains_key(&tuple)).then(|| entry.into())
    }

    /// Makes the links.
    pub(crate) fn finish(self, draft: &mut Draft) {
        for ((tuple, name), target) in &self.links {
            for directory in self.names.get(tuple).into_iter().flatten() {
                let at = RootPath::literal(PLACE).at(directory).child(name.as_bytes());
                if let Some(at) = at {
                    link(&at, target, draft);
                }
            }
        }
    }
}

/// What the emulator's root shows is linked there, relatively, which holds in both views; anything else
/// is a native path.
fn link(at: &RootPath, target: &ByteString, draft: &mut Draft) {
    const WHY: &str = "a module, for programs of one architecture";
    let shown = ["/run/host", view::PROVIDER, "/usr"].map(ContainerPath::literal);
    let inside = ContainerPath::new(target.as_os_str())
        .is_ok_and(|target| shown.iter().any(|shown| target.is_within(shown)));
    if draft.has_interpreter_root() && inside {
        let text = relative_link(at, target.as_bytes());
        draft.symlink(draft.place(at), text, WHY);
    } else if let Ok(at) = ContainerPath::new(at.as_path()) {
        draft.symlink(at, target.clone(), WHY);
    }
}

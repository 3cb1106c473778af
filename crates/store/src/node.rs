//! A layer's description as a tree, the form in which it is walked.

use crate::Error;
use plan::{LayerEntry, LayerSpec, RootPath};
use std::collections::BTreeMap;
use std::ffi::{CString, OsStr};
use std::os::unix::ffi::OsStrExt;

/// What the description has at one path.
#[derive(Debug)]
pub(crate) enum Node<'s> {
    /// A directory, listed or implied by something below it.
    Directory {
        /// Permission bits.
        mode: u32,
        /// What is in it.
        children: BTreeMap<CString, Node<'s>>,
    },
    /// Anything else; never [`LayerEntry::Directory`].
    Leaf(&'s LayerEntry),
}

/// Mode of a directory that is implied and not listed.
const IMPLIED: u32 = 0o755;

impl<'s> Node<'s> {
    /// The part of `spec` that lies within `base`, with `base` as its root. Empty when the
    /// description has nothing there.
    ///
    /// # Errors
    /// [`Error::BadSpec`] when something lies below an entry that is no directory, or `base` is no
    /// directory.
    pub(crate) fn of(spec: &'s LayerSpec, base: &RootPath) -> Result<Self, Error> {
        let mut root = Node::Directory { mode: IMPLIED, children: BTreeMap::new() };
        // In the order of the map a directory comes before what is in it.
        for (path, entry) in &spec.entries {
            if let Some(below) = path.below(base) {
                root.insert(path, below.as_os_str().as_bytes(), entry)?;
            } else if base.is_within(path) && !matches!(entry, LayerEntry::Directory { .. }) {
                return Err(Error::BadSpec { path: path.clone(), why: "is no directory" });
            }
        }
        Ok(root)
    }

    fn insert(
        &mut self,
        path: &RootPath,
        below: &[u8],
        entry: &'s LayerEntry,
    ) -> Result<(), Error> {
        let bad = |why| Error::BadSpec { path: path.clone(), why };
        let mut node = self;
        for name in below.split(|b| *b == b'/').filter(|n| !n.is_empty()) {
            let Node::Directory { children, .. } = node else {
                return Err(bad("lies below something that is no directory"));
            };
            let name = CString::new(OsStr::from_bytes(name).as_bytes())
                .map_err(|_| bad("contains a NUL byte"))?;
            node = children
                .entry(name)
                .or_insert_with(|| Node::Directory { mode: IMPLIED, children: BTreeMap::new() });
        }
        match (entry, node) {
            (LayerEntry::Directory { mode }, Node::Directory { mode: slot, .. }) => *slot = *mode,
            (_, Node::Directory { .. }) if below.is_empty() => {
                return Err(bad("is the root and no directory"));
            }
            (_, node @ Node::Directory { .. }) => *node = Node::Leaf(entry),
            (_, Node::Leaf(_)) => return Err(bad("is listed twice")),
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn spec(entries: &[(&str, LayerEntry)]) -> LayerSpec {
        let mut spec = LayerSpec::new("x");
        for (path, entry) in entries {
            spec.entries.insert(RootPath::literal(path), entry.clone());
        }
        spec
    }

    fn show(node: &Node<'_>, at: &str, out: &mut Vec<String>) {
        match node {
            Node::Directory { mode, children } => {
                out.push(format!("{at}/ {mode:o}"));
                for (name, child) in children {
                    show(child, &format!("{at}/{}", name.to_string_lossy()), out);
                }
            }
            Node::Leaf(_) => out.push(at.into()),
        }
    }

    #[test]
    fn shapes() {
        let hidden = LayerEntry::Whiteout;
        let dir = LayerEntry::Directory { mode: 0o700 };
        let whole =
            spec(&[("/a/b/c", hidden.clone()), ("/a/b", dir.clone()), ("/z", hidden.clone())]);
        for (spec, base, want) in [
            (&spec(&[]), "/", vec!["/ 755"]),
            (&whole, "/", vec!["/ 755", "/a/ 755", "/a/b/ 700", "/a/b/c", "/z"]),
            (&whole, "/a", vec!["/ 755", "/b/ 700", "/b/c"]),
            (&whole, "/a/b", vec!["/ 700", "/c"]),
            (&whole, "/elsewhere", vec!["/ 755"]),
            (&spec(&[("/", dir.clone())]), "/", vec!["/ 700"]),
        ] {
            let mut got = vec![];
            show(&Node::of(spec, &RootPath::literal(base)).unwrap(), "", &mut got);
            assert_eq!(got, want, "{base}");
        }
        for (bad, base) in [
            (spec(&[("/", hidden.clone())]), "/"),
            (spec(&[("/a", hidden.clone()), ("/a/b", hidden.clone())]), "/"),
            (spec(&[("/a", hidden.clone()), ("/a/b", dir)]), "/"),
            (spec(&[("/a", hidden)]), "/a/b"),
        ] {
            let result = Node::of(&bad, &RootPath::literal(base));
            assert!(matches!(result, Err(Error::BadSpec { .. })), "{bad:?}");
        }
    }
}

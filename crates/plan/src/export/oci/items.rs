//! What the bundle's `rootfs` must have: the plan's directories, links and files, and mount points.

use super::Item;
use crate::{ByteString, ContainerPath, RootPath};
use std::collections::BTreeMap;
use std::ffi::OsStr;
use std::os::unix::ffi::OsStrExt;

/// As many links as the kernel follows.
const MAX_LINKS: usize = 40;

/// What a path lies in.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Cover {
    /// The bundle's own directory, or a file system in memory that is filled from it.
    Made,
    /// A file system in memory that lies in a mount, so that nothing of the bundle fills it. Mount
    /// points are made in it by whoever mounts.
    Floating,
    /// Something that is mounted; it has what it has.
    Mounted,
}

/// The directory as far as it has been filled.
#[derive(Default)]
pub(super) struct Items {
    pub(super) made: BTreeMap<RootPath, Item>,
    /// What has been mounted, in order.
    covers: Vec<(RootPath, Cover)>,
}

impl Items {
    /// Makes something unless it would be in a mount, which then has it already; whether it can be
    /// made.
    #[must_use]
    pub(super) fn make(&mut self, at: &ContainerPath, item: Item) -> bool {
        let at = self.place(at);
        match self.cover(&at) {
            Cover::Made => {}
            Cover::Mounted => return true,
            Cover::Floating => return false,
        }
        self.parents(&at);
        match self.made.get(&at) {
            // A directory that is there stays as it is.
            Some(_) if matches!(item, Item::Directory { .. }) => {}
            _ => {
                self.made.insert(at, item);
            }
        }
        true
    }

    /// Something is mounted at the path; it hides what was made there.
    pub(super) fn mount_point(&mut self, at: &ContainerPath, directory: bool) {
        let item = if directory {
            Item::Directory { mode: 0o755 }
        } else {
            Item::File { content: ByteString::default(), mode: 0o644 }
        };
        let place = self.place(at);
        if self.cover(&place) == Cover::Made {
            self.parents(&place);
            if place != RootPath::root() && !self.made.contains_key(&place) {
                self.made.insert(place.clone(), item);
            }
        }
        self.made.retain(|path, _| *path == place || !path.is_within(&place));
        self.covers.push((place, Cover::Mounted));
    }

    /// What was mounted last is in memory: things can be made in it.
    pub(super) fn memory(&mut self, at: &ContainerPath) {
        let place = self.place(at);
        // What was pushed last is the mount itself, which does not count for its own place.
        let around = self.cover(&place);
        let cover = if around == Cover::Made { Cover::Made } else { Cover::Floating };
        self.covers.push((place, cover));
    }

    /// Whether something was made below the path.
    pub(super) fn has_below(&self, at: &ContainerPath) -> bool {
        let place = self.place(at);
        self.made.keys().any(|path| *path != place && path.is_within(&place))
    }

    fn cover(&self, at: &RootPath) -> Cover {
        let last = self.covers.iter().rev().find(|(path, _)| at.is_within(path) && at != path);
        last.map_or(Cover::Made, |(_, cover)| *cover)
    }

    fn parents(&mut self, at: &RootPath) {
        let mut missing = vec![];
        let mut path = at.parent();
        while let Some(parent) = path.filter(|p| p.file_name().is_some()) {
            if self.made.contains_key(&parent) || self.cover(&parent) != Cover::Made {
                break;
            }
            path = parent.parent();
            missing.push(parent);
        }
        for parent in missing {
            self.made.insert(parent, Item::Directory { mode: 0o755 });
        }
    }

    /// Where the path leads when links that were made are followed, except the last one.
    fn place(&self, at: &ContainerPath) -> RootPath {
        let mut rest: Vec<Vec<u8>> = components(at.as_bytes());
        rest.reverse();
        let mut done: Vec<Vec<u8>> = vec![];
        let mut links = 0;
        while let Some(name) = rest.pop() {
            match name.as_slice() {
                b"." | b"" => continue,
                b".." => {
                    done.pop();
                    continue;
                }
                _ => done.push(name),
            }
            let Some(Item::Symlink { target }) = self.made.get(&path(&done)) else { continue };
            if rest.is_empty() || links == MAX_LINKS {
                continue;
            }
            links += 1;
            done.pop();
            if target.as_bytes().starts_with(b"/") {
                done.clear();
            }
            rest.extend(components(target.as_bytes()).into_iter().rev());
        }
        path(&done)
    }
}

fn components(path: &[u8]) -> Vec<Vec<u8>> {
    path.split(|b| *b == b'/').filter(|name| !name.is_empty()).map(<[u8]>::to_vec).collect()
}

fn path(components: &[Vec<u8>]) -> RootPath {
    let joined = components.join(&b'/');
    // Names have neither NUL bytes nor `..`: they come from paths, or were looked at.
    RootPath::root().join(OsStr::from_bytes(&joined)).unwrap_or_else(|_| RootPath::root())
}

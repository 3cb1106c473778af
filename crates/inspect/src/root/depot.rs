//! The `/usr` that a depot's manifest describes.

use super::error::Fault;
use super::stat::{self, Node};
use super::tree::virtual_directory;
use super::{Entry, Identity, Kind};
use crate::mtree::{self, Manifest, Time};
use plan::{HostPath, RootPath};
use std::collections::BTreeMap;
use std::ffi::OsStr;
use std::ops::Bound;
use std::path::Component;

/// A manifest with the directory that has the contents.
pub(super) struct Depot<'a> {
    pub(super) files: &'a HostPath,
    pub(super) manifest: &'a Manifest,
}

impl Depot<'_> {
    /// What is at `path` of the `/usr`.
    pub(super) fn look(&self, path: &RootPath) -> Result<Node, Fault> {
        let host = self.files.lexically(path);
        match self.manifest.entries.get(path) {
            Some(mtree::Entry::Directory) => Ok(virtual_directory(host)),
            Some(mtree::Entry::Link { target }) => Ok(Node {
                kind: Kind::Symlink,
                link: Some(target.as_os_str().to_owned()),
                identity: Identity::default(),
                mode: 0o777,
                host,
            }),
            Some(mtree::Entry::File { content, size, executable, modified, no_change, .. }) => {
                let mut node = self.content(content, *size)?;
                if !no_change {
                    node.mode = if *executable { 0o755 } else { 0o644 };
                    node.identity.modified = modified.map_or(node.identity.modified, since_1970);
                }
                Ok(node)
            }
            None if self.below(path).next().is_some() => Ok(virtual_directory(host)),
            None if self.is_ignored(path) => stat::look(&host),
            None => Err(Fault::Missing),
        }
    }

    fn content(&self, content: &RootPath, size: Option<u64>) -> Result<Node, Fault> {
        let host = self.files.lexically(content);
        match stat::look(&host) {
            Ok(node) if node.kind == Kind::File => Ok(node),
            // What is empty need not be in the depot.
            Err(Fault::Missing | Fault::NotADirectory) if size == Some(0) => Ok(Node {
                kind: Kind::File,
                link: None,
                identity: Identity::default(),
                mode: 0o644,
                host,
            }),
            Ok(_) => Err(Fault::Missing),
            Err(fault) => Err(fault),
        }
    }

    /// Whether the depot may have something here that is not listed.
    fn is_ignored(&self, path: &RootPath) -> bool {
        self.manifest.ignore.iter().any(|base| path.is_within(base))
    }

    /// The entries below `directory`, in order.
    fn below<'m>(
        &'m self,
        directory: &'m RootPath,
    ) -> impl Iterator<Item = (&'m RootPath, &'m mtree::Entry)> {
        self.manifest
            .entries
            .range((Bound::Excluded(directory), Bound::Unbounded))
            .take_while(|(path, _)| path.is_within(directory))
    }

    /// The entries of a directory, in order.
    pub(super) fn list(&self, directory: &RootPath) -> Result<Vec<Entry>, Fault> {
        let mut found = BTreeMap::new();
        for (path, entry) in self.below(directory) {
            let Some(below) = path.below(directory) else { continue };
            let mut components = below.components();
            let Some(Component::Normal(name)) = components.next() else { continue };
            let deeper = components.next().is_some();
            let kind = match entry {
                _ if deeper => Kind::Directory,
                mtree::Entry::Directory => Kind::Directory,
                mtree::Entry::Link { .. } => Kind::Symlink,
                mtree::Entry::File { .. } => Kind::File,
            };
            found.insert(name.to_owned(), kind);
        }
        if self.is_ignored(directory) {
            for entry in stat::entries(&self.files.lexically(directory)).unwrap_or_default() {
                found.entry(entry.name).or_insert(entry.kind);
            }
        }
        // What the depot lacks although it is listed is not there. That each file is there is not a fact of
        // its own for whoever records: the times of the directory tell.
        let is_there = |name: &OsStr| directory.join(name).is_ok_and(|p| self.look(&p).is_ok());
        let host = self.files.lexically(directory);
        witness::stat(host.as_path());
        witness::listed(host.as_path());
        witness::unrecorded(|| found.retain(|name, kind| *kind != Kind::File || is_there(name)));
        Ok(found.into_iter().map(|(name, kind)| Entry { name, kind }).collect())
    }
}

fn since_1970(time: Time) -> i64 {
    time.seconds.saturating_mul(1_000_000_000).saturating_add(time.nanoseconds.into())
}

//! What programs under an emulator see.
//!
//! The emulator shows its root first, so a line says where the name leads: into the emulator's root,
//! with what is there, or to what native programs see too.

use super::{Emulated, Node, Shape, names};
use crate::simulate::{Call, Found, Kind, Namespace, View};
use crate::{ByteString, ContainerPath, Emulator};
use std::collections::BTreeSet;

/// How far down a name is followed that is a directory in both.
const DEPTH: usize = 3;

/// Draws `/` as the view has it. `native` says what is where.
pub(super) fn emulated(namespace: &Namespace<'_>, view: &View, native: &Node) -> Emulated {
    let plan = namespace.plan();
    let (rules, base) = match view {
        View::Emulated { rules, root } => (*rules, root.clone()),
        View::Native => (Emulator::Plain, ContainerPath::root()),
    };
    let emulator = match rules {
        Emulator::Fex => "FEX",
        Emulator::Qemu => "qemu-user",
        Emulator::Plain => "their emulator",
    };
    let tuples = plan.emulation.as_ref().map(|e| names(&e.tuples)).unwrap_or_default();
    let title = format!("As programs of {tuples} see it under {emulator}, whose root is {base}:");
    let mut root = Node::default();
    let mut lines = Lines { namespace, view, native, base };
    lines.directory(&mut root, &ContainerPath::root(), DEPTH);
    Emulated { title, root }
}

struct Lines<'a, 'p> {
    namespace: &'a Namespace<'p>,
    view: &'a View,
    native: &'a Node,
    /// The emulator's root.
    base: ContainerPath,
}

impl Lines<'_, '_> {
    fn look(&self, call: Call, path: &ContainerPath) -> Option<Found> {
        self.namespace.resolve(self.view, call, &ContainerPath::root(), path.as_bytes()).ok()
    }

    /// Names of a directory in both views: what the emulator does not list can still be opened.
    fn names(&self, path: &ContainerPath) -> BTreeSet<ByteString> {
        [self.view, &View::Native]
            .into_iter()
            .filter_map(|view| self.namespace.list(view, path).ok())
            .flatten()
            .map(|entry| entry.name)
            .collect()
    }

    fn directory(&mut self, node: &mut Node, path: &ContainerPath, depth: usize) {
        for name in self.names(path) {
            let Ok(path) = path.join(name.as_os_str()) else { continue };
            let mut child = Node::default();
            if self.entry(&mut child, &path, depth) {
                node.children.insert(name, child);
            }
        }
    }

    /// Fills in what is at the path; whether there is anything.
    fn entry(&mut self, node: &mut Node, path: &ContainerPath, depth: usize) -> bool {
        let Some(found) = self.look(Call::Lstat, path) else { return false };
        if let Some(text) = found.link {
            node.shape = Shape::Link(text);
        } else if found.kind != Kind::Directory {
            node.shape = Shape::File;
        }
        if !found.path.is_within(&self.base) {
            node.from = "as native programs see it".into();
            node.group = Some("native".into());
            return true;
        }
        node.group = Some("emulated".into());
        match self.native.find(&found.path) {
            Some(Node { from, why, .. }) if !from.is_empty() || !why.is_empty() => {
                node.from.clone_from(from);
                node.why.clone_from(why);
            }
            // Only a place in which other things are.
            Some(_) if node.shape == Shape::Directory && depth > 1 => {
                self.directory(node, path, depth - 1);
            }
            _ => {}
        }
        true
    }
}

//! The container as a tree, as a person would draw it.
//!
//! Knows which paths of a plan are worth a line: what is mounted, what is made, what layers add, and
//! the few files that every program needs (its interpreter, the shell). Where each is and what it is
//! comes from the simulated namespace, so that what is hidden by a later mount is not shown, and what
//! programs under an emulator see is drawn by the emulator's rules. Must not decide what is right.
//!
//! A directory of the host is one line, however big it is.

mod draw;
mod emulated;
mod native;
#[cfg(test)]
mod tests;

use crate::simulate::{Error, Namespace, View};
use crate::{ByteString, ContainerPath, Plan, Tuple};
use std::collections::BTreeMap;

pub use draw::Style;

/// What is drawn.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Tree {
    /// What native processes see.
    native: Node,
    /// What emulated programs see, where that is something else.
    emulated: Option<Emulated>,
    /// Emulated programs see what native ones see, with these words about them.
    same: Option<String>,
}

/// The emulated view.
#[derive(Clone, Debug, PartialEq, Eq)]
struct Emulated {
    /// Whose, and under which rules.
    title: String,
    root: Node,
}

/// One entry of a directory, or several that are alike.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
struct Node {
    shape: Shape,
    /// Where it comes from.
    from: String,
    /// Why it is there.
    why: String,
    /// Entries with the same group are elided when there are many of them.
    group: Option<String>,
    children: BTreeMap<ByteString, Node>,
}

#[derive(Clone, Debug, Default, PartialEq, Eq)]
enum Shape {
    #[default]
    Directory,
    Link(ByteString),
    File,
}

impl Tree {
    /// The tree of `plan`.
    ///
    /// # Errors
    /// When an operation of the plan would fail.
    pub fn of(plan: &Plan) -> Result<Tree, Error> {
        let namespace = Namespace::of(plan)?;
        let native = native::native(&namespace);
        let view = View::emulated(plan);
        let emulated = view.as_ref().map(|view| emulated::emulated(&namespace, view, &native));
        let same = plan
            .emulation
            .as_ref()
            .filter(|_| view.is_none())
            .map(|emulation| format!("Programs of {} see the same.", names(&emulation.tuples)));
        Ok(Tree { native, emulated, same })
    }

    /// The drawing, with a line break at the end of each line.
    pub fn draw(&self, style: &Style) -> String {
        let mut out = draw::draw("/", &self.native, style);
        if let Some(Emulated { title, root }) = &self.emulated {
            out += &format!("\n{title}\n");
            out += &draw::draw("/", root, style);
        }
        if let Some(same) = &self.same {
            out += &format!("\n{same}\n");
        }
        out
    }
}

impl Node {
    /// The node at a path, with its parents made.
    fn at(&mut self, path: &ContainerPath) -> &mut Node {
        let names = path.as_bytes().split(|b| *b == b'/').filter(|name| !name.is_empty());
        names.fold(self, |node, name| node.children.entry(name.to_vec().into()).or_default())
    }

    /// The node at a path, if there is one.
    fn find(&self, path: &ContainerPath) -> Option<&Node> {
        let mut names = path.as_bytes().split(|b| *b == b'/').filter(|name| !name.is_empty());
        names.try_fold(self, |node, name| node.children.get(&ByteString(name.to_vec())))
    }
}

fn names(tuples: &[Tuple]) -> String {
    let names: Vec<&str> = tuples.iter().map(|tuple| tuple.name()).collect();
    match names.as_slice() {
        [] => String::new(),
        [one] => (*one).into(),
        [rest @ .., last] => format!("{} and {last}", rest.join(", ")),
    }
}

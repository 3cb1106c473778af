//! Following a path, as the kernel does.
//!
//! Mirrors `link_path_walk` and its neighbours (fs/namei.c): a component must be a directory for the
//! next one to be looked up; `..` leads from the root of a mount to what it covers and stops at the
//! root; what is mounted at a place covers it, and so on upwards; the 41st symbolic link is one too
//! many; a trailing slash makes the last link be followed and wants a directory.
//!
//! Left out: `fs.protected_symlinks` (links of other users in directories like `/tmp`), and mounts
//! with `nosymfollow`.

use super::Namespace;
use super::found::{Failure, Kind, Reason, Step};
use super::host::Node;
use super::mount::{Branch, Content, Place};
use super::union::Miss;
use crate::{ByteString, ContainerPath, RootPath};
use rustix::io::Errno;

/// `MAXSYMLINKS` of Linux.
pub(super) const MAX_LINKS: u32 = 40;

/// `PATH_MAX` of Linux, with the final NUL.
const PATH_MAX: usize = 4096;

/// `NAME_MAX` of Linux.
const NAME_MAX: usize = 255;

/// What becomes of a link in the last place.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Last {
    /// It is followed.
    Follow,
    /// It is what was asked for.
    Keep,
}

/// Where a walk ended.
#[derive(Clone, Debug)]
pub(super) struct Reached {
    pub(super) place: Place,
    pub(super) node: Node,
}

/// One walk.
pub(super) struct Walk<'n, 'p> {
    namespace: &'n Namespace<'p>,
    /// What `/` means, and what `..` does not leave.
    root: Place,
    at: Place,
    links: u32,
    /// Modes of directories do not matter: whoever builds the namespace has every capability in it.
    privileged: bool,
    trail: &'n mut Vec<Step>,
}

/// A reason, and where.
type Stop = (Reason, ContainerPath);

impl<'n, 'p> Walk<'n, 'p> {
    /// A walk that starts at `from` where the path is relative.
    pub(super) fn new(
        namespace: &'n Namespace<'p>,
        root: Place,
        from: Place,
        trail: &'n mut Vec<Step>,
    ) -> Self {
        Self { namespace, root, at: from, links: 0, privileged: false, trail }
    }

    /// The walk of whoever builds the namespace.
    pub(super) fn privileged(mut self) -> Self {
        self.privileged = true;
        self
    }

    pub(super) fn run(mut self, path: &[u8], last: Last) -> Result<Reached, Failure> {
        self.path(path, last).map_err(|(reason, at)| Failure {
            reason,
            at,
            trail: std::mem::take(self.trail),
        })
    }

    fn path(&mut self, path: &[u8], last: Last) -> Result<Reached, Stop> {
        if let Some(reason) = refused(path) {
            return self.stop(reason);
        }
        if path[0] == b'/' {
            self.at = self.root.clone();
        }
        // Components that are still to come, the next one last. A link puts its own on top.
        let mut todo = Vec::new();
        let mut directory = push(&mut todo, path);
        let mut follow = last == Last::Follow || directory;
        let mut node = self.node()?;
        while let Some(name) = todo.pop() {
            if node.kind != Kind::Directory {
                return self.stop(Reason::NotADirectory);
            }
            if !self.privileged && is_locked(&node) {
                return self.stop(Reason::Denied);
            }
            match name.as_slice() {
                b"." => continue,
                b".." => {
                    self.up();
                    node = self.node()?;
                    continue;
                }
                _ => {}
            }
            let parent = self.at.clone();
            node = self.down(&name)?;
            if node.kind != Kind::Symlink || (todo.is_empty() && !follow) {
                continue;
            }
            let text = self.link()?;
            self.links += 1;
            if self.links > MAX_LINKS {
                return self.stop(Reason::Loop);
            }
            let was_last = todo.is_empty();
            let wants_directory = push(&mut todo, text.as_bytes());
            if was_last && wants_directory {
                directory = true;
                follow = true;
            }
            self.at =
                if text.as_bytes().first() == Some(&b'/') { self.root.clone() } else { parent };
            node = self.node()?;
        }
        if directory && node.kind != Kind::Directory {
            return self.stop(Reason::NotADirectory);
        }
        Ok(Reached { place: self.at.clone(), node })
    }

    fn stop<T>(&self, reason: Reason) -> Result<T, Stop> {
        Err((reason, self.namespace.path_of(&self.at)))
    }

    /// What is where the walk is.
    fn node(&self) -> Result<Node, Stop> {
        self.namespace.look(&self.at).or_else(|reason| self.stop(reason))
    }

    /// `..`
    fn up(&mut self) {
        if self.at == self.root {
            return;
        }
        // Out of the mount, and those that it is stacked on.
        while self.at.at.file_name().is_none() {
            match &self.namespace.mounts[self.at.mount].on {
                Some(on) => self.at = on.clone(),
                None => break,
            }
        }
        if let Some(parent) = self.at.at.parent() {
            self.at.at = parent;
        }
        self.at = self.namespace.covered(self.at.clone(), None);
    }

    /// A name in the directory where the walk is.
    fn down(&mut self, name: &[u8]) -> Result<Node, Stop> {
        if name.len() > NAME_MAX {
            return self.stop(Reason::NameTooLong);
        }
        let Some(at) = self.at.at.child(name) else {
            return self.stop(Reason::Nul);
        };
        let process = self.namespace.depends_on_process(&self.at, name);
        let child = Place { mount: self.at.mount, at };
        self.at = self.namespace.covered(child, Some(self.trail));
        if process { self.stop(Reason::Process) } else { self.node() }
    }

    /// The text of the link where the walk is, noted in the trail.
    fn link(&mut self) -> Result<ByteString, Stop> {
        let at = self.namespace.path_of(&self.at);
        let text = self.namespace.link(&self.at).map_err(|e| (Reason::of(e), at.clone()))?;
        if text.as_bytes().is_empty() {
            return Err((Reason::NotFound, at));
        }
        self.namespace.note_choice(&self.at, self.trail);
        self.trail.push(Step::Link { at, target: text.clone() });
        Ok(text)
    }
}

/// What no walk is begun with.
fn refused(path: &[u8]) -> Option<Reason> {
    if path.contains(&0) {
        Some(Reason::Nul)
    } else if path.is_empty() {
        Some(Reason::NotFound)
    } else if path.len() >= PATH_MAX {
        Some(Reason::NameTooLong)
    } else {
        None
    }
}

/// Puts the components of `path` on the stack; whether it ends in a slash after a name.
fn push(todo: &mut Vec<Vec<u8>>, path: &[u8]) -> bool {
    let before = todo.len();
    todo.extend(path.split(|b| *b == b'/').filter(|name| !name.is_empty()).map(<[u8]>::to_vec));
    todo[before..].reverse();
    path.last() == Some(&b'/') && todo.len() > before
}

/// Whether the user may not search a directory that is not on the host: there it is theirs. What lies
/// on the host says so itself when something in it is looked at.
fn is_locked(node: &Node) -> bool {
    node.device == 0 && node.mode & 0o100 == 0
}

impl<'p> Namespace<'p> {
    /// The path of a place to native processes.
    pub(super) fn path_of(&self, place: &Place) -> ContainerPath {
        self.mounts[place.mount].at.lexically(&place.at)
    }

    /// What is mounted at a place, on that, and so on; the place itself where nothing is.
    pub(super) fn covered(&self, mut place: Place, mut trail: Option<&mut Vec<Step>>) -> Place {
        while self.mounts[place.mount].covered
            && let Some(&mount) = self.points.get(&place)
        {
            place = Place { mount, at: RootPath::root() };
            let mounted = &self.mounts[mount];
            if let (Some(trail), Some(step)) = (trail.as_deref_mut(), mounted.step) {
                let at = mounted.at.clone();
                trail.push(Step::Mount { at, step, about: mounted.about.clone() });
            }
        }
        place
    }

    /// What is at a place.
    pub(super) fn look(&self, place: &Place) -> Result<Node, Reason> {
        match &self.mounts[place.mount].content {
            Content::Single(branch) => branch.look(&self.outside, &place.at).map_err(Reason::of),
            Content::Union(union) => match union.look(&self.outside, &place.at) {
                Ok(hit) => Ok(hit.node),
                Err(Miss::Errno(errno)) => Err(Reason::of(errno)),
                Err(Miss::Whiteout(index)) => {
                    Err(union.source(index).map_or(Reason::NotFound, Reason::Whiteout))
                }
            },
        }
    }

    /// The tree that has what is at a place: for a merged directory the uppermost.
    pub(super) fn branch(&self, place: &Place) -> Option<&Branch<'p>> {
        match &self.mounts[place.mount].content {
            Content::Single(branch) => Some(branch),
            Content::Union(union) => {
                let hit = union.look(&self.outside, &place.at).ok()?;
                Some(union.branch(*hit.branches.first()?))
            }
        }
    }

    pub(super) fn link(&self, place: &Place) -> Result<ByteString, Errno> {
        self.branch(place).ok_or(Errno::NOENT)?.link(&self.outside, &place.at)
    }

    /// Which directory of a stack has what is at a place.
    pub(super) fn note_choice(&self, place: &Place, trail: &mut Vec<Step>) {
        let Content::Union(union) = &self.mounts[place.mount].content else { return };
        let Ok(hit) = union.look(&self.outside, &place.at) else { return };
        let source = hit.branches.first().and_then(|index| union.source(*index));
        if let Some(source) = source {
            trail.push(Step::Chosen { at: self.path_of(place), source, above: hit.above });
        }
    }

    /// Whether a name in a directory is not the same to all processes: those of procfs that are, or
    /// lead to, the directory of a process.
    fn depends_on_process(&self, directory: &Place, name: &[u8]) -> bool {
        let looks_so = matches!(name, b"self" | b"thread-self")
            || name.iter().all(|byte| byte.is_ascii_digit());
        looks_so
            && match self.branch(directory) {
                Some(Branch::Host(base)) => {
                    self.outside.host.is_proc(&base.lexically(&directory.at))
                }
                _ => false,
            }
    }
}

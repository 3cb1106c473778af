//! A stack of directories, as overlayfs shows it.
//!
//! Mirrors `ovl_lookup` (fs/overlayfs/namei.c) for an overlay without an upper directory, mounted
//! with `userxattr` and without redirects: going down, the first directory of the stack that has a
//! name decides; directories of the same name merge until one has something else there, a whiteout,
//! or is opaque. A look never crosses what the host has mounted inside one of the directories.

use super::found::Kind;
use super::host::Node;
use super::mount::{Branch, Outside};
use crate::{RootPath, Source, StackForm};
use rustix::io::Errno;
use std::cell::RefCell;
use std::collections::{BTreeMap, HashMap};
use std::ffi::OsStr;
use std::os::unix::ffi::OsStrExt;
use std::rc::Rc;

/// The stack, uppermost first.
#[derive(Debug)]
pub(super) struct Union<'p> {
    branches: Vec<Branch<'p>>,
    form: StackForm,
    /// What was found so far.
    seen: RefCell<HashMap<RootPath, Result<Hit, Miss>>>,
}

/// What a stack has at a path.
#[derive(Clone, Debug)]
pub(super) struct Hit {
    /// As the uppermost one says.
    pub(super) node: Node,
    /// Indices of the directories that have it: one for a file, all that merge for a directory.
    pub(super) branches: Rc<[usize]>,
    /// Directories that merge in the parent and lie above the first of `branches`.
    pub(super) above: usize,
}

/// Why a stack has nothing at a path.
#[derive(Clone, Debug)]
pub(super) enum Miss {
    /// The branch with this index hides it, or would, if any other had it.
    Whiteout(usize),
    /// No branch has it, or it cannot be read.
    Errno(Errno),
}

impl<'p> Union<'p> {
    pub(super) fn new(branches: Vec<Branch<'p>>, form: StackForm) -> Self {
        Self { branches, form, seen: RefCell::default() }
    }

    pub(super) fn branch(&self, index: usize) -> &Branch<'p> {
        &self.branches[index]
    }

    /// What is at a path; links are not followed.
    pub(super) fn look(&self, outside: &Outside, at: &RootPath) -> Result<Hit, Miss> {
        if let Some(seen) = self.seen.borrow().get(at) {
            return seen.clone();
        }
        let found = self.find(outside, at);
        self.seen.borrow_mut().insert(at.clone(), found.clone());
        found
    }

    fn find(&self, outside: &Outside, at: &RootPath) -> Result<Hit, Miss> {
        let Some(parent) = at.parent() else {
            // The root has all of them, opaque or not.
            let node = self.branches[0].look(outside, at).map_err(Miss::Errno)?;
            return Ok(Hit { node, branches: (0..self.branches.len()).collect(), above: 0 });
        };
        let parent = self.look(outside, &parent)?;
        if parent.node.kind != Kind::Directory {
            return Err(Miss::Errno(Errno::NOTDIR));
        }
        let mut hit: Option<(Node, usize)> = None;
        let mut merged = Vec::new();
        for (position, &index) in parent.branches.iter().enumerate() {
            let branch = &self.branches[index];
            let node = match branch.look(outside, at) {
                Ok(node) => node,
                Err(Errno::NOENT | Errno::NAMETOOLONG) => continue,
                Err(errno) => return Err(Miss::Errno(errno)),
            };
            if branch.is_whiteout(at, &node) {
                match hit {
                    None => return Err(Miss::Whiteout(index)),
                    Some(_) => break,
                }
            }
            if node.kind != Kind::Directory {
                if hit.is_none() {
                    hit = Some((node, position));
                    merged.push(index);
                }
                break;
            }
            hit = hit.or(Some((node, position)));
            merged.push(index);
            // The last one has nothing below it, and is not asked.
            if position + 1 < parent.branches.len() {
                if branch.is_opaque(at) {
                    break;
                }
                if branch.is_redirected(at) {
                    return Err(Miss::Errno(Errno::PERM));
                }
            }
        }
        match hit {
            Some((node, above)) => Ok(Hit { node, branches: merged.into(), above }),
            None => Err(Miss::Errno(Errno::NOENT)),
        }
    }

    /// Names in the directory at a path, as `ovl_iterate` gives them (fs/overlayfs/readdir.c): a
    /// directory that only one of the stack has is shown as it is, whiteouts and all, although a look
    /// finds nothing there; whiteouts by attribute are left out only where the directory is marked. A
    /// tree in the place of an overlay has none.
    pub(super) fn list(
        &self,
        outside: &Outside,
        at: &RootPath,
    ) -> Result<BTreeMap<Vec<u8>, Node>, Errno> {
        let hit = self.look(outside, at).map_err(|miss| match miss {
            Miss::Whiteout(_) => Errno::NOENT,
            Miss::Errno(errno) => errno,
        })?;
        if let ([only], StackForm::Overlay) = (&*hit.branches, self.form) {
            return self.branches[*only].list(outside, at);
        }
        let mut all: BTreeMap<Vec<u8>, Option<Node>> = BTreeMap::new();
        for &index in hit.branches.iter() {
            let branch = &self.branches[index];
            let marked = self.form == StackForm::Tree || branch.has_marked_whiteouts(at);
            for (name, node) in branch.list(outside, at)? {
                let hidden = node.whiteout
                    || (marked
                        && at
                            .join(OsStr::from_bytes(&name))
                            .is_ok_and(|path| branch.is_whiteout(&path, &node)));
                all.entry(name).or_insert((!hidden).then_some(node));
            }
        }
        Ok(all.into_iter().filter_map(|(name, node)| Some((name, node?))).collect())
    }

    /// The directory of the stack with this index, as the plan names it.
    pub(super) fn source(&self, index: usize) -> Option<Source> {
        self.branches[index].source()
    }
}

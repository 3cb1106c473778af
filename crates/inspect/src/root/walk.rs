//! Follows a path component by component, as path_resolution(7) describes for a chroot.

use super::error::Fault;
use super::tree::Tree;
use super::{Error, Kind, Resolved, TrailStep};
use plan::RootPath;
use std::ffi::{OsStr, OsString};
use std::os::unix::ffi::OsStrExt;

/// `MAXSYMLINKS` in Linux's include/linux/namei.h.
const MAX_LINKS: usize = 40;

/// What to do with a link in the last component.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Last {
    Follow,
    Keep,
}

/// Finds `raw`, which is taken from the top of the root, and may contain `..`. Errors name `asked`.
pub(super) fn walk(
    tree: &Tree,
    asked: &RootPath,
    raw: &OsStr,
    last: Last,
) -> Result<Resolved, Error> {
    let mut todo = Vec::new();
    push(&mut todo, raw);
    let mut trail: Vec<TrailStep> = Vec::new();
    let mut at = RootPath::root();
    let mut node = tree.node(&at).map_err(|fault| fault.at(asked, &at, &[]))?;
    while let Some(component) = todo.pop() {
        if node.kind != Kind::Directory {
            return Err(Fault::NotADirectory.at(asked, &at, &trail));
        }
        let next = match component.as_bytes() {
            b"." => continue,
            b".." => at.parent().unwrap_or_else(RootPath::root),
            _ => {
                tree.enter(&component, &node).map_err(|f| f.at(asked, &at, &trail))?;
                at.join(&component).map_err(|_| Fault::Missing.at(asked, &at, &trail))?
            }
        };
        let found = tree.node(&next).map_err(|f| f.at(asked, &next, &trail))?;
        match &found.link {
            Some(target) if last == Last::Follow || !todo.is_empty() => {
                if trail.len() == MAX_LINKS {
                    return Err(Error::Loop { path: asked.clone(), trail });
                }
                trail.push(TrailStep { at: next, target: target.clone() });
                if target.is_empty() {
                    return Err(Fault::Missing.at(asked, &at, &trail));
                }
                push(&mut todo, target);
                if target.as_bytes().starts_with(b"/") {
                    at = RootPath::root();
                    node = tree.node(&at).map_err(|f| f.at(asked, &at, &trail))?;
                }
            }
            _ => (at, node) = (next, found),
        }
    }
    let node = (*node).clone();
    let (host, kind, link) = (node.host, node.kind, node.link);
    Ok(Resolved { path: at, host, kind, link, identity: node.identity, mode: node.mode, trail })
}

/// Puts the components of `raw` on the stack `todo`, the first on top. A trailing slash becomes `.`,
/// for which what comes before it must be a directory.
fn push(todo: &mut Vec<OsString>, raw: &OsStr) {
    let raw = raw.as_bytes();
    if raw.ends_with(b"/") {
        todo.push(".".into());
    }
    let components = raw.split(|b| *b == b'/').filter(|c| !c.is_empty());
    todo.extend(components.rev().map(|c| OsStr::from_bytes(c).to_owned()));
}

/// See [`super::Root::without_dot_dot`].
pub(super) fn without_dot_dot(
    tree: &Tree,
    base: &RootPath,
    raw: &OsStr,
) -> Result<RootPath, Error> {
    let bytes = raw.as_bytes();
    let mut whole = if bytes.starts_with(b"/") { vec![] } else { base.as_bytes().to_vec() };
    whole.push(b'/');
    whole.extend_from_slice(bytes);
    let components: Vec<&[u8]> =
        whole.split(|b| *b == b'/').filter(|c| !matches!(*c, b"" | b".")).collect();
    let split = components.iter().rposition(|c| *c == b"..").map_or(0, |i| i + 1);
    let (head, tail) = components.split_at(split);
    let mut path = RootPath::root();
    if !head.is_empty() {
        let head = OsStr::from_bytes(&head.join(&b'/')).to_owned();
        path = walk(tree, base, &head, Last::Follow)?.path;
    }
    path.join(OsStr::from_bytes(&tail.join(&b'/'))).map_err(|_| Fault::Missing.at(base, base, &[]))
}

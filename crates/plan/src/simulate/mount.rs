//! Mounts, places in them, and what the directories that they show have.

use super::found::{Kind, Origin};
use super::host::{self, Host, Node};
use super::union::Union;
use crate::{ByteString, ContainerPath, HostPath, LayerEntry, LayerSpec, RootPath, Source};
use rustix::fs::FileType;
use rustix::io::Errno;
use std::collections::BTreeMap;
use std::ffi::OsStr;
use std::ops::Bound;
use std::os::unix::ffi::OsStrExt;
use std::sync::Arc;

/// A place in the namespace, as `struct path` is to the kernel: a mount and what of it. The path is
/// physical: no component of it but the last can be a link.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub(super) struct Place {
    /// Index of the mount.
    pub(super) mount: usize,
    /// Below the mount's root.
    pub(super) at: RootPath,
}

/// Something mounted.
#[derive(Debug)]
pub(super) struct Mount<'p> {
    /// Where its root is; that of another mount may be at the same path.
    pub(super) at: ContainerPath,
    /// What it covers; `None` for the first.
    pub(super) on: Option<Place>,
    pub(super) content: Content<'p>,
    pub(super) read_only: bool,
    /// Whether anything is mounted at a place in it.
    pub(super) covered: bool,
    /// Index of the operation; `None` for the base.
    pub(super) step: Option<usize>,
    /// The operation with its reason.
    pub(super) about: Arc<str>,
}

/// What a mount shows.
#[derive(Debug)]
pub(super) enum Content<'p> {
    Single(Branch<'p>),
    Union(Union<'p>),
}

/// A tree of files.
#[derive(Debug)]
pub(super) enum Branch<'p> {
    /// A tmpfs.
    Memory(BTreeMap<RootPath, Made>),
    /// A file or directory of the host.
    Host(HostPath),
    /// A part of a layer.
    Layer(&'p LayerSpec, RootPath),
}

/// Something made by an operation.
#[derive(Clone, Debug)]
pub(super) struct Made {
    pub(super) what: MadeKind,
    /// Permission bits.
    pub(super) mode: u32,
}

#[derive(Clone, Debug)]
pub(super) enum MadeKind {
    Directory,
    Symlink(ByteString),
    File(ByteString),
}

/// What was seen or made on the host.
#[derive(Debug, Default)]
pub(super) struct Outside {
    pub(super) host: Host,
    /// What operations make in directories of the host that may be written to.
    pub(super) made: BTreeMap<HostPath, Made>,
}

impl Made {
    fn node(&self) -> Node {
        let kind = match self.what {
            MadeKind::Directory => Kind::Directory,
            MadeKind::Symlink(_) => Kind::Symlink,
            MadeKind::File(_) => Kind::File,
        };
        Node::made(kind, self.mode)
    }
}

impl Outside {
    fn look(&self, path: &HostPath) -> Result<Node, Errno> {
        match self.made.get(path) {
            Some(made) => Ok(made.node()),
            None => self.host.look(path),
        }
    }
}

/// Mode of a directory of a layer that is implied and not listed.
const IMPLIED: u32 = 0o755;

/// `base` and a path below it.
fn lexically(base: &RootPath, at: &RootPath) -> RootPath {
    if at.file_name().is_none() {
        base.clone()
    } else {
        // Both are normal: joining cannot fail.
        base.join(at.as_path()).unwrap_or_else(|_| base.clone())
    }
}

fn entry_node(entry: &LayerEntry) -> Node {
    let mode = |executable: &bool| if *executable { 0o755 } else { 0o644 };
    match entry {
        LayerEntry::Directory { mode } => Node::made(Kind::Directory, *mode),
        LayerEntry::Symlink { .. } => Node::made(Kind::Symlink, 0o777),
        LayerEntry::File { executable, .. } | LayerEntry::CopyOf { executable, .. } => {
            Node::made(Kind::File, mode(executable))
        }
        LayerEntry::Whiteout => Node { whiteout: true, ..Node::made(Kind::Other, 0) },
    }
}

impl<'p> Branch<'p> {
    /// What is at a path; links are not followed.
    pub(super) fn look(&self, outside: &Outside, at: &RootPath) -> Result<Node, Errno> {
        match self {
            Branch::Memory(made) => made.get(at).map(Made::node).ok_or(Errno::NOENT),
            Branch::Host(base) => outside.look(&base.lexically(at)),
            Branch::Layer(spec, base) => {
                let path = lexically(base, at);
                let next = spec.entries.range((Bound::Included(&path), Bound::Unbounded)).next();
                match next {
                    Some((found, entry)) if *found == path => Ok(entry_node(entry)),
                    Some((found, _)) if found.is_within(&path) => {
                        Ok(Node::made(Kind::Directory, IMPLIED))
                    }
                    _ if path.file_name().is_none() => Ok(Node::made(Kind::Directory, IMPLIED)),
                    _ => Err(Errno::NOENT),
                }
            }
        }
    }

    /// The text of the link at a path.
    pub(super) fn link(&self, outside: &Outside, at: &RootPath) -> Result<ByteString, Errno> {
        match self {
            Branch::Memory(made) => text_of(made.get(at)),
            Branch::Host(base) => {
                let path = base.lexically(at);
                match outside.made.get(&path) {
                    Some(made) => text_of(Some(made)),
                    None => outside.host.link(&path).map(ByteString),
                }
            }
            Branch::Layer(spec, base) => match spec.entries.get(&lexically(base, at)) {
                Some(LayerEntry::Symlink { target }) => Ok(target.clone()),
                _ => Err(Errno::INVAL),
            },
        }
    }

    /// Names in the directory at a path. Whiteouts are among them.
    pub(super) fn list(
        &self,
        outside: &Outside,
        at: &RootPath,
    ) -> Result<BTreeMap<Vec<u8>, Node>, Errno> {
        let mut names = BTreeMap::new();
        match self {
            Branch::Memory(made) => {
                for (name, path) in children(made, at) {
                    names.insert(name, self.look(outside, &path)?);
                }
            }
            Branch::Layer(spec, base) => {
                for (name, path) in children(&spec.entries, &lexically(base, at)) {
                    names.insert(name, Branch::Layer(spec, RootPath::root()).look(outside, &path)?);
                }
            }
            Branch::Host(base) => {
                let path = base.lexically(at);
                if !outside.made.contains_key(&path) {
                    for (name, kind) in host::list(&path)? {
                        let node = match kind {
                            // Whether it is a whiteout, or what it is, must be looked at.
                            FileType::CharacterDevice
                            | FileType::Unknown
                            | FileType::RegularFile => match path.join(OsStr::from_bytes(&name)) {
                                Ok(path) => outside.host.look(&path),
                                Err(_) => Err(Errno::NOENT),
                            },
                            kind => Ok(Node::made(host::kind_of(kind), 0)),
                        };
                        // It may have vanished.
                        if let Ok(node) = node {
                            names.insert(name, node);
                        }
                    }
                }
                for (name, path) in children(&outside.made, &path) {
                    names.insert(name, outside.look(&path)?);
                }
            }
        }
        Ok(names)
    }

    /// Whether a directory of an overlay does not let those below it show through.
    pub(super) fn is_opaque(&self, at: &RootPath) -> bool {
        match self {
            Branch::Host(base) => host::opacity(&base.lexically(at)) == Some(b'y'),
            Branch::Memory(_) | Branch::Layer(..) => false,
        }
    }

    /// Whether empty files in a directory of an overlay may be whiteouts for its listing.
    pub(super) fn has_marked_whiteouts(&self, at: &RootPath) -> bool {
        match self {
            Branch::Host(base) => host::opacity(&base.lexically(at)) == Some(b'x'),
            Branch::Memory(_) | Branch::Layer(..) => false,
        }
    }

    /// Whether an overlay refuses a directory.
    pub(super) fn is_redirected(&self, at: &RootPath) -> bool {
        match self {
            Branch::Host(base) => host::is_redirected(&base.lexically(at)),
            Branch::Memory(_) | Branch::Layer(..) => false,
        }
    }

    /// Whether what was seen at a path stands for "nothing here" in an overlay.
    pub(super) fn is_whiteout(&self, at: &RootPath, node: &Node) -> bool {
        node.whiteout
            || match self {
                Branch::Host(base) => node.empty && host::is_marked_whiteout(&base.lexically(at)),
                Branch::Memory(_) | Branch::Layer(..) => false,
            }
    }

    /// Where the content of the file at a path is.
    pub(super) fn origin(&self, outside: &Outside, at: &RootPath) -> Origin {
        match self {
            Branch::Memory(_) => Origin::Made,
            Branch::Host(base) => {
                let path = base.lexically(at);
                if outside.made.contains_key(&path) { Origin::Made } else { Origin::Host(path) }
            }
            Branch::Layer(spec, base) => {
                Origin::Layer { layer: spec.name.clone(), path: lexically(base, at) }
            }
        }
    }

    /// The tree as the plan names it; `None` for memory.
    pub(super) fn source(&self) -> Option<Source> {
        match self {
            Branch::Memory(_) => None,
            Branch::Host(path) => Some(Source::Host(path.clone())),
            Branch::Layer(spec, path) => {
                Some(Source::Layer { layer: spec.name.clone(), path: path.clone() })
            }
        }
    }

    /// Whether the tree is, or is a part of, another.
    pub(super) fn is_within(&self, other: &Self) -> bool {
        match (self, other) {
            (Branch::Host(a), Branch::Host(b)) => a.is_within(b),
            (Branch::Layer(a, at), Branch::Layer(b, base)) => {
                a.name == b.name && at.is_within(base)
            }
            _ => false,
        }
    }

    /// What was made at a path.
    pub(super) fn made<'s>(&'s self, outside: &'s Outside, at: &RootPath) -> Option<&'s Made> {
        match self {
            Branch::Memory(made) => made.get(at),
            Branch::Host(base) => outside.made.get(&base.lexically(at)),
            Branch::Layer(..) => None,
        }
    }
}

fn text_of(made: Option<&Made>) -> Result<ByteString, Errno> {
    match made {
        Some(Made { what: MadeKind::Symlink(text), .. }) => Ok(text.clone()),
        _ => Err(Errno::INVAL),
    }
}

/// A path type whose keys in a map come parent first, children right after.
trait Tree: Ord + Clone {
    fn tail(&self, base: &Self) -> Option<Vec<u8>>;
    fn child(&self, name: &[u8]) -> Option<Self>;
}

macro_rules! tree {
    ($name:ident) => {
        impl Tree for $name {
            fn tail(&self, base: &Self) -> Option<Vec<u8>> {
                self.below(base).map(|t| t.as_os_str().as_bytes().to_vec())
            }
            fn child(&self, name: &[u8]) -> Option<Self> {
                <$name>::child(self, name)
            }
        }
    };
}

tree!(RootPath);
tree!(HostPath);

/// Names of what the map has in the directory `at`, with their paths, each once.
fn children<P: Tree, V>(map: &BTreeMap<P, V>, at: &P) -> Vec<(Vec<u8>, P)> {
    let mut out: Vec<(Vec<u8>, P)> = Vec::new();
    for (path, _) in map.range((Bound::Excluded(at), Bound::Unbounded)) {
        let Some(tail) = path.tail(at) else { break };
        let name = tail.split(|b| *b == b'/').next().unwrap_or_default();
        if out.last().is_some_and(|(last, _)| last == name) {
            continue;
        }
        if let Some(path) = at.child(name) {
            out.push((name.to_vec(), path));
        }
    }
    out
}

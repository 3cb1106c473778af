//! Carrying out the operations of a plan on the simulated namespace.
//!
//! Mirrors the built-in executor (`sandbox::ops`): targets are looked up with links followed inside
//! the new root, whose `/` is the uppermost mount; what is missing is made, parents with mode 0755;
//! nothing can be made on a read-only mount; a bind takes the mounts of the host below it along,
//! which are seen through the host's own paths.

use super::Namespace;
use super::error::Error;
use super::found::{Failure, Kind, Reason};
use super::host;
use super::mount::{Branch, Content, Made, MadeKind, Mount, Place};
use super::union::Union;
use super::walk::{Last, Reached, Walk};
use crate::{Access, ByteString, ContainerPath, HostPath, Op, Plan, RootPath, Source, StackForm};
use rustix::fs::AtFlags;
use rustix::io::Errno;
use std::collections::{BTreeMap, HashMap};
use std::ffi::OsStr;

/// Mode of missing parents and of mount points that are directories.
const PARENT: u32 = 0o755;

/// Mode of mount points that are files.
const POINT: u32 = 0o444;

/// The namespace before the first operation: an empty tmpfs.
pub(super) fn empty(plan: &Plan) -> Namespace<'_> {
    let base = Mount {
        at: ContainerPath::root(),
        on: None,
        content: memory(0o755),
        read_only: false,
        covered: false,
        step: None,
        about: "".into(),
    };
    Namespace { plan, mounts: vec![base], points: HashMap::new(), outside: Default::default() }
}

fn memory<'p>(mode: u32) -> Content<'p> {
    let root = Made { what: MadeKind::Directory, mode };
    let mut nodes = BTreeMap::new();
    nodes.insert(RootPath::root(), root);
    Content::Single(Branch::Memory(nodes))
}

/// What is put somewhere, and how.
struct Attach<'p> {
    content: Content<'p>,
    kind: Kind,
    read_only: bool,
}

/// One operation being carried out.
pub(super) struct Apply<'n, 'p> {
    pub(super) namespace: &'n mut Namespace<'p>,
    /// Its index.
    pub(super) step: usize,
}

impl<'p> Apply<'_, 'p> {
    pub(super) fn op(&mut self, op: &'p Op) -> Result<(), Error> {
        match op {
            Op::Directory { at, mode } => self.directory(at, *mode).map(drop),
            Op::Symlink { at, target } => self.symlink(at, target),
            Op::File { at, content, mode } => self.file(at, content, *mode),
            Op::Bind { source, at, access, optional } => match self.bind(source) {
                Err(Error::Source {
                    reason: Reason::NotFound | Reason::NotADirectory,
                    source_path: Source::Host(_),
                    ..
                }) if *optional => Ok(()),
                branch => {
                    let (branch, kind) = branch?;
                    let content = Content::Single(branch);
                    let read_only = *access == Access::ReadOnly;
                    self.mount(at, Attach { content, kind, read_only })
                }
            },
            Op::Stack { at, sources, form } => {
                let mut branches = Vec::new();
                for source in sources {
                    branches.push(self.lower(source)?);
                }
                if *form == StackForm::Overlay {
                    self.no_overlap(&branches)?;
                }
                let content = Content::Union(Union::new(branches, *form));
                self.mount(at, Attach { content, kind: Kind::Directory, read_only: true })
            }
            Op::Tmpfs { at, mode } => {
                let attach =
                    Attach { content: memory(*mode), kind: Kind::Directory, read_only: false };
                self.mount(at, attach)
            }
            Op::ReadOnly { at } => {
                let reached = self.open(at)?;
                if reached.place.at.file_name().is_some() {
                    return Err(Error::NotMounted { step: self.step, at: at.clone() });
                }
                self.namespace.mounts[reached.place.mount].read_only = true;
                Ok(())
            }
            Op::Proc { at } => {
                let content = Content::Single(Branch::Host(HostPath::literal("/proc")));
                self.mount(at, Attach { content, kind: Kind::Directory, read_only: false })
            }
        }
    }

    /// What is at `path`, with links followed inside the new root.
    fn find(&mut self, path: &ContainerPath) -> Result<Reached, Failure> {
        let root = self.namespace.root();
        let mut trail = Vec::new();
        let walk = Walk::new(self.namespace, root.clone(), root, &mut trail);
        walk.privileged().run(path.as_bytes(), Last::Follow)
    }

    fn open(&mut self, path: &ContainerPath) -> Result<Reached, Error> {
        self.find(path).map_err(|failure| Error::Target { step: self.step, failure })
    }

    /// The directory at `path`, made where it is missing.
    fn directory(&mut self, path: &ContainerPath, mode: u32) -> Result<Place, Error> {
        match self.find(path) {
            Ok(Reached { place, node }) if node.kind == Kind::Directory => return Ok(place),
            Ok(Reached { node, .. }) => {
                return Err(Error::Exists { step: self.step, at: path.clone(), kind: node.kind });
            }
            Err(Failure { reason: Reason::NotFound | Reason::Whiteout(_), .. }) => {}
            Err(failure) => return Err(Error::Target { step: self.step, failure }),
        }
        let (parent, name) = self.parent(path)?;
        self.make(&parent, name, path, Made { what: MadeKind::Directory, mode })
    }

    /// The directory that contains `path`, made where it is missing, and the last component.
    fn parent<'q>(&mut self, path: &'q ContainerPath) -> Result<(Place, &'q OsStr), Error> {
        match (path.parent(), path.file_name()) {
            (Some(parent), Some(name)) => Ok((self.directory(&parent, PARENT)?, name)),
            _ => {
                let at = path.clone();
                Err(Error::Exists { step: self.step, at, kind: Kind::Directory })
            }
        }
    }

    /// Makes something new in a directory.
    fn make(
        &mut self,
        parent: &Place,
        name: &OsStr,
        path: &ContainerPath,
        made: Made,
    ) -> Result<Place, Error> {
        let place = self.child(parent, name, path)?;
        if let Ok(node) = self.namespace.look(&place) {
            return Err(Error::Exists { step: self.step, at: path.clone(), kind: node.kind });
        }
        self.put(&place, path, made)?;
        Ok(place)
    }

    fn child(&self, parent: &Place, name: &OsStr, path: &ContainerPath) -> Result<Place, Error> {
        let at = parent.at.join(name).map_err(|_| {
            let failure = Failure { reason: Reason::Nul, at: path.clone(), trail: vec![] };
            Error::Target { step: self.step, failure }
        })?;
        Ok(Place { mount: parent.mount, at })
    }

    /// Writes something at a place, over what is there.
    fn put(&mut self, place: &Place, path: &ContainerPath, made: Made) -> Result<(), Error> {
        let read_only = || Error::ReadOnly { step: self.step, at: path.clone() };
        let mount = &mut self.namespace.mounts[place.mount];
        if mount.read_only {
            return Err(read_only());
        }
        match &mut mount.content {
            Content::Single(Branch::Memory(tree)) => {
                tree.insert(place.at.clone(), made);
            }
            Content::Single(Branch::Host(base)) => {
                let at = base.lexically(&place.at);
                let outside = &mut self.namespace.outside;
                if let Some(parent) = at.parent()
                    && !outside.made.contains_key(&parent)
                    && !is_writable(&parent)
                {
                    return Err(read_only());
                }
                outside.made.insert(at, made);
            }
            // Layers are the store's, whatever the access of the bind.
            Content::Single(Branch::Layer(..)) | Content::Union(_) => return Err(read_only()),
        }
        Ok(())
    }

    fn symlink(&mut self, path: &ContainerPath, target: &ByteString) -> Result<(), Error> {
        let (parent, name) = self.parent(path)?;
        let place = self.child(&parent, name, path)?;
        let place = self.namespace.covered(place, None);
        match self.namespace.look(&place) {
            Ok(node) => match self.namespace.link(&place) {
                Ok(text) if text == *target => Ok(()),
                _ => Err(Error::Exists { step: self.step, at: path.clone(), kind: node.kind }),
            },
            Err(_) => {
                let made = Made { what: MadeKind::Symlink(target.clone()), mode: 0o777 };
                self.put(&place, path, made)
            }
        }
    }

    fn file(&mut self, path: &ContainerPath, content: &ByteString, mode: u32) -> Result<(), Error> {
        let (parent, name) = self.parent(path)?;
        let place = self.child(&parent, name, path)?;
        let place = self.namespace.covered(place, None);
        match self.namespace.look(&place) {
            Ok(node) if node.kind != Kind::File => {
                Err(Error::Exists { step: self.step, at: path.clone(), kind: node.kind })
            }
            // Truncated and written again, or made.
            _ => self.put(&place, path, Made { what: MadeKind::File(content.clone()), mode }),
        }
    }

    /// Mounts something, at a mount point that is made where it is missing.
    fn mount(&mut self, at: &ContainerPath, attach: Attach<'p>) -> Result<(), Error> {
        let point = self.mount_point(at, attach.kind)?;
        if at.file_name().is_some() && point == self.namespace.root() {
            return Err(Error::RootByLink { step: self.step, at: at.clone() });
        }
        let step = &self.namespace.plan.steps[self.step];
        let mount = Mount {
            at: self.namespace.path_of(&point),
            on: Some(point.clone()),
            content: attach.content,
            read_only: attach.read_only,
            covered: false,
            step: Some(self.step),
            about: format!("{} ({})", step.op, step.reason).into(),
        };
        self.namespace.mounts[point.mount].covered = true;
        self.namespace.points.insert(point, self.namespace.mounts.len());
        self.namespace.mounts.push(mount);
        Ok(())
    }

    fn mount_point(&mut self, at: &ContainerPath, kind: Kind) -> Result<Place, Error> {
        if kind == Kind::Directory {
            return self.directory(at, PARENT);
        }
        match self.find(at) {
            Ok(Reached { node, .. }) if node.kind == Kind::Directory => {
                Err(Error::Exists { step: self.step, at: at.clone(), kind: node.kind })
            }
            Ok(Reached { place, .. }) => Ok(place),
            Err(Failure { reason: Reason::NotFound | Reason::Whiteout(_), .. }) => {
                let (parent, name) = self.parent(at)?;
                let what = MadeKind::File(ByteString::default());
                self.make(&parent, name, at, Made { what, mode: POINT })
            }
            Err(failure) => Err(Error::Target { step: self.step, failure }),
        }
    }

    fn branch(&self, source: &Source) -> Result<Branch<'p>, Error> {
        match source {
            Source::Host(path) => match host::resolved(path) {
                Ok(path) => Ok(Branch::Host(path)),
                Err(errno) => Err(self.bad_source(source, errno)),
            },
            Source::Layer { layer, path } => match self.namespace.plan.layer(layer) {
                Some(spec) => Ok(Branch::Layer(spec, path.clone())),
                None => Err(Error::NoLayer { step: self.step, layer: layer.clone() }),
            },
        }
    }

    /// What a bind shows, and whether it is a directory.
    fn bind(&self, source: &Source) -> Result<(Branch<'p>, Kind), Error> {
        let branch = self.branch(source)?;
        let node = branch.look(&self.namespace.outside, &RootPath::root());
        let node = node.map_err(|errno| self.bad_source(source, errno))?;
        if node.kind == Kind::Symlink {
            // Of a layer; those of the host have been followed.
            return Err(self.bad_source(source, Errno::LOOP));
        }
        let kind = if node.kind == Kind::Directory { Kind::Directory } else { Kind::File };
        Ok((branch, kind))
    }

    /// A directory of a stack.
    fn lower(&self, source: &Source) -> Result<Branch<'p>, Error> {
        let branch = self.branch(source)?;
        let node = branch.look(&self.namespace.outside, &RootPath::root());
        match node {
            Ok(node) if node.kind == Kind::Directory => Ok(branch),
            Ok(_) => Err(self.bad_source(source, Errno::NOTDIR)),
            Err(errno) => Err(self.bad_source(source, errno)),
        }
    }

    /// As `ovl_check_overlapping_layers` (fs/overlayfs/super.c), by paths.
    fn no_overlap(&self, branches: &[Branch<'p>]) -> Result<(), Error> {
        for (index, inner) in branches.iter().enumerate() {
            for (other, outer) in branches.iter().enumerate() {
                if index != other
                    && inner.is_within(outer)
                    && let (Some(inner), Some(outer)) = (inner.source(), outer.source())
                {
                    return Err(Error::Overlap { step: self.step, outer, inner });
                }
            }
        }
        Ok(())
    }

    fn bad_source(&self, source: &Source, errno: Errno) -> Error {
        let reason = Reason::of(errno);
        Error::Source { step: self.step, source_path: source.clone(), reason }
    }
}

fn is_writable(directory: &HostPath) -> bool {
    let access = rustix::fs::Access::WRITE_OK;
    rustix::fs::accessat(rustix::fs::CWD, &*crate::real::name(directory), access, AtFlags::EACCESS)
        .is_ok()
}

//! The namespace that a plan will build, without building it.
//!
//! [`Namespace::of`] carries out a plan's operations on a virtual tree over the real source
//! directories, which are looked at when a path leads there; layers come from their descriptions, so
//! that nothing need have been prepared. [`Namespace::resolve`] then says what a path means to a
//! native process or to an emulated program ([`View`]), and how it is found.
//!
//! Mirrors the kernel's path look-up (fs/namei.c), mounts (fs/namespace.c) and overlayfs, and the
//! path rules of FEX and qemu-user; `sandbox/tests/oracle` compares it with these. Must not write,
//! mount or decide, and never triggers an automount. It looks as the user who asks: as root it would
//! see what the user may not. Files of procfs that depend on the process that asks cannot be
//! simulated, and are reported as such; and an overlay may be searched where whoever mounts it may, which
//! cannot be seen without being that.

mod apply;
mod error;
mod found;
mod host;
mod mount;
mod union;
mod view;
mod walk;

#[cfg(test)]
mod tests;

use crate::{ContainerPath, HostPath, LayerEntry, Plan, RootPath, Tuple};
use mount::{Branch, Content, MadeKind, Mount, Outside, Place};
use rustix::fs::{AtFlags, CWD, Mode, OFlags};
use rustix::io::Errno;
use std::collections::HashMap;
use std::io::Read;

pub use error::Error;
pub use found::{Entry, Failure, Found, Kind, Origin, Reason, Step};
pub use view::{Call, View};

/// The namespace after all operations of a plan.
#[derive(Debug)]
pub struct Namespace<'p> {
    plan: &'p Plan,
    mounts: Vec<Mount<'p>>,
    /// What is mounted at a place.
    points: HashMap<Place, usize>,
    outside: Outside,
}

impl<'p> Namespace<'p> {
    /// Carries out the operations of `plan`.
    ///
    /// # Errors
    /// When one of them would fail.
    pub fn of(plan: &'p Plan) -> Result<Self, Error> {
        let mut namespace = apply::empty(plan);
        for (step, operation) in plan.steps.iter().enumerate() {
            apply::Apply { namespace: &mut namespace, step }.op(&operation.op)?;
        }
        Ok(namespace)
    }

    /// The plan.
    pub fn plan(&self) -> &'p Plan {
        self.plan
    }

    /// What `/` is: the uppermost mount there.
    fn root(&self) -> Place {
        self.covered(Place { mount: 0, at: RootPath::root() }, None)
    }

    /// What is in the directory at `path`, in the order of the names.
    ///
    /// # Errors
    /// When it cannot be opened or read, or is no directory.
    pub fn list(&self, view: &View, path: &ContainerPath) -> Result<Vec<Entry>, Failure> {
        let found = self.resolve(view, Call::Open, &ContainerPath::root(), path.as_bytes())?;
        self.entries(found)
    }

    /// What is in a directory that was found before, in the order of the names.
    ///
    /// # Errors
    /// When it cannot be read, or is no directory.
    pub fn entries(&self, directory: Found) -> Result<Vec<Entry>, Failure> {
        let Found { place, path, trail, kind, .. } = directory;
        let fail = |reason| Failure { reason, at: path, trail };
        if kind != Kind::Directory {
            return Err(fail(Reason::NotADirectory));
        }
        let names = match &self.mounts[place.mount].content {
            Content::Single(branch) => branch.list(&self.outside, &place.at),
            Content::Union(union) => union.list(&self.outside, &place.at),
        };
        let names = names.map_err(|errno| fail(Reason::of(errno)))?;
        let entry = |(name, node): (Vec<u8>, host::Node)| {
            let at =
                place.at.join(std::path::Path::new(crate::ByteString(name.clone()).as_os_str()));
            let kind = at.ok().and_then(|at| {
                let under = Place { mount: place.mount, at };
                let over = self.covered(under.clone(), None);
                if over == under { None } else { self.look(&over).ok() }
            });
            Entry { name: crate::ByteString(name), kind: kind.unwrap_or(node).kind }
        };
        Ok(names.into_iter().map(entry).collect())
    }

    /// The content of a file that was found, at most `limit` bytes of it.
    ///
    /// # Errors
    /// What the host says; `EISDIR` or `EINVAL` for what is no regular file.
    pub fn content(&self, found: &Found, limit: u64) -> Result<Vec<u8>, Errno> {
        match found.kind {
            Kind::File => {}
            Kind::Directory => return Err(Errno::ISDIR),
            Kind::Symlink | Kind::Other => return Err(Errno::INVAL),
        }
        let cut = |bytes: &[u8]| {
            let limit = usize::try_from(limit).unwrap_or(usize::MAX);
            bytes[..bytes.len().min(limit)].to_vec()
        };
        match &found.origin {
            Origin::Host(path) => read(path, limit),
            Origin::Layer { layer, path } => {
                match self.plan.layer(layer).and_then(|spec| spec.entries.get(path)) {
                    Some(LayerEntry::File { content, .. }) => Ok(cut(content.as_bytes())),
                    Some(LayerEntry::CopyOf { source, .. }) => read(source, limit),
                    _ => Err(Errno::NOENT),
                }
            }
            Origin::Made => {
                let branch = self.branch(&found.place).ok_or(Errno::NOENT)?;
                match branch.made(&self.outside, &found.place.at).map(|made| &made.what) {
                    Some(MadeKind::File(content)) => Ok(cut(content.as_bytes())),
                    _ => Err(Errno::NOENT),
                }
            }
        }
    }

    /// The file of the host that has the content of what was found: for a file of a layer that is a
    /// copy, the original. `None` where the plan itself has the content.
    pub fn host_file<'f>(&'f self, found: &'f Found) -> Option<&'f HostPath> {
        match &found.origin {
            Origin::Host(path) => Some(path),
            Origin::Layer { layer, path } => match self.plan.layer(layer)?.entries.get(path)? {
                LayerEntry::CopyOf { source, .. } => Some(source),
                _ => None,
            },
            Origin::Made => None,
        }
    }

    /// The architecture of a file, by its ELF header; `None` for what is no ELF file of a known one.
    pub fn architecture(&self, found: &Found) -> Option<Tuple> {
        Tuple::of_elf_header(&self.content(found, 64).ok()?)
    }

    /// Where the plan mounts something that can still be seen, with the index of the operation.
    pub fn mount_points(&self) -> Vec<(ContainerPath, usize)> {
        let visible = |mount: &Mount<'p>| {
            let found = self.native(
                Call::Lstat,
                &ContainerPath::root(),
                mount.at.as_bytes(),
                &mut Vec::new(),
            );
            found.is_ok_and(|f| {
                f.place.at.file_name().is_none() && self.mounts[f.place.mount].step == mount.step
            })
        };
        let mut points: Vec<_> = self
            .mounts
            .iter()
            .filter(|mount| visible(mount))
            .filter_map(|mount| Some((mount.at.clone(), mount.step?)))
            .collect();
        points.sort_unstable();
        points
    }

    /// Whether the kernel would execute what is at a place.
    fn is_executable(&self, place: &Place, node: &host::Node) -> bool {
        if node.kind != Kind::File {
            return false;
        }
        match &self.mounts[place.mount].content {
            // Asks for the mount's `noexec` too, which a bind keeps.
            Content::Single(branch @ Branch::Host(base))
                if branch.made(&self.outside, &place.at).is_none() =>
            {
                let path = base.lexically(&place.at);
                let access = rustix::fs::Access::EXEC_OK;
                rustix::fs::accessat(CWD, path.as_path(), access, AtFlags::EACCESS).is_ok()
            }
            // An overlay ignores the `noexec` of what lies below it.
            _ => node.mode & 0o111 != 0,
        }
    }
}

fn read(path: &HostPath, limit: u64) -> Result<Vec<u8>, Errno> {
    // Not blocking, in case it is no regular file any more.
    let flags = OFlags::RDONLY | OFlags::CLOEXEC | OFlags::NOCTTY | OFlags::NONBLOCK;
    let fd = rustix::fs::open(&*crate::real::name(path), flags, Mode::empty())?;
    let mut content = Vec::new();
    let read = std::fs::File::from(fd).take(limit).read_to_end(&mut content);
    match read {
        Ok(_) => Ok(content),
        Err(error) => Err(Errno::from_io_error(&error).unwrap_or(Errno::IO)),
    }
}

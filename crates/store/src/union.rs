//! The union of directories and descriptions, uppermost first, as overlayfs would show it.
//!
//! Mirrors fs/overlayfs: a name is what the uppermost source that has it says; directories of the
//! same name merge until, going down, one source has something else there or a whiteout; a merged
//! directory has the attributes of the uppermost. A whiteout is a character device 0:0. Opaque
//! directories (an extended attribute) are not known here: no source that we stack has them.
//!
//! A layer is the union of one description in which the whiteouts are kept.

use crate::dir::Dir;
use crate::node::Node;
use crate::place::{self, EPOCH, Looks, Placer};
use crate::{Error, Store};
use plan::{HostPath, LayerEntry};
use rustix::fs::{AtFlags, FileType, Mode};
use rustix::io::Errno;
use std::collections::BTreeMap;
use std::ffi::{CStr, CString};
use std::os::fd::{AsFd, OwnedFd};
use std::os::unix::ffi::OsStrExt;

/// One of the directories to be united.
#[derive(Debug)]
pub(crate) enum Layer<'a> {
    /// A directory of the host, and the device that it lies on.
    Disk(Dir, u64),
    /// A described one.
    Spec(&'a Node<'a>),
}

/// What becomes of whiteouts that nothing is left to hide from.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Whiteouts {
    /// They are made: the result is a lower directory for overlayfs.
    Keep,
    /// They are left out: the result is final.
    Apply,
}

/// What one source has under a name.
#[derive(Clone, Copy, Debug)]
enum Found<'a> {
    /// A directory entry of the source with this index.
    Disk(usize, FileType),
    /// A node of the source with this index.
    Spec(&'a Node<'a>),
}

/// Builds a union.
#[derive(Debug)]
pub(crate) struct Union {
    pub(crate) whiteouts: Whiteouts,
    pub(crate) placer: Placer,
    /// Where a whiteout was made: the others are further names of it, which costs the file system less.
    made: Option<(OwnedFd, CString)>,
}

impl<'a> Layer<'a> {
    pub(crate) fn disk(dir: Dir) -> Result<Self, Error> {
        let stat = dir.stat().map_err(|errno| source(dir.path().clone(), "fstat", errno))?;
        Ok(Layer::Disk(dir, place::device_of(&stat)))
    }

    fn looks(&self) -> Result<Looks, Error> {
        match self {
            Layer::Disk(dir, _) => dir
                .stat()
                .map(|s| place::looks_of(&s))
                .map_err(|errno| source(dir.path().clone(), "fstat", errno)),
            Layer::Spec(Node::Directory { mode, .. }) => Ok(Looks { mode: *mode, modified: EPOCH }),
            Layer::Spec(Node::Leaf(_)) => Ok(Looks { mode: 0o755, modified: EPOCH }),
        }
    }
}

impl Union {
    pub(crate) fn new(whiteouts: Whiteouts) -> Self {
        Self { whiteouts, placer: Placer::default(), made: None }
    }

    /// Fills the empty directory `into` and gives it mode and time of the uppermost source.
    ///
    /// # Errors
    /// Of reading a source and of writing the store. What has been made so far is left behind.
    pub(crate) fn fill(&mut self, sources: &[Layer<'_>], into: &Dir) -> Result<(), Error> {
        self.merge(sources, into, 0)
    }

    fn merge(&mut self, sources: &[Layer<'_>], into: &Dir, depth: usize) -> Result<(), Error> {
        if depth > Store::MAX_DEPTH {
            return Err(Error::TooDeep { path: into.path().clone() });
        }
        for (name, found) in gather(sources)? {
            self.put(sources, &name, &found, into, depth)?;
        }
        // Last, because the mode may take away the right to write, and writing changes the time.
        if let Some(top) = sources.first() {
            place::finish(into, top.looks()?)
                .map_err(|e| Error::writing(into.path().clone(), "fchmod", e))?;
        }
        Ok(())
    }

    /// What is found under `name`, uppermost first.
    fn put(
        &mut self,
        sources: &[Layer<'_>],
        name: &CStr,
        found: &[Found<'_>],
        into: &Dir,
        depth: usize,
    ) -> Result<(), Error> {
        match found.first() {
            None => Ok(()),
            Some(Found::Spec(Node::Leaf(entry))) => self.entry(entry, name, into),
            Some(Found::Disk(index, kind)) if *kind != FileType::Directory => {
                self.file(&sources[*index], name, *kind, into)
            }
            Some(_) => {
                let merged = self.directories(sources, name, found)?;
                into.make(name).map_err(|e| Error::writing(into.path_of(name), "mkdir", e))?;
                self.placer.tally.entries += 1;
                let made =
                    into.child(name).map_err(|e| Error::writing(into.path_of(name), "open", e))?;
                self.merge(&merged, &made, depth + 1)
            }
        }
    }

    /// The directories that merge under `name`: up to the first source that has something else.
    fn directories<'b>(
        &mut self,
        sources: &[Layer<'_>],
        name: &CStr,
        found: &[Found<'b>],
    ) -> Result<Vec<Layer<'b>>, Error> {
        let mut merged = vec![];
        for found in found {
            match *found {
                Found::Spec(node @ Node::Directory { .. }) => merged.push(Layer::Spec(node)),
                Found::Disk(index, FileType::Directory) => {
                    let Layer::Disk(dir, _) = &sources[index] else { break };
                    match dir.child(name) {
                        Ok(child) => merged.push(Layer::disk(child)?),
                        // The overlay would show it, and nothing in it.
                        Err(Errno::ACCESS) => {
                            self.placer.tally.unreadable.push(dir.path_of(name));
                        }
                        Err(Errno::NOENT | Errno::NOTDIR | Errno::LOOP) => {
                            return Err(Error::SourceChanged { path: dir.path_of(name) });
                        }
                        Err(e) => return Err(source(dir.path_of(name), "open", e)),
                    }
                }
                Found::Spec(Node::Leaf(_)) | Found::Disk(..) => break,
            }
        }
        Ok(merged)
    }

    /// Something of the host that is no directory.
    fn file(
        &mut self,
        layer: &Layer<'_>,
        name: &CStr,
        kind: FileType,
        into: &Dir,
    ) -> Result<(), Error> {
        let Layer::Disk(from, device) = layer else { return Ok(()) };
        match kind {
            // A lock on a linked `.ref` would be a lock on the runtime's.
            FileType::RegularFile if name == c".ref" => {
                self.placer.copy(from, name, into, name, place::looks_of)
            }
            FileType::RegularFile => {
                if self.placer.link(from, name, *device, into, name)? {
                    return Ok(());
                }
                self.placer.copy(from, name, into, name, place::looks_of)
            }
            FileType::Symlink => {
                if self.placer.link(from, name, *device, into, name)? {
                    return Ok(());
                }
                let text = rustix::fs::readlinkat(from, name, vec![])
                    .map_err(|e| source(from.path_of(name), "readlinkat", e))?;
                self.placer.symlink(into, name, text.to_bytes())
            }
            FileType::CharacterDevice if is_whiteout(from, name)? => self.whiteout(name, into),
            _ => {
                self.placer.tally.special.push(from.path_of(name));
                Ok(())
            }
        }
    }

    /// An entry of a description that is no directory.
    fn entry(&mut self, entry: &LayerEntry, name: &CStr, into: &Dir) -> Result<(), Error> {
        match entry {
            LayerEntry::Symlink { target } => self.placer.symlink(into, name, target.as_bytes()),
            LayerEntry::File { content, executable, modified } => {
                let modified = modified.map_or(EPOCH, place::moment);
                let looks = Looks { mode: mode(*executable), modified };
                self.placer.content(into, name, content.as_bytes(), looks)
            }
            LayerEntry::CopyOf { source, executable, modified, identity } => {
                let wanted = Wanted { executable: *executable, modified: *modified, identity };
                self.copy_of(source, &wanted, name, into)
            }
            LayerEntry::Whiteout => self.whiteout(name, into),
            // Never a leaf.
            LayerEntry::Directory { .. } => Ok(()),
        }
    }

    fn whiteout(&mut self, name: &CStr, into: &Dir) -> Result<(), Error> {
        if self.whiteouts == Whiteouts::Apply {
            return Ok(());
        }
        self.placer.tally.entries += 1;
        if let Some((dir, made)) = &self.made
            && rustix::fs::linkat(dir, made, into, name, AtFlags::empty()).is_ok()
        {
            return Ok(());
        }
        // Allowed without privileges since Linux 5.8.
        match rustix::fs::mknodat(into, name, FileType::CharacterDevice, Mode::empty(), 0) {
            Ok(()) => {
                let dir = into.as_fd().try_clone_to_owned().ok();
                self.made = dir.map(|dir| (dir, name.to_owned()));
                Ok(())
            }
            Err(errno @ (Errno::NOSPC | Errno::DQUOT | Errno::ROFS)) => {
                Err(Error::writing(into.path_of(name), "mknodat", errno))
            }
            Err(errno) => Err(Error::NoWhiteouts { path: into.path_of(name), errno }),
        }
    }

    fn copy_of(
        &mut self,
        path: &HostPath,
        wanted: &Wanted<'_>,
        name: &CStr,
        into: &Dir,
    ) -> Result<(), Error> {
        let changed = || Error::SourceChanged { path: path.clone() };
        let (Some(parent), Some(file)) = (path.parent(), path.file_name()) else {
            return Err(source(path.clone(), "open", Errno::ISDIR));
        };
        let file = CString::new(file.as_bytes()).map_err(|_| changed())?;
        let gone = |e| match e {
            Errno::NOENT | Errno::NOTDIR => changed(),
            e => source(path.clone(), "stat", e),
        };
        let from = Dir::open(&parent).map_err(gone)?;
        let stat = from.stat_of(&file).map_err(gone)?;
        if !FileType::from_raw_mode(stat.st_mode).is_file() || !wanted.is(&stat) {
            return Err(changed());
        }
        if wanted.fits(&stat)
            && self.placer.link(&from, &file, place::device_of(&stat), into, name)?
        {
            // Between looking and linking the name may have got another file.
            let linked = into.stat_of(name).map_err(|e| source(path.clone(), "stat", e))?;
            return if linked.st_ino == stat.st_ino { Ok(()) } else { Err(changed()) };
        }
        self.placer.copy(&from, &file, into, name, |stat| wanted.looks(stat))
    }
}

/// How a [`LayerEntry::CopyOf`] is to look, and which file it was when it was inspected.
struct Wanted<'e> {
    executable: bool,
    modified: Option<i64>,
    identity: &'e (u64, i64, u64),
}

impl Wanted<'_> {
    fn is(&self, stat: &rustix::fs::Stat) -> bool {
        let found = (
            u64::try_from(stat.st_size).unwrap_or(0),
            stat.st_mtime.saturating_mul(1_000_000_000).saturating_add(nanoseconds(stat)),
            inode(stat),
        );
        found == *self.identity
    }

    /// Whether the file can serve as it is.
    fn fits(&self, stat: &rustix::fs::Stat) -> bool {
        (stat.st_mode & 0o111 != 0) == self.executable
            && self.modified.is_none_or(|m| place::moment(m).tv_sec == stat.st_mtime)
    }

    fn looks(&self, stat: &rustix::fs::Stat) -> Looks {
        let own = place::looks_of(stat);
        let modified = self.modified.map(place::moment);
        let modified = modified.filter(|m| m.tv_sec != stat.st_mtime).unwrap_or(own.modified);
        let fits = (own.mode & 0o111 != 0) == self.executable;
        Looks { mode: if fits { own.mode } else { mode(self.executable) }, modified }
    }
}

#[allow(clippy::unnecessary_cast)] // the width depends on the architecture
fn nanoseconds(stat: &rustix::fs::Stat) -> i64 {
    stat.st_mtime_nsec as i64
}

#[allow(clippy::unnecessary_cast)] // the width depends on the architecture
fn inode(stat: &rustix::fs::Stat) -> u64 {
    stat.st_ino as u64
}

fn mode(executable: bool) -> u32 {
    if executable { 0o755 } else { 0o644 }
}

fn source(path: HostPath, call: &'static str, errno: Errno) -> Error {
    Error::Source { path, call, errno }
}

fn is_whiteout(dir: &Dir, name: &CStr) -> Result<bool, Error> {
    let stat = dir.stat_of(name).map_err(|e| source(dir.path_of(name), "stat", e))?;
    Ok(stat.st_rdev == 0)
}

/// Every name in byte order, with what each source has there, uppermost first.
fn gather<'a>(sources: &[Layer<'a>]) -> Result<BTreeMap<CString, Vec<Found<'a>>>, Error> {
    let mut names: BTreeMap<CString, Vec<Found<'a>>> = BTreeMap::new();
    for (index, layer) in sources.iter().enumerate() {
        match layer {
            Layer::Disk(dir, _) => {
                let entries =
                    dir.entries().map_err(|e| source(dir.path().clone(), "getdents", e))?;
                for (name, kind) in entries {
                    names.entry(name).or_default().push(Found::Disk(index, kind));
                }
            }
            Layer::Spec(Node::Directory { children, .. }) => {
                for (name, node) in children {
                    names.entry(name.clone()).or_default().push(Found::Spec(node));
                }
            }
            Layer::Spec(Node::Leaf(_)) => {}
        }
    }
    Ok(names)
}

//! A root: a directory tree whose absolute symbolic links mean itself.
//!
//! Paths are resolved here in user space, component by component, as the kernel would for a process
//! whose `/` is the root: `..` at the top stays there, at most 40 links are followed (`MAXSYMLINKS`
//! in Linux), a component that is no directory ends it with `ENOTDIR`. What was seen is remembered
//! for the life of the [`Root`], because one launch asks for the same directories again and again.
//!
//! Must not write, and never triggers an automount: every look is `statx` with
//! `AT_NO_AUTOMOUNT | AT_SYMLINK_NOFOLLOW`. The host's own `/` is a root like any other.

mod content;
mod depot;
mod error;
mod filesystem;
mod glob;
mod hash;
mod layout;
mod stat;
mod tree;
mod view;
mod walk;

#[cfg(test)]
mod tests;

use plan::{HostPath, RootPath};
use rustix::fd::OwnedFd;
use std::ffi::{OsStr, OsString};
use tree::Tree;

pub use error::Error;
pub use filesystem::{Content, Filesystem};
pub use glob::matches;
pub use layout::{Layout, TopLevel};
pub use plan::real::ask_below;
pub use view::ViewRoot;

/// What a root is made of.
#[derive(Clone, Debug)]
pub enum Form {
    /// A directory that has `usr` (and `lib` … beside it, links or not).
    Full,
    /// A directory that *is* a merged `/usr`: `/bin`, `/sbin`, `/lib*` and `/etc`, `/var` are links
    /// into `usr`, made by whoever mounts it.
    Usr,
    /// As `Usr`, but described by a depot's manifest: links, empty files and directories are only in
    /// the manifest, and contents may be stored under other names.
    Depot(crate::mtree::Manifest),
}

/// What kind of file something is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Kind {
    /// A regular file.
    File,
    /// A directory.
    Directory,
    /// A symbolic link.
    Symlink,
    /// A socket, FIFO or device.
    Other,
}

/// What tells one state of a file from another without reading it.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Identity {
    /// Device number, as `makedev` packs it.
    pub device: u64,
    /// Inode number; 0 for what only a depot's manifest has.
    pub inode: u64,
    /// Size in bytes.
    pub size: u64,
    /// Modification time in nanoseconds since 1970.
    pub modified: i64,
    /// Time of the last change of the inode in nanoseconds since 1970.
    pub changed: i64,
}

/// One link that was followed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TrailStep {
    /// Where the link is, free of links itself but for the last component.
    pub at: RootPath,
    /// Its text.
    pub target: OsString,
}

/// A file of a root, found.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Resolved {
    /// Its path in the root, free of symbolic links (after [`Root::lookup`]: all but the last
    /// component).
    pub path: RootPath,
    /// Where its content is on the host. For directories and empty files that only a depot's
    /// manifest has, nothing need exist there.
    pub host: HostPath,
    /// What kind of file it is; never [`Kind::Symlink`] after [`Root::resolve`].
    pub kind: Kind,
    /// After [`Root::lookup`], the text of the link, if it is one.
    pub link: Option<OsString>,
    /// What tells this state of the file from another.
    pub identity: Identity,
    /// Permission bits.
    pub mode: u32,
    /// Every link that was followed, in order.
    pub trail: Vec<TrailStep>,
}

/// An entry of a directory.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Entry {
    /// Its name.
    pub name: OsString,
    /// What it is; links are not followed.
    pub kind: Kind,
}

/// A directory tree with a `/` of its own.
#[derive(Debug)]
pub struct Root {
    tree: Tree,
}

/// The largest file that [`Root::read`] reads, in bytes.
pub const READ_LIMIT: u64 = 16 << 20;

impl Root {
    /// Opens the root at `path`: [`Form::Full`] if it has a directory (or a link to one) `usr`, else
    /// [`Form::Usr`].
    ///
    /// # Errors
    /// When `path` is not a directory or cannot be searched.
    pub fn open(path: HostPath) -> Result<Root, Error> {
        let full = Self::with_form(path, Form::Full)?;
        let usr = full.find(&RootPath::literal("/usr"));
        if usr.is_some_and(|u| u.kind == Kind::Directory) {
            return Ok(full);
        }
        Self::with_form(full.tree.into_path(), Form::Usr)
    }

    /// Opens the root at `path` as what the caller knows it to be. For [`Form::Depot`], `path` is
    /// the directory of the contents (`files`).
    ///
    /// # Errors
    /// When `path` is not a directory or cannot be searched.
    pub fn with_form(path: HostPath, form: Form) -> Result<Root, Error> {
        Tree::open(path, form).map(|tree| Root { tree })
    }

    /// The directory on the host.
    pub fn path(&self) -> &HostPath {
        self.tree.path()
    }

    /// What it is made of.
    pub fn form(&self) -> &Form {
        self.tree.form()
    }

    /// Finds `path`, following every link.
    ///
    /// # Errors
    /// When it is missing, dangling, a loop, below something that is no directory, or unreadable.
    pub fn resolve(&self, path: &RootPath) -> Result<Resolved, Error> {
        walk::walk(&self.tree, path, path.relative().as_os_str(), walk::Last::Follow)
    }

    /// Finds `path`, following every link but the last component.
    ///
    /// # Errors
    /// As [`Self::resolve`].
    pub fn lookup(&self, path: &RootPath) -> Result<Resolved, Error> {
        walk::walk(&self.tree, path, path.relative().as_os_str(), walk::Last::Keep)
    }

    /// As [`Self::resolve`]; `None` for whatever is not there or cannot be reached.
    pub fn find(&self, path: &RootPath) -> Option<Resolved> {
        self.resolve(path).ok()
    }

    /// Turns a path that may contain `..` or be relative to `base` into one without: what comes
    /// before the last `..` is resolved, what follows it is kept as it is.
    ///
    /// # Errors
    /// As [`Self::resolve`], for the part that has to be resolved.
    pub fn without_dot_dot(&self, base: &RootPath, raw: &OsStr) -> Result<RootPath, Error> {
        walk::without_dot_dot(&self.tree, base, raw)
    }

    /// The content of a regular file of at most [`READ_LIMIT`] bytes.
    ///
    /// # Errors
    /// As [`Self::resolve`], and when it is no regular file, too large, or reading fails.
    pub fn read(&self, path: &RootPath) -> Result<Vec<u8>, Error> {
        content::read(path, &self.resolve(path)?)
    }

    /// Opens the content of a regular file that was resolved before, for reading; `None` where the
    /// manifest of a depot says that it is empty and the depot does not have it.
    ///
    /// # Errors
    /// When it is no regular file (any more) or may not be read.
    pub fn open_file(&self, file: &Resolved) -> Result<Option<OwnedFd>, Error> {
        content::open(&file.path, file)
    }

    /// The entries of a directory in ascending order of the bytes of their names.
    ///
    /// # Errors
    /// As [`Self::resolve`], and when it is no directory.
    pub fn list(&self, directory: &RootPath) -> Result<Vec<Entry>, Error> {
        let found = self.resolve(directory)?;
        if found.kind != Kind::Directory {
            let (path, at) = (directory.clone(), found.path);
            return Err(Error::NotADirectory { path, at, trail: found.trail });
        }
        self.tree.list(&found.path, &found.host).map_err(|e| e.at(directory, &found.path, &[]))
    }

    /// The paths that match a pattern as glob(3) does, in ascending order. Links to directories are
    /// followed; the last component may be anything that exists, a dangling link too.
    pub fn glob(&self, pattern: &RootPath) -> Vec<RootPath> {
        glob::expand(self, pattern)
    }

    /// Which of the directories that a merged `/usr` replaces are links.
    pub fn layout(&self) -> Layout {
        Layout::of(self)
    }
}

//! What a root can be asked, without saying where its files are.
//!
//! The search of the dynamic linker, its caches and configuration need no more than this, so that they
//! work on a [`super::Root`], which is a directory, and on a container that does not exist yet, which is
//! a plan.

use super::{Entry, Error, Kind, Resolved, Root, glob};
use plan::RootPath;
use rustix::fd::OwnedFd;
use std::ffi::OsStr;
use std::fmt;

/// The content of a file.
#[derive(Debug)]
pub enum Content {
    /// A file of the host, open for reading.
    Open(OwnedFd),
    /// Bytes that are not, or not yet, in any file.
    Bytes(Vec<u8>),
}

/// A tree of files with a `/` of its own, read-only. Methods are those of [`Root`] of the same names.
pub trait Filesystem: fmt::Debug {
    /// See [`Root::resolve`].
    ///
    /// # Errors
    /// When it is missing, dangling, a loop, below something that is no directory, or unreadable.
    fn resolve(&self, path: &RootPath) -> Result<Resolved, Error>;

    /// See [`Root::lookup`].
    ///
    /// # Errors
    /// As [`Self::resolve`].
    fn lookup(&self, path: &RootPath) -> Result<Resolved, Error>;

    /// See [`Root::read`].
    ///
    /// # Errors
    /// As [`Self::resolve`], and when it is no regular file, too large, or reading fails.
    fn read(&self, path: &RootPath) -> Result<Vec<u8>, Error>;

    /// Opens a regular file that was resolved before in the same tree.
    ///
    /// # Errors
    /// When it is no regular file (any more) or may not be read.
    fn open(&self, file: &Resolved) -> Result<Content, Error>;

    /// See [`Root::list`].
    ///
    /// # Errors
    /// As [`Self::resolve`], and when it is no directory.
    fn list(&self, directory: &RootPath) -> Result<Vec<Entry>, Error>;

    /// See [`Root::without_dot_dot`].
    ///
    /// # Errors
    /// As [`Self::resolve`], for the part that has to be resolved.
    fn without_dot_dot(&self, base: &RootPath, raw: &OsStr) -> Result<RootPath, Error>;

    /// As [`Self::resolve`]; `None` for whatever is not there or cannot be reached.
    fn find(&self, path: &RootPath) -> Option<Resolved> {
        self.resolve(path).ok()
    }
}

impl dyn Filesystem + '_ {
    /// See [`Root::glob`].
    pub fn glob(&self, pattern: &RootPath) -> Vec<RootPath> {
        glob::expand(self, pattern)
    }

    /// Whether there is a directory at the path.
    pub fn is_directory(&self, path: &RootPath) -> bool {
        self.find(path).is_some_and(|found| found.kind == Kind::Directory)
    }
}

impl Filesystem for Root {
    fn resolve(&self, path: &RootPath) -> Result<Resolved, Error> {
        Root::resolve(self, path)
    }

    fn lookup(&self, path: &RootPath) -> Result<Resolved, Error> {
        Root::lookup(self, path)
    }

    fn read(&self, path: &RootPath) -> Result<Vec<u8>, Error> {
        Root::read(self, path)
    }

    fn open(&self, file: &Resolved) -> Result<Content, Error> {
        let open = self.open_file(file)?;
        Ok(open.map_or_else(|| Content::Bytes(Vec::new()), Content::Open))
    }

    fn list(&self, directory: &RootPath) -> Result<Vec<Entry>, Error> {
        Root::list(self, directory)
    }

    fn without_dot_dot(&self, base: &RootPath, raw: &OsStr) -> Result<RootPath, Error> {
        Root::without_dot_dot(self, base, raw)
    }
}

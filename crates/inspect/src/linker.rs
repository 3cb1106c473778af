//! Finds libraries as the dynamic linker of a root would, by reading files only.
//!
//! Mirrors glibc's elf/dl-load.c (`_dl_map_object`), elf/dl-deps.c and elf/dl-cache.c, and ld.so(8).

use crate::elf::Elf;
use crate::root::{Resolved, Root};
use plan::{RootPath, Tuple};
use std::fmt;
use std::rc::Rc;

/// What the search depends on beside the root.
#[derive(Clone, Debug)]
pub struct Options {
    /// `LD_LIBRARY_PATH`.
    pub library_path: Vec<RootPath>,
    /// Searched last, when nothing else has it.
    pub extra_directories: Vec<RootPath>,
    /// Whether subdirectories of `glibc-hwcaps` serve that this CPU can use. When not, only those
    /// that every CPU of the architecture can use.
    pub hwcaps: bool,
}

impl Default for Options {
    fn default() -> Self {
        Self { library_path: vec![], extra_directories: vec![], hwcaps: true }
    }
}

/// Why no [`Linker`] can be made.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Error {
    /// The root is not searchable.
    #[error(transparent)]
    Root(#[from] crate::root::Error),
}

/// The search of one architecture in one root.
#[derive(Debug)]
pub struct Linker<'r> {
    root: &'r Root,
    tuple: Tuple,
    options: Options,
}

/// A library, found.
#[derive(Clone, Debug)]
pub struct Library {
    /// The name that was asked for.
    pub name: String,
    /// Where it was found; links are unresolved.
    pub found: RootPath,
    /// The file itself.
    pub file: Rc<Resolved>,
    /// What is in it.
    pub elf: Rc<Elf>,
    /// By what it was found: `ld.so.cache`, `RUNPATH of /usr/bin/x` …
    pub via: String,
}

/// A library that was not found.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct NotFound {
    /// The name that was asked for.
    pub name: String,
    /// What needs it.
    pub requested_by: Option<RootPath>,
    /// Where it was looked for, and why that did not serve.
    pub tried: Vec<(RootPath, String)>,
}

impl fmt::Display for NotFound {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "library `{}`", self.name.escape_debug())?;
        if let Some(by) = &self.requested_by {
            write!(f, ", needed by `{by}`,")?;
        }
        f.write_str(" is not found")?;
        for (i, (path, why)) in self.tried.iter().enumerate() {
            write!(f, "{} {path}: {why}", if i == 0 { " (" } else { ";" })?;
        }
        f.write_str(if self.tried.is_empty() { "" } else { ")" })
    }
}

impl std::error::Error for NotFound {}

/// A library with everything that it needs.
#[derive(Clone, Debug)]
pub struct Closure {
    /// The library itself first, then its dependencies, breadth first, each once.
    pub libraries: Vec<Library>,
    /// What was not found.
    pub missing: Vec<NotFound>,
}

impl<'r> Linker<'r> {
    /// Prepares the search: reads caches and configuration of the root.
    ///
    /// # Errors
    /// When the root cannot be searched. Missing or damaged caches are no error.
    pub fn new(root: &'r Root, tuple: Tuple, options: Options) -> Result<Self, Error> {
        Ok(Self { root, tuple, options })
    }

    /// The root that is searched.
    pub fn root(&self) -> &'r Root {
        self.root
    }

    /// The architecture.
    pub fn tuple(&self) -> Tuple {
        self.tuple
    }

    /// The program interpreter at the place that the psABI names, if it is of this architecture.
    pub fn interpreter(&self) -> Option<Resolved> {
        None
    }

    /// Finds a library by name, or by path if the name has a slash.
    ///
    /// # Errors
    /// When there is none of this architecture.
    pub fn find(&self, name: &str, requested_by: Option<&Library>) -> Result<Library, NotFound> {
        let _ = &self.options;
        Err(NotFound {
            name: name.into(),
            requested_by: requested_by.map(|l| l.found.clone()),
            tried: vec![],
        })
    }

    /// Takes the library at `path`.
    ///
    /// # Errors
    /// When there is none of this architecture.
    pub fn load(&self, path: &RootPath) -> Result<Library, NotFound> {
        self.find(&path.to_string(), None)
    }

    /// The names in the cache, of this architecture, that match an fnmatch(3) pattern, in ascending
    /// order; without a cache, those in the directories that are searched.
    pub fn matching(&self, glob: &str) -> Vec<String> {
        let _ = glob;
        vec![]
    }

    /// `top` and everything that it needs.
    pub fn closure(&self, top: &Library) -> Closure {
        Closure { libraries: vec![top.clone()], missing: vec![] }
    }

    /// Every existing directory that a search without RPATH may use, in order.
    pub fn directories(&self) -> Vec<RootPath> {
        vec![]
    }

    /// What the dynamic linker of this root puts for `$LIB`.
    pub fn origin_lib(&self) -> String {
        self.tuple.lib_dir().into()
    }
}

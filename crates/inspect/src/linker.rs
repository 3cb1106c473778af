//! Finds libraries as the dynamic linker of a root would, by reading files only.
//!
//! Knows the order of the search, RPATH, RUNPATH, tokens, caches, default directories and subdirectories for more
//! capable CPUs. Must not execute or `dlopen` anything. Mirrors glibc's elf/dl-load.c (`_dl_map_object`),
//! elf/dl-deps.c, elf/dl-cache.c, and ld.so(8). Filters (`DT_FILTER`, `DT_AUXILIARY`), audit modules and
//! `LD_PRELOAD` play no role.

mod cache;
mod candidate;
mod capabilities;
mod closure;
mod expand;
mod loader;
mod search;

#[cfg(test)]
mod tests;

use crate::elf::Elf;
use crate::ld_conf;
use crate::root::{Filesystem, Kind, Resolved, matches};
use cache::Cache;
use capabilities::{Capabilities, Cpu};
use expand::Tokens;
pub use expand::{Depends, depends};
use loader::Loader;
use plan::{RootPath, Tuple};
use std::cell::RefCell;
use std::collections::{BTreeSet, HashMap};
use std::ffi::OsString;
use std::fmt;
use std::os::unix::ffi::OsStrExt;
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

/// What the dynamic linker of a root puts for tokens.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Expansion {
    /// For `$LIB`.
    pub lib: String,
    /// For `$PLATFORM`, on the CPU that the guest sees.
    pub platform: &'static str,
}

impl Expansion {
    /// As the dynamic linker of an architecture tells it; `None` where the root has none.
    pub fn of(root: &dyn Filesystem, tuple: Tuple) -> Option<Self> {
        let loader = Loader::of(root, tuple);
        let platform = Capabilities::new(tuple, &loader, Cpu::for_guest(tuple)).platform;
        loader.file.is_some().then_some(Self { lib: loader.lib.clone(), platform })
    }
}

/// The search of one architecture in one root. Remembers what it found: it is for one launch, during
/// which the root does not change.
#[derive(Debug)]
pub struct Linker<'r> {
    root: &'r dyn Filesystem,
    tuple: Tuple,
    options: Options,
    loader: Loader,
    capabilities: Capabilities,
    /// What may stand between a directory and a name; the empty one last.
    subdirectories: Vec<String>,
    cache: Option<Cache>,
    /// Directories of `ld.so.conf`.
    configured: Vec<RootPath>,
    /// Results for names whose search does not depend on who asks.
    by_name: RefCell<HashMap<String, Result<Library, NotFound>>>,
    closures: RefCell<HashMap<Vec<RootPath>, Closure>>,
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
    /// By what it was found: `/etc/ld.so.cache`, `RUNPATH of /usr/bin/x` …
    pub via: String,
    /// What asked for it, whose RPATH counts for what this one needs.
    loader: Option<Rc<Library>>,
}

impl Library {
    /// What asked for it, where it was found by a search for somebody.
    pub fn requested_by(&self) -> Option<&Library> {
        self.loader.as_deref()
    }
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
    /// Prepares the search: reads the dynamic linker, caches and configuration of the root.
    ///
    /// # Errors
    /// When the root cannot be searched. Missing or damaged caches are no error.
    pub fn new(root: &'r dyn Filesystem, tuple: Tuple, options: Options) -> Result<Self, Error> {
        let cpu = if options.hwcaps { Cpu::for_guest(tuple) } else { Cpu::BASELINE };
        Self::for_cpu(root, tuple, options, cpu)
    }

    fn for_cpu(
        root: &'r dyn Filesystem,
        tuple: Tuple,
        options: Options,
        cpu: Cpu,
    ) -> Result<Self, Error> {
        root.resolve(&RootPath::root())?;
        let loader = Loader::of(root, tuple);
        let capabilities = Capabilities::new(tuple, &loader, cpu);
        let configuration = loader::configuration(root);
        Ok(Self {
            root,
            tuple,
            options,
            subdirectories: capabilities.subdirectories(),
            capabilities,
            cache: Cache::open(root, tuple, &loader.caches),
            configured: configuration.map(|c| ld_conf::directories(root, &c)).unwrap_or_default(),
            loader,
            by_name: RefCell::default(),
            closures: RefCell::default(),
        })
    }

    /// With what the variable `LD_LIBRARY_PATH` of a process says, in place of
    /// [`Options::library_path`]: directories between `:` or `;`, an empty one is the working directory,
    /// as is what a relative one starts from. `origin` is the directory of the program, for `$ORIGIN`;
    /// elements that need it are left out where it is not known (`fillin_rpath` of elf/dl-load.c).
    #[must_use]
    pub fn with_environment(
        mut self,
        value: &[u8],
        origin: Option<RootPath>,
        working_directory: &RootPath,
    ) -> Self {
        let tokens = Tokens { origin, lib: &self.loader.lib, platform: self.capabilities.platform };
        let elements = value.split(|b| matches!(b, b':' | b';')).filter(|_| !value.is_empty());
        let found = elements.filter_map(|element| {
            let raw = tokens.expand(&String::from_utf8_lossy(element))?;
            self.root.without_dot_dot(working_directory, &raw).ok()
        });
        self.options.library_path = found.collect();
        self
    }

    /// Replaces `$LIB`, `$PLATFORM` and, where `origin` is given, `$ORIGIN` in a text such as an entry of
    /// `LD_PRELOAD`. `None` where the origin is needed and not given.
    pub fn expand(&self, text: &str, origin: Option<RootPath>) -> Option<OsString> {
        Tokens { origin, lib: &self.loader.lib, platform: self.capabilities.platform }.expand(text)
    }

    /// The root that is searched.
    pub fn root(&self) -> &'r dyn Filesystem {
        self.root
    }

    /// The architecture.
    pub fn tuple(&self) -> Tuple {
        self.tuple
    }

    /// The program interpreter at the place that the psABI names, if it is of this architecture.
    pub fn interpreter(&self) -> Option<Resolved> {
        self.loader.file.clone()
    }

    /// Where the cache is that is used, if there is one.
    pub fn cache_path(&self) -> Option<&RootPath> {
        self.cache.as_ref().map(|c| &c.path)
    }

    /// Finds a library by name, or by path if the name has a slash.
    ///
    /// # Errors
    /// When there is none of this architecture.
    pub fn find(&self, name: &str, requested_by: Option<&Library>) -> Result<Library, NotFound> {
        self.find_for(name, requested_by.map(|l| Rc::new(l.clone())).as_ref())
    }

    fn find_for(&self, name: &str, loader: Option<&Rc<Library>>) -> Result<Library, NotFound> {
        if name.contains('/') || !self.is_plain(loader) {
            return self.search(name, loader);
        }
        if let Some(known) = self.by_name.borrow().get(name) {
            let loader = loader.cloned();
            return match known.clone() {
                Ok(library) => Ok(Library { loader, ..library }),
                Err(e) => Err(NotFound { requested_by: loader.map(|l| l.found.clone()), ..e }),
            };
        }
        let result = self.search(name, loader);
        // Not with its loader: that is whoever asks next time.
        let kept = result.clone().map(|library| Library { loader: None, ..library });
        self.by_name.borrow_mut().insert(name.into(), kept);
        result
    }

    /// Whether the search is the same for everybody: nobody in the chain has directories of its own.
    fn is_plain(&self, mut object: Option<&Rc<Library>>) -> bool {
        while let Some(library) = object {
            let elf = &library.elf;
            if elf.rpath.is_some() || elf.runpath.is_some() || elf.no_default_lib {
                return false;
            }
            object = library.loader.as_ref();
        }
        true
    }

    /// Takes the library or program at `path`.
    ///
    /// # Errors
    /// When there is none of this architecture.
    pub fn load(&self, path: &RootPath) -> Result<Library, NotFound> {
        let not_found = |why: String| NotFound {
            name: path.to_string(),
            requested_by: None,
            tried: vec![(path.clone(), why)],
        };
        match candidate::look(self.root, self.tuple, path) {
            candidate::Candidate::Absent => Err(not_found("it does not exist".into())),
            candidate::Candidate::Passed(why) | candidate::Candidate::Fatal(why) => {
                Err(not_found(why))
            }
            candidate::Candidate::Usable(file, elf) => Ok(Library {
                name: path.to_string(),
                found: path.clone(),
                file,
                elf,
                via: "its path".into(),
                loader: None,
            }),
        }
    }

    /// The names in the cache, of this architecture, that match an fnmatch(3) pattern, in ascending
    /// order; without a cache, those in the directories that are searched.
    pub fn matching(&self, glob: &str) -> Vec<String> {
        let fits = |name: &&[u8]| matches(glob.as_bytes(), name);
        let text = |name: &[u8]| std::str::from_utf8(name).ok().map(str::to_owned);
        if let Some(cache) = &self.cache {
            let found: BTreeSet<_> = cache.names().filter(fits).filter_map(text).collect();
            return found.into_iter().collect();
        }
        let mut found = BTreeSet::new();
        for directory in self.directories() {
            let entries = self.root.list(&directory).unwrap_or_default();
            let names = entries.iter().filter(|e| e.kind != Kind::Directory);
            let names = names.map(|e| e.name.as_bytes()).filter(fits);
            found.extend(names.filter_map(text));
        }
        found.retain(|name| self.find(name, None).is_ok());
        found.into_iter().collect()
    }

    /// `top` and everything that it needs.
    pub fn closure(&self, top: &Library) -> Closure {
        let mut key = vec![top.found.clone()];
        let mut object = top.loader.as_deref();
        while let Some(library) = object {
            key.push(library.found.clone());
            object = library.loader.as_deref();
        }
        if let Some(known) = self.closures.borrow().get(&key) {
            return known.clone();
        }
        let closure = self.walk(top);
        self.closures.borrow_mut().insert(key, closure.clone());
        closure
    }

    /// Every existing directory that a search without RPATH may use, in order.
    pub fn directories(&self) -> Vec<RootPath> {
        let Options { library_path, extra_directories, .. } = &self.options;
        let all = library_path.iter().chain(&self.configured);
        let all = all.chain(&self.loader.directories).chain(extra_directories);
        let mut found: Vec<RootPath> = Vec::new();
        for directory in all {
            let is_directory = |f: Resolved| f.kind == Kind::Directory;
            if !found.contains(directory) && self.root.find(directory).is_some_and(is_directory) {
                found.push(directory.clone());
            }
        }
        found
    }

    /// What the dynamic linker of this root puts for `$LIB`.
    pub fn origin_lib(&self) -> String {
        self.loader.lib.clone()
    }

    /// What it puts for `$PLATFORM` on the CPU that the guest sees.
    pub fn platform(&self) -> &'static str {
        self.capabilities.platform
    }

    /// Replaces `$ORIGIN`, `$LIB` and `$PLATFORM` in a text of `library`.
    fn tokens(&self, library: &Library) -> Tokens<'_> {
        Tokens {
            origin: search::origin(&library.file.path, &library.found, &library.elf),
            lib: &self.loader.lib,
            platform: self.capabilities.platform,
        }
    }

    /// Whether a name is that of the dynamic linker itself, which is loaded before all others.
    fn is_loader(&self, name: &str) -> bool {
        let path = RootPath::literal(self.tuple.interpreter());
        self.loader.file.is_some() && path.file_name().is_some_and(|n| n == name)
    }
}

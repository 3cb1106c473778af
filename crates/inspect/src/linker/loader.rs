//! What the dynamic linker of a root has built in: its directories, cache and `$LIB`.
//!
//! Distributions configure these (`slibdir`, `LD_SO_CACHE`, Debian's multiarch); the binary has them as strings, so it
//! is asked first. [`FALLBACK_DIRECTORIES`] serves where it cannot be read or does not look like glibc's.

use crate::elf;
use crate::root::{Filesystem, Identity, Kind, Resolved};
use plan::{RootPath, Tuple};
use std::cell::RefCell;
use std::collections::HashMap;
use std::ffi::{CStr, OsStr};
use std::ops::Deref;
use std::os::unix::ffi::OsStrExt;
use std::rc::Rc;

/// Where caches are known to be. `%` stands for the GNU name of the architecture.
const CACHES: &[&str] = &[
    // Exherbo has a cache per architecture.
    "/etc/ld-%.cache",
    "/etc/ld.so.cache",
    // Clear Linux.
    "/var/cache/ldconfig/ld.so.cache",
];

/// Where configurations are known to be.
const CONFIGURATIONS: &[&str] = &[
    "/etc/ld.so.conf",
    // Solus.
    "/usr/share/defaults/etc/ld.so.conf",
];

/// Default directories of Debian, of distributions with `lib64` or `lib32`, and of the others.
/// `%` stands for the multiarch tuple.
const FALLBACK_DIRECTORIES: &[(Tuple, &[&str])] = &[
    (Tuple::X86_64, &["/lib/%", "/usr/lib/%", "/lib64", "/usr/lib64", "/lib", "/usr/lib"]),
    (Tuple::I386, &["/lib/%", "/usr/lib/%", "/lib32", "/usr/lib32", "/lib", "/usr/lib"]),
    (Tuple::Aarch64, &["/lib/%", "/usr/lib/%", "/lib64", "/usr/lib64", "/lib", "/usr/lib"]),
];

thread_local! {
    /// What was read, for as long as the process lives: see `elf::read_known`.
    static KNOWN: RefCell<HashMap<(Identity, Tuple), Rc<BuiltIn>>> = RefCell::default();
}

/// The dynamic linker of a root.
#[derive(Debug)]
pub(super) struct Loader {
    pub(super) file: Option<Resolved>,
    built_in: Rc<BuiltIn>,
}

/// What it has built in.
#[derive(Debug)]
pub(super) struct BuiltIn {
    /// Default directories, in the order of the search.
    pub(super) directories: Vec<RootPath>,
    /// What `$LIB` stands for.
    pub(super) lib: String,
    /// Places of the cache, the built-in one first.
    pub(super) caches: Vec<RootPath>,
    /// Whether it knows `glibc-hwcaps` (2.33 and later).
    pub(super) has_hwcaps: bool,
    /// Whether it knows the older subdirectories such as `tls` and `i686` (before 2.37).
    pub(super) has_legacy: bool,
    /// The names that `$PLATFORM` can have beside the kernel's.
    pub(super) platforms: Vec<&'static str>,
}

impl Deref for Loader {
    type Target = BuiltIn;

    fn deref(&self) -> &BuiltIn {
        &self.built_in
    }
}

impl Loader {
    pub(super) fn of(root: &dyn Filesystem, tuple: Tuple) -> Self {
        let path = RootPath::literal(tuple.interpreter());
        let file = root.find(&path).filter(|f| f.kind == Kind::File);
        match file.as_ref().and_then(|f| BuiltIn::of(root, tuple, f)) {
            Some(built_in) => Self { file, built_in },
            None => Self { file: None, built_in: Rc::new(BuiltIn::assumed(tuple)) },
        }
    }
}

impl BuiltIn {
    /// `None`: it is none of this architecture.
    fn of(root: &dyn Filesystem, tuple: Tuple, file: &Resolved) -> Option<Rc<Self>> {
        let key = (file.identity, tuple);
        if let Some(known) = KNOWN.with_borrow(|known| known.get(&key).cloned()) {
            return Some(known);
        }
        let content = root.read(&file.path).ok()?;
        if elf::tuple_of(&content) != Some(tuple) {
            return None;
        }
        let read = Rc::new(Self::read(tuple, &content));
        // What only a plan or a manifest has is no file that could be told from another.
        if file.identity.inode != 0 {
            KNOWN.with_borrow_mut(|known| known.insert(key, read.clone()));
        }
        Some(read)
    }

    /// What is usual, for roots without a dynamic linker at the usual place.
    fn assumed(tuple: Tuple) -> Self {
        Self {
            directories: fallback_directories(tuple),
            lib: tuple.lib_dir().into(),
            caches: known_caches(tuple),
            has_hwcaps: true,
            has_legacy: false,
            platforms: Vec::new(),
        }
    }

    fn read(tuple: Tuple, content: &[u8]) -> Self {
        let strings = strings(content);
        let has = |text: &[u8]| strings.contains(&text);
        let directories = built_in_directories(&strings);
        // Ubuntu 12.04 has the first part twice.
        let multiarch = ["lib/lib", "lib"].map(|prefix| format!("{prefix}/{tuple}"));
        let lib = multiarch.into_iter().find(|lib| has(lib.as_bytes()));
        let lib = lib.or_else(|| lib_of(&directories)).unwrap_or_else(|| tuple.lib_dir().into());
        let built_in = strings.iter().filter_map(|s| as_cache(s));
        let mut caches: Vec<RootPath> = built_in.collect();
        for known in known_caches(tuple) {
            if !caches.contains(&known) {
                caches.push(known);
            }
        }
        let directories =
            if directories.is_empty() { fallback_directories(tuple) } else { directories };
        let platforms = tuple.platforms().iter().copied().filter(|p| has(p.as_bytes()));
        Self {
            directories,
            lib,
            caches,
            has_hwcaps: strings.iter().any(|s| contains(s, b"glibc-hwcaps")),
            has_legacy: has(b"tls"),
            platforms: platforms.collect(),
        }
    }
}

/// The texts between NUL bytes, in order. Of several empty ones that follow each other, one is kept: most
/// of the file is zeroes.
fn strings(content: &[u8]) -> Vec<&[u8]> {
    let mut found: Vec<&[u8]> = Vec::new();
    let mut rest = content;
    while !rest.is_empty() {
        // Finds the next NUL a word at a time.
        let end = CStr::from_bytes_until_nul(rest).map_or(rest.len(), |text| text.count_bytes());
        let text = printable_end(&rest[..end]);
        rest = rest.get(end + 1..).unwrap_or_default();
        if !text.is_empty() || found.last().is_some_and(|last| !last.is_empty()) {
            found.push(text);
        }
    }
    found
}

/// The part after the last byte that is no printable ASCII: strings may follow other data.
fn printable_end(piece: &[u8]) -> &[u8] {
    let start = piece.iter().rposition(|b| !(b' '..=b'~').contains(b)).map_or(0, |i| i + 1);
    &piece[start..]
}

fn contains(content: &[u8], text: &[u8]) -> bool {
    content.windows(text.len()).any(|w| w == text)
}

/// `system_dirs` of elf/dl-load.c: directories with a trailing slash, one after the other. The
/// longest such run is it, the earliest of several.
fn built_in_directories(strings: &[&[u8]]) -> Vec<RootPath> {
    let is_directory = |s: &&[u8]| {
        let text = s.len() > 2 && s.starts_with(b"/") && s.ends_with(b"/");
        text && s.windows(3).any(|w| w == b"lib") && !s.contains(&b' ') && !s.contains(&b'%')
    };
    let runs = strings.chunk_by(|a, b| is_directory(a) && is_directory(b));
    let runs = runs.filter(|run| run.first().is_some_and(is_directory));
    let longest = runs.reduce(|best, run| if run.len() > best.len() { run } else { best });
    let paths = longest.unwrap_or_default().iter();
    paths.filter_map(|s| RootPath::new(OsStr::from_bytes(s)).ok()).collect()
}

/// `$LIB` as the default directories tell it: glibc's Makefile takes the last part of `libdir`.
fn lib_of(directories: &[RootPath]) -> Option<String> {
    let usr = RootPath::literal("/usr");
    let below = directories.iter().find_map(|d| d.below(&usr))?;
    let last = below.file_name()?.to_str()?;
    Some(last.into())
}

/// A string that is the path of a cache.
fn as_cache(text: &[u8]) -> Option<RootPath> {
    let is_cache = text.starts_with(b"/") && text.ends_with(b".cache") && text.len() < 256;
    if is_cache { RootPath::new(OsStr::from_bytes(text)).ok() } else { None }
}

fn known_caches(tuple: Tuple) -> Vec<RootPath> {
    let gnu = match tuple {
        Tuple::X86_64 => "x86_64-pc-linux-gnu",
        Tuple::I386 => "i686-pc-linux-gnu",
        Tuple::Aarch64 => "aarch64-unknown-linux-gnueabi",
    };
    CACHES.iter().filter_map(|c| RootPath::new(c.replace('%', gnu)).ok()).collect()
}

fn fallback_directories(tuple: Tuple) -> Vec<RootPath> {
    let rows = FALLBACK_DIRECTORIES.iter().filter(|(t, _)| *t == tuple);
    rows.flat_map(|(_, list)| list.iter())
        .filter_map(|d| RootPath::new(d.replace('%', tuple.name())).ok())
        .collect()
}

/// The first configuration of `ldconfig` that the root has.
pub(super) fn configuration(root: &dyn Filesystem) -> Option<RootPath> {
    let known = CONFIGURATIONS.iter().map(|c| RootPath::literal(c));
    known.into_iter().find(|c| root.find(c).is_some_and(|f| f.kind == Kind::File))
}

//! The dynamic linker's cache and configuration as the container has them, without running
//! `ldconfig`.
//!
//! The cache is the runtime's own with the overrides put before it. An entry of the runtime that an
//! override shadows is left out altogether: `ld.so` (elf/dl-cache.c) prefers a copy in
//! `glibc-hwcaps` to one outside, wherever in the cache either is.

use inspect::elf;
use inspect::ld_cache::{self, Entry};
use inspect::linker::{Linker, Options};
use inspect::root::Root;
use plan::{ByteString, ContainerPath, RootPath, Tuple};
use std::collections::{BTreeMap, BTreeSet};
use std::ffi::OsStr;
use std::os::unix::ffi::OsStrExt;

/// Where distributions keep the cache, by who does so.
const CACHES: &[&str] = &[
    // Nearly all.
    "/etc/ld.so.cache",
    // Exherbo, one for each architecture.
    "/etc/ld-x86_64-pc-linux-gnu.cache",
    "/etc/ld-i686-pc-linux-gnu.cache",
    "/etc/ld-aarch64-unknown-linux-gnueabi.cache",
    // Clear Linux.
    "/var/cache/ldconfig/ld.so.cache",
];

/// Where distributions keep the configuration.
const CONFIGURATIONS: &[&str] = &[
    "/etc/ld.so.conf",
    // Solus.
    "/usr/share/defaults/etc/ld.so.conf",
];

/// Of `Entry::flags`: the bits that say which architecture and ABI (`_CACHE_FORMAT` in glibc's
/// dl-cache.h), without the library's type.
const ABI_MASK: i32 = 0xff00;

/// An override link as the dynamic linker is to see it.
pub(crate) struct Override {
    pub(crate) tuple: Tuple,
    /// Names under which it is asked for.
    pub(crate) names: Vec<String>,
    pub(crate) path: ContainerPath,
}

/// The cache of the container.
pub(crate) fn cache(
    runtime: &Root,
    tuples: &[Tuple],
    overrides: &[Override],
    hidden: &[RootPath],
) -> Vec<u8> {
    let mut shadowed: BTreeSet<(i32, &[u8])> = BTreeSet::new();
    let mut entries = vec![];
    for library in overrides {
        let flags = ld_cache::flags_for(library.tuple);
        for name in &library.names {
            if shadowed.insert((flags & ABI_MASK, name.as_bytes())) {
                entries.push(Entry {
                    name: name.as_str().into(),
                    path: ByteString(library.path.as_bytes().to_vec()),
                    flags,
                    hwcap: 0,
                    os_version: 0,
                    hwcaps_subdir: None,
                });
            }
        }
    }
    let hidden: BTreeSet<&RootPath> = hidden.iter().collect();
    let mut directories = BTreeMap::new();
    let own = own_entries(runtime, tuples);
    entries.extend(own.into_iter().filter(|entry| {
        !shadowed.contains(&(entry.flags & ABI_MASK, entry.name.as_bytes()))
            && !is_hidden(runtime, entry, &hidden, &mut directories)
    }));
    ld_cache::write(&entries)
}

/// Whether the file of an entry is hidden. Directories are resolved once each.
fn is_hidden(
    runtime: &Root,
    entry: &Entry,
    hidden: &BTreeSet<&RootPath>,
    directories: &mut BTreeMap<RootPath, RootPath>,
) -> bool {
    let Ok(path) = RootPath::new(entry.path.as_os_str()) else { return true };
    let (Some(parent), Some(name)) = (path.parent(), path.file_name()) else { return true };
    let real = directories
        .entry(parent)
        .or_insert_with_key(|parent| runtime.find(parent).map_or(parent.clone(), |d| d.path));
    real.join(name).is_ok_and(|path| hidden.contains(&path))
}

/// What the runtime's own cache has; where there is none that can be read, what `ldconfig` would put
/// into it.
fn own_entries(runtime: &Root, tuples: &[Tuple]) -> Vec<Entry> {
    let mut entries = vec![];
    for path in CACHES {
        let bytes = runtime.read(&RootPath::literal(path));
        if let Some(found) = bytes.ok().and_then(|b| ld_cache::parse(&b).ok()) {
            entries.extend(found);
        }
    }
    if entries.is_empty() {
        entries = tuples.iter().flat_map(|tuple| scan(runtime, *tuple)).collect();
    }
    entries
}

/// As `ldconfig -X`: files and links named like libraries in the directories that are searched,
/// where the name is the SONAME, so that no link has to be made.
fn scan(runtime: &Root, tuple: Tuple) -> Vec<Entry> {
    let Ok(linker) = Linker::new(runtime, tuple, Options::default()) else { return vec![] };
    let mut seen = BTreeSet::new();
    let mut entries = vec![];
    for directory in linker.directories() {
        for file in runtime.list(&directory).unwrap_or_default() {
            let Some(name) = library_name(&file.name) else { continue };
            let Ok(path) = directory.join(&file.name) else { continue };
            let Ok(elf) = elf::read(runtime, &path) else { continue };
            let named_so = elf.soname.as_deref().is_none_or(|soname| soname == name);
            if elf.tuple == Some(tuple) && named_so && seen.insert(name.to_owned()) {
                entries.push(Entry {
                    name: name.into(),
                    path: ByteString(path.as_bytes().to_vec()),
                    flags: ld_cache::flags_for(tuple),
                    hwcap: 0,
                    os_version: 0,
                    hwcaps_subdir: None,
                });
            }
        }
    }
    entries
}

/// The name of a file if `ldconfig` would look at it: `lib*.so*` or `ld-*.so*`.
fn library_name(name: &OsStr) -> Option<&str> {
    let name = std::str::from_utf8(name.as_bytes()).ok()?;
    let prefix = name.starts_with("lib") || name.starts_with("ld-");
    (prefix && (name.ends_with(".so") || name.contains(".so."))).then_some(name)
}

/// The configuration from which `ldconfig`, run in the container, makes the same search order.
pub(crate) fn configuration(runtime: &Root, overrides: &[ContainerPath]) -> Vec<u8> {
    let mut out = b"# Libraries of the graphics provider come first.\n".to_vec();
    for directory in overrides {
        out.extend_from_slice(directory.as_bytes());
        out.push(b'\n');
    }
    let own = CONFIGURATIONS.iter().find_map(|p| runtime.read(&RootPath::literal(p)).ok());
    if let Some(own) = own {
        out.extend_from_slice(b"# The runtime's own.\n");
        out.extend_from_slice(&own);
        if !own.is_empty() && !own.ends_with(b"\n") {
            out.push(b'\n');
        }
    }
    out
}

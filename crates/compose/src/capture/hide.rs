//! Which files of the runtime must not be seen because an override stands for them.
//!
//! A program can find a library of the runtime although the cache and the search path lead to the
//! override: by a RUNPATH, by `dlopen` of an absolute path, by a search of its own. Two copies of one
//! library in a process are worse than either.

use super::abi::Abi;
use inspect::elf;
use inspect::root::{Kind, Root};
use plan::{RootPath, Tuple};
use std::collections::{BTreeMap, BTreeSet};
use std::ffi::{OsStr, OsString};
use std::os::unix::ffi::OsStrExt;

/// Library directories that are not named after a Debian tuple, by architecture.
const OTHER_DIRECTORIES: &[(Tuple, &[&str])] = &[
    (Tuple::X86_64, &["x86_64-pc-linux-gnu/lib", "lib64"]),
    (Tuple::I386, &["i686-pc-linux-gnu/lib", "lib32"]),
    (Tuple::Aarch64, &["aarch64-unknown-linux-gnueabi/lib", "lib64"]),
];

/// The directories looked into, symbolic links resolved, each once.
fn directories(runtime: &Root, tuple: Tuple) -> Vec<RootPath> {
    let mut names = vec![
        format!("/lib/{tuple}"),
        format!("/usr/lib/{tuple}"),
        format!("/usr/lib/{tuple}/mesa"),
    ];
    for (_, others) in OTHER_DIRECTORIES.iter().filter(|(t, _)| *t == tuple) {
        for other in *others {
            names.push(format!("/{other}"));
            names.push(format!("/usr/{other}"));
        }
    }
    names.extend(["/lib".into(), "/usr/lib".into()]);
    let mut out = vec![];
    for name in names {
        let found = RootPath::new(&name).ok().and_then(|path| runtime.find(&path));
        let directory = found.filter(|f| f.kind == Kind::Directory).map(|f| f.path);
        out.extend(directory.filter(|path| !out.contains(path)));
    }
    out
}

/// The files and links that are to be hidden. `aliases` are further names that stand for an override.
pub(crate) fn hidden(runtime: &Root, abi: &Abi<'_>, aliases: &BTreeSet<String>) -> Vec<RootPath> {
    let overridden = |name: &OsStr| {
        name.to_str().is_some_and(|n| abi.taken().contains_key(n) || aliases.contains(n))
    };
    let mut out = vec![];
    for directory in directories(runtime, abi.tuple) {
        let found = look(runtime, &directory);
        let mut hide: BTreeSet<&OsStr> = BTreeSet::new();
        for (name, target) in &found {
            let target = target.as_deref().map(last_component);
            let meant = overridden(name) || target.is_some_and(overridden);
            if meant && is_for(runtime, abi.tuple, &directory, name) {
                hide.insert(name);
                // What it leads to is the same library by its full name.
                hide.extend(
                    target.and_then(|t| found.get_key_value(t)).map(|(n, _)| n.as_os_str()),
                );
            }
        }
        // Links that would dangle now.
        for (name, target) in &found {
            if target.as_deref().is_some_and(|target| hide.contains(target)) {
                hide.insert(name);
            }
        }
        out.extend(hide.into_iter().filter_map(|name| directory.join(name).ok()));
    }
    out
}

/// The libraries of a directory: name → text of the link, if it is one.
fn look(runtime: &Root, directory: &RootPath) -> BTreeMap<OsString, Option<OsString>> {
    let mut out = BTreeMap::new();
    for entry in runtime.list(directory).unwrap_or_default() {
        let name = entry.name.as_bytes();
        let library = name.starts_with(b"lib")
            && (name.ends_with(b".so") || name.windows(4).any(|w| w == b".so."));
        if !library || !matches!(entry.kind, Kind::File | Kind::Symlink) {
            continue;
        }
        let target = (entry.kind == Kind::Symlink)
            .then(|| directory.join(&entry.name).ok())
            .flatten()
            .and_then(|path| runtime.lookup(&path).ok())
            .and_then(|found| found.link);
        out.insert(entry.name, target);
    }
    out
}

/// Directories such as `/usr/lib` can have libraries of either word size. A dangling link is of any.
fn is_for(runtime: &Root, tuple: Tuple, directory: &RootPath, name: &OsStr) -> bool {
    if directory.file_name().is_some_and(|d| d == tuple.name()) {
        return true;
    }
    let elf = directory.join(name).ok().map(|path| elf::read(runtime, &path));
    match elf {
        Some(Ok(elf)) => elf.tuple == Some(tuple),
        _ => true,
    }
}

fn last_component(target: &OsStr) -> &OsStr {
    let bytes = target.as_bytes();
    OsStr::from_bytes(bytes.rsplit(|b| *b == b'/').next().unwrap_or(bytes))
}

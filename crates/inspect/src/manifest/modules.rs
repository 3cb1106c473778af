//! Driver modules that are found by directory and file name: DRI, GBM, VA-API, VDPAU.
//!
//! The loaders (Mesa's libGL, libEGL and libgbm, libva, libvdpau) have their directory compiled in;
//! it is beside the loader itself, which is how it is found here without executing anything.

mod rules;

use super::dirs::Candidate;
use super::{Directory, Environment, Place, Reason, Search};
use crate::elf;
use crate::linker::Linker;
use crate::root::{Identity, Resolved, Root};
use plan::{RootPath, Tuple};
use std::collections::BTreeMap;

/// What a module is for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Api {
    /// Mesa's OpenGL drivers.
    Dri,
    /// Back ends of libgbm.
    Gbm,
    /// Video decoding by libva.
    VaApi,
    /// Video decoding by libvdpau.
    Vdpau,
}

/// A module of the wanted architecture.
#[derive(Clone, Debug)]
pub struct Module {
    /// Directory and name as found, links not resolved. Modules that are links to, or hard links
    /// of, one file are all listed: loaders choose by name.
    pub path: RootPath,
    /// The file itself.
    pub file: Resolved,
    /// What it is for.
    pub api: Api,
    /// The search rule that led to it.
    pub origin: String,
}

/// Everything that was looked at for one API.
#[derive(Clone, Debug, Default)]
pub struct Scan {
    /// Directories in the order of the search, without those that are missing.
    pub directories: Vec<Directory>,
    /// What can be used, by directory and then by name.
    pub modules: Vec<Module>,
    /// What has the name of a module and cannot be used.
    pub rejected: Vec<(RootPath, Reason)>,
}

/// The modules of one API for the linker's architecture.
pub fn find(root: &Root, linker: &Linker<'_>, env: &Environment, api: Api) -> Vec<Module> {
    scan(root, linker, env, api).modules
}

/// The directories of one API in search order, without those that are missing. Libvdpau also takes
/// drivers that the dynamic linker finds, which these directories need not have.
pub fn directories(
    root: &Root,
    linker: &Linker<'_>,
    env: &Environment,
    api: Api,
) -> Vec<Directory> {
    rules::directories(&Search::new(root, env), linker, rules::of(api)).0
}

/// The modules of one API, with what was rejected.
pub fn scan(root: &Root, linker: &Linker<'_>, env: &Environment, api: Api) -> Scan {
    let search = Search::new(root, env);
    let rule = rules::of(api);
    let (directories, overridden) = rules::directories(&search, linker, rule);
    let wanted = |name: &[u8]| rule.matches(name);
    let mut files: Vec<_> = directories.iter().flat_map(|d| search.files(d, &wanted)).collect();
    if api == Api::Vdpau && !overridden {
        files.extend(vdpau_by_name(&search, linker, &directories));
    }
    let mut check = Check { root, tuple: linker.tuple(), known: BTreeMap::new() };
    let (mut modules, mut rejected) = (Vec::new(), Vec::new());
    for Candidate { path, origin, .. } in files {
        match rule.quirk(&path).map_or_else(|| check.file(&path), Err) {
            Ok(file) => modules.push(Module { path, file, api, origin }),
            Err(why) => rejected.push((path, why)),
        }
    }
    Scan { directories, modules, rejected }
}

/// Drivers that libvdpau finds through the dynamic linker, in directories not searched yet.
fn vdpau_by_name(
    search: &Search<'_>,
    linker: &Linker<'_>,
    searched: &[Directory],
) -> Vec<Candidate> {
    let mut names: Vec<String> =
        ["libvdpau_*.so", "libvdpau_*.so.1"].iter().flat_map(|g| linker.matching(g)).collect();
    if let Some(driver) = search.env.filled("VDPAU_DRIVER").and_then(|d| d.to_str()) {
        names.push(format!("libvdpau_{driver}.so"));
    }
    names.extend(rules::VDPAU_DRIVERS.iter().map(|d| format!("libvdpau_{d}.so")));
    let mut out: Vec<Candidate> = Vec::new();
    for name in names {
        let Ok(library) = linker.find(&name, None) else { continue };
        let directory = library.found.parent().and_then(|d| search.root.find(&d));
        let known = directory.is_some_and(|d| searched.iter().any(|s| s.real == d.path));
        if !known && !out.iter().any(|c| c.path == library.found) {
            let (path, place) = (library.found, Place::Root);
            out.push(Candidate { path, place, origin: format!("{name} by {}", library.via) });
        }
    }
    out
}

/// Looks into the files of one scan. Many modules are links to one file, which is read once.
struct Check<'r> {
    root: &'r Root,
    tuple: Tuple,
    known: BTreeMap<Identity, Result<(), Reason>>,
}

impl Check<'_> {
    fn file(&mut self, path: &RootPath) -> Result<Resolved, Reason> {
        let file = self.root.resolve(path).map_err(Reason::Unreadable)?;
        let (root, tuple) = (self.root, self.tuple);
        let known = self.known.entry(file.identity);
        known.or_insert_with(|| loadable(root, &file.path, tuple)).clone().map(|()| file)
    }
}

/// Whether a file is a shared object of an architecture.
fn loadable(root: &Root, path: &RootPath, tuple: Tuple) -> Result<(), Reason> {
    let elf = elf::read(root, path)?;
    if elf.tuple != Some(tuple) {
        return Err(Reason::Architecture { found: elf.tuple, tuple });
    }
    match elf.kind {
        elf::Kind::SharedObject => Ok(()),
        elf::Kind::Executable | elf::Kind::Other => Err(Reason::NotShared),
    }
}

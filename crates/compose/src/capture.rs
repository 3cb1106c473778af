//! What of the graphics provider is brought into the container: libraries, drivers, manifests, data.
//!
//! Everything is decided from two roots by reading files: which libraries of the provider are newer
//! than the runtime's own, which drivers and layers the provider has for each architecture, what of
//! the runtime they hide. The result is a description of layer entries, an environment, and a record
//! of every decision. This module must not write, execute, or know how the layer is stacked.

pub(crate) mod abi;
mod aliases;
pub(crate) mod compare;
mod data;
mod hide;
mod modules;
mod pass;
pub(crate) mod patterns;
pub(crate) mod place;
pub(crate) mod stub;
pub(crate) mod work;

use crate::graphics;
use crate::knowledge::Knowledge;
use crate::ldso::{self, Override};
use inspect::manifest;
use inspect::root::Root;
use plan::{
    Code, ContainerPath, Decision, Environment, HostPath, LayerEntry, Origin, Preload, Problem,
    RootPath, Tuple,
};
use serde::{Deserialize, Serialize};
use std::collections::{BTreeMap, BTreeSet};
use work::Work;

/// What the capture is decided from.
pub struct Input<'a> {
    /// Architectures by whose drivers they have, the primary one's group first.
    pub groups: Vec<Group<'a>>,
    /// The host's root, which may be a provider. The user's own directories are in it.
    pub host: &'a Root,
    /// The runtime, untouched.
    pub runtime: &'a Root,
    /// Where the override links are in the container, as the runtime's programs name the place:
    /// `/usr/lib/pressure-vessel/overrides`.
    pub overrides: ContainerPath,
    /// The variables that say where drivers are looked for.
    pub environment: &'a manifest::Environment,
    /// Whether Vulkan layers of the provider are imported, and the places that have them hidden.
    pub import_vulkan_layers: bool,
    /// Whether the provider's OpenXR 1 runtime is imported.
    pub import_openxr_runtimes: bool,
    /// Whether the provider's OpenXR 1 API layers are imported.
    pub import_openxr_layers: bool,
    /// Modules for the dynamic linker, as the provider knows them: what they need is brought too.
    pub modules: Vec<Preload>,
    /// Directories whose libraries are stubs of thunks, beside those known by name.
    pub stubs: Vec<HostPath>,
    /// The architecture of the machine, where emulated programs can call into its own drivers and
    /// see the host's system directories: these drivers are listed after all others.
    pub thunks: Option<Tuple>,
}

/// Architectures that have the same drivers.
pub struct Group<'a> {
    /// The root whose drivers are used, the host's in most launches. `None`: nothing is brought in,
    /// the runtime's own drivers are used.
    pub provider: Option<&'a Root>,
    /// Where the container shows the provider: `/run/host` or below `/run/gfx`. Its `usr`, `bin`,
    /// `sbin`, `lib*` and `etc` are there.
    pub mount: ContainerPath,
    /// The architectures, the primary one first.
    pub tuples: Vec<Tuple>,
    /// What they are for.
    pub part: Part,
    /// What the provider's manifest says of an architecture.
    pub settings: BTreeMap<Tuple, Settings>,
}

/// What a group of architectures is for.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Part {
    /// Programs of the game.
    Guest,
    /// The emulator: what it needs is brought even where the runtime has nothing of its
    /// architecture.
    Emulator {
        /// SONAMEs that it asks for.
        libraries: Vec<String>,
        /// Its programs on the host, whose dependencies it needs too.
        programs: Vec<RootPath>,
    },
}

/// What `graphics_provider_v0` can say of one architecture; nothing by default.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Settings {
    /// The directory of DRI modules.
    pub dri: Option<RootPath>,
    /// The directory of GBM back ends.
    pub gbm: Option<RootPath>,
    /// The directory of character-set converters.
    pub gconv: Option<RootPath>,
    /// Directories in which libraries are looked for last.
    pub fallback_library_paths: Option<Vec<RootPath>>,
    /// Whether VA-API drivers are left alone.
    pub no_va_api: bool,
    /// Whether VDPAU drivers are left alone.
    pub no_vdpau: bool,
}

/// What comes of it. Its serialised form is for [`crate::memory`].
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
pub struct Captured {
    /// What the layer has, by path from the container's root. Paths that replace something of the
    /// runtime are free of the runtime's symbolic links, so on a non-merged runtime they may be
    /// below `/lib` as well as `/usr`. Hidden files are in `hidden`, not here.
    pub entries: BTreeMap<RootPath, LayerEntry>,
    /// Files of the runtime that must not be seen, each free of symbolic links in its directories.
    pub hidden: Vec<RootPath>,
    /// Search paths of the loaders. `XDG_DATA_DIRS` and `XDG_CONFIG_DIRS`, where set, already contain
    /// the inherited value or its default; whoever adds to them must start from here.
    pub environment: Environment,
    /// The architectures that work, in the order asked for. Never empty.
    pub tuples: Vec<Tuple>,
    /// The architectures asked for that do not, with the reason.
    pub left_out: Vec<(Tuple, String)>,
    /// Whose C library each architecture runs with.
    pub glibc: BTreeMap<Tuple, Origin>,
    /// Why each library, module and manifest was taken or not.
    #[serde(skip)]
    pub decisions: Vec<Decision>,
    /// What the user should be told.
    pub warnings: Vec<Problem>,
    /// The content of the container's `/etc/ld.so.cache`.
    #[serde(skip)]
    pub ld_cache: Vec<u8>,
    /// The content of the container's `/etc/ld.so.conf`, from which `ldconfig` would make the same
    /// cache.
    #[serde(skip)]
    pub ld_conf: Vec<u8>,
    /// Directories for `LD_LIBRARY_PATH`, in order. The override directories need not be in it as
    /// the cache has them; aliases do.
    pub library_path: Vec<ContainerPath>,
    /// Directories that would show manifests a second time; an empty file system hides each. Only
    /// those that exist and are neither in `/usr` nor in `/etc`.
    pub masked: Vec<ContainerPath>,
    /// What links point at that is not below the provider's mount: it must be shared read-only.
    pub exports: Vec<Export>,
}

/// A directory or file of the provider that must be seen at a place in the container.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub struct Export {
    /// Where the host has it, resolved.
    pub source: HostPath,
    /// Where the container must have it.
    pub at: ContainerPath,
}

/// Why nothing can be captured.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Error {
    /// The runtime has none of the architectures asked for.
    #[error("the runtime has none of the architectures asked for")]
    NoArchitecture {
        /// Each with the reason.
        left_out: Vec<(Tuple, String)>,
    },
    /// The host lacks something that the emulator cannot run without.
    #[error("the emulator needs {name} for {tuple}, which the host does not have")]
    Required {
        /// The emulator's architecture.
        tuple: Tuple,
        /// A library, or the dynamic linker.
        name: String,
        /// Where it was looked for.
        tried: Vec<String>,
    },
}

impl From<Error> for Problem {
    fn from(error: Error) -> Self {
        let cause = error.to_string();
        match error {
            Error::NoArchitecture { left_out } => {
                let problem = Problem::blocking(Code::WRONG_ARCHITECTURE, cause)
                    .hint("choose a runtime for this architecture, or ask for one that it has");
                left_out.into_iter().fold(problem, |p, (t, why)| p.evidence(format!("{t}: {why}")))
            }
            Error::Required { tuple, name, tried } => {
                let problem = Problem::blocking(Code::EMULATOR_LIBRARY_MISSING, cause).hint(format!(
                    "install the {tuple} package that has {name}, or correct the emulator's manifest"
                ));
                tried.into_iter().fold(problem, Problem::evidence)
            }
        }
    }
}

/// Decides what is brought in.
///
/// # Errors
/// When the runtime has none of the architectures, or the host lacks what the emulator needs.
pub fn capture(input: &Input<'_>) -> Result<Captured, Error> {
    let mut knowledge = Knowledge::built_in();
    let mut out = Captured::default();
    if input.groups.iter().any(|g| g.provider.is_some()) {
        merge_knowledge(input.runtime, &mut knowledge, &mut out);
    }
    let mut works: Vec<Work<'_>> = vec![];
    for group in &input.groups {
        let mut work = Work::new(input, group, works.len(), std::mem::take(&mut out));
        pass::run(&mut work, &knowledge)?;
        out = std::mem::take(&mut work.out);
        works.push(work);
    }
    if out.tuples.is_empty() {
        return Err(Error::NoArchitecture { left_out: out.left_out });
    }
    graphics::modules::vdpau_path(&works, &mut out);
    if let Some(tuple) = input.thunks {
        graphics::native::append(input, tuple, &mut out);
    }
    Ok(finish(input, works, out))
}

/// Links, aliases, hidden files, cache: what follows from the libraries taken.
fn finish(input: &Input<'_>, mut works: Vec<Work<'_>>, mut out: Captured) -> Captured {
    let mut overrides = vec![];
    let mut directories = vec![];
    let mut exports = BTreeSet::new();
    for mut work in works.drain(..) {
        work.out = std::mem::take(&mut out);
        finish_group(&mut work, &mut overrides, &mut directories);
        out = std::mem::take(&mut work.out);
        exports.extend(work.places.into_exports());
    }
    // A path that the layer replaces needs no hiding.
    let entries = &out.entries;
    out.hidden.retain(|path| !entries.contains_key(path));
    out.hidden.sort_unstable();
    out.hidden.dedup();
    let natives = input.groups.iter().filter(|g| g.part != Part::Guest).flat_map(|g| &g.tuples);
    let tuples: Vec<Tuple> = out.tuples.iter().chain(natives).copied().collect();
    out.ld_cache = ldso::cache(input.runtime, &tuples, &overrides, &out.hidden);
    out.ld_conf = ldso::configuration(input.runtime, &directories);
    out.library_path = directories.iter().map(|d| d.at("aliases")).collect();
    out.decisions.sort_by(|a, b| a.subject.cmp(&b.subject));
    out.masked.sort_unstable();
    out.exports = exports.into_iter().collect();
    out
}

fn finish_group(
    work: &mut Work<'_>,
    overrides: &mut Vec<Override>,
    directories: &mut Vec<ContainerPath>,
) {
    for abi in 0..work.abis.len() {
        let tuple = work.abis[abi].tuple;
        let taken = work.abis[abi].taken().clone();
        directories.push(work.container(&format!("lib/{tuple}")));
        for (name, library) in taken {
            let target = work.places.provider(&library.file.path);
            let tail = format!("lib/{tuple}/{name}");
            work.link(work.overrides(&tail), &target);
            let soname = library.elf.soname.clone().filter(|soname| *soname != name);
            let names = std::iter::once(name).chain(soname).collect();
            overrides.push(Override { tuple, names, path: work.container(&tail) });
        }
    }
    let aliases = aliases::link(work);
    for (abi, aliases) in aliases.iter().enumerate() {
        let abi = &work.abis[abi];
        let at = |name: &str| work.container(&format!("lib/{}/{name}", abi.tuple)).to_string();
        work.out.decisions.extend(abi.finished(at));
        if let Some(aliases) = aliases {
            work.out.hidden.extend(hide::hidden(work.input.runtime, abi, aliases));
        }
    }
}

/// Where a runtime has knowledge of its own about libraries.
const KNOWLEDGE: &str = "/usr/lib/steamrt/libcapsule-knowledge.keyfile";

fn merge_knowledge(runtime: &Root, knowledge: &mut Knowledge, out: &mut Captured) {
    let path = RootPath::literal(KNOWLEDGE);
    let merged = match runtime.read(&path) {
        Err(error) if error.is_absent() => return,
        Err(error) => Err(error.to_string()),
        Ok(bytes) => knowledge.merge(&bytes).map_err(|e| e.to_string()),
    };
    if let Err(why) = merged {
        let cause = format!("the runtime's {KNOWLEDGE} is not used: {why}");
        out.warnings.push(Problem::warning(Code::UNREADABLE, cause));
    }
}

#[cfg(test)]
mod tests;

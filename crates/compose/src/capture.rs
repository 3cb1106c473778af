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
pub(crate) mod patterns;
pub(crate) mod place;
pub(crate) mod work;

use crate::knowledge::Knowledge;
use crate::ldso::{self, Override};
use crate::{glibc, graphics};
use abi::Abi;
use inspect::linker::{Linker, Options};
use inspect::manifest;
use inspect::root::Root;
use patterns::When;
use plan::{
    Code, ContainerPath, Decision, Environment, HostPath, LayerEntry, Origin, Problem, RootPath,
    Subject, Tuple, Verdict,
};
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;
use std::ffi::OsStr;
use std::os::unix::ffi::OsStrExt;
use work::Work;

/// What the capture is decided from.
pub struct Input<'a> {
    /// The root whose drivers are used, the host's in most launches. `None`: nothing is brought in,
    /// the runtime's own drivers are used.
    pub provider: Option<&'a Root>,
    /// The host's root, which may be the provider. The user's own directories are in it.
    pub host: &'a Root,
    /// Where the container shows the provider: `/run/host` or `/run/gfx`. Its `usr`, `bin`, `sbin`,
    /// `lib*` and `etc` are there.
    pub provider_mount: ContainerPath,
    /// The runtime, untouched.
    pub runtime: &'a Root,
    /// The architectures asked for, the primary one first.
    pub tuples: Vec<Tuple>,
    /// Where the override links are in the container: `/usr/lib/pressure-vessel/overrides`.
    pub overrides: ContainerPath,
    /// The variables that say where drivers are looked for.
    pub environment: &'a manifest::Environment,
    /// Whether Vulkan layers of the provider are imported, and the places that have them hidden.
    pub import_vulkan_layers: bool,
    /// Whether the provider's OpenXR 1 runtime is imported.
    pub import_openxr_runtimes: bool,
    /// Whether the provider's OpenXR 1 API layers are imported.
    pub import_openxr_layers: bool,
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
    /// What links point at that is not below `provider_mount`: it must be shared read-only.
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
}

impl From<Error> for Problem {
    fn from(error: Error) -> Self {
        let mut problem = Problem::blocking(Code::WRONG_ARCHITECTURE, error.to_string())
            .hint("choose a runtime for this architecture, or ask for one that it has");
        let Error::NoArchitecture { left_out } = error;
        for (tuple, why) in left_out {
            problem = problem.evidence(format!("{tuple}: {why}"));
        }
        problem
    }
}

/// Decides what is brought in.
///
/// # Errors
/// When the runtime has none of the architectures.
pub fn capture(input: &Input<'_>) -> Result<Captured, Error> {
    let Some(provider) = input.provider else { return without_provider(input) };
    let mut knowledge = Knowledge::built_in();
    let mut work = Work::new(input, provider);
    merge_knowledge(input.runtime, &mut knowledge, &mut work.out);
    let mut runs = vec![];
    for tuple in &input.tuples {
        match linkers(input, provider, *tuple) {
            Ok(Linkers::Both(both)) => work.abis.push(Abi::new(both.0, both.1, &knowledge)),
            Ok(Linkers::RuntimeOnly(own, why)) => {
                work.out.glibc.insert(*tuple, Origin::Runtime);
                work.alone.push(*own);
                leave_out(&mut work.out, *tuple, why);
            }
            Err(why) => {
                leave_out(&mut work.out, *tuple, why);
                continue;
            }
        }
        runs.push(*tuple);
    }
    if runs.is_empty() {
        return Err(Error::NoArchitecture { left_out: work.out.left_out });
    }
    for abi in &mut work.abis {
        abi.capture_rows();
        capture_kernel_matched(input.host, abi);
        capture_texture_compression(abi);
    }
    if !work.abis.is_empty() {
        graphics::capture(&mut work);
        glibc::take_over(&mut work);
        data::capture(&mut work);
    }
    work.out.tuples = runs;
    Ok(finish(work))
}

/// Links, aliases, hidden files, cache: what follows from the libraries taken.
fn finish(mut work: Work<'_>) -> Captured {
    let runtime = work.input.runtime;
    let mut overrides = vec![];
    let mut directories = vec![];
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
    let aliases = aliases::link(&mut work);
    for (abi, aliases) in aliases.iter().enumerate() {
        let abi = &work.abis[abi];
        let at = |name: &str| work.container(&format!("lib/{}/{name}", abi.tuple)).to_string();
        work.out.decisions.extend(abi.finished(at));
        if let Some(aliases) = aliases {
            work.out.hidden.extend(hide::hidden(runtime, abi, aliases));
        }
    }
    // A path that the layer replaces needs no hiding.
    let entries = &work.out.entries;
    work.out.hidden.retain(|path| !entries.contains_key(path));
    work.out.hidden.sort();
    work.out.hidden.dedup();
    let mut out = work.out;
    out.ld_cache = ldso::cache(runtime, &out.tuples, &overrides, &out.hidden);
    out.ld_conf = ldso::configuration(runtime, &directories);
    out.library_path = directories.iter().map(|d| d.at("aliases")).collect();
    out.decisions.sort_by(|a, b| a.subject.cmp(&b.subject));
    out.masked.sort();
    out.exports = work.places.into_exports();
    out
}

/// Nothing is brought in: the runtime is used as it is.
fn without_provider(input: &Input<'_>) -> Result<Captured, Error> {
    let mut out = Captured::default();
    for tuple in &input.tuples {
        match own_linker(input.runtime, *tuple) {
            Ok(_) => {
                out.tuples.push(*tuple);
                out.glibc.insert(*tuple, Origin::Runtime);
            }
            Err(why) => leave_out(&mut out, *tuple, why),
        }
    }
    if out.tuples.is_empty() {
        return Err(Error::NoArchitecture { left_out: out.left_out });
    }
    out.ld_cache = ldso::cache(input.runtime, &out.tuples, &[], &[]);
    out.ld_conf = ldso::configuration(input.runtime, &[]);
    Ok(out)
}

/// The searches of one architecture.
enum Linkers<'a> {
    /// Of the provider and of the runtime.
    Both(Box<(Linker<'a>, Linker<'a>)>),
    /// Of the runtime, whose programs run with what it has itself, and why nothing is captured.
    RuntimeOnly(Box<Linker<'a>>, String),
}

/// # Errors
/// Why programs of this architecture cannot run at all.
fn linkers<'a>(input: &Input<'a>, provider: &'a Root, tuple: Tuple) -> Result<Linkers<'a>, String> {
    let own = own_linker(input.runtime, tuple)?;
    // Copies for better CPUs are left aside: a prepared layer may be used on another machine.
    let options = Options {
        library_path: library_path(input),
        extra_directories: extra_directories(tuple),
        hwcaps: false,
    };
    let why = match Linker::new(provider, tuple, options) {
        Ok(theirs) if theirs.interpreter().is_some() => {
            return Ok(Linkers::Both(Box::new((theirs, own))));
        }
        Ok(_) => format!("the graphics provider has no {}", tuple.interpreter()),
        Err(error) => error.to_string(),
    };
    let why = format!("{why}; only the runtime's own drivers serve it");
    Ok(Linkers::RuntimeOnly(Box::new(own), why))
}

fn own_linker(runtime: &Root, tuple: Tuple) -> Result<Linker<'_>, String> {
    let options = Options { hwcaps: false, ..Options::default() };
    let own = Linker::new(runtime, tuple, options).map_err(|e| e.to_string())?;
    match own.interpreter() {
        Some(_) => Ok(own),
        None => Err(format!("the runtime has no {}", tuple.interpreter())),
    }
}

/// The `LD_LIBRARY_PATH` of the launcher is about the host's libraries.
fn library_path(input: &Input<'_>) -> Vec<RootPath> {
    if input.provider.is_none_or(|p| p.path() != input.host.path()) {
        return vec![];
    }
    let value = input.environment.get("LD_LIBRARY_PATH").unwrap_or_default();
    let parts = value.as_bytes().split(|b| *b == b':');
    parts.filter_map(|part| RootPath::new(OsStr::from_bytes(part)).ok()).collect()
}

/// Looked into when the provider's cache does not have a library: it may be stale.
fn extra_directories(tuple: Tuple) -> Vec<RootPath> {
    let lib = if tuple.is_64_bit() { "/usr/lib64" } else { "/usr/lib32" };
    vec![RootPath::literal(lib), RootPath::literal("/usr/lib").at(tuple.name())]
}

fn leave_out(out: &mut Captured, tuple: Tuple, why: String) {
    out.decisions.push(Decision {
        subject: Subject::Architecture { tuple },
        candidates: vec![],
        verdict: Verdict::Rejected,
        why: why.clone(),
    });
    out.left_out.push((tuple, why));
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

/// NVIDIA's parts that are loaded by the version of the kernel module.
fn capture_kernel_matched(host: &Root, abi: &mut Abi<'_>) {
    let version = host.read(&RootPath::literal(patterns::NVIDIA_MODULE_VERSION)).ok();
    let version = version.and_then(|v| String::from_utf8(v).ok());
    let Some(version) = version.as_deref().map(str::trim).filter(|v| is_version(v)) else {
        return;
    };
    for name in patterns::NVIDIA_VERSIONED {
        let why = format!("the kernel module is version {version}");
        // Absent ones are of other releases of the driver.
        let _ = abi.capture_name(&format!("{name}.{version}"), When::Always, &why);
    }
}

fn is_version(text: &str) -> bool {
    !text.is_empty() && text.bytes().all(|b| b.is_ascii_digit() || b == b'.')
}

/// Old Mesa loads this for compressed textures; it is in no cache, as it has no SONAME of its own.
fn capture_texture_compression(abi: &mut Abi<'_>) {
    const NAME: &str = "libtxc_dxtn.so";
    for directory in abi.provider.directories() {
        if let Ok(library) = abi.provider.load(&directory.at(NAME)) {
            abi.capture_as(NAME, &library, "texture compression for older Mesa");
            return;
        }
    }
}

#[cfg(test)]
mod tests;

//! What of the graphics provider is brought into the container: libraries, drivers, manifests, data.
//!
//! Everything is decided from two roots by reading files: which libraries of the provider are newer
//! than the runtime's own, which drivers and layers the provider has for each architecture, what of
//! the runtime they hide. The result is a description of layer entries, an environment, and a record
//! of every decision. This module must not write, execute, or know how the layer is stacked.

use inspect::manifest;
use inspect::root::Root;
use plan::{
    Code, ContainerPath, Decision, Environment, HostPath, LayerEntry, Origin, Problem, RootPath,
    Tuple,
};
use std::collections::BTreeMap;

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

/// What comes of it.
#[derive(Clone, Debug, Default)]
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
    pub decisions: Vec<Decision>,
    /// What the user should be told.
    pub warnings: Vec<Problem>,
    /// The content of the container's `/etc/ld.so.cache`.
    pub ld_cache: Vec<u8>,
    /// The content of the container's `/etc/ld.so.conf`, from which `ldconfig` would make the same
    /// cache.
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
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
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
    let _ = input;
    Err(Error::NoArchitecture { left_out: vec![] })
}

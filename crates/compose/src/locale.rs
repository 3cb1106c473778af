//! Which compiled locales the container has, decided without generating any.

use inspect::root::Root;
use plan::{ContainerPath, Decision, Environment, LayerEntry, Origin, Problem, RootPath, Tuple};
use std::collections::BTreeMap;

/// What the locales are decided from.
pub struct Input<'a> {
    /// The runtime.
    pub runtime: &'a Root,
    /// The root whose locales may be used instead; `None`: there is no other than the runtime.
    pub provider: Option<&'a Root>,
    /// Where the container shows the provider.
    pub provider_mount: ContainerPath,
    /// Whose C library each architecture runs with, from [`crate::capture::Captured::glibc`].
    pub glibc: &'a BTreeMap<Tuple, Origin>,
    /// `LANG`, `LC_ALL`, `LC_*` as the command will have them, and locales asked for by option under
    /// any other name.
    pub requested: &'a BTreeMap<String, String>,
}

/// What comes of it.
#[derive(Clone, Debug, Default)]
pub struct Locales {
    /// What the layer has, as [`crate::capture::Captured::entries`].
    pub entries: BTreeMap<RootPath, LayerEntry>,
    /// `LOCPATH`, where needed.
    pub environment: Environment,
    /// One for each locale asked for.
    pub decisions: Vec<Decision>,
    /// Locales that neither root has.
    pub warnings: Vec<Problem>,
}

/// Decides which locales the container has.
pub fn decide(input: &Input<'_>) -> Locales {
    let _ = input;
    Locales::default()
}

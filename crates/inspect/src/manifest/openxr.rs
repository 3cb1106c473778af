//! The OpenXR 1 runtime and API layers, as the Khronos loader (`manifest_file.cpp`) finds them.

pub use super::LayerKind;
use super::{Directory, Environment, Found, LibraryPath};
use crate::root::Root;
use plan::Tuple;

/// A runtime.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Runtime {
    /// Where its library is.
    pub library_path: LibraryPath,
    /// Its name, where it has one.
    pub name: Option<String>,
    pub(super) kept: serde_json::Map<String, serde_json::Value>,
}

/// An API layer.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Layer {
    /// Its name, such as `XR_APILAYER_LUNARG_core_validation`.
    pub name: String,
    /// Where its library is.
    pub library_path: LibraryPath,
    pub(super) kept: serde_json::Map<String, serde_json::Value>,
}

impl Runtime {
    /// The manifest for the same runtime with its library at `library_path`.
    pub fn rewritten(&self, library_path: &str) -> Vec<u8> {
        let _ = library_path;
        vec![]
    }
}

impl Layer {
    /// The manifest for the same layer with its library at `library_path`.
    pub fn rewritten(&self, library_path: &str) -> Vec<u8> {
        let _ = library_path;
        vec![]
    }
}

/// The runtime's manifests for one architecture: at most one is loaded, the first; others that the
/// search comes across are reported as ignored.
pub fn runtimes(root: &Root, env: &Environment, tuple: Tuple) -> Vec<Found<Runtime>> {
    let _ = (root, env, tuple);
    vec![]
}

/// Every API layer's manifest, in the order of the search.
pub fn layers(root: &Root, env: &Environment, kind: LayerKind) -> Vec<Found<Layer>> {
    let _ = (root, env, kind);
    vec![]
}

/// The directories that [`layers`] reads, without those that are missing.
pub fn layer_directories(root: &Root, env: &Environment, kind: LayerKind) -> Vec<Directory> {
    let _ = (root, env, kind);
    vec![]
}

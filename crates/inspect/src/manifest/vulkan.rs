//! Vulkan drivers and layers, as the Khronos loader (`loader.c`, `loader_json.c`) finds them.

pub use super::LayerKind;
use super::{Directory, Environment, Found, LibraryPath};
use crate::root::Root;
use plan::Tuple;

/// A driver.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Icd {
    /// Version of the manifest's format.
    pub file_format_version: String,
    /// Where its library is.
    pub library_path: LibraryPath,
    /// The Vulkan version that it implements, not interpreted.
    pub api_version: String,
    /// Whether it implements Vulkan only with gaps (`VK_KHR_portability_subset`).
    pub is_portability_driver: bool,
    /// `32`, `64`, or absent.
    pub library_arch: Option<String>,
}

/// A layer.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Layer {
    /// Its name, such as `VK_LAYER_MESA_device_select`.
    pub name: String,
    /// Version of the manifest's format.
    pub file_format_version: String,
    /// Where its library is; `None` for a meta-layer, which only names other layers.
    pub library_path: Option<LibraryPath>,
    /// Layers that a meta-layer consists of.
    pub component_layers: Vec<String>,
    /// `32`, `64`, or absent.
    pub library_arch: Option<String>,
    pub(super) kept: serde_json::Map<String, serde_json::Value>,
}

/// Every driver manifest, in the order of the search.
pub fn icds(root: &Root, env: &Environment) -> Vec<Found<Icd>> {
    let _ = (root, env);
    vec![]
}

/// Every layer manifest, in the order of the search. A file can have several layers.
pub fn layers(root: &Root, env: &Environment, kind: LayerKind) -> Vec<Found<Vec<Layer>>> {
    let _ = (root, env, kind);
    vec![]
}

/// The directories that [`layers`] reads, without those that are missing.
pub fn layer_directories(root: &Root, env: &Environment, kind: LayerKind) -> Vec<Directory> {
    let _ = (root, env, kind);
    vec![]
}

impl Icd {
    /// The manifest for the same driver with its library at `library_path`.
    pub fn rewritten(&self, library_path: &str, tuple: Tuple) -> Vec<u8> {
        let _ = (library_path, tuple);
        vec![]
    }

    /// Whether the manifest's `library_arch` allows it for `tuple`.
    ///
    /// # Errors
    /// Why not.
    pub fn suits(&self, tuple: Tuple) -> Result<(), super::Reason> {
        let _ = tuple;
        Ok(())
    }
}

impl Layer {
    /// A manifest with only this layer, and its library at `library_path`.
    pub fn rewritten(&self, library_path: &str, tuple: Tuple) -> Vec<u8> {
        let _ = (library_path, tuple);
        vec![]
    }

    /// Whether the manifest's `library_arch` allows it for `tuple`.
    ///
    /// # Errors
    /// Why not.
    pub fn suits(&self, tuple: Tuple) -> Result<(), super::Reason> {
        let _ = tuple;
        Ok(())
    }
}

//! EGL vendors and external platforms, as libglvnd (`libeglvendor.c`) and NVIDIA's EGL find them.

use super::{Environment, Found, LibraryPath};
use crate::root::Root;

/// An EGL vendor or external platform.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Icd {
    /// Version of the manifest's format.
    pub file_format_version: String,
    /// Where its library is.
    pub library_path: LibraryPath,
}

impl Icd {
    /// The manifest for the same library at `library_path`.
    pub fn rewritten(&self, library_path: &str) -> Vec<u8> {
        let _ = library_path;
        vec![]
    }
}

/// Every vendor manifest, in the order of the search.
pub fn vendors(root: &Root, env: &Environment) -> Vec<Found<Icd>> {
    let _ = (root, env);
    vec![]
}

/// Every external platform's manifest, in the order of the search.
pub fn external_platforms(root: &Root, env: &Environment) -> Vec<Found<Icd>> {
    let _ = (root, env);
    vec![]
}

//! OpenCL drivers, as the Khronos ICD loader and ocl-icd find them: a file that names a library.

use super::{Environment, Found, LibraryPath};
use crate::root::Root;

/// A driver.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Vendor {
    /// Where its library is.
    pub library_path: LibraryPath,
}

impl Vendor {
    /// The `.icd` file for the same driver with its library at `library_path`.
    pub fn rewritten(&self, library_path: &str) -> Vec<u8> {
        format!("{library_path}\n").into_bytes()
    }
}

/// Every `.icd` file, in the order of the search.
pub fn vendors(root: &Root, env: &Environment) -> Vec<Found<Vendor>> {
    let _ = (root, env);
    vec![]
}

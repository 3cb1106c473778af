//! EGL vendors and external platforms, as libglvnd (`libeglvendor.c`) and NVIDIA's EGL find them.

use super::dirs::Candidate;
use super::json::{self, Object};
use super::search::{Base, leave_out_duplicates};
use super::{Environment, Found, LibraryPath, Locate, Reason, Search};
use crate::root::Root;
use plan::Tuple;

/// An EGL vendor or external platform.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Icd {
    /// Version of the manifest's format.
    pub file_format_version: String,
    /// Where its library is.
    pub library_path: LibraryPath,
}

/// Reads the manifest of a vendor or external platform.
///
/// # Errors
/// Why it cannot be used.
pub fn parse_icd(bytes: &[u8], locate: Locate<'_>) -> Result<Icd, Reason> {
    let manifest = json::parse(bytes)?;
    let file_format_version = json::version(&manifest, |v| v.starts_with("1.0."), "1.0.*")?;
    let icd = json::object(&manifest, "ICD")?;
    let library_path = json::filled(icd, "library_path", "ICD.library_path")?;
    Ok(Icd { file_format_version, library_path: locate(library_path)? })
}

impl Icd {
    /// The manifest for the same library at `library_path`.
    pub fn rewritten(&self, library_path: &str) -> Vec<u8> {
        let mut icd = Object::new();
        icd.insert("library_path".into(), library_path.into());
        json::written("1.0.0", "ICD", icd)
    }
}

/// Every vendor manifest, in the order of the search.
pub fn vendors(root: &Root, env: &Environment) -> Vec<Found<Icd>> {
    let search = Search::new(root, env);
    let mut usual = Vec::new();
    if search.is_flatpak() {
        for tuple in Tuple::ALL {
            search.fixed(&mut usual, &format!("/usr/lib/{tuple}/GL/glvnd/egl_vendor.d"));
        }
    } else {
        search.fixed(&mut usual, "/etc/glvnd/egl_vendor.d");
        search.fixed(&mut usual, "/usr/share/glvnd/egl_vendor.d");
    }
    find(&search, "__EGL_VENDOR_LIBRARY_FILENAMES", "__EGL_VENDOR_LIBRARY_DIRS", usual)
}

/// Every external platform's manifest, in the order of the search.
pub fn external_platforms(root: &Root, env: &Environment) -> Vec<Found<Icd>> {
    let search = Search::new(root, env);
    let mut usual = Vec::new();
    search.fixed(&mut usual, "/etc/egl/egl_external_platform.d");
    search.fixed(&mut usual, "/usr/share/egl/egl_external_platform.d");
    let files = "__EGL_EXTERNAL_PLATFORM_CONFIG_FILENAMES";
    find(&search, files, "__EGL_EXTERNAL_PLATFORM_CONFIG_DIRS", usual)
}

/// Files that one variable lists, else directories that another one lists, else the usual ones.
fn find(search: &Search<'_>, files: &str, dirs: &str, usual: Vec<Candidate>) -> Vec<Found<Icd>> {
    let files = search.listed(files).unwrap_or_else(|| {
        let directories = search.listed(dirs).unwrap_or(usual);
        search.manifests(&search.directories(directories, ""))
    });
    let read =
        |file| search.read(file, Base::AsFound, &|bytes, locate, _| parse_icd(bytes, locate));
    let mut found: Vec<_> = files.into_iter().map(read).collect();
    leave_out_duplicates(&mut found);
    found
}

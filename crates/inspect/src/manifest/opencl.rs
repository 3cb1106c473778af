//! OpenCL drivers, as the Khronos ICD loader and ocl-icd find them: a file that names a library.

use super::dirs::Candidate;
use super::search::{Base, leave_out_duplicates};
use super::{Environment, Found, LibraryPath, Locate, Reason, Search};
use crate::root::Root;

/// A driver.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Vendor {
    /// Where its library is.
    pub library_path: LibraryPath,
}

/// Reads an `.icd` file: the first line that is not blank names the library, by path or bare name.
///
/// # Errors
/// Why it cannot be used.
pub fn parse_vendor(bytes: &[u8], locate: Locate<'_>) -> Result<Vendor, Reason> {
    let mut lines = bytes.split(|b| *b == b'\n').map(<[u8]>::trim_ascii);
    let line = lines.find(|l| !l.is_empty()).ok_or(Reason::Empty("the file".into()))?;
    let bad = || Reason::LibraryPath(String::from_utf8_lossy(line).into_owned());
    let text = std::str::from_utf8(line).map_err(|_| bad())?;
    // A relative path would start from the working directory of whichever process loads it.
    if text.contains('/') && !text.starts_with('/') {
        return Err(bad());
    }
    Ok(Vendor { library_path: locate(text)? })
}

impl Vendor {
    /// The `.icd` file for the same driver with its library at `library_path`.
    pub fn rewritten(&self, library_path: &str) -> Vec<u8> {
        format!("{library_path}\n").into_bytes()
    }
}

/// Every `.icd` file, in the order of the search. `OCL_ICD_VENDORS` replaces the usual directory by
/// another one or by a single file; `OPENCL_VENDOR_PATH`, of ocl-icd, by another directory.
/// `OCL_ICD_FILENAMES` lists libraries, not manifests: it is for whoever passes it on.
pub fn vendors(root: &Root, env: &Environment) -> Vec<Found<Vendor>> {
    let search = Search::new(root, env);
    let replaced = ["OCL_ICD_VENDORS", "OPENCL_VENDOR_PATH"]
        .iter()
        .find_map(|variable| Some(search.single(env.filled(variable)?, variable)));
    let candidates = replaced.unwrap_or_else(|| {
        let mut usual = Vec::new();
        search.fixed(&mut usual, "/etc/OpenCL/vendors");
        usual
    });
    let is_file = |c: &Candidate| c.path.as_bytes().ends_with(b".icd");
    let (mut files, directories): (Vec<_>, Vec<_>) = candidates.into_iter().partition(is_file);
    for directory in search.directories(directories, "") {
        files.extend(search.files(&directory, &|name| name.ends_with(b".icd")));
    }
    let read =
        |file| search.read(file, Base::AsFound, &|bytes, locate, _| parse_vendor(bytes, locate));
    let mut found: Vec<_> = files.into_iter().map(read).collect();
    leave_out_duplicates(&mut found);
    found
}

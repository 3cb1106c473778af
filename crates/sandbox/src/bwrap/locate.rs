//! Which bwrap is used.

use crate::error::Error;
use crate::run::Options;
use rustix::fs::{Access, AtFlags, CWD, FileType, accessat, stat};
use std::os::unix::ffi::OsStrExt;
use std::path::{Path, PathBuf};

/// bwrap of the search path, then that which Flatpak has for itself.
const USUAL: [&str; 4] = [
    "bwrap",
    "/usr/local/libexec/flatpak-bwrap",
    "/usr/libexec/flatpak-bwrap",
    "/usr/lib/flatpak/flatpak-bwrap",
];

/// The first of the programs named in the options that exists (one without a slash is looked up in
/// the search path), or else the first of the usual ones.
///
/// # Errors
/// [`Error::BwrapMissing`] with every path that was tried.
pub(crate) fn locate(options: &Options) -> Result<PathBuf, Error> {
    let mut tried = Vec::new();
    let usual = USUAL.map(PathBuf::from);
    let usual = usual.iter().filter(|_| !options.only_named);
    for program in options.bwrap.iter().chain(usual) {
        let paths = if program.as_os_str().as_bytes().contains(&b'/') {
            vec![program.clone()]
        } else {
            options.search_path.iter().map(|directory| directory.join(program)).collect()
        };
        for path in paths {
            if is_program(&path) {
                return Ok(path);
            }
            tried.push(path.display().to_string());
        }
    }
    Err(Error::BwrapMissing { tried })
}

fn is_program(path: &Path) -> bool {
    let is_file =
        stat(path).is_ok_and(|s| FileType::from_raw_mode(s.st_mode) == FileType::RegularFile);
    is_file && accessat(CWD, path, Access::EXEC_OK, AtFlags::empty()).is_ok()
}

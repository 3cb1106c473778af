//! Which bwrap is used.

use crate::error::Error;
use crate::run::Options;
use rustix::fs::{Access, AtFlags, CWD, FileType, accessat, stat};
use std::os::unix::ffi::OsStrExt;
use std::path::{Path, PathBuf};

/// The first of the programs named in the options that exists (one without a slash is looked up in
/// the search path), or else `bwrap` in the search path.
///
/// # Errors
/// [`Error::BwrapMissing`] with every path that was tried.
pub(crate) fn locate(options: &Options) -> Result<PathBuf, Error> {
    let mut tried = Vec::new();
    let default = PathBuf::from("bwrap");
    for program in options.bwrap.iter().chain([&default]) {
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

//! Which program of the original stands behind one of ours.

use crate::note::NOTE;
use crate::place::ORIGINAL;
use std::path::{Path, PathBuf};

/// Where the program called `name` of the original is.
///
/// `executable` is this program as the kernel has it, `PREFIX/libexec/bathysphere/TUPLE/bathysphere`. A tree that
/// has replaced one leads to it; for any other the runtime that is started has one, in the directory
/// `runtime_base`. Where a program is not found, so is the first place where it was looked for.
///
/// # Errors
/// The places where it is not.
pub fn original(
    executable: &Path,
    name: &str,
    runtime_base: Option<&Path>,
) -> Result<PathBuf, Vec<PathBuf>> {
    let directory = options::place(name).directory().unwrap_or("bin");
    let below = Path::new(directory).join(name);
    let mut looked = vec![];
    if let Some(prefix) = executable.ancestors().nth(4) {
        let original = prefix.join(ORIGINAL);
        if original.symlink_metadata().is_ok() {
            looked.push(original.join(&below));
        }
    }
    if let Some(base) = runtime_base {
        let tree = base.join("pressure-vessel");
        // One that is ours would lead here again.
        if tree.join(NOTE).symlink_metadata().is_err() {
            looked.push(tree.join(&below));
        }
    }
    match looked.iter().find(|path| path.symlink_metadata().is_ok()) {
        Some(found) => Ok(found.clone()),
        None => Err(looked),
    }
}

//! A symbolic link; one that is there already must be the same.

use super::Root;
use crate::sys::{SysError, call};
use plan::{ByteString, ContainerPath};
use rustix::fs::{readlinkat, symlinkat};
use rustix::io::Errno;

pub(super) fn apply(
    root: &mut Root,
    at: &ContainerPath,
    target: &ByteString,
) -> Result<(), SysError> {
    let place = root.place(at)?;
    match symlinkat(target.as_os_str(), &place, place.path) {
        // EROFS wins over EEXIST on a read-only mount.
        Err(errno @ (Errno::EXIST | Errno::ROFS)) => {
            match readlinkat(&place, place.path, Vec::new()) {
                Ok(text) if text.as_bytes() == target.as_bytes() => Ok(()),
                _ => Err(SysError::new("symlinkat", format_args!("{target}, {at}"), errno)),
            }
        }
        other => call("symlinkat", format_args!("{target}, {at}"), other),
    }
}

//! An empty directory, unless there is one.

use super::Root;
use crate::sys::SysError;
use plan::ContainerPath;

pub(super) fn apply(root: &mut Root, at: &ContainerPath, mode: u32) -> Result<(), SysError> {
    root.directory(at, mode).map(drop)
}

//! An empty file system in memory.

use super::Root;
use crate::builtin::tmpfs;
use crate::sys::SysError;
use plan::ContainerPath;

pub(super) fn apply(root: &mut Root, at: &ContainerPath, mode: u32) -> Result<(), SysError> {
    root.mount_memory(tmpfs(mode)?, at)
}

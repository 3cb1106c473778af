//! Makes one mount read-only, after things were put into it. bwrap's `--remount-ro` adds `nosuid`
//! and `nodev` too, so this does.

use super::Root;
use super::remount::set_attributes;
use crate::sys::SysError;
use crate::sys::mount::Attributes;
use plan::ContainerPath;
use rustix::fs::OFlags;

pub(super) fn apply(root: &Root, at: &ContainerPath) -> Result<(), SysError> {
    let attributes = Attributes::RDONLY.and(Attributes::NOSUID).and(Attributes::NODEV);
    let mount = crate::sys::call("openat2", at, root.open(at, OFlags::PATH | OFlags::CLOEXEC))?;
    set_attributes(&mount, attributes, false, at)
}

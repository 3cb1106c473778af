//! A small file with its content, made in place.

use super::Root;
use crate::sys::{SysError, call, std_call};
use plan::{ByteString, ContainerPath};
use rustix::fs::{Mode, OFlags, fchmod, openat};
use std::io::Write;

pub(super) fn apply(
    root: &mut Root,
    at: &ContainerPath,
    content: &ByteString,
    mode: u32,
) -> Result<(), SysError> {
    let place = root.place(at)?;
    let flags = OFlags::WRONLY
        | OFlags::CREATE
        | OFlags::TRUNC
        | OFlags::NOFOLLOW
        | OFlags::NONBLOCK
        | OFlags::CLOEXEC;
    let mode = Mode::from_raw_mode(mode);
    let fd = call("openat", at, openat(&place, place.path, flags, mode))?;
    call("fchmod", at, fchmod(&fd, mode))?;
    std_call("write", at, std::fs::File::from(fd).write_all(content.as_bytes()))
}

//! Descriptors that a program was given by number.

use crate::sys::{SysError, call, fd};
use std::os::fd::{OwnedFd, RawFd};

/// Keeps it from programs that are executed.
///
/// # Errors
/// EBADF when it is not open.
pub fn keep(number: RawFd) -> Result<(), SysError> {
    call("fcntl", number, fd::set_close_on_exec(number, true))
}

/// Another descriptor for the same open file, close-on-exec and none of the standard three.
///
/// # Errors
/// EBADF when it is not open.
pub fn copy(number: RawFd) -> Result<OwnedFd, SysError> {
    call("fcntl", number, fd::duplicate_above(number, 3))
}

//! System calls that neither the standard library nor rustix offers as safe functions.
//!
//! The only unsafe code of the workspace's libraries. One wrapper for each call, nothing else: no
//! policy, no order of calls. Calls that rustix has are made where they are needed, and their errors
//! are dressed with [`call`].

#![allow(unsafe_code)]

pub(crate) mod fd;
pub(crate) mod heap;
pub(crate) mod mount;
#[cfg(all(panic = "abort", target_env = "musl"))]
mod name;
pub(crate) mod process;
pub(crate) mod signal;
pub(crate) mod time;
#[cfg(all(panic = "abort", target_env = "musl"))]
mod unwind;

use rustix::io::Errno;
use serde::{Deserialize, Serialize};
use std::fmt;

/// A system call that failed: which, with what, and how.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, thiserror::Error)]
pub struct SysError {
    /// The call, as its manual page is named.
    pub call: String,
    /// The arguments that matter, for a human reader.
    pub arguments: String,
    /// The kernel's error number, always positive.
    pub errno: i32,
}

impl fmt::Display for SysError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let error = std::io::Error::from_raw_os_error(self.errno);
        write!(f, "{}({}): {error}", self.call, self.arguments)
    }
}

impl SysError {
    /// The error `errno` of `call`, made with `arguments`.
    pub(crate) fn new(call: &str, arguments: impl fmt::Display, errno: Errno) -> Self {
        Self { call: call.into(), arguments: arguments.to_string(), errno: errno.raw_os_error() }
    }

    /// Whether this is one of these errors.
    pub(crate) fn is(&self, errnos: &[Errno]) -> bool {
        errnos.iter().any(|e| e.raw_os_error() == self.errno)
    }
}

/// Dresses the error of `result` with the call and its arguments, which are only written out when
/// there is one.
pub(crate) fn call<T>(
    name: &str,
    arguments: impl fmt::Display,
    result: Result<T, Errno>,
) -> Result<T, SysError> {
    result.map_err(|errno| SysError::new(name, arguments, errno))
}

/// As [`call`], for functions of the standard library.
pub(crate) fn std_call<T>(
    name: &str,
    arguments: impl fmt::Display,
    result: std::io::Result<T>,
) -> Result<T, SysError> {
    result.map_err(|error| {
        let errno = Errno::from_io_error(&error).unwrap_or(Errno::IO);
        SysError::new(name, arguments, errno)
    })
}

/// The error of the libc call that has just failed.
fn last_errno() -> Errno {
    Errno::from_io_error(&std::io::Error::last_os_error()).unwrap_or(Errno::IO)
}

/// The result of a system call made through libc: -1 means an error in `errno`.
fn check<T: PartialEq + From<i8>>(result: T) -> Result<T, Errno> {
    if result == T::from(-1) { Err(last_errno()) } else { Ok(result) }
}

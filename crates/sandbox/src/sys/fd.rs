//! Descriptors by number, and locks that belong to an open file description.

use super::check;
use rustix::io::Errno;
use std::os::fd::{AsRawFd, BorrowedFd, FromRawFd, OwnedFd, RawFd};

/// `CLOSE_RANGE_CLOEXEC` (linux/close_range.h), Linux 5.11.
const CLOSE_RANGE_CLOEXEC: libc::c_uint = 4;

/// Marks every descriptor from `first` on as close-on-exec. Allocates nothing.
///
/// Without `close_range` (older kernels, some seccomp filters) the descriptors are marked one by
/// one, up to the soft limit of open files or 65536, whichever is less.
pub(crate) fn mark_close_on_exec_from(first: RawFd) {
    let Ok(from) = libc::c_uint::try_from(first) else { return };
    // SAFETY: no memory is passed; only flags of descriptors change.
    let done = unsafe {
        libc::syscall(libc::SYS_close_range, from, libc::c_uint::MAX, CLOSE_RANGE_CLOEXEC)
    };
    if done == 0 {
        return;
    }
    let limit = rustix::process::getrlimit(rustix::process::Resource::Nofile).current;
    let limit = limit.unwrap_or(65536).min(65536);
    for fd in first..RawFd::try_from(limit).unwrap_or(65536) {
        // SAFETY: no memory is passed. A number that is not open gives EBADF, which is fine.
        unsafe { libc::fcntl(fd, libc::F_SETFD, libc::FD_CLOEXEC) };
    }
}

/// Closes every descriptor from `first` on. Only for a program that has just been started and whose
/// values own none of them.
pub(crate) fn close_from(first: RawFd) {
    let Ok(from) = libc::c_uint::try_from(first) else { return };
    // SAFETY: no memory is passed. No value of this process owns these numbers (see above).
    let done = unsafe { libc::syscall(libc::SYS_close_range, from, libc::c_uint::MAX, 0) };
    if done == 0 {
        return;
    }
    let limit = rustix::process::getrlimit(rustix::process::Resource::Nofile).current;
    let limit = limit.unwrap_or(65536).min(65536);
    for fd in first..RawFd::try_from(limit).unwrap_or(65536) {
        // SAFETY: as above; a number that is not open gives EBADF, which is fine.
        unsafe { libc::close(fd) };
    }
}

/// Closes a descriptor by number that this process was given and that no value owns.
pub(crate) fn close(fd: RawFd) {
    // SAFETY: no memory is passed; a number that is not open gives EBADF, which is fine. The number
    // came from whoever started this process, and is not used again.
    unsafe { libc::close(fd) };
}

/// Sets or clears close-on-exec on a descriptor by number. Allocates nothing.
pub(crate) fn set_close_on_exec(fd: RawFd, on: bool) -> Result<(), Errno> {
    let flags = if on { libc::FD_CLOEXEC } else { 0 };
    // SAFETY: no memory is passed; a number that is not open gives EBADF.
    check(unsafe { libc::fcntl(fd, libc::F_SETFD, flags) }).map(drop)
}

/// `fcntl(F_GETFD)`: whether the number is an open descriptor.
pub(crate) fn is_open(fd: RawFd) -> bool {
    // SAFETY: no memory is passed; a number that is not open gives EBADF.
    unsafe { libc::fcntl(fd, libc::F_GETFD) != -1 }
}

/// Duplicates the descriptor numbered `fd` to a number of at least `least`, close-on-exec.
pub(crate) fn duplicate_above(fd: RawFd, least: RawFd) -> Result<OwnedFd, Errno> {
    // SAFETY: no memory is passed; a number that is not open gives EBADF.
    let new = check(unsafe { libc::fcntl(fd, libc::F_DUPFD_CLOEXEC, least) })?;
    // SAFETY: the kernel has just made this descriptor, and nobody else knows its number.
    Ok(unsafe { OwnedFd::from_raw_fd(new) })
}

/// `dup2`: makes `target` the same as `source`, open across exec. Allocates nothing.
pub(crate) fn duplicate_onto(source: RawFd, target: RawFd) -> Result<(), Errno> {
    // SAFETY: no memory is passed. Used only in a child that is about to execute another program,
    // where no owner of `target` remains.
    check(unsafe { libc::dup2(source, target) }).map(drop)
}

/// Takes over a descriptor whose number was told to this process, such as one inherited on purpose.
///
/// # Errors
/// EBADF when the number is not open.
pub(crate) fn adopt(fd: RawFd) -> Result<OwnedFd, Errno> {
    set_close_on_exec(fd, true)?;
    // SAFETY: the descriptor is open. Its number came from whoever started this process, for this
    // purpose, and every number is adopted once.
    Ok(unsafe { OwnedFd::from_raw_fd(fd) })
}

/// A shared lock on the whole file that belongs to the open file description (`F_OFD_SETLK`), so
/// that it is inherited with the descriptor; where the kernel has none, one of this process. Does not
/// wait.
///
/// # Errors
/// EAGAIN or EACCES when another process holds an exclusive lock.
pub(crate) fn lock_shared(fd: BorrowedFd<'_>) -> Result<(), Errno> {
    // SAFETY: `flock` is plain data, for which zeroes are a valid value.
    let mut lock: libc::flock = unsafe { std::mem::zeroed() };
    lock.l_type = libc::F_RDLCK as libc::c_short;
    lock.l_whence = libc::SEEK_SET as libc::c_short;
    let mut command = libc::F_OFD_SETLK;
    loop {
        // SAFETY: `lock` is a valid `struct flock` that lives until the call returns.
        let result = unsafe { libc::fcntl(fd.as_raw_fd(), command, &raw const lock) };
        match check(result) {
            Err(Errno::INTR) => {}
            Err(Errno::INVAL) if command != libc::F_SETLK => command = libc::F_SETLK,
            other => return other.map(drop),
        }
    }
}

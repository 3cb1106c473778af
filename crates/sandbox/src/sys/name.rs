//! The name of a thread.
//!
//! The standard library names each thread that it starts. For another thread than the calling one, musl's function for
//! it prints the path of a file in /proc, by which all of its formatted printing is linked; for the calling one, which
//! is the only one that the standard library names, it is this system call.

use std::ffi::{c_char, c_int};

/// Names the calling thread.
#[unsafe(no_mangle)]
extern "C" fn pthread_setname_np(_thread: libc::pthread_t, name: *const c_char) -> c_int {
    // SAFETY: the standard library passes a NUL-terminated string, of which the kernel takes 15 bytes.
    unsafe { libc::prctl(libc::PR_SET_NAME, name) };
    0
}

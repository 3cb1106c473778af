//! Making processes, executing programs and waiting for them.

use super::{check, last_errno};
use rustix::io::Errno;
use std::ffi::{CStr, CString, c_char};
use std::panic::{AssertUnwindSafe, catch_unwind};

/// Forks. The child runs `child` and exits with what it returns, without running the parent's exit
/// handlers; a panic in it becomes 125. Returns the child's process id to the parent.
///
/// The child has one thread, a copy of the caller. Where the parent has more of them, the child may
/// only do what is safe in a signal handler.
pub(crate) fn fork(child: impl FnOnce() -> u8) -> Result<i32, Errno> {
    let held = super::heap::hold();
    // SAFETY: the child only continues in this function, on its copy of the stack, and leaves by
    // `_exit`. libc's own fork keeps its allocator usable in the child, and ours is held.
    let forked = unsafe { libc::fork() };
    drop(held);
    match forked {
        -1 => Err(last_errno()),
        0 => {
            let status = catch_unwind(AssertUnwindSafe(child)).unwrap_or(125);
            exit_now(status)
        }
        pid => Ok(pid),
    }
}

/// Starts a process that runs `child` and exits with what it returns, as [`fork`] does, but without a copy of
/// the memory: the caller waits until the child has executed another program or has exited.
///
/// `child` must do nothing but system calls: what it writes, it writes to the caller's memory.
pub(crate) fn fork_to_execute(child: &mut dyn FnMut() -> u8) -> Result<i32, Errno> {
    extern "C" fn run(argument: *mut libc::c_void) -> libc::c_int {
        // SAFETY: the argument is the pointer below, to a reference that lives until the caller goes on,
        // which is when this process no longer uses the memory.
        let child = unsafe { &mut *argument.cast::<&mut dyn FnMut() -> u8>() };
        exit_now(child())
    }
    /// Ample for a few system calls; only what is touched takes memory.
    const STACK_BYTES: usize = 64 << 10;
    let mut stack: Vec<u128> = vec![0; STACK_BYTES / size_of::<u128>()];
    let mut child = child;
    let flags = libc::CLONE_VM | libc::CLONE_VFORK | libc::SIGCHLD;
    // SAFETY: the stack is aligned, grows down from its end on every architecture that we know, and lives
    // until the child has left this memory, since CLONE_VFORK makes the caller wait for that. No signal
    // handler of ours can run in the child: it has its own table of them, and only blocked signals arrive.
    check(unsafe {
        let top = stack.as_mut_ptr().add(stack.len());
        libc::clone(run, top.cast(), flags, (&raw mut child).cast())
    })
}

/// Ends the process at once: no exit handlers, no buffers flushed.
pub(crate) fn exit_now(status: u8) -> ! {
    // SAFETY: `_exit` does not return and touches no memory of ours.
    unsafe { libc::_exit(status.into()) }
}

/// How a child ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Ended {
    /// By exiting with this status.
    Exited(u8),
    /// By this signal.
    Signaled(i32),
}

impl Ended {
    /// As a shell gives it back: the status, or 128 + the signal.
    pub(crate) fn status(self) -> u8 {
        match self {
            Ended::Exited(status) => status,
            Ended::Signaled(signal) => u8::try_from(128 + signal).unwrap_or(255),
        }
    }
}

/// What there is to wait for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Waited {
    /// This child has ended and is gone now.
    Child(i32, Ended),
    /// Children exist, none has ended.
    Nothing,
    /// There are no children.
    NoChildren,
}

/// Collects one child that has ended. `pid`: that one; `None`: any. With `block`, waits until there
/// is one.
pub(crate) fn wait(pid: Option<i32>, block: bool) -> Result<Waited, Errno> {
    let mut status = 0;
    let flags = if block { 0 } else { libc::WNOHANG };
    loop {
        // SAFETY: the pointer is to a live integer.
        let got = unsafe { libc::waitpid(pid.unwrap_or(-1), &raw mut status, flags) };
        match got {
            0 => return Ok(Waited::Nothing),
            -1 => match last_errno() {
                Errno::INTR => {}
                Errno::CHILD => return Ok(Waited::NoChildren),
                errno => return Err(errno),
            },
            child if libc::WIFEXITED(status) => {
                let status = u8::try_from(libc::WEXITSTATUS(status)).unwrap_or(255);
                return Ok(Waited::Child(child, Ended::Exited(status)));
            }
            child if libc::WIFSIGNALED(status) => {
                return Ok(Waited::Child(child, Ended::Signaled(libc::WTERMSIG(status))));
            }
            _ => {}
        }
    }
}

/// Strings as `execve` takes them, made before a fork because making them allocates.
pub(crate) struct Strings {
    /// Keeps alive what `pointers` points to.
    strings: Vec<CString>,
    /// One for each string, then a null pointer.
    pointers: Vec<*const c_char>,
}

impl Strings {
    /// These strings, in this order.
    pub(crate) fn new(strings: Vec<CString>) -> Self {
        let mut pointers: Vec<_> = strings.iter().map(|s| s.as_ptr()).collect();
        pointers.push(std::ptr::null());
        Self { strings, pointers }
    }

    /// How many strings there are.
    pub(crate) fn len(&self) -> usize {
        self.strings.len()
    }
}

/// Replaces the program. Returns only when that fails. Allocates nothing.
pub(crate) fn execve(path: &CStr, arguments: &Strings, environment: &Strings) -> Errno {
    debug_assert!(arguments.len() < arguments.pointers.len());
    // SAFETY: `path` and all strings are NUL-terminated and owned by live values; both arrays end
    // with a null pointer.
    unsafe {
        libc::execve(path.as_ptr(), arguments.pointers.as_ptr(), environment.pointers.as_ptr())
    };
    last_errno()
}

/// Sets or unsets a variable of this process's own environment, which the programs that it starts inherit. To be
/// called before this process has threads.
pub fn set_variable(name: &CStr, value: Option<&CStr>) {
    // SAFETY: the strings are NUL-terminated, and copied by the call; without other threads nobody reads the
    // environment meanwhile.
    unsafe {
        match value {
            Some(value) => libc::setenv(name.as_ptr(), value.as_ptr(), 1),
            None => libc::unsetenv(name.as_ptr()),
        }
    };
}

/// Leaves namespaces of the caller for new ones.
pub(crate) fn unshare(flags: libc::c_int) -> Result<(), Errno> {
    // SAFETY: no memory is passed. `CLONE_FILES` and `CLONE_VM`, which could break assumptions of
    // this process about its descriptors and memory, are not used by the callers.
    check(unsafe { libc::unshare(flags) }).map(drop)
}

/// The first bytes of a file, into `buffer`; how many there were. Allocates nothing.
pub(crate) fn read_start(path: &CStr, buffer: &mut [u8]) -> usize {
    let flags = libc::O_RDONLY | libc::O_CLOEXEC | libc::O_NONBLOCK | libc::O_NOCTTY;
    // SAFETY: `path` is NUL-terminated, and the buffer is as long as said.
    unsafe {
        let fd = libc::open(path.as_ptr(), flags);
        if fd == -1 {
            return 0;
        }
        let read = libc::read(fd, buffer.as_mut_ptr().cast(), buffer.len());
        libc::close(fd);
        usize::try_from(read).unwrap_or(0)
    }
}

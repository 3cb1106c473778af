//! Work that a copy of this process does while this one goes on: the second processor, without threads.

use crate::sys::process::{fork, wait};

/// A child that works and ends. It is waited for at the latest when this is dropped.
pub struct Beside {
    child: i32,
}

impl Beside {
    /// Starts `work` in a copy of this process, which must have one thread. What it changes in memory is not
    /// seen here; what it makes on a disk is. `None`: no process can be made, and nothing is done.
    pub fn start(work: impl FnOnce()) -> Option<Self> {
        let child = fork(|| {
            work();
            0
        });
        child.ok().map(|child| Self { child })
    }
}

impl Drop for Beside {
    fn drop(&mut self) {
        // Nothing can fail but that somebody else has waited for it.
        let _ = wait(Some(self.child), true);
    }
}

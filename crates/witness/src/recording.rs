//! What is seen while somebody wants to know, in this thread.
//!
//! Recordings nest: an inner one is for a part of the decision, and the outer one sees what it saw. That it
//! is the thread's and not a parameter is on purpose: everything that reads the host counts, also what is
//! written later by somebody who has not thought of it, as long as it looks through the same few functions.

use crate::gather::Seen;
use crate::look::{self, Look};
use crate::pseudo::Filter;
use crate::set::Witnesses;
use std::cell::{Cell, RefCell};
use std::collections::hash_map::Entry;
use std::marker::PhantomData;
use std::path::Path;
use std::time::{SystemTime, UNIX_EPOCH};

thread_local! {
    static OPEN: RefCell<Vec<Seen>> = const { RefCell::new(Vec::new()) };
    static PAUSED: Cell<u32> = const { Cell::new(0) };
}

/// Records from its start until it is finished or dropped.
#[derive(Debug)]
pub struct Recording {
    depth: usize,
    started: i64,
    /// Of one thread.
    _not_send: PhantomData<*const ()>,
}

impl Recording {
    /// Starts to record what this thread sees.
    pub fn start() -> Self {
        let depth = OPEN.with_borrow_mut(|open| {
            open.push(Seen::default());
            open.len()
        });
        let now = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
        let started = i64::try_from(now.as_nanos()).unwrap_or(i64::MAX);
        Self { depth, started, _not_send: PhantomData }
    }

    /// What was seen, as something that can be asked later. `None` when it cannot be relied on: something
    /// changed meanwhile, or so shortly before that a further change may not show.
    pub fn finish(self) -> Option<Witnesses> {
        let depth = self.depth;
        let seen = OPEN.with_borrow_mut(|open| {
            open.truncate(depth);
            open.pop()
        })?;
        let started = self.started;
        std::mem::forget(self);
        Witnesses::of(seen, started)
    }
}

impl Drop for Recording {
    fn drop(&mut self) {
        OPEN.with_borrow_mut(|open| open.truncate(self.depth - 1));
    }
}

fn each(tell: impl Fn(&mut Seen)) {
    if PAUSED.get() == 0 {
        OPEN.with_borrow_mut(|open| open.iter_mut().for_each(tell));
    }
}

/// `path` was looked at without following it: what was there, or `None` for what was absent or may not be
/// looked at.
pub fn saw(path: &Path, what: Option<Look>) {
    each(|seen| match seen.looks.entry(path.as_os_str().to_owned()) {
        Entry::Vacant(entry) => {
            entry.insert(what);
        }
        Entry::Occupied(entry) => seen.torn |= !same(entry.get(), &what),
    });
}

/// Whether two looks within one decision may both be true. Times of directories, sockets and devices
/// change all the time without anything to be decided by.
fn same(a: &Option<Look>, b: &Option<Look>) -> bool {
    match (a, b) {
        (Some(a), Some(b)) => {
            let version = |l: &Look| (l.device, l.inode, l.size, l.modified);
            a.kind == b.kind && (a.kind != look::Kind::File || version(a) == version(b))
        }
        (a, b) => a.is_none() == b.is_none(),
    }
}

/// Every name in the directory `path` was read.
pub fn listed(path: &Path) {
    listed_for(path, &Filter::All);
}

/// Names in the directory `path` were read, and only these count. For directories in which much else comes
/// and goes; the reading itself is to be [`unrecorded`].
pub fn listed_for(path: &Path, filter: &Filter) {
    each(|seen| match seen.listed.entry(path.as_os_str().to_owned()) {
        Entry::Vacant(entry) => {
            entry.insert(filter.clone());
        }
        Entry::Occupied(mut entry) => {
            if entry.get() != filter {
                entry.insert(Filter::All);
            }
        }
    });
}

/// Looks at a path and records it.
pub fn stat(path: &Path) -> Option<Look> {
    let what = look::look(path);
    saw(path, what);
    what
}

/// Looks at what lies behind something that was remembered: it is now relied on here too.
pub(crate) fn rely_on(witnesses: &Witnesses) {
    each(|seen| seen.relied_on.push(witnesses.clone()));
}

/// Runs `f` without recording: for walks of which something else, which is recorded, tells whether they
/// would come out the same.
pub fn unrecorded<T>(f: impl FnOnce() -> T) -> T {
    struct Resume;
    impl Drop for Resume {
        fn drop(&mut self) {
            PAUSED.set(PAUSED.get() - 1);
        }
    }
    PAUSED.set(PAUSED.get() + 1);
    let _resume = Resume;
    f()
}

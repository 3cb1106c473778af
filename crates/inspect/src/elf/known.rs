//! What was read of ELF files, for as long as the process lives.
//!
//! Composing and checking look at the same few hundred files, each through several roots and views. A file is
//! known by what tells one state of it from another, so one that changes meanwhile is read again.

use super::{Elf, Error, read_resolved};
use crate::root::{Filesystem, Identity, Resolved};
use std::cell::RefCell;
use std::collections::HashMap;
use std::rc::Rc;

thread_local! {
    static KNOWN: RefCell<HashMap<Identity, Result<Rc<Elf>, Error>>> = RefCell::default();
}

/// As [`read_resolved`], reading each state of a file once.
///
/// # Errors
/// As [`read_resolved`].
pub fn read_known(root: &dyn Filesystem, file: &Resolved) -> Result<Rc<Elf>, Error> {
    // What only a plan or a manifest has is no file that could be told from another.
    if file.identity.inode == 0 {
        return read_resolved(root, file).map(Rc::new);
    }
    if let Some(known) = KNOWN.with_borrow(|known| known.get(&file.identity).cloned()) {
        return known;
    }
    let read = read_resolved(root, file).map(Rc::new);
    // An error of opening or reading is about now, and names a path of this root.
    if !matches!(read, Err(Error::File(_) | Error::Read(_))) {
        KNOWN.with_borrow_mut(|known| known.insert(file.identity, read.clone()));
    }
    read
}

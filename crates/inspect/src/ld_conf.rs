//! `ld.so.conf`: the directories that `ldconfig` looks into.
//!
//! Mirrors `parse_conf` of glibc's elf/ldconfig.c.

use crate::root::Root;
use plan::RootPath;

/// The directories that a configuration file and those it includes name, in order, each once,
/// whether they exist or not.
pub fn directories(root: &Root, conf: &RootPath) -> Vec<RootPath> {
    let _ = (root, conf);
    vec![]
}

//! Driver modules that are found by directory and file name: DRI, GBM, VA-API, VDPAU.

use super::{Directory, Environment, Reason};
use crate::linker::Linker;
use crate::root::{Resolved, Root};
use plan::RootPath;

/// What a module is for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Api {
    /// Mesa's OpenGL drivers.
    Dri,
    /// Back ends of libgbm.
    Gbm,
    /// Video decoding by libva.
    VaApi,
    /// Video decoding by libvdpau.
    Vdpau,
}

/// A module of the wanted architecture.
#[derive(Clone, Debug)]
pub struct Module {
    /// Directory and name as found, links not resolved. Modules that are links to, or hard links
    /// of, one file are all listed: loaders choose by name.
    pub path: RootPath,
    /// The file itself.
    pub file: Resolved,
    /// What it is for.
    pub api: Api,
    /// The search rule that led to it.
    pub origin: String,
}

/// Everything that was looked at for one API.
#[derive(Clone, Debug, Default)]
pub struct Scan {
    /// Directories in the order of the search, without those that are missing.
    pub directories: Vec<Directory>,
    /// What can be used, by directory and then by name.
    pub modules: Vec<Module>,
    /// What has the name of a module and cannot be used.
    pub rejected: Vec<(RootPath, Reason)>,
}

/// The modules of one API for the linker's architecture.
pub fn find(root: &Root, linker: &Linker<'_>, env: &Environment, api: Api) -> Vec<Module> {
    scan(root, linker, env, api).modules
}

/// The directories of one API in search order, without those that are missing.
pub fn directories(
    root: &Root,
    linker: &Linker<'_>,
    env: &Environment,
    api: Api,
) -> Vec<Directory> {
    let _ = (root, linker, env, api);
    vec![]
}

/// The modules of one API, with what was rejected.
pub fn scan(root: &Root, linker: &Linker<'_>, env: &Environment, api: Api) -> Scan {
    let _ = (root, linker, env, api);
    Scan::default()
}

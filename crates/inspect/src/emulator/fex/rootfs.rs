//! What FEX's setting `RootFS` leads to.

use super::config::Setting;
use super::places::{Places, home};
use crate::emulator::image::{self, Format};
use crate::manifest::Environment;
use crate::root::{self, Kind, Resolved, Root};
use plan::RootPath;
use std::ffi::OsStr;
use std::os::unix::ffi::OsStrExt;

/// A place where the rootfs may be.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Candidate {
    /// Where.
    pub path: RootPath,
    /// Why it is no rootfs; `None` for the one that is taken.
    pub why_not: Option<String>,
}

/// The rootfs.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Rootfs {
    /// What names it.
    pub setting: Setting,
    /// Where it was looked for, in order, up to where it was found.
    pub candidates: Vec<Candidate>,
    /// What was found there.
    pub found: Option<(Resolved, What)>,
}

/// What a rootfs is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum What {
    /// A directory.
    Directory,
    /// An image, which must be mounted.
    Image(Format),
}

/// Looks where FEX does, the first that is a directory or an image is taken. An empty value, which
/// means that there is no rootfs, leads to no candidates.
pub(super) fn find(root: &Root, env: &Environment, places: &Places, setting: Setting) -> Rootfs {
    let mut candidates = Vec::new();
    let mut found = None;
    for path in paths(root, env, places, setting.value.as_os_str()) {
        let looked = look(root, &path);
        let why_not = looked.as_ref().err().cloned();
        candidates.push(Candidate { path, why_not });
        if let Ok(hit) = looked {
            found = Some(hit);
            break;
        }
    }
    Rootfs { setting, candidates, found }
}

/// Where a value may lead, in order: an absolute path, one of the home directory, one of the working
/// directory, a name below `RootFS` of a directory of FEX.
fn paths(root: &Root, env: &Environment, places: &Places, value: &OsStr) -> Vec<RootPath> {
    let bytes = value.as_bytes();
    let top = RootPath::root();
    if bytes.is_empty() {
        return vec![];
    }
    if bytes.starts_with(b"/") {
        return root.without_dot_dot(&top, value).into_iter().collect();
    }
    if let Some(rest) = bytes.strip_prefix(b"~/") {
        let home = home(env).unwrap_or(top);
        return root.without_dot_dot(&home, OsStr::from_bytes(rest)).into_iter().collect();
    }
    let relative = env.working_directory.iter();
    let mut paths: Vec<_> =
        relative.filter_map(|base| root.without_dot_dot(base, value).ok()).collect();
    // `ReloadMetaLayer` takes the last of data and configuration, of the system and of the user. The
    // system's place is where Fedora's packages put images.
    let bases = places.config.iter().chain(&places.data).chain([&places.system]);
    for base in bases {
        let path = root.without_dot_dot(&base.at("RootFS"), value).ok();
        paths.extend(path.filter(|p| !paths.contains(p)));
    }
    paths
}

fn look(root: &Root, path: &RootPath) -> Result<(Resolved, What), String> {
    let found = root.resolve(path).map_err(|e| match &e {
        root::Error::NotFound { trail, .. } if trail.is_empty() => "it does not exist".into(),
        e => e.to_string(),
    })?;
    if found.kind == Kind::Directory {
        return Ok((found, What::Directory));
    }
    match image::format(root, &found).map_err(|e| e.to_string())? {
        Some(format) => Ok((found, What::Image(format))),
        None => match Format::of_name(found.path.as_bytes()) {
            Some(named) => Err(format!("it is named like a {} image and is none", named.name())),
            None => Err("it is neither a directory nor a squashfs or erofs image".into()),
        },
    }
}

//! A tree of all programs: links of every name to the build for the machine.

use crate::error::{At, Error};
use crate::stage::Stage;
use plan::Tuple;
use std::collections::BTreeMap;
use std::fs;
use std::path::PathBuf;

/// What a tree is made from.
#[derive(Clone, Debug)]
pub struct Sources {
    /// The static builds.
    pub builds: BTreeMap<Tuple, PathBuf>,
    /// The architecture of the machine that will use the tree.
    pub machine: Tuple,
    /// The directory `share` of a tree with manual pages and the like, if there is one.
    pub share: Option<PathBuf>,
}

/// Writes a tree below `at`, a path in the stage that is empty or ends in `/`.
///
/// All links are relative, so that the tree can be moved.
///
/// # Errors
/// [`Error::NoBuild`] without one for the machine; [`Error::Io`].
pub fn write_tree(stage: &mut Stage, at: &str, sources: &Sources) -> Result<(), Error> {
    let Sources { builds, machine, share } = sources;
    if !builds.contains_key(machine) {
        return Err(Error::NoBuild(*machine));
    }
    for (tuple, build) in builds {
        let bytes = fs::read(build).at("reading", build)?;
        stage.file(&format!("{at}libexec/bathysphere/{tuple}/bathysphere"), &bytes, true)?;
    }
    stage.link(&format!("{at}bin/bathysphere"), &leading("bin", *machine))?;
    for (_, name, directory) in options::placed() {
        stage.link(&format!("{at}{directory}/{name}"), &leading(directory, *machine))?;
    }
    if let Some(share) = share {
        stage.copy_all(&format!("{at}share"), share)?;
    }
    let version = format!("{}\n", env!("CARGO_PKG_VERSION"));
    stage.file(&format!("{at}metadata/VERSION.txt"), version.as_bytes(), false)
}

/// The text of a link in a directory of the tree to the build.
fn leading(directory: &str, machine: Tuple) -> String {
    let up = "../".repeat(directory.split('/').count());
    format!("{up}libexec/bathysphere/{machine}/bathysphere")
}

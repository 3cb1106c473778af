//! The shapes in which a runtime is delivered, derived from a merged root by hard links.

use std::fs;
use std::os::unix::fs::symlink;
use std::path::Path;
use std::process::Command;

use super::depot;
use super::merge;
use super::mtree;
use super::recipe::Shape;
use crate::error::{Context, Result};
use crate::process;

/// What Flatpak writes about a runtime, as far as anyone reads it.
const METADATA: &str = "[Runtime]\nname=org.example.Bathysphere.Lab\n\
    runtime=org.example.Bathysphere.Lab/x86_64/bullseye\n";

/// Makes `target` the `shape` of the runtime in `root`.
pub(super) fn derive(shape: Shape, root: &Path, target: &Path) -> Result<()> {
    fs::create_dir_all(target).at("creating", target)?;
    match shape {
        Shape::Usr => usr(root, target),
        Shape::Merged(dirs) => {
            copy(&root.join("."), target)?;
            merge::directories(target, dirs)
        }
        Shape::Flatpak => {
            usr(root, &target.join("files"))?;
            write(&target.join("files/.ref"), "")?;
            write(&target.join("metadata"), METADATA)
        }
        Shape::Depot => platform(root, target),
        Shape::Steam => {
            platform(root, &target.join(depot::PLATFORM))?;
            depot::surround(target)
        }
    }
}

/// What a content server delivers of a runtime.
fn platform(root: &Path, target: &Path) -> Result<()> {
    let files = target.join("files");
    usr(root, &files)?;
    mtree::reduce_to_depot(target)?;
    write(&files.join(".ref"), "")?;
    write(&target.join("metadata"), METADATA)
}

/// A merged `/usr` by itself; `etc` and `var` move inside it.
fn usr(root: &Path, target: &Path) -> Result<()> {
    fs::create_dir_all(target).at("creating", target)?;
    copy(&root.join("usr/."), target)?;
    for dir in ["etc", "var"] {
        let place = target.join(dir);
        fs::create_dir_all(&place).at("creating", &place)?;
        copy(&root.join(dir).join("."), &place)?;
    }
    let run = target.join("var/run");
    if run.symlink_metadata().is_err() {
        symlink("../run", &run).at("linking", &run)?;
    }
    Ok(())
}

/// Copies a tree as hard links.
fn copy(from: &Path, to: &Path) -> Result<()> {
    let mut cp = Command::new("cp");
    process::output(cp.args(["--archive", "--link"]).arg(from).arg(to)).map(drop)
}

fn write(path: &Path, content: &str) -> Result<()> {
    fs::write(path, content).at("writing", path)
}

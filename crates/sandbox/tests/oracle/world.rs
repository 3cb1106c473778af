//! Making a case's trees and layers on disk.

use crate::case::{self, Case, Entry, Thing};
use plan::simulate::{Call, Kind, Namespace, View};
use plan::{ContainerPath, HostPath, LayerEntry, LayerName, LayerSpec, Op, Plan};
use rustix::fs::{CWD, FileType, Mode, XattrFlags, mknodat, setxattr};
use std::collections::BTreeMap;
use std::fs;
use std::os::unix::fs::{PermissionsExt, symlink};
use std::path::{Path, PathBuf};

/// The user as whom containers are launched when the tests are run by root.
const NOBODY: u32 = 65534;

/// A directory with `t0`, `t1` …, `l0` … in it.
pub(crate) struct World {
    directory: tempfile::TempDir,
}

impl World {
    pub(crate) fn of(case: &Case) -> Self {
        let directory = crate::common::open_to_all(tempfile::tempdir().unwrap());
        let world = Self { directory };
        for (index, entries) in case.trees.iter().enumerate() {
            world.tree(&format!("t{index}"), entries);
        }
        for (index, entries) in case.layers.iter().enumerate() {
            world.layer(&case::layer(index, entries));
        }
        world
    }

    pub(crate) fn path(&self) -> &Path {
        self.directory.path()
    }

    /// As it was, at the same path, whatever was done to it.
    pub(crate) fn again(&self, case: &Case) {
        for entry in fs::read_dir(self.path()).unwrap() {
            let path = entry.unwrap().path();
            if path.symlink_metadata().unwrap().is_dir() {
                fs::remove_dir_all(unlocked(&path)).unwrap();
            }
        }
        for (index, entries) in case.trees.iter().enumerate() {
            self.tree(&format!("t{index}"), entries);
        }
        for (index, entries) in case.layers.iter().enumerate() {
            self.layer(&case::layer(index, entries));
        }
    }

    pub(crate) fn layers(&self, plan: &Plan) -> BTreeMap<LayerName, HostPath> {
        plan.layers
            .iter()
            .map(|spec| (spec.name.clone(), case::host(&self.path().join(&spec.name.0))))
            .collect()
    }

    fn tree(&self, name: &str, entries: &[Entry]) {
        let top = self.path().join(name);
        fs::create_dir(&top).unwrap();
        // So that a tree can be the whole root.
        for (path, thing) in [
            ("proc", Thing::Directory(0o755)),
            ("opt/stage", Thing::File),
            ("opt/questions", Thing::File),
            ("opt/qemu", Thing::File),
            ("opt/host", Thing::Directory(0o755)),
            ("run/ir", Thing::Directory(0o755)),
        ] {
            put(&top, name, &(path.to_owned(), thing));
        }
        for entry in entries {
            put(&top, name, entry);
        }
        // What is in a directory first: it may be locked then.
        let mut entries: Vec<_> = entries.iter().collect();
        entries.sort_by(|a, b| b.0.cmp(&a.0));
        for (path, thing) in entries {
            let path = top.join(path);
            if let Thing::Directory(mode) = thing
                && *mode != 0o755
                && path.symlink_metadata().is_ok_and(|meta| meta.is_dir())
            {
                fs::set_permissions(&path, fs::Permissions::from_mode(*mode)).unwrap();
            }
        }
        give_away(&top);
    }

    /// As the store prepares it.
    fn layer(&self, spec: &LayerSpec) {
        let top = self.path().join(&spec.name.0);
        fs::create_dir(&top).unwrap();
        let mut modes = Vec::new();
        for (path, entry) in &spec.entries {
            let place = top.join(path.relative());
            if let Some(parent) = place.parent() {
                fs::create_dir_all(parent).unwrap();
            }
            match entry {
                LayerEntry::Directory { mode } => {
                    fs::create_dir_all(&place).unwrap();
                    modes.push((place, *mode));
                }
                LayerEntry::Symlink { target } => symlink(target.as_os_str(), &place).unwrap(),
                LayerEntry::File { content, executable, .. } => {
                    fs::write(&place, content.as_bytes()).unwrap();
                    modes.push((place, if *executable { 0o755 } else { 0o644 }));
                }
                LayerEntry::Whiteout => whiteout(&place),
                LayerEntry::CopyOf { .. } => unreachable!("no case has one"),
            }
        }
        // What is in a directory first: it may be locked then.
        for (place, mode) in modes.into_iter().rev() {
            fs::set_permissions(place, fs::Permissions::from_mode(mode)).unwrap();
        }
        give_away(&top);
    }

    /// The union that stands at `at`, made of files, as the store makes it for an executor without
    /// overlays.
    pub(crate) fn union(&self, plan: &Plan, index: usize, into: &Path) {
        let Op::Stack { at, .. } = &plan.steps[index].op else { unreachable!() };
        let mut alone = plan.clone();
        let mut step = plan.steps[index].clone();
        if let Op::Stack { at, .. } = &mut step.op {
            *at = ContainerPath::literal("/u");
        }
        alone.steps = vec![step];
        let namespace = Namespace::of(&alone).unwrap();
        let top = into.join(at.to_string().replace('/', "%"));
        let _ = fs::remove_dir_all(unlocked(&top));
        copy(&namespace, &ContainerPath::literal("/u"), &top);
        give_away(&top);
    }
}

/// Everything can be removed again.
fn unlocked(path: &Path) -> PathBuf {
    if path.symlink_metadata().is_ok_and(|meta| meta.is_dir()) {
        fs::set_permissions(path, fs::Permissions::from_mode(0o755)).unwrap();
        for entry in fs::read_dir(path).unwrap() {
            unlocked(&entry.unwrap().path());
        }
    }
    path.into()
}

impl Drop for World {
    fn drop(&mut self) {
        unlocked(self.directory.path());
    }
}

fn copy(namespace: &Namespace<'_>, from: &ContainerPath, to: &Path) {
    let root = ContainerPath::root();
    let found = namespace.resolve(&View::Native, Call::Lstat, &root, from.as_bytes());
    // What cannot be reached, by anyone.
    let Ok(found) = found else { return };
    match found.kind {
        Kind::Directory => {
            fs::create_dir(to).unwrap();
            let mode = found.mode;
            for entry in namespace.entries(found).unwrap_or_default() {
                let name = entry.name.as_os_str();
                copy(namespace, &from.join(name).unwrap(), &to.join(name));
            }
            fs::set_permissions(to, fs::Permissions::from_mode(mode)).unwrap();
        }
        Kind::File => {
            fs::write(to, namespace.content(&found, u64::MAX).unwrap()).unwrap();
            fs::set_permissions(to, fs::Permissions::from_mode(found.mode)).unwrap();
        }
        Kind::Symlink => symlink(found.link.unwrap().as_os_str(), to).unwrap(),
        Kind::Other => whiteout(to),
    }
}

/// Puts a thing into a tree; what cannot be there, because of what is there already, is left out.
fn put(top: &Path, origin: &str, (path, thing): &Entry) {
    let place = top.join(path);
    let mut parent = top.to_owned();
    let mut names: Vec<&str> = path.split('/').collect();
    names.pop();
    for name in names {
        parent.push(name);
        match parent.symlink_metadata() {
            Ok(meta) if meta.is_dir() => {}
            Ok(_) => return,
            Err(_) => fs::create_dir(&parent).unwrap(),
        }
    }
    let is_directory = match place.symlink_metadata() {
        Ok(meta) if meta.is_dir() => true,
        Ok(_) => return,
        Err(_) => false,
    };
    match thing {
        Thing::Directory(_) if is_directory => {}
        Thing::Directory(_) => fs::create_dir(&place).unwrap(),
        Thing::Opaque(value) => {
            if !is_directory {
                fs::create_dir(&place).unwrap();
            }
            let value = value.as_bytes();
            setxattr(&place, "user.overlay.opaque", value, XattrFlags::empty()).unwrap();
        }
        _ if is_directory => {}
        Thing::File | Thing::Executable | Thing::Script(_) | Thing::Elf(_) => {
            fs::write(&place, case::content(origin, path, thing)).unwrap();
            let executable = matches!(thing, Thing::Executable | Thing::Script(_));
            let mode = if executable { 0o755 } else { 0o644 };
            fs::set_permissions(&place, fs::Permissions::from_mode(mode)).unwrap();
        }
        Thing::Link(text) => symlink(text, &place).unwrap(),
        Thing::Whiteout => whiteout(&place),
        Thing::Marked => {
            fs::write(&place, "").unwrap();
            fs::set_permissions(&place, fs::Permissions::from_mode(0o644)).unwrap();
            setxattr(&place, "user.overlay.whiteout", b"y", XattrFlags::empty()).unwrap();
        }
        Thing::Chain(length) => {
            fs::create_dir(&place).unwrap();
            fs::write(place.join("f"), format!("{origin}:{path}/f")).unwrap();
            for (name, text) in case::chain(*length) {
                symlink(text, place.join(name)).unwrap();
            }
        }
    }
}

fn whiteout(place: &Path) {
    mknodat(CWD, place, FileType::CharacterDevice, Mode::empty(), 0).unwrap();
}

/// To the user who launches.
fn give_away(path: &Path) {
    if !rustix::process::geteuid().is_root() {
        return;
    }
    std::os::unix::fs::lchown(path, Some(NOBODY), Some(NOBODY)).unwrap();
    if path.symlink_metadata().unwrap().is_dir() {
        for entry in fs::read_dir(path).unwrap() {
            give_away(&entry.unwrap().path());
        }
    }
}

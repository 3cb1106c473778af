//! A small root for each test, and what the loaders would make of it.

mod egl;
mod fixtures;
mod modules;
mod opencl;
mod openxr;
mod places;
mod vulkan;

use super::{Environment, Found, LayerKind, LibraryPath, Place, Reason};
use crate::root::Root;
use plan::{HostPath, RootPath};
use std::fs;
use std::os::unix::fs::symlink;
use tempfile::TempDir;

/// What is at a path of a sample.
#[derive(Clone)]
enum Item {
    File(Vec<u8>),
    /// A symbolic link with this text.
    Link(&'static str),
    /// A hard link to another path of the sample.
    Hard(&'static str),
    Directory,
}

fn file(content: impl AsRef<[u8]>) -> Item {
    Item::File(content.as_ref().to_vec())
}

struct Sample {
    directory: TempDir,
}

impl Sample {
    fn new<P: AsRef<str>>(items: impl IntoIterator<Item = (P, Item)>) -> Self {
        let sample = Self { directory: tempfile::tempdir().unwrap() };
        // So that the root is a full one.
        fs::create_dir(sample.directory.path().join("usr")).unwrap();
        for (path, item) in items {
            let host = sample.host(path.as_ref());
            fs::create_dir_all(host.parent().unwrap()).unwrap();
            match item {
                Item::File(content) => fs::write(host, content).unwrap(),
                Item::Link(target) => symlink(target, host).unwrap(),
                Item::Hard(other) => fs::hard_link(sample.host(other), host).unwrap(),
                Item::Directory => fs::create_dir_all(host).unwrap(),
            }
        }
        sample
    }

    fn host(&self, path: &str) -> std::path::PathBuf {
        self.directory.path().join(path.trim_start_matches('/'))
    }

    fn path(&self) -> HostPath {
        HostPath::new(self.directory.path()).unwrap()
    }

    fn root(&self) -> Root {
        Root::open(self.path()).unwrap()
    }

    /// An environment whose user directories are in this sample too.
    fn env(&self, variables: &[(&str, &str)]) -> Environment {
        let mut env = Environment::new(variables.iter().copied());
        env.host = self.path();
        env
    }
}

/// A driver's manifest with this library.
fn icd(library: &str) -> Item {
    let version = r#""file_format_version":"1.0.0""#;
    file(format!(r#"{{{version},"ICD":{{"library_path":"{library}","api_version":"1.3"}}}}"#))
}

/// A file of one layer with this name and library.
fn layer(name: &str, library: &str) -> Item {
    file(format!(
        r#"{{"file_format_version":"1.0.0","layer":{{"name":"{name}","type":"GLOBAL","api_version":"1",
        "implementation_version":"1","description":"","library_path":"{library}"}}}}"#
    ))
}

/// One line for each manifest: file, whose it is, by which rule, verdict.
fn shown<T>(found: &[Found<T>], value: impl Fn(&T) -> String) -> Vec<String> {
    let verdict = |f: &Found<T>| match (f.loaded(), f.why_not()) {
        (Some(v), _) => value(v),
        (None, Some(why)) => format!("no: {why}"),
        (None, None) => unreachable!("neither loaded nor rejected"),
    };
    let place = |p| if p == Place::Host { "host:" } else { "" };
    found
        .iter()
        .map(|f| format!("{}{} [{}] {}", place(f.place), f.file, f.origin, verdict(f)))
        .collect()
}

fn library(path: &LibraryPath) -> String {
    match path {
        LibraryPath::Absolute(p) => p.to_string(),
        LibraryPath::Soname(s) => format!("soname {s}"),
        LibraryPath::Dynamic(d) => format!("dynamic {d}"),
    }
}

/// Paths in a manifest mean what they say, without a root to look at.
fn literally(text: &str) -> Result<LibraryPath, Reason> {
    if text.starts_with('/') {
        return RootPath::new(text)
            .map(LibraryPath::Absolute)
            .map_err(|_| Reason::LibraryPath(text.into()));
    }
    Ok(LibraryPath::Soname(text.into()))
}

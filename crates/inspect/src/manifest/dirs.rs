//! Where manifests are searched, and the variables that say so.
//!
//! Mirrors the XDG base directory specification as the Khronos loaders apply it. One row differs on
//! purpose: `~/.local/share` is read even where `$XDG_DATA_HOME` names another directory, because
//! Steam installs its layers there.

use super::Search;
use plan::{HostPath, RootPath, Tuple};
use std::collections::BTreeMap;
use std::ffi::{OsStr, OsString};
use std::os::unix::ffi::OsStrExt;

/// The environment that decides where loaders look. The caller reads it once.
#[derive(Clone, Debug)]
pub struct Environment {
    /// The variables, by name. `HOME` should be there; without it the user has no directories.
    pub variables: BTreeMap<OsString, OsString>,
    /// What relative file names in variables start from; without it they are left out.
    pub working_directory: Option<RootPath>,
    /// The root in which the user's own directories are: `/` but for tests.
    pub host: HostPath,
}

impl Environment {
    /// The variables given, no working directory, the host's own `/`.
    pub fn new<N: Into<OsString>, V: Into<OsString>>(
        variables: impl IntoIterator<Item = (N, V)>,
    ) -> Self {
        Self {
            variables: variables.into_iter().map(|(n, v)| (n.into(), v.into())).collect(),
            working_directory: None,
            host: HostPath::root(),
        }
    }

    /// The value of a variable; `None` where it is unset, which is not the same as empty.
    pub fn get(&self, name: impl AsRef<OsStr>) -> Option<&OsStr> {
        self.variables.get(name.as_ref()).map(OsString::as_os_str)
    }

    /// The value of a variable, unless it is empty.
    pub(super) fn filled(&self, name: &str) -> Option<&OsStr> {
        self.get(name).filter(|v| !v.is_empty())
    }
}

/// Whose `/` a path starts from.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Place {
    /// The provider's root.
    Root,
    /// The host's, which is not the provider: a directory of the user's.
    Host,
}

/// A directory in which a loader looks.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Directory {
    /// Its path as the loader puts it together: links are not resolved.
    pub path: RootPath,
    /// Its path with links resolved.
    pub real: RootPath,
    /// Whose `/` these paths start from.
    pub place: Place,
    /// The search rule that led to it, such as `$XDG_DATA_DIRS` or `/etc`.
    pub origin: String,
}

/// A place where something may be.
#[derive(Clone, Debug)]
pub(super) struct Candidate {
    pub(super) path: RootPath,
    pub(super) place: Place,
    pub(super) origin: String,
}

/// The entries of a list separated by colons, as the loaders split it: empty ones are nothing.
pub(super) fn entries(list: &OsStr) -> impl Iterator<Item = &OsStr> {
    list.as_bytes().split(|b| *b == b':').filter(|e| !e.is_empty()).map(OsStr::from_bytes)
}

impl Search<'_> {
    /// The configuration directories: the user's, the system's, `/etc`.
    pub(super) fn config_directories(&self) -> Vec<Candidate> {
        let mut out = Vec::new();
        match self.env.filled("XDG_CONFIG_HOME") {
            Some(home) => self.user(&mut out, home, "", "$XDG_CONFIG_HOME"),
            None => self.home(&mut out, ".config"),
        }
        self.system(&mut out, "XDG_CONFIG_DIRS", "/etc/xdg");
        self.fixed(&mut out, "/etc");
        out
    }

    /// Where the Khronos loaders look, in order (`VKPATH` of the specification), before `tail` is
    /// appended.
    pub(super) fn loader_directories(&self) -> Vec<Candidate> {
        let mut out = self.config_directories();
        if self.is_flatpak() {
            for tuple in Tuple::ALL {
                self.fixed(&mut out, &format!("/usr/lib/{tuple}/GL"));
                self.fixed(&mut out, &format!("/usr/lib/{tuple}"));
            }
            self.fixed(&mut out, "/usr/lib/extensions/vulkan/share");
        }
        if let Some(home) = self.env.filled("XDG_DATA_HOME") {
            self.user(&mut out, home, "", "$XDG_DATA_HOME");
        }
        self.home(&mut out, ".local/share");
        self.system(&mut out, "XDG_DATA_DIRS", "/usr/local/share:/usr/share");
        out
    }

    /// Whether the provider is the inside of a Flatpak sandbox, where drivers are in extensions.
    pub(super) fn is_flatpak(&self) -> bool {
        self.root.find(&RootPath::literal("/.flatpak-info")).is_some()
    }

    /// A directory of the provider that no variable changes.
    pub(super) fn fixed(&self, out: &mut Vec<Candidate>, path: &str) {
        let candidate = RootPath::new(path).map(|p| Candidate {
            path: p,
            place: Place::Root,
            origin: path.into(),
        });
        out.extend(candidate);
    }

    fn home(&self, out: &mut Vec<Candidate>, tail: &str) {
        if let Some(home) = self.env.filled("HOME") {
            self.user(out, home, tail, &format!("~/{tail}"));
        }
    }

    /// A directory of the user's, which is on the host.
    fn user(&self, out: &mut Vec<Candidate>, base: &OsStr, tail: &str, origin: &str) {
        let place = self.user_place();
        let path = self.absolute(place, base).and_then(|p| p.join(tail).ok());
        out.extend(path.map(|path| Candidate { path, place, origin: origin.into() }));
    }

    /// The directories that a variable lists, or else the default.
    fn system(&self, out: &mut Vec<Candidate>, variable: &str, default: &str) {
        let value = self.env.filled(variable);
        let origin = match value {
            Some(_) => format!("${variable}"),
            None => format!("default ${variable}"),
        };
        for entry in entries(value.unwrap_or(OsStr::new(default))) {
            let path = self.absolute(Place::Root, entry);
            out.extend(path.map(|path| Candidate {
                path,
                place: Place::Root,
                origin: origin.clone(),
            }));
        }
    }
}

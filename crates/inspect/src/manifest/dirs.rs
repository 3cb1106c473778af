//! Where manifests are searched, and the variables that say so.

use plan::{HostPath, RootPath};
use std::collections::BTreeMap;
use std::ffi::{OsStr, OsString};

/// The environment that decides where loaders look. The caller reads it once.
#[derive(Clone, Debug)]
pub struct Environment {
    /// The variables, by name. `HOME` should be there; without it the user has no directories.
    pub variables: BTreeMap<OsString, OsString>,
    /// What relative file names in variables start from.
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

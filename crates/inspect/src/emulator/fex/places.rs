//! FEX's directories.

use crate::manifest::Environment;
use crate::root::{Kind, Root};
use plan::RootPath;
use std::ffi::OsStr;

/// FEX's directories, whether they exist or not.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Places {
    /// Of the system: `/usr/share/fex-emu`.
    pub system: RootPath,
    /// Of the user's configuration. Without a home there is none.
    pub config: Option<RootPath>,
    /// Of the user's data. Without a home there is none.
    pub data: Option<RootPath>,
}

impl Places {
    /// As FEX finds them: a variable of its own, `~/.fex-emu` where that exists (for data, since 2603,
    /// the latter first), else below the XDG directories. Where only the place of 2502 exists, it is
    /// taken.
    pub fn of(root: &Root, env: &Environment) -> Places {
        let home = home(env);
        let old = home.as_ref().map(|home| home.at(".fex-emu")).filter(|p| is_directory(root, p));
        let own = absolute(env, "FEX_APP_CONFIG_LOCATION").or_else(|| old.clone());
        let own_data = old.clone().or_else(|| absolute(env, "FEX_APP_DATA_LOCATION"));
        let place = |own: Option<RootPath>, xdg: &str, default: &str| {
            if own.is_some() {
                return own;
            }
            let xdg = absolute(env, xdg);
            let base = xdg.clone().or_else(|| home.as_ref().map(|home| home.at(default)))?;
            let path = base.at("fex-emu");
            // 2502 looked in `${XDG_…_HOME:-$HOME}/.fex-emu`.
            let earlier = xdg.map(|base| base.at(".fex-emu"));
            let earlier = earlier.filter(|p| !is_directory(root, &path) && is_directory(root, p));
            Some(earlier.unwrap_or(path))
        };
        Places {
            system: RootPath::literal("/usr/share/fex-emu"),
            config: place(own, "XDG_CONFIG_HOME", ".config"),
            data: place(own_data, "XDG_DATA_HOME", ".local/share"),
        }
    }
}

/// `$HOME`, if it can be a directory.
pub(super) fn home(env: &Environment) -> Option<RootPath> {
    absolute(env, "HOME")
}

/// A variable's value, if that is an absolute path.
pub(super) fn absolute(env: &Environment, name: &str) -> Option<RootPath> {
    env.get(OsStr::new(name)).and_then(|value| RootPath::new(value).ok())
}

pub(super) fn is_directory(root: &Root, path: &RootPath) -> bool {
    root.find(path).is_some_and(|found| found.kind == Kind::Directory)
}

//! What is known about the machine and the user before anything is decided.
//!
//! Gathered once by [`Facts::gather`], by reading only. Files of the host are read later, when a
//! decision needs them, through [`Facts::host`]; nothing else is asked of the system afterwards, and
//! a test can put any tree in its place.

use inspect::mountinfo::{self, Mount};
use inspect::root::{Form, Root};
use plan::{ByteString, HostPath, RootPath, Tuple};
use std::collections::BTreeMap;
use std::ffi::{OsStr, OsString};

/// The machine and the user.
pub struct Facts {
    /// The environment that the launcher was started with.
    pub environment: Inherited,
    /// Who starts the launch.
    pub user: User,
    /// The node name (uname(2)), which entries of an Xauthority file are for.
    pub hostname: ByteString,
    /// The host's root; in tests any tree.
    pub host: Root,
    /// The mount table, in its order. Consulted before a path is touched.
    pub mounts: Vec<Mount>,
    /// The architecture of the machine, as its kernel says; `None` where it is none of the known ones.
    pub native: Option<Tuple>,
    /// What `org.a11y.Bus.GetAddress` answered on the session bus, when it was asked.
    pub accessibility_bus: Option<ByteString>,
}

/// The user as the kernel knows them.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct User {
    /// Effective user id.
    pub uid: u32,
    /// Effective group id.
    pub gid: u32,
}

/// The inherited environment. A variable that is set to the empty string counts as set.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Inherited(BTreeMap<OsString, OsString>);

impl Inherited {
    /// The value of `name`, if it is set.
    pub fn get(&self, name: &str) -> Option<&OsStr> {
        self.0.get(OsStr::new(name)).map(OsString::as_os_str)
    }

    /// The value of `name`, if it is set and not empty.
    pub fn non_empty(&self, name: &str) -> Option<&OsStr> {
        self.get(name).filter(|v| !v.is_empty())
    }

    /// The value of `name` if it is an absolute path without `..`.
    pub fn path(&self, name: &str) -> Option<RootPath> {
        RootPath::new(self.non_empty(name)?).ok()
    }

    /// Every variable, sorted by name.
    pub fn iter(&self) -> impl Iterator<Item = (&OsStr, &OsStr)> {
        self.0.iter().map(|(n, v)| (n.as_os_str(), v.as_os_str()))
    }
}

impl<N: Into<OsString>, V: Into<OsString>> FromIterator<(N, V)> for Inherited {
    fn from_iter<I: IntoIterator<Item = (N, V)>>(variables: I) -> Self {
        Self(variables.into_iter().map(|(n, v)| (n.into(), v.into())).collect())
    }
}

/// Why facts could not be gathered.
#[derive(Debug, thiserror::Error)]
pub enum GatherError {
    /// The host's root directory cannot be read.
    #[error("the root directory cannot be opened: {0}")]
    Host(#[from] inspect::root::Error),
    /// The mount table cannot be read: without it an automount cannot be told from a directory.
    #[error("the mount table cannot be read: {0}")]
    Mounts(#[from] mountinfo::Error),
}

/// The machine by uname(2); a 32-bit build may run on a 64-bit kernel. An emulator can make up what
/// uname says, so that it counts only where it is this program's own family.
fn native() -> Option<Tuple> {
    let machine = rustix::system::uname().machine().to_bytes().to_vec();
    match (Tuple::native()?, &machine[..]) {
        (Tuple::I386, b"x86_64") => Some(Tuple::X86_64),
        (own, _) => Some(own),
    }
}

impl Facts {
    /// Looks at the machine, by reading only.
    ///
    /// # Errors
    /// When `/` or `/proc/self/mountinfo` cannot be read.
    pub fn gather(environment: Inherited) -> Result<Self, GatherError> {
        let user = User {
            uid: rustix::process::geteuid().as_raw(),
            gid: rustix::process::getegid().as_raw(),
        };
        Ok(Self {
            environment,
            user,
            hostname: rustix::system::uname().nodename().to_bytes().to_vec().into(),
            host: Root::with_form(HostPath::root(), Form::Full)?,
            mounts: mountinfo::read()?,
            native: native(),
            accessibility_bus: None,
        })
    }

    /// Whether programs of an architecture run here without an emulator. Every 64-bit x86 CPU runs
    /// 32-bit programs; few ARM ones for servers and none of Apple's do.
    pub fn runs(&self, tuple: Tuple) -> bool {
        match self.native {
            None => true,
            Some(native) => tuple == native || (native, tuple) == (Tuple::X86_64, Tuple::I386),
        }
    }

    /// The user's home directory as the environment names it; `None` when it names none that is
    /// an absolute path.
    pub fn home(&self) -> Option<RootPath> {
        self.environment.path("HOME").filter(|h| h.as_bytes() != b"/")
    }

    /// The user's runtime directory, `XDG_RUNTIME_DIR`.
    pub fn runtime_dir(&self) -> Option<RootPath> {
        self.environment.path("XDG_RUNTIME_DIR")
    }

    /// The directory of the XDG base directory specification that `variable` names, or `default`
    /// below the home directory.
    pub fn xdg(&self, variable: &str, default: &str) -> Option<RootPath> {
        self.environment.path(variable).or_else(|| self.home().map(|h| h.at(default)))
    }
}

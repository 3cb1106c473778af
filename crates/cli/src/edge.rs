//! Where the environment is read: once, here, into values.

use crate::foreign::Foreign;
use compose::Inherited;
use plan::{ByteString, HostPath, Problem};
use std::ffi::{OsStr, OsString};
use std::os::unix::ffi::OsStrExt;
use std::path::PathBuf;

/// What the process was started with.
#[derive(Clone)]
pub(crate) struct Edge {
    /// The environment, as `compose` wants it.
    pub(crate) inherited: Inherited,
    /// The same, as `sandbox` wants it.
    pub(crate) environment: Vec<(ByteString, ByteString)>,
    /// What runs this program, where that is an emulator.
    pub(crate) emulated: Option<Foreign>,
}

impl Edge {
    /// Reads the environment.
    pub(crate) fn read() -> Self {
        Self::of(std::env::vars_os().collect())
    }

    /// With this environment, in place of the process's own.
    pub(crate) fn of(variables: Vec<(OsString, OsString)>) -> Self {
        let bytes = |s: &OsString| ByteString::from(s.as_os_str());
        let environment = variables.iter().map(|(n, v)| (bytes(n), bytes(v))).collect();
        let inherited = variables.into_iter().collect();
        Self { inherited, environment, emulated: Foreign::detect() }
    }

    /// Where prepared layers are kept, unless an option says otherwise.
    ///
    /// # Errors
    /// When no variable names a place.
    pub(crate) fn store(&self) -> Result<HostPath, Problem> {
        let named = self.inherited.path("BATHYSPHERE_STORE");
        let cache = || self.inherited.path("XDG_CACHE_HOME").map(|c| c.at("bathysphere"));
        let home = || self.inherited.path("HOME").map(|h| h.at(".cache/bathysphere"));
        let path = named.or_else(cache).or_else(home).ok_or_else(|| {
            Problem::blocking(
                plan::Code::STORE_UNWRITABLE,
                "neither BATHYSPHERE_STORE nor XDG_CACHE_HOME nor HOME names a directory",
            )
            .hint("name a directory with `--store`")
        })?;
        Ok(HostPath::root().lexically(&path))
    }

    /// Where a temporary store may be made, best first.
    pub(crate) fn temporary(&self) -> Vec<HostPath> {
        let runtime_dir = self.inherited.path("XDG_RUNTIME_DIR");
        let root = HostPath::root();
        runtime_dir.iter().map(|p| root.lexically(p)).chain([HostPath::literal("/tmp")]).collect()
    }

    /// How a plan is executed.
    pub(crate) fn options(&self, backend: sandbox::Backend) -> sandbox::Options {
        // The first is for this one and no other, the second for whatever has a use for bwrap.
        let only = self.inherited.non_empty("PRESSURE_VESSEL_BWRAP");
        let other = self.inherited.non_empty("BWRAP");
        sandbox::Options {
            backend,
            bwrap: only.or(other).map(PathBuf::from).into_iter().collect(),
            only_named: only.is_some(),
            search_path: self.search_path(),
            known_bwrap: None,
            by_descriptor: self.emulated.is_some(),
        }
    }

    /// The directories of `PATH`.
    pub(crate) fn search_path(&self) -> Vec<PathBuf> {
        let path = self.inherited.get("PATH").unwrap_or(OsStr::new("/usr/bin:/bin"));
        let parts = path.as_bytes().split(|b| *b == b':').filter(|p| p.starts_with(b"/"));
        parts.map(|p| PathBuf::from(OsStr::from_bytes(p))).collect()
    }
}

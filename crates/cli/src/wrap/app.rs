//! Where this program is installed, and the programs beside it.

use inspect::root::Root;
use plan::{HostPath, RootPath};
use std::ffi::OsStr;
use std::os::unix::ffi::OsStrExt;
use std::path::{Path, PathBuf};

/// Where the container has the installation.
const INSIDE: &str = "/run/pressure-vessel/pv-from-host";

/// The launcher service, in the installation.
pub(super) const SERVICE: &str = "bin/steam-runtime-launcher-service";

/// The directory that has this program in its `bin`, by the name that it was started by, or else by the file
/// that is executed.
pub(super) fn prefix(name: &OsStr, executable: &Path) -> Option<HostPath> {
    let named = name.as_bytes().contains(&b'/').then(|| std::path::absolute(name).ok()).flatten();
    let of = |path: PathBuf| {
        let bin = path.parent()?;
        let prefix = bin.parent()?;
        (bin.file_name()? == "bin").then(|| HostPath::new(prefix).ok()).flatten()
    };
    named.and_then(of).or_else(|| of(executable.to_owned()))
}

/// A program of the installation, by its name in the container, if it is there.
pub(super) fn inside(host: &Root, prefix: Option<&HostPath>, program: &str) -> Option<String> {
    let path = RootPath::new(prefix?.at(program).as_path()).ok()?;
    host.find(&path).map(|_| format!("{INSIDE}/{program}"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn where_it_is_installed() {
        for (name, executable, want) in [
            ("/opt/pv/bin/pressure-vessel-wrap", "/opt/b/libexec/bathysphere", Some("/opt/pv")),
            ("pressure-vessel-wrap", "/usr/bin/bathysphere", Some("/usr")),
            ("/tmp/pressure-vessel-wrap", "/target/debug/bathysphere", None),
        ] {
            let got = prefix(OsStr::new(name), Path::new(executable));
            assert_eq!(got, want.map(HostPath::literal), "{name}");
        }
    }
}

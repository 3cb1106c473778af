//! Which runtime a name means: the Steam Linux Runtimes that are installed for the user.
//!
//! Steam installs a runtime as a tool in one of its library folders, whose list is in
//! `steamapps/libraryfolders.vdf` below Steam's data directory. A depot `SteamLinuxRuntime_sniper`
//! has a directory `sniper_platform_VERSION` with the files.

use compose::Facts;
use inspect::root::{Kind, Root};
use inspect::vdf;
use plan::{Code, HostPath, Problem, RootPath};
use std::ffi::OsStr;
use std::os::unix::ffi::OsStrExt;

/// A depot of Steam: its name here, and the name of its directory. The best for a game that asks for
/// none comes first: the newest that is stable and made for Linux games.
const DEPOTS: &[(&str, &str)] = &[
    ("sniper", "SteamLinuxRuntime_sniper"),
    ("steamrt4", "SteamLinuxRuntime_4"),
    ("soldier", "SteamLinuxRuntime_soldier"),
];

/// Steam's data directory, below the home directory: native, old Debian package, Flatpak.
const STEAM: &[&str] = &[
    ".steam/root",
    ".local/share/Steam",
    ".steam/debian-installation",
    ".var/app/com.valvesoftware.Steam/data/Steam",
];

/// An installed runtime.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Installed {
    /// Its name here.
    pub(crate) name: &'static str,
    /// Where its files are.
    pub(crate) path: HostPath,
}

/// Every installed Steam Linux Runtime, best first.
pub(crate) fn installed(facts: &Facts) -> Vec<Installed> {
    let libraries = libraries(facts);
    let mut found = vec![];
    for &(name, directory) in DEPOTS {
        for library in &libraries {
            let depot = library.at("steamapps/common").at(directory);
            found.extend(platform(&facts.host, &depot).map(|path| Installed { name, path }));
        }
    }
    found
}

/// The runtime called `name`.
///
/// # Errors
/// A problem that lists what is installed.
pub(crate) fn by_name(facts: &Facts, name: &OsStr) -> Result<HostPath, Problem> {
    let installed = installed(facts);
    match installed.iter().find(|i| OsStr::new(i.name) == name) {
        Some(found) => Ok(found.path.clone()),
        None => {
            let mut problem = Problem::blocking(
                Code::RUNTIME_MISSING,
                format!("no Steam Linux Runtime called `{}` is installed", name.display()),
            )
            .hint("name a directory (with a `/` in it), an installed runtime, or `host`");
            for Installed { name, path } in &installed {
                problem = problem.evidence(format!("installed: {name} in {path}"));
            }
            Err(problem)
        }
    }
}

/// Steam's library folders.
fn libraries(facts: &Facts) -> Vec<RootPath> {
    let Some(home) = facts.home() else { return vec![] };
    let mut out: Vec<RootPath> = vec![];
    for steam in STEAM {
        let Some(found) = facts.host.find(&home.at(steam)) else { continue };
        let list = found.path.at("steamapps/libraryfolders.vdf");
        let named = facts.host.read(&list).ok().map(|b| folders(&b)).unwrap_or_default();
        for folder in [found.path].into_iter().chain(named) {
            // Resolved, so that a library that is listed twice is looked at once.
            let Some(folder) = facts.host.find(&folder) else { continue };
            if !out.contains(&folder.path) {
                out.push(folder.path);
            }
        }
    }
    out
}

/// The folders of a `libraryfolders.vdf`: `"libraryfolders" { "0" { "path" "/…" } … }`.
fn folders(bytes: &[u8]) -> Vec<RootPath> {
    let Ok(document) = vdf::parse(bytes) else { return vec![] };
    let Some(list) = document.get(&["libraryfolders"]) else { return vec![] };
    let path = |folder: &vdf::Node| RootPath::new(folder.value.get(&["path"])?.text()?).ok();
    list.nodes().iter().filter_map(path).collect()
}

/// The newest `*_platform_*` directory of a depot, by version order of its name.
fn platform(host: &Root, depot: &RootPath) -> Option<HostPath> {
    let names = host.list(depot).ok()?.into_iter().filter(|e| e.kind == Kind::Directory);
    let key = |name: &OsStr| -> Vec<u64> {
        let digits = name.as_bytes().split(|b| !b.is_ascii_digit());
        digits.filter_map(|d| std::str::from_utf8(d).ok()?.parse().ok()).collect()
    };
    let is_platform = |name: &OsStr| name.to_string_lossy().contains("_platform_");
    let best = names.map(|e| e.name).filter(|n| is_platform(n)).max_by_key(|n| key(n))?;
    Some(host.find(&depot.join(best).ok()?)?.host)
}

//! Which runtime a name means: the Steam Linux Runtimes that are installed for the user.
//!
//! | from | where |
//! |---|---|
//! | Steam | `steamapps/common/SteamLinuxRuntime_SUITE` of each library folder that `steamapps/libraryfolders.vdf` lists |
//! | `bathysphere runtime add` | `NAME/VERSION` in `$BATHYSPHERE_RUNTIMES`, else `$XDG_DATA_HOME/bathysphere/runtimes` |
//! | umu | `umu/steamrtN` below `$XDG_DATA_HOME` |
//!
//! A depot has a directory `SUITE_platform_VERSION` with the files; what somebody added may be a runtime
//! itself.

use compose::Facts;
use inspect::root::{Kind, Root};
use inspect::vdf;
use plan::{Code, HostPath, Problem, RootPath};
use serde::Serialize;
use std::ffi::OsStr;
use std::path::Path;
use store::runtimes::version_order;

/// What Steam's depots are called. A name that ends in a number is followed by any number.
const DEPOT: &str = "SteamLinuxRuntime_";

/// Names with a meaning, best for a game that asks for none first: the newest that is stable and made for
/// Linux games. The number is that of the steamrt series, which umu and the server of runtimes count by.
const SUITES: &[(&str, u32)] = &[("sniper", 3), ("steamrt4", 4), ("soldier", 2)];

/// The name of the series `number`: `steamrt5` from 4 on.
pub(crate) fn suite(number: u32) -> Option<String> {
    let known = SUITES.iter().find(|(_, n)| *n == number).map(|(name, _)| (*name).to_owned());
    known.or_else(|| (number > 4).then(|| format!("steamrt{number}")))
}

/// The series that a name means, and whether it is that for ARM64.
pub(crate) fn series(name: &str) -> Option<(u32, bool)> {
    let (base, arm) = match name.strip_suffix("-arm64") {
        Some(base) => (base, true),
        None => (name, false),
    };
    let known = SUITES.iter().find(|(n, _)| *n == base).map(|(_, number)| *number);
    let number = known.or_else(|| number(base.strip_prefix("steamrt")?).filter(|n| *n > 3))?;
    Some((number, arm))
}

fn number(text: &str) -> Option<u32> {
    // As it is written in names: no sign, no zero before it.
    let plain = text.bytes().all(|b| b.is_ascii_digit()) && !text.starts_with('0');
    text.parse().ok().filter(|_| plain)
}

/// The name of the runtime in a depot called `directory`.
pub(crate) fn name_of_depot(directory: &str) -> Option<String> {
    let rest = directory.strip_prefix(DEPOT)?;
    let (base, arm) = match rest.strip_suffix("-arm64") {
        Some(base) => (base, "-arm64"),
        None => (rest, ""),
    };
    let name = match number(base) {
        Some(n) => suite(n)?,
        None => base.to_owned(),
    };
    // The one of scout is a layer over another.
    let real = store::runtimes::is_token(&name) && name != "scout";
    real.then(|| name + arm)
}

/// The worse, the greater: by which of several is taken where none is asked for.
fn rank(name: &str) -> (usize, u32) {
    let position = SUITES.iter().position(|(n, _)| *n == name);
    // Later series come before the oldest one and after those that are known to be good.
    let number = series(name).map_or(u32::MAX, |(n, _)| n);
    (position.map_or(3, |p| if p < 2 { p } else { 4 }), number)
}

/// Steam's data directory, below the home directory: native, old Debian package, Flatpak.
pub(crate) const STEAM: &[&str] = &[
    ".steam/root",
    ".local/share/Steam",
    ".steam/debian-installation",
    ".var/app/com.valvesoftware.Steam/data/Steam",
];

/// Who put a runtime where it is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
pub(crate) enum Origin {
    Steam,
    Bathysphere,
    Umu,
}

/// An installed runtime.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Installed {
    /// Its name here.
    pub(crate) name: String,
    /// Where its files are: what a launch takes.
    pub(crate) path: HostPath,
    /// The directory that is installed: the depot, where it is one.
    pub(crate) depot: HostPath,
    pub(crate) origin: Origin,
}

impl Installed {
    /// Its version, where a name says it.
    pub(crate) fn version(&self) -> Option<String> {
        let own = || Some(self.depot.file_name()?.to_str()?.to_owned());
        version_of(&self.path).or_else(|| own().filter(|_| self.origin == Origin::Bathysphere))
    }
}

/// What stands after `_platform_` in a directory's name.
pub(crate) fn version_of(platform: &HostPath) -> Option<String> {
    let name = platform.file_name()?.to_str()?;
    Some(name.split_once(PLATFORM)?.1.to_owned())
}

const PLATFORM: &str = "_platform_";

/// Every installed runtime: best first, of one name Steam's before ours and umu's, newest first.
pub(crate) fn installed(facts: &Facts) -> Vec<Installed> {
    let mut found = steam(facts);
    found.extend(own(facts));
    found.extend(umu(facts));
    found.sort_by_key(|i| rank(&i.name));
    found
}

/// The one that is taken where none is asked for: one of the Steam Runtime's, for x86.
pub(crate) fn default(facts: &Facts) -> Option<Installed> {
    let suits = |i: &Installed| matches!(series(&i.name), Some((_, false)));
    installed(facts).into_iter().find(suits)
}

fn steam(facts: &Facts) -> Vec<Installed> {
    let mut found = vec![];
    for library in libraries(facts) {
        let common = library.at("steamapps/common");
        for entry in facts.host.list(&common).unwrap_or_default() {
            let Some(name) = entry.name.to_str().and_then(name_of_depot) else { continue };
            let Ok(depot) = common.join(&entry.name) else { continue };
            found.extend(in_depot(&facts.host, &depot, name, Origin::Steam));
        }
    }
    found
}

/// Where `runtime add` puts runtimes.
pub(crate) fn directory(facts: &Facts) -> Option<RootPath> {
    let named = facts.environment.path("BATHYSPHERE_RUNTIMES");
    let data = || facts.xdg("XDG_DATA_HOME", ".local/share");
    named.or_else(|| Some(data()?.at("bathysphere/runtimes")))
}

fn own(facts: &Facts) -> Vec<Installed> {
    let mut found = vec![];
    let Some(directory) = directory(facts) else { return found };
    for name in tokens(&facts.host, &directory) {
        let mut versions = tokens(&facts.host, &directory.at(&name));
        versions.sort_unstable_by(|a, b| version_order(b, a));
        for version in versions {
            let depot = directory.at(&name).at(&version);
            found.extend(in_depot(&facts.host, &depot, name.clone(), Origin::Bathysphere));
        }
    }
    found
}

/// Directories whose names may be those of a runtime or a version.
fn tokens(host: &Root, directory: &RootPath) -> Vec<String> {
    let entries = host.list(directory).unwrap_or_default().into_iter();
    let names = entries.filter(|e| e.kind == Kind::Directory).map(|e| e.name);
    names.filter_map(|n| n.into_string().ok()).filter(|n| store::runtimes::is_token(n)).collect()
}

/// umu-launcher's data directory, below the home directory: in its Flatpak.
const UMU_FLATPAK: &str = ".var/app/org.openwinecomponents.umu.umu-launcher/data/umu";

fn umu(facts: &Facts) -> Vec<Installed> {
    let data = facts.xdg("XDG_DATA_HOME", ".local/share").map(|data| data.at("umu"));
    let flatpak = facts.home().map(|home| home.at(UMU_FLATPAK));
    let mut found = vec![];
    for directory in data.into_iter().chain(flatpak) {
        // Before it knew several, it had the one right there.
        found.extend(in_depot(&facts.host, &directory, "sniper".into(), Origin::Umu));
        for variant in tokens(&facts.host, &directory) {
            let Some(rest) = variant.strip_prefix("steamrt") else { continue };
            let Some(name) = name_of_depot(&format!("{DEPOT}{rest}")) else { continue };
            found.extend(in_depot(&facts.host, &directory.at(&variant), name, Origin::Umu));
        }
    }
    found
}

/// The runtime in a directory that Steam, umu or we made.
fn in_depot(host: &Root, depot: &RootPath, name: String, origin: Origin) -> Option<Installed> {
    let found = host.find(depot).filter(|found| found.kind == Kind::Directory)?;
    let path = match platform(host, depot) {
        Some(platform) => platform,
        None if origin == Origin::Bathysphere => found.host.clone(),
        None => return None,
    };
    Some(Installed { name, path, depot: found.host, origin })
}

/// What a launch takes of `path`: of a depot as it was delivered, its platform.
pub(crate) fn within(facts: &Facts, path: HostPath) -> HostPath {
    let Ok(at) = facts.host.without_dot_dot(&RootPath::root(), path.as_path().as_os_str()) else {
        return path;
    };
    let itself = ["usr-mtree.txt.gz", "usr-mtree.txt", "files", "usr"];
    if itself.iter().any(|name| facts.host.find(&at.at(name)).is_some()) {
        return path;
    }
    platform(&facts.host, &at).unwrap_or(path)
}

/// The runtime called `name`, or `NAME/VERSION`.
///
/// # Errors
/// A problem that lists what is installed.
pub(crate) fn find(facts: &Facts, name: &OsStr) -> Result<Installed, Problem> {
    let installed = installed(facts);
    match installed.iter().find(|i| OsStr::new(&i.name) == name) {
        Some(found) => Ok(found.clone()),
        None => {
            let mut problem = Problem::blocking(
                Code::RUNTIME_MISSING,
                format!("no runtime called `{}` is installed", name.display()),
            )
            .hint(hint(name));
            for Installed { name, path, .. } in &installed {
                problem = problem.evidence(format!("installed: {name} in {path}"));
            }
            Err(problem)
        }
    }
}

fn hint(name: &OsStr) -> String {
    let name = name.to_string_lossy();
    let otherwise = "name a directory (with a `/` in it), an installed runtime, or `host`";
    match series(&name) {
        Some(_) => format!("`bathysphere runtime add {name}` downloads it; or {otherwise}"),
        None => otherwise.into(),
    }
}

/// Where the files of the runtime called `name` are.
///
/// # Errors
/// As [`find`].
pub(crate) fn by_name(facts: &Facts, name: &OsStr) -> Result<HostPath, Problem> {
    find(facts, name).map(|found| found.path)
}

/// The data directories of every Steam of the user, each once.
pub(crate) fn steams(facts: &Facts) -> Vec<HostPath> {
    let Some(home) = facts.home() else { return vec![] };
    let mut found: Vec<HostPath> = vec![];
    for steam in STEAM.iter().filter_map(|steam| facts.host.find(&home.at(steam))) {
        if steam.kind == Kind::Directory && !found.contains(&steam.host) {
            found.push(steam.host);
        }
    }
    found
}

/// The runtime in a depot: its `SUITE_platform_VERSION`, the newest if there are several.
pub(crate) fn of_depot(facts: &Facts, depot: &Path) -> Option<HostPath> {
    platform(&facts.host, &RootPath::new(depot).ok()?)
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

/// The newest `*_platform_*` directory of a depot, or link to one, by version order of its name.
fn platform(host: &Root, depot: &RootPath) -> Option<HostPath> {
    let is_directory = |at: &RootPath| host.find(at).is_some_and(|f| f.kind == Kind::Directory);
    let names = host.list(depot).ok()?.into_iter().filter(|e| match e.kind {
        Kind::Symlink => depot.join(&e.name).is_ok_and(|at| is_directory(&at)),
        kind => kind == Kind::Directory,
    });
    let names = names.filter_map(|e| e.name.into_string().ok()).filter(|n| n.contains(PLATFORM));
    let best = names.max_by(|a, b| version_order(a, b))?;
    Some(host.find(&depot.join(best).ok()?)?.host)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_and_numbers() {
        for (depot, name) in [
            ("SteamLinuxRuntime_sniper", Some("sniper")),
            ("SteamLinuxRuntime_soldier", Some("soldier")),
            ("SteamLinuxRuntime_4", Some("steamrt4")),
            ("SteamLinuxRuntime_5", Some("steamrt5")),
            ("SteamLinuxRuntime_12-arm64", Some("steamrt12-arm64")),
            ("SteamLinuxRuntime_sniper-arm64", Some("sniper-arm64")),
            ("SteamLinuxRuntime_scout", None),
            ("SteamLinuxRuntime", None),
            ("SteamLinuxRuntime_", None),
            ("SteamLinuxRuntime_1", None),
            ("Steamworks Shared", None),
        ] {
            assert_eq!(name_of_depot(depot).as_deref(), name, "{depot}");
        }
        for (name, want) in [
            ("sniper", Some((3, false))),
            ("sniper-arm64", Some((3, true))),
            ("steamrt4", Some((4, false))),
            ("steamrt17-arm64", Some((17, true))),
            ("steamrt3", None),
            ("steamrt04", None),
            ("steamrt+4", None),
            ("mine", None),
        ] {
            assert_eq!(series(name), want, "{name}");
        }
    }

    #[test]
    fn the_best_comes_first() {
        let mut names = ["mine", "soldier", "steamrt6", "steamrt4", "steamrt5", "sniper"];
        names.sort_by_key(|name| rank(name));
        assert_eq!(names, ["sniper", "steamrt4", "steamrt5", "steamrt6", "mine", "soldier"]);
    }
}

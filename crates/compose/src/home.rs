//! What the container has as home directory, and the places that games keep things in beside it.
//!
//! Mirrors pressure-vessel's home modes. A private home is shown at the place of the user's own, so
//! that the path in `HOME` stays true.

use crate::approach::{self, Network};
use crate::draft::Draft;
use crate::exports::{Exports, Mode, Wish};
use crate::facts::Facts;
use crate::named;
use crate::request::{HomeMode, Request};
use crate::workarounds::Workarounds;
use inspect::root::Kind;
use plan::{Code, HostPath, Problem, RootPath};

/// Directories that a private home has before the launch, mode 0700.
pub const PRIVATE_DIRECTORIES: &[&str] = &[".cache/tmp", ".config", ".local/share"];

/// Links that a private home has beside them, by which the homes of Flatpak's applications have the same.
pub const PRIVATE_LINKS: &[(&str, &str)] =
    &[("cache", ".cache"), ("config", ".config"), ("data", ".local/share")];

/// Where removable and further disks and the homes of others are.
const USUAL_PLACES: &[&str] =
    &["/home", "/media", "/mnt", "/opt", "/run/media", "/srv", "/var/tmp"];

/// Places below the home directory that may be links to another disk.
const USUAL_LINKS: &[&str] = &[
    ".cache",
    ".config",
    ".config/cef_user_data",
    ".local/share",
    ".local/share/Steam",
    ".local/state",
    ".var",
];

/// How Steam names its installations, in the order in which they are looked at.
const STEAM: &[&str] = &[
    ".steam",
    ".steam/root",
    ".steam/steam",
    ".steam/steambeta",
    ".steam/bin",
    ".steam/bin32",
    ".steam/bin64",
    ".steam/sdk32",
    ".steam/sdk64",
];

/// Variables of the XDG base directory specification, each with its default below a private home.
const XDG: &[(&str, &str)] = &[
    ("XDG_CACHE_HOME", ".cache"),
    ("XDG_CONFIG_HOME", ".config"),
    ("XDG_DATA_HOME", ".local/share"),
];

/// Directories that must exist before [`crate::compose`] is called, because the container mounts on
/// them or in them: those of a private home. Mode 0700.
pub fn required_directories(request: &Request, facts: &Facts) -> Vec<HostPath> {
    let HomeMode::Private(private) = &request.home else { return vec![] };
    let Ok(base) = RootPath::new(private.as_path()) else { return vec![] };
    let mut out: Vec<HostPath> = PRIVATE_DIRECTORIES
        .iter()
        .filter_map(|d| HostPath::new(base.at(d).as_path()).ok())
        .collect();
    let Some(home) = facts.home() else { return out };
    let real =
        approach::reach(facts, &home, Network::Allowed).map_or(home.clone(), |r| r.found.path);
    for name in STEAM {
        let Ok(steam) = approach::reach(facts, &home.at(name), Network::Allowed) else { continue };
        if steam.found.kind == Kind::Directory
            && let Some(rest) = steam.found.path.below(&real)
            && let Ok(place) = base.join(rest)
        {
            out.extend(HostPath::new(place.as_path()));
        }
    }
    out.sort_unstable();
    out.dedup();
    out
}

/// Whether `path` is the home directory, by the name in `HOME` or where it really is.
pub(crate) fn is_home(facts: &Facts, path: &RootPath) -> bool {
    facts.home().is_some_and(|home| {
        home == *path
            || approach::reach(facts, &home, Network::Allowed)
                .is_ok_and(|reached| reached.found.path == *path)
    })
}

/// Shares the home directory as asked.
///
/// # Errors
/// When a private home is not there, or no home directory is known for one.
pub(crate) fn share(
    request: &Request,
    facts: &Facts,
    exports: &mut Exports<'_>,
    draft: &mut Draft,
) -> Result<(), Problem> {
    match &request.home {
        HomeMode::Shared => {
            shared(facts, exports);
            Ok(())
        }
        HomeMode::Private(private) => hidden(facts, exports, draft, Some(private)),
        HomeMode::Transient => hidden(facts, exports, draft, None),
    }
}

fn shared(facts: &Facts, exports: &mut Exports<'_>) {
    let workarounds = Workarounds::of(facts);
    // Then only what is the user's own is shared, and what is asked for.
    let places = if workarounds.limit_shared_dirs { &[] } else { USUAL_PLACES };
    for place in places {
        let why = "disks and homes, with a shared home";
        exports.share(&RootPath::literal(place), Mode::ReadWrite, Wish::Usual, why);
    }
    for (place, why) in [
        ("/snap", "programs of snap packages"),
        ("/var/lib/snapd/hostfs", "the host, as a snap package sees it"),
    ]
    .into_iter()
    .filter(|_| !workarounds.snap_359)
    {
        exports.share(&RootPath::literal(place), Mode::ReadOnly, Wish::Usual, why);
    }
    for (variable, _) in XDG.iter().chain(&[("XDG_STATE_HOME", "")]) {
        if let Some(path) = facts.environment.path(variable) {
            exports.share(&path, Mode::ReadWrite, Wish::Named, variable);
        }
    }
    let Some(home) = facts.home() else { return };
    exports.share(&home, Mode::ReadWrite, Wish::Asked, "the home directory");
    for name in STEAM {
        exports.share(&home.at(name), Mode::ReadWrite, Wish::Usual, "Steam's directories");
    }
    for name in USUAL_LINKS {
        exports.share(&home.at(name), Mode::ReadWrite, Wish::Usual, "the user's files");
    }
}

/// A home that is not the user's own: `private`, or an empty directory in memory.
fn hidden(
    facts: &Facts,
    exports: &mut Exports<'_>,
    draft: &mut Draft,
    private: Option<&HostPath>,
) -> Result<(), Problem> {
    exports.empty(&RootPath::literal("/home"), "homes of the host are hidden");
    let home = facts.home().ok_or_else(|| {
        Problem::blocking(Code::BAD_VALUE, "HOME is not set to an absolute path")
            .hint("set HOME, or share the home directory")
    })?;
    let reached = approach::reach(facts, &home, Network::Allowed);
    let (real, links) = match reached {
        Ok(reached) => (reached.found.path, reached.links),
        Err(_) => (home.clone(), vec![]),
    };
    for (place, target) in links {
        use std::os::unix::ffi::OsStrExt;
        let text = approach::relative_link(&place, target.as_bytes());
        exports.link(place, text, "link to the home directory");
    }
    let Some(private) = private else {
        exports.empty_at(real, "an empty home directory");
        return Ok(());
    };
    let missing = |what: &str| {
        Problem::blocking(Code::BAD_VALUE, format!("the private home `{what}` does not exist"))
            .hint("create it, or use --share-home")
    };
    let base = named::lexical(private.as_path().as_os_str())
        .ok_or_else(|| missing(&private.to_string()))?;
    let find = |path: &RootPath| {
        approach::reach(facts, path, Network::Allowed)
            .ok()
            .filter(|r| r.found.kind == Kind::Directory)
            .map(|r| r.found)
            .ok_or_else(|| missing(&path.to_string()))
    };
    let directory = find(&base)?;
    exports.show(&directory, &real, Mode::ReadWrite, "a private home directory");
    exports.share(&base, Mode::ReadWrite, Wish::Named, "a private home directory, by its own name");
    let scratch = find(&base.at(".cache/tmp"))?;
    exports.show(
        &scratch,
        &RootPath::literal("/var/tmp"),
        Mode::ReadWrite,
        "scratch of the private home",
    );
    for name in STEAM {
        exports.share(&home.at(name), Mode::ReadOnly, Wish::Usual, "Steam's directories");
    }
    for (variable, below) in XDG {
        let value = base.at(below).as_path().as_os_str().to_owned();
        draft.environment.set(variable, value, "in the private home");
    }
    Ok(())
}

//! What is shared with the container: files, the home directory, descriptors.

use super::super::reading::{Reading, Usage, absolute, bad};
use super::Home;
use crate::request::{Shared, shared};
use compose::{Sharing, Workarounds};
use plan::{ByteString, RootPath};
use std::ffi::OsStr;
use std::os::unix::ffi::OsStrExt;

/// What `--filesystem` shares. Other colons than that of a suffix, and backslashes, are for later.
pub(super) fn filesystems(reading: &Reading<'_>, client: bool) -> Result<Vec<Shared>, Usage> {
    let home = reading.non_empty("HOME").and_then(|home| RootPath::new(home).ok());
    let mut all = vec![];
    let limited = || {
        let words = reading.variable("PRESSURE_VESSEL_WORKAROUNDS").unwrap_or_default();
        Workarounds::parse(words.as_bytes()).limit_shared_dirs
    };
    if client && !limited() {
        all.extend([Shared::Host(Sharing::ReadWrite), Shared::HostRoot(Sharing::ReadWrite)]);
    }
    for value in reading.given.all("filesystem") {
        let refused = |why: &str| bad("filesystem", value, why);
        let shared = shared(value, home.as_ref()).map_err(|why| refused(&why))?;
        if let Shared::Path(share) = &shared
            && share.path.as_bytes().iter().any(|b| b":\\".contains(b))
        {
            return Err(refused("has a `:` or `\\` in its path"));
        }
        all.push(shared);
    }
    Ok(all)
}

/// The application's number.
pub(super) fn application(reading: &Reading<'_>) -> Option<String> {
    let named = reading.given.last("steam-app-id");
    let variables = ["STEAM_COMPAT_APP_ID", "SteamAppId"];
    let named = named.or_else(|| variables.iter().find_map(|name| reading.non_empty(name)));
    named.filter(|id| !id.is_empty()).map(|id| ByteString::from(id).to_string())
}

/// The first that says something: sharing, a directory, nothing at all, an application, batch.
pub(super) fn home(
    reading: &Reading<'_>,
    batch: bool,
    client: bool,
    app: Option<&str>,
) -> Result<Home, Usage> {
    let share = reading.given.either("share-home", "unshare-home");
    let share = share.or_else(|| reading.tristate("PRESSURE_VESSEL_SHARE_HOME"));
    let directory = reading.value("home", "PRESSURE_VESSEL_HOME").filter(|home| !home.is_empty());
    if client && (share == Some(false) || directory.is_some()) {
        reading.messages.warning("Steam's client has the user's own home directory");
    }
    if share == Some(true) || client {
        return Ok(Home::Shared);
    }
    if let Some(directory) = directory {
        return absolute("home", directory).map(Home::Private);
    }
    if share.is_none() {
        return Ok(Home::Shared);
    }
    let id = reading.value("freedesktop-app-id", "PRESSURE_VESSEL_FDO_APP_ID");
    match (id.filter(|id| !id.is_empty()), app) {
        (Some(id), _) => Ok(Home::Application(ByteString::from(id).to_string())),
        (None, Some(app)) => Ok(Home::Application(format!("com.steampowered.App{app}"))),
        (None, None) if batch => Ok(Home::Transient),
        (None, None) => Err(Usage(
            "--unshare-home needs --home, --freedesktop-app-id or --steam-app-id, or --batch"
                .into(),
        )),
    }
}

/// An open descriptor.
pub(super) fn descriptor(option: &str, number: &OsStr, value: &OsStr) -> Result<i32, Usage> {
    let parsed = number.to_str().and_then(|text| text.parse().ok()).filter(|n: &i32| *n >= 0);
    let number = parsed.ok_or_else(|| bad(option, value, "is not the number of a descriptor"))?;
    if sandbox::is_open(number) { Ok(number) } else { Err(bad(option, value, "is not open")) }
}

/// `TARGET=SOURCE`.
pub(super) fn assigned(value: &OsStr) -> Result<(i32, i32), Usage> {
    const OPTION: &str = "assign-fd";
    let parts = value.to_str().and_then(|text| text.split_once('='));
    let (target, source) = parts.ok_or_else(|| bad(OPTION, value, "is not TARGET=SOURCE"))?;
    let number = target.parse().ok().filter(|n: &i32| *n >= 0);
    let number = number
        .ok_or_else(|| bad(OPTION, value, "does not start with the number of a descriptor"))?;
    Ok((number, descriptor(OPTION, OsStr::new(source), value)?))
}

//! Wayland compositors: the session's, and gamescope's own.

use super::Desk;
use plan::RootPath;
use std::ffi::OsStr;
use std::os::unix::ffi::OsStrExt;

/// What libwayland connects to when nothing says otherwise.
const DEFAULT: &str = "wayland-0";

pub(super) fn share(desk: &mut Desk<'_>) {
    session(desk);
    gamescope(desk);
}

fn session(desk: &mut Desk<'_>) {
    const SERVICE: &str = "Wayland";
    let named = desk.facts.environment.non_empty("WAYLAND_DISPLAY").map(OsStr::to_owned);
    let name = named.clone().unwrap_or_else(|| DEFAULT.into());
    let Some(socket) = place(desk, &name).and_then(|p| desk.socket(&p)) else {
        return match named {
            Some(_) => {
                desk.unavailable(SERVICE, "WAYLAND_DISPLAY names no socket that is there".into())
            }
            None => desk.absent(SERVICE, "WAYLAND_DISPLAY is not set and there is no usual socket"),
        };
    };
    // Toolkits treat an odd name as a path or refuse it, so such a display is renamed.
    let here = name.to_str().filter(|n| is_usual(n)).unwrap_or(DEFAULT);
    desk.show(&socket, here, SERVICE);
    desk.link(here, here);
    if named.is_some() {
        desk.draft.environment.set("WAYLAND_DISPLAY", here, "the display's name in the container");
    }
}

fn gamescope(desk: &mut Desk<'_>) {
    const VARIABLE: &str = "GAMESCOPE_WAYLAND_DISPLAY";
    let Some(name) = desk.facts.environment.non_empty(VARIABLE).map(OsStr::to_owned) else {
        return;
    };
    let Some(socket) = place(desk, &name).and_then(|p| desk.socket(&p)) else {
        return desk.unavailable("gamescope", format!("{VARIABLE} names no socket that is there"));
    };
    let at = desk.show(&socket, "gamescope-socket", "gamescope");
    desk.draft.environment.set(VARIABLE, at.to_string(), "where the container has it");
}

/// Where libwayland looks for a display: an absolute path, or a name in `XDG_RUNTIME_DIR`.
fn place(desk: &Desk<'_>, name: &OsStr) -> Option<RootPath> {
    if name.as_bytes().first() == Some(&b'/') {
        return RootPath::new(name).ok();
    }
    desk.facts.runtime_dir()?.join(name).ok()
}

/// `wayland-` and something that is one component of a path.
fn is_usual(name: &str) -> bool {
    name.strip_prefix("wayland-").is_some_and(|rest| {
        !rest.is_empty() && rest.bytes().all(|b| b.is_ascii_alphanumeric() || b"-_.".contains(&b))
    })
}

#[cfg(test)]
mod tests {
    use super::is_usual;

    #[test]
    fn usual_names() {
        for (name, want) in
            [("wayland-0", true), ("wayland-", false), ("wl-1", false), ("wayland-1/x", false)]
        {
            assert_eq!(is_usual(name), want, "{name}");
        }
    }
}

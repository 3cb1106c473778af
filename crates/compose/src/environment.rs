//! The command's environment, where it does not follow from one service.

use crate::facts::Facts;
use crate::request::{Request, RuntimeChoice};
use crate::timezone::ZONES;
use inspect::root::Root;
use plan::{ByteString, ContainerPath, Environment, RootPath, Tuple, Variable};
use std::ffi::{OsStr, OsString};
use std::os::unix::ffi::{OsStrExt, OsStringExt};

/// Where libXcursor looks when nothing says otherwise (its `XCURSORPATH`); it expands `~` itself.
const CURSORS: &str = "~/.icons:/usr/share/icons:/usr/share/pixmaps:/usr/X11R6/lib/X11/icons";
/// The XDG base directory specification's default.
const DATA_DIRS: &str = "/usr/local/share:/usr/share";

/// What holds with and without a runtime.
pub(crate) fn common(facts: &Facts, start: &ContainerPath, environment: &mut Environment) {
    environment.set("container", "pressure-vessel", "how programs recognise a container");
    let start = start.as_path().as_os_str().to_owned();
    environment.set("PWD", start, "where the command starts, without links");
    let original = |name: &str| facts.environment.non_empty(name).map(OsStr::to_owned);
    let cursors = original("XCURSOR_PATH").unwrap_or_else(|| {
        let data = facts.xdg("XDG_DATA_HOME", ".local/share").map(|d| d.at("icons"));
        let data = data.map_or_else(OsString::new, |d| {
            let mut text = d.as_path().as_os_str().to_owned();
            text.push(":");
            text
        });
        let mut all = data;
        all.push(CURSORS);
        all
    });
    let icons = "/run/host/user-share/icons:/run/host/share/icons";
    environment.set("XCURSOR_PATH", appended(cursors, icons), "cursors of the host");
    let dirs = environment.get("XDG_DATA_DIRS").map(|v| v.as_os_str().to_owned());
    let dirs = dirs.or_else(|| original("XDG_DATA_DIRS")).unwrap_or_else(|| DATA_DIRS.into());
    let share = "/run/host/user-share:/run/host/share";
    environment.set("XDG_DATA_DIRS", appended(dirs, share), "icons and the like of the host");
}

fn appended(mut list: OsString, more: &str) -> OsString {
    list.push(":");
    list.push(more);
    list
}

/// What holds with a runtime.
pub(crate) fn with_runtime(
    facts: &Facts,
    runtime: &Root,
    tuples: &[Tuple],
    library_path: &[ContainerPath],
    environment: &mut Environment,
) {
    environment.set("PATH", "/usr/bin:/bin", "programs of the runtime");
    let paths: Vec<&[u8]> = library_path.iter().map(ContainerPath::as_bytes).collect();
    if paths.is_empty() {
        environment.unset("LD_LIBRARY_PATH", "it names libraries of the host");
    } else {
        let value = OsString::from_vec(paths.join(&b':'));
        environment.set("LD_LIBRARY_PATH", value, "other names of captured libraries");
    }
    let names: Vec<&str> = tuples.iter().map(|t| t.name()).collect();
    environment.set("PRESSURE_VESSEL_ARCHITECTURES", names.join(":"), "what runs in here");
    let has = |path: &str| runtime.find(&RootPath::literal(path)).is_some();
    if has("/lib/terminfo") {
        environment.set("TERMINFO_DIRS", "/lib/terminfo", "the runtime has it there");
    }
    if has(ZONES) {
        environment.set("TZDIR", ZONES, "time zones of the runtime");
    } else {
        environment.unset("TZDIR", "it names a directory of the host");
    }
    if facts.environment.get("STEAM_ZENITY") != Some(OsStr::new("")) {
        if has("/usr/bin/zenity") {
            environment.set("STEAM_ZENITY", "/usr/bin/zenity", "the runtime's");
        } else {
            environment.unset("STEAM_ZENITY", "the runtime has none");
        }
    }
    if is_scout(runtime) {
        environment.set("STEAM_RUNTIME", "/", "scout's programs ask for it");
        if facts.environment.get("SDL_VIDEODRIVER") == Some(OsStr::new("wayland")) {
            environment.unset("SDL_VIDEODRIVER", "scout's SDL has no such driver");
        }
    }
}

/// Whether the runtime is Steam Runtime 1 (os-release(5): `ID=steamrt`, `VERSION_ID=1`).
fn is_scout(runtime: &Root) -> bool {
    let text = runtime.read(&RootPath::literal("/usr/lib/os-release")).unwrap_or_default();
    let value = |name: &str| {
        text.split(|b| *b == b'\n').find_map(|line| {
            let rest = line.strip_prefix(name.as_bytes())?.strip_prefix(b"=")?.trim_ascii();
            let quoted = |q: u8| rest.strip_prefix(&[q])?.strip_suffix(&[q]);
            Some(quoted(b'"').or_else(|| quoted(b'\'')).unwrap_or(rest))
        })
    };
    value("ID") == Some(b"steamrt") && value("VERSION_ID") == Some(b"1")
}

/// What was asked for, which is applied last. Names need not be text.
pub(crate) fn asked(request: &Request, environment: &mut Environment) {
    let mut change = |name: &ByteString, value: Option<&ByteString>, reason: &str| {
        let variable = Variable { value: value.cloned(), reason: reason.into() };
        environment.0.insert(name.clone(), variable);
    };
    if request.runtime == RuntimeChoice::Host {
        for (name, value) in &request.environment_if_host {
            change(name, Some(value), "asked for, without a runtime");
        }
    }
    for (name, value) in &request.environment {
        change(name, value.as_ref(), "asked for");
    }
}

/// `LANG`, `LC_ALL` and the other `LC_` variables as the command will have them, and the locales
/// asked for by option.
pub(crate) fn locale_variables(
    facts: &Facts,
    request: &Request,
) -> std::collections::BTreeMap<String, String> {
    let is_locale = |name: &[u8]| name == b"LANG" || name.starts_with(b"LC_");
    let mut out = std::collections::BTreeMap::new();
    for (name, value) in facts.environment.iter().filter(|(n, _)| is_locale(n.as_bytes())) {
        if let (Some(name), Some(value)) = (name.to_str(), value.to_str()) {
            out.insert(name.to_owned(), value.to_owned());
        }
    }
    for (name, value) in request.environment.iter().filter(|(n, _)| is_locale(n.as_bytes())) {
        match value {
            Some(value) => out.insert(name.to_string(), value.to_string()),
            None => out.remove(&name.to_string()),
        };
    }
    out.retain(|_, value| !value.is_empty());
    for (n, locale) in request.locales.iter().enumerate() {
        out.insert(format!("--locale {}", n + 1), locale.clone());
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::{facts, tree};
    use inspect::root::Form;
    use plan::HostPath;

    /// What the environment of a runtime with these files comes to, for some variables.
    fn outcome(runtime: &[&str], inherited: &[(&str, &str)], names: &[&str]) -> Vec<String> {
        let base = tempfile::tempdir().unwrap();
        tree(base.path(), runtime);
        let root = Root::with_form(HostPath::new(base.path()).unwrap(), Form::Full).unwrap();
        let facts = facts(base.path(), inherited);
        let mut environment = Environment::default();
        let tuples = [Tuple::X86_64, Tuple::I386];
        with_runtime(&facts, &root, &tuples, &[], &mut environment);
        common(&facts, &ContainerPath::literal("/w"), &mut environment);
        names
            .iter()
            .map(|name| match environment.0.get(&ByteString::from(*name)) {
                None => format!("{name} as it is"),
                Some(Variable { value: None, .. }) => format!("-{name}"),
                Some(Variable { value: Some(value), .. }) => format!("{name}={value}"),
            })
            .collect()
    }

    #[test]
    fn variables_of_a_runtime() {
        let scout = "usr/lib/os-release = NAME=\"Steam\"\nID=steamrt\nVERSION_ID=\"1\"\n";
        let sniper = "usr/lib/os-release = ID=steamrt\nVERSION_ID=\"3\"\n";
        let wayland = ("SDL_VIDEODRIVER", "wayland");
        for (runtime, inherited, names, want) in [
            (
                &[scout][..],
                &[wayland][..],
                &["STEAM_RUNTIME", "SDL_VIDEODRIVER"][..],
                &["STEAM_RUNTIME=/", "-SDL_VIDEODRIVER"][..],
            ),
            (
                &[sniper],
                &[wayland],
                &["STEAM_RUNTIME", "SDL_VIDEODRIVER"],
                &["STEAM_RUNTIME as it is", "SDL_VIDEODRIVER as it is"],
            ),
            (
                &["usr/bin/zenity"],
                &[],
                &["STEAM_ZENITY", "TZDIR"],
                &["STEAM_ZENITY=/usr/bin/zenity", "-TZDIR"],
            ),
            (
                &["usr/bin/zenity"],
                &[("STEAM_ZENITY", "")],
                &["STEAM_ZENITY"],
                &["STEAM_ZENITY as it is"],
            ),
            (&[], &[("STEAM_ZENITY", "/x")], &["STEAM_ZENITY"], &["-STEAM_ZENITY"]),
            (&["lib/terminfo/"], &[], &["TERMINFO_DIRS"], &["TERMINFO_DIRS=/lib/terminfo"]),
            (
                &[],
                &[("LD_LIBRARY_PATH", "/x")],
                &["LD_LIBRARY_PATH", "PATH"],
                &["-LD_LIBRARY_PATH", "PATH=/usr/bin:/bin"],
            ),
            (
                &[],
                &[("PWD", "/x")],
                &["PWD", "container"],
                &["PWD=/w", "container=pressure-vessel"],
            ),
            (
                &[],
                &[("XDG_DATA_DIRS", "/opt/share"), ("XCURSOR_PATH", "/c")],
                &["XDG_DATA_DIRS", "XCURSOR_PATH"],
                &[
                    "XDG_DATA_DIRS=/opt/share:/run/host/user-share:/run/host/share",
                    "XCURSOR_PATH=/c:/run/host/user-share/icons:/run/host/share/icons",
                ],
            ),
            (
                &[],
                &[("HOME", "/h")],
                &["XCURSOR_PATH", "PRESSURE_VESSEL_ARCHITECTURES"],
                &[
                    "XCURSOR_PATH=/h/.local/share/icons:~/.icons:/usr/share/icons:/usr/share/pixmaps:\
                     /usr/X11R6/lib/X11/icons:/run/host/user-share/icons:/run/host/share/icons",
                    "PRESSURE_VESSEL_ARCHITECTURES=x86_64-linux-gnu:i386-linux-gnu",
                ],
            ),
        ] {
            assert_eq!(outcome(runtime, inherited, names), want, "{runtime:?} {inherited:?}");
        }
    }

    #[test]
    fn locales_that_are_wanted() {
        let base = tempfile::tempdir().unwrap();
        let facts =
            facts(base.path(), &[("LANG", "de_DE.UTF-8"), ("LC_ALL", ""), ("LC_TIME", "C")]);
        let request = Request {
            environment: vec![
                ("LC_TIME".into(), None),
                ("LC_NUMERIC".into(), Some("fr_FR".into())),
            ],
            locales: vec!["it_IT.UTF-8".into()],
            ..Request::default()
        };
        let got: Vec<String> =
            locale_variables(&facts, &request).iter().map(|(n, v)| format!("{n}={v}")).collect();
        assert_eq!(got, ["--locale 1=it_IT.UTF-8", "LANG=de_DE.UTF-8", "LC_NUMERIC=fr_FR"]);
    }
}

//! What is started with which arguments and environment.

use super::depot::Depot;
use options::Given;
use plan::{Code, Problem};
use std::ffi::{OsStr, OsString};
use std::io;
use std::os::unix::ffi::{OsStrExt, OsStringExt};
use std::path::{Path, PathBuf};
use tools::{set, variable};

/// Pairs of names and values.
pub(super) type Environment = Vec<(OsString, OsString)>;

/// A program with all that it gets.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Start {
    pub(super) program: PathBuf,
    pub(super) arguments: Vec<OsString>,
    pub(super) environment: Environment,
}

/// What `_v2-entry-point` starts.
pub(super) fn game(inherited: &Environment, given: &Given, depot: &Depot) -> Start {
    let get = |name| variable(inherited, name);
    let on = Some(OsStr::new("1"));
    let mut environment = inherited.clone();
    if verb(given) == OsStr::new("run") {
        set(&mut environment, "PRESSURE_VESSEL_BATCH", on);
    }
    if is_verbose(inherited, given) {
        set(&mut environment, "PRESSURE_VESSEL_VERBOSE", on);
    }
    if is_logged(inherited, given) {
        set(&mut environment, "PRESSURE_VESSEL_LOG_INFO", on);
        set(&mut environment, "PRESSURE_VESSEL_LOG_WITH_TIMESTAMP", on);
    }
    if let Some(path) = get("LD_LIBRARY_PATH") {
        let path = outside(path, get("STEAM_RUNTIME"));
        set(&mut environment, "PRESSURE_VESSEL_APP_LD_LIBRARY_PATH", Some(&path));
    }
    let mut arguments = vec![];
    if let Some(preload) = get("LD_PRELOAD").filter(|preload| !preload.is_empty()) {
        arguments.push(joined("--ld-preloads=", preload));
        arguments.push(joined("--env-if-host=LD_PRELOAD=", preload));
    }
    for name in ["LD_LIBRARY_PATH", "LD_PRELOAD", "STEAM_RUNTIME"] {
        set(&mut environment, name, None);
    }
    arguments.push("--".into());
    // Without a service to start this program would only execute the command.
    if get("STEAM_COMPAT_LAUNCHER_SERVICE").is_some_and(|service| !service.is_empty()) {
        arguments.push(depot.tree.join("bin/steam-runtime-launcher-interface-0").into());
        arguments.push("container-runtime".into());
    }
    arguments.extend(given.words.iter().cloned());
    run(&environment, &arguments, depot)
}

/// What `run` starts.
pub(super) fn run(inherited: &Environment, arguments: &[OsString], depot: &Depot) -> Start {
    let mut environment = inherited.clone();
    for (name, value) in [
        ("PRESSURE_VESSEL_COPY_RUNTIME", OsStr::new("1")),
        ("PRESSURE_VESSEL_RUNTIME", &depot.runtime),
        ("PRESSURE_VESSEL_RUNTIME_BASE", depot.base.as_os_str()),
    ] {
        set(&mut environment, name, Some(value));
    }
    for name in ["PRESSURE_VESSEL_RUNTIME_ARCHIVE", "PRESSURE_VESSEL_VARIABLE_DIR"] {
        set(&mut environment, name, None);
    }
    // As an option, for it must not be seen in the container.
    let mut all = vec![joined("--variable-dir=", depot.variable.as_os_str())];
    all.extend(arguments.iter().cloned());
    Start { program: depot.tree.join("bin/pressure-vessel-unruntime"), arguments: all, environment }
}

/// What Steam wants of the tool: the game, or a program that sets something up.
pub(super) fn verb(given: &Given) -> &OsStr {
    given.last("verb").unwrap_or(OsStr::new("waitforexitandrun"))
}

/// Whether this is the game itself.
pub(super) fn is_main(given: &Given) -> bool {
    verb(given) == OsStr::new("waitforexitandrun")
}

fn is_verbose(environment: &Environment, given: &Given) -> bool {
    given.has("verbose") || is_on(environment, "STEAM_LINUX_RUNTIME_VERBOSE")
}

/// Whether a log is written.
pub(super) fn is_logged(environment: &Environment, given: &Given) -> bool {
    given.has("log-to-file") || is_on(environment, "STEAM_LINUX_RUNTIME_LOG")
}

/// Whether a variable is `1`.
pub(super) fn is_on(environment: &Environment, name: &str) -> bool {
    variable(environment, name) == Some(OsStr::new("1"))
}

/// The entries of a search path that do not belong to the runtime of Steam's client.
fn outside(path: &OsStr, runtime: Option<&OsStr>) -> OsString {
    let runtime = runtime.map(Path::new).filter(|runtime| runtime.is_absolute());
    let belongs = |entry: &[u8]| {
        runtime.is_some_and(|runtime| Path::new(OsStr::from_bytes(entry)).starts_with(runtime))
    };
    let entries = path.as_bytes().split(|byte| *byte == b':').filter(|entry| !belongs(entry));
    OsString::from_vec(entries.collect::<Vec<_>>().join(&b':'))
}

fn joined(option: &str, value: &OsStr) -> OsString {
    let mut whole = OsString::from(option);
    whole.push(value);
    whole
}

/// For the user.
pub(super) fn not_executed(program: &Path, error: &io::Error) -> Problem {
    let cause = format!("`{}` cannot be executed: {error}", program.display());
    Problem::blocking(Code::RUNTIME_INCOMPLETE, cause).hint(
        "set PRESSURE_VESSEL_PREFIX to a tree that `bathysphere install --prefix` has written",
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    fn start(variables: &[(&str, &str)], words: &[&str]) -> String {
        let program = options::named(OsStr::new("_v2-entry-point")).unwrap();
        let given = program.read(words.iter().map(OsString::from)).unwrap();
        let inherited: Environment =
            variables.iter().map(|(name, value)| (name.into(), value.into())).collect();
        let depot = Depot {
            here: "/depot".into(),
            base: "/depot".into(),
            runtime: "sniper_platform_1".into(),
            tree: "/tree".into(),
            variable: "/var".into(),
        };
        let start = game(&inherited, &given, &depot);
        assert_eq!(start.program, Path::new("/tree/bin/pressure-vessel-unruntime"));
        let common = [
            ("PRESSURE_VESSEL_COPY_RUNTIME", "1"),
            ("PRESSURE_VESSEL_RUNTIME", "sniper_platform_1"),
            ("PRESSURE_VESSEL_RUNTIME_BASE", "/depot"),
        ];
        for (name, value) in common {
            assert_eq!(variable(&start.environment, name), Some(OsStr::new(value)));
        }
        assert_eq!(start.arguments[0], "--variable-dir=/var");
        let arguments = start.arguments[1..].iter().map(|word| word.display().to_string());
        let environment = start.environment.iter();
        let own = environment.filter(|(name, _)| !common.iter().any(|(known, _)| name == known));
        let own = own.map(|(name, value)| {
            let name = name.display().to_string().replace("PRESSURE_VESSEL_", "PV_");
            format!("{name}={}", value.display())
        });
        let (arguments, own): (Vec<_>, Vec<_>) = (arguments.collect(), own.collect());
        format!("{} | {}", own.join(" "), arguments.join(" "))
    }

    #[test]
    fn the_game_gets_what_steam_gave() {
        for (variables, words, want) in [
            (&[][..], &["--", "game", "--verb=x"][..], " | -- game --verb=x"),
            (&[], &["--verb=waitforexitandrun", "--", "game"], " | -- game"),
            (&[], &["--verb", "run", "--deploy", "x", "game"], "PV_BATCH=1 | -- game"),
            (&[], &["--suite=sniper", "--verbose", "game"], "PV_VERBOSE=1 | -- game"),
            (&[("PRESSURE_VESSEL_VARIABLE_DIR", "/v")], &["game"], " | -- game"),
            (
                &[("LD_PRELOAD", "/a.so:/b.so")],
                &["game"],
                " | --ld-preloads=/a.so:/b.so --env-if-host=LD_PRELOAD=/a.so:/b.so -- game",
            ),
            (&[("LD_PRELOAD", "")], &["game"], " | -- game"),
            (
                &[("STEAM_RUNTIME", "/s"), ("LD_LIBRARY_PATH", "/s/lib:/own::/s:/sx")],
                &["game"],
                "PV_APP_LD_LIBRARY_PATH=/own::/sx | -- game",
            ),
            (
                &[("STEAM_RUNTIME", "0"), ("LD_LIBRARY_PATH", "0/lib:/own")],
                &["game"],
                "PV_APP_LD_LIBRARY_PATH=0/lib:/own | -- game",
            ),
            (
                &[("STEAM_COMPAT_LAUNCHER_SERVICE", "container-runtime")],
                &["game"],
                "STEAM_COMPAT_LAUNCHER_SERVICE=container-runtime | -- \
                 /tree/bin/steam-runtime-launcher-interface-0 container-runtime game",
            ),
            (
                &[("STEAM_LINUX_RUNTIME_LOG", "1"), ("STEAM_LINUX_RUNTIME_VERBOSE", "0")],
                &["game"],
                "STEAM_LINUX_RUNTIME_LOG=1 STEAM_LINUX_RUNTIME_VERBOSE=0 PV_LOG_INFO=1 \
                 PV_LOG_WITH_TIMESTAMP=1 | -- game",
            ),
        ] {
            assert_eq!(start(variables, words), want, "{variables:?} {words:?}");
        }
    }
}

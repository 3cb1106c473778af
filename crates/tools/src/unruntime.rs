//! `pressure-vessel-unruntime`: what of the environment of an `LD_LIBRARY_PATH` runtime is undone before
//! `pressure-vessel-wrap` begins, and what is handed to it as options instead.

use crate::execute::{execute, is_executable};
use crate::messages::{Messages, boolean};
use crate::{Invocation, set, variable};
use std::ffi::{OsStr, OsString};
use std::path::Path;

/// Variables of the library runtime, which only a command without a container gets back.
pub const UNDONE: &[&str] = &["LD_LIBRARY_PATH", "LD_AUDIT", "LD_PRELOAD", "PATH", "STEAM_RUNTIME"];

/// Those of them that are for the command in any case, with the option that says so.
const MODULES: &[(&str, &str)] = &[("LD_AUDIT", "--ld-audits="), ("LD_PRELOAD", "--ld-preloads=")];

/// `PATH` without a library runtime.
const PATH: &str =
    "/usr/local/sbin:/usr/sbin:/sbin:/usr/local/bin:/usr/bin:/bin:/usr/local/games:/usr/games";

/// What a variable becomes that was kept under another name: old name, new name.
const KEPT: &[(&str, &str)] = &[
    ("SYSTEM_LD_LIBRARY_PATH", "LD_LIBRARY_PATH"),
    ("SYSTEM_LD_PRELOAD", "LD_PRELOAD"),
    ("SYSTEM_PATH", "PATH"),
    // Stands last: it is for this command, so it counts more.
    ("PRESSURE_VESSEL_APP_LD_LIBRARY_PATH", "LD_LIBRARY_PATH"),
];

/// Variables that mean nothing outside the library runtime.
const DROPPED: &[&str] = &["SYSTEM_ZENITY", "STEAM_ZENITY"];

/// The program that asks for settings in a window.
const GUI: &str = "pressure-vessel-test-ui";

/// The arguments and the environment that `pressure-vessel-wrap` gets.
#[must_use]
pub fn rewrite(invocation: &Invocation) -> (Vec<OsString>, Vec<(OsString, OsString)>) {
    let given = &invocation.environment;
    let mut options = vec![];
    let mut environment = given.clone();
    let in_runtime = variable(given, "STEAM_RUNTIME").is_some_and(|value| !value.is_empty());
    for name in UNDONE.iter().filter(|name| **name != "PATH" || in_runtime) {
        let value = variable(given, name).unwrap_or_default();
        if !value.is_empty() {
            options.push(if_host(name, value));
        }
        set(&mut environment, name, None);
    }
    for (name, option) in MODULES {
        let value = variable(given, name).unwrap_or_default();
        if !value.is_empty() {
            options.push(joined(&[OsStr::new(option), value]));
        }
    }
    if in_runtime {
        set(&mut environment, "PATH", Some(OsStr::new(PATH)));
    }
    for (old, new) in KEPT {
        if let Some(value) = variable(given, old) {
            options.push(if_host(old, value));
            set(&mut environment, new, Some(value));
            set(&mut environment, old, None);
        }
    }
    if let Some(value) = variable(given, "STEAM_RUNTIME_LIBRARY_PATH") {
        options.push(if_host("STEAM_RUNTIME_LIBRARY_PATH", value));
    }
    for name in DROPPED {
        set(&mut environment, name, None);
    }
    options.extend(invocation.arguments.iter().cloned());
    (options, environment)
}

/// Becomes the program that asks in a window, where the user wants that, there is one beside this program
/// (which was started as `name`), and somebody can be asked. Comes back where that is not so, or fails.
pub fn ask_in_window(invocation: &Invocation, name: &OsStr) {
    let given = &invocation.environment;
    let wanted = variable(given, "PRESSURE_VESSEL_WRAP_GUI").is_some_and(|value| !value.is_empty());
    let batch = invocation.arguments.iter().any(|word| word == "--batch")
        || boolean(given, "PRESSURE_VESSEL_BATCH") == Ok(Some(true));
    if !wanted || batch {
        return;
    }
    let is_path = name.as_encoded_bytes().contains(&b'/');
    let own = if is_path { Path::new(name) } else { &invocation.executable };
    let program = own.with_file_name(GUI);
    let messages = Messages::new(invocation.program.name(), given, 0);
    if !is_executable(&program) {
        messages.warning(format_args!("there is no {}: nothing is asked", program.display()));
        return;
    }
    let (arguments, environment) = rewrite(invocation);
    let words = [vec![program.into_os_string()], arguments].concat();
    // Only comes back when it has failed; the game is started without questions then.
    let _ = execute(&words, &environment, &messages);
}

fn if_host(name: &str, value: &OsStr) -> OsString {
    joined(&[OsStr::new("--env-if-host="), OsStr::new(name), OsStr::new("="), value])
}

fn joined(parts: &[&OsStr]) -> OsString {
    parts.iter().copied().collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::path::PathBuf;

    /// Environment, arguments → what wrap gets.
    fn rewritten(variables: &[(&str, &str)], arguments: &[&str]) -> (Vec<String>, Vec<String>) {
        let invocation = Invocation {
            program: options::named(OsStr::new("pressure-vessel-unruntime")).unwrap(),
            arguments: arguments.iter().map(OsString::from).collect(),
            environment: variables.iter().map(|(n, v)| (n.into(), v.into())).collect(),
            executable: PathBuf::from("/x/bathysphere"),
        };
        let (arguments, environment) = rewrite(&invocation);
        let text = |word: &OsString| word.to_str().unwrap().to_owned();
        let mut variables: Vec<_> =
            environment.iter().map(|(n, v)| format!("{}={}", text(n), text(v))).collect();
        variables.sort_unstable();
        (arguments.iter().map(text).collect(), variables)
    }

    #[test]
    fn what_is_undone() {
        let default = format!("PATH={PATH}");
        let default = default.as_str();
        for (variables, options, environment) in [
            (&[][..], &[][..], &[][..]),
            (&[("PATH", "/p"), ("HOME", "/h")], &[], &["HOME=/h", "PATH=/p"]),
            (
                &[("PATH", "/p"), ("STEAM_RUNTIME", "/s")],
                &["--env-if-host=PATH=/p", "--env-if-host=STEAM_RUNTIME=/s"],
                &[default],
            ),
            (
                &[("LD_LIBRARY_PATH", "/l"), ("LD_PRELOAD", "/a.so /b.so"), ("LD_AUDIT", "/c.so")],
                &[
                    "--env-if-host=LD_LIBRARY_PATH=/l",
                    "--env-if-host=LD_AUDIT=/c.so",
                    "--env-if-host=LD_PRELOAD=/a.so /b.so",
                    "--ld-audits=/c.so",
                    "--ld-preloads=/a.so /b.so",
                ],
                &[],
            ),
            (&[("LD_LIBRARY_PATH", ""), ("STEAM_RUNTIME", "")], &[], &[]),
            (
                &[("STEAM_RUNTIME", "/s"), ("SYSTEM_PATH", "/q"), ("SYSTEM_LD_PRELOAD", "")],
                &[
                    "--env-if-host=STEAM_RUNTIME=/s",
                    "--env-if-host=SYSTEM_LD_PRELOAD=",
                    "--env-if-host=SYSTEM_PATH=/q",
                ],
                &["LD_PRELOAD=", "PATH=/q"],
            ),
            (
                &[("SYSTEM_LD_LIBRARY_PATH", "/s"), ("PRESSURE_VESSEL_APP_LD_LIBRARY_PATH", "/a")],
                &[
                    "--env-if-host=SYSTEM_LD_LIBRARY_PATH=/s",
                    "--env-if-host=PRESSURE_VESSEL_APP_LD_LIBRARY_PATH=/a",
                ],
                &["LD_LIBRARY_PATH=/a"],
            ),
            (
                &[
                    ("STEAM_RUNTIME_LIBRARY_PATH", "/r"),
                    ("SYSTEM_ZENITY", ""),
                    ("STEAM_ZENITY", "z"),
                ],
                &["--env-if-host=STEAM_RUNTIME_LIBRARY_PATH=/r"],
                &["STEAM_RUNTIME_LIBRARY_PATH=/r"],
            ),
        ] {
            let words = ["--runtime", "r", "--", "game"];
            let (got, got_environment) = rewritten(variables, &words);
            assert_eq!(got, [options, &words[..]].concat(), "{variables:?}");
            assert_eq!(got_environment, environment, "{variables:?}");
        }
    }
}

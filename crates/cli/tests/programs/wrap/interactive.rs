//! Terminals and shells: a pseudo-terminal by script(1), and a real xterm on an X server of our own.

use super::{by, sh, wrap, wrap_in};
use crate::support::{BACKENDS, Outcome, lab, need, x_server};
use crate::tool::{Places, installed};
use std::io::Write;
use std::process::{Command, Stdio};

/// A call on a terminal of its own, as script(1) makes it; `before`: what the shell there starts it by.
pub(super) fn by_script(before: &str, call: &Command, places: &Places) -> Command {
    let quoted =
        |word: &std::ffi::OsStr| format!("'{}'", word.to_string_lossy().replace('\'', "'\\''"));
    let words: Vec<_> =
        [call.get_program()].into_iter().chain(call.get_args()).map(quoted).collect();
    let mut script = Command::new("script");
    script.args(["-qec", &format!("{before} {}", words.join(" ")), "/dev/null"]).env_clear();
    script.envs(call.get_envs().filter_map(|(n, v)| Some((n, v?)))).current_dir(places.home());
    script.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
    script
}

/// Runs a call on a terminal of its own, with what is typed on it. What it prints, and its status.
fn on_terminal(call: &Command, places: &Places, typed: &str) -> (String, i32) {
    let mut child = by_script("", call, places).spawn().unwrap();
    child.stdin.take().unwrap().write_all(typed.as_bytes()).unwrap();
    let output = child.wait_with_output().unwrap();
    (String::from_utf8_lossy(&output.stdout).into_owned(), output.status.code().unwrap_or(-1))
}

#[test]
fn a_terminal_and_a_shell() {
    need!(installed("script"));
    let runtime = need!(lab("runtime-bullseye"));
    for backend in BACKENDS {
        for (options, typed, status, said) in [
            (&["--tty"][..], "", 3, "on a terminal"),
            (&["--tty", "--shell=after"], "exit 7\n", 7, "ended with status 3"),
            (&["--tty", "--shell=fail"], "exit 7\n", 7, "failed with status 3"),
            (&["--tty", "--shell=instead"], "exit $#\n", 3, "in its place"),
        ] {
            let tool = by(wrap_in(Places::new()).pair("--runtime", &runtime), backend);
            let command = "test -t 0 && test -t 1 && echo on a terminal; exit 3";
            let (call, places) = sh(tool.args(options), command).prepare();
            let (text, got) = on_terminal(&call, &places, typed);
            assert_eq!(got, status, "{backend} {options:?}: {text}");
            assert!(text.contains(said), "{backend} {options:?}: {text}");
        }
    }
}

/// What is written for others to execute says nothing of a terminal that only this process has open.
#[test]
fn a_terminal_is_not_in_the_final_command() {
    need!(installed("script"));
    let places = Places::new();
    let file = places.at("argv");
    let tool = wrap_in(places).pair("--write-final-argv", &file).args(&["--tty", "true"]);
    let (call, places) = tool.prepare();
    let (text, status) = on_terminal(&call, &places, "");
    assert_eq!(status, 0, "{text}");
    assert!(std::fs::read(&file).unwrap().ends_with(b"--\0true\0"), "{text}");
}

/// In a session without a terminal that is said.
#[test]
fn no_terminal() {
    let (call, places) = wrap().args(&["--tty", "true"]).prepare();
    let mut setsid = Command::new("setsid");
    setsid.arg("-w").arg(call.get_program()).args(call.get_args()).env_clear();
    setsid.envs(call.get_envs().filter_map(|(n, v)| Some((n, v?)))).current_dir(places.home());
    Outcome::of(&mut setsid).fails(1, "BS0081");
}

/// A window of its own, in a container of the host's system, which has xterm.
#[test]
fn a_window() {
    need!(installed("xterm"));
    let server = need!(x_server());
    for backend in BACKENDS {
        let tool =
            by(wrap(), backend).env("DISPLAY", &server.display).env("XCURSOR_PATH", "/cursors");
        let script = "test -t 1 && echo \"$WINDOWID,$XCURSOR_PATH\" > ~/seen; exit 5";
        let tool = sh(tool.args(&["--xterm", "--shell=fail"]), script);
        // The shell in the window is closed by the hang-up of its terminal.
        let (mut call, places) = tool.prepare();
        let mut child = call.stderr(Stdio::null()).spawn().unwrap();
        let seen = places.home().join("seen");
        while !seen.exists() && child.try_wait().unwrap().is_none() {
            std::thread::sleep(std::time::Duration::from_millis(20));
        }
        rustix::process::kill_process(
            rustix::process::Pid::from_child(&child),
            rustix::process::Signal::TERM,
        )
        .unwrap();
        child.wait().unwrap();
        let text = std::fs::read_to_string(&seen).unwrap();
        let (window, cursors) = text.trim_end().split_once(',').unwrap();
        assert!(window.parse::<u64>().is_ok(), "{backend}: {text}");
        assert!(cursors.starts_with("/cursors:"), "{backend}: {text}");
    }
}

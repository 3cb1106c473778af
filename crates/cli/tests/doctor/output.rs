//! Plain in a pipe, coloured and broken to its width on a terminal.

use crate::support::Call;
use std::process::{Command, Stdio};

/// What `doctor` writes to a terminal of so many columns (script(1) makes one).
fn on_terminal(columns: u32, variables: &[(&str, &str)]) -> String {
    let mut call = Call::new(&["doctor"]);
    for (name, value) in variables {
        call = call.env(name, value);
    }
    let inner = call.command();
    let quoted = |word: &std::ffi::OsStr| format!("'{}'", word.to_str().unwrap());
    let words: Vec<String> =
        std::iter::once(inner.get_program()).chain(inner.get_args()).map(quoted).collect();
    let line = format!("stty cols {columns} && exec {}", words.join(" "));
    let mut script = Command::new("script");
    script.args(["-qec", &line, "/dev/null"]).env_clear().stdin(Stdio::null());
    for (name, value) in inner.get_envs() {
        script.env(name, value.unwrap_or_default());
    }
    let output = script.env("SHELL", "/bin/sh").current_dir(call.home()).output().unwrap();
    assert_eq!(output.status.code(), Some(0), "{output:?}");
    String::from_utf8_lossy(&output.stdout).replace('\r', "")
}

#[test]
fn colours() {
    let piped = Call::new(&["doctor"]).env("TERM", "xterm-256color").run();
    assert!(!piped.stdout().contains('\x1b'), "{}", piped.account());
    for (variables, coloured) in [
        (&[("TERM", "xterm-256color")][..], true),
        (&[("TERM", "dumb")], false),
        (&[("TERM", "xterm"), ("NO_COLOR", "1")], false),
    ] {
        let text = on_terminal(100, variables);
        assert_eq!(text.contains("\x1b[32m"), coloured, "{variables:?}: {text}");
        assert!(text.contains("A launch can work on this machine."), "{text}");
    }
}

#[test]
fn width() {
    let text = on_terminal(60, &[("TERM", "dumb")]);
    for line in text.lines().filter(|line| line.chars().count() > 60) {
        // Only a word that is too long by itself, such as a path.
        let words = line.split_whitespace().filter(|word| word.chars().count() > 25).count();
        assert!(words > 0, "too long: `{line}` in\n{text}");
    }
    let piped = Call::new(&["doctor"]).run().stdout();
    assert!(text.lines().count() > piped.lines().count(), "nothing was broken:\n{text}");
}

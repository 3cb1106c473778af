//! Commands that somebody looks at while they run: in a terminal, with a shell after or in place of them.
//!
//! The words that are put before a command. They need `sh` where the command runs; the shell that is given
//! to the user is `bash`, and a terminal of its own is `xterm`, both of which a runtime for developers has.

use std::ffi::{OsStr, OsString};

/// When the user gets a shell.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Shell {
    /// Never.
    #[default]
    None,
    /// When the command has ended.
    After,
    /// When it has failed.
    Fail,
    /// In place of the command, which is in `"$@"`.
    Instead,
}

/// Which terminal the command has.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Terminal {
    /// None in particular.
    #[default]
    None,
    /// The one that this process was started from: descriptors 0, 1 and 2 are `/dev/tty`.
    Tty,
    /// A new one.
    Xterm,
}

impl Shell {
    /// The words for it in options and variables.
    pub const WORDS: &[(&str, Self)] = &[
        ("none", Self::None),
        ("no", Self::None),
        ("after", Self::After),
        ("fail", Self::Fail),
        ("instead", Self::Instead),
    ];
}

impl Terminal {
    /// The words for it in options and variables. Of `auto` the shell decides.
    pub const WORDS: &[(&str, Option<Self>)] = &[
        ("auto", None),
        ("none", Some(Self::None)),
        ("no", Some(Self::None)),
        ("tty", Some(Self::Tty)),
        ("xterm", Some(Self::Xterm)),
    ];
}

/// The meaning of one of several words; of nothing, that of the first.
///
/// # Errors
/// What is wrong with another word.
pub fn meaning<T: Copy>(source: &str, value: &OsStr, words: &[(&str, T)]) -> Result<T, String> {
    let found = words.iter().find(|(word, _)| value.is_empty() || value == *word);
    found.map(|(_, meaning)| *meaning).ok_or_else(|| {
        let known: Vec<&str> = words.iter().map(|(word, _)| *word).collect();
        let (value, known) = (plan::ByteString::from(value), known.join(", "));
        format!("{source}: `{value}` is not one of {known}")
    })
}

/// Starts xterm, which drops `XCURSOR_PATH`, and puts the variable back for what runs in it.
const XTERM: &str =
    r#"exec xterm -e ${XCURSOR_PATH+env} ${XCURSOR_PATH+"XCURSOR_PATH=$XCURSOR_PATH"} "$@""#;

/// Runs the command and keeps the terminal open until the user has seen how it ended.
const WAIT: &str = r#"
name=$1; shift
status=0
"$@" || status=$?
echo >&2 "$name: the command ended with status $status. Press Enter to close this."
read -r line || true
exit "$status"
"#;

/// Runs the command, then a shell with its words.
const AFTER: &str = r#"
name=$1; shift
status=0
"$@" || status=$?
echo >&2 "$name: the command ended with status $status. It is in \"\$@\"; this is a shell to look around."
exec bash -i -s "$@"
"#;

/// The same where the command has failed.
const FAIL: &str = r#"
name=$1; shift
status=0
"$@" || status=$?
[ "$status" -ne 0 ] || exit 0
echo >&2 "$name: the command failed with status $status. It is in \"\$@\"; this is a shell to look around."
exec bash -i -s "$@"
"#;

/// A shell with the words of a command that is not run.
const INSTEAD: &str = r#"
name=$1; shift
echo >&2 "$name: the command is in \"\$@\"; this is a shell in its place."
exec bash -i -s "$@"
"#;

/// The words to execute for `command`. `name` is who speaks to the user.
#[must_use]
pub fn words(
    shell: Shell,
    terminal: Terminal,
    name: &str,
    command: Vec<OsString>,
) -> Vec<OsString> {
    let script = match (shell, terminal) {
        (Shell::None, Terminal::None | Terminal::Tty) => return command,
        (Shell::None, Terminal::Xterm) => WAIT,
        (Shell::After, _) => AFTER,
        (Shell::Fail, _) => FAIL,
        (Shell::Instead, _) => INSTEAD,
    };
    let mut words: Vec<&OsStr> = vec![];
    if terminal == Terminal::Xterm {
        words.extend(["sh", "-euc", XTERM, "sh"].map(OsStr::new));
    }
    words.extend(["sh", "-euc", script, "sh", name].map(OsStr::new));
    words.into_iter().map(OsStr::to_owned).chain(command).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::process::{Command, Stdio};

    /// Status and standard error of a command with its words put before it.
    fn run(shell: Shell, terminal: Terminal, command: &[&str], input: &str) -> (i32, String) {
        let words = words(shell, terminal, "tool", command.iter().map(OsString::from).collect());
        let script = format!("printf '%s' '{input}' | \"$@\"");
        let mut process = Command::new("sh");
        process.args(["-c", &script, "sh"]).args(words).stdout(Stdio::null());
        let output = process.env("PS1", "").env("HOME", "/nonexistent").output().unwrap();
        (output.status.code().unwrap(), String::from_utf8_lossy(&output.stderr).into_owned())
    }

    #[test]
    fn a_plain_command_is_left_alone() {
        let command = vec![OsString::from("game"), "-x".into()];
        for terminal in [Terminal::None, Terminal::Tty] {
            assert_eq!(words(Shell::None, terminal, "tool", command.clone()), command);
        }
        let xterm = words(Shell::None, Terminal::Xterm, "tool", command);
        assert!(xterm.iter().any(|word| word == XTERM) && xterm.iter().any(|word| word == WAIT));
    }

    #[test]
    fn the_scripts_do_what_they_say() {
        for (shell, command, input, status, said) in [
            (Shell::After, &["true"][..], "exit 7", 7, "ended with status 0"),
            (Shell::After, &["false"], "exit $#", 1, "ended with status 1"),
            (Shell::Fail, &["true"], "exit 7", 0, ""),
            (Shell::Fail, &["sh", "-c", "exit 3"], "exit 7", 7, "failed with status 3"),
            (
                Shell::Instead,
                &["a", "b c", "d"],
                "[ \"$2\" = \"b c\" ] && exit $#",
                3,
                "in its place",
            ),
        ] {
            let (got, text) = run(shell, Terminal::Tty, command, input);
            assert_eq!(got, status, "{shell:?} {command:?}: {text}");
            assert!(text.contains(said), "{shell:?}: {text}");
        }
    }

    #[test]
    fn the_status_is_seen_before_the_terminal_closes() {
        let wait = words(Shell::None, Terminal::Xterm, "tool", vec!["false".into()]);
        let mut process = Command::new(&wait[4]);
        process.args(&wait[5..]).stdin(Stdio::null());
        let output = process.output().unwrap();
        assert_eq!(output.status.code(), Some(1));
        assert!(String::from_utf8_lossy(&output.stderr).contains("tool: the command ended"));
    }
}

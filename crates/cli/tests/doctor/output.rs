//! Plain in a pipe, coloured and broken to its width on a terminal.

use crate::support::Call;
use rustix::fs::{Mode, OFlags};
use rustix::pty::{OpenptFlags, openpt, ptsname, unlockpt};
use rustix::termios::{Winsize, tcsetwinsize};
use std::fs::File;
use std::io::Read;
use std::process::Stdio;

/// What `doctor` writes to a terminal of so many columns.
fn on_terminal(columns: u16, variables: &[(&str, &str)]) -> String {
    let mut call = Call::new(&["doctor"]);
    for (name, value) in variables {
        call = call.env(name, value);
    }
    let ours = openpt(OpenptFlags::RDWR | OpenptFlags::NOCTTY | OpenptFlags::CLOEXEC).unwrap();
    unlockpt(&ours).unwrap();
    let name = ptsname(&ours, vec![]).unwrap();
    let flags = OFlags::RDWR | OFlags::NOCTTY | OFlags::CLOEXEC;
    let theirs = rustix::fs::open(name.as_c_str(), flags, Mode::empty()).unwrap();
    tcsetwinsize(&theirs, Winsize { ws_row: 24, ws_col: columns, ws_xpixel: 0, ws_ypixel: 0 })
        .unwrap();
    let mut child = call.command().stdout(Stdio::from(theirs)).spawn().unwrap();
    let mut text = Vec::new();
    // The end of a terminal that nobody has open any more is an error.
    let end = File::from(ours).read_to_end(&mut text).unwrap_err();
    assert_eq!(end.raw_os_error(), Some(rustix::io::Errno::IO.raw_os_error()));
    assert!(child.wait().unwrap().success());
    String::from_utf8_lossy(&text).replace('\r', "")
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

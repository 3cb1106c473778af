//! `steam-runtime-supervisor`: every option, with what comes of it.

use super::table::{Row, Tool, all_are_tried, ends, gives, reads, shows};
use crate::support::Outcome;

const NAME: &str = "steam-runtime-supervisor";

const ROWS: &[Row] = &[
    // The command line and the command.
    gives(&["echo", "said"], "said\n"),
    gives(&["sh", "--lock-wait", "--", "-c", "echo $#", "sh", "--lock-wait"], "1\n"),
    ends(&["--", "sh", "-c", "exit 7"], 7, ""),
    ends(&["--", "sh", "-c", "kill -TERM $$"], 128 + 15, ""),
    ends(&["--", "/nonexistent"], 127, "`/nonexistent` does not exist"),
    ends(&["--", "/dev/null"], 126, "cannot be executed"),
    ends(&["--", "{dir}"], 126, "not a regular file"),
    ends(&[], 125, "there is no command"),
    ends(&["--wrong", "true"], 125, "unknown option `--wrong`"),
    ends(&["--env"], 125, "`--env` needs a value"),
    // Its environment.
    shows(
        &[
            "--env=FOO=",
            "--env=BAR=bar",
            "--env=KEPT=wrong",
            "--env=WILDCARD=wrong",
            "--inherit-env=KEPT",
            "--inherit-env-matching=WILD*",
            "--unset-env=GONE",
        ],
        &["FOO", "BAR", "KEPT", "WILDCARD", "GONE"],
        "FOO=\nBAR=bar\nKEPT=kept\nWILDCARD=wild\nGONE=-\n",
    )
    .with(&[("BAR", "wrong"), ("KEPT", "kept"), ("WILDCARD", "wild"), ("GONE", "wrong")]),
    shows(
        &["--clear-env", "--env-fd=5", "--inherit-env=KEPT"],
        &["FIVE", "KEPT"],
        "FIVE=from five\nKEPT=-\n",
    )
    .with(&[("KEPT", "kept")]),
    ends(&["--env=FOO", "true"], 125, "not NAME=VALUE"),
    ends(&["--env==bar", "true"], 125, "not NAME=VALUE"),
    ends(&["--env-fd=-1", "true"], 125, "no file descriptor"),
    ends(&["--env-fd=23", "true"], 125, "23 is not open"),
    // Descriptors: all are inherited unless that is forbidden, and what is for locks never is.
    reads(&[], &["7", "8"], "seven\n-\n"),
    reads(&["--close-fds"], &["7"], "-\n"),
    reads(&["--close-fds", "--no-close-fds"], &["7"], "seven\n"),
    reads(&["--close-fds", "--pass-fd=7", "--assign-fd=9=7"], &["7", "5"], "seven\n-\n"),
    reads(&["--assign-fd=9=7"], &["9"], "seven\n"),
    reads(&["--lock-fd=7"], &["7"], "-\n"),
    ends(&["--assign-fd=1=2", "echo", "said"], 0, "said\n"),
    ends(&["--lock-fd=-1", "true"], 125, "no file descriptor"),
    ends(&["--lock-fd=23", "true"], 125, "23 is not open"),
    ends(&["--lock-fd=nope", "true"], 125, "no file descriptor"),
    ends(&["--pass-fd=-1", "true"], 125, "no file descriptor"),
    ends(&["--pass-fd=23", "true"], 125, "23 is not open"),
    ends(&["--pass-fd=nope", "true"], 125, "no file descriptor"),
    ends(&["--assign-fd=-1", "true"], 125, "not TARGET=SOURCE"),
    ends(&["--assign-fd=nope", "true"], 125, "not TARGET=SOURCE"),
    ends(&["--assign-fd=2=-1", "true"], 125, "no file descriptor"),
    ends(&["--assign-fd=2=23", "true"], 125, "23 is not open"),
    // Locks; those that others hold have tests of their own.
    ends(&["--lock-file=none", "true"], 125, "{dir}/none"),
    ends(&["--lock-create", "--lock-file=none", "true"], 0, ""),
    ends(&["--lock-create", "--no-lock-create", "--lock-file=none", "true"], 125, "{dir}/none"),
    ends(
        &["--lock-exclusive", "--lock-file=seven", "--no-lock-exclusive", "--lock-shared", "true"],
        0,
        "",
    ),
    ends(
        &[
            "--lock-verbose",
            "--lock-wait",
            "--lock-file=seven",
            "--no-lock-verbose",
            "--no-lock-wait",
            "--lock-wait-verbose",
            "true",
        ],
        0,
        "",
    ),
    // Words for what has tests of its own.
    ends(
        &["--exit-with-parent", "--no-exit-with-parent", "--subreaper", "--no-subreaper", "true"],
        0,
        "",
    ),
    ends(&["--terminate-timeout=0.5", "--terminate-idle-timeout=-1", "true"], 0, ""),
    ends(&["--terminate-timeout=soon", "true"], 125, "no number of seconds"),
    ends(
        &[
            "--terminate-with-main",
            "--no-terminate-with-main",
            "--terminate-when-signaled",
            "--no-terminate-when-signaled",
            "true",
        ],
        0,
        "",
    ),
    ends(&["-vv", "--", "true"], 0, "starting"),
    ends(&["--verbose", "true"], 0, ""),
];

/// What answers on standard output, in more words than a row has.
const ANSWERED: [(&str, &str); 2] = [("--version", " Version: "), ("-h", "--lock-file FILE")];

#[test]
fn every_option_does_what_it_says() {
    for row in ROWS {
        row.check(NAME, |_| ());
    }
    for (option, part) in ANSWERED {
        let tool = Tool::new(NAME);
        let outcome = Outcome::of(&mut tool.command(&[option]));
        assert!(outcome.ok().contains(part), "{}", outcome.account());
    }
    all_are_tried(NAME, &[ROWS], &ANSWERED.map(|(option, _)| option));
}

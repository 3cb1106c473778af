//! What comes of processes that the command leaves behind: options × events, as the manuals have it.
//!
//! The command starts a child in a session of its own and ends, or waits for a signal. The child says when
//! it gets SIGTERM, and ends when it is released, so that the order of events tells what was done to it,
//! and no clock is needed.

use super::table::{Tool, until};

const ADVERB: &str = "pressure-vessel-adverb";
const SUPERVISOR: &str = "steam-runtime-supervisor";

/// The child: prints `TERM` when it gets that, and `released` when that file is there. It is ready before
/// anything is done to it. Should the test fail, it ends with the directory.
const CHILD: &str = "echo child $$; : >ready; while [ -e seven ] && ! [ -e released ]; do sleep 0.05; done; \
                     echo released";

/// The command: `$1` is what the child does with SIGTERM, `$2` the child, `$3` what it does itself.
const COMMAND: &str = r#"setsid sh -c "trap $1 TERM; $2" &
while [ -e seven ] && ! [ -e ready ]; do sleep 0.02; done; echo main $$; eval "$3""#;

const SAYS: &str = "'echo TERM; exit 0'";
const IGNORES: &str = "''";

const RETURNS: &str = "exit 4";
const WAITS: &str = "trap 'exit 5' TERM INT; echo waits; \
                     while [ -e seven ] && ! [ -e return ]; do sleep 0.05; done; exit 4";

/// What is done while the program runs.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Event {
    /// The command ends by itself.
    Return,
    /// The program gets a signal while the command runs.
    Signal(&'static str),
    /// The program gets a signal after the command has ended.
    Late(&'static str),
}

/// What becomes of the child.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Child {
    /// It gets SIGTERM.
    Told,
    /// It ignores SIGTERM and is killed.
    Killed,
    /// It goes on, and the program waits for it.
    WaitedFor,
    /// It goes on, and the program ends.
    Left,
}

use Child::{Killed, Left, Told, WaitedFor};
use Event::{Late, Return, Signal};

/// Program, options, event, what becomes of the child, and the program's status.
const CASES: &[(&str, &[&str], Event, Child, i32)] = &[
    // When the command ends.
    (ADVERB, &[], Return, WaitedFor, 4),
    (ADVERB, &["--subreaper"], Return, WaitedFor, 4),
    (ADVERB, &["--terminate-timeout=60"], Return, Told, 4),
    (ADVERB, &["--terminate-timeout=-1"], Return, WaitedFor, 4),
    (ADVERB, &["--terminate-timeout=-1", "--terminate-idle-timeout=0"], Return, WaitedFor, 4),
    (ADVERB, &["--terminate-with-main"], Return, Told, 4),
    (ADVERB, &["--terminate-timeout=60", "--no-terminate-with-main"], Return, WaitedFor, 4),
    (ADVERB, &["--terminate-timeout=0.1"], Return, Killed, 4),
    (ADVERB, &["--terminate-timeout=0"], Return, Killed, 4),
    (ADVERB, &["--terminate-timeout=0", "--terminate-idle-timeout=0.1"], Return, Killed, 4),
    (ADVERB, &["--terminate-timeout=60", "--terminate-idle-timeout=0.1"], Return, Told, 4),
    (ADVERB, &["--terminate-timeout=60", "--terminate-idle-timeout=600"], Return, WaitedFor, 4),
    (SUPERVISOR, &[], Return, Left, 4),
    (SUPERVISOR, &["--subreaper"], Return, WaitedFor, 4),
    (SUPERVISOR, &["--terminate-timeout=60"], Return, Told, 4),
    (SUPERVISOR, &["--terminate-timeout=-1"], Return, Left, 4),
    (SUPERVISOR, &["--terminate-with-main"], Return, Told, 4),
    (SUPERVISOR, &["--terminate-with-main", "--terminate-timeout=0.1"], Return, Killed, 4),
    (SUPERVISOR, &["--no-terminate-with-main"], Return, Left, 4),
    (SUPERVISOR, &["--no-terminate-with-main", "--subreaper"], Return, WaitedFor, 4),
    (SUPERVISOR, &["--no-terminate-with-main", "--terminate-timeout=60"], Return, Left, 4),
    (SUPERVISOR, &["--terminate-when-signaled"], Return, WaitedFor, 4),
    // When the program is asked to end.
    (ADVERB, &[], Signal("TERM"), Told, 5),
    (ADVERB, &[], Signal("INT"), Told, 5),
    (ADVERB, &["--terminate-timeout=0"], Signal("TERM"), Killed, 128 + 9),
    (ADVERB, &["--terminate-timeout=0.1"], Signal("TERM"), Killed, 5),
    (SUPERVISOR, &["--terminate-when-signaled"], Signal("TERM"), Told, 5),
    (SUPERVISOR, &["--terminate-when-signaled"], Signal("INT"), Told, 5),
    (
        SUPERVISOR,
        &["--terminate-when-signaled", "--terminate-timeout=0"],
        Signal("TERM"),
        Killed,
        128 + 9,
    ),
    (SUPERVISOR, &["--terminate-when-signaled", "--terminate-with-main"], Signal("TERM"), Told, 5),
    (SUPERVISOR, &["--terminate-when-signaled"], Signal("HUP"), WaitedFor, 128 + 1),
    (SUPERVISOR, &[], Signal("INT"), Left, 5),
    (SUPERVISOR, &[], Signal("TERM"), Left, 5),
    (SUPERVISOR, &["--subreaper"], Signal("TERM"), WaitedFor, 5),
    (SUPERVISOR, &["--terminate-with-main"], Signal("TERM"), Told, 5),
    (SUPERVISOR, &["--no-terminate-when-signaled", "--subreaper"], Signal("INT"), WaitedFor, 5),
    // The same, after the command has ended.
    (ADVERB, &[], Late("TERM"), Told, 4),
    (ADVERB, &["--terminate-idle-timeout=0.1"], Late("INT"), Told, 4),
    (ADVERB, &[], Late("HUP"), Left, -1),
    (SUPERVISOR, &["--terminate-when-signaled"], Late("INT"), Told, 4),
    (SUPERVISOR, &["--terminate-when-signaled"], Late("USR1"), Left, -10),
    (SUPERVISOR, &["--subreaper"], Late("TERM"), Left, -15),
    (SUPERVISOR, &["--subreaper", "--no-terminate-when-signaled"], Late("INT"), Left, -2),
];

#[test]
fn what_the_command_leaves_behind() {
    for (name, options, event, child, status) in CASES {
        let account = format!("{name} {options:?} {event:?}");
        let tool = Tool::new(name);
        let trap = if *child == Killed { IGNORES } else { SAYS };
        let itself = if *event == Return { RETURNS } else { WAITS };
        let mut words: Vec<&str> = options.to_vec();
        words.extend(["--", "sh", "-c", COMMAND, "sh", trap, CHILD, itself]);
        let mut running = tool.start(&words);
        assert!(running.line().starts_with("child "), "{account}");
        let main = running.line().strip_prefix("main ").unwrap().parse().unwrap();
        if *event != Return {
            assert_eq!(running.line(), "waits", "{account}");
        }
        match event {
            Return => {}
            Signal(signal) => running.signal(signal),
            Late(signal) => {
                tool.write("return", "");
                running.collects(main);
                running.signal(signal);
            }
        }
        match child {
            Told => assert_eq!(running.rest(), "TERM\n", "{account}"),
            Killed => assert_eq!(running.rest(), "", "{account}"),
            WaitedFor => {
                running.collects(main);
                assert!(running.runs(), "{account}: it does not wait");
                tool.write("released", "");
                assert_eq!(running.rest(), "released\n", "{account}");
            }
            Left => {
                assert_eq!(running.status(), *status, "{account}");
                tool.write("released", "");
                assert_eq!(running.rest(), "released\n", "{account}");
            }
        }
        assert_eq!(running.status(), *status, "{account}");
        assert_eq!(tool.left(), [""; 0], "{account}");
    }
}

#[test]
fn processes_that_come_late_are_told_too() {
    // While the first child ends, it starts another, which nobody has seen before.
    const FIRST: &str = "'./second & exit 0'";
    let tool = Tool::new(SUPERVISOR);
    tool.script(
        "second",
        "trap 'echo second TERM; exit 0' TERM; while [ -e seven ]; do sleep 0.05; done",
    );
    let words = ["--terminate-timeout=60", "--", "sh", "-c", COMMAND, "sh", FIRST, CHILD, RETURNS];
    let mut running = tool.start(&words);
    assert!(running.line().starts_with("child ") && running.line().starts_with("main "));
    // It may be told before it knows what to do then; what it cannot do is go on.
    assert!(["", "second TERM\n"].contains(&&*running.rest()));
    assert_eq!(running.status(), 4);
}

#[test]
fn processes_that_are_stopped_end_too() {
    let tool = Tool::new(ADVERB);
    let words = ["--terminate-timeout=60", "--", "sh", "-c", COMMAND, "sh", SAYS, CHILD, WAITS];
    let mut running = tool.start(&words);
    let child = running.line().strip_prefix("child ").unwrap().to_owned();
    assert!(running.line().starts_with("main ") && running.line() == "waits");
    super::table::signal_to(child.parse().unwrap(), "STOP");
    until("the child is stopped", || {
        let stat = std::fs::read_to_string(format!("/proc/{child}/stat")).unwrap_or_default();
        stat.contains(") T ")
    });
    tool.write("return", "");
    assert_eq!(running.rest(), "TERM\n");
    assert_eq!(running.status(), 4);
}

//! Signals, descriptors and the parent's end.

use super::table::{Running, Tool, until};
use std::process::{Command, Stdio};

const PROGRAMS: [&str; 2] = ["pressure-vessel-adverb", "steam-runtime-supervisor"];

#[test]
fn signals_reach_the_command() {
    const TRAPS: &str = "for s in HUP INT QUIT TERM USR1 USR2; do trap \"echo $s; exit 3\" $s; done
        echo ready; while [ -e seven ]; do sleep 0.05; done";
    for name in PROGRAMS {
        for signal in ["HUP", "INT", "QUIT", "TERM", "USR1", "USR2"] {
            let tool = Tool::new(name);
            let mut running = tool.start(&["--", "sh", "-c", TRAPS]);
            assert_eq!(running.line(), "ready");
            running.signal(signal);
            // What asks the adverb to end, asks its command and all others in the same way.
            let ends = name == "pressure-vessel-adverb" && ["INT", "QUIT"].contains(&signal);
            let want = if ends { "TERM" } else { signal };
            assert_eq!(running.line(), want, "{name} {signal}");
            assert_eq!(running.status(), 3, "{name} {signal}");
        }
    }
}

#[test]
fn the_command_begins_with_default_signals() {
    const SHOW: &str = "grep -E '^Sig(Blk|Ign)' /proc/self/status";
    for name in PROGRAMS {
        let tool = Tool::new(name);
        let mut inner = tool.command(&["--", "sh", "-c", SHOW]);
        let mut outer = Command::new("sh");
        // SIGCHLD ignored would take the command's status away.
        outer.args(["-c", "trap '' HUP INT TERM USR1 PIPE CHLD; exec \"$@\"", "sh"]);
        outer.arg(inner.get_program()).args(inner.get_args()).current_dir(tool.path(""));
        let output = outer.output().unwrap();
        let text = String::from_utf8_lossy(&output.stdout).into_owned();
        let numbers = text.split_whitespace().filter(|word| !word.ends_with(':'));
        // All but two that belong to the C library, which lets nobody change them.
        let numbers = numbers.map(|word| u64::from_str_radix(word, 16).unwrap() & !(0b11 << 31));
        assert_eq!(numbers.collect::<Vec<_>>(), [0, 0], "{name}: {output:?}");
        assert!(inner.status().unwrap().success());
    }
}

#[test]
fn the_end_of_the_commands_output_is_seen() {
    for name in PROGRAMS {
        let tool = Tool::new(name);
        let mut command = tool.command(&["--", "sh", "-c", "echo $$; exec >/dev/null; read end"]);
        command.stdin(Stdio::piped());
        let mut running = Running::new(command);
        let pid = running.line();
        assert_eq!(running.rest(), "", "the output ends though the command goes on");
        assert!(running.runs() && std::path::Path::new("/proc").join(&pid).exists(), "{name}");
        drop(running.child.stdin.take());
        assert_eq!(running.status(), 1);
    }
}

#[test]
fn what_is_passed_is_closed_here() {
    for name in PROGRAMS {
        let tool = Tool::new(name);
        let words = ["--pass-fd=7", "--assign-fd=9=5", "--", "sh", "-c", "echo there; read end"];
        let mut command = tool.command(&words);
        command.stdin(Stdio::piped());
        let mut running = Running::new(command);
        assert_eq!(running.line(), "there");
        for number in [7, 5] {
            let path = format!("/proc/{}/fd/{number}", running.pid());
            until(&format!("{name} closes {number}"), || std::fs::read_link(&path).is_err());
        }
        drop(running.child.stdin.take());
        assert_eq!(running.status(), 1);
    }
}

#[test]
fn it_ends_with_its_parent() {
    // When it is ready, it tells who its parent is.
    const COMMAND: &str =
        "trap 'echo TERM; exit 0' TERM; echo $PPID; while [ -e seven ]; do sleep 0.05; done";
    for (name, option, ends) in [
        ("pressure-vessel-adverb", "--exit-with-parent", true),
        ("pressure-vessel-adverb", "--create", true),
        ("pressure-vessel-adverb", "--no-exit-with-parent", false),
        ("steam-runtime-supervisor", "--exit-with-parent", true),
        ("steam-runtime-supervisor", "--lock-create", false),
    ] {
        let tool = Tool::new(name);
        let script = format!("./{name} {option} -- sh -c \"$1\" & wait");
        let mut command = Command::new("sh");
        command.args(["-c", &script, "sh", COMMAND]).current_dir(tool.path(""));
        let mut running = Running::new(command);
        let child: i32 = running.line().parse().unwrap();
        running.signal("KILL");
        assert_eq!(running.status(), -9);
        if !ends {
            // It goes on: only this ends it.
            let lives = format!("/proc/{child}/cmdline");
            assert!(std::fs::read(&lives).is_ok_and(|words| !words.is_empty()), "{name} {option}");
            super::table::signal_to(child, "TERM");
        }
        assert_eq!(running.rest(), "TERM\n", "{name} {option}");
    }
}

#[test]
fn nobody_who_reads_messages_is_no_reason_to_end() {
    for name in PROGRAMS {
        let tool = Tool::new(name);
        let mut command = tool.command(&["--verbose", "--", "sh", "-c", "echo said 2>/dev/null"]);
        let (reader, writer) = std::io::pipe().unwrap();
        drop(reader);
        let output = command.stderr(writer).stdout(Stdio::piped()).output().unwrap();
        assert_eq!(output.stdout, b"said\n", "{name} {output:?}");
    }
}

#[test]
fn a_signal_before_the_command_is_the_programs_own() {
    let tool = Tool::new("pressure-vessel-adverb");
    tool.write("ldso/runtime-ld.so.conf", "");
    tool.write(
        "emulator.json",
        r#"{"emulator_v0": {"argv": ["./slow"], "emulated_architectures": ["aarch64-linux-gnu"]}}"#,
    );
    tool.script("slow", "echo slow >&2; exec sleep 1000");
    let mut command = tool.command(&[
        "--emulator={dir}/emulator.json",
        "--ldconfig-architecture=aarch64-linux-gnu",
        "--regenerate-ld.so-cache={dir}/ldso",
        "echo",
        "said",
    ]);
    // What helpers write to standard output is no output of the command.
    let (reader, writer) = std::io::pipe().unwrap();
    command.stderr(writer);
    let mut running = Running::new(command);
    let mut line = [0; 5];
    std::io::Read::read_exact(&mut { reader }, &mut line).unwrap();
    assert_eq!(&line, b"slow\n");
    running.signal("TERM");
    assert_eq!((running.status(), running.rest().as_str()), (-15, ""));
    assert_eq!(tool.left(), [""; 0]);
}

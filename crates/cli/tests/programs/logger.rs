//! `srt-logger`.

use crate::by_name::{entries, named, outcome, script};
use std::fs::{File, read_to_string};
use std::io::{Read, Write};
use std::os::fd::AsRawFd;
use std::os::unix::fs::{FileTypeExt, PermissionsExt};
use std::os::unix::process::ExitStatusExt;
use std::path::Path;
use std::process::{Child, Command, Stdio};
use tempfile::{TempDir, tempdir};

const NAME: &str = "srt-logger";
const READY: &str = "SRT_LOGGER_READY=1\n";

/// A logger into a directory.
fn logger(directory: &TempDir, words: &[&str]) -> Command {
    let mut command = named(NAME);
    command.arg("--log-directory").arg(directory.path()).args(words);
    command
}

/// Lets it record some input, and gives back its exit status, standard output and standard error.
fn record(command: &mut Command, input: &str) -> (i32, String, String) {
    command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
    let mut child = command.spawn().unwrap();
    // One that does not begin does not read.
    let _ = child.stdin.take().unwrap().write_all(input.as_bytes());
    let output = child.wait_with_output().unwrap();
    let text = |bytes: Vec<u8>| String::from_utf8(bytes).unwrap();
    (output.status.code().unwrap(), text(output.stdout), text(output.stderr))
}

/// The lines of a log without their timestamps, which must be there.
fn lines(path: &Path) -> String {
    let text = read_to_string(path).unwrap();
    let plain = |line: &str| {
        let (stamp, rest) = line.split_at(22);
        let shape: String =
            stamp.chars().map(|c| if c.is_ascii_digit() { '0' } else { c }).collect();
        assert_eq!(shape, "[0000-00-00 00:00:00] ", "{line}");
        format!("{rest}\n")
    };
    text.lines().map(plain).collect()
}

#[test]
fn lines_are_recorded() {
    for (words, file) in [
        (&["--filename=a.log"][..], "a.log"),
        (&["-t", "game"], "game.txt"),
        (&["-t", "x", "--filename", "b"], "b"),
    ] {
        let directory = tempdir().unwrap();
        let got = record(&mut logger(&directory, words), "one\ntwo\nunfinished");
        assert_eq!(got, (0, String::new(), String::new()), "{words:?}");
        assert_eq!(entries(directory.path()), [file]);
        assert_eq!(lines(&directory.path().join(file)), "one\ntwo\nunfinished\n");
        record(&mut logger(&directory, &[words, &["--no-timestamps"]].concat()), "three\n");
        let text = read_to_string(directory.path().join(file)).unwrap();
        assert!(text.ends_with("unfinished\nthree\n"), "{text}");
    }
}

#[test]
fn the_log_directory() {
    let home = tempdir().unwrap();
    let path = |path: &str| home.path().join(path);
    for directory in ["named", ".steam/steam/logs", ".steam/steam/old"] {
        std::fs::create_dir_all(path(directory)).unwrap();
    }
    let named_directory = path("named");
    let text = |path: &Path| path.to_str().unwrap().to_owned();
    for (variables, file) in [
        (&[][..], Some(".steam/steam/logs/x.txt")),
        (&[("STEAM_CLIENT_LOG_FOLDER", "old".to_owned())], Some(".steam/steam/old/x.txt")),
        (&[("STEAM_CLIENT_LOG_FOLDER", "/old".to_owned())], Some(".steam/steam/old/x.txt")),
        (&[("SRT_LOG_DIR", text(&named_directory))], Some("named/x.txt")),
        (&[("SRT_LOG_DIR", "named".to_owned())], Some("named/x.txt")),
        (&[("SRT_LOG_DIR", text(&path("none")))], None),
    ] {
        let mut command = named(NAME);
        command.current_dir(home.path()).env("HOME", home.path());
        command.envs(variables.iter().cloned());
        let (status, _, stderr) = record(command.arg("-tx"), "line\n");
        assert_eq!(status, if file.is_some() { 0 } else { 125 }, "{variables:?} {stderr}");
        match file {
            Some(file) => {
                assert_eq!(lines(&path(file)), "line\n");
                std::fs::remove_file(path(file)).unwrap();
            }
            None => assert!(path("none").metadata().is_err()),
        }
    }
}

#[test]
fn wrong_usage() {
    let directory = tempdir().unwrap();
    for words in [
        &["--unknown"][..],
        &["--filename=not/allowed"],
        &["--filename=.not-allowed"],
        &["--default-level=invalid"],
        &["--rotate=much"],
        &["--journal-fd=99", "-tx"],
        &["--log-fd=x"],
    ] {
        let words = [words, &["--", "sh", "-c", "echo ran"]].concat();
        let (status, stdout, stderr) = record(&mut logger(&directory, &words), "");
        assert_eq!((status, stdout.as_str()), (125, ""), "{words:?} {stderr}");
        assert!(stderr.contains("]: E: "), "{stderr}");
    }
}

#[test]
fn commands_are_recorded() {
    let directory = tempdir().unwrap();
    for background in [&[][..], &["--background"]] {
        for (script, status) in [("echo out; echo err >&2; exit 3", 3), ("kill -9 $$", -1)] {
            let file = format!("file-{}-{status}.log", background.len());
            let filename = format!("--filename={file}");
            let words = [background, &[&filename, "--", "sh", "-c", script]].concat();
            let got = outcome(&mut logger(&directory, &words));
            assert_eq!(got, (status, String::new(), String::new()), "{words:?}");
            // The logger may end after the command.
            let path = directory.path().join(&file);
            let want = if status == 3 { "out\nerr\n" } else { "" };
            wait_for(|| lines(&path) == want);
        }
    }
    let (status, _, _) = outcome(&mut logger(&directory, &["-tx", "--", "/nonexistent"]));
    assert_eq!(status, 127);
    wait_for(|| lines(&directory.path().join("x.txt")).contains("cannot execute"));
    let (status, _, _) = outcome(&mut logger(&directory, &["-ty", "--", "/etc/passwd"]));
    assert_eq!(status, 126);
}

/// Waits until something becomes true; a test's own time limit ends it where it does not.
fn wait_for(mut condition: impl FnMut() -> bool) {
    while !condition() {
        std::thread::sleep(std::time::Duration::from_millis(5));
    }
}

#[test]
fn where_recording_cannot_begin() {
    let directory = tempdir().unwrap();
    let none = directory.path().join("none").join("deeper");
    let logger = |words: &[&str]| {
        let mut command = named(NAME);
        command.arg("--log-directory").arg(&none).args(words);
        record(&mut command, "input\n")
    };
    let run = ["--", "sh", "-c", "echo out; exit 3"];
    for (words, status, shown) in [
        ([&["-tx"][..], &run].concat(), 125, None),
        ([&["-tx", "--exec-fallback"][..], &run].concat(), 3, Some("out\n")),
        ([&["-tx", "--exec-fallback", "--background"][..], &run].concat(), 3, Some("out\n")),
        (vec!["-tx"], 125, None),
        (vec!["-tx", "--exec-fallback"], 0, Some("input\n")),
        (vec!["-tx", "--exec-fallback", "--background"], 125, None),
    ] {
        let (got, stdout, stderr) = logger(&words);
        assert_eq!((got, stdout.as_str()), (status, ""), "{words:?} {stderr}");
        let lines = shown.unwrap_or("]: E: ");
        assert!(stderr.contains(lines) && stderr.contains("]: E: "), "{words:?} {stderr}");
    }
}

#[test]
fn files_do_not_grow_without_limit() {
    let directory = tempdir().unwrap();
    let path = |name: &str| directory.path().join(name);
    let size = |name: &str| path(name).metadata().map(|found| found.len()).unwrap_or(0);
    let line = format!("{}\n", "x".repeat(99));
    let input = line.repeat(100);
    let options = ["--no-timestamps", "--filename=log.txt"];
    for (words, rotation, kept, previous) in [
        (&["--rotate=4K"][..], "1", 2000, 4000),
        (&["--rotate=4K"], "0", 10_000, 0),
        (&["--rotate=0"], "1", 10_000, 0),
        (&[], "1", 10_000, 0),
    ] {
        let mut command = logger(&directory, &[&options, words].concat());
        let got = record(command.env("SRT_LOG_ROTATION", rotation), &input);
        assert_eq!(got, (0, String::new(), String::new()));
        let got = (size("log.txt"), size("log.previous.txt"));
        assert_eq!(got, (kept, previous), "{words:?} {rotation}");
        std::fs::remove_file(path("log.txt")).unwrap();
        let _ = std::fs::remove_file(path("log.previous.txt"));
    }
    // 8 MiB, where nothing else is said.
    std::fs::write(path("log.txt"), vec![b'x'; (8 << 20) - 50]).unwrap();
    record(&mut logger(&directory, &options), &line);
    assert_eq!((size("log.txt"), size("log.previous.txt")), (100, (8 << 20) - 50));

    // Another one that writes the file.
    let mut other = logger(&directory, &options);
    let mut other = other.stdin(Stdio::piped()).stdout(Stdio::piped()).spawn().unwrap();
    other.stdout.take().unwrap().read_to_end(&mut vec![]).unwrap();
    let (_, _, stderr) =
        record(&mut logger(&directory, &[&options[..], &["--rotate=150"]].concat()), &line);
    assert!(stderr.contains("cannot be rotated"), "{stderr}");
    assert_eq!(size("log.txt"), 200);
    drop(other.stdin.take());
    assert!(other.wait().unwrap().success());
}

#[test]
fn levels() {
    let directory = tempdir().unwrap();
    let files =
        ["journal", "terminal"].map(|name| File::create(directory.path().join(name)).unwrap());
    let numbers = files.each_ref().map(inheritable);
    let input = "<0>a\n<3>b\n<4>c\n<6>d\n<7>e\n<8>f\ng\n<remaining-lines-assume-level=1>\n<7>h\n";
    for (words, colour, file, journal, terminal) in [
        (
            &[
                "--parse-level-prefix",
                "--default-level=notice",
                "--journal-level=info",
                "--terminal-level=err",
            ][..],
            "1",
            "a\nb\nc\nd\ne\n<8>f\ng\n<7>h\n",
            "<0>a\n<3>b\n<4>c\n<6>d\n<5><8>f\n<5>g\n<1><7>h\n",
            "a\nb\n<7>h\n",
        ),
        (
            &["--parse-level-prefix", "--file-level=W", "--terminal-level=3", "--journal-level=0"],
            "",
            "a\nb\nc\n<7>h\n",
            "<0>a\n",
            "\x1b[1;31ma\x1b[0m\n\x1b[1;31mb\x1b[0m\n\x1b[1;31m<7>h\x1b[0m\n",
        ),
    ] {
        files.iter().for_each(|file| file.set_len(0).unwrap());
        let log = directory.path().join("log");
        let _ = std::fs::remove_file(&log);
        let fds = [format!("--journal-fd={}", numbers[0]), format!("--terminal-fd={}", numbers[1])];
        let words = [&["--filename=log", &fds[0], &fds[1]], words].concat();
        let mut command = logger(&directory, &words);
        let got = record(command.env("NO_COLOR", colour), input);
        assert_eq!(got, (0, String::new(), String::new()));
        assert_eq!(lines(&log), file, "{words:?}");
        let read = |name| {
            let text = read_to_string(directory.path().join(name)).unwrap();
            text.trim_start_matches('\0').to_owned()
        };
        assert_eq!(read("journal"), journal, "{words:?}");
        assert_eq!(read("terminal"), terminal, "{words:?}");
    }
}

/// The number of a descriptor that programs inherit.
fn inheritable(file: &File) -> i32 {
    rustix::io::fcntl_setfd(file, rustix::io::FdFlags::empty()).unwrap();
    file.as_raw_fd()
}

#[test]
fn what_a_shell_is_told() {
    let directory = tempdir().unwrap();
    let terminal = directory.path().join("it's a terminal");
    File::create(&terminal).unwrap();
    for (words, variables) in [
        (&["-tx"][..], vec![format!("export SRT_LOG_TERMINAL='{}'", "IT")]),
        (&["-tx", "--no-auto-terminal"], vec![]),
    ] {
        let words = [words, &["--sh-syntax"]].concat();
        let mut command = logger(&directory, &words);
        let (status, stdout, _) = record(command.env("SRT_LOG_TERMINAL", &terminal), "hello\n");
        assert_eq!(status, 0);
        assert!(stdout.starts_with("SRT_LOGGER_PID=") && stdout.ends_with(READY), "{stdout}");
        assert_eq!(stdout.lines().count(), 2 + variables.len(), "{stdout}");
        // What a shell makes of it.
        let script = format!("{stdout}test \"$SRT_LOGGER_READY\" && printenv SRT_LOG_TERMINAL");
        let (_, stdout, _) = outcome(Command::new("sh").env_clear().args(["-c", &script]));
        let want =
            if variables.is_empty() { String::new() } else { format!("{}\n", terminal.display()) };
        assert_eq!(stdout, want);
    }
    assert_eq!(read_to_string(&terminal).unwrap(), "hello\n");

    // A command has the variable, its own logger too.
    let words = ["-tx", "--", "sh", "-c", "echo \"to $SRT_LOG_TERMINAL\""];
    let mut command = logger(&directory, &words);
    assert_eq!(outcome(command.env("SRT_LOG_TERMINAL", &terminal)).0, 0);
    let want = format!("hello\nto {}\n", terminal.display());
    wait_for(|| read_to_string(&terminal).unwrap() == want);
}

/// As a shell's script does it: a pipe with a name tells it that the logger is ready.
#[test]
fn in_the_background() {
    let directory = tempdir().unwrap();
    let (status, path, _) = outcome(named(NAME).arg("--mkfifo").env("TMPDIR", directory.path()));
    let fifo = Path::new(path.trim_end());
    let kind = fifo.metadata().unwrap();
    assert!(status == 0 && kind.file_type().is_fifo() && fifo.starts_with(directory.path()));
    let mode = fifo.parent().unwrap().metadata().unwrap().permissions().mode();
    assert_eq!(mode & 0o777, 0o700);

    let mut shell = Command::new("bash");
    shell
        .env_clear()
        .envs([("PATH", "/usr/bin:/bin"), ("DIR", directory.path().to_str().unwrap())]);
    shell.env("LOGGER", crate::by_name::link(NAME)).env("FIFO", fifo);
    let script = r#"
        set -eu
        exec {to}> >(exec > "$FIFO"; exec "$LOGGER" --background --sh-syntax --log-directory "$DIR" -tx)
        exec {from}< "$FIFO"
        eval "$(cat <&$from)"
        rm "$FIFO"; rmdir "${FIFO%/*}"
        echo "ready=$SRT_LOGGER_READY"
        test "$(ps -o ppid= -p "$SRT_LOGGER_PID")" -ne $$
        echo "from the shell" >&$to
    "#;
    let (status, stdout, stderr) = outcome(shell.args(["-c", script]));
    assert_eq!((status, stdout.as_str(), stderr.as_str()), (0, "ready=1\n", ""));
    wait_for(|| lines(&directory.path().join("x.txt")) == "from the shell\n");
}

/// Without file and journal, lines are shown.
#[test]
fn standard_error() {
    for words in [&["--filename="][..], &[]] {
        let (status, stdout, stderr) = record(named(NAME).args(words), "<3>line\n");
        assert_eq!((status, stdout.as_str(), stderr.as_str()), (0, "", "<3>line\n"));
    }
}

/// Signals end the command, not what records its last words.
#[test]
fn a_command_that_is_ended() {
    let directory = tempdir().unwrap();
    let program = directory.path().join("program");
    script(&program, "trap 'echo last; exit 7' TERM; echo begun; while :; do sleep 0.01; done");
    let mut command = logger(&directory, &["-tx", "--"]);
    let mut child: Child = command.arg(&program).spawn().unwrap();
    let path = directory.path().join("x.txt");
    wait_for(|| path.metadata().is_ok() && lines(&path) == "begun\n");
    let pid = rustix::process::Pid::from_child(&child);
    rustix::process::kill_process(pid, rustix::process::Signal::TERM).unwrap();
    let status = child.wait().unwrap();
    assert_eq!((status.code(), status.signal()), (Some(7), None));
    wait_for(|| lines(&path) == "begun\nlast\n");
}

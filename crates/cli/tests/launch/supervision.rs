//! The supervisor: exit status, signals, descendants, descriptors, the parent's death.

use crate::support::{BACKENDS, Launch, lab, need, sh};
use std::io::{BufRead, BufReader, Read};
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

#[test]
fn exit_status_is_the_commands() {
    let runtime = need!(lab("runtime-bullseye"));
    for backend in BACKENDS {
        for (script, status) in
            [("exit 0", 0), ("exit 7", 7), ("kill -TERM $$", 128 + 15), ("kill -KILL $$", 128 + 9)]
        {
            let outcome = Launch::new().runtime(&runtime).backend(backend).run(&sh(script));
            assert_eq!(outcome.status(), status, "{backend} {script}: {}", outcome.account());
        }
    }
}

#[test]
fn stdout_belongs_to_the_command() {
    let runtime = need!(lab("runtime-bullseye"));
    for backend in BACKENDS {
        let launch = Launch::new().runtime(&runtime).backend(backend).option("-vv");
        assert_eq!(launch.run(&["/bin/echo", "only", "this"]).ok(), "only this\n", "{backend}");
    }
}

/// A process whose output says when it has started.
fn started(
    backend: &str,
    options: &[&str],
    script: &str,
) -> Result<(std::process::Child, tempfile::TempDir), String> {
    let mut launch = Launch::new().runtime(lab("runtime-bullseye")?).backend(backend);
    for option in options {
        launch = launch.option(option);
    }
    let (mut command, home) = launch.prepare(&sh(script));
    let mut child = command.stdout(Stdio::piped()).spawn().map_err(|e| e.to_string())?;
    let mut line = String::new();
    let mut reader = BufReader::new(child.stdout.take().expect("piped"));
    reader.read_line(&mut line).map_err(|e| e.to_string())?;
    assert_eq!(line, "started\n");
    child.stdout = Some(reader.into_inner());
    Ok((child, home))
}

#[test]
fn signals_are_forwarded() {
    let script =
        "trap 'exit 42' TERM; trap 'exit 43' USR1; echo started; while :; do sleep 0.05; done";
    for backend in BACKENDS {
        for (signal, status) in [("TERM", 42), ("USR1", 43)] {
            let (mut child, _home) = need!(started(backend, &[], script));
            Command::new("/bin/sh")
                .args(["-c", &format!("kill -{signal} {}", child.id())])
                .status()
                .unwrap();
            assert_eq!(child.wait().unwrap().code(), Some(status), "{backend} {signal}");
        }
    }
}

/// Processes whose command line has `mark`.
fn running(mark: &str) -> usize {
    let Ok(entries) = std::fs::read_dir("/proc") else { return 0 };
    entries
        .flatten()
        .filter_map(|e| std::fs::read(e.path().join("cmdline")).ok())
        .filter(|c| c.windows(mark.len()).any(|w| w == mark.as_bytes()))
        .count()
}

/// Waits until nothing with `mark` runs; false after ten seconds.
fn ends(mark: &str) -> bool {
    let start = Instant::now();
    while running(mark) > 0 {
        if start.elapsed() > Duration::from_secs(10) {
            return false;
        }
        std::thread::sleep(Duration::from_millis(20));
    }
    true
}

#[test]
fn the_container_dies_with_its_launcher() {
    for backend in BACKENDS {
        let mark = format!("31{}.5", std::process::id());
        let script = format!("echo started; exec sleep {mark}");
        let (mut child, _home) = need!(started(backend, &[], &script));
        assert!(running(&mark) > 0);
        child.kill().unwrap();
        child.wait().unwrap();
        assert!(ends(&mark), "{backend}: the command outlived a killed launcher");
    }
}

#[test]
fn descendants_are_ended_as_asked() {
    for backend in BACKENDS {
        let mark = format!("32{}.5", std::process::id());
        // The child ignores SIGTERM, so that only SIGKILL ends it.
        let script =
            format!("(trap '' TERM; exec sleep {mark}) >/dev/null 2>&1 & echo started; exit 5");
        let options = ["--terminate-idle-timeout=0", "--terminate-timeout=0.2"];
        let (mut child, _home) = need!(started(backend, &options, &script));
        assert_eq!(child.wait().unwrap().code(), Some(5), "{backend}");
        assert!(ends(&mark), "{backend}");
    }
}

#[test]
fn descriptors_that_are_asked_for_are_passed() {
    let runtime = need!(lab("runtime-bullseye"));
    for backend in BACKENDS {
        let launch = Launch::new().runtime(&runtime).backend(backend).option("--pass-fd=7");
        let (command, home) = launch.prepare(&sh("cat <&7; cat <&8 2>/dev/null || echo no 8"));
        let file = home.path().join("seven");
        std::fs::write(&file, "from seven\n").unwrap();
        // The shell opens 7 and 8; only 7 is asked for.
        let arguments: Vec<_> = command.get_args().collect();
        let mut outer = Command::new("/bin/sh");
        outer.args(["-c", "exec \"$@\" 7<seven 8<seven", "sh"]).arg(command.get_program());
        outer.args(arguments).current_dir(home.path()).env_clear();
        for (name, value) in command.get_envs() {
            outer.env(name, value.unwrap_or_default());
        }
        let output = outer.output().unwrap();
        let text = String::from_utf8_lossy(&output.stdout).into_owned();
        assert_eq!(text, "from seven\nno 8\n", "{backend}: {output:?}");
    }
}

#[test]
fn standard_input_reaches_an_interactive_command() {
    let runtime = need!(lab("runtime-bullseye"));
    for backend in BACKENDS {
        let launch = Launch::new().runtime(&runtime).backend(backend).option("--interactive");
        let (mut command, _home) = launch.prepare(&["/bin/cat"]);
        let mut child = command.stdin(Stdio::piped()).stdout(Stdio::piped()).spawn().unwrap();
        std::io::Write::write_all(&mut child.stdin.take().unwrap(), b"in and out").unwrap();
        let mut text = String::new();
        child.stdout.take().unwrap().read_to_string(&mut text).unwrap();
        assert!(child.wait().unwrap().success());
        assert_eq!(text, "in and out", "{backend}");
    }
}

//! The command: exit status, signals, descriptors, environment, descendants. Each with both executors.

mod common;

use common::{BOTH, Ran, STAGE, Scene, at, bind, host, open_to_all, tree};
use plan::Access;
use serde_json::Value;
use std::io::{BufRead, BufReader, Read, Write};
use std::process::Stdio;
use std::time::{Duration, Instant};

#[test]
fn exit_statuses_and_messages() {
    let programs = tree(
        "plain 0644 = #!/bin/sh
         lost 0755 = #!/nowhere/sh -x
         bare 0755 = exit 5
         directory/",
    )
    .program("foreign", &testkit::ElfBuilder::program(foreign()).build())
    .unwrap()
    .program(
        "homeless",
        &testkit::ElfBuilder::program(native()).interpreter("/nowhere/ld.so").build(),
    )
    .unwrap();
    let table: &[(&[&str], i32, &[&str])] = &[
        (&["true"], 0, &[]),
        (&["sh", "-c", "exit 3"], 3, &[]),
        (&["sh", "-c", "kill -TERM $$"], 143, &[]),
        (&["sh", "-c", "kill -KILL $$"], 137, &[]),
        (&["/p/bare"], 5, &[]),
        (&["nothing-of-this-name"], 127, &["BS0007", "tried /usr/bin/nothing-of-this-name"]),
        (&["/p/missing"], 127, &["BS0007", "/p/missing"]),
        (&["/p/plain"], 126, &["BS0008", "not marked as executable"]),
        (&["/p/directory"], 126, &["BS0008", "not a regular file"]),
        (&["/p/lost"], 126, &["BS0008", "interpreter /nowhere/sh does not exist"]),
        (&["/p/homeless"], 126, &["BS0008", "interpreter /nowhere/ld.so does not exist"]),
        (&["/p/foreign"], 126, &["BS0008", "another architecture"]),
        (&[""], 127, &["BS0007"]),
    ];
    for backend in BOTH {
        for (command, status, messages) in table {
            let ops = vec![bind(programs.path(), "/p", Access::ReadOnly)];
            let ran = Scene::new(backend, ops, command).run();
            assert_eq!(ran.status, *status, "{backend} {command:?} {ran:?}");
            for message in *messages {
                assert!(ran.err.contains(message), "{backend} {command:?} {ran:?}");
            }
        }
    }
}

fn native() -> plan::Tuple {
    plan::Tuple::native().unwrap()
}

fn foreign() -> plan::Tuple {
    match native() {
        plan::Tuple::Aarch64 => plan::Tuple::X86_64,
        _ => plan::Tuple::Aarch64,
    }
}

/// Two launches of one plan: the value is the launcher's own, and nothing else gets a number.
#[test]
fn a_variable_can_differ_from_launch_to_launch() {
    for backend in BOTH {
        let mut scene = Scene::new(backend, vec![], &["sh", "-c", "echo $NAME $OTHER"]);
        scene.plan.environment.set("NAME", "name.", "a test");
        scene.plan.environment.set("OTHER", "other.", "a test");
        scene.plan.supervision.per_launch = vec!["NAME".into(), "UNSET".into()];
        let said = [scene.run().out, scene.run().out];
        let numbers = said.each_ref().map(|text| {
            let rest = text.strip_prefix("name.").and_then(|t| t.strip_suffix(" other.\n"));
            rest.and_then(|n| n.parse::<u32>().ok()).unwrap_or_else(|| panic!("{backend} {text}"))
        });
        assert_ne!(numbers[0], numbers[1], "{backend}");
    }
}

#[test]
fn the_command_has_no_privileges_and_what_the_plan_gives() {
    let mut statuses = Vec::new();
    for backend in BOTH {
        let mut scene = Scene::new(backend, vec![], &[STAGE, "probe", "status"]);
        scene.plan.environment.set("ADDED", "a b\nc", "a test");
        scene.plan.environment.unset("TERM", "a test");
        scene.plan.supervision.new_session = true;
        let status: Value = serde_json::from_str(&scene.run().ok()).unwrap();
        for set in ["CapInh", "CapPrm", "CapEff", "CapBnd", "CapAmb"] {
            assert_eq!(status["status"][set], "0000000000000000", "{backend} {set}");
        }
        assert_eq!(status["status"]["NoNewPrivs"], "1", "{backend}");
        assert_eq!(status["status"]["SigBlk"], "0000000000000000", "{backend}");
        assert_eq!(status["descriptors"], serde_json::json!([0, 1, 2]), "{backend}");
        assert_eq!(status["directory"], "/tmp");
        assert_eq!(status["session_leader"], true);
        let environment = status["environment"].to_string();
        let want = r#"[["ADDED","a b\nc"],["INHERITED","yes"],["PATH","/usr/bin:/bin"]]"#;
        assert_eq!(environment, want, "{backend}");
        statuses.push(without_pid(status));
    }
    assert_eq!(statuses[0], statuses[1]);
}

fn without_pid(mut status: Value) -> Value {
    status["pid"].take();
    status
}

#[test]
fn process_one_of_a_namespace_of_its_own() {
    for backend in BOTH {
        let mut scene =
            Scene::shell(backend, "cat /proc/1/comm; ls -d /proc/[0-9]* | wc -l; exit 4");
        scene.plan.namespaces.pid = true;
        let ran = scene.run();
        assert_eq!(ran.status, 4, "{backend} {ran:?}");
        // The supervisor, the shell, and what the shell has started.
        let lines: Vec<_> = ran.out.lines().collect();
        assert!(lines[1].trim().parse::<u32>().unwrap() <= 4, "{backend} {ran:?}");
    }
}

#[test]
fn signals_reach_the_command() {
    for (backend, pid) in [("builtin", false), ("bwrap", false), ("builtin", true), ("bwrap", true)]
    {
        for signal in ["HUP", "INT", "QUIT", "TERM", "USR1", "USR2"] {
            let script =
                format!("trap 'exit 9' {signal}; echo ready; while :; do sleep 0.05; done");
            let mut scene = Scene::shell(backend, &script);
            scene.plan.namespaces.pid = pid;
            let mut child =
                scene.command().stdout(Stdio::piped()).stderr(Stdio::null()).spawn().unwrap();
            ready(&mut child);
            kill(child.id(), signal);
            let status = child.wait().unwrap();
            assert_eq!(status.code(), Some(9), "{backend} {pid} {signal}");
        }
    }
}

#[test]
fn a_key_on_the_terminal_reaches_the_command_once() {
    let script = "n=0; trap 'n=$((n+1))' INT; echo ready; \
                  i=0; while [ $i -lt 15 ]; do i=$((i+1)); sleep 0.1; done; echo count $n";
    for (backend, session) in
        [("builtin", false), ("builtin", true), ("bwrap", false), ("bwrap", true)]
    {
        let mut scene = Scene::shell(backend, script);
        scene.plan.supervision.new_session = session;
        let launcher = scene.command();
        // `script` runs it on a terminal of its own, and types what it reads.
        let line = std::iter::once(launcher.get_program())
            .chain(launcher.get_args())
            .map(|word| format!("'{}'", word.to_str().unwrap()))
            .collect::<Vec<_>>()
            .join(" ");
        let mut command = common::as_user("script");
        let line = format!("exec {line}");
        command.args(["-qec", &line, "/dev/null"]).env("SHELL", "/bin/sh");
        let mut child = command
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::null())
            .spawn()
            .unwrap();
        let mut out = BufReader::new(child.stdout.take().unwrap());
        let mut seen = String::new();
        while !seen.contains("ready") {
            assert!(out.read_line(&mut seen).unwrap() > 0, "{backend} {session} {seen}");
        }
        child.stdin.as_mut().unwrap().write_all(b"\x03").unwrap();
        out.read_to_string(&mut seen).unwrap();
        assert!(seen.contains("count 1"), "{backend} {session} {seen}");
        let status = child.wait().unwrap();
        assert!(status.success(), "{backend} {session} {status} {seen}");
    }
}

fn ready(child: &mut std::process::Child) -> String {
    let mut line = String::new();
    let mut out = BufReader::new(child.stdout.as_mut().unwrap());
    out.read_line(&mut line).unwrap();
    assert!(line.starts_with("ready"), "{line:?}");
    line
}

fn kill(pid: u32, signal: &str) {
    let status =
        std::process::Command::new("/bin/kill").args(["-s", signal, &pid.to_string()]).status();
    assert!(status.unwrap().success());
}

#[test]
fn the_command_ends_with_the_launcher() {
    for (backend, pid) in [("builtin", false), ("bwrap", false), ("builtin", true), ("bwrap", true)]
    {
        // Both the command and an orphan that ignores SIGTERM hold the pipe open.
        let script =
            "trap '' TERM; (setsid sh -c 'trap \"\" TERM; sleep 61' &); echo ready; sleep 62";
        let mut scene = Scene::shell(backend, script);
        scene.plan.namespaces.pid = pid;
        scene.plan.supervision.terminate_grace = 100;
        let mut child =
            scene.command().stdout(Stdio::piped()).stderr(Stdio::null()).spawn().unwrap();
        ready(&mut child);
        let begun = Instant::now();
        child.kill().unwrap();
        child.wait().unwrap();
        let mut rest = Vec::new();
        child.stdout.take().unwrap().read_to_end(&mut rest).unwrap();
        assert!(begun.elapsed() < Duration::from_secs(20), "{backend} {pid}");
    }
}

#[test]
fn descendants_end_as_the_plan_says() {
    // It says that it has its handler before the command ends.
    let stubborn = "(setsid sh -c 'trap \"echo got\" TERM; echo up; >/tmp/up; \
                    while :; do sleep 0.05; done' &); while ! [ -e /tmp/up ]; do sleep 0.05; done";
    let brief = "(setsid sh -c 'sleep 0.6; echo late' &); exit 3";
    let table: &[(&str, Option<u64>, u64, i32, &str)] = &[
        (brief, None, 0, 3, "late\n"),
        (brief, Some(0), 0, 3, ""),
        (brief, Some(5000), 0, 3, "late\n"),
        (stubborn, Some(0), 1500, 0, "up\ngot\n"),
        (stubborn, Some(200), 0, 0, "up\n"),
        (stubborn, Some(200), 1500, 0, "up\ngot\n"),
    ];
    for backend in BOTH {
        for &(script, idle, grace, status, out) in table {
            let mut scene = Scene::shell(backend, script);
            scene.plan.supervision.terminate_idle = idle;
            scene.plan.supervision.terminate_grace = grace;
            let ran = scene.run();
            let got = (ran.status, ran.out.as_str());
            assert_eq!(got, (status, out), "{backend} {script} {idle:?} {grace} {ran:?}");
        }
    }
}

#[test]
fn descriptors_are_passed_assigned_and_closed() {
    let files = tree("a = first\nb = second");
    let (a, b) = (files.path().join("a"), files.path().join("b"));
    for backend in BOTH {
        let script = "cat <&9; cat <&7; for n in /proc/self/fd/*; do echo ${n##*/}; done";
        let mut scene = Scene::shell(backend, script);
        scene.plan.supervision.assign_fds = vec![(9, 20), (7, 21), (20, 21), (21, 20)];
        scene.plan.supervision.pass_fds = vec![22];
        let launcher = scene.command();
        // 23 is open in the launcher and not asked for.
        let open = "exec 20<\"$0\" 21<\"$1\" 22<\"$0\" 23<\"$0\"; shift; exec \"$@\"";
        let mut command = common::as_user("bash");
        command.arg("-c").arg(open).args([&a, &b]);
        command.arg(launcher.get_program()).args(launcher.get_args());
        let ran = Ran::of(command.output().unwrap());
        let listed = ran.out.strip_prefix("firstsecond").expect(&ran.err);
        let mut numbers: Vec<i32> = listed.lines().filter_map(|n| n.parse().ok()).collect();
        numbers.sort_unstable();
        // 3 is the directory that the shell reads.
        assert_eq!(numbers, [0, 1, 2, 3, 7, 9, 20, 21, 22], "{backend} {ran:?}");
    }
}

#[test]
fn bad_descriptors_are_refused() {
    for (pass, assign, message) in [
        (vec![999], vec![], "descriptor 999"),
        (vec![], vec![(5, 999)], "descriptor 999"),
        (vec![1], vec![(1, 2)], "two descriptors"),
        (vec![], vec![(-1, 1)], "negative"),
    ] {
        let mut scene = Scene::shell("builtin", "true");
        scene.plan.supervision.pass_fds = pass;
        scene.plan.supervision.assign_fds = assign;
        let ran = scene.run();
        assert_eq!(ran.status, 125);
        assert!(ran.err.contains(message), "{ran:?}");
    }
}

#[test]
fn standard_input_is_null_when_asked() {
    for backend in BOTH {
        for (null, want) in [(true, ""), (false, "typed")] {
            let mut scene = Scene::shell(backend, "cat; echo to-stderr >&2");
            scene.plan.supervision.null_stdin = null;
            let file = tree("in = typed");
            let input = std::fs::File::open(file.path().join("in")).unwrap();
            let ran = Ran::of(scene.command().stdin(input).output().unwrap());
            assert_eq!((ran.status, ran.out.as_str()), (0, want), "{backend} {ran:?}");
            assert!(ran.err.contains("to-stderr"), "{backend} {ran:?}");
        }
    }
}

#[test]
fn locks_are_held_while_the_command_runs() {
    let directory = open_to_all(tempfile::tempdir().unwrap());
    let path = directory.path().join(".ref");
    // Where the kernel has no locks of open file descriptions, one of the launcher.
    let kernels = ["", "ofd-locks=EINVAL"];
    for (backend, inject) in BOTH.into_iter().flat_map(|b| kernels.map(|inject| (b, inject))) {
        // One that is missing is made.
        let _ = std::fs::remove_file(&path);
        let mut scene = Scene::shell(backend, "echo ready; read end; true");
        scene.inject = inject.into();
        scene.plan.supervision.locks = vec![host(&path)];
        let mut command = scene.command();
        command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::null());
        let mut child = command.spawn().unwrap();
        ready(&mut child);
        assert!(!lock_exclusive(&path), "{backend} {inject}");
        drop(child.stdin.take());
        assert!(child.wait().unwrap().success());
        assert!(lock_exclusive(&path), "{backend} {inject}");
        for (place, status) in
            [(directory.path().join("missing/.ref"), 125), ("/sys/.ref".into(), 0)]
        {
            scene.plan.supervision.locks = vec![host(place)];
            let ran = scene.run();
            assert_eq!(ran.status, status, "{ran:?}");
            assert_eq!(ran.err.contains("BS0011"), status != 0, "{ran:?}");
        }
    }
}

/// Whether an exclusive record lock on the whole file can be had now.
fn lock_exclusive(path: &std::path::Path) -> bool {
    let file = std::fs::File::options().write(true).open(path).unwrap();
    rustix::fs::fcntl_lock(&file, rustix::fs::FlockOperation::NonBlockingLockExclusive).is_ok()
}

#[test]
fn a_working_directory_that_is_missing() {
    for backend in BOTH {
        let mut scene = Scene::shell(backend, "true");
        scene.plan.working_directory = at("/nowhere");
        let ran = scene.run();
        assert_eq!(ran.status, 125);
        assert!(ran.err.contains("BS0020") && ran.err.contains("/nowhere"), "{ran:?}");
    }
}

#[test]
fn plain_modules_are_preloaded() {
    for backend in BOTH {
        let mut scene = Scene::shell(backend, "echo $LD_PRELOAD");
        scene.plan.supervision.ld_preload =
            ["/a.so", "libb.so"].map(|m| plan::Preload { module: m.into(), tuple: None }).to_vec();
        let ran = scene.run();
        assert_eq!(ran.out, "/a.so:libb.so\n", "{ran:?}");
    }
}

#[test]
fn a_plan_without_command_is_refused() {
    let mut scene = Scene::shell("builtin", "true");
    scene.plan.command.clear();
    assert!(scene.run().err.contains("BS0020"));
    scene.plan.command = vec!["a\0b".into()];
    assert!(scene.run().err.contains("NUL"));
}

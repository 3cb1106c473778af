//! The emulator's server: ready before the command, gone after the container. Each with both
//! executors.

mod common;

use common::{BOTH, Ran, Scene, at, bind, open_to_all};
use plan::{Access, Composition, Emulation, Emulator, Tuple};
use std::io::{BufRead, BufReader};
use std::path::Path;
use std::process::Stdio;

/// A scene with a server that is this script; both may write `/log/log`.
struct Served {
    scene: Scene,
    log: tempfile::TempDir,
}

impl Served {
    fn new(backend: &'static str, server: &str, command: &str) -> Self {
        Self::with_argv(backend, &["/bin/sh", "-c", server], command)
    }

    fn with_argv(backend: &'static str, server: &[&str], command: &str) -> Self {
        let log = open_to_all(tempfile::tempdir().unwrap());
        let ops = vec![bind(log.path(), "/log", Access::ReadWrite)];
        let mut scene = Scene::new(backend, ops, &["sh", "-c", command]);
        scene.plan.environment.set("BOTH", "for both", "a test");
        scene.plan.environment.set("GAME", "for the game", "a test");
        scene.plan.environment.set("LD_PRELOAD", "", "a test");
        scene.plan.emulation = Some(Emulation {
            emulator: Emulator::Fex,
            tuples: vec![Tuple::X86_64],
            native: Tuple::Aarch64,
            program: at("/usr/bin/FEX"),
            composition: Composition::Direct { prefix: vec![], container_argv: vec![] },
            server: Some(plan::Server {
                argv: server.iter().map(|word| (*word).into()).collect(),
                environment: vec![("OWN".into(), Some("its own".into())), ("GAME".into(), None)],
            }),
        });
        Self { scene, log }
    }

    fn run(&self) -> Ran {
        self.scene.run()
    }

    fn log(&self) -> String {
        std::fs::read_to_string(self.log.path().join("log")).unwrap_or_default()
    }

    /// The process id that a script has written to a file.
    fn pid(&self, file: &str) -> String {
        std::fs::read_to_string(self.log.path().join(file)).unwrap().trim().to_owned()
    }
}

fn is_running(pid: &str) -> bool {
    let stat = std::fs::read_to_string(Path::new("/proc").join(pid).join("stat"));
    // One that nobody has collected yet is as good as gone.
    stat.is_ok_and(|stat| !stat.contains(") Z "))
}

#[test]
fn it_is_there_from_before_the_command_until_after_the_last_descendant() {
    for backend in BOTH {
        let served = Served::new(
            backend,
            "echo up $BOTH, $OWN, ${GAME-none}, ${LD_PRELOAD-none} >/log/log
             for f in 0 1 2 3 4 5 6 7 8 9; do test -e /proc/$$/fd/$f && echo $f >>/log/log; done
             printf 'STATUS=nearly\\nREADY=1\\n'; exec >/dev/null
             cat; echo end >>/log/log",
            "echo command $GAME >>/log/log; (sleep 0.2; echo descendant >>/log/log) & exit 3",
        );
        let ran = served.run();
        assert_eq!(ran.status, 3, "{backend} {ran:?}");
        assert_eq!(
            served.log(),
            "up for both, its own, none, none\n0\n1\n2\ncommand for the game\ndescendant\nend\n",
            "{backend} {ran:?}"
        );
    }
}

#[test]
fn without_it_the_command_does_not_start() {
    let table: &[(&[&str], &str)] = &[
        (
            &["/nowhere/server"],
            "`/nowhere/server` did not become ready: `/nowhere/server` does not exist",
        ),
        (&["/etc"], "not become ready"),
        (&["sh", "-c", "exit 4"], "without `READY=1`, and ended with status 4"),
        (&["sh", "-c", "echo sorry; exec >&-; cat"], "without `READY=1`"),
        (&["sh", "-c", "echo sorry; exec >&-; cat"], "said sorry"),
        (&["sh", "-c", "printf READY=1"], "without `READY=1`"),
        (&["sh", "-c", "echo READY=1; echo again"], "more to standard output after `READY=1`"),
    ];
    for backend in BOTH {
        for (argv, message) in table {
            let served = Served::with_argv(backend, argv, "echo command >>/log/log");
            let ran = served.run();
            assert_eq!(ran.status, 125, "{backend} {argv:?} {ran:?}");
            for part in ["BS0061", message, "server_argv"] {
                assert!(ran.err.contains(part), "{backend} {argv:?}: {part}\n{}", ran.err);
            }
            assert_eq!(served.log(), "", "{backend} {argv:?}");
        }
    }
}

#[test]
fn one_that_does_not_end_is_killed_with_what_it_started() {
    for backend in BOTH {
        let served = Served::new(
            backend,
            "trap '' TERM
             setsid sh -c 'echo $$ >/log/daemon; exec sleep 1000' >/dev/null &
             echo $$ >/log/server
             until test -s /log/daemon; do :; done
             echo READY=1; exec >&-
             while :; do sleep 1; done",
            "exit 0",
        );
        let ran = served.run();
        assert_eq!(ran.status, 0, "{backend} {ran:?}");
        for file in ["server", "daemon"] {
            assert!(!is_running(&served.pid(file)), "{backend} {file}");
        }
    }
}

#[test]
fn its_early_end_is_told() {
    for backend in BOTH {
        let served = Served::new(
            backend,
            "echo READY=1; exec >&-; until test -e /log/go; do sleep 0.05; done; exit 6",
            // It outlives the server.
            "touch /log/go; sleep 0.5",
        );
        let ran = served.run();
        assert_eq!(ran.status, 0, "{backend} {ran:?}");
        assert!(ran.err.contains("server `/bin/sh` ended with status 6"), "{backend} {ran:?}");
    }
}

#[test]
fn it_ends_with_a_launcher_that_is_killed() {
    for backend in BOTH {
        let served = Served::new(
            backend,
            "echo $$ >/log/server; echo READY=1; exec >/dev/null; cat",
            "echo ready; sleep 1000",
        );
        let mut launcher = served.scene.command().stdout(Stdio::piped()).spawn().unwrap();
        let mut line = String::new();
        BufReader::new(launcher.stdout.take().unwrap()).read_line(&mut line).unwrap();
        assert_eq!(line, "ready\n", "{backend}");
        let server = served.pid("server");
        assert!(is_running(&server));
        launcher.kill().unwrap();
        launcher.wait().unwrap();
        while is_running(&server) {
            std::thread::yield_now();
        }
    }
}

#[test]
fn a_signal_ends_the_wait_for_it() {
    for backend in BOTH {
        let served = Served::new(
            backend,
            "echo $$ >/log/server.new; mv /log/server.new /log/server; exec sleep 1000",
            "echo command >>/log/log",
        );
        let mut launcher = served.scene.command().spawn().unwrap();
        while std::fs::metadata(served.log.path().join("server")).is_err() {
            std::thread::yield_now();
        }
        let pid = rustix::process::Pid::from_child(&launcher);
        rustix::process::kill_process(pid, rustix::process::Signal::TERM).unwrap();
        assert_eq!(launcher.wait().unwrap().code(), Some(143), "{backend}");
        assert!(!is_running(&served.pid("server")), "{backend}");
        assert_eq!(served.log(), "", "{backend}");
    }
}

//! Locks: this process holds them as a plain `fcntl` does, which must exclude the programs, and finds
//! them taken by the programs.

use super::table::{Running, Tool, until};
use rustix::fs::{FlockOperation, fcntl_lock};
use std::fs::File;
use std::io::Read;
use std::os::unix::fs::MetadataExt;
use std::process::Stdio;

/// A program with its words for locks, and the exit status for one that is busy.
struct Program {
    name: &'static str,
    create: &'static str,
    exclusive: &'static str,
    shared: &'static str,
    wait: &'static str,
    busy: i32,
}

const PROGRAMS: [Program; 2] = [
    Program {
        name: "pressure-vessel-adverb",
        create: "--create",
        exclusive: "--write",
        shared: "--no-write",
        wait: "--wait",
        busy: 75,
    },
    Program {
        name: "steam-runtime-supervisor",
        create: "--lock-create",
        exclusive: "--lock-exclusive",
        shared: "--lock-shared",
        wait: "--lock-wait",
        busy: 125,
    },
];

const FILE: &str = "--lock-file={dir}/lock";

fn file(tool: &Tool) -> File {
    let mut options = File::options();
    options.read(true).write(true).create(true).truncate(false);
    options.open(tool.path("lock")).unwrap()
}

#[test]
fn a_lock_of_another_process_is_respected() {
    use FlockOperation::{NonBlockingLockExclusive as Exclusive, NonBlockingLockShared as Shared};
    for program in PROGRAMS {
        for (held, theirs, goes) in [
            (Exclusive, program.exclusive, false),
            (Exclusive, program.shared, false),
            (Shared, program.exclusive, false),
            (Shared, program.shared, true),
        ] {
            let tool = Tool::new(program.name);
            let file = file(&tool);
            fcntl_lock(&file, held).unwrap();
            let output = tool.command(&[theirs, FILE, "echo", "said"]).output().unwrap();
            let want = if goes { 0 } else { program.busy };
            let account = format!("{} {held:?} {theirs}: {output:?}", program.name);
            assert_eq!(output.status.code(), Some(want), "{account}");
            let told =
                String::from_utf8_lossy(&output.stderr).contains("locked by another process");
            assert_eq!((output.stdout.is_empty(), told), (!goes, !goes), "{account}");
        }
    }
}

#[test]
fn a_lock_is_held_until_the_end() {
    PROGRAMS.iter().for_each(|program| held_until_the_end(program, "OFDLCK"));
}

/// Where the kernel knows no locks of open file descriptions: it is then the process's.
#[test]
fn a_lock_of_an_older_kernel_is_held_until_the_end() {
    // Only this thread and its children have the filter.
    let older = std::thread::spawn(|| {
        testkit::inject::fail("ofd-locks=EINVAL").unwrap();
        PROGRAMS.iter().for_each(|program| held_until_the_end(program, "POSIX"));
    });
    older.join().unwrap();
}

fn held_until_the_end(program: &Program, kind: &str) {
    use FlockOperation::{NonBlockingLockExclusive as Exclusive, NonBlockingLockShared as Shared};
    for (theirs, ours, goes) in [
        (program.exclusive, Exclusive, false),
        (program.exclusive, Shared, false),
        (program.shared, Exclusive, false),
        (program.shared, Shared, true),
    ] {
        let tool = Tool::new(program.name);
        let words = [program.create, theirs, FILE, "--", "sh", "-c", "echo there; read end"];
        let mut command = tool.command(&words);
        command.stdin(Stdio::piped());
        let mut running = Running::new(command);
        assert_eq!(running.line(), "there");
        let file = file(&tool);
        let inode = format!(":{} ", file.metadata().unwrap().ino());
        let locks = std::fs::read_to_string("/proc/locks").unwrap();
        let line = locks.lines().find(|line| line.contains(&inode)).unwrap_or_default();
        assert!(line.contains(kind), "{}: {line}", program.name);
        let got = fcntl_lock(&file, ours);
        assert_eq!(got.is_ok(), goes, "{} {theirs} {ours:?}: {got:?}", program.name);
        drop(running.child.stdin.take());
        assert_eq!(running.status(), 1, "that of `read` at the end of its input");
        fcntl_lock(&file, Exclusive).unwrap();
    }
}

#[test]
fn a_lock_is_waited_for() {
    for program in PROGRAMS {
        let verbose = program.name == "steam-runtime-supervisor";
        let tool = Tool::new(program.name);
        let file = file(&tool);
        fcntl_lock(&file, FlockOperation::NonBlockingLockExclusive).unwrap();
        let mut words = vec![program.wait, FILE, "cat", "{dir}/lock"];
        if verbose {
            words.insert(0, "--lock-verbose");
        }
        let mut command = tool.command(&words);
        command.stderr(Stdio::piped());
        let mut running = Running::new(command);
        // It waits in the call, which the kernel shows.
        let lock = format!("/proc/{}/wchan", running.pid());
        let stack = || std::fs::read_to_string(&lock).unwrap_or_default();
        until("the program waits for the lock", || {
            let state = std::fs::read_to_string(format!("/proc/{}/syscall", running.pid()));
            stack().contains("lock") || state.is_ok_and(|text| text.starts_with("72 "))
        });
        assert!(running.runs());
        std::fs::write(tool.path("lock"), "written before\n").unwrap();
        fcntl_lock(&file, FlockOperation::Unlock).unwrap();
        assert_eq!(running.rest(), "written before\n");
        assert_eq!(running.status(), 0);
        let mut said = String::new();
        running.child.stderr.take().unwrap().read_to_string(&mut said).unwrap();
        for part in ["waiting for the lock", "is taken"] {
            assert_eq!(said.contains(part), verbose, "{}: {said}", program.name);
        }
    }
}

/// Takes a lock that belongs to the open file description, and becomes the program, which has the description as 9.
const HAND_OVER: &str = "
import fcntl, os, struct, sys
os.dup2(os.open('lock', os.O_RDWR | os.O_CREAT), 9)
fcntl.fcntl(9, fcntl.F_OFD_SETLK, struct.pack('hhqqi4x', fcntl.F_WRLCK, 0, 0, 0, 0))
os.execv(sys.argv[1], sys.argv[1:])
";

#[test]
fn a_lock_that_is_handed_over_is_held() {
    for (name, option) in
        [("pressure-vessel-adverb", "--fd=9"), ("steam-runtime-supervisor", "--lock-fd=9")]
    {
        let tool = Tool::new(name);
        let mut command = std::process::Command::new("python3");
        command.args(["-c", HAND_OVER]).arg(tool.path(name)).args([option, "--"]);
        // The command itself does not have it.
        command.args([
            "sh",
            "-c",
            "test -e /proc/self/fd/9 && exit 3; echo there; read end; exit 0",
        ]);
        command.current_dir(tool.path("")).stdin(Stdio::piped());
        let mut running = Running::new(command);
        assert_eq!(running.line(), "there", "{name}");
        let file = file(&tool);
        let shared = FlockOperation::NonBlockingLockShared;
        assert!(fcntl_lock(&file, shared).is_err(), "{name}");
        drop(running.child.stdin.take());
        assert_eq!(running.status(), 0, "{name}");
        fcntl_lock(&file, shared).unwrap();
    }
}

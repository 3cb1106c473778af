//! Plans that may have become wrong: the container is made while that is found out, and nothing of it may be
//! seen when they have.

mod common;

use common::{BOTH, Scene, at, bind, open_to_all};
use plan::{Access, Op};
use std::fs;
use std::path::Path;

/// The names in a directory.
fn names(directory: &Path) -> Vec<String> {
    let entries = fs::read_dir(directory).unwrap();
    let mut names: Vec<String> =
        entries.map(|entry| entry.unwrap().file_name().into_string().unwrap()).collect();
    names.sort();
    names
}

/// A scene in which `directory` of the host is at `/w`, for writing.
fn scene(backend: &'static str, directory: &Path, further: Vec<Op>, confirm: bool) -> Scene {
    let mut ops = vec![bind(directory, "/w", Access::ReadWrite)];
    ops.extend(further);
    let mut scene = Scene::new(backend, ops, &["sh", "-c", "echo > /w/ran; exit 3"]);
    scene.confirm = Some(confirm);
    scene
}

#[test]
fn the_command_of_a_wrong_plan_is_not_executed() {
    for backend in BOTH {
        for own_pids in [false, true] {
            for (confirm, status, left) in [(false, 98, &[][..]), (true, 3, &["ran"])] {
                let directory = open_to_all(tempfile::tempdir().unwrap());
                let mut scene = scene(backend, directory.path(), vec![], confirm);
                scene.plan.namespaces.pid = own_pids;
                let ran = scene.run();
                assert_eq!(ran.status, status, "{backend} {own_pids} {ran:?}");
                assert_eq!(names(directory.path()), left, "{backend} {own_pids}");
            }
        }
    }
}

/// Whatever a plan does that has become wrong, it does it in memory. bwrap is not even started.
#[test]
fn nothing_is_made_in_directories_of_the_host() {
    let missing = [
        ("a mount point", bind("/usr", "/w/new", Access::ReadOnly)),
        ("a mount point of a file", bind("/etc/passwd", "/w/new", Access::ReadOnly)),
        ("a file system", Op::Tmpfs { at: at("/w/new"), mode: 0o755 }),
        ("a directory", Op::Directory { at: at("/w/new/deep"), mode: 0o755 }),
        ("a link", Op::Symlink { at: at("/w/new"), target: "usr".into() }),
        ("a file", Op::File { at: at("/w/new"), content: "x".into(), mode: 0o644 }),
        ("content", Op::File { at: at("/w/old"), content: "x".into(), mode: 0o644 }),
    ];
    for (what, op) in missing {
        for confirm in [false, true] {
            let directory = open_to_all(tempfile::tempdir().unwrap());
            let old = directory.path().join("old");
            fs::write(&old, "old").unwrap();
            let ran = scene("builtin", directory.path(), vec![op.clone()], confirm).run();
            assert_eq!(ran.status, if confirm { 125 } else { 98 }, "{what}: {ran:?}");
            assert_eq!(names(directory.path()), ["old"], "{what}");
            assert_eq!(fs::read(&old).unwrap(), b"old", "{what}");
        }
    }
}

/// In memory, things are made as always, wherever that memory is mounted.
#[test]
fn everything_is_made_in_memory() {
    let directory = open_to_all(tempfile::tempdir().unwrap());
    fs::create_dir(directory.path().join("there")).unwrap();
    let further = vec![
        Op::Tmpfs { at: at("/w/there"), mode: 0o755 },
        Op::Directory { at: at("/w/there/new"), mode: 0o755 },
        Op::Symlink { at: at("/w/there/link"), target: "new".into() },
        Op::File { at: at("/w/there/link/file"), content: "x".into(), mode: 0o644 },
        bind("/usr", "/w/there/mounted/deep", Access::ReadOnly),
        Op::Tmpfs { at: at("/run/user"), mode: 0o755 },
        bind("/usr", "/run/user/mounted/deep", Access::ReadOnly),
        Op::Symlink { at: at("/run/link"), target: "user".into() },
        bind("/etc/passwd", "/run/link/passwd", Access::ReadOnly),
    ];
    let mut scene = scene("builtin", directory.path(), further, true);
    let test = "test -f /w/there/new/file && test -d /w/there/mounted/deep/bin && \
        test -d /run/user/mounted/deep/bin && test -s /run/user/passwd";
    scene.plan.command = vec!["sh".into(), "-c".into(), test.into()];
    scene.run().ok();
    assert_eq!(names(directory.path()), ["there"]);
    assert!(names(&directory.path().join("there")).is_empty());
}

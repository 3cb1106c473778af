//! bwrap of several distributions (0.4, 0.8, 0.11), where the lab has them: the same namespace and
//! the same ends as with the built-in executor.

mod common;

use common::{STAGE, Scene, at, bind, difference, host, lab_bwraps, open_to_all, stack, tree};
use plan::{Access, Op, StackForm};
use std::path::PathBuf;

fn walk(scene: &Scene) -> String {
    scene.run().ok()
}

fn scene(bwrap: Option<&PathBuf>, ops: Vec<Op>, command: &[&str]) -> Scene {
    let mut scene = Scene::new(if bwrap.is_some() { "bwrap" } else { "builtin" }, ops, command);
    scene.bwrap.extend(bwrap.cloned());
    scene
}

#[test]
fn the_same_namespace_with_every_version() {
    let directory = open_to_all(tempfile::tempdir().unwrap());
    let source = tree("file 0600 = x\nsub/in = y\nprogram 0755 = #!/bin/sh");
    let ops = vec![
        Op::Directory { at: at("/made/private"), mode: 0o700 },
        Op::Directory { at: at("/made/plain"), mode: 0o755 },
        Op::File { at: at("/made/private/file"), content: "content".into(), mode: 0o640 },
        Op::File { at: at("/etc/other"), content: "content".into(), mode: 0o644 },
        Op::Symlink { at: at("/etc/link"), target: "other".into() },
        Op::Symlink { at: at("/etc/link"), target: "other".into() },
        Op::Tmpfs { at: at("/run/memory"), mode: 0o1777 },
        Op::Tmpfs { at: at("/run/closed"), mode: 0o755 },
        Op::ReadOnly { at: at("/run/closed") },
        bind(source.path(), "/deep/er/ro", Access::ReadOnly),
        bind(source.path(), "/deep/er/rw", Access::ReadWrite),
        stack("/stacked", &[source.path(), source.path()], StackForm::Tree),
    ];
    let command = [STAGE, "probe", "walk", "--skip", "/usr", "--skip", "/proc", "--skip", "/dev"];
    let with_tree = |bwrap: Option<&PathBuf>| {
        let mut scene = scene(bwrap, ops.clone(), &command);
        scene.trees.push((at("/stacked"), host(source.path())));
        walk(&scene)
    };
    let ours = with_tree(None);
    for (name, program) in lab_bwraps(directory.path()) {
        let theirs = with_tree(Some(&program));
        assert_eq!(ours, theirs, "{name}\n{}", difference(&ours, &theirs));
    }
}

#[test]
fn overlays_of_a_bwrap_that_has_them_are_ours() {
    let directory = open_to_all(tempfile::tempdir().unwrap());
    let lower = tree("both = lower\nonly-lower = l\nsub/x = x");
    let middle = tree("both = middle\nonly-middle = m");
    let upper = tree("both = upper\nsub/y = y");
    let ops = vec![
        stack("/s t", &[upper.path(), middle.path(), lower.path()], StackForm::Overlay),
        bind(lower.path(), "/s t/sub", Access::ReadOnly),
    ];
    let command = [STAGE, "probe", "walk", "--skip", "/usr", "--skip", "/proc", "--skip", "/dev"];
    let ours = walk(&scene(None, ops.clone(), &command));
    assert!(ours.contains("/s t/only-middle"), "{ours}");
    for (name, program) in lab_bwraps(directory.path()) {
        let ran = scene(Some(&program), ops.clone(), &command).run();
        if name == "host-trixie" {
            let theirs = ran.ok();
            assert_eq!(ours, theirs, "{name}\n{}", difference(&ours, &theirs));
        } else {
            assert!(ran.err.contains("refused Some(/s t)"), "{name} {ran:?}");
        }
    }
}

#[test]
fn an_overlay_that_the_kernel_refuses_can_become_a_tree() {
    let directory = open_to_all(tempfile::tempdir().unwrap());
    let source = tree("file = no directory");
    let lowers = [&source.path().join("file"), source.path()];
    for (name, program) in lab_bwraps(directory.path()) {
        let ops = vec![stack("/s", &lowers, StackForm::Overlay)];
        let ran = scene(Some(&program), ops, &["true"]).run();
        assert_eq!(ran.status, 125, "{name} {ran:?}");
        assert!(ran.err.contains("refused Some(/s)"), "{name} {ran:?}");
    }
}

#[test]
fn the_same_ends_with_every_version() {
    let directory = open_to_all(tempfile::tempdir().unwrap());
    for (name, program) in lab_bwraps(directory.path()) {
        for pid in [false, true] {
            for (command, status) in [
                (&["sh", "-c", "exit 3"][..], 3),
                (&["sh", "-c", "kill -TERM $$"], 143),
                (&["nothing-of-this-name"], 127),
                (&["/tmp"], 126),
            ] {
                let mut scene = scene(Some(&program), vec![], command);
                scene.plan.namespaces.pid = pid;
                let ran = scene.run();
                assert_eq!(ran.status, status, "{name} {pid} {command:?} {ran:?}");
            }
        }
    }
}

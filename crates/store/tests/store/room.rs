//! Full and read-only file systems, in a mount namespace of our own.

use crate::fixture::*;
use plan::Code;
use std::path::Path;
use std::process::Command;
use store::{Error, Key, Stack, StackSource, Store};

fn mount(options: &str, at: &Path) {
    std::fs::create_dir_all(at).unwrap();
    run(Command::new("mount").args(["-t", "tmpfs", "none", "-o", options]).arg(at));
}

#[test]
fn full_disk() {
    if can_mount() {
        let tmp = tempfile::tempdir().unwrap();
        run(&mut again("room::full_disk_inside", tmp.path(), true));
    }
}

/// Does something only when started, in a namespace, by the test before it.
#[test]
fn full_disk_inside() {
    let Some(top) = directory_of_child() else { return };
    let source = top.join("source");
    make(&source, &["big = "]);
    std::fs::write(source.join("big"), vec![b'x'; 1 << 20]).unwrap();
    let names: Vec<_> = (0..9).map(|i| format!("/{i}")).collect();
    let many: Vec<(&[u8], _)> = names.iter().map(|n| (n.as_bytes(), file(&[b'x'; 9000]))).collect();
    let big = spec(&[(b"/big", copy_of(&source.join("big"), false, None))]);
    let stack = Stack(vec![StackSource::Directory { path: host(&source), identity: vec![] }]);
    type Attempt<'a> = &'a dyn Fn(&Store) -> Result<(), Error>;
    let generated: Attempt<'_> = &|store| store.layer(&spec(&many)).map(drop);
    let copied: Attempt<'_> = &|store| store.layer(&big).map(drop);
    let united: Attempt<'_> = &|store| store.tree(&stack).map(drop);
    let memo: Attempt<'_> = &|store| store.memo_put(&Key::of("m", &[]), &[1; 100_000]);
    for (options, attempts) in [
        ("size=64k,mode=0700", &[generated, copied, united, memo][..]),
        ("nr_inodes=12,mode=0700", &[generated]),
    ] {
        let at = top.join(options);
        mount(options, &at);
        let store = Store::open(&host(&at.join("store"))).unwrap();
        for (i, attempt) in attempts.iter().enumerate() {
            let error = attempt(&store).unwrap_err();
            assert!(matches!(error, Error::Full { .. }), "{options} {i}: {error:?}");
            assert_eq!(error.problem().code, Code::DISK_FULL);
            assert!(error.problem().hint.is_some());
            let left = leftovers(&store);
            assert_eq!(left, Vec::<String>::new(), "{options} {i}: nothing half-written");
        }
        // What fits still works.
        let small = store.layer(&spec(&[(b"/x", file(b"x"))]));
        assert!(small.as_ref().is_ok_and(|p| p.built), "{options}: {small:?}");
    }
}

#[test]
fn read_only_store() {
    if can_mount() {
        let tmp = tempfile::tempdir().unwrap();
        run(&mut again("room::read_only_inside", tmp.path(), true));
    }
}

/// Does something only when started, in a namespace, by the test before it.
#[test]
fn read_only_inside() {
    let Some(top) = directory_of_child() else { return };
    let at = top.join("store");
    mount("mode=0700", &at);
    let (known, unknown) = (spec(&[(b"/x", file(b"x"))]), spec(&[(b"/y", file(b"y"))]));
    Store::open(&host(&at)).unwrap().layer(&known).unwrap();
    run(Command::new("mount").args(["-o", "remount,bind,ro"]).arg(&at));
    // What is there is used.
    let strict = Store::open(&host(&at)).unwrap();
    assert!(!strict.layer(&known).unwrap().built);
    let refused = strict.layer(&unknown).unwrap_err();
    assert_eq!(refused.problem().code, Code::STORE_UNWRITABLE);
    let elsewhere = top.join("run");
    std::fs::create_dir(&elsewhere).unwrap();
    let store = Store::open_or_ephemeral(&host(&at), &[host(&elsewhere)]).unwrap();
    assert!(!store.layer(&known).unwrap().built);
    let both = [known.clone(), unknown.clone()];
    assert!(!store.lacks(&both[..1]) && store.lacks(&both));
    store.forestall(&both);
    assert!(store.lacks(&both) && !store.is_ephemeral(), "only for what is really needed");
    let made = store.layer(&unknown).unwrap();
    assert!(made.built && made.path.is_within(&host(&elsewhere)));
    assert!(!store.layer(&unknown).unwrap().built, "found again in the temporary store");
    assert_eq!(store.warnings()[0].code, Code::STORE_UNWRITABLE);
    // Absent and impossible to make.
    let absent = host(&at.join("absent"));
    let store2 = Store::open_or_ephemeral(&absent, &[host(&elsewhere)]).unwrap();
    assert!(store2.is_ephemeral() && store2.layer(&known).unwrap().built);
    drop((store, store2, made));
    assert_eq!(std::fs::read_dir(&elsewhere).unwrap().count(), 0);
}

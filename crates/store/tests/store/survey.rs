//! What is said about a store: what is there, what no launch will use, and nothing is changed.

use crate::fixture::*;
use std::fs;
use std::path::Path;
use std::time::Duration;
use store::{Key, Policy, Shelved, Stack, StackSource, Store, Survey};

const DAY: Duration = Duration::from_secs(24 * 60 * 60);
const POLICY: Policy = Policy { max_age: Duration::from_secs(30 * 24 * 60 * 60), max_bytes: None };

fn lock_of(content: &Path) -> std::path::PathBuf {
    content.parent().unwrap().join("lock")
}

#[test]
fn what_is_there_and_what_is_stale() {
    let tmp = tempfile::tempdir().unwrap();
    let path = host(&tmp.path().join("store"));
    assert_eq!(store::survey(&path, &POLICY).unwrap(), None);
    assert!(fs::symlink_metadata(path.as_path()).is_err(), "looking makes nothing");
    let store = Store::open(&path).unwrap();
    assert_eq!(store::survey(&path, &POLICY).unwrap(), Some(Survey::default()));
    let layer = |content: &[u8]| store.layer(&spec(&[(b"/x", file(content))])).unwrap();
    let (old, new) = (layer(b"old!"), layer(b"new"));
    store.settle().unwrap();
    let long_ago = std::time::SystemTime::now() - 40 * DAY;
    let lock = fs::File::open(lock_of(old.path.as_path())).unwrap();
    lock.set_modified(long_ago).unwrap();
    drop((old, new));
    store.memo_put(&Key::of("memo", &[]), b"memo").unwrap();
    // What a killed process leaves, and what one that lives holds.
    let tmp_dir = path.at("tmp");
    fs::create_dir_all(tmp_dir.at("draft-1-1/content").as_path()).unwrap();
    fs::write(tmp_dir.at("draft-1-1/lock").as_path(), "").unwrap();
    let turn = tmp_dir.at("key.turn");
    fs::write(turn.as_path(), "").unwrap();
    let held = store::lock::exclusive(&turn, store::lock::Missing::Fail).unwrap();
    let before = snapshot(path.as_path());
    let found = store::survey(&path, &POLICY).unwrap().unwrap();
    drop(held);
    let layers = Shelved { count: 2, bytes: 7, unused: 1, doubtful: 0 };
    let want = Survey { layers, memos: 1, leftovers: 1, in_work: 1, ..Survey::default() };
    assert_eq!(found, want);
    assert_eq!(found.stale(), 2);
    assert_eq!(snapshot(path.as_path()), before);
}

/// A layer of an earlier boot that was never written back.
#[test]
fn what_may_not_be_on_the_disk() {
    let Place { store, tmp: _tmp } = place();
    let layer = store.layer(&spec(&[(b"/x", file(b"x"))])).unwrap();
    fs::write(lock_of(layer.path.as_path()), "boot of-another\nbytes 5\nentries 1\nwhat x\n")
        .unwrap();
    let found = store::survey(store.path(), &POLICY).unwrap().unwrap();
    assert_eq!(found.layers, Shelved { count: 1, bytes: 5, unused: 0, doubtful: 1 });
}

#[test]
fn trees_are_counted_apart() {
    let Place { store, tmp } = place();
    make(&tmp.path().join("host"), &["a = content"]);
    let source = StackSource::Directory { path: host(&tmp.path().join("host")), identity: vec![] };
    store.tree(&Stack(vec![source])).unwrap();
    let found = store::survey(store.path(), &POLICY).unwrap().unwrap();
    assert_eq!((found.trees.count, found.layers.count), (1, 0));
}

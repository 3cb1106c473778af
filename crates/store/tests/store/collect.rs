use crate::fixture::*;
use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::Path;
use std::process::Command;
use std::time::Duration;
use store::{Collected, Key, Policy, Prepared, Store};

const DAY: Duration = Duration::from_secs(24 * 60 * 60);

fn make_layer(store: &Store, content: &[u8]) -> Prepared {
    store
        .layer(&spec(&[
            (b"/ro", plan::LayerEntry::Directory { mode: 0o555 }),
            (b"/ro/x", file(content)),
        ]))
        .unwrap()
}

fn lock_file(prepared: &Prepared) -> std::path::PathBuf {
    prepared.path.as_path().parent().unwrap().join("lock")
}

fn age(path: &Path, days: u32) {
    run(Command::new("touch").arg("-d").arg(format!("{days} days ago")).arg(path));
}

#[test]
fn unused_ones_go_and_used_ones_stay() {
    let Place { store, tmp: _tmp } = place();
    let policy = Policy { max_age: 30 * DAY, max_bytes: None };
    let old = make_layer(&store, b"old");
    let used = make_layer(&store, b"used");
    let new = make_layer(&store, b"new");
    for prepared in [&old, &used] {
        age(&lock_file(prepared), 40);
    }
    let key = Key::of("memo", &[]);
    store.memo_put(&key, b"memo").unwrap();
    let path = old.path.clone();
    drop((old, new));
    let done = store.collect(&policy).unwrap();
    assert_eq!(done, Collected { removed: 1, freed: 3, in_use: 1, ..Collected::default() });
    assert!(fs::metadata(path.as_path()).is_err());
    assert_eq!(leftovers(&store), Vec::<String>::new());
    // Being used again counts as use.
    let path = lock_file(&used);
    drop(used);
    assert!(!make_layer(&store, b"used").built);
    assert!(fs::metadata(&path).unwrap().modified().unwrap().elapsed().unwrap() < DAY);
    assert_eq!(store.collect(&policy).unwrap(), Collected::default());
    age(store.path().at("memo").at(key.as_str()).as_path(), 40);
    assert_eq!(store.collect(&policy).unwrap(), Collected { memos: 1, ..Collected::default() });
}

#[test]
fn the_least_recently_used_make_room() {
    let Place { store, tmp: _tmp } = place();
    for (days, content) in [(3, vec![1; 1000]), (1, vec![2; 1000]), (2, vec![3; 1000])] {
        age(&lock_file(&make_layer(&store, &content)), days);
    }
    let done = store.collect(&Policy { max_age: 30 * DAY, max_bytes: Some(1500) }).unwrap();
    assert_eq!((done.removed, done.freed), (2, 2000));
    assert!(!make_layer(&store, &[2; 1000]).built);
    assert!(make_layer(&store, &[1; 1000]).built);
}

#[test]
fn leftovers_of_the_killed() {
    let Place { store, tmp: _tmp } = place();
    drop(make_layer(&store, b""));
    let tmp = store.path().at("tmp");
    make(
        tmp.as_path(),
        &["draft-1-1/lock = ", "draft-1-1/content/ro/x = ", "draft-2-2/", "k.turn = "],
    );
    let ro = tmp.at("draft-1-1/content/ro");
    fs::set_permissions(ro.as_path(), fs::Permissions::from_mode(0o500)).unwrap();
    make(tmp.as_path(), &["draft-3-3/lock = ", "draft-3-3/content/"]);
    let busy =
        store::lock::exclusive(&tmp.at("draft-3-3/lock"), store::lock::Missing::Fail).unwrap();
    let done = store.collect(&Policy::default()).unwrap();
    assert_eq!(done, Collected { leftovers: 2, ..Collected::default() });
    let mut left = leftovers(&store);
    left.sort();
    // The second may be of a maker that has not come to its lock yet.
    assert_eq!(left, ["draft-2-2", "draft-3-3"]);
    drop(busy);
    assert_eq!(store.collect(&Policy::default()).unwrap().leftovers, 1);
}

/// What was renamed and not written back when the machine went down is not used.
#[test]
fn another_boot() {
    let Place { store, tmp: _tmp } = place();
    let other_boot = |prepared: &Prepared| {
        let note = fs::read_to_string(lock_file(prepared)).unwrap();
        let boot = note.lines().next().unwrap();
        fs::write(lock_file(prepared), note.replace(boot, "boot 00000000-another")).unwrap();
    };
    let lost = make_layer(&store, b"1");
    other_boot(&lost);
    fs::write(lost.path.at("x").as_path(), "half").unwrap_or(());
    drop(lost);
    assert!(make_layer(&store, b"1").built, "not known to be whole");
    store.settle().unwrap();
    let safe = make_layer(&store, b"1");
    assert!(!safe.built);
    other_boot(&safe);
    drop(safe);
    assert!(!make_layer(&store, b"1").built, "settled before");
}

#[test]
fn temporary_stores() {
    let parent = tempfile::tempdir().unwrap();
    let parents = [host(Path::new("/proc/nowhere")), host(parent.path())];
    let names = || fs::read_dir(parent.path()).unwrap().count();
    let store = Store::ephemeral(&parents).unwrap();
    assert!(store.is_ephemeral() && store.warnings().is_empty());
    let prepared = make_layer(&store, b"x");
    assert!(prepared.path.is_within(&host(parent.path())));
    drop(store);
    assert_eq!(names(), 0);
    // Kept for a process that outlives this one; others do not touch it while a lock is held.
    let store = Store::ephemeral(&parents).unwrap();
    let prepared = make_layer(&store, b"x");
    let kept = store.keep().unwrap();
    drop(Store::ephemeral(&parents).unwrap());
    assert!(fs::metadata(prepared.path.as_path()).is_ok());
    drop(prepared);
    // Left behind: a later one cleans up. Not surely the next: a process that another test has just forked has
    // every lock of this one until it executes.
    let cleaned_up = (0..100).any(|_| {
        drop(Store::ephemeral(&parents).unwrap());
        std::thread::sleep(std::time::Duration::from_millis(10));
        fs::metadata(kept.as_path()).is_err()
    });
    assert!(cleaned_up);
    assert_eq!(names(), 0);
    store::discard(&kept).unwrap();
}

/// A store that cannot be made or written does not stop a launch.
#[test]
fn fallback_with_a_warning() {
    let parent = tempfile::tempdir().unwrap();
    let parents = [host(parent.path())];
    let tmp = tempfile::tempdir().unwrap();
    make(tmp.path(), &["file = "]);
    for impossible in ["/proc/self/nowhere/store".into(), tmp.path().join("file/store")] {
        let impossible = host(&impossible);
        assert!(Store::open(&impossible).is_err());
        let store = Store::open_or_ephemeral(&impossible, &parents).unwrap();
        assert!(make_layer(&store, b"x").path.is_within(&parents[0]));
        assert_eq!(store.warnings()[0].code, plan::Code::STORE_UNWRITABLE);
    }
    let closed = tmp.path().join("closed");
    fs::create_dir(&closed).unwrap();
    let path = host(&closed.join("store"));
    let make_readonly = || fs::set_permissions(&closed, fs::Permissions::from_mode(0o500)).unwrap();
    make_readonly();
    if fs::create_dir(closed.join("probe")).is_ok() {
        // Root writes anywhere: the read-only mount in `room` covers this.
        return;
    }
    let store = Store::open_or_ephemeral(&path, &parents).unwrap();
    assert_eq!(store.warnings()[0].code, plan::Code::STORE_UNWRITABLE);
    assert!(make_layer(&store, b"x").path.is_within(&parents[0]));
    let strict = Store::open(&path).unwrap_err();
    assert!(strict.is_unwritable(), "{strict:?}");
    fs::set_permissions(&closed, fs::Permissions::from_mode(0o700)).unwrap();
}

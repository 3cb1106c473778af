//! Content of the host in layers: linked or copied, and the host's file as it was.

use crate::fixture::*;
use std::fs;
use std::os::unix::fs::MetadataExt;
use std::path::Path;
use store::Error;

#[test]
fn links_where_mode_and_time_fit_and_copies_otherwise() {
    let Place { store, tmp } = place();
    let source = tmp.path().join("source");
    make(&source, &["plain = data", "program * #!x"]);
    let time = fs::metadata(source.join("plain")).unwrap().mtime();
    for (name, executable, modified, linked, mode, want_time) in [
        ("plain", false, None, true, 0o644, time),
        ("plain", false, Some(time), true, 0o644, time),
        ("plain", true, None, false, 0o755, time),
        ("plain", false, Some(12345), false, 0o644, 12345),
        ("program", true, None, true, 0o755, time),
        ("program", false, None, false, 0o644, time),
        ("program", true, Some(-7), false, 0o755, -7),
    ] {
        let path = source.join(name);
        let before = fs::metadata(&path).unwrap();
        let nanoseconds = modified.map(|seconds| seconds * 1_000_000_000 + 5000);
        let spec = spec(&[(b"/x", copy_of(&path, executable, nanoseconds))]);
        let made = store.layer(&spec).unwrap();
        let x = fs::metadata(made.path.at("x").as_path()).unwrap();
        let case = format!("{name} {executable} {modified:?}");
        assert_eq!(x.ino() == before.ino(), linked, "{case}");
        assert_eq!(made.tally.linked, u64::from(linked), "{case}");
        assert_eq!(x.mode() & 0o7777, mode, "{case}");
        assert!((x.mtime() - want_time).abs() <= 1, "{case}: {}", x.mtime());
        assert_eq!(fs::read(made.path.at("x").as_path()).unwrap(), fs::read(&path).unwrap());
        let after = fs::metadata(&path).unwrap();
        assert_eq!((after.mode(), after.mtime()), (before.mode(), before.mtime()), "{case}");
    }
}

/// Files that the user neither owns nor may write: with `fs.protected_hardlinks` they are copied.
/// As root, or on another file system than /tmp, they are linked or copied; either way they are right.
#[test]
fn files_of_another_user() {
    let Place { store, tmp: _tmp } = place();
    let path = fs::canonicalize("/etc/passwd").unwrap();
    let before = fs::metadata(&path).unwrap();
    let made = store.layer(&spec(&[(b"/passwd", copy_of(&path, false, None))])).unwrap();
    let copy = fs::metadata(made.path.at("passwd").as_path()).unwrap();
    assert_eq!(fs::read(made.path.at("passwd").as_path()).unwrap(), fs::read(&path).unwrap());
    assert_eq!((copy.mode(), copy.mtime()), (before.mode(), before.mtime()));
    let protected = fs::read("/proc/sys/fs/protected_hardlinks").is_ok_and(|b| b.starts_with(b"1"));
    let mine = fs::metadata("/proc/self").unwrap().uid();
    if mine != before.uid() && protected {
        assert_eq!((made.tally.linked, copy.uid()), (0, mine));
    }
}

#[test]
fn changed_since_inspected() {
    let Place { store, tmp } = place();
    let source = tmp.path().join("source");
    make(&source, &["a = 1", "b = 1"]);
    type Change<'a> = &'a dyn Fn(&Path);
    let changes: [(&str, Change<'_>); 4] = [
        ("content", &|p| fs::write(p, "22").unwrap()),
        ("replaced", &|p| {
            fs::write(p.with_extension("new"), "1").unwrap();
            fs::rename(p.with_extension("new"), p).unwrap();
        }),
        ("gone", &|p| fs::remove_file(p).unwrap()),
        ("became a directory", &|p| fs::create_dir(p).unwrap()),
    ];
    let path = source.join("a");
    let mut spec = spec(&[(b"/b", copy_of(&source.join("b"), false, None))]);
    spec.entries.extend(crate::fixture::spec(&[(b"/a", copy_of(&path, false, None))]).entries);
    for (what, change) in changes {
        change(&path);
        let result = store.layer(&spec);
        let changed = matches!(&result, Err(Error::SourceChanged { path: p }) if p == &host(&path));
        assert!(changed, "{what}: {result:?}");
        assert_eq!(leftovers(&store), Vec::<String>::new(), "{what}");
    }
}

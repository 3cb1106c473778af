use crate::fixture::*;
use plan::{LayerEntry, LayerSpec};
use std::fs;
use std::os::unix::fs::{MetadataExt, PermissionsExt};
use store::{Error, Key, Refusal, Store};

#[test]
fn entries_become_files() {
    let Place { store, tmp: _tmp } = place();
    for (entries, want) in [
        (vec![], vec![("", "dir 755")]),
        (vec![(&b"/"[..], LayerEntry::Directory { mode: 0o700 })], vec![("", "dir 700")]),
        (
            vec![
                (&b"/lib/x"[..], file(b"content")),
                (b"/lib/ro", LayerEntry::Directory { mode: 0o555 }),
                (b"/lib/ro/y", program(b"#!")),
                (b"/lib/empty", file(b"")),
                (b"/l", link("/usr/../x y")),
                (b"/lib/hidden", LayerEntry::Whiteout),
            ],
            vec![
                ("", "dir 755"),
                ("lib", "dir 755"),
                ("lib/x", "file 644 content"),
                ("lib/ro", "dir 555"),
                ("lib/ro/y", "file 755 #!"),
                ("lib/empty", "file 644 "),
                ("l", "-> /usr/../x y"),
                ("lib/hidden", "char 0"),
            ],
        ),
        (
            vec![
                (&b"/new\nline"[..], file(b"1")),
                (b"/not\xffutf8", file(b"2")),
                (b"/a:b\\c d", file(b"3")),
                (b"/...", file(b"4")),
                (b"/lock", file(b"5")),
            ],
            vec![
                ("", "dir 755"),
                ("new\\nline", "file 644 1"),
                ("not\\xffutf8", "file 644 2"),
                ("a:b\\\\c d", "file 644 3"),
                ("...", "file 644 4"),
                ("lock", "file 644 5"),
            ],
        ),
    ] {
        let spec = spec(&entries);
        let made = store.layer(&spec).unwrap();
        assert!(made.built);
        assert_eq!(snapshot(made.path.as_path()), expected(&want));
        for entry in want.iter().filter(|(_, w)| w.starts_with("file") && !w.contains("xff")) {
            let path = made.path.as_path().join(entry.0);
            if let Ok(m) = fs::symlink_metadata(path) {
                assert_eq!(m.mtime(), 1, "{}: equal descriptions give equal trees", entry.0);
            }
        }
        let again = store.layer(&spec).unwrap();
        assert!(!again.built);
        assert_eq!(again.path, made.path);
        let elsewhere = store.layer_with(&[], || Ok::<_, Error>(spec.clone())).unwrap();
        assert!(elsewhere.path != made.path);
        drop(elsewhere);
        store
            .collect(&store::Policy { max_age: std::time::Duration::ZERO, max_bytes: None })
            .unwrap();
    }
    assert_eq!(leftovers(&store), Vec::<String>::new());
}

#[test]
fn a_key_of_inputs_asks_for_the_description_once() {
    let Place { store, tmp: _tmp } = place();
    let make = |content: &'static [u8]| move || Ok::<_, Error>(spec(&[(b"/x", file(content))]));
    let first = store.layer_with(b"inputs", make(b"1")).unwrap();
    let second = store
        .layer_with(b"inputs", || -> Result<LayerSpec, Error> { panic!("asked again") })
        .unwrap();
    assert_eq!(first.path, second.path);
    let other = store.layer_with(b"other", make(b"2")).unwrap();
    assert_eq!(fs::read(other.path.at("x").as_path()).unwrap(), b"2");
    // An error of the description is handed through, and nothing is left of the attempt.
    let failure = Error::SourceChanged { path: host(std::path::Path::new("/x")) };
    let result = store.layer_with(b"failing", || Err::<LayerSpec, _>(failure.clone()));
    assert_eq!(result.unwrap_err(), failure);
    assert_eq!(leftovers(&store), Vec::<String>::new());
}

#[test]
fn contradictions_are_errors() {
    let Place { store, tmp: _tmp } = place();
    for entries in [
        vec![(&b"/a"[..], file(b"")), (b"/a/b", file(b""))],
        vec![(&b"/"[..], file(b""))],
        vec![(&b"/"[..], LayerEntry::Whiteout)],
    ] {
        let result = store.layer(&spec(&entries));
        assert!(matches!(result, Err(Error::BadSpec { .. })), "{result:?}");
    }
    let deep = vec![b"/x".as_slice(); Store::MAX_DEPTH + 2].concat();
    let result = store.layer(&spec(&[(&deep, file(b""))]));
    assert!(matches!(result, Err(Error::TooDeep { .. })), "{result:?}");
    assert_eq!(leftovers(&store), Vec::<String>::new());
}

#[test]
fn suspicious_directories_are_refused() {
    let tmp = tempfile::tempdir().unwrap();
    let path = tmp.path().join("store");
    Store::open(&host(&path)).unwrap();
    assert_eq!(fs::metadata(&path).unwrap().mode() & 0o7777, 0o700);
    fs::set_permissions(&path, fs::Permissions::from_mode(0o1777)).unwrap();
    let refused = Store::open(&host(&path)).unwrap_err();
    assert!(matches!(refused, Error::Refused { why: Refusal::WorldWritable(0o1777), .. }));
    let problem = refused.problem();
    assert_eq!(problem.code, plan::Code::STORE_UNWRITABLE);
    assert!(problem.hint.unwrap().contains("chmod 0700"));
    let file = tmp.path().join("file");
    fs::write(&file, "").unwrap();
    let refused = Store::open(&host(&file)).unwrap_err();
    assert!(matches!(refused, Error::Refused { why: Refusal::NotADirectory, .. }), "{refused:?}");
    // `/` is root's; for root itself there is no other user to stand in.
    if fs::metadata(tmp.path()).unwrap().uid() != 0 {
        let refused = Store::open(&host(std::path::Path::new("/"))).unwrap_err();
        assert!(matches!(refused, Error::Refused { why: Refusal::OtherOwner(0), .. }));
    }
}

#[test]
fn keys_are_stable() {
    // When this value changes, every prepared layer is made again: intended, or a mistake?
    let key = Key::of_layer(&spec(&[(b"/a", link("b"))]));
    assert_eq!(key.as_str(), "af1402ef2b9a760ffc7738d85471ce3dc9e6b1a9");
}

#[test]
fn layers_are_made_before_they_are_needed() {
    let Place { store, tmp: _tmp } = place();
    let bad = spec(&[(b"/a", file(b"1")), (b"/a/b", file(b"2"))]);
    let all = [bad, spec(&[(b"/x", file(b"x"))]), spec(&[(b"/y", LayerEntry::Whiteout)])];
    assert!(store.lacks(&all[1..]));
    store.forestall(&all);
    assert!(!store.lacks(&all[1..]) && store.lacks(&all));
    assert!(matches!(store.layer(&all[0]), Err(Error::BadSpec { .. })));
    for spec in &all[1..] {
        assert!(!store.layer(spec).unwrap().built);
    }
    assert_eq!(leftovers(&store), Vec::<String>::new());
}

#[test]
fn whiteouts_are_names_of_one() {
    let Place { store, tmp: _tmp } = place();
    let hidden = || LayerEntry::Whiteout;
    let spec =
        spec(&[(b"/a", hidden()), (b"/b/c/d", hidden()), (b"/e", file(b"")), (b"/f", hidden())]);
    let made = store.layer(&spec).unwrap();
    let seen = ["a", "b/c/d", "f"].map(|path| {
        let seen = fs::symlink_metadata(made.path.at(path).as_path()).unwrap();
        (seen.ino(), seen.nlink(), seen.rdev(), seen.mode() & 0o170_000)
    });
    assert_eq!(seen, [(seen[0].0, 3, 0, 0o020_000); 3]);
}

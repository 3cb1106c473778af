//! Runtimes held against their manifests.

use crate::fixture::*;
use inspect::mtree;
use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::Path;
use std::time::{Duration, UNIX_EPOCH};
use store::runtimes::{Verification, verify};

/// `sha256` of `hello`.
const HELLO: &str = "2cf24dba5fb0a30e26e83b2ac5b9e29e1b161e5c1fa7425e73043362938b9824";

/// What differs, a line each.
fn differences(top: &Path, manifest: &str, minimized: bool) -> Vec<String> {
    let manifest = mtree::parse(manifest.as_bytes()).unwrap();
    let outcomes: Vec<_> = [1, 2, 7]
        .map(|threads| {
            let how = Verification { manifest: &manifest, minimized, threads, progress: &|_| () };
            verify(&host(top), &how).unwrap()
        })
        .into();
    assert!(outcomes.windows(2).all(|pair| pair[0] == pair[1]), "{outcomes:?}");
    assert_eq!(outcomes[0].entries, manifest.entries.len() as u64);
    outcomes[0].differences.iter().map(ToString::to_string).collect()
}

#[test]
fn what_differs() {
    let sha = format!("./f type=file sha256={HELLO}");
    let long = format!("./f type=file size=5 sha256={HELLO}");
    // Manifest, tree, what differs when it is whole, what when it is minimized.
    for (manifest, tree, whole, minimized) in [
        ("./f type=file", &["f = hello"][..], &[][..], &[][..]),
        (&sha, &["f = hello"], &[], &[]),
        (
            &sha,
            &["f = hallo"],
            &["/f: its content is another (SHA-256)"],
            &["/f: its content is another (SHA-256)"],
        ),
        (&long, &["f = hell"], &["/f: 4 bytes, not 5"], &["/f: 4 bytes, not 5"]),
        ("./f type=file size=5", &[], &["/f: missing"], &["/f: missing"]),
        ("./f type=file size=5 optional", &[], &[], &[]),
        ("./f type=file size=0", &[], &["/f: missing"], &[]),
        ("./f type=file size=0", &["f = x"], &["/f: 1 bytes, not 0"], &["/f: 1 bytes, not 0"]),
        ("./f type=file", &["f/"], &["/f: not a regular file"], &["/f: not a regular file"]),
        ("./f type=file", &["f -> g"], &["/f: not a regular file"], &["/f: not a regular file"]),
        ("./d/f type=file", &["d = x"], &["/d/f: missing"], &["/d/f: missing"]),
        (
            "./d/f type=file\n./e/f type=file",
            &["d -> e", "e/f = x"],
            &["/d/f: not a regular file"],
            &["/d/f: not a regular file"],
        ),
        ("./d type=dir", &["d/"], &[], &[]),
        ("./d type=dir", &[], &["/d: missing"], &[]),
        ("./d type=dir optional", &[], &[], &[]),
        ("./d type=dir", &["d = x"], &["/d: not a directory"], &["/d: not a directory"]),
        ("./d type=dir", &["d -> ."], &["/d: not a directory"], &["/d: not a directory"]),
        ("./l type=link link=a", &["l -> a"], &[], &[]),
        ("./l type=link link=a", &[], &["/l: missing"], &[]),
        (
            "./l type=link link=a",
            &["l -> b"],
            &["/l: leads to `b`, not to `a`"],
            &["/l: leads to `b`, not to `a`"],
        ),
        (
            "./l type=link link=a",
            &["l = a"],
            &["/l: not a symbolic link"],
            &["/l: not a symbolic link"],
        ),
        ("./f type=file mode=755", &["f * x"], &[], &[]),
        ("./f type=file mode=755", &["f = x"], &["/f: not executable"], &[]),
        ("./f type=file mode=644", &["f * x"], &["/f: executable"], &[]),
        ("./f type=file", &["f * x"], &[], &[]),
        ("./f type=file mode=755 nochange", &["f = x"], &[], &[]),
        (
            "./d type=dir",
            &["d/new = x", "other/deep/file = x"],
            &["/d/new: not in the manifest", "/other: not in the manifest"],
            &["/d/new: not in the manifest", "/other: not in the manifest"],
        ),
        ("./d type=dir ignore", &["d/new = x", "d/e/f = x"], &[], &[]),
        ("./var type=dir ignore optional", &[], &[], &[]),
        ("./d type=dir", &["d/", ".ref = "], &["/.ref: not in the manifest"], &[]),
        (
            "./d type=dir",
            &["d/", ".ref = x"],
            &["/.ref: not in the manifest"],
            &["/.ref: not in the manifest"],
        ),
        ("./.ref type=file size=0 optional", &[".ref = "], &[], &[]),
        (
            "./a/B type=file content=./ab/1.bin size=1",
            &["ab/1.bin = x"],
            &["/a/B: missing", "/ab: not in the manifest"],
            &[],
        ),
        (
            "./a/B type=file content=./ab/1.bin size=1",
            &["ab/1.bin = xy"],
            &["/a/B: missing", "/ab: not in the manifest"],
            &["/a/B: 2 bytes, not 1"],
        ),
        ("./odd\\040\\012name type=file size=1", &["odd \nname = x"], &[], &[]),
    ] {
        let tmp = tempfile::tempdir().unwrap();
        make(tmp.path(), tree);
        assert_eq!(differences(tmp.path(), manifest, false), whole, "whole: {manifest} {tree:?}");
        assert_eq!(
            differences(tmp.path(), manifest, true),
            minimized,
            "minimized: {manifest} {tree:?}"
        );
    }
}

#[test]
fn times() {
    let tmp = tempfile::tempdir().unwrap();
    make(tmp.path(), &["f = x"]);
    let file = fs::File::open(tmp.path().join("f")).unwrap();
    for (set, said, same) in [
        ((7, 0), "7", true),
        ((7, 5000), "7.0", true),
        ((7, 123_456_789), "7.123456000", true),
        ((7, 123_457_000), "7.123456000", false),
        ((8, 0), "7", false),
    ] {
        file.set_modified(UNIX_EPOCH + Duration::new(set.0, set.1)).unwrap();
        let found = differences(tmp.path(), &format!("./f type=file time={said}"), false);
        assert_eq!(found.is_empty(), same, "{set:?} {said} {found:?}");
        assert!(differences(tmp.path(), &format!("./f type=file time={said}"), true).is_empty());
    }
}

#[test]
fn what_cannot_be_read() {
    if rustix::process::geteuid().is_root() {
        println!("SKIP: root reads everything");
        return;
    }
    let tmp = tempfile::tempdir().unwrap();
    make(tmp.path(), &["f = hello", "d/g = x"]);
    let mode = |name: &str, mode| {
        fs::set_permissions(tmp.path().join(name), fs::Permissions::from_mode(mode)).unwrap();
    };
    mode("f", 0);
    mode("d", 0);
    let manifest = format!("./f type=file sha256={HELLO}\n./d type=dir");
    let denied = "Permission denied (os error 13)";
    let want = [format!("/d: {denied}"), format!("/f: {denied}")];
    assert_eq!(differences(tmp.path(), &manifest, false), want);
    mode("d", 0o700);
}

/// More directories side by side than a process may have files open.
#[test]
fn many_directories() {
    let tmp = tempfile::tempdir().unwrap();
    let mut manifest = String::new();
    for n in 0..1500 {
        fs::create_dir_all(tmp.path().join(format!("share/{n}"))).unwrap();
        manifest += &format!("./share/{n} type=dir\n");
    }
    make(tmp.path(), &["share/1499/x = x"]);
    assert_eq!(differences(tmp.path(), &manifest, false), ["/share/1499/x: not in the manifest"]);
}

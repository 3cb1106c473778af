//! Our own directory of runtimes, and archives that are unpacked into it.

use crate::fixture::*;
use crate::holder::{CALLS, hold};
use std::fs;
use std::io::Read;
use std::path::Path;
use std::process::Command;
use store::runtimes::{AppendError, Error, Library, Part, Shelved, is_used};

struct Scene {
    tmp: tempfile::TempDir,
    library: Library,
}

fn library() -> Scene {
    let tmp = tempfile::tempdir().unwrap();
    let library = Library::open(&host(&tmp.path().join("deep/runtimes"))).unwrap();
    Scene { tmp, library }
}

impl Scene {
    /// Everything that is there, but for the lock.
    fn left(&self) -> Vec<String> {
        let top = self.tmp.path().join("deep/runtimes");
        let all = snapshot(&top).into_keys();
        all.filter(|name| !name.is_empty() && !name.starts_with(".lock")).collect()
    }

    fn unpack(&self, archive: &[u8]) -> Result<Shelved, Error> {
        let held = self.library.hold(&mut || ()).unwrap();
        let draft = held.unpack(&mut &archive[..], &mut |_| ())?;
        held.publish(draft, "test", "1.2")
    }

    /// A runtime in use by nobody.
    fn shelve(&self, name: &str, version: &str) -> Shelved {
        make(&self.tmp.path().join("source"), &["files/lib/x = x", "files/.ref = "]);
        let held = self.library.hold(&mut || ()).unwrap();
        let draft = held.copy(&host(&self.tmp.path().join("source"))).unwrap();
        held.publish(draft, name, version).unwrap()
    }
}

/// One entry as the oldest tar has it, with a right checksum.
fn entry(path: &str, kind: u8, link: &str, content: &[u8]) -> Vec<u8> {
    let mut block = [0u8; 512];
    block[..path.len()].copy_from_slice(path.as_bytes());
    block[100..107].copy_from_slice(b"0004777");
    block[124..135].copy_from_slice(format!("{:011o}", content.len()).as_bytes());
    block[136..147].copy_from_slice(b"00000000007");
    block[148..156].copy_from_slice(b"        ");
    block[156] = kind;
    block[157..157 + link.len()].copy_from_slice(link.as_bytes());
    let sum: u64 = block.iter().map(|b| u64::from(*b)).sum();
    block[148..155].copy_from_slice(format!("{sum:06o}\0").as_bytes());
    let mut out = block.to_vec();
    out.extend_from_slice(content);
    out.resize(out.len().div_ceil(512) * 512, 0);
    out
}

fn archive(entries: &[Vec<u8>]) -> Vec<u8> {
    let mut out = entries.concat();
    out.resize(out.len() + 1024, 0);
    out
}

#[test]
fn what_tar_writes_is_unpacked() {
    let long = "n".repeat(90);
    let deep = format!("SteamLinuxRuntime_x/{long}/{long}/{long}/file");
    let rows = [
        "SteamLinuxRuntime_x/x_platform_1/files/lib/lib.so.1 = library".to_owned(),
        "SteamLinuxRuntime_x/x_platform_1/files/lib/lib.so -> lib.so.1".into(),
        "SteamLinuxRuntime_x/x_platform_1/files/bin/run * program".into(),
        "SteamLinuxRuntime_x/x_platform_1/files/etc -> /usr/etc".into(),
        "SteamLinuxRuntime_x/x_platform_1/files/var/".into(),
        "SteamLinuxRuntime_x/odd \n name = odd".into(),
        format!("{deep} = deep"),
    ];
    let rows: Vec<&str> = rows.iter().map(String::as_str).collect();
    for format in ["gnu", "pax", "v7", "ustar"] {
        let place = library();
        let source = place.tmp.path().join("source");
        // The older formats have no words for long names.
        let rows = if matches!(format, "v7" | "ustar") { &rows[..6] } else { &rows[..] };
        make(&source, rows);
        fs::hard_link(
            source.join("SteamLinuxRuntime_x/odd \n name"),
            source.join("SteamLinuxRuntime_x/same"),
        )
        .unwrap();
        let mut tar = Command::new("tar");
        tar.args(["--format", format, "--mode=u=rwX,go=rX", "-C"]).arg(&source);
        let made = tar.args(["-cf", "-", "SteamLinuxRuntime_x"]).output().unwrap();
        assert!(made.status.success(), "{}", String::from_utf8_lossy(&made.stderr));
        let shelved = place.unpack(&made.stdout).unwrap();
        let mut want = snapshot(&source.join("SteamLinuxRuntime_x"));
        // It can be locked, also where the archive had dropped the empty file.
        want.insert("x_platform_1/files/.ref".into(), "file 644 ".into());
        assert_eq!(snapshot(shelved.path.as_path()), want, "{format}");
        assert!(shelved.path.as_path().ends_with("test/1.2"));
    }
}

#[test]
fn nothing_leads_out() {
    let files = || entry("r/files/", b'5', "", b"");
    for (entries, why) in [
        (vec![files(), entry("../out", b'0', "", b"x")], "leads out"),
        (vec![files(), entry("r/../../out", b'0', "", b"x")], "leads out"),
        (vec![files(), entry("/tmp/out", b'0', "", b"x")], "absolute"),
        (
            vec![files(), entry("r/l", b'2', "/tmp", b""), entry("r/l/out", b'0', "", b"x")],
            "below a link",
        ),
        (
            vec![files(), entry("r/l", b'2', "..", b""), entry("r/l/d/", b'5', "", b"")],
            "below a link",
        ),
        (
            vec![files(), entry("r/l", b'2', "/tmp", b""), entry("r/h", b'1', "r/l/x", b"")],
            "below a link",
        ),
        (vec![files(), entry("r/h", b'1', "../../x", b"")], "leads out"),
        (vec![files(), entry("r/h", b'1', "r/absent", b"")], "not there"),
        (
            vec![files(), entry("r/f", b'0', "", b"x"), entry("r/f/g", b'0', "", b"x")],
            "below a link",
        ),
        (vec![files(), entry("r/null", b'3', "", b"")], "device"),
        (vec![files(), entry("r/fifo", b'6', "", b"")], "FIFO"),
        (vec![entry("r/readme", b'0', "", b"x")], "neither"),
        (vec![files(), entry("other/", b'5', "", b"")], "neither"),
        // Not every `lock` is one.
        (vec![entry("lock/r/", b'5', "", b"")], "neither"),
        (vec![], "neither"),
    ] {
        let place = library();
        let error = place.unpack(&archive(&entries)).unwrap_err();
        assert!(error.to_string().contains(why), "{error}: {why}");
        assert_eq!(error.problem().code, plan::Code::ARCHIVE_BROKEN);
        assert!(error.problem().hint.is_some());
        assert_eq!(place.left(), [".drafts"], "{why}");
    }
}

#[test]
fn broken_at_any_place() {
    let whole = archive(&[
        entry("r/files/", b'5', "", b""),
        entry("r/files/a", b'0', "", &[7; 700]),
        entry("r/files/l", b'2', "a", b""),
    ]);
    let place = library();
    // Up to the first block of the end mark.
    for length in (0..whole.len() - 1024).step_by(97) {
        let error = place.unpack(&whole[..length]).unwrap_err();
        assert!(matches!(error, Error::Archive(_)), "{length}: {error}");
    }
    for at in [0, 130, 520, 600, 2060] {
        let mut damaged = whole.clone();
        damaged[at] ^= 1;
        assert!(matches!(place.unpack(&damaged), Err(Error::Archive(_))), "{at}");
    }
    assert_eq!(place.left(), [".drafts"]);
    let shelved = place.unpack(&whole).unwrap();
    let want = expected(&[
        ("", "dir 755"),
        ("files", "dir 755"),
        ("files/.ref", "file 644 "),
        ("files/a", &format!("file 755 {}", "\\x07".repeat(700))),
        ("files/l", "-> a"),
    ]);
    assert_eq!(snapshot(shelved.path.as_path()), want);
}

#[test]
fn of_two_of_a_version_the_first_stays() {
    let place = library();
    let one = |content: &[u8]| archive(&[entry("r/files/f", b'0', "", content)]);
    let first = place.unpack(&one(b"first")).unwrap();
    assert_eq!(place.unpack(&one(b"second")).unwrap(), first);
    assert_eq!(fs::read(first.path.at("files/f").as_path()).unwrap(), b"first");
    assert_eq!(place.library.list().unwrap(), [first]);
    assert!(place.left().iter().all(|name| !name.starts_with(".drafts/")), "{:?}", place.left());
    for bad in ["", "..", "a/b", ".hidden", "-o"] {
        let held = place.library.hold(&mut || ()).unwrap();
        let draft = held.unpack(&mut &one(b"x")[..], &mut |_| ()).unwrap();
        assert!(matches!(held.publish(draft, bad, "1"), Err(Error::BadName(_))), "{bad}");
    }
}

#[test]
fn a_runtime_in_use_is_not_removed() {
    for file in ["files/.ref", ".ref", "usr/.ref", "x_platform_1/files/.ref", "var/.ref"] {
        for call in CALLS {
            let place = library();
            let shelved = place.shelve("test", "1");
            let path = shelved.path.at(file);
            fs::create_dir_all(path.parent().unwrap().as_path()).unwrap();
            fs::write(path.as_path(), "").unwrap();
            let game = hold(path.as_path(), call, false).unwrap();
            assert!(is_used(&shelved.path));
            let held = place.library.hold(&mut || ()).unwrap();
            let error = held.remove(&shelved).unwrap_err();
            assert_eq!(error, Error::InUse { path: shelved.path.clone(), lock: path });
            assert_eq!(error.problem().code, plan::Code::RUNTIME_IN_USE);
            assert_eq!(place.library.list().unwrap().len(), 1, "{file} {call}");
            drop(game);
            held.remove(&shelved).unwrap();
            assert_eq!(place.left(), [".drafts"], "{file} {call}");
        }
    }
    // A copy in a depot's variable directory, locked through its link.
    let place = library();
    let shelved = place.shelve("test", "1");
    let copy = shelved.path.as_path().join("var/tmp-abcdef");
    make(&copy, &["usr/.ref = ", ".ref -> usr/.ref"]);
    let game = hold(&copy.join("usr/.ref"), CALLS[1], false).unwrap();
    assert!(is_used(&shelved.path));
    drop(game);
    assert!(!is_used(&shelved.path));
}

#[test]
fn tidying_leaves_the_newest_and_what_is_used() {
    let place = library();
    for (name, version) in [("a", "1.9"), ("a", "1.10"), ("a", "1.8"), ("b", "3")] {
        place.shelve(name, version);
    }
    let used = place.tmp.path().join("deep/runtimes/a/1.8/files/.ref");
    let game = hold(&used, CALLS[0], false).unwrap();
    make(&place.tmp.path().join("deep/runtimes/.drafts/new-1-0"), &["half = x"]);
    let held = place.library.hold(&mut || ()).unwrap();
    fs::write(held.part(&[7; 32]).unwrap().as_path(), "half").unwrap();
    let tidied = held.tidy().unwrap();
    let versions = |list: &[Shelved]| -> Vec<String> {
        list.iter().map(|s| format!("{} {}", s.name, s.version)).collect()
    };
    assert_eq!(versions(&tidied.removed), ["a 1.9"]);
    assert_eq!(versions(&tidied.in_use), ["a 1.8"]);
    // A download of today may be gone on with.
    assert_eq!(tidied.leftovers, 1);
    assert!(Path::new(&held.part(&[7; 32]).unwrap().as_path()).exists());
    drop(game);
    assert_eq!(versions(&held.tidy().unwrap().removed), ["a 1.8"]);
    assert_eq!(versions(&place.library.list().unwrap()), ["a 1.10", "b 3"]);
}

#[test]
fn one_changes_it_at_a_time() {
    let place = library();
    let first = place.library.hold(&mut || panic!("nobody is there")).unwrap();
    let (send, receive) = std::sync::mpsc::channel();
    std::thread::scope(|scope| {
        let library = &place.library;
        scope.spawn(move || {
            let waiting = send.clone();
            drop(library.hold(&mut || waiting.send("waits").unwrap()));
            send.send("has it").unwrap();
        });
        assert_eq!(receive.recv().unwrap(), "waits");
        assert!(receive.try_recv().is_err());
        drop(first);
        assert_eq!(receive.recv().unwrap(), "has it");
    });
}

/// `sha256` of `hello world`.
const HELLO_WORLD: [u8; 32] = [
    0xb9, 0x4d, 0x27, 0xb9, 0x93, 0x4d, 0x3e, 0x08, 0xa5, 0x2e, 0x52, 0xd7, 0xda, 0x7d, 0xab, 0xfa,
    0xc4, 0x84, 0xef, 0xe3, 0x7a, 0x53, 0x80, 0xee, 0x90, 0x88, 0xf7, 0xac, 0xe2, 0xef, 0xcd, 0xe9,
];

#[test]
fn a_download_goes_on() {
    struct Breaks;
    impl Read for Breaks {
        fn read(&mut self, _: &mut [u8]) -> std::io::Result<usize> {
            Err(std::io::Error::other("the line is cut"))
        }
    }
    let tmp = tempfile::tempdir().unwrap();
    let path = host(&tmp.path().join("part"));
    let mut part = Part::open(&path).unwrap();
    let broken = part.append(&mut b"hello ".chain(Breaks), &mut |_| ()).unwrap_err();
    assert!(matches!(broken, AppendError::Source(_)));
    drop(part);
    let mut part = Part::open(&path).unwrap();
    assert_eq!(part.len(), 6);
    assert!(!part.is(&HELLO_WORLD));
    let mut seen = vec![];
    part.append(&mut &b"world"[..], &mut |n| seen.push(n)).unwrap();
    assert_eq!(seen, [11]);
    assert!(part.is(&HELLO_WORLD));
    let mut text = String::new();
    part.reader().unwrap().read_to_string(&mut text).unwrap();
    assert_eq!(text, "hello world");
    part.restart().unwrap();
    assert!(part.is_empty() && !part.is(&HELLO_WORLD));
    part.delete().unwrap();
    assert!(!path.as_path().exists());
}

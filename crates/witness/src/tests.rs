use super::*;
use std::fs;
use std::os::unix::fs::{PermissionsExt, symlink};
use std::path::{Path, PathBuf};
use std::time::{Duration, SystemTime};

/// Sets the times of a file or directory to a minute ago, so that it does not count as recent. The change
/// time cannot be set, which is why directories of these tests are not listed unless a test waits.
fn age(path: &Path) {
    let old = SystemTime::now() - Duration::from_secs(60);
    fs::File::open(path).unwrap().set_modified(old).unwrap();
}

/// As readers of a root look: every component.
fn walk(path: &Path) -> Option<Look> {
    let mut at = PathBuf::new();
    let mut last = None;
    for component in path.components() {
        at.push(component);
        last = stat(&at);
        last?;
    }
    last
}

struct Scene {
    directory: tempfile::TempDir,
}

impl Scene {
    fn new() -> Self {
        let directory = tempfile::tempdir().unwrap();
        let at = |path: &str| directory.path().join(path);
        for made in ["usr/lib", "etc/conf.d", "home/user", "home/other"] {
            fs::create_dir_all(at(made)).unwrap();
        }
        fs::write(at("usr/lib/libx.so.1.0"), "one").unwrap();
        fs::write(at("etc/conf.d/a"), "a").unwrap();
        age(&at("usr/lib/libx.so.1.0"));
        symlink("libx.so.1.0", at("usr/lib/libx.so.1")).unwrap();
        let old = rustix::fs::Timespec { tv_sec: 1_000_000_000, tv_nsec: 0 };
        let times = rustix::fs::Timestamps { last_access: old, last_modification: old };
        let flags = rustix::fs::AtFlags::SYMLINK_NOFOLLOW;
        rustix::fs::utimensat(rustix::fs::CWD, at("usr/lib/libx.so.1"), &times, flags).unwrap();
        Scene { directory }
    }

    fn at(&self, path: &str) -> PathBuf {
        self.directory.path().join(path)
    }

    fn look(&self) {
        assert!(walk(&self.at("usr/lib/libx.so.1")).is_some());
        assert!(walk(&self.at("usr/lib/libx.so.1.0")).is_some());
        assert!(walk(&self.at("usr/lib/liby.so.1")).is_none());
        assert!(walk(&self.at("home/user/.config/layer.d")).is_none());
        assert!(walk(&self.at("opt/driver")).is_none());
    }

    fn witnesses(&self) -> Witnesses {
        let recording = Recording::start();
        self.look();
        recording.finish().expect("nothing is recent")
    }
}

fn holds(witnesses: &Witnesses) -> bool {
    witnesses.hold().unwrap() == Verdict::Holds
}

#[test]
fn what_changes_is_noticed() {
    type Change = fn(&Scene);
    let changes: &[(&str, Change, bool)] = &[
        ("nothing", |_| {}, true),
        ("a file beside", |s| fs::write(s.at("home/user/new"), "").unwrap(), true),
        (
            "a hard link to a file",
            |s| fs::hard_link(s.at("usr/lib/libx.so.1.0"), s.at("home/other/copy")).unwrap(),
            true,
        ),
        (
            "a library edited in place",
            |s| fs::write(s.at("usr/lib/libx.so.1.0"), "two").unwrap(),
            false,
        ),
        (
            "a library of the same size and time in its place",
            |s| {
                fs::write(s.at("usr/lib/tmp"), "two").unwrap();
                let old = fs::metadata(s.at("usr/lib/libx.so.1.0")).unwrap().modified().unwrap();
                fs::File::open(s.at("usr/lib/tmp")).unwrap().set_modified(old).unwrap();
                fs::rename(s.at("usr/lib/tmp"), s.at("usr/lib/libx.so.1.0")).unwrap();
            },
            false,
        ),
        (
            "a file that nobody may read any more",
            |s| {
                let none = fs::Permissions::from_mode(0o000);
                fs::set_permissions(s.at("usr/lib/libx.so.1.0"), none).unwrap();
            },
            false,
        ),
        (
            "a link replaced",
            |s| {
                fs::remove_file(s.at("usr/lib/libx.so.1")).unwrap();
                symlink("libx.so.1.0", s.at("usr/lib/libx.so.1")).unwrap();
            },
            false,
        ),
        ("a missing file appears", |s| fs::write(s.at("usr/lib/liby.so.1"), "").unwrap(), false),
        (
            "a missing directory appears",
            |s| fs::create_dir_all(s.at("home/user/.config/layer.d")).unwrap(),
            false,
        ),
        ("a missing top-level directory appears", |s| fs::create_dir(s.at("opt")).unwrap(), false),
        (
            "a directory becomes a file",
            |s| {
                fs::remove_dir_all(s.at("home")).unwrap();
                fs::write(s.at("home"), "").unwrap();
            },
            false,
        ),
        (
            "a directory becomes a link to itself elsewhere",
            |s| {
                fs::rename(s.at("usr/lib"), s.at("usr/lib2")).unwrap();
                symlink("lib2", s.at("usr/lib")).unwrap();
            },
            false,
        ),
    ];
    for (what, change, want) in changes {
        let scene = Scene::new();
        let witnesses = scene.witnesses();
        assert!(holds(&witnesses), "{what}: before");
        change(&scene);
        assert_eq!(holds(&witnesses), *want, "{what}");
    }
}

/// What was changed just now may change again without a new time stamp.
#[test]
fn the_recent_past_is_not_relied_on() {
    let scene = Scene::new();
    fs::write(scene.at("usr/lib/libx.so.1.0"), "new").unwrap();
    let recording = Recording::start();
    scene.look();
    assert_eq!(recording.finish(), None, "a file");
    age(&scene.at("usr/lib/libx.so.1.0"));
    let recording = Recording::start();
    scene.look();
    (0..50).for_each(|n| assert!(walk(&scene.at(&format!("etc/{n}"))).is_none()));
    assert_eq!(recording.finish(), None, "a directory that stands for its entries");
    let recording = Recording::start();
    scene.look();
    assert!(recording.finish().is_some());
}

/// A file that changes while it is being decided about: half of the decision may be about the old one.
#[test]
fn two_states_of_one_file_are_not_relied_on() {
    let scene = Scene::new();
    let recording = Recording::start();
    scene.look();
    fs::write(scene.at("usr/lib/libx.so.1.0"), "other").unwrap();
    age(&scene.at("usr/lib/libx.so.1.0"));
    scene.look();
    assert_eq!(recording.finish(), None);
}

#[test]
fn a_crowded_directory_stands_for_its_entries() {
    let scene = Scene::new();
    let look = |n: usize| {
        (0..n).for_each(|n| assert!(walk(&scene.at(&format!("usr/lib/missing{n}"))).is_none()));
    };
    // Owned by whoever runs the test, so it counts as one that changes all the time.
    std::thread::sleep(Duration::from_millis(2100));
    let count = |n| {
        let recording = Recording::start();
        look(n);
        let witnesses = recording.finish().unwrap();
        fs::write(scene.at("usr/lib/unrelated"), "").unwrap();
        fs::remove_file(scene.at("usr/lib/unrelated")).unwrap();
        (witnesses.len(), holds(&witnesses))
    };
    let (few, holds_few) = count(20);
    assert!(few > 20 && holds_few);
    std::thread::sleep(Duration::from_millis(2100));
    let (many, holds_many) = count(100);
    assert!(many < 20 && !holds_many, "{many}");
}

/// In a directory of the user's own, names count and times do not: much comes and goes there.
#[test]
fn names_count_in_busy_directories() {
    let all: &[(&str, bool, bool, bool)] = &[
        ("other", false, true, true),
        ("pipewire-1", false, false, true),
        ("link", false, true, false),
    ];
    for (name, with_all, with_prefix, with_links) in all {
        for (filter, want) in [
            (Filter::All, with_all),
            (Filter::Prefix(b"pipewire-".to_vec()), with_prefix),
            (Filter::Links, with_links),
        ] {
            let scene = Scene::new();
            let home = scene.at("home/user");
            let recording = Recording::start();
            assert!(walk(&home).is_some());
            listed_for(&home, &filter);
            let witnesses = recording.finish().unwrap();
            fs::write(home.join("x"), "").unwrap();
            fs::remove_file(home.join("x")).unwrap();
            assert!(holds(&witnesses), "{name} {filter:?}: what came and went");
            if *name == "link" {
                symlink("x", home.join(name)).unwrap();
            } else {
                fs::write(home.join(name), "").unwrap();
            }
            assert_eq!(holds(&witnesses), *want, "{name} {filter:?}");
            assert_eq!(
                Witnesses::from_bytes(witnesses.as_bytes()).describe(),
                witnesses.describe()
            );
        }
    }
}

#[test]
fn recordings_nest_and_pause() {
    let scene = Scene::new();
    let outer = Recording::start();
    assert!(walk(&scene.at("usr/lib/libx.so.1.0")).is_some());
    let inner = Recording::start();
    assert!(walk(&scene.at("home/user/a")).is_none());
    unrecorded(|| assert!(walk(&scene.at("home/user/b")).is_none()));
    let inner = inner.finish().unwrap();
    let outer = outer.finish().unwrap();
    let has = |w: &Witnesses, tail: &str| w.describe().iter().any(|l| l.contains(tail));
    assert!(has(&inner, "user/a ") && !has(&inner, "libx") && !has(&inner, "user/b "));
    assert!(has(&outer, "user/a ") && has(&outer, "libx") && !has(&outer, "user/b "));
    assert!(Recording::start().finish().unwrap().is_empty(), "nothing is left open");
}

/// What an inner decision was remembered from counts for the outer one too.
#[test]
fn what_is_relied_on_is_inherited() {
    let scene = Scene::new();
    let inner = scene.witnesses();
    let outer = Recording::start();
    assert!(holds(&inner));
    let outer = outer.finish().unwrap();
    assert_eq!(outer.len(), inner.len());
    fs::write(scene.at("usr/lib/libx.so.1.0"), "other").unwrap();
    assert!(!holds(&outer));
}

/// Files of the kernel's making: `stat` says the same whatever is in them.
#[test]
fn content_counts_where_stat_tells_nothing() {
    let recording = Recording::start();
    let oom = format!("/proc/{}/comm", std::process::id());
    assert!(walk(Path::new(&oom)).is_some());
    let witnesses = recording.finish().unwrap();
    assert!(holds(&witnesses));
    let before = fs::read(&oom).unwrap();
    fs::write(&oom, "renamed").unwrap();
    let after = witnesses.hold().unwrap();
    fs::write(&oom, before).unwrap();
    assert_eq!(after, Verdict::Changed(oom.into()));
}

#[test]
fn damage_shows() {
    let scene = Scene::new();
    let good = scene.witnesses();
    let bytes = good.as_bytes();
    assert!(holds(&Witnesses::from_bytes(bytes)));
    for length in 0..bytes.len() {
        assert!(Witnesses::check(&bytes[..length]).is_err(), "cut at {length}");
    }
    for position in 0..bytes.len() {
        for value in [0, 0x7f, 0x80, 0xff] {
            let mut bad = bytes.to_vec();
            bad[position] = value;
            // Must not panic; what comes of it depends on what was hit.
            let _ = Witnesses::check(&bad);
        }
    }
}

#[test]
fn numbers() {
    use code::{Damaged, Reader, Writer};
    for value in [0, 1, 0x7f, 0x80, 0x3fff, 0x4000, u64::from(u32::MAX), u64::MAX] {
        let mut out = Writer::default();
        out.number(value);
        assert_eq!(Reader(&out.0).number(), Ok(value));
        assert_eq!(Reader(&out.0[..out.0.len() - 1]).number(), Err(Damaged));
    }
    assert_eq!(Reader(&[0xff; 11]).number(), Err(Damaged));
    assert_eq!(Reader(&[5, 1, 2]).bytes(), Err(Damaged));
    assert_eq!(Reader(&[2, 1, 2]).bytes(), Ok(&[1, 2][..]));
    assert_eq!(Reader(&[200, 1]).count(), Err(Damaged));
}

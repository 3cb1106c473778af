use super::*;
use crate::swap::by_renames;
use crate::tree::{Sources, write_tree};
use plan::Tuple;
use std::collections::BTreeMap;
use std::io;
use std::os::unix::fs::symlink;

/// A runtime's `pressure-vessel`, and a program to replace it with.
struct Scene {
    directory: tempfile::TempDir,
    sources: Sources,
}

impl Scene {
    fn new() -> Self {
        let directory = tempfile::tempdir().unwrap();
        let write = |path: &str, text: &str| {
            let path = directory.path().join(path);
            fs::create_dir_all(path.parent().unwrap()).unwrap();
            fs::write(path, text).unwrap();
        };
        write("depot/pressure-vessel/bin/pressure-vessel-wrap", "original wrap");
        write("depot/pressure-vessel/bin/steam-runtime-system-info", "original info");
        write("depot/pressure-vessel/libexec/steam-runtime-tools-0/srt-bwrap", "original bwrap");
        write("depot/pressure-vessel/share/empty", "");
        write("build", "the program");
        let builds = BTreeMap::from([(Tuple::X86_64, directory.path().join("build"))]);
        let sources = Sources { builds, machine: Tuple::X86_64, share: None };
        symlink("empty", directory.path().join("depot/pressure-vessel/share/link")).unwrap();
        Self { directory, sources }
    }

    fn place(&self) -> PathBuf {
        self.directory.path().join("depot/pressure-vessel")
    }

    fn replace(&self, exchange: Exchange) -> Result<(), Error> {
        replace(&self.place(), exchange, |stage| write_tree(stage, "", &self.sources))
    }

    fn install(&self, place: &Path) -> Result<(), Error> {
        install(place, Kind::Prefix, by_renames, |stage| write_tree(stage, "", &self.sources))
    }

    /// Every path below the depot with what it is.
    fn listing(&self) -> String {
        let mut paths = vec![];
        let mut pending = vec![self.directory.path().join("depot")];
        while let Some(directory) = pending.pop() {
            for entry in fs::read_dir(&directory).unwrap() {
                let path = entry.unwrap().path();
                if path.is_dir() && !path.is_symlink() {
                    pending.push(path.clone());
                }
                let what = if path.is_symlink() {
                    format!("-> {}", fs::read_link(&path).unwrap().display())
                } else {
                    fs::read_to_string(&path).unwrap_or_else(|_| "directory".into())
                };
                let name = path.strip_prefix(self.directory.path()).unwrap().display().to_string();
                paths.push(format!("{name} {what}\n"));
            }
        }
        paths.sort_unstable();
        paths.concat()
    }
}

fn wrap(place: &Path) -> String {
    fs::read_to_string(place.join("bin/bathysphere")).unwrap_or_else(|error| error.to_string())
}

#[test]
fn what_was_replaced_comes_back() {
    for exchange in [crate::exchange as Exchange, by_renames] {
        let scene = Scene::new();
        let before = scene.listing();
        scene.replace(exchange).unwrap();
        assert_eq!(look(&scene.place()).unwrap(), State::Intact);
        assert_eq!(wrap(&scene.place()), "the program");
        let read = |path: &str| fs::read_to_string(scene.place().join(path)).unwrap();
        assert_eq!(read("bin/steam-runtime-system-info"), "original info");
        assert_eq!(read("libexec/steam-runtime-tools-0/srt-bwrap"), "original bwrap");
        assert_eq!(read("libexec/bathysphere/original/bin/pressure-vessel-wrap"), "original wrap");
        // Twice is an update, and changes nothing else.
        scene.replace(exchange).unwrap();
        assert_eq!(look(&scene.place()).unwrap(), State::Intact);
        put_back(&scene.place(), exchange).unwrap();
        assert_eq!(scene.listing(), before);
        assert!(matches!(put_back(&scene.place(), exchange), Err(Error::NothingThere(_))));
    }
}

#[test]
fn what_fails_changes_nothing() {
    let refuse: Exchange = |_, _| Err(io::ErrorKind::PermissionDenied.into());
    let scene = Scene::new();
    let before = scene.listing();
    assert!(matches!(scene.replace(refuse), Err(Error::Io { .. })));
    assert_eq!(scene.listing(), before);
    let nothing = Sources { builds: BTreeMap::new(), ..scene.sources.clone() };
    let failed = replace(&scene.place(), by_renames, |stage| write_tree(stage, "", &nothing));
    assert!(matches!(failed, Err(Error::NoBuild(Tuple::X86_64))));
    assert_eq!(scene.listing(), before);
    scene.replace(by_renames).unwrap();
    let replaced = scene.listing();
    assert!(matches!(put_back(&scene.place(), refuse), Err(Error::Io { .. })));
    assert_eq!(scene.listing(), replaced);
    let elsewhere = scene.directory.path().join("depot");
    let failed = replace(&elsewhere, by_renames, |_| Ok(()));
    assert!(matches!(failed, Err(Error::NoPlace { .. })));
}

/// Each moment at which the machine may stop, made by hand.
#[test]
fn an_interruption_is_settled() {
    type Interrupted = fn(&Path, &Path);
    let moments: &[(&str, Interrupted, bool)] = &[
        ("while writing", |_, _| (), false),
        (
            "in an exchange",
            |place, stage| {
                fs::rename(place, format!("{}x", stage.display())).unwrap();
            },
            false,
        ),
        (
            "before the last rename of an exchange",
            |place, stage| {
                fs::rename(place, format!("{}x", stage.display())).unwrap();
                fs::rename(stage, place).unwrap();
            },
            true,
        ),
        (
            "before what was replaced has its name",
            |place, stage| {
                by_renames(place, stage).unwrap();
            },
            true,
        ),
    ];
    for (moment, interrupt, ours) in moments {
        let scene = Scene::new();
        let before = scene.listing();
        let place = scene.place();
        let mut stage = Stage::new(&place, Kind::Replaced).unwrap();
        write_tree(&mut stage, "", &scene.sources).unwrap();
        stage.finish().unwrap();
        interrupt(&place, stage.path());
        std::mem::forget(stage);
        settle(&place).unwrap();
        assert_eq!(is_ours(&place), *ours, "{moment}");
        if *ours {
            put_back(&place, by_renames).unwrap();
        }
        assert_eq!(scene.listing(), before, "{moment}");
    }
}

#[test]
fn an_interrupted_removal_is_settled() {
    let scene = Scene::new();
    let before = scene.listing();
    let place = scene.place();
    scene.replace(by_renames).unwrap();
    let replaced = scene.listing();
    let aside = place.with_file_name(".pressure-vessel.bathysphere-1");
    fs::rename(kept(&place), &aside).unwrap();
    settle(&place).unwrap();
    assert_eq!(scene.listing(), replaced);
    fs::rename(kept(&place), &aside).unwrap();
    fs::rename(&place, format!("{}x", aside.display())).unwrap();
    settle(&place).unwrap();
    assert_eq!(scene.listing(), before);
}

/// Steam writes its files over ours: all of them, some of them, or after it has removed everything.
#[test]
fn steam_puts_files_back() {
    let steam = |place: &Path, names: &[&str], text: &str| {
        for name in names {
            let path = place.join(name);
            remove_file(&path).unwrap();
            fs::create_dir_all(path.parent().unwrap()).unwrap();
            fs::write(path, text).unwrap();
        }
    };
    let all: Vec<String> = options::placed().map(|(_, name, at)| format!("{at}/{name}")).collect();
    let mut all: Vec<&str> = all.iter().map(String::as_str).collect();
    all.extend(["bin/bathysphere", "bin/pressure-vessel-wrap", "bin/steam-runtime-system-info"]);
    for (names, gone, want) in [
        (&["bin/pressure-vessel-wrap"][..], false, "one file"),
        (&all, false, "every program"),
        (&["bin/pressure-vessel-wrap"], true, "the directory"),
    ] {
        let scene = Scene::new();
        let place = scene.place();
        // Of a program that this one does not have there is a link to the original's.
        scene.replace(by_renames).unwrap();
        if gone {
            fs::remove_dir_all(&place).unwrap();
        }
        steam(&place, names, "newer");
        let state = look(&place).unwrap();
        match want {
            "one file" => {
                assert_eq!(state, State::Changed(vec!["bin/pressure-vessel-wrap".into()]))
            }
            _ => assert_eq!(state, State::PutBack),
        }
        let again = scene.replace(by_renames);
        again.unwrap();
        assert_eq!(look(&place).unwrap(), State::Intact, "{want}");
        put_back(&place, by_renames).unwrap();
        let read = |name: &str| fs::read_to_string(place.join(name)).unwrap_or_default();
        assert_eq!(read("bin/pressure-vessel-wrap"), "newer", "{want}");
        let bwrap = read("libexec/steam-runtime-tools-0/srt-bwrap");
        assert_eq!(bwrap, if gone { "" } else { "original bwrap" }, "{want}");
        assert!(!is_ours(&place) && !is_there(&kept(&place)), "{}", scene.listing());
        assert!(!is_there(&place.join("libexec/bathysphere")), "{want}: {}", scene.listing());
    }
}

#[test]
fn an_original_that_is_gone_is_told() {
    let scene = Scene::new();
    scene.replace(by_renames).unwrap();
    fs::remove_dir_all(kept(&scene.place())).unwrap();
    assert!(matches!(put_back(&scene.place(), by_renames), Err(Error::OriginalGone { .. })));
}

#[test]
fn trees_of_their_own() {
    let scene = Scene::new();
    let before = scene.listing();
    let place = scene.directory.path().join("depot/new/tree");
    scene.install(&place).unwrap();
    assert_eq!(wrap(&place), "the program");
    scene.install(&place).unwrap();
    fs::write(place.join("bin/own"), "").unwrap();
    assert!(matches!(scene.install(&place), Err(Error::NoPlace { .. })));
    assert_eq!(remove(&place).unwrap(), ["bin/own"]);
    assert_eq!(fs::read_dir(&place).unwrap().count(), 1);
    assert!(matches!(scene.install(&place), Err(Error::NoPlace { .. })));
    fs::remove_dir_all(place.join("bin")).unwrap();
    // Empty, it can be used.
    scene.install(&place).unwrap();
    assert_eq!(remove(&place).unwrap(), [""; 0]);
    assert!(matches!(remove(&place), Err(Error::NothingThere(_))));
    fs::remove_dir(place.parent().unwrap()).unwrap();
    assert_eq!(scene.listing(), before);
}

#[test]
fn one_at_a_time() {
    let scene = Scene::new();
    let place = scene.place();
    let nested = replace(&place, by_renames, |_| scene.replace(by_renames));
    assert!(matches!(nested, Err(Error::Busy(_))), "{nested:?}");
}

/// A tree can be moved: no link of it is absolute or leads out of it.
#[test]
fn trees_can_be_moved() {
    let scene = Scene::new();
    let place = scene.directory.path().join("depot/tree");
    scene.install(&place).unwrap();
    let moved = scene.directory.path().join("elsewhere");
    fs::rename(&place, &moved).unwrap();
    for (_, name, directory) in options::placed() {
        let program = moved.join(directory).join(name);
        assert_eq!(fs::read_to_string(&program).unwrap(), "the program", "{}", program.display());
    }
    assert_eq!(wrap(&moved), "the program");
    assert_eq!(look(&moved).unwrap(), State::Intact);
}

#[test]
fn originals_are_found() {
    let scene = Scene::new();
    let place = scene.place();
    scene.replace(by_renames).unwrap();
    let exe = place.join("libexec/bathysphere/x86_64-linux-gnu/bathysphere");
    let found = crate::original(&exe, "pressure-vessel-wrap", None).unwrap();
    assert_eq!(fs::read_to_string(found).unwrap(), "original wrap");
    let none = crate::original(&exe, "pv-adverb", None).unwrap_err();
    assert!(none[0].ends_with("original/libexec/steam-runtime-tools-0/pv-adverb"), "{none:?}");
    // Of a tree of its own: that of the runtime, unless it is ours as well.
    let tree = scene.directory.path().join("tree/libexec/bathysphere/x86_64-linux-gnu/bathysphere");
    let base = scene.directory.path().join("depot");
    assert!(crate::original(&tree, "pressure-vessel-wrap", Some(&base)).unwrap_err().is_empty());
    put_back(&place, by_renames).unwrap();
    let found = crate::original(&tree, "pressure-vessel-wrap", Some(&base)).unwrap();
    assert_eq!(found, place.join("bin/pressure-vessel-wrap"));
}

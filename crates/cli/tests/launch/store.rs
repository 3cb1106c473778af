//! Stores that are full, read-only, absent, or used by many launches at once, and what only the first launch
//! puts there. (Launches that are killed: `warm_changes`.)

use crate::support::{Launch, Outcome, after, lab, need, sh};
use std::collections::BTreeSet;
use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::Path;
use std::process::{Child, Stdio};

/// The names in a directory of a store; none where it is absent.
fn names(store: &Path, directory: &str) -> BTreeSet<String> {
    let entries = fs::read_dir(store.join(directory)).into_iter().flatten();
    entries.map(|entry| entry.unwrap().file_name().into_string().unwrap()).collect()
}

/// Too small for any layer: a code, and nothing half-made.
#[test]
fn a_full_disk() {
    let runtime = need!(lab("runtime-bullseye"));
    let store = tempfile::tempdir().unwrap();
    let launch = Launch::new().runtime(&runtime).store(store.path());
    let (command, _home) = launch.prepare(&["/usr/bin/true"]);
    let script = "mount -t tmpfs -o size=64k,mode=0700 none \"$BATHYSPHERE_STORE\"";
    let outcome = Outcome::of(&mut after(script, &command));
    assert!(outcome.stderr().contains("BS0013"), "{}", outcome.account());
    assert_eq!(outcome.status(), 125, "{}", outcome.account());
}

/// No room is left, and all that is needed is there: the launch works, and is not remembered.
#[test]
fn a_disk_that_has_become_full() {
    let runtime = need!(lab("runtime-bullseye"));
    let store = tempfile::tempdir().unwrap();
    let launch = Launch::new().runtime(&runtime).store(store.path());
    let list = "ls \"$BATHYSPHERE_STORE/launches\" | wc -l";
    let script = format!(
        "mount -t tmpfs -o size=8m,mode=0700 none \"$BATHYSPHERE_STORE\"
         \"$0\" \"$@\" >&2; sleep 3; \"$0\" \"$@\" >&2
         before=$({list})
         dd if=/dev/zero of=\"$BATHYSPHERE_STORE/filling\" bs=4k 2>/dev/null || true
         ANOTHER=launch \"$0\" \"$@\"
         test \"$before\" = \"$({list})\""
    );
    let (command, _home) = launch.prepare(&["/bin/echo", "works"]);
    let outcome = Outcome::of(&mut after(&script, &command));
    assert_eq!(outcome.ok(), "works\nworks\n", "{}", outcome.account());
}

/// What is in a read-only store serves; for anything else a temporary one is made, which is said in a line.
#[test]
fn a_store_that_has_become_read_only() {
    let runtime = need!(lab("runtime-bullseye"));
    let store = tempfile::tempdir().unwrap();
    let launch = || Launch::new().runtime(&runtime).store(store.path());
    launch().run(&["/usr/bin/true"]).ok();
    let before = names(store.path(), "layers");
    let script = "mount --bind \"$BATHYSPHERE_STORE\" \"$BATHYSPHERE_STORE\"
        mount -o remount,bind,ro \"$BATHYSPHERE_STORE\"";
    for (options, warnings) in [(&[][..], 0), (&["--architectures=i386-linux-gnu"], 1)] {
        let launch = options.iter().fold(launch(), |launch, option| launch.option(option));
        let (command, _home) = launch.prepare(&["/bin/echo", "works"]);
        for round in 0..2 {
            let outcome = Outcome::of(&mut after(script, &command));
            assert_eq!(outcome.ok(), "works\n", "{options:?} {round}");
            let count = outcome.stderr().matches("BS0012").count();
            assert_eq!(count, warnings, "{options:?} {round}: {}", outcome.account());
        }
    }
    assert_eq!(names(store.path(), "layers"), before);
}

/// A store that cannot be written: a temporary one takes its place, said in one line.
#[test]
fn a_store_that_cannot_be_written() {
    let runtime = need!(lab("runtime-bullseye"));
    for store in ["/proc/no-store", "/sys/no-store"] {
        let launch = Launch::new().runtime(&runtime).store(store.as_ref());
        let outcome = launch.run(&["/bin/echo", "works"]);
        assert_eq!(outcome.ok(), "works\n");
        assert_eq!(outcome.stderr().matches("BS0012").count(), 1, "{}", outcome.account());
    }
}

/// Layers are made while the plan is checked; when the check stops the launch, they are whole all the same.
#[test]
fn a_launch_that_is_stopped_leaves_nothing_half_made() {
    let runtime = need!(lab("runtime-bullseye"));
    let store = tempfile::tempdir().unwrap();
    let launch = || Launch::new().runtime(&runtime).store(store.path());
    launch().run(&["/no/such/command"]).fails(127, "BS0007");
    let drafts = names(store.path(), "tmp");
    assert!(!drafts.iter().any(|name| name.starts_with("draft")), "{drafts:?}");
    let before = names(store.path(), "layers");
    assert!(!before.is_empty());
    assert_eq!(launch().run(&["/bin/echo", "works"]).ok(), "works\n");
    assert_eq!(names(store.path(), "layers"), before);
}

#[test]
fn an_absent_store_is_made() {
    let runtime = need!(lab("runtime-bullseye"));
    let directory = tempfile::tempdir().unwrap();
    let store = directory.path().join("some/where/store");
    let launch = || Launch::new().runtime(&runtime).store(&store);
    for round in 0..2 {
        let outcome = launch().run(&["/bin/echo", "works"]);
        assert_eq!(outcome.ok(), "works\n", "{round}");
        assert!(!outcome.stderr().contains("BS0012"), "{round}: {}", outcome.account());
        assert!(!names(&store, "layers").is_empty(), "{round}");
        assert_eq!(fs::metadata(&store).unwrap().permissions().mode() & 0o777, 0o700);
        // The housekeeping of the first launch may still be at work in it.
        while fs::remove_dir_all(&store).is_err() {}
    }
}

/// Many at once on an empty store: each works, and together they leave what one alone leaves.
#[test]
fn launches_at_once_prepare_once() {
    let runtime = need!(lab("runtime-bullseye"));
    let home = tempfile::tempdir().unwrap();
    let start = |store: &Path| -> Child {
        let launch = Launch::new().runtime(&runtime).store(store);
        let launch = launch.env("HOME", home.path()).in_directory(home.path());
        let (mut command, _home) = launch.prepare(&sh("readlink -e /usr/bin/env; echo $PPID"));
        command.stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap()
    };
    let alone = tempfile::tempdir().unwrap();
    let ended = start(alone.path()).wait_with_output().unwrap();
    assert!(ended.status.success(), "{ended:?}");
    for round in 0..3 {
        let store = tempfile::tempdir().unwrap();
        let children: Vec<Child> = (0..8).map(|_| start(store.path())).collect();
        let mut supervisors = BTreeSet::new();
        for child in children {
            let ended = child.wait_with_output().unwrap();
            let text = String::from_utf8_lossy(&ended.stdout).into_owned();
            let supervisor = text.strip_prefix("/usr/bin/env\n").map(str::to_owned);
            assert!(ended.status.success() && supervisor.is_some(), "{round}: {ended:?}");
            supervisors.extend(supervisor);
        }
        assert_eq!(supervisors.len(), 8, "{round}: a container each");
        assert_eq!(names(store.path(), "layers"), names(alone.path(), "layers"), "{round}");
        let drafts = names(store.path(), "tmp");
        let drafts: Vec<_> = drafts.iter().filter(|name| name.starts_with("draft")).collect();
        assert!(drafts.is_empty(), "{round}: {drafts:?}");
    }
}

/// A locale that neither the host nor the runtime has: the host's own `localedef` makes it, once.
#[test]
fn a_locale_is_generated_once() {
    const LOCALE: &str = "mi_NZ.UTF-8";
    let runtime = need!(lab("runtime-bullseye"));
    let real = Path::new("/usr/bin/localedef");
    let exists = |path: &Path| path.exists().then_some(()).ok_or(format!("no {}", path.display()));
    need!(exists(real));
    need!(exists(Path::new("/usr/share/i18n/locales/mi_NZ")));
    let store = tempfile::tempdir().unwrap();
    let tools = tempfile::tempdir().unwrap();
    // The real one, which says when it is started.
    let counted = tools.path().join("localedef");
    let count = tools.path().join("count");
    let script =
        format!("#!/bin/sh\necho >>'{}'\nexec {} \"$@\"\n", count.display(), real.display());
    fs::write(&counted, script).unwrap();
    fs::set_permissions(&counted, fs::Permissions::from_mode(0o755)).unwrap();
    let path = format!("{}:/usr/bin:/bin", tools.path().display());
    let launch = || {
        let launch = Launch::new().runtime(&runtime).store(store.path()).env("PATH", &path);
        launch.env("LANG", LOCALE).run(&sh("locale day; locale charmap"))
    };
    for announced in [true, false] {
        let outcome = launch();
        assert_eq!(
            outcome.ok(),
            "Rātapu;Mane;Tūrei;Wenerei;Tāite;Paraire;Hātarei\nUTF-8\n",
            "{}",
            outcome.account()
        );
        let said = outcome.stderr().contains(&format!("generating the locale {LOCALE}"));
        assert_eq!(said, announced, "{}", outcome.account());
        assert!(!outcome.stderr().contains("asked for by"), "{}", outcome.account());
        assert_eq!(fs::read(&count).unwrap().len(), 1, "{}", outcome.account());
    }
    // Another locale is another matter.
    let outcome = Launch::new().runtime(&runtime).store(store.path()).env("PATH", &path);
    outcome.env("LANG", "C.UTF-8").run(&["/usr/bin/true"]).ok();
    assert_eq!(fs::read(&count).unwrap().len(), 1);
}

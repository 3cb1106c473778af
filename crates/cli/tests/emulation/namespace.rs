//! The namespace of the overlay composition, drawn by `plan --format tree`, walked from inside in both views, and compared
//! entry by entry: with each other, and with the tree that the composition is specified to have.

use crate::direction::{Direction, Mix, direction, host_layout, mixes};
use crate::matrix::launch;
use crate::programs::Composition;
use crate::registration::{Flags, available};
use crate::support::{BACKENDS, need, probe};
use std::collections::BTreeMap;
use std::path::PathBuf;

const ROOT: &str = "/run/pressure-vessel/interpreter-root";

/// What a path is.
#[derive(Clone, Debug, PartialEq, Eq)]
enum Entry {
    Directory,
    Link(String),
    Other,
}

type Tree = BTreeMap<String, Entry>;

/// What is large, or changes by itself; the directories themselves are walked.
const SKIPPED: &[&str] = &[
    "/dev",
    "/home",
    "/media",
    "/mnt",
    "/opt",
    "/proc",
    "/srv",
    "/sys",
    "/tmp",
    "/usr/share",
    "/var/cache",
    "/var/lib",
    "/var/tmp",
    "/usr/include",
    "/usr/src",
    "/run/user",
];

/// Trees that are shown in several places.
const SHOWN: &[&str] = &["bin", "etc", "lib", "lib32", "lib64", "libx32", "sbin", "usr"];

/// The paths that are not entered, in either view.
fn skipped(view: &str) -> Vec<String> {
    let mut skipped: Vec<String> = SKIPPED.iter().map(|path| (*path).to_owned()).collect();
    for place in ["/run/gfx/main", "/run/host", "/run/interpreter-host"] {
        skipped.extend(SHOWN.iter().map(|name| format!("{place}/{name}")));
    }
    let inside: Vec<String> = skipped.iter().map(|path| format!("{ROOT}{path}")).collect();
    if view == "emulated" {
        // What is below the emulator's root is seen at its own place.
        skipped.push("/run/pressure-vessel".into());
    }
    skipped.extend(inside);
    skipped
}

/// The drawings: of the native view, and of the emulated one. What is elided (`…`) is no entry.
fn drawn(text: &str) -> [Tree; 2] {
    let mut views = [Tree::new(), Tree::new()];
    let mut current = None;
    let mut parents: Vec<(String, bool)> = vec![];
    for line in text.lines() {
        if line == "/" || line.starts_with("/ ") {
            current = Some(current.map_or(0, |view: usize| view + 1));
            parents = vec![(String::new(), false)];
            continue;
        }
        let name_at = line.find("── ").map(|at| at + "── ".len());
        let (Some(view), Some(at)) = (current, name_at) else { continue };
        let depth = line[..at].chars().count() / 4;
        let (name, note) = line[at..].split_once("  ").unwrap_or((&line[at..], ""));
        if name.starts_with('…') {
            continue;
        }
        parents.truncate(depth);
        let (above, elsewhere) = parents.last().cloned().expect("a drawing has its root first");
        let (name, entry) = match name.split_once(" -> ") {
            Some((name, target)) => (name, Entry::Link(target.to_owned())),
            None if name.ends_with('/') => (name.trim_end_matches('/'), Entry::Directory),
            None => (name, Entry::Other),
        };
        let path = format!("{above}/{name}");
        // Emulated programs find these by another rule than the listing of their parent.
        let elsewhere = elsewhere || note.trim() == "as native programs see it";
        parents.push((path.clone(), elsewhere));
        if !elsewhere && views[view.min(1)].insert(path.clone(), entry).is_some() {
            panic!("{path} is drawn twice");
        }
    }
    views
}

/// What the probe says of each path.
fn walked(text: &str) -> Tree {
    let mut tree = Tree::new();
    for line in text.lines() {
        let (kind, rest) = line.split_once(' ').unwrap_or_default();
        let Some(at) = rest.find(" /") else { continue };
        let rest = &rest[at + 1..];
        match (kind, rest.split_once(" -> ")) {
            ("dir", _) => tree.insert(rest.to_owned(), Entry::Directory),
            ("link", Some((path, target))) => {
                tree.insert(path.to_owned(), Entry::Link(target.to_owned()))
            }
            ("mount" | "unreadable" | "unknown", _) => continue,
            _ => tree.insert(rest.split(' ').next().unwrap_or(rest).to_owned(), Entry::Other),
        };
    }
    tree
}

/// The probe of the foreign architecture.
fn foreign_probe() -> Result<PathBuf, String> {
    let name = if cfg!(target_arch = "aarch64") {
        "BATHYSPHERE_PROBE_X86_64"
    } else {
        "BATHYSPHERE_PROBE_AARCH64"
    };
    let path: PathBuf = std::env::var_os(name).ok_or(format!("{name} is not set"))?.into();
    if path.exists() { Ok(path) } else { Err(format!("{} does not exist", path.display())) }
}

/// The tree as the probe sees it; the foreign probe sees the emulated view.
fn walk(mix: &Mix, backend: &str, probe: &std::path::Path, view: &str) -> Result<Tree, String> {
    let directory = probe.parent().ok_or("the probe has no directory")?;
    let launch = launch("run", mix, Composition::Overlay, backend, Flags::None)
        .pair("--filesystem", format!("{}:ro", directory.display()));
    let mut command = vec![probe.as_os_str().to_owned(), "walk".into()];
    for path in skipped(view) {
        command.extend(["--skip".into(), path.into()]);
    }
    let outcome = launch.run(&command);
    let tree = walked(&outcome.ok());
    assert!(tree.len() > 500, "the walk saw too little: {}", outcome.account());
    Ok(tree)
}

/// The tree that is asked for: for the native view the host's own layout, with the provider, the host
/// and the interpreter root in their places.
fn expected(direction: &Direction) -> Vec<(String, Entry)> {
    let link = |target: &str| Entry::Link(target.to_owned());
    let is_directory = |path: &str| !std::path::Path::new(path).is_symlink();
    let host = |name: &str| match is_directory(&format!("/{name}")) {
        true => Entry::Directory,
        false => link(&format!("usr/{name}")),
    };
    let overrides = format!("{ROOT}/usr/lib/pressure-vessel/overrides");
    let guest = direction.guest;
    let mut tree = vec![
        ("/lib".to_owned(), host("lib")),
        ("/bin".to_owned(), host("bin")),
        ("/sbin".to_owned(), host("sbin")),
        ("/usr".to_owned(), Entry::Directory),
        ("/run/host".to_owned(), Entry::Directory),
        ("/run/interpreter-host".to_owned(), Entry::Directory),
        ("/run/gfx".to_owned(), Entry::Directory),
        ("/run/gfx/bin".to_owned(), link("usr/bin")),
        ("/run/gfx/lib".to_owned(), link("usr/lib")),
        ("/run/gfx/usr".to_owned(), link("main/usr")),
        ("/run/gfx/main/usr".to_owned(), Entry::Directory),
        (format!("{ROOT}/bin"), link("usr/bin")),
        (format!("{ROOT}/lib"), link("usr/lib")),
        (format!("{ROOT}/overrides"), link("usr/lib/pressure-vessel/overrides")),
        (format!("{ROOT}/usr/bin"), Entry::Directory),
        (format!("{ROOT}/run/gfx/usr"), link("main/usr")),
        (format!("{ROOT}/run/host/usr"), Entry::Directory),
        (format!("{overrides}/lib/{guest}"), Entry::Directory),
        (
            format!("{overrides}/lib/{guest}/libEGL_mesa.so.0"),
            link(&format!("/run/gfx/usr/lib/{guest}/libEGL_mesa.so.0.0.0")),
        ),
    ];
    if host_layout() == "non-merged" {
        tree.push((format!("/lib/{}", direction.native), Entry::Directory));
        tree.push(("/bin/sh".to_owned(), link("dash")));
    }
    if cfg!(target_arch = "aarch64") {
        let more = format!("{overrides}/lib/i386-linux-gnu");
        tree.push((more, Entry::Directory));
    }
    tree
}

/// Everything that the drawing has is there, and is what is drawn.
fn compare(drawn: &Tree, walked: &Tree, skipped: &[String], view: &str) {
    let is_skipped = |path: &str| {
        let below =
            |top: &String| path.strip_prefix(top.as_str()).is_some_and(|p| p.starts_with('/'));
        skipped.iter().any(below)
    };
    let wrong: Vec<String> = drawn
        .iter()
        .filter(|(path, entry)| !is_skipped(path) && walked.get(*path) != Some(*entry))
        .map(|(path, entry)| format!("{path}: drawn {entry:?}, seen {:?}", walked.get(path)))
        .collect();
    assert!(wrong.is_empty(), "{view} view:\n{}", wrong.join("\n"));
    assert!(drawn.len() > 20, "{view} view: little is drawn: {drawn:#?}");
}

/// The names directly in a directory.
fn names(tree: &Tree, directory: &str) -> Vec<String> {
    let prefix = format!("{directory}/");
    let inside = tree.keys().filter_map(|path| path.strip_prefix(&prefix));
    inside.filter(|name| !name.is_empty() && !name.contains('/')).map(str::to_owned).collect()
}

#[test]
fn drawn_walked_and_specified() {
    need!(available());
    let direction = direction();
    let mixes = need!(mixes());
    let mission = |mix: &&Mix| mix.rootfs.0 == "merged" && mix.runtime.0 == "merged";
    let mix = mixes.iter().find(mission).expect("the first mixture is this one");
    let native_probe = need!(probe());
    let foreign_probe = need!(foreign_probe());
    let outcome = launch("plan", mix, Composition::Overlay, "builtin", Flags::None)
        .pair("--format", "tree")
        .run(&["/bin/sh"]);
    let [native, emulated] = drawn(&outcome.ok());
    for backend in BACKENDS {
        let seen = need!(walk(mix, backend, &native_probe, "native"));
        compare(&native, &seen, &skipped("native"), "native");
        for (path, entry) in expected(direction) {
            assert_eq!(seen.get(&path), Some(&entry), "{backend}: {path}");
        }
        // Nothing else is at the top of the interpreter root, which would hide what is the machine's.
        assert_eq!(names(&seen, ROOT), names(&native, ROOT), "{backend}");
        let overrides = format!("{ROOT}/usr/lib/pressure-vessel/overrides/lib/{}", direction.guest);
        let provider = format!("/run/gfx/usr/lib/{}/", direction.guest);
        let captured = seen.iter().filter(|(path, _)| path.starts_with(&overrides));
        let links: Vec<_> = captured.filter(|(_, entry)| **entry != Entry::Directory).collect();
        assert!(links.len() > 100, "{backend}: {links:?}");
        for (path, entry) in links {
            let right = matches!(entry, Entry::Link(to) if to.starts_with(&provider));
            assert!(right, "{backend}: {path} is {entry:?}");
        }
    }
    let seen = need!(walk(mix, "builtin", &foreign_probe, "emulated"));
    compare(&emulated, &seen, &skipped("emulated"), "emulated");
    println!("{}", outcome.stdout());
}

//! Both executors build the same namespace: the probe walks the tree under each.

use crate::support::{BACKENDS, FORMS, Launch, lab, need, probe, sh};
use std::collections::BTreeSet;
use std::ffi::OsString;
use std::path::{Path, PathBuf};

/// What changes by itself: the kernel's, and what is shared with the host, where other tests write.
/// What is mounted there is in the mount table, which the probe prints whole.
const LIVE: &[&str] =
    &["/proc", "/sys", "/dev", "/tmp", "/var/tmp", "/var/cache/bathysphere", "/home", "/opt"];

/// The probe's account of the whole tree under one executor. The home is the same for both.
fn walk(runtime: &str, backend: &str, stacking: &str, home: &Path) -> Result<String, String> {
    let probe = probe()?;
    let directory = probe.parent().ok_or("the probe has no directory")?;
    let root = if runtime == "host" { "host".into() } else { lab(runtime)?.into_os_string() };
    let outcome = Launch::new()
        .env("HOME", home)
        .in_directory(home)
        .runtime(&root)
        .backend(backend)
        .pair("--stacking", stacking)
        .pair("--filesystem", format!("{}:ro", directory.display()))
        .run(&walk_command(&probe, runtime == "host"));
    Ok(outcome.ok())
}

/// Top-level directories of a machine that hold still while tests run.
const SYSTEM: &[&str] = &["bin", "etc", "lib", "lib32", "lib64", "libx32", "sbin", "usr"];

/// With the host's own `/usr`, everything else in its `/` is shared as well, and lives.
fn walk_command(probe: &Path, whole_host: bool) -> Vec<OsString> {
    let mut skip: BTreeSet<PathBuf> = LIVE.iter().map(PathBuf::from).collect();
    if whole_host {
        let top = std::fs::read_dir("/").unwrap().map(|entry| entry.unwrap().file_name());
        let living = top.filter(|name| !SYSTEM.iter().any(|system| name == system));
        skip.extend(living.map(|name| Path::new("/").join(name)));
    }
    let skip = skip.into_iter().flat_map(|path| ["--skip".into(), path.into()]);
    [probe.into(), "walk".into()].into_iter().chain(skip).collect()
}

/// The first lines in which two accounts differ.
fn difference(a: &str, b: &str) -> Vec<String> {
    let (left, right): (BTreeSet<_>, BTreeSet<_>) = (a.lines().collect(), b.lines().collect());
    let only = |x: &BTreeSet<&str>, y: &BTreeSet<&str>, s| {
        x.difference(y).take(12).map(move |l| format!("{s} {l}")).collect::<Vec<_>>()
    };
    [only(&left, &right, "-"), only(&right, &left, "+")].concat()
}

/// The mount table without the type of the file system, and without how many mounts show the members of
/// `/var/lib`, for a comparison of an overlay with a tree: that is all that may differ.
fn without_types(walk: &str) -> String {
    let lines = walk.lines().filter(|line| !line.starts_with("mount /var/lib"));
    let line =
        |line: &str| match line.strip_prefix("mount ").map(|l| l.split(' ').collect::<Vec<_>>()) {
            Some(words) if words.len() == 3 => format!("mount {} {}\n", words[0], words[2]),
            _ => format!("{line}\n"),
        };
    lines.map(line).collect()
}

#[test]
fn both_build_the_same_namespace() {
    let home = tempfile::tempdir().unwrap();
    for runtime in FORMS.iter().chain(&["host"]) {
        let builtin = need!(walk(runtime, "builtin", "auto", home.path()));
        assert!(builtin.lines().count() > 1000, "{runtime}: the walk saw too little:\n{builtin}");
        for (backend, stacking) in [("bwrap", "auto"), ("builtin", "tree"), ("bwrap", "tree")] {
            let other = need!(walk(runtime, backend, stacking, home.path()));
            let difference = if other.contains(" overlay ") == builtin.contains(" overlay ") {
                difference(&builtin, &other)
            } else {
                difference(&without_types(&builtin), &without_types(&other))
            };
            assert!(
                difference.is_empty(),
                "{runtime}: builtin (-) and {backend}, {stacking} (+):\n{}",
                difference.join("\n")
            );
        }
    }
}

/// bwrap has overlays from version 0.11 on; where it has, they are used.
#[test]
fn bwrap_uses_overlays_where_it_has_them() {
    let version = std::process::Command::new("bwrap").arg("--version").output();
    let version = need!(version.map_err(|error| format!("bwrap cannot be started: {error}")));
    let text = String::from_utf8_lossy(&version.stdout).into_owned();
    let minor: u32 = text.trim().split('.').nth(1).and_then(|m| m.parse().ok()).expect("a version");
    let runtime = need!(lab("runtime-bullseye"));
    let outcome = Launch::new()
        .runtime(&runtime)
        .backend("bwrap")
        .run(&sh("grep -c ' /usr .* overlay ' /proc/self/mountinfo"));
    let overlays = outcome.stdout();
    assert_eq!(overlays.trim(), if minor >= 11 { "1" } else { "0" }, "{}", outcome.account());
    assert_eq!(outcome.stderr().contains("prepared tree"), minor < 11, "{}", outcome.account());
}

/// No capability and `no_new_privs` in the game; no descriptor that was not asked for.
#[test]
fn privileges_and_descriptors() {
    let runtime = need!(lab("runtime-bullseye"));
    let script = "grep -E '^(CapInh|CapPrm|CapEff|CapBnd|CapAmb|NoNewPrivs)' /proc/self/status; \
         ls /proc/self/fd | wc -l";
    for backend in BACKENDS {
        let outcome = Launch::new().runtime(&runtime).backend(backend).run(&sh(script));
        let text = outcome.ok();
        for set in ["CapInh", "CapPrm", "CapEff", "CapBnd", "CapAmb"] {
            assert!(text.contains(&format!("{set}:\t0000000000000000")), "{backend}: {text}");
        }
        assert!(text.contains("NoNewPrivs:\t1"), "{backend}: {text}");
        // 0, 1, 2 and the directory that ls reads.
        assert_eq!(text.lines().last(), Some("4"), "{backend}: {text}");
    }
}

/// `auto` falls back to bwrap in one line with the reason, and the launch works.
#[test]
fn auto_uses_the_built_in_executor_here() {
    let runtime = need!(lab("runtime-bullseye"));
    let outcome = Launch::new().runtime(&runtime).option("--verbose").run(&["/usr/bin/true"]);
    outcome.ok();
    assert!(outcome.stderr().contains("executor: built in"), "{}", outcome.account());
}

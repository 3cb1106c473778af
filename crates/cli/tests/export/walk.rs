//! Walks of the whole container, to compare one way of making it with another.

use crate::support::{Launch, lab, probe};
use std::collections::BTreeSet;
use std::ffi::OsString;
use std::path::{Path, PathBuf};

/// What changes by itself, as in `tests/launch/executors.rs`.
const LIVE: &[&str] =
    &["/proc", "/sys", "/dev", "/tmp", "/var/tmp", "/var/cache/bathysphere", "/home", "/opt"];

/// Big directories of data in which nothing is mounted or made: the launch tests walk them too.
const BULK: &[&str] = &[
    "/run/host/usr",
    "/usr/share/doc",
    "/usr/share/icons",
    "/usr/share/locale",
    "/usr/share/man",
    "/usr/share/zoneinfo",
];

/// The runtime of most tests.
pub(crate) const RUNTIME: &str = "runtime-bullseye";

/// A launch with the runtime, the probe shared, in a home that lives as long as the caller wants.
pub(crate) fn launch(verb: &str, runtime: &str, home: &Path) -> Result<Launch, String> {
    let probe = probe()?;
    let directory = probe.parent().ok_or("the probe has no directory")?.to_owned();
    Ok(Launch::verb(verb)
        .env("HOME", home)
        .in_directory(home)
        .runtime(lab(runtime)?)
        .pair("--filesystem", format!("{}:ro", directory.display())))
}

/// The command that walks.
pub(crate) fn command() -> Result<Vec<OsString>, String> {
    let skip =
        LIVE.iter().chain(BULK).flat_map(|path| ["--skip".into(), PathBuf::from(path).into()]);
    Ok([probe()?.into(), "walk".into()].into_iter().chain(skip).collect())
}

/// What a launch sees.
pub(crate) fn launched(
    runtime: &str,
    backend: &str,
    home: &Path,
    more: &[&str],
) -> Result<String, String> {
    let launch = launch("run", runtime, home)?.backend(backend);
    let launch = more.iter().fold(launch, |launch, option| launch.option(option));
    let seen = launch.run(&command()?).ok();
    assert!(seen.lines().count() > 1000, "the walk saw too little:\n{seen}");
    Ok(seen)
}

/// The first lines in which two walks differ. How many mounts show the members of `/var/lib` does not count: a
/// plan that was made where there are no overlays has more of them.
#[track_caller]
pub(crate) fn assert_same(ours: &str, theirs: &str, what: &str) {
    let counts = |line: &&str| !line.starts_with("mount /var/lib");
    let lines = |text: &str| text.lines().filter(counts).map(str::to_owned).collect();
    let (ours, theirs): (BTreeSet<String>, BTreeSet<String>) = (lines(ours), lines(theirs));
    let only = |a: &BTreeSet<String>, b: &BTreeSet<String>, sign: &str| -> Vec<String> {
        a.difference(b).take(15).map(|line| format!("{sign} {line}")).collect()
    };
    let difference = [only(&ours, &theirs, "-"), only(&theirs, &ours, "+")].concat();
    assert!(
        difference.is_empty(),
        "a launch (-) and {what} (+) differ:\n{}",
        difference.join("\n")
    );
}

/// Without the mount table.
pub(crate) fn files(walk: &str) -> String {
    walk.lines().filter(|line| !line.starts_with("mount ")).map(|l| format!("{l}\n")).collect()
}

/// Mounts by place and whether they can be written, without those below what lives.
pub(crate) fn mounts(walk: &str) -> String {
    let mount = |line: &str| {
        let mut words = line.strip_prefix("mount ")?.split(' ');
        let (at, _, options) = (words.next()?, words.next()?, words.next()?);
        let below = |top: &&str| at.starts_with(&format!("{top}/"));
        let flags: Vec<&str> = options
            .split(',')
            .filter(|option| ["ro", "rw", "nosuid", "nodev"].contains(option))
            .collect();
        (at != "/" && !LIVE.iter().any(below)).then(|| format!("{at} {flags:?}\n"))
    };
    walk.lines().filter_map(mount).collect()
}

//! A Steam Linux Runtime as Steam delivers it, started by its own scripts with our programs: named in
//! `PRESSURE_VESSEL_PREFIX`, in the place of `pressure-vessel`, as umu does, and by our own entry point.

use crate::game;
use crate::place::Place;
use crate::support::{Outcome, host_name, lab, need};
use std::fs;
use std::os::unix::fs::symlink;
use std::path::{Path, PathBuf};
use std::process::Command;

/// A depot of the laboratory in `below`, its platform by a link.
pub(crate) fn deliver(place: &Place, below: &str) -> Result<PathBuf, String> {
    let depot = place.path(below);
    let from = lab("depot-sniper")?;
    fs::create_dir_all(&depot).expect("a directory");
    for entry in fs::read_dir(&from).expect("the laboratory's depot") {
        let entry = entry.expect("an entry");
        if entry.file_name().to_string_lossy().contains("_platform_") {
            symlink(entry.path(), depot.join(entry.file_name())).expect("a link");
        } else {
            let copied = Command::new("cp").arg("-a").arg(entry.path()).arg(&depot).status();
            assert!(copied.is_ok_and(|status| status.success()));
        }
    }
    Ok(depot)
}

/// The platform in a depot.
pub(crate) fn platform(depot: &Path) -> Result<PathBuf, String> {
    let names = fs::read_dir(depot).map_err(|error| error.to_string())?.flatten();
    let mut paths = names.map(|entry| entry.path());
    let is_platform = |path: &PathBuf| path.to_string_lossy().contains("_platform_");
    paths.find(is_platform).ok_or_else(|| format!("{} has no platform", depot.display()))
}

/// Ages what was made a moment ago, so that decisions from it are remembered.
pub(crate) fn age(place: &Place) {
    let mut find = Command::new("find");
    find.arg(place.path("")).args(["-exec", "touch", "-h", "-d", "2 minutes ago", "{}", "+"]);
    assert!(find.status().is_ok_and(|status| status.success()));
}

/// The launches that are remembered in a place's store.
fn launches(place: &Place) -> Vec<String> {
    let mut find = Command::new("find");
    find.arg(place.path("store/launches")).args(["-type", "f", "-printf", "%f %T@ %i\\n"]);
    let text = find.output().expect("find").stdout;
    let mut lines: Vec<_> = String::from_utf8_lossy(&text).lines().map(str::to_owned).collect();
    lines.sort();
    lines
}

/// What Steam executes, or umu.
pub(crate) fn entry(place: &Place, program: &Path, words: &[&str]) -> Command {
    let mut command = place.command(program);
    command.env("BATHYSPHERE_STORE", place.path("store")).args(words);
    command
}

/// The system in the container, and a status.
const GAME: &[&str] =
    &["/bin/sh", "-c", ". /usr/lib/os-release; echo $VERSION_ID $container; exit 7"];

/// Starts a game as Steam does, twice: the second time what the first one decided serves. Other tests make and
/// remove directories beside this place, and what has changed a moment ago is not relied on: then, once more.
fn twice(place: &Place, start: impl Fn() -> Command) {
    age(place);
    let game = || {
        let outcome = Outcome::of(start().args(GAME));
        let said = (outcome.status(), outcome.stdout());
        assert_eq!(said, (7, "11 pressure-vessel\n".into()), "{}", outcome.account());
    };
    let serves = || {
        game();
        let remembered = launches(place);
        game();
        !remembered.is_empty() && launches(place) == remembered
    };
    assert!((0..10).any(|_| serves()), "{:?}", launches(place));
    assert!(!place.path("depot/var/tmp").exists());
}

pub(crate) const VERB: &[&str] = &["--verb=waitforexitandrun", "--"];

#[test]
fn our_tree_is_named_in_the_environment() {
    let place = Place::new();
    let depot = need!(deliver(&place, "depot"));
    place.bathysphere(&["install", "--prefix", "tree"]).ok();
    let start = || {
        let mut command = entry(&place, &depot.join("_v2-entry-point"), VERB);
        command.env("PRESSURE_VESSEL_PREFIX", place.path("tree"));
        command
    };
    twice(&place, start);
    let original = Outcome::of(entry(&place, &depot.join("_v2-entry-point"), VERB).arg("x"));
    assert_eq!(original.status(), 9, "{}", original.account());
    let disabled = Outcome::of(start().arg("x").env("BATHYSPHERE_DISABLE", "1"));
    assert_eq!(
        (disabled.status(), disabled.stdout()),
        (9, {
            let tree = place.path("tree/bin/steam-runtime-launcher-interface-0");
            original.stdout().replace(
                &depot
                    .join("pressure-vessel/bin/steam-runtime-launcher-interface-0")
                    .display()
                    .to_string(),
                &tree.display().to_string(),
            )
        }),
        "{}",
        disabled.account()
    );
}

#[test]
fn our_tree_is_in_the_place_of_the_original() {
    let place = Place::new();
    let depot = need!(deliver(&place, "depot"));
    place.bathysphere(&["install", "--replace", "./depot"]).ok();
    let start = || entry(&place, &depot.join("_v2-entry-point"), VERB);
    twice(&place, start);
    let disabled = Outcome::of(start().arg("x").env("BATHYSPHERE_DISABLE", "1"));
    assert_eq!(disabled.status(), 9, "{}", disabled.account());
    place.bathysphere(&["uninstall", "--replace", "./depot"]).ok();
    assert_eq!(Outcome::of(start().arg("x")).status(), 9);
}

/// The depot's scripts are not needed: one program is all of them.
#[test]
fn our_entry_point_is_in_the_place_of_the_script() {
    let place = Place::new();
    let depot = need!(deliver(&place, "depot"));
    place.bathysphere(&["install", "--replace", "./depot"]).ok();
    for name in ["_v2-entry-point", "run"] {
        fs::remove_file(depot.join(name)).unwrap();
    }
    symlink("pressure-vessel/bin/bathysphere", depot.join("_v2-entry-point")).unwrap();
    twice(&place, || entry(&place, &depot.join("_v2-entry-point"), VERB));
}

/// Everything that umu-launcher does with a runtime: it renames the entry point, verifies the platform, and
/// starts Proton by a script of its own.
#[test]
fn umu_uses_our_tree() {
    let place = Place::new();
    let depot = need!(deliver(&place, ".local/share/umu/steamrt3"));
    place.bathysphere(&["install", "--replace", "sniper"]).ok();
    let umu = depot.join("umu");
    fs::rename(depot.join("_v2-entry-point"), &umu).unwrap();
    let shim = place.script(".local/share/umu/steamrt3/umu-shim", "\"$@\"\nexit $?");
    let proton = place.script("proton/proton", "echo proton \"$@\" on $container; exit 5");
    let verify = depot.join("pressure-vessel/bin/pv-verify");
    assert!(verify.is_file());
    // Of more than a gigabyte, so only once.
    if host_name().is_none() {
        let files = platform(&depot).unwrap().join("files");
        let words = ["--quiet", "--minimized-runtime"];
        let verified = Outcome::of(place.command(verify).args(words).arg(files));
        // The laboratory's depot has a file that its manifest does not list, and nothing else.
        assert_eq!(verified.status(), 1, "{}", verified.account());
        let unlisted = "/lib/left-over-from-an-older-version.txt: not in the manifest";
        let said = verified.stderr();
        assert!(said.contains(unlisted) && said.contains("BS0076: 1 things"), "{said}");
    }
    let mut command = entry(&place, &umu, &["--verb", "waitforexitandrun", "--"]);
    command.arg(shim).arg(proton).args(["waitforexitandrun", "/game/game.exe", "-x"]);
    let paths = format!("{}:{}", place.path("proton").display(), depot.display());
    command.env("STEAM_COMPAT_TOOL_PATHS", &paths).env("STEAM_COMPAT_MOUNTS", &paths);
    command.env("STEAM_COMPAT_APP_ID", "0").env("STEAM_COMPAT_INSTALL_PATH", "");
    let outcome = Outcome::of(&mut command);
    let want = "proton waitforexitandrun /game/game.exe -x on pressure-vessel\n";
    assert_eq!((outcome.status(), outcome.stdout().as_str()), (5, want), "{}", outcome.account());
    let listed = place.bathysphere(&["run", "--runtime", "sniper", "--", "/bin/true"]);
    assert_eq!(listed.status(), 0, "{}", listed.account());
}

#[test]
fn a_game_is_played_in_the_place_of_the_original() {
    let place = Place::new();
    let depot = need!(deliver(&place, "depot"));
    place.bathysphere(&["install", "--replace", "./depot"]).ok();
    need!(game::play(&place, entry(&place, &depot.join("_v2-entry-point"), VERB)));
}

/// What the depot's own manifest says of it: that of the platform is another.
#[test]
fn the_depot_is_verified() {
    let place = Place::new();
    let depot = need!(deliver(&place, "depot"));
    let platform = need!(platform(&depot));
    let delivered = fs::read_link(&platform).expect("a link");
    fs::remove_file(&platform).unwrap();
    fs::create_dir_all(platform.join("files/ignored")).unwrap();
    for name in ["metadata", "usr-mtree.txt.gz"] {
        fs::copy(delivered.join(name), platform.join(name)).unwrap();
    }
    let verifier = place.link("pv-verify");
    let verify = |program: &Path, words: &[&str]| {
        let mut command = place.command(program);
        Outcome::of(command.arg("--quiet").args(words).env("SRT_LOG", "diffable"))
    };
    let as_delivered = || {
        let verified = verify(&verifier, &["depot"]);
        assert_eq!((verified.status(), verified.stderr()), (0, String::new()));
    };
    as_delivered();
    place.bathysphere(&["install", "--replace", "./depot"]).ok();
    // Without a directory, its own depot, wherever the tree has the program itself.
    let own = depot.join("pressure-vessel/bin/pv-verify");
    for verified in [verify(&verifier, &["depot"]), verify(&own, &[])] {
        assert_eq!(verified.status(), 1, "{}", verified.account());
        let said = verified.stderr();
        let paths = said.lines().filter_map(|line| line.split_once(": /").map(|(_, path)| path));
        let paths: Vec<_> = paths.filter(|path| !path.starts_with("pressure-vessel/")).collect();
        assert_eq!(paths, ["pressure-vessel.original: not in the manifest"], "{said}");
        for what in [
            "/pressure-vessel/bin/pressure-vessel-wrap: not a regular file",
            "/pressure-vessel/bin/pv-verify: not a regular file",
            "/pressure-vessel/libexec: not in the manifest",
        ] {
            assert!(said.contains(what), "{what}: {said}");
        }
    }
    place.bathysphere(&["uninstall", "--replace", "./depot"]).ok();
    as_delivered();
}

//! `install` and `uninstall`, on directories as Steam has them.

use crate::place::Place;
use crate::support::{Outcome, host_name, need};
use std::fs;

/// What a program of the original does: it says how it was started.
const TELL: &str = "echo \"original $@\"; env | grep -v '^_=\\|^PWD=\\|^SHLVL=\\|^OLDPWD='";

/// A depot whose programs say how they were started.
fn depot(place: &Place) -> String {
    for (_, name, directory) in options::placed() {
        place.script(&format!("depot/pressure-vessel/{directory}/{name}"), TELL);
    }
    place.script(&format!("depot/{WRAP}"), TELL);
    place.script("depot/pressure-vessel/bin/steam-runtime-of-another-age", "echo old");
    place.write("depot/pressure-vessel/share/doc/empty", "");
    place.path("depot").to_str().expect("it is UTF-8").to_owned()
}

const WRAP: &str = "pressure-vessel/bin/pressure-vessel-wrap";

fn start(place: &Place, program: &str, variables: &[(&str, &str)]) -> Outcome {
    let variables = variables.iter().copied();
    Outcome::of(place.command(place.path(program)).args(["--version", "a b"]).envs(variables))
}

#[test]
fn a_tree_of_its_own() {
    let place = Place::new();
    assert!(place.bathysphere(&["install", "--prefix", "new/tree"]).ok().contains("installed in"));
    let version =
        Outcome::of(place.command(place.path("new/tree/bin/bathysphere")).arg("--version"));
    assert!(version.ok().starts_with("bathysphere "));
    for (_, name, directory) in options::placed() {
        let program = place.path("new/tree").join(directory).join(name);
        assert!(program.is_symlink() && program.is_file(), "{}", program.display());
        assert!(fs::read_link(&program).unwrap().is_relative());
    }
    assert!(place.bathysphere(&["install", "--status"]).ok().contains("prefix    intact"));
    assert!(place.bathysphere(&["install", "--prefix", "new/tree"]).ok().contains("installed in"));
    // A tree installs the next one.
    let program = place.path("new/tree/bin/bathysphere");
    Outcome::of(place.command(program).args(["install", "--prefix", "second"])).ok();
    assert!(place.bathysphere(&["uninstall", "--all"]).ok().contains("new/tree"));
    assert!(!place.path("new/tree").exists() && !place.path("second").exists());
    assert_eq!(place.bathysphere(&["install", "--status"]).ok(), "nothing is installed\n");
}

#[test]
fn what_was_replaced_comes_back_byte_for_byte() {
    let place = Place::new();
    let depot = depot(&place);
    let before = place.listing("depot");
    for named in [depot.clone(), format!("{depot}/pressure-vessel"), "./depot/".into()] {
        place.bathysphere(&["install", "--replace", &named]).ok();
        assert!(place.path("depot/pressure-vessel/bin/bathysphere").is_symlink());
        let old = place.path("depot/pressure-vessel/bin/steam-runtime-of-another-age");
        assert_eq!(Outcome::of(&mut place.command(old)).ok(), "old\n");
        assert!(place.bathysphere(&["install", "--status"]).ok().contains("replaced  intact"));
        place.bathysphere(&["uninstall", "--replace", &named]).ok();
        assert_eq!(place.listing("depot"), before, "{named}");
    }
}

/// By its name, a runtime in one of Steam's library folders.
#[test]
fn an_installed_runtime_is_replaced_by_its_name() {
    let place = Place::new();
    let depot = ".local/share/Steam/steamapps/common/SteamLinuxRuntime_sniper";
    place.script(&format!("{depot}/pressure-vessel/bin/pressure-vessel-wrap"), "");
    fs::create_dir(place.path(depot).join("sniper_platform_1")).unwrap();
    place.bathysphere(&["install", "--replace", "sniper"]).ok();
    assert!(place.path(depot).join("pressure-vessel.original").is_dir());
    place.bathysphere(&["install", "--replace", "soldier"]).fails(125, "BS0001");
    place.bathysphere(&["uninstall", "--replace", "sniper"]).ok();
    assert!(!place.path(depot).join("pressure-vessel.original").exists());
}

#[test]
fn a_disabled_installation_hands_over() {
    let place = Place::new();
    let depot = depot(&place);
    place.bathysphere(&["install", "--replace", &depot]).ok();
    place.bathysphere(&["install", "--prefix", "tree"]).ok();
    let variables = [("PRESSURE_VESSEL_X", "a b"), ("BATHYSPHERE_X", "")];
    let disabled = [&variables[..], &[("BATHYSPHERE_DISABLE", "1")]].concat();
    let with_base = [&disabled[..], &[("PRESSURE_VESSEL_RUNTIME_BASE", &depot)]].concat();
    for (_, name, directory) in options::placed() {
        let kept = format!("depot/pressure-vessel.original/{directory}/{name}");
        let original = start(&place, &kept, &variables).ok();
        assert!(original.starts_with("original --version a b\n"), "{original}");
        let replaced = format!("depot/pressure-vessel/{directory}/{name}");
        assert_eq!(start(&place, &replaced, &disabled).ok(), original, "{name}");
        let enabled = [&variables[..], &[("BATHYSPHERE_DISABLE", "0")]].concat();
        let ours = start(&place, &replaced, &enabled);
        assert!(!ours.stdout().contains("original"), "{}", ours.account());
        // A tree of its own has only the runtime's to hand over to, which here is ours as well.
        let own = format!("tree/{directory}/{name}");
        start(&place, &own, &disabled).fails(125, "BS0093");
        start(&place, &own, &with_base).fails(125, "BS0093");
    }
    place.bathysphere(&["uninstall", "--replace", &depot]).ok();
    for (_, name, directory) in options::placed() {
        let handed = start(&place, &format!("tree/{directory}/{name}"), &with_base);
        assert!(handed.ok().starts_with("original --version"), "{}", handed.account());
    }
}

/// The compatibility tool hands over to the runtime that it would use; what that starts hands over, too.
#[test]
fn a_disabled_tool_hands_over() {
    let place = Place::new();
    let tool = place.link("tool/_v2-entry-point");
    let library = ".local/share/Steam/steamapps/common";
    let disabled = || {
        let mut command = place.command(&tool);
        command.args(["--suite=soldier", "--", "game"]).env("BATHYSPHERE_DISABLE", "1");
        Outcome::of(&mut command)
    };
    disabled().fails(125, "BS0093");
    for suite in ["sniper", "soldier"] {
        let depot = format!("{library}/SteamLinuxRuntime_{suite}");
        fs::create_dir_all(place.path(&depot).join(format!("{suite}_platform_1"))).unwrap();
        let tell = format!("echo {suite} $BATHYSPHERE_DISABLE \"$@\"");
        place.script(&format!("{depot}/_v2-entry-point"), &tell);
    }
    assert_eq!(disabled().ok(), "soldier 1 --suite=soldier -- game\n");
}

#[test]
fn what_steam_puts_back_is_seen() {
    let place = Place::new();
    let depot = depot(&place);
    place.bathysphere(&["install", "--replace", &depot]).ok();
    place.script("depot/pressure-vessel/bin/pressure-vessel-wrap", "echo newer");
    let status = place.bathysphere(&["install", "--status"]);
    assert_eq!(status.status(), 1, "{}", status.account());
    assert!(status.stdout().contains("replaced  changed"), "{}", status.account());
    assert!(status.stderr().contains("BS0095"), "{}", status.account());
    let doctor = place.bathysphere(&["doctor"]);
    assert!(doctor.stdout().contains("BS0095"), "{}", doctor.account());
    fs::remove_dir_all(place.path("depot/pressure-vessel")).unwrap();
    place.script("depot/pressure-vessel/bin/pressure-vessel-wrap", "echo newest");
    let status = place.bathysphere(&["install", "--status"]);
    assert!(status.stdout().contains("replaced  put back"), "{}", status.account());
    assert_eq!(start(&place, &format!("depot/{WRAP}"), &[]).ok(), "newest\n");
    // What Steam has put there is the original from now on.
    place.bathysphere(&["install", "--replace", &depot]).ok();
    assert_eq!(
        start(&place, &format!("depot/{WRAP}"), &[("BATHYSPHERE_DISABLE", "1")]).ok(),
        "newest\n"
    );
    place.bathysphere(&["uninstall", "--all"]).ok();
    assert_eq!(start(&place, &format!("depot/{WRAP}"), &[]).ok(), "newest\n");
    assert!(!place.path("depot/pressure-vessel.original").exists());
}

#[test]
fn steam_lists_the_tool() {
    let place = Place::new();
    for steam in [".local/share/Steam", ".var/app/com.valvesoftware.Steam/data/Steam"] {
        fs::create_dir_all(place.path(steam)).unwrap();
    }
    fs::create_dir(place.path(".steam")).unwrap();
    // Two names of one Steam.
    std::os::unix::fs::symlink(place.path(".local/share/Steam"), place.path(".steam/root"))
        .unwrap();
    let said = place.bathysphere(&["install", "--steam", "--runtime", "sniper"]).ok();
    assert_eq!(said.matches("installed in").count(), 2, "{said}");
    let tool = ".local/share/Steam/compatibilitytools.d/bathysphere";
    assert!(place.path(tool).join("_v2-entry-point").is_file());
    assert!(
        place.path(".var/app/com.valvesoftware.Steam/data/Steam/compatibilitytools.d").is_dir()
    );
    let description = place.read(&format!("{tool}/compatibilitytool.vdf"));
    let description = inspect::vdf::parse(description.as_bytes()).unwrap();
    let listed = ["compatibilitytools", "compat_tools", "bathysphere", "install_path"];
    assert_eq!(description.text(&listed), Some("."));
    let manifest = place.read(&format!("{tool}/toolmanifest.vdf"));
    let manifest = inspect::vdf::parse(manifest.as_bytes()).unwrap();
    let command = "/_v2-entry-point --suite=sniper --verb=%verb% --";
    assert_eq!(manifest.text(&["manifest", "commandline"]), Some(command));
    // On the machine itself another parser, too; hosts of the laboratory need none.
    if host_name().is_none() {
        let script =
            "import sys, vdf\nfor p in sys.argv[1:]: print(list(vdf.load(open(p)).values())[0])";
        let files = ["compatibilitytool.vdf", "toolmanifest.vdf"].map(|f| place.path(tool).join(f));
        let read = place.command("python3").args(["-c", script]).args(files).output();
        let read = read.map_err(|error| error.to_string()).and_then(|output| {
            let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
            if output.status.success() {
                Ok(text(&output.stdout))
            } else {
                Err(text(&output.stderr))
            }
        });
        let read = need!(read);
        assert!(read.contains("'to_oslist': 'linux'") && read.contains(command), "{read}");
    }
    place.bathysphere(&["uninstall", "--steam"]).ok();
    assert!(!place.path(tool).exists());
}

#[test]
fn problems_have_codes() {
    let place = Place::new();
    place.write("occupied/file", "");
    for (words, status, code) in [
        (&["install", "--prefix", "occupied"][..], 125, "BS0090"),
        (&["install", "--replace", "./occupied"], 125, "BS0090"),
        (&["install", "--prefix", "occupied/file/below"], 125, "BS0091"),
        (&["uninstall", "--prefix", "occupied"], 125, "BS0092"),
        (&["uninstall", "--replace", "./occupied"], 125, "BS0092"),
        (&["install", "--steam"], 125, "BS0094"),
    ] {
        place.bathysphere(words).fails(status, code);
    }
    for words in [&["install"][..], &["install", "--prefix", "x", "--steam"], &["uninstall"]] {
        let outcome = place.bathysphere(words);
        assert_eq!(outcome.status(), 2, "{}", outcome.account());
    }
    assert_eq!(place.listing("occupied").lines().count(), 1);
}

//! `_v2-entry-point` and `run`, in depots whose next program says how it was started.

use crate::depot::{age, deliver, entry};
use crate::place::Place;
use crate::support::{Outcome, need};
use crate::tool::installed;
use std::fs;
use std::path::PathBuf;

/// What comes after the entry point: it prints its arguments and what was decided for it.
const TELL: &str = "echo \"$@\"; env | sed -n 's/^PRESSURE_VESSEL_/PV_/p; /^LD_/p; /^STEAM_RUNTIME/p' | sort; \
     echo to stderr >&2; exit 7";

/// A depot with an entry point.
fn depot(place: &Place, name: &str) -> PathBuf {
    fs::create_dir_all(place.path("depot/sniper_platform_1.20/files")).unwrap();
    fs::create_dir_all(place.path("depot/sniper_platform_1.3/files")).unwrap();
    place.script("depot/pressure-vessel/bin/pressure-vessel-unruntime", TELL);
    place.link(&format!("depot/{name}"))
}

#[test]
fn a_depot_is_started() {
    let place = Place::new();
    let entry = depot(&place, "_v2-entry-point");
    let words = ["--verb=waitforexitandrun", "--", "game", "--verb=x"];
    let outcome = Outcome::of(place.command(&entry).args(words).env("LD_PRELOAD", "/p.so"));
    let depot = place.path("depot").display().to_string();
    let want = format!(
        "--variable-dir={depot}/var --ld-preloads=/p.so --env-if-host=LD_PRELOAD=/p.so -- game --verb=x\n\
         PV_COPY_RUNTIME=1\nPV_RUNTIME=sniper_platform_1.20\nPV_RUNTIME_BASE={depot}\n"
    );
    assert_eq!((outcome.status(), outcome.stdout()), (7, want), "{}", outcome.account());
}

/// As umu-launcher starts it: under the name that it gives it, with a shim, in its directory.
#[test]
fn umu_starts_a_depot() {
    let place = Place::new();
    let entry = depot(&place, "umu");
    let shim = place.script("depot/umu-shim", "\"$@\"");
    let words = ["--verb", "waitforexitandrun", "--"];
    let game = ["/proton/proton", "waitforexitandrun", "game.exe", "-x"];
    let outcome = Outcome::of(place.command(entry).args(words).arg(&shim).args(game));
    let want = format!("-- {} {}\n", shim.display(), game.join(" "));
    assert!(outcome.stdout().contains(&want), "{}", outcome.account());
}

#[test]
fn programs_of_another_tree_are_used() {
    let place = Place::new();
    let entry = depot(&place, "run-in-sniper");
    place.script("tree/bin/pressure-vessel-unruntime", "echo other \"$@\"");
    let prefix = place.path("tree");
    let run = Outcome::of(
        place
            .command(&entry)
            .args(["--help", "--", "x"])
            .env("PRESSURE_VESSEL_PREFIX", &prefix)
            .env("PRESSURE_VESSEL_VARIABLE_DIR", "/v"),
    );
    assert_eq!(run.ok(), "other --variable-dir=/v --help -- x\n");
}

#[test]
fn without_a_command_nothing_is_started() {
    let place = Place::new();
    let entry = depot(&place, "_v2-entry-point");
    for words in [&[][..], &["--verb=run", "--"], &["--unknown", "x"]] {
        let outcome = Outcome::of(place.command(&entry).args(words));
        assert_eq!((outcome.status(), outcome.stdout()), (125, String::new()), "{words:?}");
    }
    let help = Outcome::of(place.command(&entry).arg("--help"));
    assert!(help.ok().contains("--verb"));
}

/// A name of an installed runtime, where none is beside the entry point, as in Steam's compatibility tool.
#[test]
fn an_installed_runtime_is_started() {
    let place = Place::new();
    let entry = place.link("tool/_v2-entry-point");
    place.script("tool/pressure-vessel/bin/pressure-vessel-unruntime", TELL);
    let start = |words: &[&str]| Outcome::of(place.command(&entry).args(words));
    start(&["game"]).fails(125, "BS0001");
    for (suite, version) in [("sniper", "3"), ("soldier", "2")] {
        let library = ".local/share/Steam/steamapps/common";
        let depot = format!("{library}/SteamLinuxRuntime_{suite}/{suite}_platform_{version}");
        fs::create_dir_all(place.path(&depot)).unwrap();
    }
    fs::create_dir_all(place.path(".local/share/umu/steamrt4/steamrt4_platform_4")).unwrap();
    for (words, runtime) in [
        (&["game"][..], "sniper_platform_3"),
        (&["--suite=soldier", "game"], "soldier_platform_2"),
        (&["--suite=steamrt4", "game"], "steamrt4_platform_4"),
    ] {
        let said = start(words).stdout();
        assert!(said.contains(&format!("PV_RUNTIME={runtime}\n")), "{said}");
    }
    let said = Outcome::of(place.command(&entry).arg("x").env("BATHYSPHERE_RUNTIME", "soldier"));
    assert!(said.stdout().contains("PV_RUNTIME=soldier_platform_2\n"), "{}", said.account());
    start(&["--suite=scout", "game"]).fails(125, "BS0001");
}

#[test]
fn a_log_is_written() {
    let place = Place::new();
    let entry = depot(&place, "_v2-entry-point");
    let old = ["slr-app5-t1.log", "slr-app55-t1.log", "slr-non-steam-game-t1.log"];
    for (words, variables, kept, with_stdout) in [
        (&[][..], &[][..], false, true),
        (&["--verb=run"], &[], false, false),
        (&["--log-to-file", "--keep-logs"], &[], true, true),
        (&[], &[("SRT_LOG_ROTATION", "0")], true, true),
        (&[], &[("STEAM_LINUX_RUNTIME_KEEP_LOGS", "1")], true, true),
        (&[], &[("PRESSURE_VESSEL_BATCH", "1")], false, false),
    ] {
        let logs = place.path("logs");
        let _ = fs::remove_dir_all(&logs);
        old.iter().for_each(|name| drop(place.write(&format!("logs/{name}"), "")));
        let mut command = place.command(&entry);
        command.args(words).arg("game").envs(variables.iter().copied());
        command.env("STEAM_LINUX_RUNTIME_LOG", "1").env("STEAM_LINUX_RUNTIME_LOG_DIR", &logs);
        command.env("STEAM_COMPAT_APP_ID", "5");
        let outcome = Outcome::of(&mut command);
        let latest = fs::read_link(logs.join("slr-latest.log")).unwrap();
        assert!(latest.to_str().unwrap().starts_with("slr-app5-t20"), "{}", latest.display());
        let log = place.read("logs/slr-latest.log");
        assert!(log.contains("to stderr"), "{log}");
        assert_eq!(log.contains("PV_LOG_INFO=1"), with_stdout, "{words:?} {variables:?} {log}");
        assert_eq!(outcome.stdout().is_empty(), with_stdout, "{}", outcome.account());
        assert_eq!(place.path("logs/slr-app5-t1.log").exists(), kept, "{words:?} {variables:?}");
        assert!(place.path("logs/slr-app55-t1.log").exists());
    }
    // Where it cannot be written, the game starts nevertheless.
    let mut command = place.command(&entry);
    command.arg("game").env("STEAM_LINUX_RUNTIME_LOG", "1");
    command.env("STEAM_LINUX_RUNTIME_LOG_DIR", entry.join("x"));
    let outcome = Outcome::of(&mut command);
    assert_eq!(outcome.status(), 7, "{}", outcome.account());
    assert!(outcome.stderr().contains("BS0072"), "{}", outcome.account());
}

/// By default beside the entry point, in a directory that an older version has made a link.
#[test]
fn logs_are_in_the_depot() {
    let place = Place::new();
    let entry = depot(&place, "_v2-entry-point");
    std::os::unix::fs::symlink("/nonexistent", place.path("depot/var")).unwrap();
    Outcome::of(place.command(&entry).arg("game").env("STEAM_LINUX_RUNTIME_LOG", "1"));
    assert!(place.read("depot/var/slr-latest.log").contains("to stderr"));
    let latest = fs::read_link(place.path("depot/var/slr-latest.log")).unwrap();
    assert!(latest.to_str().unwrap().starts_with("slr-non-steam-game-t20"));
}

/// A depot of the laboratory with our tree in it, and with our entry points in the place of its scripts.
fn replaced(place: &Place) -> Result<PathBuf, String> {
    let depot = deliver(place, "depot")?;
    place.bathysphere(&["install", "--replace", "./depot"]).ok();
    for name in ["_v2-entry-point", "run"] {
        fs::remove_file(depot.join(name)).unwrap();
        std::os::unix::fs::symlink("pressure-vessel/bin/bathysphere", depot.join(name)).unwrap();
    }
    Ok(depot)
}

/// The programs that a process executed one after the other, by strace; those that it forked are not followed.
fn executed(
    place: &Place,
    words: &[&str],
    variables: &[(&str, &str)],
) -> (Outcome, Vec<&'static str>) {
    const NAMES: &[&str] = &["_v2-entry-point", "run", "pressure-vessel-unruntime"];
    let mut strace = entry(place, "strace".as_ref(), &["-qq", "-e", "trace=execve", "-o", "trace"]);
    let outcome = Outcome::of(strace.args(words).envs(variables.iter().copied()));
    let trace = place.read("trace");
    let names = trace.lines().filter(|line| line.ends_with(" = 0")).map(|line| {
        let path = line.split('"').nth(1).unwrap_or_default();
        let name = path.rsplit('/').next().unwrap_or_default();
        *NAMES.iter().find(|known| **known == name).unwrap_or_else(|| panic!("{trace}"))
    });
    (outcome, names.collect())
}

/// What comes after the entry point is the same program in our tree and is not executed again; that of another
/// tree, even one with a copy of ours, is.
#[test]
fn one_program_goes_on_as_the_next() {
    need!(installed("strace"));
    let place = Place::new();
    let depot = need!(replaced(&place));
    place.bathysphere(&["install", "--prefix", "copied"]).ok();
    place.script("other/bin/pressure-vessel-unruntime", "exit 7");
    let next = "pressure-vessel-unruntime";
    for (prefix, status, want) in [
        (depot.join("pressure-vessel"), 0, vec!["run"]),
        (place.path("copied"), 0, vec!["run", next]),
        (place.path("other"), 7, vec!["run", next]),
    ] {
        let prefix = ("PRESSURE_VESSEL_PREFIX", prefix.to_str().unwrap());
        let (outcome, names) = executed(&place, &["depot/run", "--version-only"], &[prefix]);
        assert_eq!((outcome.status(), names), (status, want), "{}", outcome.account());
    }
    age(&place);
    // A log that cannot be written is warned of once, by a launch that is remembered, too.
    let logged = [("STEAM_LINUX_RUNTIME_LOG", "1"), ("STEAM_LINUX_RUNTIME_LOG_DIR", "depot/run/x")];
    for _ in 0..2 {
        let words = ["depot/_v2-entry-point", "sh", "-c", "exit 7"];
        let (outcome, names) = executed(&place, &words, &logged);
        assert_eq!(
            (outcome.status(), names),
            (7, vec!["_v2-entry-point"]),
            "{}",
            outcome.account()
        );
        assert_eq!(outcome.stderr().matches("BS0072").count(), 1, "{}", outcome.account());
    }
}

/// Programs of the host that are started on the way do not get what is for the game.
#[test]
fn helpers_have_the_users_environment() {
    let place = Place::new();
    let run = need!(replaced(&place)).join("run");
    // It is asked for its options with what this process itself has.
    let tell = "[ \"$1\" != --help ] || \
         echo \"${LD_PRELOAD-none} ${LD_LIBRARY_PATH-none} ${STEAM_RUNTIME-none}\" > said; \
         exec bwrap \"$@\"";
    let bwrap = place.script("bwrap", tell);
    let mut command = entry(&place, &run, &["--", "true"]);
    command.env("PRESSURE_VESSEL_BWRAP", bwrap).env("LD_LIBRARY_PATH", "/steam/lib");
    command.env("LD_PRELOAD", "/none/m.so").env("STEAM_RUNTIME", "/steam");
    Outcome::of(&mut command).ok();
    assert_eq!(place.read("said"), "none none none\n");
}

/// Scout from each of its places, with what the game gets.
#[test]
fn scout_is_a_layer() {
    let place = Place::new();
    let entry = place.link("tool/scout-on-soldier-entry-point-v2");
    let scout = |below: &str, name: &str| {
        place.script(&format!("{below}/run.sh"), &format!("echo {name} \"$@\"; exit 6"));
        place.write(&format!("{below}/checksum"), "sum of the newest\n");
        for tuple in ["i386-linux-gnu", "x86_64-linux-gnu"] {
            place.write(&format!("{below}/usr/lib/{tuple}/libcurl.so.4"), name);
        }
    };
    let start = |variables: &[(&str, &str)]| {
        let mut command = place.command(&entry);
        Outcome::of(command.args(["--", "game", "--x"]).envs(variables.iter().copied()))
    };
    start(&[]).fails(125, "BS0001");
    // In the archive of the client, in two parts.
    scout("packed/steam-runtime", "unpacked");
    let client = place.path(".steam/root/ubuntu12_32");
    fs::create_dir_all(&client).unwrap();
    let script = "tar -cJ -C packed steam-runtime > all && split -b 100 -d all \
        .steam/root/ubuntu12_32/steam-runtime.tar.xz.part && rm -r packed";
    assert!(place.command("sh").args(["-c", script]).status().unwrap().success());
    place.write(".steam/root/ubuntu12_32/steam-runtime.checksum", "sum of the newest\n");
    for _ in 0..2 {
        let outcome = start(&[]);
        let said = (outcome.status(), outcome.stdout());
        assert_eq!(said, (6, "unpacked game --x\n".into()), "{}", outcome.account());
        // The second time it is there.
        for part in fs::read_dir(&client).unwrap().map(|entry| entry.unwrap().path()) {
            if part.to_str().unwrap().contains(".part") {
                fs::write(part, "no archive").unwrap();
            }
        }
    }
    for (directory, name) in
        [("pinned_libs_32", "libcurl.so.3"), ("pinned_libs_64", "libcurl.so.4")]
    {
        assert_eq!(place.read(&format!("tool/var/steam-runtime/{directory}/{name}")), "unpacked");
    }
    scout(".steam/root/ubuntu12_32/steam-runtime", "client");
    assert_eq!(start(&[]).stdout(), "client game --x\n");
    place.write(".steam/root/ubuntu12_32/steam-runtime/checksum", "older\n");
    assert_eq!(start(&[]).stdout(), "unpacked game --x\n");
    scout("named", "named");
    let named = place.path("named").display().to_string();
    assert_eq!(start(&[("STEAM_RUNTIME_SCOUT", &named)]).stdout(), "named game --x\n");
    scout("tool/steam-runtime", "own");
    let preload = start(&[("LD_PRELOAD", "/p.so"), ("STEAM_RUNTIME_SCOUT", &named)]);
    assert_eq!(preload.stdout(), "own env LD_PRELOAD=/p.so game --x\n");
    let interface = place.script("bin/steam-runtime-launcher-interface-0", "");
    let path = format!("{}:/usr/bin:/bin", interface.parent().unwrap().display());
    let want =
        "own steam-runtime-launcher-interface-0 scout-in-container:scout-on-soldier game --x\n";
    assert_eq!(start(&[("PATH", &path)]).stdout(), want);
}

//! Tools that require each other, as Steam starts them: scout, a library runtime, over a container. Every program
//! of the command line is executed for real, the game in the container.

use crate::depot::{deliver, entry};
use crate::place::Place;
use crate::support::{Outcome, need};
use std::fs;
use std::os::unix::fs::symlink;
use std::path::{Path, PathBuf};

const LIBRARY: &str = ".local/share/Steam/steamapps";

/// What Steam knows of an installed tool.
const SOLDIER: &str =
    r#""AppState" { "appid" "1391110" "installdir" "SteamLinuxRuntime_soldier" }"#;

const SCOUT: &str = r#""manifest"
{
    "version" "2"
    "commandline" "/scout-on-soldier-entry-point-v2 --"
    "require_tool_appid" "1391110"
    "use_tool_subprocess_reaper" "1"
    "compatmanager_layer_name" "scout-in-container"
}"#;

/// Starts a command with scout's libraries after the system's, and the pinned ones before these.
const RUN: &str = r#"here=$(cd "$(dirname "$0")" && pwd)
export STEAM_RUNTIME="$here"
libraries="$here/pinned_libs_32:$here/pinned_libs_64${LD_LIBRARY_PATH:+:$LD_LIBRARY_PATH}"
for tuple in i386-linux-gnu x86_64-linux-gnu; do
    libraries="$libraries:$here/lib/$tuple:$here/usr/lib/$tuple"
done
export LD_LIBRARY_PATH="$libraries" PATH="$here/amd64/usr/bin:$here/usr/bin:$PATH"
exec "$@""#;

/// The command line that Steam makes of a tool: that of the tool it requires stands before its own.
fn command_line(steamapps: &Path, tool: &str, verb: &str) -> Vec<String> {
    let read = |path: PathBuf| {
        let text = fs::read(&path).unwrap_or_else(|error| panic!("{}: {error}", path.display()));
        inspect::vdf::parse(&text).unwrap()
    };
    let directory = steamapps.join("common").join(tool);
    let manifest = read(directory.join("toolmanifest.vdf"));
    let mut words = vec![];
    if let Some(outer) = manifest.text(&["manifest", "require_tool_appid"]) {
        let state = read(steamapps.join(format!("appmanifest_{outer}.acf")));
        let outer = state.text(&["AppState", "installdir"]).unwrap();
        words = command_line(steamapps, outer, verb);
    }
    let own = manifest.text(&["manifest", "commandline"]).unwrap().replace("%verb%", verb);
    words.extend(format!("{}{own}", directory.display()).split(' ').map(str::to_owned));
    words
}

/// Scout, with a library that it prefers and one that is its own: both are copies of `library`.
fn scout(place: &Place, library: &Path) -> PathBuf {
    let tool = format!("{LIBRARY}/common/SteamLinuxRuntime");
    place.write(&format!("{tool}/toolmanifest.vdf"), SCOUT);
    place.write(&format!("{LIBRARY}/appmanifest_1391110.acf"), SOLDIER);
    let runtime = format!("{tool}/steam-runtime");
    place.script(&format!("{runtime}/run.sh"), RUN);
    place.script(&format!("{runtime}/amd64/usr/bin/scouts"), "echo \"program of scout\"");
    for name in ["libcurl.so.4", "libscout.so.1"] {
        let path = place.write(&format!("{runtime}/usr/lib/x86_64-linux-gnu/{name}"), "");
        fs::copy(library, path).unwrap();
    }
    place.path(&tool)
}

/// Says what it is in, and which files of the libraries that it asks for it got.
const GAME: &str = r#". /usr/lib/os-release
echo "$VERSION_ID $container ${PRESSURE_VESSEL_BATCH-main} ${SteamAppId-}"
scouts
echo "$STEAM_RUNTIME" && echo "$LD_LIBRARY_PATH"
LD_PRELOAD="libcurl.so.3 libscout.so.1 $LD_PRELOAD" cat /proc/self/maps | sed -n 's|.* /|/|p' | sort -u
exit 7"#;

/// A game for scout: started by Steam, from within Steam's own library runtime and with its overlay.
#[test]
fn a_game_for_scout_is_in_a_container() {
    let place = Place::new();
    let depot = need!(deliver(&place, &format!("{LIBRARY}/common/SteamLinuxRuntime_soldier")));
    place.bathysphere(&["install", "--replace", depot.to_str().unwrap()]).ok();
    let library =
        depot.join("sniper_platform_3.0.20260101.0/files/lib/x86_64-linux-gnu/libz.so.1.2.11");
    let tool = scout(&place, &library);
    let overlay = place.write(".local/share/Steam/ubuntu12_64/gameoverlayrenderer.so", "");
    fs::copy(library, &overlay).unwrap();
    let ours = "pressure-vessel/bin/bathysphere";
    let beside = Path::new("../SteamLinuxRuntime_soldier").join(ours);
    symlink(beside, tool.join("scout-on-soldier-entry-point-v2")).unwrap();

    let start = |verb: &str, batch: &str| {
        let line = command_line(&place.path(LIBRARY), "SteamLinuxRuntime", verb);
        let want = format!(
            "{}/_v2-entry-point --verb={verb} -- {}/scout-on-soldier-entry-point-v2 --",
            depot.display(),
            tool.display()
        );
        assert_eq!(line.join(" "), want);
        let words: Vec<&str> = line.iter().map(String::as_str).collect();
        let mut command = entry(&place, Path::new(words[0]), &words[1..]);
        command.args(["/bin/sh", "-c", GAME]).env("SteamAppId", "70").env("LD_PRELOAD", &overlay);
        command.env("STEAM_RUNTIME", "/steam").env("LD_LIBRARY_PATH", "/steam/lib:/game/lib");
        let paths = format!("{}:{}", tool.display(), depot.display());
        let outcome = Outcome::of(command.env("STEAM_COMPAT_TOOL_PATHS", paths));
        let said = outcome.stdout();
        assert_eq!(outcome.status(), 7, "{}", outcome.account());
        let runtime = tool.join("var/steam-runtime").display().to_string();
        let head = format!("11 pressure-vessel {batch} 70\nprogram of scout\n{runtime}\n");
        let paths = said.strip_prefix(&head).unwrap_or_else(|| panic!("{}", outcome.account()));
        let (paths, loaded) = paths.split_once('\n').unwrap();
        let pinned = format!("{runtime}/pinned_libs_32:{runtime}/pinned_libs_64:/");
        assert!(paths.starts_with(&pinned) && !paths.contains("/steam/lib"), "{paths}");
        let last = format!(":{runtime}/lib/x86_64-linux-gnu:{runtime}/usr/lib/x86_64-linux-gnu");
        assert!(paths.ends_with(&last), "{paths}");
        let own = tool.join("steam-runtime/usr/lib/x86_64-linux-gnu").display().to_string();
        let overlay = overlay.display().to_string();
        let [curl, scouts] = ["libcurl.so.4", "libscout.so.1"].map(|name| format!("{own}/{name}"));
        for file in [&curl, &scouts, &overlay, "/usr/bin/cat"] {
            assert!(loaded.lines().any(|line| line == file), "no {file}: {loaded}");
        }
    };
    start("waitforexitandrun", "main");
    start("run", "1");
    // The depot's script gives way to the one program that all of them are.
    fs::remove_file(depot.join("_v2-entry-point")).unwrap();
    symlink(ours, depot.join("_v2-entry-point")).unwrap();
    start("waitforexitandrun", "main");
}

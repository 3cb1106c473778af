//! The laboratory's game, started as Steam starts one, seen on the screen, and ended as Steam ends it: on this
//! machine. In the place of the original it is played in the laboratory's hosts, too ([`crate::depot`]).

use crate::depot::{VERB, deliver, entry};
use crate::place::Place;
use crate::screen::Screen;
use crate::support::{lab, need};
use inspect::vdf;
use rustix::process::{Pid, Signal, kill_process};
use std::fs::{self, File};
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};
use std::process::{Child, Command};
use std::time::{Duration, Instant};

/// The game's screens before it has loaded its world have fewer colours, an empty one has one.
const COLOURS: usize = 10_000;

/// For what takes seconds: no test waits so long unless it fails.
const PATIENCE: Duration = Duration::from_secs(90);

/// The start script of a game: its own libraries come after those that the environment names.
const START: &str = r#"libraries=$1/usr/lib/x86_64-linux-gnu
export LD_LIBRARY_PATH="${LD_LIBRARY_PATH:+$LD_LIBRARY_PATH:}$libraries"
exec "$1/usr/games/neverball" --data "$1/usr/share/games/neverball""#;

/// As large as the screen.
const SETTINGS: &str = "fullscreen 0\nwidth 320\nheight 240\nfps 0\n";

/// Steam's directory.
const STEAM: &str = ".local/share/Steam";

/// A game that runs; ended with the test.
struct Game<'a> {
    place: &'a Place,
    child: Child,
    /// In the environment of all its processes, and of no others.
    mark: String,
}

impl Drop for Game<'_> {
    fn drop(&mut self) {
        // It has ended, unless the test has failed.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

impl<'a> Game<'a> {
    /// Starts it as Steam does: with the words that start the runtime, and its variables.
    fn start(place: &'a Place, screen: &Screen, game: &Path, mut steam: Command) -> Self {
        place.write(".neverball/neverballrc", SETTINGS);
        let script = place.script("start-game", START);
        let mark = format!("TEST_GAME={}", place.path("game").display());
        let library = place.path(STEAM);
        for (name, below) in [
            ("STEAM_COMPAT_DATA_PATH", "steamapps/compatdata/5"),
            ("STEAM_COMPAT_SHADER_PATH", "steamapps/shadercache/5"),
            ("STEAM_COMPAT_CLIENT_INSTALL_PATH", ""),
        ] {
            let path = library.join(below);
            fs::create_dir_all(&path).expect("a directory of Steam");
            steam.env(name, path);
        }
        steam.env("STEAM_COMPAT_APP_ID", "5").env("SteamAppId", "5");
        steam.env("STEAM_COMPAT_INSTALL_PATH", game).env("STEAM_COMPAT_LIBRARY_PATHS", &library);
        steam.env("DISPLAY", screen.display()).env("SDL_AUDIODRIVER", "dummy");
        steam.env("TEST_GAME", place.path("game")).arg(script).arg(game);
        let log = File::create(place.path("log")).expect("a log");
        steam.stdout(log.try_clone().expect("the log")).stderr(log);
        let child = steam.spawn().expect("what Steam executes");
        Self { place, child, mark }
    }

    /// Waits until it draws its world.
    fn draws(&mut self, screen: &Screen) {
        let start = Instant::now();
        loop {
            let colours = screen.colours();
            if colours >= COLOURS {
                break;
            }
            let ended = self.child.try_wait().expect("the game");
            assert!(ended.is_none(), "{ended:?}\n{}", self.place.read("log"));
            assert!(start.elapsed() < PATIENCE, "{colours} colours\n{}", self.place.read("log"));
            std::thread::sleep(Duration::from_millis(100));
        }
    }

    /// The processes of this game, by the directories that tell of them.
    fn processes(&self) -> Vec<PathBuf> {
        let all = fs::read_dir("/proc").expect("processes").flatten().map(|entry| entry.path());
        let marked = |process: &PathBuf| {
            let environment = fs::read(process.join("environ")).unwrap_or_default();
            environment.split(|byte| *byte == 0).any(|one| one == self.mark.as_bytes())
        };
        all.filter(marked).collect()
    }

    /// Asserts that the driver that it draws with is this machine's own file, by which it is in the container.
    fn draws_with_the_drivers_of_the_host(&self) {
        let named = |process: &&PathBuf| {
            fs::read_to_string(process.join("comm")).is_ok_and(|name| name == "neverball\n")
        };
        let processes = self.processes();
        let game = processes.iter().find(named).expect("the game's process");
        let maps = fs::read_to_string(game.join("maps")).expect("what it has mapped");
        let files = maps.lines().filter_map(|line| {
            let mut fields = line.split_whitespace().skip(4);
            Some((fields.next()?.parse::<u64>().ok()?, fields.next()?))
        });
        let is_driver = |path: &str| path.contains("/dri/") || path.contains("/libgallium-");
        let drivers: Vec<_> = files.filter(|(_, path)| is_driver(path)).collect();
        assert!(!drivers.is_empty(), "{maps}");
        for (inode, path) in drivers {
            let on_host = path.strip_prefix("/run/host").expect("a path of the host");
            assert_eq!(fs::metadata(on_host).expect("it is there").ino(), inode, "{path}");
        }
    }

    /// Ends it as Steam does; nothing of it is left.
    fn ends(&mut self) {
        assert!(!self.processes().is_empty());
        kill_process(Pid::from_child(&self.child), Signal::TERM).expect("a signal");
        let status = self.child.wait().expect("the game");
        // SDL makes a wish of the signal, which the game fulfils.
        assert_eq!(status.code(), Some(0), "{}", self.place.read("log"));
        let start = Instant::now();
        while !self.processes().is_empty() {
            assert!(start.elapsed() < PATIENCE, "left: {:?}", self.processes());
            std::thread::sleep(Duration::from_millis(20));
        }
    }
}

/// Plays the game in whatever `steam` starts, for as long as it takes to see it.
pub(crate) fn play(place: &Place, steam: Command) -> Result<(), String> {
    let (screen, game) = (Screen::new()?, lab("game-neverball")?);
    let mut game = Game::start(place, &screen, &game, steam);
    game.draws(&screen);
    game.draws_with_the_drivers_of_the_host();
    game.ends();
    Ok(())
}

#[test]
fn in_a_tree_that_is_named_in_the_environment() {
    let place = Place::new();
    let depot = need!(deliver(&place, "depot"));
    place.bathysphere(&["install", "--prefix", "tree"]).ok();
    let mut steam = entry(&place, &depot.join("_v2-entry-point"), VERB);
    steam.env("PRESSURE_VESSEL_PREFIX", place.path("tree"));
    need!(play(&place, steam));
}

/// What Steam executes for the tools in a directory of `compatibilitytools.d`, for a game.
fn command_line(directory: &Path) -> Vec<String> {
    let read = |path: PathBuf| vdf::parse(&fs::read(path).expect("a description")).expect("VDF");
    let listed = read(directory.join("compatibilitytool.vdf"));
    let place = listed.text(&["compatibilitytools", "compat_tools", "bathysphere", "install_path"]);
    let tool = directory.join(place.expect("where the tool is"));
    let manifest = read(tool.join("toolmanifest.vdf"));
    let of = |key| manifest.text(&["manifest", key]);
    // No other tool's command line comes before it: it makes the container itself.
    assert_eq!((of("version"), of("require_tool_appid")), (Some("2"), None));
    let line = of("commandline").expect("a command line").replace("%verb%", "waitforexitandrun");
    let program = line.split(' ').next().map(|program| format!("{}{program}", tool.display()));
    program.into_iter().chain(line.split(' ').skip(1).map(str::to_owned)).collect()
}

#[test]
fn with_the_tool_that_steam_lists() {
    let place = Place::new();
    let depot = format!("{STEAM}/steamapps/common/SteamLinuxRuntime_sniper");
    need!(deliver(&place, &depot));
    place.bathysphere(&["install", "--steam", "--runtime", "sniper"]).ok();
    let line = command_line(&place.path(STEAM).join("compatibilitytools.d/bathysphere"));
    let words: Vec<&str> = line.iter().map(String::as_str).collect();
    let mut steam = entry(&place, Path::new(words[0]), &words[1..]);
    let tool = Path::new(words[0]).parent().expect("the tool");
    steam.env("STEAM_COMPAT_TOOL_PATHS", tool);
    need!(play(&place, steam));
}

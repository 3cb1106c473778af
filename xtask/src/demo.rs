//! The demonstration: a real OpenGL game of Debian 11, in a runtime of Debian 11 packages, with this machine's drivers.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Child, Stdio};
use std::time::{Duration, Instant};

use crate::display::Display;
use crate::error::{Context, Problem, Result};
use crate::lab::Lab;
use crate::process::output;
use crate::progress::{note, step};
use crate::user::{self, TemporaryDir};
use crate::{cargo, dist, setup};

const RUNTIME: &str = "runtime-bullseye";
const GAME: &str = "game-neverball";
/// Width and height of the screen in pixels.
const SCREEN: (u32, u32) = (1280, 720);

/// A picture with fewer colours shows no game: the game's first, empty screens have a handful.
const COLOURS: u32 = 10_000;
/// How long the game may take until it shows something.
const PATIENCE: Duration = Duration::from_secs(120);
/// How long it is watched from then on; the picture with most colours is kept.
const WATCHED: Duration = Duration::from_secs(12);

/// Starts the game like a shop's start script does: libraries of its own after those of the environment.
const START: &str = r#"game=$1
export LD_LIBRARY_PATH="${LD_LIBRARY_PATH:+$LD_LIBRARY_PATH:}$game/usr/lib/x86_64-linux-gnu"
exec "$game/usr/games/neverball" --data "$game/usr/share/games/neverball"
"#;

/// The game's settings.
const SETTINGS: &str = "fullscreen 0\nwidth 1280\nheight 720\nfps 0\n";

/// What the demonstration works with.
struct Stage {
    program: PathBuf,
    runtime: PathBuf,
    game: PathBuf,
    home: TemporaryDir,
    display: Display,
}

/// Sets the machine up, builds, plays, and leaves the picture.
pub(crate) fn run() -> Result<()> {
    step("setting up", setup::run)?;
    let workspace = cargo::workspace()?;
    let program = dist::native()?;
    user::require_readable(&program)?;
    let lab = Lab::from_environment();
    lab.build(&[RUNTIME.to_owned(), GAME.to_owned()])?;
    let home = TemporaryDir::new()?;
    let settings = home.path().join(".neverball");
    let display = Display::start(SCREEN.0, SCREEN.1, home.path())?;
    let mut mkdir = user::command("mkdir", home.path());
    output(mkdir.arg(&settings))?;
    fs::write(settings.join("neverballrc"), SETTINGS).at("writing into", &settings)?;
    let stage =
        Stage { program, runtime: lab.root(RUNTIME)?, game: lab.root(GAME)?, home, display };
    print!("{}", step("asking where the libraries come from", || stage.library_table())?);
    let images = workspace.root.join("docs/images");
    fs::create_dir_all(&images).at("creating", &images)?;
    let picture = images.join("demo.png");
    step("playing", || stage.play(&picture))?;
    println!("\nThe game's screen is in {}.", picture.display());
    Ok(())
}

impl Stage {
    /// The table "library → from where → why" of the launch.
    fn library_table(&self) -> Result<String> {
        let mut plan = user::command(&self.program, self.home.path());
        plan.args(["plan", "--format", "libraries"]);
        plan.arg("--runtime").arg(&self.runtime).args(["--", "true"]);
        output(&mut plan)
    }

    /// Plays until there is a picture, and checks that the game drew it with this machine's Mesa.
    fn play(&self, picture: &Path) -> Result<()> {
        let log = self.home.path().join("game.log");
        let file = fs::File::create(&log).at("creating", &log)?;
        let errors = file.try_clone().at("opening", &log)?;
        let mut game =
            Game(self.launch().stdout(file).stderr(errors).spawn().context("starting the game")?);
        let colours = self
            .watch(&mut game, picture)
            .map_err(|problem| problem.hint(format!("the game said:\n{}", tail(&log))))?;
        drop(game);
        note(&format!("the picture has {colours} colours"));
        let said = fs::read_to_string(&log).at("reading", &log)?;
        let game = mesa(&said).ok_or_else(|| Problem::new("the game names no Mesa version"))?;
        let mut glxinfo = user::command("glxinfo", self.home.path());
        let said = output(glxinfo.arg("-B").env("DISPLAY", self.display.name()))?;
        let host = mesa(&said).ok_or_else(|| Problem::new("glxinfo names no Mesa version"))?;
        println!("\nMesa of this machine: {host}; Mesa that the game uses: {game}");
        if game == host {
            return Ok(());
        }
        Err(Problem::new("the game does not use this machine's drivers"))
    }

    /// The launch of the game in its container.
    fn launch(&self) -> std::process::Command {
        let mut run = user::command(&self.program, self.home.path());
        run.arg("run").arg("--runtime").arg(&self.runtime);
        let mut share = self.game.clone().into_os_string();
        share.push(":ro");
        run.arg("--filesystem").arg(share);
        run.args(["--env", "SDL_AUDIODRIVER=dummy"]);
        run.args(["--", "/bin/sh", "-c", START, "start-game"]).arg(&self.game);
        run.env("DISPLAY", self.display.name()).stdin(Stdio::null());
        run
    }

    /// Takes pictures while the game runs and keeps the richest; returns its number of colours.
    fn watch(&self, game: &mut Game, picture: &Path) -> Result<u32> {
        let start = Instant::now();
        let shot = self.home.path().join("screen.png");
        let (mut best, mut seen) = (0, None);
        while seen.is_none_or(|since: Instant| since.elapsed() < WATCHED) {
            std::thread::sleep(Duration::from_millis(1500));
            if let Some(status) = game.0.try_wait().context("waiting for the game")? {
                return Err(Problem::new(format!("the game ended by itself ({status})")));
            }
            let colours = self.display.picture(&shot, self.home.path())?;
            if colours >= COLOURS {
                seen.get_or_insert_with(Instant::now);
            }
            if colours > best {
                best = colours;
                fs::copy(&shot, picture).at("writing", picture)?;
            }
            if seen.is_none() && start.elapsed() > PATIENCE {
                let seconds = PATIENCE.as_secs();
                return Err(Problem::new(format!(
                    "no game on the screen after {seconds} s, {best} colours"
                )));
            }
        }
        Ok(best)
    }
}

/// The running game, stopped when no longer needed.
struct Game(Child);

impl Drop for Game {
    fn drop(&mut self) {
        // It may have ended by itself; then there is nothing to stop.
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

/// The Mesa version in text like `OpenGL version string: 4.5 (…) Mesa 22.3.6`.
fn mesa(text: &str) -> Option<String> {
    let line = text.lines().find(|line| line.contains("GL version") && line.contains("Mesa "))?;
    let version = line.split("Mesa ").nth(1)?.split_whitespace().next()?;
    Some(version.to_owned())
}

/// The end of a log.
fn tail(log: &Path) -> String {
    let text = fs::read_to_string(log).unwrap_or_default();
    let lines: Vec<&str> = text.lines().filter(|line| !line.starts_with("GL extensions")).collect();
    lines[lines.len().saturating_sub(15)..].join("\n")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn mesa_versions_are_found() {
        let glxinfo = "OpenGL version string: 4.5 (Compatibility Profile) Mesa 22.3.6\n";
        assert_eq!(mesa(glxinfo).as_deref(), Some("22.3.6"));
        assert_eq!(
            mesa("GL vendor: Mesa/X.org\nGL version: 3.1 Mesa 20.3.5").as_deref(),
            Some("20.3.5")
        );
        assert_eq!(mesa("GL vendor: Mesa/X.org"), None);
    }
}

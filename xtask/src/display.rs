//! A virtual X server, and pictures of what is on it.

use std::io::{BufRead, BufReader};
use std::path::Path;
use std::process::{Child, Command, Stdio};

use crate::error::{Context, Problem, Result};
use crate::process::output;
use crate::user;

/// A running Xvfb of the ordinary user.
pub(crate) struct Display {
    server: Child,
    name: String,
}

impl Display {
    /// Starts Xvfb on a free display, with one screen of this size in pixels.
    pub(crate) fn start(width: u32, height: u32, home: &Path) -> Result<Self> {
        let mut server = user::command("Xvfb", home)
            .args(["-displayfd", "1", "-nolisten", "tcp", "-screen", "0"])
            .arg(format!("{width}x{height}x24"))
            .stdout(Stdio::piped())
            .stderr(Stdio::null())
            .spawn()
            .context("starting Xvfb")?;
        let mut line = String::new();
        if let Some(stdout) = server.stdout.take() {
            BufReader::new(stdout).read_line(&mut line).context("reading from Xvfb")?;
        }
        let name = format!(":{}", line.trim());
        let display = Self { server, name };
        if display.name == ":" {
            return Err(Problem::new("Xvfb ended before it had a display").hint("try `Xvfb :99`"));
        }
        Ok(display)
    }

    /// Value of `DISPLAY`.
    pub(crate) fn name(&self) -> &str {
        &self.name
    }

    /// Takes a picture of the whole screen; returns how many colours it has.
    pub(crate) fn picture(&self, file: &Path, home: &Path) -> Result<u32> {
        let mut import = user::command("import", home);
        import.args(["-window", "root"]).arg(file).env("DISPLAY", &self.name);
        output(&mut import)?;
        let mut identify = Command::new("identify");
        let colours = output(identify.args(["-format", "%k"]).arg(file))?;
        colours.trim().parse().context("reading the number of colours")
    }
}

impl Drop for Display {
    fn drop(&mut self) {
        // It may have ended by itself; then there is nothing to stop.
        let _ = self.server.kill();
        let _ = self.server.wait();
    }
}

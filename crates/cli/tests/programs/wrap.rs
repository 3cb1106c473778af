//! `pressure-vessel-wrap`.

mod container;
mod copies;
mod flatpak;
mod home;
mod interactive;
mod remembered;
mod table;

use crate::support::BACKENDS;
use crate::tool::{Places, Tool};
use std::path::Path;

const NAME: &str = "pressure-vessel-wrap";

fn wrap() -> Tool {
    Tool::new(NAME)
}

fn wrap_in(places: Places) -> Tool {
    Tool::at(NAME, places)
}

/// With a runtime of the laboratory, and by the executor of this name: who names a bwrap gets bwrap.
fn launch(runtime: &Path, backend: &str) -> Tool {
    by(wrap().pair("--runtime", runtime), backend)
}

fn by(tool: Tool, backend: &str) -> Tool {
    assert!(BACKENDS.contains(&backend));
    if backend == "bwrap" { tool.env("PRESSURE_VESSEL_BWRAP", "bwrap") } else { tool }
}

/// Shell text as the command.
fn sh(tool: Tool, script: &str) -> Tool {
    tool.args(&["--", "/bin/sh", "-c", script])
}

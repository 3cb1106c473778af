//! Asking cargo: where things are, building them, which files came of it.

use std::path::PathBuf;
use std::process::{Command, Stdio};

use serde_json::Value;

use crate::error::{Context, Problem, Result};

/// Directories of the workspace.
pub(crate) struct Workspace {
    /// The checkout.
    pub(crate) root: PathBuf,
    /// Where cargo builds.
    pub(crate) target: PathBuf,
}

/// What cargo says of the workspace that this program belongs to.
pub(crate) fn workspace() -> Result<Workspace> {
    let output = cargo(&["metadata", "--format-version=1", "--no-deps"])
        .stderr(Stdio::inherit())
        .output()
        .context("starting cargo")?;
    let metadata: Value =
        serde_json::from_slice(&output.stdout).context("reading what `cargo metadata` says")?;
    let path = |name: &str| {
        let value = metadata[name].as_str();
        value
            .map(PathBuf::from)
            .ok_or_else(|| Problem::new(format!("cargo metadata has no {name}")))
    };
    Ok(Workspace { root: path("workspace_root")?, target: path("target_directory")? })
}

/// A cargo command in this workspace, wherever this program was started.
pub(crate) fn cargo(arguments: &[&str]) -> Command {
    let program = std::env::var_os("CARGO").unwrap_or_else(|| "cargo".into());
    let mut cargo = Command::new(program);
    let manifest = concat!(env!("CARGO_MANIFEST_DIR"), "/..");
    cargo.args(arguments).current_dir(manifest);
    cargo
}

/// Runs cargo, its output shown; fails when it does.
pub(crate) fn run(arguments: &[&str]) -> Result<()> {
    let status = cargo(arguments).status().context("starting cargo")?;
    if status.success() {
        return Ok(());
    }
    Err(Problem::new(format!("`cargo {}` failed ({status})", arguments.join(" "))))
}

/// Builds with the arguments given and returns the executable of the target of that name.
pub(crate) fn executable(arguments: &[&str], name: &str) -> Result<PathBuf> {
    let output = cargo(arguments)
        .arg("--message-format=json-render-diagnostics")
        .stderr(Stdio::inherit())
        .output()
        .context("starting cargo")?;
    if !output.status.success() {
        return Err(Problem::new(format!(
            "`cargo {}` failed ({})",
            arguments.join(" "),
            output.status
        )));
    }
    let text = String::from_utf8_lossy(&output.stdout);
    let messages = text.lines().filter_map(|line| serde_json::from_str::<Value>(line).ok());
    messages
        .filter(|message| message["target"]["name"] == name)
        .filter_map(|message| message["executable"].as_str().map(PathBuf::from))
        .next_back()
        .ok_or_else(|| Problem::new(format!("`cargo {}` built no {name}", arguments.join(" "))))
}

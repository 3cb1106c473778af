//! Where Debian packages are fetched from: the mirror that this machine's own apt uses.

use std::fs;
use std::path::Path;
use std::process::Command;

use crate::error::{Context, Result};

/// Used where apt has no Debian mirror, as on Ubuntu.
const DEFAULT: &str = "http://deb.debian.org/debian";

const KEYRING: &str = "/usr/share/keyrings/debian-archive-keyring.gpg";

/// The base address of the Debian archive.
pub(crate) fn address() -> String {
    let targets = Command::new("apt-get")
        .args(["indextargets", "--format", "$(REPO_URI)", "Label: Debian", "Created-By: Packages"])
        .output();
    let first = targets.ok().and_then(|output| {
        let text = String::from_utf8_lossy(&output.stdout).into_owned();
        text.lines().next().map(|line| line.trim_end_matches('/').to_owned())
    });
    first.filter(|address| !address.is_empty()).unwrap_or_else(|| DEFAULT.to_owned())
}

/// The line of sources.list for one release.
pub(crate) fn source_line(suite: &str) -> String {
    format!("deb [signed-by={KEYRING}] {} {suite} main", address())
}

/// Writes an apt configuration of its own in `dir`, for fetching packages without touching the machine's.
///
/// Returns the file that `APT_CONFIG` must name. Package lists are fetched with it by `apt-get update`.
pub(crate) fn private_apt(
    dir: &Path,
    suite: &str,
    architecture: &str,
) -> Result<std::path::PathBuf> {
    for sub in
        ["etc/apt.conf.d", "etc/preferences.d", "state/lists/partial", "cache/archives/partial"]
    {
        fs::create_dir_all(dir.join(sub)).at("creating", dir.join(sub))?;
    }
    fs::write(dir.join("status"), "").at("writing", dir.join("status"))?;
    let sources = dir.join("etc/sources.list");
    fs::write(&sources, source_line(suite) + "\n").at("writing", &sources)?;
    let config = dir.join("apt.conf");
    let text = format!(
        "Dir \"{0}\";\nDir::Etc \"{0}/etc\";\nDir::State \"{0}/state\";\nDir::State::status \"{0}/status\";\n\
         Dir::Cache \"{0}/cache\";\nAPT::Architecture \"{architecture}\";\nAPT::Architectures {{ \"{architecture}\"; }};\n\
         APT::Sandbox::User \"root\";\nAcquire::Languages \"none\";\n",
        dir.display()
    );
    fs::write(&config, text).at("writing", &config)?;
    Ok(config)
}

//! Debian's arm64 kernel for the virtual machine: the image, the modules that are loaded, and a static busybox.

use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use super::bootstrap::run_logged;
use super::mirror;
use crate::error::{Context, Problem, Result};
use crate::process;

/// Name of the image in the root; `modules` beside it has the modules, `order` their names in the order of loading.
const IMAGE: &str = "vmlinuz";

/// Fetches the packages, and keeps of them what the machine uses in `root`.
pub(super) fn fetch(suite: &str, modules: &[&str], root: &Path, log: &Path) -> Result<()> {
    let apt = root.join(".apt");
    fs::create_dir_all(&apt).at("creating", &apt)?;
    let config = mirror::private_apt(&apt, suite, "arm64")?;
    run_logged(Command::new("apt-get").arg("update").env("APT_CONFIG", &config), log)?;
    let mut depends = Command::new("apt-cache");
    depends.args(["show", "--no-all-versions", "linux-image-arm64"]).env("APT_CONFIG", &config);
    let shown = process::output(&mut depends)?;
    let image = image_package(&shown).ok_or_else(|| {
        Problem::new(format!("linux-image-arm64 of {suite} depends on no image:\n{shown}"))
    })?;
    let mut download = Command::new("apt-get");
    download.args(["download", image, "busybox-static"]).env("APT_CONFIG", &config);
    run_logged(download.current_dir(&apt), log)?;
    let unpacked = apt.join("unpacked");
    for entry in fs::read_dir(&apt).at("reading", &apt)? {
        let path = entry.at("reading", &apt)?.path();
        if path.extension().is_some_and(|extension| extension == "deb") {
            run_logged(Command::new("dpkg-deb").arg("-x").arg(&path).arg(&unpacked), log)?;
        }
    }
    place(&first(&unpacked.join("boot"), "vmlinuz-")?, &root.join(IMAGE))?;
    place(&unpacked.join("bin/busybox"), &root.join("busybox"))?;
    select(&unpacked, modules, root)?;
    fs::remove_dir_all(&apt).at("removing", &apt)
}

/// The package that the meta-package depends on.
fn image_package(shown: &str) -> Option<&str> {
    let depends = shown.lines().find_map(|line| line.strip_prefix("Depends: "))?;
    depends.split([',', ' ']).find(|name| name.starts_with("linux-image-"))
}

/// Copies the modules and all that they need, and writes down the order in which they are loaded.
fn select(unpacked: &Path, wanted: &[&str], root: &Path) -> Result<()> {
    let release = first(&unpacked.join("lib/modules"), "")?;
    let name = release.file_name().unwrap_or_default().to_owned();
    process::output(Command::new("depmod").arg("-b").arg(unpacked).arg(&name))?;
    let table = release.join("modules.dep");
    let table = fs::read_to_string(&table).at("reading", &table)?;
    let mut order = Vec::new();
    for module in wanted {
        let file = format!("/{module}.ko");
        let line = table
            .lines()
            .find(|line| line.split_once(':').is_some_and(|(path, _)| path.ends_with(&file)));
        // What is not in the table is built into the kernel.
        let Some((path, needs)) = line.and_then(|line| line.split_once(':')) else { continue };
        // A module's needs are listed with what is needed last at the end.
        order.extend(needs.split_whitespace().rev().chain([path]));
    }
    let mut seen = BTreeSet::new();
    order.retain(|path| seen.insert(*path));
    let target = root.join("modules");
    fs::create_dir_all(&target).at("creating", &target)?;
    let mut list = String::new();
    for path in order {
        let file = Path::new(path).file_name().unwrap_or_default();
        place(&release.join(path), &target.join(file))?;
        list += &format!("{}\n", file.to_string_lossy());
    }
    let order = root.join("order");
    fs::write(&order, list).at("writing", &order)
}

/// The first entry of `dir` whose name starts with `prefix`.
fn first(dir: &Path, prefix: &str) -> Result<PathBuf> {
    for entry in fs::read_dir(dir).at("reading", dir)? {
        let entry = entry.at("reading", dir)?;
        if entry.file_name().to_string_lossy().starts_with(prefix) {
            return Ok(entry.path());
        }
    }
    Err(Problem::new(format!("nothing is called {prefix}… in {}", dir.display())))
}

fn place(from: &Path, to: &Path) -> Result<()> {
    fs::rename(from, to).at("moving", from)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_image_is_found_among_the_dependencies() {
        let text =
            "Package: linux-image-arm64\nDepends: linux-image-6.1.0-44-arm64 (= 6.1.162-1)\n";
        assert_eq!(image_package(text), Some("linux-image-6.1.0-44-arm64"));
        assert_eq!(image_package("Package: x\n"), None);
    }
}

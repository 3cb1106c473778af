//! Making a root of Debian packages: mmdebstrap unpacks, `finish` does what package scripts would have done.
//!
//! Nothing is configured and no maintainer script runs: that is several times quicker, and needs no i386 program.

use std::fs;
use std::io::{BufRead, BufReader};
use std::os::unix::fs::{PermissionsExt, symlink};
use std::path::Path;
use std::process::{Command, Stdio};

use super::recipe::{ForeignPrograms, System};
use super::{finish, mirror};
use crate::error::{Context, Problem, Result};
use crate::progress::note;

/// The programs of qemu-user that are kept.
const EMULATORS: &[&str] = &["qemu-aarch64", "qemu-i386", "qemu-x86_64"];

/// Unpacks `system` into `root`, keeping the fetched packages in `archives` and the log in `log`.
pub(super) fn system(system: &System, root: &Path, archives: &Path, log: &Path) -> Result<()> {
    fs::create_dir_all(archives).at("creating", archives)?;
    let mut command = Command::new("mmdebstrap");
    command
        .args(["--mode=root", "--variant=extract", "--format=directory"])
        .arg("--aptopt=Acquire::Languages \"none\"")
        .arg(format!("--architectures={}", system.architectures.join(",")))
        .arg(format!("--include={}", system.packages().join(",")))
        .arg(format!("--setup-hook={}", merge_hook(system.merged)))
        .arg(format!("--setup-hook={}", load_hook(archives)))
        .arg(format!("--extract-hook={}", foreign_hook(system.foreign)))
        .arg(format!("--extract-hook={}", save_hook(archives)))
        .arg(system.suite)
        .arg(root)
        .arg(mirror::source_line(system.suite));
    run_logged(&mut command, log)?;
    let readable = fs::Permissions::from_mode(0o755);
    fs::set_permissions(root, readable).at("making readable", root)?;
    prune(system, root)?;
    link_native_programs(system.foreign, root)?;
    finish::system(system, root)
}

/// Unpacks packages alone, without their dependencies, into `root`.
pub(super) fn packages(suite: &str, names: &[&str], root: &Path, log: &Path) -> Result<()> {
    let apt = root.join(".apt");
    let config = mirror::private_apt(&apt, suite, "amd64")?;
    run_logged(Command::new("apt-get").arg("update").env("APT_CONFIG", &config), log)?;
    let mut download = Command::new("apt-get");
    download.arg("download").args(names).env("APT_CONFIG", &config).current_dir(&apt);
    run_logged(&mut download, log)?;
    for entry in fs::read_dir(&apt).at("reading", &apt)? {
        let path = entry.at("reading", &apt)?.path();
        if path.extension().is_some_and(|extension| extension == "deb") {
            run_logged(Command::new("dpkg-deb").arg("--extract").arg(&path).arg(root), log)?;
        }
    }
    fs::remove_dir_all(&apt).at("removing", &apt)
}

/// Removes what is large and of no use to any test from a system with an emulator or for one: manuals, and
/// qemu-user's thirty other machines.
fn prune(system: &System, root: &Path) -> Result<()> {
    let emulator = root.join("usr/bin/qemu-aarch64");
    if system.is_native() && !emulator.exists() {
        return Ok(());
    }
    for dir in ["usr/share/doc", "usr/share/man", "usr/share/locale", "usr/share/info"] {
        let dir = root.join(dir);
        if dir.exists() {
            fs::remove_dir_all(&dir).at("removing", &dir)?;
        }
    }
    let programs = root.join("usr/bin");
    for entry in fs::read_dir(&programs).at("reading", &programs)? {
        let entry = entry.at("reading", &programs)?;
        let name = entry.file_name();
        let other = |name: &str| name.starts_with("qemu-") && !EMULATORS.contains(&name);
        if name.to_str().is_some_and(other) {
            fs::remove_file(entry.path()).at("removing", entry.path())?;
        }
    }
    Ok(())
}

/// Shell text that makes the chosen root directories links into `usr` before anything is unpacked.
fn merge_hook(merged: &[&str]) -> String {
    format!(
        "for dir in {}; do mkdir -p \"$1/usr/$dir\" && ln -s \"usr/$dir\" \"$1/$dir\" || exit 1; done",
        merged.join(" ")
    )
}

/// Shell text that lends the packages fetched earlier to the root's apt, as hard links.
fn load_hook(archives: &Path) -> String {
    format!(
        "mkdir -p \"$1/var/cache/apt/archives\" && find '{}' -name '*.deb' \
         -exec cp --link --target-directory=\"$1/var/cache/apt/archives\" {{}} +",
        archives.display()
    )
}

/// Shell text that keeps what the root's apt has fetched.
fn save_hook(archives: &Path) -> String {
    format!(
        "find \"$1/var/cache/apt/archives\" -maxdepth 1 -name '*.deb' \
         -exec cp --link --no-clobber --target-directory='{}' {{}} +",
        archives.display()
    )
}

/// Shell text that places i386 programs beside the native ones, as `NAME.i386-linux-gnu`.
fn foreign_hook(foreign: &[ForeignPrograms]) -> String {
    let mut script =
        String::from("set -eu; root=$1; export APT_CONFIG=\"$MMDEBSTRAP_APT_CONFIG\"; ");
    for ForeignPrograms { package, programs } in foreign {
        script += &format!(
            "dir=$(mktemp -d \"$root/tmp/foreign.XXXXXX\"); cd \"$dir\"; \
             apt-get -q -o APT::Sandbox::User=root download {package}:i386; \
             dpkg-deb --extract *.deb unpacked; "
        );
        for program in *programs {
            script += &format!(
                "install unpacked/usr/bin/{program} \"$root/usr/bin/{program}.i386-linux-gnu\"; "
            );
        }
        script += "cd /; rm -r \"$dir\"; ";
    }
    script
}

/// Gives the native programs names with a tuple too, so that tests need not know which one is native.
fn link_native_programs(foreign: &[ForeignPrograms], root: &Path) -> Result<()> {
    for program in foreign.iter().flat_map(|package| package.programs) {
        let link = root.join(format!("usr/bin/{program}.x86_64-linux-gnu"));
        if link.symlink_metadata().is_err() {
            symlink(program, &link).at("linking", &link)?;
        }
    }
    Ok(())
}

/// Runs a command, its output going to the log; mmdebstrap's own messages are shown as progress.
pub(super) fn run_logged(command: &mut Command, log: &Path) -> Result<()> {
    let program = command.get_program().to_string_lossy().into_owned();
    let mut file = fs::File::options().create(true).append(true).open(log).at("opening", log)?;
    let output = file.try_clone().at("opening", log)?;
    let mut child = command
        .env("LC_ALL", "C.UTF-8")
        .stdin(Stdio::null())
        .stdout(output)
        .stderr(Stdio::piped())
        .spawn()
        .context(format!("starting {program}"))
        .map_err(|problem| {
            problem.hint("run `cargo xtask setup`, which installs what is needed")
        })?;
    let mut errors = Vec::new();
    if let Some(stderr) = child.stderr.take() {
        for line in BufReader::new(stderr).lines() {
            let line = line.context(format!("reading what {program} says"))?;
            show(&line);
            if line.starts_with("E: ") {
                errors.push(line.chars().take(300).collect::<String>());
            }
            std::io::Write::write_all(&mut file, format!("{line}\n").as_bytes())
                .at("writing", log)?;
        }
    }
    let status = child.wait().context(format!("waiting for {program}"))?;
    if status.success() {
        return Ok(());
    }
    errors.push(format!("{program} failed ({status})"));
    Err(Problem::new(errors.join("\n")).hint(format!("the whole log is {}", log.display())))
}

/// Shows the stages of mmdebstrap, without its hooks' text.
fn show(line: &str) {
    if let Some(stage) = line.strip_prefix("I: ")
        && !stage.starts_with("running --")
    {
        note(stage);
    }
}

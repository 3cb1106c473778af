//! `scout-on-soldier-entry-point-v2`: the layer of the Steam Runtime 1 (scout), a library runtime, over a container
//! that another tool has made. It runs in that container.
//!
//! A directory of links to the parts of scout is made, with libraries of its own preferred, and scout's `run.sh` in it
//! starts the game.

use super::depot::here;
use super::start::Start;
use super::{carry_out, put_link, usage};
use crate::foreign::Foreign;
use plan::{Code, Problem};
use std::ffi::{OsStr, OsString};
use std::fs::{self, File};
use std::io;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use tools::{Invocation, in_path, set, variable};

/// What a library runtime consists of.
const PARTS: &[&str] = &["amd64", "i386", "lib", "run.sh", "scripts", "setup.sh", "usr"];

/// Libraries of scout that are taken even where the container has newer ones: games look for symbols that those
/// do not have. The directory for them, and where scout has it.
const CURL: &[(&str, &str)] =
    &[("pinned_libs_32", "i386-linux-gnu"), ("pinned_libs_64", "x86_64-linux-gnu")];

/// The service that takes further commands, under the names of this layer.
const INTERFACE: &str = "steam-runtime-launcher-interface-0";
const LAYER: &str = "scout-in-container:scout-on-soldier";

/// Runs it.
pub(crate) fn run(invocation: &Invocation, foreign: Option<&Foreign>) -> u8 {
    let given = match invocation.program.read(invocation.arguments.iter().cloned()) {
        Ok(given) if !given.words.is_empty() => given,
        Ok(_) => return usage(invocation, "no command is given"),
        Err(wrong) => return usage(invocation, &wrong.to_string()),
    };
    carry_out(start(invocation, &given.words), foreign)
}

fn start(invocation: &Invocation, command: &[OsString]) -> Result<Start, Problem> {
    let inherited = &invocation.environment;
    let here = here(inherited)?;
    let var = here.join("var");
    let runtime = var.join("steam-runtime");
    let scout = source(&here, &var, inherited)?;
    assemble(&scout, &runtime)
        .map_err(|error| trouble("linking the parts of scout", &runtime, &error))?;
    let mut environment = inherited.clone();
    let zenity = Path::new("/usr/bin/zenity");
    let zenity = zenity.symlink_metadata().is_ok().then_some(zenity.as_os_str());
    set(&mut environment, "STEAM_ZENITY", zenity);
    set(&mut environment, "LD_PRELOAD", None);
    let mut arguments = vec![];
    if let Some(preload) = variable(inherited, "LD_PRELOAD").filter(|value| !value.is_empty()) {
        let mut assignment = OsString::from("LD_PRELOAD=");
        assignment.push(preload);
        arguments.extend(["env".into(), assignment]);
    }
    if in_path(inherited, INTERFACE).is_some() {
        arguments.extend([INTERFACE.into(), LAYER.into()]);
    }
    arguments.extend(command.iter().cloned());
    Ok(Start { program: runtime.join("run.sh"), arguments, environment })
}

/// Where scout is: with this tool, named, in Steam's client, or in the client's archive, which is unpacked then.
fn source(
    here: &Path,
    var: &Path,
    environment: &[(OsString, OsString)],
) -> Result<PathBuf, Problem> {
    let is_runtime = |path: &PathBuf| path.join("run.sh").metadata().is_ok();
    let path = |name| variable(environment, name).filter(|v| !v.is_empty()).map(PathBuf::from);
    let named = [Some(here.join("steam-runtime")), path("STEAM_RUNTIME_SCOUT")];
    if let Some(found) = named.into_iter().flatten().find(is_runtime) {
        return Ok(found);
    }
    let client = path("STEAM_COMPAT_CLIENT_INSTALL_PATH")
        .or_else(|| path("HOME").map(|home| home.join(".steam/root")))
        .unwrap_or_default()
        .join("ubuntu12_32");
    let wanted = fs::read(client.join("steam-runtime.checksum")).ok();
    let is_current = |path: &PathBuf| {
        wanted.is_some() && fs::read(path.join("checksum")).ok() == wanted && is_runtime(path)
    };
    let unpacked = var.join("unpack/steam-runtime");
    if let Some(found) =
        [client.join("steam-runtime"), unpacked.clone()].into_iter().find(is_current)
    {
        return Ok(found);
    }
    let parts = parts(&client);
    if parts.is_empty() {
        return Err(Problem::blocking(
            Code::RUNTIME_MISSING,
            "the Steam Runtime 1 (scout) is not installed",
        )
        .evidence(format!("no steam-runtime.tar.xz.* in {}", client.display()))
        .hint("start Steam, which installs it, or name a directory in STEAM_RUNTIME_SCOUT"));
    }
    unpack(&parts, &var.join("unpack"))?;
    Ok(unpacked)
}

/// The parts of the client's archive, in their order.
fn parts(client: &Path) -> Vec<PathBuf> {
    let entries = fs::read_dir(client).into_iter().flatten().flatten().map(|entry| entry.path());
    let is_part = |path: &PathBuf| {
        let name = path.file_name().map(OsStr::to_string_lossy).unwrap_or_default();
        // Beside them is the list of their sums.
        name.starts_with("steam-runtime.tar.xz.") && !name.ends_with(".checksum")
    };
    let mut parts: Vec<_> = entries.filter(is_part).collect();
    parts.sort_unstable();
    parts
}

/// Unpacks the parts into a directory, which takes the place of an older one when all is there.
fn unpack(parts: &[PathBuf], place: &Path) -> Result<(), Problem> {
    let aside = place.with_extension(std::process::id().to_string());
    let failed = |error: io::Error| trouble("unpacking scout", &aside, &error);
    fs::create_dir_all(&aside).map_err(failed)?;
    let mut tar = Command::new("tar");
    tar.args(["-x", "-J", "-C"]).arg(&aside).stdin(Stdio::piped());
    let mut child = tar.spawn().map_err(|error| {
        Problem::blocking(Code::HELPER_MISSING, format!("tar cannot be started: {error}"))
            .hint("use a runtime that has tar and xz")
    })?;
    let mut copied = Ok(0);
    if let Some(mut stdin) = child.stdin.take() {
        for part in parts {
            copied = copied.and_then(|_| io::copy(&mut File::open(part)?, &mut stdin));
        }
    }
    let status = child.wait().map_err(failed)?;
    copied.map_err(failed)?;
    if !status.success() {
        return Err(failed(io::Error::other(format!("tar failed ({status})"))));
    }
    if place.symlink_metadata().is_ok() {
        fs::remove_dir_all(place).map_err(failed)?;
    }
    fs::rename(&aside, place).map_err(failed)
}

/// Makes the directory of links.
fn assemble(scout: &Path, runtime: &Path) -> io::Result<()> {
    for part in PARTS {
        let target = scout.join(part);
        if target.symlink_metadata().is_ok() {
            point(&target, &runtime.join(part))?;
        }
    }
    for (directory, tuple) in CURL {
        let library = scout.join("usr/lib").join(tuple).join("libcurl.so.4");
        if library.symlink_metadata().is_ok() {
            for name in ["libcurl.so.3", "libcurl.so.4"] {
                point(&library, &runtime.join(directory).join(name))?;
            }
        }
    }
    Ok(())
}

/// Makes a link that leads there, unless there is one.
fn point(target: &Path, link: &Path) -> io::Result<()> {
    if fs::read_link(link).is_ok_and(|text| text == target) {
        return Ok(());
    }
    if let Some(parent) = link.parent() {
        fs::create_dir_all(parent)?;
    }
    put_link(target, link)
}

fn trouble(what: &str, path: &Path, error: &io::Error) -> Problem {
    Problem::blocking(Code::COPY_IMPOSSIBLE, format!("{what} in `{}`: {error}", path.display()))
        .hint("make sure that the directory of this tool can be written and has space left")
}

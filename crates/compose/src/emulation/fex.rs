//! FEX-Emu, as the kernel starts it.
//!
//! Mirrors FEX's `FileManagement.cpp` and `Config.cpp`: an absolute path is looked for below
//! `FEX_ROOTFS` first; a running FEXServer dictates another root unless `/run/host/container-manager`
//! says `pressure-vessel`, which every container of ours has.

use super::choose::Found;
use crate::facts::Facts;
use inspect::emulator::fex::{self, What};
use inspect::manifest::Environment;
use inspect::root::Kind;
use plan::{ByteString, Code, HostPath, Problem, RootPath};
use std::ffi::OsStr;
use std::os::unix::ffi::OsStrExt;

/// The variable that names its root.
pub(crate) const VARIABLE: &str = "FEX_ROOTFS";

/// Its root, by its own configuration.
///
/// # Errors
/// When what is named is not there.
pub(crate) fn root(facts: &Facts) -> Result<Option<Found>, Problem> {
    let environment = Environment::new(facts.environment.iter());
    let config = fex::config(&facts.host, &environment, None);
    let Some(rootfs) = fex::rootfs(&facts.host, &environment, &config) else { return Ok(None) };
    let origin = rootfs.setting.origin.clone();
    match rootfs.found {
        Some((found, What::Directory)) => Ok(Some(Found::Directory { path: found.host, origin })),
        Some((found, What::Image(format))) => Ok(Some(match served(facts, &found.host) {
            Some(path) => Found::Directory { path, origin: "FEXServer".into() },
            None => Found::Image { path: found.host, format, origin },
        })),
        // An empty value means: none.
        None if rootfs.candidates.is_empty() => Ok(None),
        None => {
            let value = &rootfs.setting.value;
            let problem = Problem::blocking(
                Code::EMULATOR_ROOT_UNUSABLE,
                format!("FEX's RootFS `{value}`, named by {origin}, is not there"),
            )
            .hint("run FEXRootFSFetcher, or name a directory with --emulator-root");
            Err(rootfs.candidates.iter().fold(problem, |problem, candidate| {
                let why = candidate.why_not.as_deref().unwrap_or("it is one");
                problem.evidence(format!("{}: {why}", candidate.path))
            }))
        }
    }
}

/// Where a FEXServer has mounted the image, if one has.
fn served(facts: &Facts, image: &HostPath) -> Option<HostPath> {
    let served = fex::served(&facts.mounts, &mut || commands(facts));
    served.into_iter().find(|s| s.image.as_ref() == Some(image)).map(|s| s.at)
}

/// The command lines of running processes, as far as they may be read.
fn commands(facts: &Facts) -> Vec<Vec<ByteString>> {
    let proc = RootPath::literal("/proc");
    let entries = facts.host.list(&proc).unwrap_or_default();
    let processes = entries
        .into_iter()
        .filter(|e| e.kind == Kind::Directory && e.name.as_bytes().iter().all(u8::is_ascii_digit));
    let files = processes.filter_map(|e| proc.join(e.name).ok()?.join("cmdline").ok());
    let lines = files.filter_map(|file| facts.host.read(&file).ok());
    lines
        .map(|line| line.split(|b| *b == 0).map(|word| ByteString(word.to_vec())).collect())
        .collect()
}

/// Directories of guest halves of thunks, which are no drivers.
pub(crate) fn guest_thunks(facts: &Facts) -> Vec<HostPath> {
    let environment = Environment::new(facts.environment.iter());
    let config = fex::config(&facts.host, &environment, None);
    let named = config.thunks.guest_libs.and_then(|s| HostPath::new(s.value.as_os_str()).ok());
    let Some(directory) = named else { return vec![] };
    // Those for 32 bit are beside those for 64.
    let mut second = directory.as_bytes().to_vec();
    second.extend_from_slice(b"_32");
    let second = HostPath::new(OsStr::from_bytes(&second)).ok();
    std::iter::once(directory).chain(second).collect()
}

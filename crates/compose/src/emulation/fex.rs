//! FEX-Emu, as the kernel starts it.
//!
//! Mirrors FEX's `FileManagement.cpp` and `Config.cpp`: an absolute path is looked for below
//! `FEX_ROOTFS` first; a running FEXServer dictates another root unless `/run/host/container-manager`
//! says `pressure-vessel`, which every container of ours has.

use super::choose::Found;
use crate::draft::Draft;
use crate::facts::Facts;
use inspect::emulator::fex::{self, What};
use inspect::manifest::Environment;
use inspect::root::Kind;
use plan::{ByteString, Code, HostPath, Problem, RootPath};
use std::ffi::OsStr;
use std::os::unix::ffi::OsStrExt;

/// The variable that names its root.
pub(crate) const VARIABLE: &str = "FEX_ROOTFS";

/// The variable that names its server's socket, and the beginning of ours.
const SOCKET: (&str, &str) = ("FEX_SERVERSOCKETPATH", "bathysphere.FEXServer.");

/// The variable that names its directory of data, in which the server takes a lock.
const DATA: &str = "FEX_APP_DATA_LOCATION";

/// Gives the container's programs a server of their own.
///
/// The first program of FEX starts a server, and every other one of the user finds it, in whatever
/// container, because its socket has an abstract name (`FEXServerClient.cpp`). Started in the container, it
/// would tell programs outside the container's root; and it would end with the last of them, and the launch
/// after it. What is configured stays, and so does everything where the lock's place cannot be
/// moved: since 2603 FEX prefers `~/.fex-emu` to the variable.
pub(crate) fn own_server(facts: &Facts, draft: &mut Draft) {
    let environment = Environment::new(facts.environment.iter());
    let places = fex::Places::of(&facts.host, &environment);
    let configured = fex::config(&facts.host, &environment, None).server_socket.is_some()
        || facts.environment.get(DATA).is_some();
    if configured
        || places.data.is_some_and(|data| data.file_name() == Some(OsStr::new(".fex-emu")))
    {
        return;
    }
    let why = "the container has a FEXServer of its own";
    // FEX appends names to it as it is.
    let data = format!("/run/user/{}/fex-emu/", facts.user.uid);
    draft.environment.set(DATA, data.as_str(), why);
    draft.environment.set(SOCKET.0, SOCKET.1, why);
}

/// Variables that must differ between launches of one plan.
pub(crate) fn per_launch(environment: &plan::Environment) -> Vec<ByteString> {
    let ours =
        environment.get(SOCKET.0).is_some_and(|value| value.as_bytes() == SOCKET.1.as_bytes());
    ours.then(|| SOCKET.0.into()).into_iter().collect()
}

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
    // It was named as the configuration does, through links.
    let real =
        |named: &HostPath| Some(facts.host.find(&RootPath::new(named.as_path()).ok()?)?.host);
    let is_it = |s: &fex::Served| s.image.as_ref().and_then(real).as_ref() == Some(image);
    served.into_iter().find(is_it).map(|s| s.at)
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

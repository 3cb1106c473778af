//! Options and variables of earlier versions, and what they come to.

use super::reading::{Reading, Usage, bad};
use compose::ProviderChoice;
use plan::HostPath;
use std::os::unix::ffi::OsStrExt;

/// Options that are read and change nothing, each with what is to be known about it.
const WITHOUT_EFFECT: &[(&str, &str)] = &[
    ("deterministic", "what is decided depends on no order of files"),
    ("gc-legacy-runtimes", "no runtimes are unpacked beside the copies any more"),
    ("no-gc-legacy-runtimes", "no runtimes are unpacked beside the copies any more"),
    ("runtime-id", "archives are not unpacked at a launch any more"),
    ("single-thread", "there is one thread anyway"),
];

/// Options with another name now.
const RENAMED: &[(&str, &str)] = &[
    ("copy-runtime-into", "--copy-runtime and --variable-dir"),
    ("host-ld-preload", "--ld-preload"),
    ("with-host-graphics", "--graphics-provider=/"),
    ("without-host-graphics", "--graphics-provider="),
];

/// Says of each obsolete option what it is now.
///
/// # Errors
/// A runtime's archive, which would have to be unpacked, and a name for it that could be none.
pub(super) fn mention(reading: &Reading<'_>) -> Result<(), Usage> {
    let given = reading.given;
    for (option, why) in WITHOUT_EFFECT.iter().filter(|(option, _)| given.has(option)) {
        reading.messages.info(format_args!("--{option} changes nothing: {why}"));
    }
    for (option, instead) in RENAMED.iter().filter(|(option, _)| given.has(option)) {
        reading.messages.info(format_args!("--{option} is obsolete, use {instead}"));
    }
    if let Some(id) = given.last("runtime-id") {
        let allowed = |b: &u8| b.is_ascii_alphanumeric() || b"_.-".contains(b);
        let bytes = id.as_bytes();
        if bytes.is_empty() || b"-.".contains(&bytes[0]) || !bytes.iter().all(allowed) {
            return Err(bad("runtime-id", id, "has other characters than A-Z a-z 0-9 _ . -"));
        }
    }
    match given.last("runtime-archive").filter(|archive| !archive.is_empty()) {
        Some(_) if given.has("runtime") => {
            Err(Usage("--runtime and --runtime-archive do not go together".into()))
        }
        Some(archive) => Err(bad(
            "runtime-archive",
            archive,
            "would have to be unpacked: do that with `bathysphere runtime add`, and name the \
             directory with --runtime",
        )),
        None => Ok(()),
    }
}

/// Where `--with-host-graphics` takes drivers from: this machine, which a container that has it at
/// `/run/host` calls so.
pub(super) fn host_graphics() -> ProviderChoice {
    let outer = ["/run/host/usr", "/run/host/etc"];
    let is_directory = |path: &&str| {
        rustix::fs::stat(*path).is_ok_and(|stat| {
            rustix::fs::FileType::from_raw_mode(stat.st_mode) == rustix::fs::FileType::Directory
        })
    };
    let inside = outer.iter().all(is_directory);
    ProviderChoice::Root(HostPath::literal(if inside { "/run/host" } else { "/" }))
}

//! The programs that the tests need, and what happens where one is missing.

use crate::ask::{Programs, Way};
use std::ffi::OsString;
use std::path::{Path, PathBuf};

pub(crate) fn variable(name: &str) -> Option<OsString> {
    std::env::vars_os().find(|(n, v)| n == name && !v.is_empty()).map(|(_, v)| v)
}

/// Unwraps, or skips the test visibly (fails where skipping is forbidden).
macro_rules! need {
    ($result:expr) => {
        match $result {
            Ok(value) => value,
            Err(reason) => {
                assert!(
                    crate::programs::variable("BATHYSPHERE_NO_SKIP").is_none(),
                    "skipped where nothing may be: {reason}"
                );
                println!("SKIP: {}: {reason}", module_path!());
                return;
            }
        }
    };
}
pub(crate) use need;

/// Static, because nothing that they could be linked with is in a random container. Set by `cargo
/// xtask test`; otherwise the builds of the developer are looked for.
pub(crate) fn programs() -> Result<Programs, String> {
    let stage = built(
        "BATHYSPHERE_STAGE",
        "x86_64-unknown-linux-musl",
        "examples/stage",
        "build -p bathysphere-sandbox --example stage --target x86_64-unknown-linux-musl",
    )?;
    let foreign = built(
        "BATHYSPHERE_PROBE_AARCH64",
        "aarch64-unknown-linux-musl",
        "bathysphere-probe",
        "build -p bathysphere-testkit --target aarch64-unknown-linux-musl",
    )?;
    let qemu = PathBuf::from("/usr/bin/qemu-aarch64");
    for needed in [&qemu, &crate::ask::loader()] {
        if !is_there(needed) {
            return Err(format!("{} is missing: run `cargo xtask setup`", needed.display()));
        }
    }
    Ok(Programs { stage, foreign, qemu })
}

fn built(name: &str, target: &str, program: &str, how: &str) -> Result<PathBuf, String> {
    if let Some(path) = variable(name) {
        let path = PathBuf::from(path);
        return if is_there(&path) {
            Ok(path)
        } else {
            Err(format!("{} is missing", path.display()))
        };
    }
    let own = std::env::current_exe().map_err(|error| error.to_string())?;
    let directories = own.ancestors().skip(1);
    let paths = directories.flat_map(|directory| {
        ["debug", "release"].map(|profile| directory.join(target).join(profile).join(program))
    });
    paths.into_iter().find(|path| is_there(path)).ok_or_else(|| {
        format!("{name} is not set (cargo xtask test sets it), and nobody ran `cargo {how}`")
    })
}

fn is_there(path: &Path) -> bool {
    path.metadata().is_ok_and(|meta| meta.is_file())
}

/// The built-in executor, this machine's bwrap, and the newest of the laboratory, which can mount
/// overlays.
pub(crate) fn native_ways() -> Vec<Way> {
    let mut ways = vec![Way::Builtin, Way::Bwrap("/usr/bin/bwrap".into(), false)];
    ways.extend(newest_bwrap().map(|path| Way::Bwrap(path, true)));
    ways
}

/// Made once for each run of the tests, and left to the end of the process.
fn newest_bwrap() -> Option<PathBuf> {
    static DIRECTORY: std::sync::OnceLock<tempfile::TempDir> = std::sync::OnceLock::new();
    let directory = DIRECTORY
        .get_or_init(|| crate::common::open_to_all(tempfile::tempdir().expect("a directory")));
    let all = crate::common::lab_bwraps(directory.path());
    all.into_iter().find(|(name, _)| name == "host-trixie").map(|(_, path)| path)
}

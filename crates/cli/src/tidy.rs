//! Housekeeping of the store, in a process of its own: nobody waits for it.
//!
//! Writing new layers back to the disk, so that they count after the next boot of the machine, takes
//! as long as the disk takes; looking for unused ones means walking the store. A launch that has
//! prepared something starts this beside the game; a warm launch does not.

use crate::{FAILURE, logger};
use plan::HostPath;
use std::os::unix::process::CommandExt;
use std::path::Path;
use std::process::{Command, ExitCode, Stdio};
use store::{Policy, Store};

/// Starts the housekeeping of the store at `path` and does not wait for it.
pub(crate) fn start(path: &HostPath) {
    let spawned = Command::new("/proc/self/exe")
        .arg("tidy-store")
        .arg(path.as_path())
        // Neither our terminal's signals nor a pipe that somebody waits on are its business.
        .process_group(0)
        .current_dir("/")
        .stdin(Stdio::null())
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .spawn();
    if let Err(error) = spawned {
        // The layers work nevertheless; they are made again after the next boot.
        log::info!("the store is not tidied: {error}");
    }
}

/// `bathysphere tidy-store`.
pub(crate) fn run(path: &Path) -> ExitCode {
    logger::start(0);
    match tidy(path) {
        Ok(()) => ExitCode::SUCCESS,
        Err(problem) => {
            crate::report::problem(&problem);
            FAILURE.into()
        }
    }
}

fn tidy(path: &Path) -> Result<(), plan::Problem> {
    let path = HostPath::new(path).map_err(|error| {
        plan::Problem::blocking(plan::Code::BAD_VALUE, error.to_string()).hint("name a directory")
    })?;
    let store = Store::open(&path).map_err(|error| error.problem())?;
    store.settle().map_err(|error| error.problem())?;
    store.collect(&Policy::default()).map_err(|error| error.problem())?;
    Ok(())
}

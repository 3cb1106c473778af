//! The log of a launch, where one is wanted: a file for each, and a link to the newest.

use super::depot::Depot;
use super::put_link;
use super::start::{is_logged, is_main, is_on};
use options::Given;
use plan::{Code, Problem};
use std::ffi::OsStr;
use std::fs;
use std::io;
use std::path::PathBuf;
use std::time::{SystemTime, UNIX_EPOCH};
use tools::{Invocation, variable};

/// The link to the newest log.
const LATEST: &str = "slr-latest.log";

/// A log that is wanted.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Log {
    directory: PathBuf,
    /// How names of logs of this game begin.
    prefix: String,
    name: String,
    /// Whether older logs of this game stay.
    keep: bool,
    /// Whether the game's own output goes there.
    with_stdout: bool,
    /// A link in the place of the depot's directory for logs, which an older version has left.
    stale_link: PathBuf,
}

/// What is wanted.
pub(super) fn wanted(invocation: &Invocation, given: &Given, depot: &Depot) -> Option<Log> {
    let environment = &invocation.environment;
    if !is_logged(environment, given) {
        return None;
    }
    let non_empty = |name| variable(environment, name).filter(|value| !value.is_empty());
    let directory = non_empty("STEAM_LINUX_RUNTIME_LOG_DIR").map(PathBuf::from);
    let app = ["STEAM_COMPAT_APP_ID", "SteamAppId"].into_iter().find_map(non_empty);
    let app = app.filter(|app| *app != "0").and_then(OsStr::to_str);
    let is_number = |app: &&str| app.bytes().all(|byte| byte.is_ascii_digit());
    let prefix = match app.filter(is_number) {
        Some(app) => format!("slr-app{app}-t"),
        None => "slr-non-steam-game-t".into(),
    };
    let seconds = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default().as_secs();
    let time = i64::try_from(seconds).ok().and_then(sandbox::local_time);
    // 20261128T103000, as `date` has it here.
    let time = time.map(|t| t.text(["", "", "T", "", "", ""])).unwrap_or_default();
    let name = format!("{prefix}{time}.log");
    let batch = is_on(environment, "PRESSURE_VESSEL_BATCH");
    Some(Log {
        directory: directory.unwrap_or_else(|| depot.variable.clone()),
        prefix,
        name,
        keep: given.has("keep-logs")
            || is_on(environment, "STEAM_LINUX_RUNTIME_KEEP_LOGS")
            || variable(environment, "SRT_LOG_ROTATION") == Some(OsStr::new("0")),
        with_stdout: is_main(given) && !batch,
        stale_link: depot.here.join("var"),
    })
}

/// Opens the log as standard error, and as standard output of a game.
///
/// # Errors
/// A warning: the launch goes on without.
pub(super) fn begin(log: &Log) -> Result<(), Problem> {
    open(log).map_err(|error| {
        let cause = format!("no log is written in `{}`: {error}", log.directory.display());
        Problem::warning(Code::OUTPUT_UNUSABLE, cause)
            .hint("name another directory in STEAM_LINUX_RUNTIME_LOG_DIR")
    })
}

fn open(log: &Log) -> io::Result<()> {
    if log.stale_link.is_symlink() {
        fs::remove_file(&log.stale_link)?;
    }
    fs::create_dir_all(&log.directory)?;
    if !log.keep {
        remove_older(log)?;
    }
    let path = log.directory.join(&log.name);
    let file = fs::OpenOptions::new().append(true).create(true).open(path)?;
    put_link(log.name.as_ref(), &log.directory.join(LATEST))?;
    rustix::stdio::dup2_stderr(&file)?;
    if log.with_stdout {
        rustix::stdio::dup2_stdout(&file)?;
    }
    Ok(())
}

fn remove_older(log: &Log) -> io::Result<()> {
    for entry in fs::read_dir(&log.directory)? {
        let entry = entry?;
        let name = entry.file_name();
        let name = name.to_string_lossy();
        if name.starts_with(&log.prefix) && name.ends_with(".log") {
            fs::remove_file(entry.path())?;
        }
    }
    Ok(())
}

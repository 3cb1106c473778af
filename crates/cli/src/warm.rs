//! Remembered launches: a warm launch reads one file, asks the file system whether anything has changed, and
//! starts the command.
//!
//! A launch that was composed, checked and prepared is written down ([`record`]) under a digest of everything
//! that decides ([`key`]), with *witnesses* for every file and directory that was looked at on the way, what
//! was absent included. The same command line in the same surroundings finds it again, before the command
//! line is even parsed. Only what must be done for each launch is done then: locks are taken, the namespace
//! is made while the witnesses are asked, the command starts when all of them hold. `plan`, `check` and `explain` never come here, and neither does a launch with
//! `--verbose`, which wants to hear what is decided and why.
//!
//! Whatever is wrong with what is remembered, down to a mount that fails, the launch is composed anew.

mod key;
mod record;
mod remember;

use crate::edge::Edge;
use crate::timings::Timings;
use crate::{FAILURE, logger, report};
use plan::HostPath;
use record::{Kept, Record};
use sandbox::Notice;
use std::cell::RefCell;
use std::ffi::{OsStr, OsString};
use std::os::unix::ffi::OsStrExt;
use std::os::unix::fs::DirBuilderExt;
use store::{Prepared, Store};
use witness::{Verdict, Witnesses};

pub(crate) use key::program;
pub(crate) use remember::{Outcome, Remembering};

/// Launches as these arguments ask for, if that is remembered and still right, and returns the exit status.
/// `None`: it must be composed.
pub(crate) fn launch(arguments: &[OsString]) -> Option<u8> {
    if arguments.get(1).map(OsString::as_os_str) != Some(OsStr::new("run")) {
        return None;
    }
    let edge = Edge::read();
    let store = store(arguments, &edge)?;
    recall(&store, arguments, edge, FAILURE)
}

/// As [`launch`], for another program's command line: with the store that the environment names, and its own
/// exit status for a failure.
pub(crate) fn again(arguments: &[OsString], edge: Edge, failure: u8) -> Option<u8> {
    let store = Store::open_existing(&edge.store().ok()?).ok()??;
    recall(&store, arguments, edge, failure)
}

fn recall(store: &Store, arguments: &[OsString], edge: Edge, failure: u8) -> Option<u8> {
    let mut timings = Timings::waiting();
    let key = key::of(arguments, &edge.environment)?;
    timings.phase("question");
    let bytes = store.launch_get(&key).ok()??;
    let kept = Kept::split(&bytes).ok()?;
    if kept.timings {
        timings.enable();
    }
    let record = Record::read(kept.rest).ok()?;
    timings.phase("record");
    let held = hold(store, &record)?;
    timings.phase("prepared");
    run(&kept, &record, &held, edge, timings, failure)
}

/// Whether nothing has changed since the launch was decided.
fn holds(kept: &Kept<'_>) -> bool {
    match Witnesses::check(kept.witnesses) {
        Ok(Verdict::Holds) => true,
        Ok(Verdict::Changed(path)) => {
            if kept.timings {
                report::notice(&format!("{} has changed: deciding anew", path.display()));
            }
            false
        }
        Err(_) => false,
    }
}

/// The store that the arguments or the environment name, if there is one. Wrong arguments find no record,
/// because no launch with them was remembered.
fn store(arguments: &[OsString], edge: &Edge) -> Option<Store> {
    let options = || arguments.iter().skip(2).take_while(|a| *a != "--");
    let mut named = None;
    for (n, argument) in options().enumerate() {
        if argument == "--store" {
            named = options().nth(n + 1).map(OsString::as_os_str);
        } else if let Some(path) = argument.as_bytes().strip_prefix(b"--store=") {
            named = Some(OsStr::from_bytes(path));
        }
    }
    let path = match named {
        Some(path) => HostPath::new(path).ok()?,
        None => edge.store().ok()?,
    };
    Store::open_existing(&path).ok()?
}

/// The prepared directories of a launch, each with the lock that keeps it.
struct Held {
    directories: sandbox::Prepared,
    _locks: Vec<std::os::fd::OwnedFd>,
}

fn hold(store: &Store, record: &Record) -> Option<Held> {
    let mut directories = sandbox::Prepared::default();
    let mut locks = vec![];
    let mut keep = |prepared: Prepared| {
        locks.push(prepared.lock);
        prepared.path
    };
    for (name, key) in &record.layers {
        let path = keep(store.layer_by_key(key).ok()??);
        directories.layers.insert(name.clone(), path);
    }
    for (at, key) in &record.trees {
        let path = keep(store.tree_by_key(key).ok()??);
        directories.trees.insert(at.clone(), path);
    }
    Some(Held { directories, _locks: locks })
}

fn run(
    kept: &Kept<'_>,
    record: &Record,
    held: &Held,
    edge: Edge,
    timings: Timings,
    failure: u8,
) -> Option<u8> {
    logger::start(0);
    let timings = RefCell::new(timings);
    let phase = |name| timings.borrow_mut().phase(name);
    let mut options = edge.options(record.backend);
    options.known_bwrap.clone_from(&record.bwrap);
    let inherited = sandbox::Inherited { environment: edge.environment };
    let mut notify = |notice| match notice {
        Notice::FellBack { reason } => report::notice(&format!("using bwrap: {reason}")),
        Notice::Using(_) => phase("lead"),
        Notice::Found(_) => {}
    };
    let mut confirm = || {
        let holds = holds(kept);
        phase("witnesses");
        if holds {
            announce(record);
        }
        holds
    };
    let (plan, directories) = (&record.plan, &held.directories);
    let ended = sandbox::run_if(plan, directories, &inherited, &options, &mut notify, &mut confirm);
    phase("container and command");
    match ended {
        Ok(status) => status.map(|status| status.0),
        Err(error) if error.is_before_command() => {
            log::info!("{error}: deciding anew");
            None
        }
        Err(error) => {
            report::problem(&error.problem());
            Some(failure)
        }
    }
}

/// What can be seen of a launch before its command starts, once it is known to be right.
fn announce(record: &Record) {
    for directory in &record.home {
        // There already, as a rule; a failure shows when it is mounted.
        let _ = std::fs::DirBuilder::new().recursive(true).mode(0o700).create(directory.as_path());
    }
    record.said.iter().for_each(|line| report::notice(line));
}

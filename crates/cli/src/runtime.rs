//! `runtime`: what is done with runtimes as a whole. The doing is in `store::runtimes`.

mod add;
mod fetch;
mod gc;
mod list;
mod progress;
mod published;
mod verify;

use crate::args::Runtime;
use crate::edge::Edge;
use crate::stop::Stop;
use crate::{logger, report, runtimes};
use compose::Facts;
use plan::{Code, HostPath, Problem};
use std::ffi::OsStr;
use std::os::unix::ffi::OsStrExt;
use std::process::ExitCode;
use store::runtimes::{Held, Library};

/// `bathysphere runtime`.
pub(crate) fn run(asked: &Runtime) -> ExitCode {
    logger::start(0);
    match done(asked) {
        Ok(status) => status,
        Err(stop) => stop.report(),
    }
}

fn done(asked: &Runtime) -> Result<ExitCode, Stop> {
    let edge = Edge::read();
    let facts = Facts::gather(edge.inherited.clone()).map_err(|error| {
        Problem::blocking(Code::UNREADABLE, error.to_string())
            .hint("make sure that /proc is mounted")
    })?;
    match asked {
        Runtime::List(list) => list::run(list, &facts),
        Runtime::Add(add) => add::run(add, &edge, &facts),
        Runtime::Verify(verify) => verify::run(verify, &edge, &facts),
        Runtime::Gc(gc) => gc::run(gc, &edge, &facts),
        Runtime::Remove(remove) => gc::remove(&remove.what, &facts),
    }
}

/// Our own directory of runtimes.
fn directory(facts: &Facts) -> Result<HostPath, Problem> {
    let path = runtimes::directory(facts).ok_or_else(|| {
        let cause = "neither BATHYSPHERE_RUNTIMES nor XDG_DATA_HOME nor HOME names a directory";
        Problem::blocking(Code::COPY_IMPOSSIBLE, cause)
            .hint("set BATHYSPHERE_RUNTIMES to a directory of your own")
    })?;
    Ok(HostPath::root().lexically(&path))
}

/// The right to change it.
fn hold(library: &Library) -> Result<Held<'_>, Problem> {
    let mut waiting = || report::notice("waiting for another process that changes the runtimes");
    library.hold(&mut waiting).map_err(|error| error.problem())
}

/// A path of the command line.
fn absolute(path: &OsStr) -> Result<HostPath, Problem> {
    let path = std::path::absolute(path).map_err(|error| error.to_string());
    path.and_then(|path| HostPath::new(path).map_err(|error| error.to_string()))
        .map_err(|error| Problem::blocking(Code::BAD_VALUE, error).hint("name a file or directory"))
}

/// Whether a word is a path and not a name.
fn is_path(word: &OsStr) -> bool {
    word.as_bytes().contains(&b'/')
}

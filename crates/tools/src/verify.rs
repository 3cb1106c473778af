//! `pv-verify`: a runtime held against its manifest.

use crate::Invocation;
use crate::messages::{self, Messages};
use options::Given;
use plan::{Code, HostPath, Problem};
use std::ffi::OsStr;
use std::path::Path;
use store::runtimes::{self, Verification};

/// Wrong usage (`EX_USAGE` of sysexits.h).
const USAGE: u8 = 64;
/// The runtime differs, or cannot be compared.
const DIFFERS: u8 = 1;

/// What describes all of a depot, in it.
const MANIFEST: &str = "mtree.txt.gz";

/// The program.
pub(crate) fn run(invocation: &Invocation) -> u8 {
    let (given, messages) = match messages::begin(invocation, USAGE) {
        Ok(begun) => begun,
        Err(status) => return status,
    };
    if given.words.len() > 1 {
        messages.error(format_args!(
            "usage: {} {}",
            invocation.program.name(),
            invocation.program.usage
        ));
        return USAGE;
    }
    match verify(invocation, &given, &messages) {
        Ok(()) => 0,
        Err(problem) => {
            messages.error(problem);
            DIFFERS
        }
    }
}

fn verify(invocation: &Invocation, given: &Given, messages: &Messages) -> Result<(), Problem> {
    let minimized = given.has("minimized-runtime");
    let directory = match given.words.first() {
        Some(word) => absolute(word)?,
        None => own_depot(&invocation.executable)?,
    };
    let path = match given.last("mtree") {
        Some(file) => absolute(file)?,
        None if minimized => directory.at("../usr-mtree.txt.gz"),
        None => directory.at(MANIFEST),
    };
    messages.info(format_args!("comparing {directory} with {path}"));
    let manifest = runtimes::manifest(&path).map_err(|error| error.problem())?;
    for warning in &manifest.warnings {
        messages.warning(format_args!(
            "{path}:{}: unknown keyword `{}`",
            warning.line, warning.keyword
        ));
    }
    let threads = runtimes::threads();
    let how = Verification { manifest: &manifest, minimized, threads, progress: &|_| () };
    let verdict = runtimes::verify(&directory, &how).map_err(|error| error.problem())?;
    messages.info(format_args!("{} entries, {} bytes read", verdict.entries, verdict.bytes));
    if verdict.differences.is_empty() {
        if !given.has("quiet") {
            messages.notice(format_args!("{directory} is as {path} says"));
        }
        return Ok(());
    }
    for difference in &verdict.differences {
        messages.warning(difference);
    }
    Err(Problem::blocking(
        Code::RUNTIME_DAMAGED,
        format!("{} things in {directory} are not as {path} says", verdict.differences.len()),
    )
    .hint("let Steam verify the tool's files, or get the runtime again"))
}

/// The depot that has this program in its `pressure-vessel`, be it in `bin` or deeper, where a link leads.
fn own_depot(executable: &Path) -> Result<HostPath, Problem> {
    let mut around = executable.ancestors().skip(3);
    let nearest = around.clone().next().unwrap_or(executable);
    let depot = around.find(|dir| dir.join(MANIFEST).symlink_metadata().is_ok());
    absolute(depot.unwrap_or(nearest).as_os_str())
}

fn absolute(path: &OsStr) -> Result<HostPath, Problem> {
    let path = std::path::absolute(path).map_err(|error| error.to_string());
    path.and_then(|path| HostPath::new(path).map_err(|error| error.to_string())).map_err(|error| {
        Problem::blocking(Code::BAD_VALUE, error).hint("name a directory of the runtime")
    })
}

//! `explain`: where a file or library of the container comes from and why, or what a problem code
//! means.
//!
//! Everything is read off the plan: its decisions say who was considered and who won, and the
//! simulated namespace where that leads in each view. Nothing is prepared, and nothing is run.

mod code;
mod file;
mod library;
mod page;
mod sight;

use crate::args::Explain;
use crate::session::Session;
use crate::stop::Stop;
use crate::terminal::Terminal;
use crate::timings::Timings;
use crate::{USAGE, logger, report};
use compose::Forgetful;
use library::Searches;
use page::Page;
use plan::simulate::Namespace;
use plan::{ByteString, Code, Plan, Problem};
use sight::Sights;
use std::ffi::{OsStr, OsString};
use std::os::unix::ffi::OsStrExt;
use std::process::ExitCode;

/// Something that was asked about is not known.
const UNKNOWN: u8 = 1;

/// `bathysphere explain`.
pub(crate) fn run(mut explain: Explain) -> ExitCode {
    logger::start(explain.launch.verbose);
    let names = std::mem::take(&mut explain.launch.command);
    let (codes, names): (Vec<_>, Vec<_>) = names.into_iter().partition(|name| code::is_code(name));
    let mut text = String::new();
    for code in codes {
        match code::section(&code.to_string_lossy()) {
            Some(section) => text += section,
            None => return code::unknown(&code),
        }
    }
    let mut status = 0;
    if !names.is_empty() {
        match explained(&explain, &names, &mut text) {
            Ok(true) => {}
            Ok(false) => status = UNKNOWN,
            Err(stop) => return stop.report(),
        }
    }
    report::print(text.as_bytes(), status)
}

/// Explains names of the container; whether all of them are known.
fn explained(explain: &Explain, names: &[OsString], text: &mut String) -> Result<bool, Stop> {
    let mut timings = Timings::new(explain.launch.timings);
    // What is explained does not depend on the command; a plan must have one.
    let mut session = Session::start(&explain.launch, &mut timings)?;
    session.request.command = vec!["true".into()];
    let plan = session.plan(&Forgetful)?;
    timings.phase("plan");
    let namespace = Namespace::of(&plan).map_err(|error| {
        Problem::blocking(Code::PLAN_NOT_SIMULATED, format!("the plan would fail: {error}"))
            .hint("run again in case a file has vanished; else report what `plan` prints")
    })?;
    let terminal = Terminal::of_stdout(&session.edge.inherited);
    let sights = Sights::new(&namespace);
    let searches = Searches::new(&sights);
    let mut all = true;
    for name in names {
        let mut page = Page::new(terminal, explain.launch.verbose > 0);
        let known = if name.as_bytes().starts_with(b"/") {
            file::explain(name, &sights, &mut page)
        } else {
            searches.explain(name, &mut page)
        };
        if known {
            if !text.is_empty() {
                text.push('\n');
            }
            *text += page.text();
        } else {
            report::problem(&nothing(name, &plan));
            all = false;
        }
    }
    timings.phase("explain");
    Ok(all)
}

fn nothing(name: &OsStr, plan: &Plan) -> Problem {
    let shown = ByteString::from(name);
    let cause = if name.as_bytes().starts_with(b"/") {
        format!("`{shown}` is not in the container")
    } else {
        format!(
            "no library, driver or manifest called `{shown}` is in the container, and none was among \
             the {} things that were considered",
            plan.decisions.len()
        )
    };
    Problem::blocking(Code::NOTHING_KNOWN, cause).hint(
        "check the spelling; `bathysphere plan --format libraries` lists what was considered, and \
         `--format tree` what is where",
    )
}

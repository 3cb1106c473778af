//! `doctor`: this machine at a glance, and whether a launch can work on it.
//!
//! Everything is found by reading, and by trying the kernel in children that end at once; nothing of the
//! machine is executed, but for bwrap where the built-in executor is refused. What may never answer (a
//! network file system, a program behind FUSE) is looked at in a thread that is left behind after a while.

mod desktop;
mod drivers;
mod emulators;
mod installations;
mod kernel;
mod limit;
mod runtimes;
mod show;
mod store;

use crate::args::Doctor;
use crate::edge::Edge;
use crate::report::Finding;
use crate::terminal::Terminal;
use crate::{FAILURE, logger, report};
use compose::{Facts, Inherited};
use limit::limited;
use plan::{Code, HostPath, Problem, Severity};
use serde::Serialize;
use std::process::ExitCode;

/// Exit status when a launch cannot work.
const UNWELL: u8 = 1;

/// Version of the JSON. `docs/doctor.md` describes it.
const SCHEMA: u32 = 1;

/// Everything that is found. A part is `null` where it was not found in time.
#[derive(Debug, Serialize)]
pub(crate) struct Report {
    schema: u32,
    version: &'static str,
    /// Whether a launch can work: nothing of `problems` stops it.
    healthy: bool,
    problems: Vec<Finding>,
    kernel: kernel::Kernel,
    system: Option<runtimes::System>,
    drivers: Option<drivers::Drivers>,
    emulators: Option<emulators::Emulators>,
    runtimes: Option<runtimes::Runtimes>,
    store: Option<store::Report>,
    desktop: Option<desktop::Desktop>,
    installations: Option<Vec<installations::Installation>>,
}

/// `bathysphere doctor`.
pub(crate) fn run(doctor: &Doctor) -> ExitCode {
    logger::start(0);
    let edge = Edge::read();
    let report = examine(doctor, &edge);
    let text = if doctor.json {
        match serde_json::to_string_pretty(&report) {
            Ok(json) => json + "\n",
            Err(error) => {
                report::notice(&format!("error: the report cannot be written as JSON: {error}"));
                return FAILURE.into();
            }
        }
    } else {
        show::text(&report, &Terminal::of_stdout(&edge.inherited))
    };
    report::print(text.as_bytes(), if report.healthy { 0 } else { UNWELL })
}

fn examine(doctor: &Doctor, edge: &Edge) -> Report {
    let mut problems = vec![];
    // First, because it forks, which wants a process of one thread.
    let kernel = kernel::look(edge, &mut problems);
    let store_path = match &doctor.store {
        Some(path) => HostPath::new(path).map_err(|error| {
            Problem::blocking(Code::BAD_VALUE, format!("--store: {error}"))
                .hint("name a directory by its absolute path")
        }),
        None => edge.store(),
    };
    let environment = edge.inherited.clone();
    let runtime = doctor.runtime.clone();
    let system = part("the system", &environment, &mut problems, runtimes::system);
    let drivers = part("the drivers", &environment, &mut problems, drivers::look);
    let emulators = part("the emulators", &environment, &mut problems, emulators::look);
    let runtimes = part("the runtimes", &environment, &mut problems, move |facts, problems| {
        runtimes::look(facts, runtime.as_deref(), problems)
    });
    let desktop = part("the desktop", &environment, &mut problems, desktop::look);
    let installations = part("the installations", &environment, &mut problems, installations::look);
    let store = match store_path {
        Ok(path) => part("the store", &environment, &mut problems, move |facts, problems| {
            store::look(facts, path, problems)
        }),
        Err(problem) => {
            problems.push(problem);
            None
        }
    };
    Problem::sort(&mut problems);
    Report {
        schema: SCHEMA,
        version: env!("CARGO_PKG_VERSION"),
        healthy: problems.iter().all(|problem| problem.severity == Severity::Warning),
        problems: problems.into_iter().map(Finding::from).collect(),
        kernel,
        system,
        drivers,
        emulators,
        runtimes,
        store,
        desktop,
        installations,
    }
}

/// One part, within its time. Each gathers its own facts, because those remember what they have seen and
/// cannot be shared between threads.
fn part<T: Send + 'static>(
    name: &'static str,
    environment: &Inherited,
    problems: &mut Vec<Problem>,
    look: impl FnOnce(&Facts, &mut Vec<Problem>) -> T + Send + 'static,
) -> Option<T> {
    let environment = environment.clone();
    let looked = limited(move || {
        let mut found = vec![];
        match Facts::gather(environment) {
            Ok(facts) => (Some(look(&facts, &mut found)), found),
            Err(error) => {
                let problem = Problem::blocking(Code::UNREADABLE, error.to_string());
                (None, vec![problem.hint("make sure that /proc is mounted")])
            }
        }
    });
    match looked {
        Ok((value, found)) => {
            problems.extend(
                found.into_iter().filter(|new| !problems.contains(new)).collect::<Vec<_>>(),
            );
            value
        }
        Err(limit::TimeIsUp) => {
            let cause = format!("looking at {name} took more than {} s", limit::LIMIT.as_secs());
            let hint = "a file system does not answer: see whether `df` comes to its end";
            problems.push(Problem::warning(Code::UNREADABLE, cause).hint(hint));
            None
        }
    }
}

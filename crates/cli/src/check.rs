//! `check`, and the check before a launch: what of the plan will not work.

use crate::args::CheckPlan;
use crate::report::Finding;
use crate::session::Session;
use crate::stop::Stop;
use crate::timings::Timings;
use crate::{FAILURE, logger, report};
use ::check::World;
use compose::{Facts, Forgetful};
use inspect::disk::{self, Purpose};
use inspect::linker::{Linker, Options};
use inspect::nvidia;
use plan::{HostPath, Plan, Problem, Severity, Tuple};
use serde::Serialize;
use std::process::ExitCode;

/// Version of the JSON.
const SCHEMA: u32 = 1;

/// Everything that was found, as JSON has it.
#[derive(Debug, Serialize)]
struct Report {
    schema: u32,
    /// Whether the launch would be stopped.
    blocked: bool,
    problems: Vec<Finding>,
}

/// `bathysphere check`.
pub(crate) fn run(check: CheckPlan) -> ExitCode {
    logger::start(check.launch.verbose);
    let mut timings = Timings::new(check.launch.timings);
    let mut status = 0;
    let problems = match examine(&check, &mut timings) {
        Ok(problems) => problems,
        Err(stop) => {
            status = stop.status;
            stop.problems
        }
    };
    if let Some(problem) = blocking(&problems).filter(|_| status == 0) {
        status = ::check::exit_status(problem);
    }
    let printed = if check.json {
        json(problems)
    } else {
        let text: String = problems.iter().map(detailed).collect();
        let nothing = "Nothing was found that will not work.\n".to_owned();
        Ok(if problems.is_empty() { nothing } else { text })
    };
    match printed {
        Ok(text) => report::print(text.as_bytes(), status),
        Err(error) => {
            report::notice(&format!("error: the report cannot be written as JSON: {error}"));
            FAILURE.into()
        }
    }
}

/// Everything that there is to say about a launch with these options.
fn examine(check: &CheckPlan, timings: &mut Timings) -> Result<Vec<Problem>, Stop> {
    let session = Session::start(&check.launch, timings)?;
    let executor = sandbox::usable(&session.edge.options(session.backend));
    timings.phase("namespaces");
    let mut problems: Vec<Problem> =
        executor.err().map(|error| error.problem()).into_iter().collect();
    let plan = session.plan(&Forgetful)?;
    timings.phase("compose");
    problems.extend(plan.warnings.iter().cloned());
    problems.extend(of_plan(&session, &plan));
    timings.phase("check");
    Problem::sort(&mut problems);
    Ok(problems)
}

/// A finding with all of its evidence, whether it blocks or not.
fn detailed(problem: &Problem) -> String {
    let kind = if problem.severity == Severity::Blocking { "error" } else { "warning" };
    let shown = Problem { severity: Severity::Blocking, ..problem.clone() };
    format!("{kind}: {shown}\n")
}

fn json(problems: Vec<Problem>) -> Result<String, String> {
    let report = Report {
        schema: SCHEMA,
        blocked: blocking(&problems).is_some(),
        problems: problems.into_iter().map(Finding::from).collect(),
    };
    let text = serde_json::to_string_pretty(&report).map_err(|error| error.to_string())?;
    Ok(text + "\n")
}

fn blocking(problems: &[Problem]) -> Option<&Problem> {
    problems.iter().find(|problem| problem.severity == Severity::Blocking)
}

/// Checks a plan before it is executed: prints what does not block, one line each.
///
/// # Errors
/// What stops the launch.
pub(crate) fn before_launch(session: &Session, plan: &Plan) -> Result<(), Stop> {
    let problems = of_plan(session, plan);
    let status = blocking(&problems).map(::check::exit_status);
    let (stopping, others): (Vec<_>, Vec<_>) =
        problems.into_iter().partition(|problem| problem.severity == Severity::Blocking);
    others.iter().for_each(report::problem);
    match status {
        Some(status) => Err(Stop { problems: stopping, status }),
        None => Ok(()),
    }
}

/// What of a plan will not work on this machine.
fn of_plan(session: &Session, plan: &Plan) -> Vec<Problem> {
    let facts = &session.facts;
    let runs: Vec<Tuple> = Tuple::ALL.iter().copied().filter(|t| facts.runs(*t)).collect();
    let mut named: Vec<HostPath> = vec![session.request.working_directory.clone()];
    named.extend(session.request.filesystems.iter().map(|share| share.path.clone()));
    let world = World {
        inherited: &session.edge.environment,
        host: &facts.host,
        runs: &runs,
        mounted_noexec: &|path| noexec(facts, path),
        registry: &|| inspect::binfmt::registry(&facts.host, &facts.mounts),
        named: &named,
    };
    let mut problems = ::check::check(plan, &world);
    problems.extend(driver(facts));
    problems.extend(home(facts));
    problems
}

fn noexec(facts: &Facts, path: &HostPath) -> Option<Problem> {
    let disk = disk::of(&facts.mounts, path).ok()?;
    disk.problems(Purpose::Command, facts.user.uid).into_iter().next()
}

/// Whether the parts of NVIDIA's driver fit together. Without its kernel module nothing is searched.
fn driver(facts: &Facts) -> Vec<Problem> {
    if nvidia::module(&facts.host).is_none() {
        return vec![];
    }
    let search = |tuple: &Tuple| Linker::new(&facts.host, *tuple, Options::default()).ok();
    let linkers: Vec<Linker<'_>> =
        Tuple::ALL.iter().filter(|t| facts.runs(**t)).filter_map(search).collect();
    nvidia::driver(&facts.host, &linkers).problems()
}

/// Whether the home directory can hold what games write.
fn home(facts: &Facts) -> Vec<Problem> {
    let Some(home) = facts.home() else { return vec![] };
    let path = HostPath::root().lexically(&home);
    let disk = disk::of(&facts.mounts, &path);
    disk.map(|disk| disk.problems(Purpose::Home, facts.user.uid)).unwrap_or_default()
}

//! `plan`: what `run` with the same options would do, in several forms.

pub(crate) mod bwrap;
mod oci;

use crate::args::{Format, ShowPlan};
use crate::launch::{Ready, prepare};
use crate::session::Session;
use crate::stop::Stop;
use crate::terminal::Terminal;
use crate::timings::Timings;
use crate::{logger, report};
use compose::Forgetful;
use plan::tree::{Style, Tree};
use plan::{Code, Plan, Problem};
use std::process::ExitCode;
use store::Store;

/// `bathysphere plan`.
pub(crate) fn run(show: ShowPlan) -> ExitCode {
    logger::start(show.launch.verbose);
    let mut timings = Timings::new(show.launch.timings);
    let text = match shown(&show, &mut timings) {
        Ok(text) => text,
        Err(stop) => return stop.report(),
    };
    timings.phase("plan");
    report::print(&text, 0)
}

fn shown(show: &ShowPlan, timings: &mut Timings) -> Result<Vec<u8>, Stop> {
    if show.null && show.format != Format::Bwrap {
        return Err(Problem::blocking(Code::BAD_VALUE, "--null is only for `--format bwrap`")
            .hint("leave it out")
            .into());
    }
    if show.output.is_some() && show.format != Format::Oci {
        return Err(Problem::blocking(Code::BAD_VALUE, "--output is only for `--format oci`")
            .hint("leave it out; other forms are written to standard output")
            .into());
    }
    let mut session = Session::start(&show.launch, timings)?;
    match show.format {
        Format::Bwrap => return bwrap::shown(show, &mut session),
        Format::Oci => return oci::shown(show, &mut session),
        Format::Steps | Format::Libraries | Format::Tree | Format::Json => {}
    }
    let plan = session.plan(&Forgetful)?;
    plan.warnings.iter().for_each(report::problem);
    let text = match show.format {
        Format::Libraries => report::libraries(&plan),
        Format::Tree => tree(show, &session, &plan)?,
        Format::Json => plan.to_json().map_err(|error| {
            Problem::blocking(Code::EXPORT_IMPOSSIBLE, format!("as JSON: {error}"))
                .hint("report this with the command")
        })?,
        Format::Steps | Format::Bwrap | Format::Oci => {
            plan.steps.iter().map(|s| format!("{s}\n")).collect()
        }
    };
    Ok(text.into_bytes())
}

fn tree(show: &ShowPlan, session: &Session, plan: &Plan) -> Result<String, Problem> {
    let Terminal { colour, width } = Terminal::of_stdout(&session.edge.inherited);
    let tree = Tree::of(plan).map_err(|error| {
        let mut problem = Problem::blocking(
            Code::PLAN_NOT_SIMULATED,
            format!("the plan cannot be drawn, because it would fail: {error}"),
        )
        .hint("run again in case a file has vanished; else report what `--format steps` prints");
        if let Some(step) = plan.steps.get(error.step()) {
            problem = problem.evidence(step.to_string());
        }
        problem
    })?;
    Ok(tree.draw(&Style { colour, width, whole: show.launch.verbose > 0 }))
}

/// The plan, amended, with its layers and trees prepared: in the form that is asked for or, where
/// overlayfs cannot serve, with trees.
fn prepared(
    session: &mut Session,
    store: &Store,
    amend: &dyn Fn(&mut Plan),
) -> Result<(Plan, Ready), Stop> {
    loop {
        let mut plan = session.plan(&Forgetful)?;
        amend(&mut plan);
        match prepare(store, &plan) {
            Ok(ready) => {
                plan.warnings.iter().for_each(report::problem);
                return Ok((plan, ready));
            }
            Err(error @ store::Error::NoWhiteouts { .. })
                if session.restack(&error.to_string()) => {}
            Err(error) => return Err(error.into()),
        }
    }
}

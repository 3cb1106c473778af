//! `plan`: what `run` with the same options would do.

use crate::args::{Format, ShowPlan};
use crate::session::Session;
use crate::timings::Timings;
use crate::{FAILURE, logger, report};
use compose::Forgetful;
use std::io::Write as _;
use std::process::ExitCode;

/// `bathysphere plan`.
pub(crate) fn run(show: ShowPlan) -> ExitCode {
    logger::start(show.launch.verbose);
    let mut timings = Timings::new(show.launch.timings);
    let plan = match Session::start(&show.launch, &mut timings).and_then(|s| s.plan(&Forgetful)) {
        Ok(plan) => plan,
        Err(stop) => return stop.report(),
    };
    timings.phase("plan");
    plan.warnings.iter().for_each(report::problem);
    let text = match show.format {
        Format::Steps => plan.steps.iter().map(|s| format!("{s}\n")).collect(),
        Format::Libraries => report::libraries(&plan),
        Format::Json => match serde_json::to_string_pretty(&plan) {
            Ok(json) => json + "\n",
            Err(error) => {
                report::notice(&format!("error: the plan cannot be written as JSON: {error}"));
                return FAILURE.into();
            }
        },
    };
    match std::io::stdout().write_all(text.as_bytes()) {
        Ok(()) => ExitCode::SUCCESS,
        // The reader, such as `head`, has what it wanted.
        Err(error) if error.kind() == std::io::ErrorKind::BrokenPipe => ExitCode::SUCCESS,
        Err(error) => {
            report::notice(&format!("error: writing to standard output: {error}"));
            FAILURE.into()
        }
    }
}

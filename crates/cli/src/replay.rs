//! `run --plan`: a plan that was made before, by this program or by hand, becomes a process.
//!
//! Nothing is decided here. What the plan says is checked as before every launch, its layers are
//! prepared, and it is executed.

use crate::args::Run;
use crate::launch::{execute, prepare};
use crate::session::{Session, open_store};
use crate::stop::Stop;
use crate::timings::Timings;
use crate::{check, report, tidy};
use plan::export::MAX_BYTES;
use plan::{Code, Op, Plan, Problem, StackForm};
use std::fs::File;
use std::io::Read;
use std::path::Path;

/// Carries out the plan in `file`; `-` is standard input.
pub(crate) fn launch(run: &Run, file: &Path, timings: &mut Timings) -> Result<u8, Stop> {
    let mut plan = read(file)?;
    let session = Session::of_plan(&run.launch, &plan)?;
    timings.phase("read");
    plan.warnings.iter().for_each(report::problem);
    if !run.no_check && !run.only_prepare {
        check::before_launch(&session, &plan)?;
        timings.phase("check");
    }
    let store = open_store(run.launch.store.as_deref(), &session.edge)?;
    loop {
        let ready = match prepare(&store, &plan) {
            Ok(ready) => ready,
            Err(error @ store::Error::NoWhiteouts { .. })
                if as_trees(&mut plan, &error.to_string()) =>
            {
                continue;
            }
            Err(error) => return Err(error.into()),
        };
        timings.phase("prepare");
        store.warnings().iter().for_each(report::problem);
        if ready.built && !store.is_ephemeral() {
            tidy::start(store.path());
        }
        if run.only_prepare {
            return Ok(0);
        }
        match execute(&session, run.launch.verbose > 0, &plan, &ready) {
            Ok(status) => return Ok(status),
            Err(error)
                if error.refused_overlay().is_some() && as_trees(&mut plan, &error.to_string()) => {
            }
            Err(error) => {
                let status = error.exit_status();
                return Err(Stop { problems: vec![error.problem()], status });
            }
        }
    }
}

/// Changes every overlay of the plan to a prepared tree, which looks the same from inside, and says
/// why; whether there was one.
fn as_trees(plan: &mut Plan, reason: &str) -> bool {
    let mut changed = false;
    for step in &mut plan.steps {
        if let Op::Stack { form: form @ StackForm::Overlay, .. } = &mut step.op {
            *form = StackForm::Tree;
            changed = true;
        }
    }
    if changed {
        report::notice(&format!("using a prepared tree instead of overlayfs: {reason}"));
    }
    changed
}

fn read(file: &Path) -> Result<Plan, Problem> {
    let unusable = |why: &dyn std::fmt::Display| {
        Problem::blocking(Code::PLAN_UNUSABLE, format!("`{}`: {why}", file.display().to_string().escape_debug()))
            .hint("make the plan anew with `bathysphere plan --format json`; docs/plan.md says what is in it")
    };
    let bytes = contents(file).map_err(|error| unusable(&error))?;
    Plan::from_json(&bytes).map_err(|error| unusable(&error))
}

/// One byte more than a plan may have, so that the reader sees that there are too many.
fn contents(file: &Path) -> std::io::Result<Vec<u8>> {
    let most = u64::try_from(MAX_BYTES).unwrap_or(u64::MAX).saturating_add(1);
    let mut bytes = Vec::new();
    if file.as_os_str() == "-" {
        std::io::stdin().take(most).read_to_end(&mut bytes)?;
    } else {
        File::open(file)?.take(most).read_to_end(&mut bytes)?;
    }
    Ok(bytes)
}

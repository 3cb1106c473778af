//! What a launch costs here, beside what bare bwrap costs here, measured in the same run.
//!
//! Wall and processor time are hyperfine's, over rounds in which every subject has its turn, so that what else the
//! machine does hits them alike. Memory is GNU time's; calls and processes are strace's, in runs of their own.

mod cost;
mod subject;

use serde_json::{Value, json};

use crate::error::{Context, Problem, Result};
use crate::lab::Lab;
use crate::progress::{note, step};
use crate::user::{self, TemporaryDir};
use crate::{dist, process};
use cost::Cost;
use subject::Subject;

const RUNTIME: &str = "runtime-bullseye";

/// What `cargo xtask bench` was asked for.
pub(crate) struct Options {
    /// Print JSON instead of a table.
    pub(crate) json: bool,
    /// Rounds in which every subject is measured.
    pub(crate) rounds: u32,
}

/// Measures and prints; never judges.
pub(crate) fn run(options: &Options) -> Result<()> {
    let program = dist::native()?;
    user::require_readable(&program)?;
    let lab = Lab::from_environment();
    lab.build(&[RUNTIME.to_owned()])?;
    let runtime = lab.root(RUNTIME)?;
    let home = TemporaryDir::new()?;
    let mut plan = user::command(&program, home.path());
    plan.args(["plan", "--format", "json", "--runtime"]).arg(&runtime).args(["--", "true"]);
    let plan: Value =
        serde_json::from_str(&process::output(&mut plan)?).context("reading the plan")?;
    let operations = plan["steps"].as_array().map(Vec::len).unwrap_or_default();
    if operations == 0 {
        return Err(
            Problem::new("the plan has no steps").hint("try `bathysphere plan --format json`")
        );
    }
    let subjects = subject::all(&program, &runtime, home.path(), operations);
    let mut costs = vec![Cost::default(); subjects.len()];
    for round in 1..=options.rounds {
        step(&format!("round {round} of {}", options.rounds), || {
            subjects.iter().zip(&mut costs).try_for_each(|(s, cost)| cost.times(s, home.path()))
        })?;
    }
    step("counting calls, processes, files and memory", || {
        subjects.iter().zip(&mut costs).try_for_each(|(s, cost)| cost.counts(s, home.path()))
    })?;
    note(&format!("the plan has {operations} operations"));
    if options.json {
        println!("{}", as_json(&subjects, &costs, operations));
    } else {
        print_table(&subjects, &costs);
    }
    Ok(())
}

fn print_table(subjects: &[Subject], costs: &[Cost]) {
    println!(
        "{:34} {:>9} {:>9} {:>6} {:>9} {:>9} {:>9} {:>7} {:>5} {:>6} {:>6}",
        "",
        "median ms",
        "min ms",
        "ratio",
        "user ms",
        "system ms",
        "peak KiB",
        "calls",
        "procs",
        "create",
        "files"
    );
    let bare = costs.first().map_or(f64::NAN, Cost::median);
    for (subject, cost) in subjects.iter().zip(costs) {
        println!(
            "{:34} {:>9.2} {:>9.2} {:>6.2} {:>9.2} {:>9.2} {:>9} {:>7} {:>5} {:>6} {:>6}",
            subject.name,
            cost.median(),
            cost.minimum(),
            cost.median() / bare,
            cost.user(),
            cost.system(),
            cost.peak,
            cost.calls,
            cost.processes,
            cost.creating,
            cost.files
        );
    }
    println!(
        "ratio: of the medians to the first line. create: calls that make a file, directory or link, in memory"
    );
    println!(
        "or on disk. files: what is on disk in home and store after the launch and was not before."
    );
}

fn as_json(subjects: &[Subject], costs: &[Cost], operations: usize) -> Value {
    let bare = costs.first().map_or(f64::NAN, Cost::median);
    let rows: Vec<Value> = subjects
        .iter()
        .zip(costs)
        .map(|(subject, cost)| {
            json!({
                "name": subject.name,
                "runs": cost.runs(),
                "wall_median_ms": cost.median(),
                "wall_min_ms": cost.minimum(),
                "ratio": cost.median() / bare,
                "user_ms": cost.user(),
                "system_ms": cost.system(),
                "peak_kib": cost.peak,
                "system_calls": cost.calls,
                "processes": cost.processes,
                "creating_calls": cost.creating,
                "new_files": cost.files,
            })
        })
        .collect();
    json!({ "plan_operations": operations, "subjects": rows })
}

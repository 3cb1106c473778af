//! What a launch costs here, beside what bare bwrap costs here, measured in the same run.
//!
//! Wall and processor time are hyperfine's, over rounds in which every subject has its turn, so that what else the
//! machine does hits them alike. Memory is GNU time's; calls and processes are strace's, in runs of their own.

mod cost;
mod picture;
mod scaling;
mod subject;

use std::fs;
use std::path::Path;

use serde_json::{Value, json};

use crate::error::{Context, Problem, Result};
use crate::lab::Lab;
use crate::progress::{note, step};
use crate::user::{self, TemporaryDir};
use crate::{cargo, dist, process};
use cost::Cost;
use scaling::Row;
use subject::{Place, Subject};

/// Some 23,000 files.
const RUNTIME: &str = "runtime-bullseye";
const FILES: &str = "form-flatpak";
const DEPOT: &str = "form-depot";

/// What `cargo xtask bench` was asked for.
pub(crate) struct Options {
    /// Print JSON instead of a table.
    pub(crate) json: bool,
    /// Write the picture for docs/performance.md.
    pub(crate) picture: bool,
    /// Rounds in which every subject is measured.
    pub(crate) rounds: u32,
}

/// Everything that was measured.
struct Measured {
    subjects: Vec<Subject>,
    costs: Vec<Cost>,
    operations: usize,
    by_operations: Vec<Row>,
    at_once: Vec<Row>,
}

/// Measures and prints; never judges.
pub(crate) fn run(options: &Options) -> Result<()> {
    let program = dist::native()?;
    user::require_readable(&program)?;
    let lab = Lab::from_environment();
    lab.build(&[RUNTIME, FILES, DEPOT].map(str::to_owned))?;
    let home = TemporaryDir::new()?;
    let memory = TemporaryDir::in_memory()?;
    let place = Place {
        program: &program,
        runtime: &lab.root(RUNTIME)?,
        files: &lab.root(FILES)?,
        depot: &lab.root(DEPOT)?,
        home: home.path(),
        memory: memory.path(),
    };
    let measured = measure(&place, options.rounds)?;
    if options.picture {
        let path = cargo::workspace()?.root.join("docs/images/performance.svg");
        fs::write(&path, picture(&measured)).at("writing", &path)?;
        note(&format!("wrote {}", path.display()));
    }
    if options.json {
        println!("{}", as_json(&measured));
    } else {
        print_tables(&measured);
    }
    Ok(())
}

fn measure(place: &Place<'_>, rounds: u32) -> Result<Measured> {
    let (program, home) = (place.program, place.home);
    let mut plan = user::command(program, home);
    plan.args(["plan", "--format", "json", "--runtime"]).arg(place.runtime).args(["--", "true"]);
    let plan: Value =
        serde_json::from_str(&process::output(&mut plan)?).context("reading the plan")?;
    let operations = plan["steps"].as_array().map(Vec::len).unwrap_or_default();
    if operations == 0 {
        return Err(
            Problem::new("the plan has no steps").hint("try `bathysphere plan --format json`")
        );
    }
    let subjects = subject::all(place, operations);
    let mut costs = vec![Cost::default(); subjects.len()];
    step("first launches", || warm_up(&subjects, home))?;
    for round in 1..=rounds {
        step(&format!("round {round} of {rounds}"), || {
            subjects.iter().zip(&mut costs).try_for_each(|(s, cost)| cost.times(s, home))
        })?;
    }
    step("counting calls, processes, files and memory", || {
        subjects.iter().zip(&mut costs).try_for_each(|(s, cost)| cost.counts(s, home))
    })?;
    let by_operations =
        step("10, 100, 1000 operations", || scaling::operations(program, home, rounds))?;
    let warm = subjects.iter().find(|s| s.name.starts_with("warm"));
    let warm = warm.map(|s| s.command.clone()).unwrap_or_default();
    let at_once = step("1, 8, 32 launches at once", || scaling::at_once(&warm, home, rounds))?;
    Ok(Measured { subjects, costs, operations, by_operations, at_once })
}

/// A launch is remembered only when nothing that it looked at is newer than a few seconds.
fn warm_up(subjects: &[Subject], home: &Path) -> Result<()> {
    for _ in 0..3 {
        for subject in subjects.iter().filter(|s| s.name.starts_with("warm")) {
            let mut launch = user::command(&subject.command[0], home);
            process::output(launch.args(&subject.command[1..]))?;
        }
        std::thread::sleep(std::time::Duration::from_secs(2));
    }
    Ok(())
}

const HEADS: [&str; 10] = [
    "median ms",
    "min ms",
    "ratio",
    "user ms",
    "system ms",
    "peak KiB",
    "calls",
    "processes",
    "made",
    "written",
];

/// Markdown, which is also to be read as it is.
fn print_tables(measured: &Measured) {
    println!("The plan has {} operations.\n", measured.operations);
    println!("| | {} | new files |", HEADS.join(" | "));
    println!("|---{}|---:|", "|---:".repeat(HEADS.len()));
    let bare = measured.costs.first().map_or(f64::NAN, Cost::median);
    for (subject, cost) in measured.subjects.iter().zip(&measured.costs) {
        println!(
            "| {} | {:.2} | {:.2} | {:.2} | {:.2} | {:.2} | {} | {} | {} | {} | {} | {} |",
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
            cost.written,
            cost.files
        );
    }
    let table = |heads: [&str; 4], rows: &[Row]| {
        println!("\n| {} |\n|---:|---:|---:|---:|", heads.join(" | "));
        for row in rows {
            let ratio = row.ours / row.other;
            println!("| {} | {:.2} | {:.2} | {ratio:.2} |", row.count, row.ours, row.other);
        }
    };
    table(["further operations", "builtin ms", "bwrap ms", "ratio"], &measured.by_operations);
    table(
        ["launches at once", "ms", "one after the other / processors", "ratio"],
        &measured.at_once,
    );
}

fn as_json(measured: &Measured) -> Value {
    let bare = measured.costs.first().map_or(f64::NAN, Cost::median);
    let rows: Vec<Value> = measured
        .subjects
        .iter()
        .zip(&measured.costs)
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
                "bytes_written": cost.written,
                "new_files": cost.files,
            })
        })
        .collect();
    let scaling = |rows: &[Row], ours: &str, other: &str| -> Vec<Value> {
        rows.iter()
            .map(|row| json!({ "count": row.count, ours: row.ours, other: row.other }))
            .collect()
    };
    json!({
        "plan_operations": measured.operations,
        "subjects": rows,
        "by_operations": scaling(&measured.by_operations, "builtin_ms", "bwrap_ms"),
        "at_once": scaling(&measured.at_once, "together_ms", "alone_by_processors_ms"),
    })
}

fn picture(measured: &Measured) -> String {
    let bare = measured.costs.first().map_or(f64::NAN, Cost::median);
    let aim = |name: &str| match name {
        _ if name.starts_with("warm") => Some(1.5),
        _ if name.starts_with("cold") => Some(30.0),
        _ => None,
    };
    let rows = measured.subjects.iter().zip(&measured.costs);
    let rows: Vec<_> =
        rows.map(|(s, cost)| (s.name.clone(), cost.median() / bare, aim(&s.name))).collect();
    picture::bars("Wall time as a ratio to `bwrap --ro-bind / / true`, medians", &rows)
}

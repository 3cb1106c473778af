//! How costs grow: with the operations of a plan, and with launches at once.

use std::ffi::OsString;
use std::fs;
use std::path::Path;
use std::process::{Child, Stdio};
use std::time::Instant;

use serde_json::{Value, json};

use super::subject;
use crate::error::{Context, Problem, Result};
use crate::process;
use crate::user;

/// Numbers of operations.
const OPERATIONS: &[usize] = &[10, 100, 1000];
/// Numbers of launches at once.
const AT_ONCE: &[usize] = &[1, 8, 32];

/// One measurement: how many, milliseconds of this program, milliseconds of what it is compared with.
pub(super) struct Row {
    pub(super) count: usize,
    pub(super) ours: f64,
    pub(super) other: f64,
}

/// The built-in executor and bwrap with as many binds on the host's own root, by a plan that is given.
pub(super) fn operations(program: &Path, home: &Path, rounds: u32) -> Result<Vec<Row>> {
    let mut plan = user::command(program, home);
    plan.args(["plan", "--format", "json", "--runtime", "host", "--", "true"]);
    let plan: Value =
        serde_json::from_str(&process::output(&mut plan)?).context("reading the plan")?;
    let mut rows = vec![];
    for &count in OPERATIONS {
        let mut longer = plan.clone();
        if let Some(steps) = longer["steps"].as_array_mut() {
            steps.extend((0..count).map(bind));
        }
        let file = home.join(format!("plan-{count}.json"));
        fs::write(&file, longer.to_string()).at("writing", &file)?;
        let ours: Vec<OsString> = vec![
            program.into(),
            "run".into(),
            "--backend=builtin".into(),
            "--plan".into(),
            file.into(),
        ];
        let other = subject::as_many(count);
        let (mut a, mut b) = (vec![], vec![]);
        for _ in 0..rounds.max(3) * 2 {
            a.push(once(&ours, home)?);
            b.push(once(&other, home)?);
        }
        rows.push(Row { count, ours: median(a), other: median(b) });
    }
    Ok(rows)
}

fn bind(number: usize) -> Value {
    json!({
        "op": "bind",
        "source": { "host": "/usr/share" },
        "at": format!("/run/bench/{number}"),
        "access": "read-only",
        "optional": false,
        "reason": "bench",
    })
}

/// Warm launches at once, beside as many one after the other, divided by the processors.
pub(super) fn at_once(command: &[OsString], home: &Path, rounds: u32) -> Result<Vec<Row>> {
    let processors = std::thread::available_parallelism().map_or(1, usize::from);
    once(command, home)?;
    let mut rows = vec![];
    for &count in AT_ONCE {
        let (mut together, mut alone) = (vec![], vec![]);
        for _ in 0..rounds.max(3) {
            let start = Instant::now();
            let children: Vec<Child> =
                (0..count).map(|_| spawn(command, home)).collect::<Result<_>>()?;
            for child in children {
                ended(child)?;
            }
            together.push(start.elapsed().as_secs_f64() * 1e3);
            let start = Instant::now();
            for _ in 0..count {
                once(command, home)?;
            }
            // One alone cannot be spread over processors.
            alone.push(start.elapsed().as_secs_f64() * 1e3 / processors.min(count) as f64);
        }
        rows.push(Row { count, ours: median(together), other: median(alone) });
    }
    Ok(rows)
}

fn spawn(command: &[OsString], home: &Path) -> Result<Child> {
    let mut process = user::command(&command[0], home);
    process.args(&command[1..]);
    process.stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null());
    process.spawn().context("starting a launch")
}

fn ended(mut child: Child) -> Result<()> {
    let status = child.wait().context("waiting for a launch")?;
    if status.success() { Ok(()) } else { Err(Problem::new(format!("a launch: {status}"))) }
}

fn once(command: &[OsString], home: &Path) -> Result<f64> {
    let start = Instant::now();
    ended(spawn(command, home)?)?;
    Ok(start.elapsed().as_secs_f64() * 1e3)
}

fn median(mut values: Vec<f64>) -> f64 {
    values.sort_by(f64::total_cmp);
    values.get(values.len() / 2).copied().unwrap_or(f64::NAN)
}

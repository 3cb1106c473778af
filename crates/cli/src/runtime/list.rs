//! `runtime list`.

use crate::args::ListRuntimes;
use crate::runtimes::{self, Origin};
use crate::stop::Stop;
use crate::{FAILURE, report};
use compose::{Facts, runtime_summary};
use plan::Tuple;
use serde::Serialize;
use std::fmt::Write as _;
use std::process::ExitCode;
use store::runtimes::{is_used, space_of};

/// One runtime. `docs/runtimes.md` describes the JSON.
#[derive(Debug, Serialize)]
struct Row {
    name: String,
    version: Option<String>,
    /// `depot`, `sysroot`, `usr`.
    form: Option<&'static str>,
    architectures: Vec<Tuple>,
    origin: Origin,
    /// Whether somebody has it locked.
    in_use: bool,
    /// In bytes.
    size: u64,
    path: String,
    /// What is installed: the depot, where it is one.
    directory: String,
    /// Why it cannot be used.
    trouble: Option<String>,
}

pub(super) fn run(list: &ListRuntimes, facts: &Facts) -> Result<ExitCode, Stop> {
    let rows: Vec<Row> = runtimes::installed(facts).into_iter().map(|i| row(facts, i)).collect();
    let text = if list.json {
        match serde_json::to_string_pretty(&rows) {
            Ok(json) => json + "\n",
            Err(error) => {
                report::notice(&format!("error: the list cannot be written as JSON: {error}"));
                return Ok(FAILURE.into());
            }
        }
    } else if rows.is_empty() {
        report::notice("no runtime is installed; `bathysphere runtime add sniper` downloads one");
        String::new()
    } else {
        table(&rows)
    };
    Ok(report::print(text.as_bytes(), 0))
}

fn row(facts: &Facts, installed: runtimes::Installed) -> Row {
    let version = installed.version();
    let summary = runtime_summary(&facts.host, &installed.path);
    let trouble = summary.as_ref().err().map(|problem| problem.cause.clone());
    let summary = summary.ok();
    Row {
        version,
        form: summary.as_ref().map(|s| s.form),
        architectures: summary.map(|s| s.tuples).unwrap_or_default(),
        origin: installed.origin,
        in_use: is_used(&installed.depot),
        size: space_of(&installed.depot),
        path: installed.path.to_string(),
        directory: installed.depot.to_string(),
        name: installed.name,
        trouble,
    }
}

fn table(rows: &[Row]) -> String {
    let heads = ["NAME", "VERSION", "FORM", "STATE", "SIZE", "FROM", "PATH"].map(String::from);
    let cells = |row: &Row| {
        let state = match (&row.trouble, row.in_use) {
            (Some(_), _) => "unusable",
            (None, true) => "in use",
            (None, false) => "free",
        };
        let origin = match row.origin {
            Origin::Steam => "Steam",
            Origin::Bathysphere => "bathysphere",
            Origin::Umu => "umu",
        };
        [
            row.name.clone(),
            row.version.clone().unwrap_or_else(|| "-".into()),
            row.form.unwrap_or("-").into(),
            state.into(),
            format!("{} MiB", row.size >> 20),
            origin.into(),
            row.path.clone(),
        ]
    };
    let lines: Vec<[String; 7]> = std::iter::once(heads).chain(rows.iter().map(cells)).collect();
    let width = |i: usize| lines.iter().map(|l| l[i].chars().count()).max().unwrap_or_default();
    let widths: Vec<usize> = (0..7).map(width).collect();
    let mut out = String::new();
    for line in &lines {
        let cells = line.iter().zip(&widths).map(|(cell, width)| format!("{cell:width$}"));
        // Writing to a String cannot fail.
        let _ = writeln!(out, "{}", cells.collect::<Vec<_>>().join("  ").trim_end());
    }
    out
}

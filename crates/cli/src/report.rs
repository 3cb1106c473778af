//! What the user reads: problems, notices, tables. Everything goes to standard error, except what a
//! command was asked to print.

use crate::FAILURE;
use plan::{Decision, Origin, Plan, Problem, Severity, Subject, Verdict};
use serde::Serialize;
use std::cell::RefCell;
use std::fmt::{self, Write as _};
use std::io::Write as _;
use std::process::ExitCode;
use std::sync::OnceLock;
use tools::messages::{Level, Messages};

/// Prints a problem that stops the launch, or one line for one that does not.
pub(crate) fn problem(problem: &Problem) {
    let kind = match problem.severity {
        Severity::Blocking => "error",
        Severity::Warning => "warning",
    };
    standing(&format!("{kind}: {problem}"));
}

/// Prints a line about what is being done.
pub(crate) fn notice(text: &str) {
    line(text);
}

thread_local! {
    static STANDING: RefCell<Vec<String>> = const { RefCell::new(Vec::new()) };
}

/// Prints a line that is true of every launch of this kind: one that is remembered shows it again.
pub(crate) fn standing(text: &str) {
    STANDING.with_borrow_mut(|lines| lines.push(text.to_owned()));
    line(text);
}

/// The standing lines and warnings shown so far.
pub(crate) fn standing_lines() -> Vec<String> {
    STANDING.with_borrow(Clone::clone)
}

static VOICE: OnceLock<Messages> = OnceLock::new();

/// From now on messages are those of a drop-in program.
pub(crate) fn speak_as(messages: Messages) -> &'static Messages {
    VOICE.get_or_init(|| messages)
}

/// Prints what a library has to say. Drop-in programs have a level for each of them.
pub(crate) fn logged(level: log::Level, target: &str, text: &dyn fmt::Display) {
    let Some(voice) = VOICE.get() else { return line(&format!("{target}: {text}")) };
    let level = match level {
        log::Level::Error => Level::Error,
        log::Level::Warn => Level::Warning,
        log::Level::Info => Level::Info,
        log::Level::Debug | log::Level::Trace => Level::Debug,
    };
    voice.say(level, text);
}

/// One message in one write, so that messages of processes that share a terminal do not mix. A
/// closed standard error is no reason to stop a game.
fn line(text: &str) {
    if let Some(voice) = VOICE.get() {
        let (level, text) = match (text.strip_prefix("error: "), text.strip_prefix("warning: ")) {
            (Some(text), _) => (Level::Error, text),
            (None, Some(text)) => (Level::Warning, text),
            (None, None) => (Level::Notice, text),
        };
        return voice.say(level, text);
    }
    let _ = std::io::stderr().write_all(format!("bathysphere: {text}\n").as_bytes());
}

/// Writes what a command was asked for to standard output; its exit status is `status` then.
pub(crate) fn print(text: &[u8], status: u8) -> ExitCode {
    match std::io::stdout().write_all(text) {
        // The reader, such as `head`, has what it wanted.
        Err(error) if error.kind() != std::io::ErrorKind::BrokenPipe => {
            notice(&format!("error: writing to standard output: {error}"));
            FAILURE.into()
        }
        _ => status.into(),
    }
}

/// A problem as JSON has it.
#[derive(Debug, Serialize)]
pub(crate) struct Finding {
    pub(crate) code: String,
    pub(crate) title: &'static str,
    pub(crate) severity: Severity,
    pub(crate) cause: String,
    pub(crate) evidence: Vec<String>,
    pub(crate) hint: Option<String>,
}

impl From<Problem> for Finding {
    fn from(problem: Problem) -> Self {
        Self {
            code: problem.code.to_string(),
            title: problem.code.title(),
            severity: problem.severity,
            cause: problem.cause,
            evidence: problem.evidence,
            hint: problem.hint,
        }
    }
}

/// The table "library → from where → why" of a plan.
pub(crate) fn libraries(plan: &Plan) -> String {
    let mut rows: Vec<[String; 4]> = plan.decisions.iter().filter_map(row).collect();
    rows.sort_unstable();
    rows.dedup();
    let heads = ["LIBRARY OR DRIVER", "ARCHITECTURE", "FROM", "WHY"].map(String::from);
    let width = |i: usize| {
        rows.iter().chain([&heads]).map(|r| r[i].chars().count()).max().unwrap_or_default()
    };
    let widths = [width(0), width(1), width(2)];
    let mut out = String::new();
    for [name, tuple, from, why] in [&heads].into_iter().chain(&rows) {
        // Writing to a String cannot fail.
        let _ = writeln!(
            out,
            "{name:a$}  {tuple:b$}  {from:c$}  {why}",
            a = widths[0],
            b = widths[1],
            c = widths[2]
        );
    }
    out
}

fn row(decision: &Decision) -> Option<[String; 4]> {
    let (name, tuple) = match &decision.subject {
        Subject::Library { tuple, name } => (name.clone(), tuple.to_string()),
        Subject::Module { tuple, api, path } => (format!("{api}: {path}"), tuple.to_string()),
        Subject::Manifest { api, path } => (format!("{api}: {path}"), String::new()),
        Subject::Path { .. } | Subject::Architecture { .. } | Subject::Other { .. } => return None,
    };
    let from = match &decision.verdict {
        Verdict::Taken { origin, .. } => origin_path(decision, *origin),
        Verdict::Rejected => "rejected".into(),
        Verdict::Absent => "absent".into(),
    };
    Some([name, tuple, from, decision.why.clone()])
}

fn origin_path(decision: &Decision, origin: Origin) -> String {
    let name = match origin {
        Origin::Provider => "host",
        Origin::Runtime => "runtime",
        Origin::Host => "host",
        Origin::Generated => "generated",
    };
    match decision.candidates.iter().find(|c| c.origin == origin) {
        Some(candidate) => format!("{name}: {}", candidate.path),
        None => name.into(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use plan::{Candidate, Tuple};

    #[test]
    fn a_row_names_the_winner() {
        let decision = Decision {
            subject: Subject::Library { tuple: Tuple::X86_64, name: "libGL.so.1".into() },
            candidates: vec![
                Candidate {
                    origin: Origin::Runtime,
                    path: "/usr/lib/a".into(),
                    note: String::new(),
                },
                Candidate {
                    origin: Origin::Provider,
                    path: "/usr/lib/b".into(),
                    note: String::new(),
                },
            ],
            verdict: Verdict::Taken { origin: Origin::Provider, at: "/o/libGL.so.1".into() },
            why: "newer".into(),
        };
        let row = row(&decision).unwrap();
        assert_eq!(row, ["libGL.so.1", "x86_64-linux-gnu", "host: /usr/lib/b", "newer"]);
    }
}

//! The way to a file, or to where it ends, as lines for the user to read.

use inspect::root::{Resolved, TrailStep};
use plan::simulate::{Failure, Found, Step};
use plan::{ByteString, Problem};

/// The most lines of one trail: loops are long and say the same again and again.
const MOST: usize = 12;

/// Adds how something was found.
pub(crate) fn found(problem: Problem, found: &Found) -> Problem {
    let problem = steps(problem, &found.trail);
    problem.evidence(format!("{} is {}", found.path, found.origin))
}

/// Adds where the way ends.
pub(crate) fn failed(problem: Problem, failure: &Failure) -> Problem {
    steps(problem, &failure.trail).evidence(failure.to_string())
}

fn steps(problem: Problem, steps: &[Step]) -> Problem {
    let mut lines: Vec<String> = steps.iter().map(ToString::to_string).collect();
    lines.dedup();
    let more = lines.len().saturating_sub(MOST);
    lines.truncate(MOST);
    if more > 0 {
        lines.push(format!("… and {more} more steps"));
    }
    lines.into_iter().fold(problem, Problem::evidence)
}

/// Adds the links that lead to a library.
pub(crate) fn resolved(problem: Problem, file: &Resolved) -> Problem {
    let line =
        |step: &TrailStep| format!("{} -> {}", step.at, ByteString::from(step.target.as_os_str()));
    let links = file.trail.iter().take(MOST).map(line);
    links.fold(problem, Problem::evidence).evidence(format!("{} is {}", file.path, file.host))
}

//! Progress of long steps, on standard error, with the time that each took.

use std::time::Instant;

use crate::error::Result;

/// Runs one step, announcing it before and telling its time after.
pub(crate) fn step<T>(what: &str, work: impl FnOnce() -> Result<T>) -> Result<T> {
    eprintln!("==> {what}");
    let start = Instant::now();
    let result = work();
    let seconds = start.elapsed().as_secs_f32();
    let outcome = if result.is_ok() { "done" } else { "FAILED" };
    eprintln!("    {outcome} in {seconds:.1} s: {what}");
    result
}

/// One line of news inside a step.
pub(crate) fn note(line: &str) {
    eprintln!("    {line}");
}

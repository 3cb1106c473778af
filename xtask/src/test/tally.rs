//! Counting what tests said.

use std::io::{BufRead, BufReader, Read};
use std::time::Instant;

use crate::error::{Problem, Result};

/// What came of one suite.
#[derive(Debug)]
pub(super) struct Tally {
    /// The suite, or the host.
    pub(super) name: &'static str,
    passed: u32,
    failed: u32,
    skipped: u32,
    seconds: f32,
    started: Instant,
    /// Names of failed tests and reasons of skipped ones.
    remarks: Vec<String>,
}

impl Tally {
    /// Nothing counted yet.
    pub(super) fn new(name: &'static str) -> Self {
        let started = Instant::now();
        Self { name, passed: 0, failed: 0, skipped: 0, seconds: 0.0, started, remarks: Vec::new() }
    }

    /// Counts a check that is not made of tests.
    pub(super) fn check(&mut self, outcome: Result<()>) -> Result<()> {
        outcome.map(|()| self.passed += 1)
    }

    /// Counts a suite that could not run to its end.
    pub(super) fn problem(&mut self, problem: Problem) {
        eprintln!("error: {problem}");
        self.failed += 1;
        self.remarks.push(format!("failed: {problem}"));
    }

    /// The suite has ended.
    pub(super) fn finish(&mut self) {
        self.seconds = self.started.elapsed().as_secs_f32();
    }

    /// Reads the output of test programs to its end, passes it on, and counts.
    pub(super) fn read(&mut self, output: impl Read) {
        let mut reader = BufReader::new(output);
        let mut line = Vec::new();
        while reader.read_until(b'\n', &mut line).is_ok_and(|length| length > 0) {
            let text = String::from_utf8_lossy(&line).trim_end().to_owned();
            eprintln!("{text}");
            self.line(&text);
            line.clear();
        }
    }

    /// How many tests have been counted.
    pub(super) fn total(&self) -> u32 {
        self.passed + self.failed + self.skipped
    }

    /// How many have failed.
    pub(super) fn failed(&self) -> u32 {
        self.failed
    }

    fn line(&mut self, line: &str) {
        if let Some(rest) = line.strip_prefix("test ") {
            match rest.rsplit_once(" ... ") {
                Some((_, "ok")) => self.passed += 1,
                Some((test, "FAILED")) => {
                    self.failed += 1;
                    self.remarks.push(format!("failed: {test}"));
                }
                Some((test, outcome)) if outcome.starts_with("ignored") => {
                    self.skipped += 1;
                    self.remarks.push(format!("skipped: {test}: {outcome}"));
                }
                _ => {}
            }
        } else if let Some(reason) = skip_reason(line) {
            // The test that said so has been counted, or will be, as passed.
            self.skipped += 1;
            self.passed = self.passed.saturating_sub(1);
            self.remarks.push(format!("skipped: {reason}"));
        }
    }
}

/// The reason in a line by which a test says that it did not test.
fn skip_reason(line: &str) -> Option<&str> {
    let (mark, reason) = line.split_once(':')?;
    ["skip", "skipped"].contains(&mark.to_ascii_lowercase().as_str()).then(|| reason.trim())
}

/// Prints the table and the sums; fails when something failed, or was skipped where nothing may be.
pub(super) fn report(tallies: &[Tally], no_skip: bool) -> Result<()> {
    for tally in tallies {
        for remark in &tally.remarks {
            println!("{}: {remark}", tally.name);
        }
    }
    println!("{:28} {:>7} {:>7} {:>7} {:>8}", "suite", "passed", "failed", "skipped", "seconds");
    let (mut passed, mut failed, mut skipped) = (0, 0, 0);
    for tally in tallies {
        println!(
            "{:28} {:>7} {:>7} {:>7} {:>8.0}",
            tally.name, tally.passed, tally.failed, tally.skipped, tally.seconds
        );
        passed += tally.passed;
        failed += tally.failed;
        skipped += tally.skipped;
    }
    println!("{passed} passed, {failed} failed, {skipped} skipped");
    if failed > 0 {
        return Err(Problem::new(format!("{failed} tests or checks failed")));
    }
    if skipped > 0 && no_skip {
        let problem = Problem::new(format!("{skipped} tests were skipped where none may be"));
        return Err(problem.hint("run `cargo xtask setup`, then see the reasons above"));
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn output_is_counted() {
        let mut tally = Tally::new("suite");
        let output = "running 4 tests\ntest a ... ok\ntest b::c ... FAILED\ntest d ... ignored, slow\n\
            test e ... ok\n\nsuccesses:\n\n---- e stdout ----\nSKIP: e: no X server\n\n\
            test result: FAILED. 2 passed; 1 failed; 1 ignored; 0 measured; 0 filtered out\n";
        // Not by `read`, which passes the lines on: whoever counts this test's output would count them.
        output.lines().for_each(|line| tally.line(line));
        assert_eq!((tally.passed, tally.failed, tally.skipped), (1, 1, 2));
        assert_eq!(tally.remarks.len(), 3);
    }

    #[test]
    fn a_test_can_say_that_it_skipped() {
        assert_eq!(skip_reason("SKIPPED: no bus"), Some("no bus"));
        assert_eq!(skip_reason("skipped: x: y"), Some("x: y"));
        assert_eq!(skip_reason("skip this"), None);
    }
}

//! Why a launch ends before its command has, and the exit status for it.

use crate::{FAILURE, USAGE, report};
use plan::{Code, Problem};
use std::process::ExitCode;

/// Why a launch ends before its command has.
pub(crate) struct Stop {
    pub(crate) problems: Vec<Problem>,
    pub(crate) status: u8,
}

impl From<Problem> for Stop {
    fn from(problem: Problem) -> Self {
        let status = if problem.code == Code::BAD_VALUE { USAGE } else { FAILURE };
        Self { problems: vec![problem], status }
    }
}

impl From<Vec<Problem>> for Stop {
    fn from(problems: Vec<Problem>) -> Self {
        let usage = problems.iter().all(|p| p.code == Code::BAD_VALUE);
        Self { problems, status: if usage { USAGE } else { FAILURE } }
    }
}

impl From<store::Error> for Stop {
    fn from(error: store::Error) -> Self {
        error.problem().into()
    }
}

impl Stop {
    /// Prints the problems.
    pub(crate) fn report(&self) -> ExitCode {
        self.problems.iter().for_each(report::problem);
        self.status.into()
    }
}

//! Finding a command by its name.
//!
//! Mirrors the supervisor (`sandbox::supervisor::command`), which does as `execvp`: a candidate that is
//! missing, forbidden or lacks its interpreter gives way to the next directory of `PATH`; a file that
//! is no program is given to `/bin/sh`.

use crate::execute::{Next, Obstacle, Run};
use crate::scene::{Scene, Who};

/// Where commands are searched when the environment has no `PATH` (confstr(3), `_CS_PATH`).
const DEFAULT_PATH: &[u8] = b"/bin:/usr/bin";

/// Longest search path that is used, in directories.
const MAX_CANDIDATES: usize = 1024;

/// A command that was looked for.
pub(crate) struct Search {
    /// Every file that was tried, in order.
    pub(crate) tried: Vec<Vec<u8>>,
    pub(crate) outcome: Outcome,
}

/// What came of it.
pub(crate) enum Outcome {
    /// It runs.
    Runs {
        run: Run,
        /// What makes the kernel refuse it before the shell takes it.
        by_shell: Option<Box<Obstacle>>,
    },
    /// Something is there, and it cannot be executed.
    Fails { path: Vec<u8>, obstacle: Box<Obstacle> },
    /// There is nothing.
    Nowhere,
}

impl Scene<'_> {
    /// Looks for `command`, along `path` if it has no slash.
    pub(crate) fn search(&self, who: Who, command: &[u8], path: Option<&[u8]>) -> Search {
        let path = path.or_else(|| self.variable("PATH")).unwrap_or(DEFAULT_PATH);
        let candidates: Vec<Vec<u8>> = if command.is_empty() {
            vec![]
        } else if command.contains(&b'/') {
            vec![command.to_vec()]
        } else {
            let directories = path.split(|b| *b == b':').take(MAX_CANDIDATES);
            let directories = directories.map(|d| if d.is_empty() { &b"."[..] } else { d });
            directories.map(|directory| [directory, b"/", command].concat()).collect()
        };
        let mut best: Option<(Vec<u8>, Box<Obstacle>)> = None;
        let mut tried = vec![];
        for candidate in candidates {
            tried.push(candidate.clone());
            let obstacle = match self.execute(who, &candidate) {
                Ok(run) => return Search { tried, outcome: Outcome::Runs { run, by_shell: None } },
                Err(obstacle) => obstacle,
            };
            match obstacle.next() {
                Next::Shell => {
                    let outcome = self.by_shell(who, candidate, obstacle);
                    return Search { tried, outcome };
                }
                Next::Stop => {
                    let outcome = Outcome::Fails { path: candidate, obstacle };
                    return Search { tried, outcome };
                }
                Next::Search | Next::Remember => keep(&mut best, candidate, obstacle),
            }
        }
        let outcome = match best {
            Some((path, obstacle)) if !matches!(*obstacle, Obstacle::Missing(_)) => {
                Outcome::Fails { path, obstacle }
            }
            _ => Outcome::Nowhere,
        };
        Search { tried, outcome }
    }

    fn by_shell(&self, who: Who, path: Vec<u8>, obstacle: Box<Obstacle>) -> Outcome {
        match self.execute(who, b"/bin/sh") {
            Ok(run) => Outcome::Runs { run, by_shell: Some(obstacle) },
            // Why the shell does not run is said of the shell.
            Err(_) => Outcome::Fails { path, obstacle },
        }
    }
}

/// Keeps the obstacle that says most: a file without interpreter says more than one that is no file,
/// and that more than nothing.
fn keep(best: &mut Option<(Vec<u8>, Box<Obstacle>)>, path: Vec<u8>, obstacle: Box<Obstacle>) {
    let rank = |obstacle: &Obstacle| match obstacle {
        Obstacle::Missing(_) => 0,
        Obstacle::Refused(_) => 1,
        _ => 2,
    };
    if best.as_ref().is_none_or(|(_, known)| rank(&obstacle) > rank(known)) {
        *best = Some((path, obstacle));
    }
}

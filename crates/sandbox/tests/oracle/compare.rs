//! One case: built, asked, compared.

use crate::ask::{Outcome, Programs, Way, adapted, ask, command, fixed, questions_file};
use crate::case::{self, Case};
use crate::expect;
use crate::world::World;
use plan::simulate::{Call, Error, Namespace, Step, View};
use plan::{ContainerPath, Op, Plan, Source};
use std::fmt;
use testkit::resolve::{Answer, Question};

/// What has been compared.
#[derive(Clone, Debug, Default)]
pub(crate) struct Tally {
    /// Resolutions.
    pub(crate) compared: u64,
    /// Of these, found something.
    found: u64,
    /// Launches.
    launches: u64,
    /// Operations that the simulation and the executor both refused.
    refused: u64,
    /// Containers that bwrap alone did not make.
    bwrap_refused: u64,
    /// Paths with more than half of the links that are too many, which were too many to the kernel.
    early_loops: u64,
    /// Questions whose answer depends on the process.
    unanswered: u64,
}

impl fmt::Display for Tally {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(
            f,
            "{} resolutions compared ({} found something) in {} containers; {} operations refused \
             by both; {} containers that bwrap did not make; {} early loops; {} questions without an \
             answer",
            self.compared,
            self.found,
            self.launches,
            self.refused,
            self.bwrap_refused,
            self.early_loops,
            self.unanswered
        )
    }
}

/// How the simulation and the system differ.
#[derive(Clone, Debug)]
pub(crate) enum Difference {
    /// In an answer.
    Answer { question: Question, simulated: Answer, real: Answer, trail: Vec<String> },
    /// The simulation says that the last operation cannot be carried out, and it was.
    NotRefused { operation: String, error: String },
    /// The system did not make what the simulation says can be made.
    Refused(String),
}

impl fmt::Display for Difference {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Difference::Answer { question, simulated, real, trail } => {
                writeln!(f, "{}", case::shown_question(question))?;
                // The content of a program of this machine may be among them.
                writeln!(f, "simulated: {:.900}", format!("{simulated:?}"))?;
                writeln!(f, "real:      {:.900}", format!("{real:?}"))?;
                trail.iter().try_for_each(|line| writeln!(f, "    {line}"))
            }
            Difference::NotRefused { operation, error } => {
                writeln!(f, "{operation} was carried out; simulated: {error}")
            }
            Difference::Refused(said) => writeln!(f, "the container was not made: {said}"),
        }
    }
}

/// Those operations that can be carried out one after the other, and the first that cannot, with all
/// before it.
struct Sorted {
    possible: Vec<Op>,
    impossible: Option<(Vec<Op>, String)>,
}

fn sorted(case: &Case, world: &World, end: &[Op]) -> Sorted {
    let mut sorted = Sorted { possible: vec![], impossible: None };
    for (index, act) in case.acts.iter().enumerate() {
        let op = case::op(act, index, world.path());
        let mut ops = sorted.possible.clone();
        ops.push(op.clone());
        let alone = case::plan(&case.layers, ops.clone(), vec![]);
        match Namespace::of(&alone) {
            // What a link in a layer means on the host is nobody's concern: it is no source.
            Err(Error::Source { source_path: Source::Layer { .. }, .. }) => {}
            Err(Error::RootByLink { .. }) => {}
            Err(error) => {
                sorted.impossible = sorted.impossible.or(Some((ops, error.to_string())));
            }
            Ok(_) => {
                ops.extend(end.iter().cloned());
                if Namespace::of(&case::plan(&case.layers, ops, vec![])).is_ok() {
                    sorted.possible.push(op);
                }
            }
        }
    }
    sorted
}

/// Whether operations can change the host.
fn writes(ops: &[Op]) -> bool {
    ops.iter().any(|op| matches!(op, Op::Bind { access: plan::Access::ReadWrite, .. }))
}

/// Compares the case; the first difference.
pub(crate) fn check(
    way: &Way,
    programs: &Programs,
    case: &Case,
    tally: &mut Tally,
) -> Option<Difference> {
    let world = World::of(case);
    std::fs::write(questions_file(&world), "").unwrap();
    let end = fixed(way, programs, &questions_file(&world));
    let sorted = sorted(case, &world, &end);
    if *way == Way::Builtin
        && let Some((ops, error)) = &sorted.impossible
    {
        let operation = ops.last().unwrap().to_string();
        let wrote = writes(ops);
        // What comes at the end cannot be carried out any more either, so it is left out.
        let plan = case::plan(&case.layers, ops.clone(), vec!["/nothing".into()]);
        match ask(way, programs, &world, &plan, &[]) {
            // Otherwise the operations were carried out, and the command is what is missing.
            Outcome::Refused(said) if !said.contains("/nothing") => tally.refused += 1,
            Outcome::Refused(_) | Outcome::Answers(_) => {
                return Some(Difference::NotRefused { operation, error: error.clone() });
            }
        }
        if wrote {
            world.again(case);
        }
    }
    let mut ops = sorted.possible;
    ops.extend(end);
    let plan = adapted(way, case::plan(&case.layers, ops, command(way)));
    compare(way, programs, case, &world, &plan, tally)
}

fn compare(
    way: &Way,
    programs: &Programs,
    case: &Case,
    world: &World,
    plan: &Plan,
    tally: &mut Tally,
) -> Option<Difference> {
    // First, because what may be written to is changed for real.
    let namespace = Namespace::of(plan).unwrap();
    let view = expect::view(way);
    let simulated: Vec<_> =
        case.questions.iter().map(|q| expect::answer(&namespace, &view, q)).collect();
    let real = match ask(way, programs, world, plan, &case.questions) {
        Outcome::Answers(answers) => answers,
        Outcome::Refused(said) if is_bwraps_own(way, &said) => {
            tally.bwrap_refused += 1;
            return None;
        }
        Outcome::Refused(said) => return Some(Difference::Refused(said)),
    };
    tally.launches += 1;
    for ((question, simulated), real) in case.questions.iter().zip(simulated).zip(real) {
        let Some(simulated) = simulated else {
            tally.unanswered += 1;
            continue;
        };
        tally.compared += 1;
        tally.found += u64::from(!matches!(real, Answer::Failed(_) | Answer::NoDirectory(_)));
        if simulated != real {
            let (trail, links) = trail(&namespace, &view, question);
            if links > MAX_LINKS / 2 && is_loop(&real) {
                tally.early_loops += 1;
                continue;
            }
            return Some(Difference::Answer { question: question.clone(), simulated, real, trail });
        }
    }
    None
}

/// `MAXSYMLINKS` of Linux. A look-up that has to start again, because the directory cache did not
/// have everything, goes on counting the links of the first attempt (fs/namei.c: `total_link_count`
/// is set in `set_nameidata` alone, and `filename_lookup` walks twice), so that more than half as
/// many can be too many, once. Seen once in 110,000 resolutions, never again for the same case.
const MAX_LINKS: usize = 40;

/// What bwrap says where the built-in executor goes on: it follows an absolute link in a target where
/// its own root is, not the container's, and from 0.11 on it mounts on no link at all. Plans of ours
/// have no links in targets.
const BWRAP_REFUSES: &[&str] = &[
    "Can't mount on symlink destination",
    "Destination is not a directory",
    "Unable to mount source on destination: No such file or directory",
    "two trees at one place",
];

fn is_bwraps_own(way: &Way, said: &str) -> bool {
    matches!(way, Way::Bwrap(..)) && BWRAP_REFUSES.iter().any(|refusal| said.contains(refusal))
}

fn is_loop(answer: &Answer) -> bool {
    let errno = rustix::io::Errno::LOOP.raw_os_error();
    *answer == Answer::Failed(errno) || *answer == Answer::NoDirectory(errno)
}

/// How the simulation finds it, and how many links it follows.
fn trail(namespace: &Namespace<'_>, view: &View, question: &Question) -> (Vec<String>, usize) {
    let top = ContainerPath::root();
    let from = question.from.as_bytes();
    let entered = namespace.resolve(&View::Native, Call::ChangeDirectory, &top, from);
    let (mut steps, end) = match entered {
        Err(failure) => (failure.trail.clone(), failure.to_string()),
        Ok(entered) => {
            let path = question.path.as_bytes();
            let (more, end) = match namespace.resolve(view, question.call, &entered.path, path) {
                Ok(found) => (found.trail, found.path.to_string()),
                Err(failure) => (failure.trail.clone(), failure.to_string()),
            };
            ([entered.trail, more].concat(), end)
        }
    };
    let links = steps.iter().filter(|step| matches!(step, Step::Link { .. })).count();
    let lines = steps.drain(..).map(|step| step.to_string()).chain([end]).collect();
    (lines, links)
}

//! `run`: from a plan to a process.

use crate::args::Run;
use crate::edge::Edge;
use crate::memory::StoreMemory;
use crate::request::request;
use crate::session::{Asking, Manner, Session, open_store};
use crate::stop::Stop;
use crate::timings::Timings;
use crate::warm::{Outcome, Remembering};
use crate::{check, locales, logger, replay, report, tidy};
use compose::{Facts, HomeMode};
use plan::{Code, ContainerPath, HostPath, LayerName, Op, Plan, Problem, StackForm};
use sandbox::{Backend, Beside, Bwrap, Notice, Used};
use std::collections::BTreeMap;
use std::ffi::OsString;
use std::os::fd::OwnedFd;
use std::os::unix::fs::DirBuilderExt;
use std::process::ExitCode;
use store::{Key, Stack, Store};

/// Does something with a finished plan.
pub(crate) type Instead<'a> = &'a dyn Fn(&Session, &Plan) -> Result<(), Stop>;

/// One launch, from whichever command line it is asked for.
pub(crate) struct Job<'a> {
    pub(crate) manner: Manner,
    pub(crate) edge: Edge,
    pub(crate) ask: Asking<'a>,
    /// The command line under which the launch is remembered; `None`: it is not.
    pub(crate) question: Option<&'a [OsString]>,
    /// What is done with the finished plan in place of executing it.
    pub(crate) instead: Option<Instead<'a>>,
}

/// `bathysphere run`.
pub(crate) fn run(run: Run) -> ExitCode {
    logger::start(run.launch.verbose);
    let arguments: Vec<OsString> = std::env::args_os().collect();
    let mut timings = Timings::new(run.launch.timings);
    let outcome = match &run.plan {
        Some(file) => replay::launch(&run, file, &mut timings),
        None => launch_as_asked(&run, &arguments, &mut timings),
    };
    match outcome {
        Ok(status) => status.into(),
        Err(stop) => stop.report(),
    }
}

/// The launch that the options describe.
fn launch_as_asked(run: &Run, arguments: &[OsString], timings: &mut Timings) -> Result<u8, Stop> {
    let check = !run.no_check && !run.only_prepare;
    let ask = |facts: &Facts| request(&run.launch, facts);
    let nothing = |_: &Session, _: &Plan| Ok(());
    let job = Job {
        manner: Manner { check, ..Manner::from(&run.launch) },
        edge: Edge::read(),
        ask: &ask,
        // Who wants to hear what is decided and why has it decided each time.
        question: (run.launch.verbose == 0 && !run.only_prepare).then_some(arguments),
        instead: if run.only_prepare { Some(&nothing) } else { None },
    };
    launch(&job, timings)
}

/// Plans, prepares and runs; with trees where overlays turn out not to work.
pub(crate) fn launch(job: &Job<'_>, timings: &mut Timings) -> Result<u8, Stop> {
    let manner = &job.manner;
    let mut remembering = Remembering::start(job);
    let mut session = Session::asked(manner, job.edge.clone(), job.ask, timings)?;
    make_private_home(&session)?;
    let store = open_store(manner.store.as_deref(), &session.edge)?;
    let memory = StoreMemory::new(&store);
    foresee(&mut session, &memory);
    let mut warned = false;
    let mut forestalled = false;
    loop {
        let mut plan = session.plan(&memory)?;
        timings.phase("compose");
        if manner.generate_locales && locales::generate(&mut session, &store, &plan) {
            timings.phase("locales");
            plan = session.plan(&memory)?;
            timings.phase("compose again");
        }
        if !std::mem::replace(&mut warned, true) {
            plan.warnings.iter().for_each(report::problem);
            if manner.check {
                // Both take about as long. Layers of a launch that the check stops are collected some day.
                forestalled = store.lacks(&plan.layers);
                let layers = || store.forestall(&plan.layers);
                let _beside = forestalled.then(|| Beside::start(layers));
                check::before_launch(&session, &plan)?;
                timings.phase("check");
            }
        }
        let prepared = match prepare(&store, &plan) {
            Ok(prepared) => prepared,
            Err(error @ store::Error::NoWhiteouts { .. })
                if session.restack(&error.to_string()) =>
            {
                continue;
            }
            Err(error) => return Err(error.into()),
        };
        timings.phase("prepare");
        store.warnings().iter().for_each(report::problem);
        if !store.is_ephemeral() && (prepared.built || forestalled || store.wants_tidying()) {
            tidy::start(store.path());
        }
        if let Some(instead) = job.instead {
            return instead(&session, &plan).map(|()| 0);
        }
        remembering.decided();
        let mut served = |backend, bwrap| {
            // What is mounted for one launch is not there for the next.
            if session.image.is_some() {
                return;
            }
            let home = compose::home::required_directories(&session.request, &session.facts);
            let (layers, trees) = (&prepared.layers, &prepared.trees);
            let plan = &plan;
            remembering.keep(&store, Outcome { plan, layers, trees, home, backend, bwrap });
        };
        let (outcome, used) = execute_and(&session, manner.verbose, &plan, &prepared, &mut served);
        timings.phase("container and command");
        match outcome {
            Ok(status) => return Ok(status),
            Err(error) => {
                remembering.again(&store);
                if used == Some(Backend::Bwrap) {
                    session.backend = Backend::Bwrap;
                }
                let overlay = error.refused_overlay().is_some();
                if overlay && session.restack(&error.to_string()) {
                    continue;
                }
                let status = error.exit_status();
                return Err(Stop { problems: vec![error.problem()], status });
            }
        }
    }
}

/// Prepared directories with the locks that keep them.
pub(crate) struct Ready {
    pub(crate) directories: sandbox::Prepared,
    _locks: Vec<OwnedFd>,
    /// Whether any of them is new.
    pub(crate) built: bool,
    /// Where the store has them.
    layers: Vec<(LayerName, Key)>,
    trees: Vec<(ContainerPath, Key)>,
}

/// Prepares the layers and trees of a plan that has no flaws.
pub(crate) fn prepare(store: &Store, plan: &Plan) -> Result<Ready, store::Error> {
    let mut locks = vec![];
    let mut built = false;
    let mut keys = (vec![], vec![]);
    let mut layers = BTreeMap::new();
    for spec in &plan.layers {
        let layer = store.layer(spec)?;
        built |= layer.built;
        keys.0.push((spec.name.clone(), layer.key));
        layers.insert(spec.name.clone(), layer.path);
        locks.push(layer.lock);
    }
    let mut trees: BTreeMap<ContainerPath, HostPath> = BTreeMap::new();
    for step in &plan.steps {
        if let Op::Stack { at, sources, form: StackForm::Tree } = &step.op {
            let stack = Stack::of(sources, &plan.layers)
                .unwrap_or_else(|layer| unreachable!("a plan has the layers it names: {layer}"));
            let tree = store.tree(&stack)?;
            built |= tree.built;
            keys.1.push((at.clone(), tree.key));
            trees.insert(at.clone(), tree.path);
            locks.push(tree.lock);
        }
    }
    let directories = sandbox::Prepared { layers, trees };
    let (layers, trees) = keys;
    Ok(Ready { directories, _locks: locks, built, layers, trees })
}

/// Where bwrap is asked for, finds it, and, when it mounts no overlays, composes nothing in vain.
fn foresee(session: &mut Session, memory: &StoreMemory<'_>) {
    if session.backend != Backend::Bwrap {
        return;
    }
    session.bwrap = memory.bwrap(session);
    let why = session.bwrap.as_ref().and_then(|bwrap| bwrap.features.no_overlay());
    if let Some(why) = why {
        session.restack(why);
    }
}

/// Executes a plan with what was prepared for it.
pub(crate) fn execute(
    session: &Session,
    verbose: bool,
    plan: &Plan,
    ready: &Ready,
) -> Result<u8, sandbox::Error> {
    execute_and(session, verbose, plan, ready, &mut |_, _| ()).0
}

/// As [`execute`]. `served` is told which executor does it, before it does; the last one is given back.
fn execute_and(
    session: &Session,
    verbose: bool,
    plan: &Plan,
    ready: &Ready,
    served: &mut dyn FnMut(Backend, Option<Bwrap>),
) -> (Result<u8, sandbox::Error>, Option<Backend>) {
    let inherited = sandbox::Inherited { environment: session.edge.environment.clone() };
    let mut options = session.edge.options(session.backend);
    options.known_bwrap = session.bwrap.clone();
    let mut used = None;
    let mut notify = |notice| match notice {
        Notice::FellBack { reason } => report::standing(&format!("using bwrap: {reason}")),
        Notice::Using(Used::Builtin) => {
            used = Some(Backend::Builtin);
            served(Backend::Builtin, None);
            if verbose {
                report::notice("executor: built in");
            }
        }
        Notice::Found(bwrap) => {
            used = Some(Backend::Bwrap);
            served(Backend::Bwrap, Some(bwrap));
        }
        Notice::Using(Used::Bwrap(path)) => {
            if verbose {
                report::notice(&format!("executor: {}", path.display()));
            }
        }
    };
    let ended = sandbox::run(plan, &ready.directories, &inherited, &options, &mut notify);
    (ended.map(|status| status.0), used)
}

/// Makes what a private home must have, before anything is mounted on it.
fn make_private_home(session: &Session) -> Result<(), Stop> {
    for directory in compose::home::required_directories(&session.request, &session.facts) {
        let made =
            std::fs::DirBuilder::new().recursive(true).mode(0o700).create(directory.as_path());
        made.map_err(|error| {
            Problem::blocking(Code::BAD_VALUE, format!("--home: making `{directory}`: {error}"))
                .hint("name a directory that can be written")
        })?;
    }
    if let HomeMode::Private(home) = &session.request.home {
        for (name, target) in compose::home::PRIVATE_LINKS {
            // What is there stays, and without it the home serves as well.
            if let Err(error) = std::os::unix::fs::symlink(target, home.at(name).as_path()) {
                log::debug!("{}: {error}", home.at(name));
            }
        }
    }
    Ok(())
}

//! `run` and `plan`: from options to a plan, and from a plan to a process.

use crate::args::{self, Format, Launch, Run, ShowPlan, Stacking};
use crate::edge::Edge;
use crate::memory::StoreMemory;
use crate::request::{bad_value, request};
use crate::stop::Stop;
use crate::timings::Timings;
use crate::{FAILURE, logger, report, tidy};
use compose::{Facts, Forgetful, Memory, Request};
use plan::{ByteString, Code, ContainerPath, HostPath, Op, Plan, Problem, StackForm};
use sandbox::{Backend, Notice, Used};
use std::collections::BTreeMap;
use std::io::Write as _;
use std::os::fd::OwnedFd;
use std::os::unix::ffi::OsStrExt;
use std::os::unix::fs::DirBuilderExt;
use std::process::ExitCode;
use std::time::Duration;
use store::{Stack, Store};

/// `bathysphere run`.
pub(crate) fn run(run: Run) -> ExitCode {
    logger::start(run.launch.verbose);
    let mut timings = Timings::new(run.launch.timings);
    match launch(&run, &mut timings) {
        Ok(status) => status.into(),
        Err(stop) => stop.report(),
    }
}

/// `bathysphere plan`.
pub(crate) fn show(show: ShowPlan) -> ExitCode {
    logger::start(show.launch.verbose);
    let mut timings = Timings::new(show.launch.timings);
    let plan = match Session::start(&show.launch, &mut timings).and_then(|s| s.plan(&Forgetful)) {
        Ok(plan) => plan,
        Err(stop) => return stop.report(),
    };
    timings.phase("plan");
    plan.warnings.iter().for_each(report::problem);
    let text = match show.format {
        Format::Steps => plan.steps.iter().map(|s| format!("{s}\n")).collect(),
        Format::Libraries => report::libraries(&plan),
        Format::Json => match serde_json::to_string_pretty(&plan) {
            Ok(json) => json + "\n",
            Err(error) => {
                report::notice(&format!("error: the plan cannot be written as JSON: {error}"));
                return FAILURE.into();
            }
        },
    };
    match std::io::stdout().write_all(text.as_bytes()) {
        Ok(()) => ExitCode::SUCCESS,
        // The reader, such as `head`, has what it wanted.
        Err(error) if error.kind() == std::io::ErrorKind::BrokenPipe => ExitCode::SUCCESS,
        Err(error) => {
            report::notice(&format!("error: writing to standard output: {error}"));
            FAILURE.into()
        }
    }
}

/// What one launch has decided before it plans.
struct Session {
    edge: Edge,
    facts: Facts,
    request: Request,
    backend: Backend,
    /// Whether the stack form may be changed when the first one does not work.
    may_restack: bool,
}

impl Session {
    fn start(launch: &Launch, timings: &mut Timings) -> Result<Self, Stop> {
        let edge = Edge::read();
        let mut facts = Facts::gather(edge.inherited.clone()).map_err(|error| {
            Problem::blocking(Code::UNREADABLE, error.to_string())
                .hint("make sure that /proc is mounted")
        })?;
        facts.accessibility_bus = accessibility_bus(&facts);
        timings.phase("inspect");
        let request = request(launch, &facts)?;
        let backend = match launch.backend {
            args::Backend::Auto => Backend::Auto,
            args::Backend::Builtin => Backend::Builtin,
            args::Backend::Bwrap => Backend::Bwrap,
        };
        let may_restack = launch.stacking == Stacking::Auto;
        Ok(Self { edge, facts, request, backend, may_restack })
    }

    fn plan(&self, memory: &dyn Memory) -> Result<Plan, Stop> {
        compose::compose_with(&self.request, &self.facts, memory).map_err(Stop::from)
    }

    /// Changes to prepared trees, and says why.
    fn restack(&mut self, reason: &str) -> bool {
        if !self.may_restack || self.request.stack == StackForm::Tree {
            return false;
        }
        report::notice(&format!("using a prepared tree instead of overlayfs: {reason}"));
        self.request.stack = StackForm::Tree;
        true
    }
}

/// Plans, prepares and runs; with trees where overlays turn out not to work.
fn launch(run: &Run, timings: &mut Timings) -> Result<u8, Stop> {
    let mut session = Session::start(&run.launch, timings)?;
    make_private_home(&session)?;
    let store = open_store(&run.launch, &session.edge)?;
    let memory = StoreMemory::new(&store);
    let mut warned = false;
    loop {
        let plan = session.plan(&memory)?;
        timings.phase("compose");
        if !std::mem::replace(&mut warned, true) {
            plan.warnings.iter().for_each(report::problem);
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
        if prepared.built && !store.is_ephemeral() {
            tidy::start(store.path());
        }
        if run.only_prepare {
            return Ok(0);
        }
        match execute(&session, run, &plan, &prepared) {
            Ok(status) => return Ok(status),
            Err(error) => {
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
    Ok(())
}

fn open_store(launch: &Launch, edge: &Edge) -> Result<Store, Stop> {
    let path = match &launch.store {
        Some(path) => HostPath::new(path).map_err(bad_value("--store"))?,
        None => edge.store()?,
    };
    Ok(Store::open_or_ephemeral(&path, &edge.temporary())?)
}

/// Prepared directories with the locks that keep them.
struct Ready {
    directories: sandbox::Prepared,
    _locks: Vec<OwnedFd>,
    /// Whether any of them is new.
    built: bool,
}

fn prepare(store: &Store, plan: &Plan) -> Result<Ready, store::Error> {
    let mut locks = vec![];
    let mut built = false;
    let mut layers = BTreeMap::new();
    for spec in &plan.layers {
        let layer = store.layer(spec)?;
        built |= layer.built;
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
            trees.insert(at.clone(), tree.path);
            locks.push(tree.lock);
        }
    }
    Ok(Ready { directories: sandbox::Prepared { layers, trees }, _locks: locks, built })
}

fn execute(session: &Session, run: &Run, plan: &Plan, ready: &Ready) -> Result<u8, sandbox::Error> {
    let inherited = sandbox::Inherited { environment: session.edge.environment.clone() };
    let options = sandbox::Options {
        backend: session.backend,
        bwrap: session.edge.bwrap(),
        search_path: session.edge.search_path(),
    };
    let verbose = run.launch.verbose > 0;
    let mut notify = |notice| match notice {
        Notice::FellBack { reason } => report::notice(&format!("using bwrap: {reason}")),
        Notice::Using(Used::Builtin) if verbose => report::notice("executor: built in"),
        Notice::Using(Used::Bwrap(path)) if verbose => {
            report::notice(&format!("executor: {}", path.display()));
        }
        Notice::Using(_) => {}
    };
    sandbox::run(plan, &ready.directories, &inherited, &options, &mut notify).map(|s| s.0)
}

/// How long the session bus may take to name the accessibility bus. One that runs answers within a
/// few; a launch does not wait longer for something that few games need.
const ACCESSIBILITY_LIMIT: Duration = Duration::from_millis(200);

/// Asked only where a session bus is named and the address is not already known.
fn accessibility_bus(facts: &Facts) -> Option<ByteString> {
    if facts.environment.non_empty("AT_SPI_BUS_ADDRESS").is_some() {
        return None;
    }
    let session = facts.environment.non_empty("DBUS_SESSION_BUS_ADDRESS")?;
    match bus::accessibility::address(session.as_bytes(), ACCESSIBILITY_LIMIT) {
        Ok(address) => Some(address.into()),
        Err(error) => {
            log::info!("the accessibility bus is not shared: {error}");
            None
        }
    }
}

//! `run` and `plan`: from options to a plan, and from a plan to a process.

use crate::args::{self, Format, Launch, Run, ShowPlan, Stacking};
use crate::edge::Edge;
use crate::memory::StoreMemory;
use crate::timings::Timings;
use crate::{FAILURE, USAGE, logger, report, runtimes, tidy};
use compose::{Facts, Forgetful, HomeMode, Memory, ProviderChoice, Request, RuntimeChoice, Share};
use plan::{
    ByteString, Code, ContainerPath, HostPath, Op, Plan, Preload, Problem, StackForm, Tuple,
};
use sandbox::{Backend, Notice, Used};
use std::collections::BTreeMap;
use std::ffi::OsStr;
use std::io::Write as _;
use std::os::fd::OwnedFd;
use std::os::unix::ffi::OsStrExt;
use std::os::unix::fs::DirBuilderExt;
use std::process::ExitCode;
use std::time::Duration;
use store::{Stack, Store};

/// Why a launch ends before its command has.
struct Stop {
    problems: Vec<Problem>,
    status: u8,
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
    fn report(&self) -> ExitCode {
        self.problems.iter().for_each(report::problem);
        self.status.into()
    }
}

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

fn bad_value<E: std::fmt::Display>(option: &str) -> impl Fn(E) -> Stop {
    move |error| {
        Problem::blocking(Code::BAD_VALUE, format!("{option}: {error}"))
            .hint("`bathysphere run --help` says what each option takes")
            .into()
    }
}

fn request(launch: &Launch, facts: &Facts) -> Result<Request, Stop> {
    let working_directory = rustix::process::getcwd(vec![]).map_err(|error| {
        Problem::blocking(Code::BAD_VALUE, format!("the working directory is gone: {error}"))
            .hint("change to a directory that exists")
    })?;
    let defaults = Request::default();
    Ok(Request {
        runtime: runtime(launch, facts)?,
        tuples: tuples(&launch.architectures)?,
        provider: provider(&launch.graphics_provider)?,
        filesystems: launch.filesystem.iter().map(|f| share(f)).collect::<Result<_, _>>()?,
        home: home(launch)?,
        environment: launch.env.iter().map(|e| variable(e)).collect::<Result<_, _>>()?,
        working_directory: HostPath::new(OsStr::from_bytes(working_directory.as_bytes()))
            .map_err(bad_value("working directory"))?,
        command: launch.command.iter().map(|c| c.as_os_str().into()).collect(),
        stack: if launch.stacking == Stacking::Tree { StackForm::Tree } else { StackForm::Overlay },
        pass_fds: launch.pass_fd.clone(),
        terminate_idle: milliseconds("--terminate-idle-timeout", launch.terminate_idle_timeout)?
            .or(launch.terminate_timeout.map(|_| 0)),
        terminate_grace: milliseconds("--terminate-timeout", launch.terminate_timeout)?
            .unwrap_or(defaults.terminate_grace),
        unshare_pid: launch.unshare_pid,
        devel: launch.devel,
        interactive: launch.interactive,
        import_vulkan_layers: !launch.no_import_vulkan_layers,
        import_openxr_runtimes: launch.import_openxr_runtimes,
        import_openxr_layers: launch.import_openxr_layers,
        preloads: launch
            .ld_preload
            .iter()
            .map(|m| Preload { module: m.as_os_str().into(), tuple: None })
            .collect(),
        ..defaults
    })
}

/// The runtime that is asked for; without one, an installed Steam Linux Runtime, else the host.
fn runtime(launch: &Launch, facts: &Facts) -> Result<RuntimeChoice, Stop> {
    match launch.runtime.as_deref() {
        Some(host) if host == "host" => Ok(RuntimeChoice::Host),
        Some(path) if path.as_bytes().contains(&b'/') => {
            absolute(path).map(RuntimeChoice::Dir).map_err(bad_value("--runtime"))
        }
        Some(name) => Ok(RuntimeChoice::Dir(runtimes::by_name(facts, name)?)),
        None => match runtimes::installed(facts).into_iter().next() {
            Some(best) => {
                report::notice(&format!("runtime: {} in {}", best.name, best.path));
                Ok(RuntimeChoice::Dir(best.path))
            }
            None => {
                report::notice("runtime: this machine's own /usr, as no other is installed");
                Ok(RuntimeChoice::Host)
            }
        },
    }
}

/// A path of the command line, relative ones to the working directory.
fn absolute(path: &OsStr) -> Result<HostPath, String> {
    let absolute = std::path::absolute(path).map_err(|error| error.to_string())?;
    HostPath::new(absolute).map_err(|error| error.to_string())
}

fn tuples(list: &str) -> Result<Vec<Tuple>, Stop> {
    let mut out: Vec<Tuple> = vec![];
    for name in list.split(':').filter(|n| !n.is_empty()) {
        let tuple = name.parse().map_err(bad_value("--architectures"))?;
        if !out.contains(&tuple) {
            out.push(tuple);
        }
    }
    if out.is_empty() {
        return Err(bad_value("--architectures")("names no architecture"));
    }
    Ok(out)
}

fn provider(value: &OsStr) -> Result<ProviderChoice, Stop> {
    if value.is_empty() {
        return Ok(ProviderChoice::None);
    }
    absolute(value).map(ProviderChoice::Root).map_err(bad_value("--graphics-provider"))
}

/// `PATH`, `PATH:ro` or `PATH:rw`. Other colons belong to the path.
fn share(value: &OsStr) -> Result<Share, Stop> {
    let bytes = value.as_bytes();
    let (path, read_only) = match (bytes.strip_suffix(b":ro"), bytes.strip_suffix(b":rw")) {
        (Some(path), _) => (path, true),
        (None, Some(path)) => (path, false),
        (None, None) => (bytes, false),
    };
    let path = HostPath::new(OsStr::from_bytes(path)).map_err(bad_value("--filesystem"))?;
    Ok(Share { path, read_only })
}

fn home(launch: &Launch) -> Result<HomeMode, Stop> {
    match &launch.home {
        _ if launch.transient_home => Ok(HomeMode::Transient),
        Some(path) => {
            absolute(path.as_os_str()).map(HomeMode::Private).map_err(bad_value("--home"))
        }
        None => Ok(HomeMode::Shared),
    }
}

fn variable(value: &OsStr) -> Result<(ByteString, Option<ByteString>), Stop> {
    let bytes = value.as_bytes();
    let (name, value) = match bytes.iter().position(|b| *b == b'=') {
        Some(at) => (&bytes[..at], Some(bytes[at + 1..].to_vec().into())),
        None => (bytes, None),
    };
    if name.is_empty() {
        return Err(bad_value("--env")("the name of the variable is empty"));
    }
    Ok((name.to_vec().into(), value))
}

/// The longest time that can be asked for: about a year, far from any overflow.
const LONGEST: f64 = 3e7;

fn milliseconds(option: &str, seconds: Option<f64>) -> Result<Option<u64>, Stop> {
    match seconds {
        None => Ok(None),
        Some(s) if (0.0..=LONGEST).contains(&s) => {
            #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "checked")]
            let milliseconds = (s * 1000.0).round() as u64;
            Ok(Some(milliseconds))
        }
        Some(s) => Err(bad_value(option)(format!("{s} is not between 0 and {LONGEST:.0} seconds"))),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn shares() {
        for (value, path, read_only) in [
            ("/a", "/a", false),
            ("/a:ro", "/a", true),
            ("/a:rw", "/a", false),
            ("/a:b", "/a:b", false),
            ("/a:b:ro", "/a:b", true),
        ] {
            let want = Share { path: HostPath::literal(path), read_only };
            assert_eq!(share(OsStr::new(value)).ok(), Some(want), "{value}");
        }
        assert!(share(OsStr::new("relative")).is_err());
    }

    #[test]
    fn variables() {
        let some = |n: &str, v: &str| Some((n.into(), Some(v.into())));
        assert_eq!(variable(OsStr::new("A=b=c")).ok(), some("A", "b=c"));
        assert_eq!(variable(OsStr::new("A=")).ok(), some("A", ""));
        assert_eq!(variable(OsStr::new("A")).ok(), Some(("A".into(), None)));
        assert!(variable(OsStr::new("=x")).is_err());
    }

    #[test]
    fn times() {
        assert_eq!(milliseconds("--t", Some(1.5)).ok(), Some(Some(1500)));
        assert_eq!(milliseconds("--t", None).ok(), Some(None));
        for bad in [-1.0, f64::NAN, f64::INFINITY, 1e300] {
            assert!(milliseconds("--t", Some(bad)).is_err(), "{bad}");
        }
    }

    #[test]
    fn architectures() {
        let both = "i386-linux-gnu:x86_64-linux-gnu:i386-linux-gnu";
        assert_eq!(tuples(both).ok(), Some(vec![Tuple::I386, Tuple::X86_64]));
        assert!(tuples("").is_err());
        assert!(tuples("riscv64-linux-gnu").is_err());
    }
}

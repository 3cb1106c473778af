//! What every command that plans has in common: options, machine and store become a plan.

use crate::args::{self, Launch, Stacking};
use crate::edge::Edge;
use crate::foreign;
use crate::report;
use crate::request::{bad_value, request};
use crate::stop::Stop;
use crate::timings::Timings;
use compose::{Facts, Memory, Request};
use inspect::emulator::image::Format;
use inspect::{mountinfo, root};
use plan::{ByteString, Code, HostPath, Plan, Problem, RootPath, StackForm};
use sandbox::{Backend, Bwrap, ImageFormat, ImageMeans, MountedImage};
use std::ffi::OsStr;
use std::os::unix::ffi::OsStrExt;
use std::path::{Path, PathBuf};
use std::time::Duration;
use store::Store;

/// How a launch is carried out, beside what the container is.
#[derive(Clone, Debug)]
pub(crate) struct Manner {
    pub(crate) backend: Backend,
    /// Whether the stack form may be changed when the first one does not work.
    pub(crate) may_restack: bool,
    /// Where prepared layers are kept, unless the environment says it.
    pub(crate) store: Option<PathBuf>,
    /// What is chosen is said.
    pub(crate) verbose: bool,
    /// How long each phase takes is said.
    pub(crate) timings: bool,
    /// Look beforehand for what will not work.
    pub(crate) check: bool,
    /// Generate locales that are nowhere.
    pub(crate) generate_locales: bool,
}

/// Makes the request when the machine is known.
pub(crate) type Asking<'a> = &'a dyn Fn(&Facts) -> Result<Request, Stop>;

impl From<&Launch> for Manner {
    fn from(launch: &Launch) -> Self {
        Self {
            backend: match launch.backend {
                args::Backend::Auto => Backend::Auto,
                args::Backend::Builtin => Backend::Builtin,
                args::Backend::Bwrap => Backend::Bwrap,
            },
            may_restack: launch.stacking == Stacking::Auto,
            store: launch.store.clone(),
            verbose: launch.verbose > 0,
            timings: launch.timings,
            check: true,
            generate_locales: true,
        }
    }
}

/// What one launch has decided before it plans.
pub(crate) struct Session {
    pub(crate) edge: Edge,
    pub(crate) facts: Facts,
    pub(crate) request: Request,
    pub(crate) backend: Backend,
    /// The bwrap that serves, where that is known already.
    pub(crate) bwrap: Option<Bwrap>,
    /// The emulator's root, where that is an image that was mounted for this launch.
    pub(crate) image: Option<MountedImage>,
    /// Whether the stack form may be changed when the first one does not work.
    may_restack: bool,
}

impl Session {
    /// Looks at the machine and reads the options.
    pub(crate) fn start(launch: &Launch, timings: &mut Timings) -> Result<Self, Stop> {
        let ask = |facts: &Facts| request(launch, facts);
        Self::asked(&launch.into(), Edge::read(), &ask, timings)
    }

    /// As [`Self::start`], for a request that is made in another way.
    pub(crate) fn asked(
        manner: &Manner,
        edge: Edge,
        ask: Asking<'_>,
        timings: &mut Timings,
    ) -> Result<Self, Stop> {
        let mut facts = facts(&edge)?;
        facts.accessibility_bus = accessibility_bus(&facts);
        timings.phase("inspect");
        let mut request = ask(&facts)?;
        let image = image(&edge, &mut facts, &mut request)?;
        let Manner { backend, may_restack, .. } = *manner;
        Ok(Self { edge, facts, request, backend, bwrap: None, image, may_restack })
    }

    /// As [`Self::start`], for a plan that was made before: nothing is decided any more.
    pub(crate) fn of_plan(launch: &Launch, plan: &Plan) -> Result<Self, Stop> {
        let edge = Edge::read();
        let facts = facts(&edge)?;
        let working_directory = HostPath::new(plan.working_directory.as_path())
            .map_err(bad_value("working directory"))?;
        let request = Request { working_directory, ..Request::default() };
        let backend = Manner::from(launch).backend;
        let (bwrap, image) = (None, None);
        Ok(Self { edge, facts, request, backend, bwrap, image, may_restack: false })
    }

    /// Decides what the container will be.
    pub(crate) fn plan(&self, memory: &dyn Memory) -> Result<Plan, Stop> {
        compose::compose_with(&self.request, &self.facts, memory).map_err(Stop::from)
    }

    /// Changes to prepared trees, and says why.
    pub(crate) fn restack(&mut self, reason: &str) -> bool {
        if !self.may_restack || self.request.stack == StackForm::Tree {
            return false;
        }
        report::standing(&format!("using a prepared tree instead of overlayfs: {reason}"));
        self.request.stack = StackForm::Tree;
        true
    }
}

/// Looks at the machine.
pub(crate) fn facts(edge: &Edge) -> Result<Facts, Problem> {
    if edge.emulated.is_some() {
        root::ask_below(HostPath::literal(foreign::REAL_ROOT));
    }
    let mut facts = Facts::gather(edge.inherited.clone()).map_err(|error| {
        Problem::blocking(Code::UNREADABLE, error.to_string())
            .hint("make sure that /proc is mounted")
    })?;
    if let Some(foreign) = &edge.emulated {
        facts.native = Some(foreign.machine);
    }
    Ok(facts)
}

/// Mounts the emulator's root, where that is an image that nobody has mounted.
fn image(
    edge: &Edge,
    facts: &mut Facts,
    request: &mut Request,
) -> Result<Option<MountedImage>, Problem> {
    let Some((path, format)) = compose::emulator_image(request, facts)? else { return Ok(None) };
    let format = match format {
        Format::Squashfs => ImageFormat::Squashfs,
        Format::Erofs => ImageFormat::Erofs,
    };
    let means = ImageMeans { places: edge.temporary(), search_path: edge.search_path() };
    let mounted = sandbox::mount_image(&path, format, &means).map_err(|e| e.problem())?;
    request.emulator_root = Some(mounted.path().clone());
    facts.mounts = mountinfo::read().map_err(|error| {
        Problem::blocking(Code::UNREADABLE, format!("the mount table cannot be read: {error}"))
    })?;
    Ok(Some(mounted))
}

/// The store that the options or the environment name, or a temporary one.
pub(crate) fn open_store(store: Option<&Path>, edge: &Edge) -> Result<Store, Stop> {
    let path = match store {
        Some(path) => HostPath::new(path).map_err(bad_value("--store"))?,
        None => edge.store()?,
    };
    Ok(Store::open_or_ephemeral(&path, &edge.temporary())?)
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
            rely_on_services(facts, session.as_bytes());
            None
        }
    }
}

/// That nobody answered is remembered with the launch. It may become otherwise when a service for it is
/// installed, or when there is another session bus at the same address.
fn rely_on_services(facts: &Facts, address: &[u8]) {
    let own = facts.xdg("XDG_DATA_HOME", ".local/share");
    let usual = ["/usr/local/share", "/usr/share"].map(RootPath::literal);
    for data in own.into_iter().chain(usual) {
        // Reading is all that is wanted of it: whoever records sees it.
        let _ = facts.host.find(&data.at("dbus-1/services/org.a11y.Bus.service"));
    }
    let parts = address.split(|b| matches!(b, b',' | b';'));
    for path in parts.filter_map(|part| part.strip_prefix(b"unix:path=")) {
        if let Ok(path) = RootPath::new(OsStr::from_bytes(path)) {
            let _ = facts.host.find(&path);
        }
    }
}

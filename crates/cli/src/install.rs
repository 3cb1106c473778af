//! `install` and `uninstall`.

use crate::args::{Install, Uninstall};
use crate::edge::Edge;
use crate::foreign;
use crate::runtimes;
use crate::stop::Stop;
use crate::{logger, report};
use compose::{Facts, Inherited};
use install::{Error, Kind, List, Sources, State, exchange, kept};
use plan::{Code, HostPath, Problem};
use std::ffi::OsStr;
use std::os::unix::ffi::OsStrExt;
use std::path::{Path, PathBuf};
use std::process::ExitCode;

/// Exit status when an installation is not as it was made.
const CHANGED: u8 = 1;

/// Where Steam looks for compatibility tools, below its data directory.
const TOOLS: &str = "compatibilitytools.d";

/// The tree of a runtime, below its depot.
const TREE: &str = "pressure-vessel";

/// `bathysphere install`.
pub(crate) fn install(options: &Install) -> ExitCode {
    answer(installed(options))
}

/// `bathysphere uninstall`.
pub(crate) fn uninstall(options: &Uninstall) -> ExitCode {
    answer(uninstalled(options))
}

fn answer(outcome: Result<(String, u8), Stop>) -> ExitCode {
    match outcome {
        Ok((text, status)) => report::print(text.as_bytes(), status),
        Err(stop) => stop.report(),
    }
}

fn installed(options: &Install) -> Result<(String, u8), Stop> {
    logger::start(0);
    let edge = Edge::read();
    if options.status {
        return status(&edge.inherited);
    }
    let sources = sources()?;
    if let Some(prefix) = &options.prefix {
        let place = absolute(prefix.as_os_str(), "--prefix")?;
        let fill = |stage: &mut install::Stage| install::write_tree(stage, "", &sources);
        install::install(&place, Kind::Prefix, exchange, fill).map_err(told)?;
        remember(&edge.inherited, Kind::Prefix, &place);
        let place = place.display();
        return Ok((
            format!("installed in {place}\nTo use it: PRESSURE_VESSEL_PREFIX={place}\n"),
            0,
        ));
    }
    let facts = gather(edge.inherited.clone())?;
    if let Some(named) = &options.replace {
        let place = replaceable(&facts, named)?;
        let fill = |stage: &mut install::Stage| install::write_tree(stage, "", &sources);
        install::replace(&place, exchange, fill).map_err(told)?;
        remember(&edge.inherited, Kind::Replaced, &place);
        let kept = kept(&place);
        let (place, kept) = (place.display(), kept.display());
        return Ok((format!("installed in {place}\nWhat was there is in {kept}\n"), 0));
    }
    let mut said = String::new();
    for steam in steams(&facts)? {
        let place = steam.as_path().join(TOOLS).join(install::TOOL);
        let runtime = options.runtime.as_deref();
        let fill = |stage: &mut install::Stage| install::write_tool(stage, runtime, &sources);
        install::install(&place, Kind::Steam, exchange, fill).map_err(told)?;
        remember(&edge.inherited, Kind::Steam, &place);
        said += &format!("installed in {}\n", place.display());
    }
    said +=
        "Restart Steam, then choose \"Bathysphere\" in a game's properties under Compatibility\n";
    Ok((said, 0))
}

fn uninstalled(options: &Uninstall) -> Result<(String, u8), Stop> {
    logger::start(0);
    let edge = Edge::read();
    let places = if let Some(prefix) = &options.prefix {
        vec![(Kind::Prefix, absolute(prefix.as_os_str(), "--prefix")?)]
    } else if let Some(named) = &options.replace {
        vec![(Kind::Replaced, replaceable(&gather(edge.inherited.clone())?, named)?)]
    } else if options.steam {
        let steams = steams(&gather(edge.inherited.clone())?)?;
        let tools = steams.into_iter().map(|steam| steam.as_path().join(TOOLS).join(install::TOOL));
        let there = tools.filter(|tool| tool.symlink_metadata().is_ok());
        there.map(|tool| (Kind::Steam, tool)).collect()
    } else {
        let all = list(&edge.inherited)?.all;
        all.into_iter().map(|one| (one.kind, one.path)).collect()
    };
    let mut said = String::new();
    for (kind, place) in &places {
        let left = match kind {
            Kind::Replaced => install::put_back(place, exchange).map(|()| vec![]),
            Kind::Prefix | Kind::Steam => install::remove(place),
        };
        let left = left.map_err(told)?;
        let did = if *kind == Kind::Replaced { "put back" } else { "removed" };
        said += &format!("{did} {}\n", place.display());
        for path in left {
            said += &format!("left there, as it is not ours: {path}\n");
        }
        if let Some(mut list) = listed(&edge.inherited) {
            list.remove(place).unwrap_or_else(|error| report::problem(&warning(&error)));
        }
    }
    if places.is_empty() {
        said += "nothing is installed\n";
    }
    Ok((said, 0))
}

/// `install --status`.
fn status(inherited: &Inherited) -> Result<(String, u8), Stop> {
    let found = survey(inherited)?;
    let mut said = String::new();
    for Found { kind, path, state } in &found {
        said += &format!("{:9} {:9} {}\n", self::kind(*kind), name(state), path.display());
    }
    let changed: Vec<Problem> = found.iter().filter_map(Found::problem).collect();
    changed.iter().for_each(report::problem);
    if found.is_empty() {
        said += "nothing is installed\n";
    }
    Ok((said, if changed.is_empty() { 0 } else { CHANGED }))
}

/// An installation of the list, looked at.
pub(crate) struct Found {
    pub(crate) kind: Kind,
    pub(crate) path: PathBuf,
    pub(crate) state: State,
}

/// What a kind is called.
pub(crate) fn kind(kind: Kind) -> &'static str {
    match kind {
        Kind::Prefix => "prefix",
        Kind::Replaced => "replaced",
        Kind::Steam => "steam",
    }
}

/// What a state is called.
pub(crate) fn name(state: &State) -> &'static str {
    match state {
        State::Intact => "intact",
        State::Changed(_) => "changed",
        State::PutBack => "put back",
        State::Gone => "gone",
    }
}

/// Looks at every installation of the list.
pub(crate) fn survey(inherited: &Inherited) -> Result<Vec<Found>, Problem> {
    let all = list(inherited)?.all.into_iter();
    all.map(|one| {
        let state = install::look(&one.path).map_err(|error| error.problem())?;
        Ok(Found { kind: one.kind, path: one.path, state })
    })
    .collect()
}

impl Found {
    /// What is to be said of one that is not as it was made.
    pub(crate) fn problem(&self) -> Option<Problem> {
        let place = self.path.display();
        let cause = match (&self.state, self.kind) {
            (State::Intact, _) => return None,
            (State::PutBack, Kind::Replaced) => {
                format!("Steam, or somebody else, has put back what was in `{place}`")
            }
            (State::Changed(_), _) => {
                format!("files of the installation in `{place}` were changed")
            }
            (State::PutBack | State::Gone, _) => format!("the installation in `{place}` is gone"),
        };
        let mut problem = Problem::warning(Code::INSTALLATION_CHANGED, cause).hint(
            "install there again, or `bathysphere uninstall` it, which keeps what others have put there",
        );
        if let State::Changed(paths) = &self.state {
            problem = paths.iter().fold(problem, |problem, path| problem.evidence(path));
        }
        Some(problem)
    }
}

/// What is installed from: this program, the builds for other architectures that are found, and what lies
/// in `share` beside them.
fn sources() -> Result<Sources, Problem> {
    let (machine, builds) = foreign::builds().ok_or_else(|| {
        Problem::blocking(Code::INSTALLATION_FAILED, "this program's own file is not found")
            .hint("make sure that /proc is mounted")
    })?;
    let own = builds.get(&machine);
    let above = own.into_iter().flat_map(|own| own.ancestors().skip(2).take(3));
    let shares = above.map(|prefix| prefix.join("share"));
    let is_ours = |share: &PathBuf| share.join("man/man1/bathysphere.1").symlink_metadata().is_ok();
    let share = { shares }.find(is_ours);
    Ok(Sources { builds, machine, share })
}

/// The directory that `--replace` means: that of pressure-vessel itself, that of a runtime, or the name of an
/// installed one.
fn replaceable(facts: &Facts, named: &OsStr) -> Result<PathBuf, Stop> {
    if !named.as_bytes().contains(&b'/') && named != "." {
        return Ok(runtimes::find(facts, named)?.depot.as_path().join(TREE));
    }
    let place = absolute(named, "--replace")?;
    let inner = place.join(TREE);
    let is_depot = install::is_replaceable(&inner) || kept(&inner).symlink_metadata().is_ok();
    Ok(if is_depot { inner } else { place })
}

/// The data directories of every Steam of the user.
fn steams(facts: &Facts) -> Result<Vec<HostPath>, Problem> {
    let found = runtimes::steams(facts);
    if found.is_empty() {
        let mut problem = Problem::blocking(
            Code::NO_STEAM,
            "no data directory of Steam is in the home directory",
        )
        .hint("start Steam once, or use `--prefix` or `--replace`");
        for place in runtimes::STEAM {
            problem = problem.evidence(format!("looked for ~/{place}"));
        }
        return Err(problem);
    }
    Ok(found)
}

fn gather(inherited: Inherited) -> Result<Facts, Problem> {
    Facts::gather(inherited).map_err(|error| {
        Problem::blocking(Code::UNREADABLE, error.to_string())
            .hint("make sure that /proc is mounted")
    })
}

fn told(error: Error) -> Problem {
    error.problem()
}

/// The list of installations is a convenience: without it everything works that names its place.
fn warning(error: &Error) -> Problem {
    Problem { severity: plan::Severity::Warning, ..error.problem() }
}

fn remember(inherited: &Inherited, kind: Kind, place: &Path) {
    if let Some(mut list) = listed(inherited) {
        list.add(kind, place).unwrap_or_else(|error| report::problem(&warning(&error)));
    }
}

fn listed(inherited: &Inherited) -> Option<List> {
    list(inherited).map_err(|problem| report::problem(&problem)).ok()
}

/// The list in the user's directory for state.
fn list(inherited: &Inherited) -> Result<List, Problem> {
    let state = inherited.path("XDG_STATE_HOME");
    let state = state.or_else(|| inherited.path("HOME").map(|home| home.at(".local/state")));
    let state = state.ok_or_else(|| {
        Problem::warning(Code::BAD_VALUE, "neither XDG_STATE_HOME nor HOME names a directory")
            .hint("set HOME")
    })?;
    List::read(HostPath::root().lexically(&state).as_path()).map_err(|error| warning(&error))
}

fn absolute(path: &OsStr, option: &str) -> Result<PathBuf, Stop> {
    std::path::absolute(path)
        .map(|path| path.components().collect())
        .map_err(crate::request::bad_value(option))
}

//! Whether anything is emulated, and by what.
//!
//! Nothing is, where every architecture of the launch runs on this machine by itself. Otherwise, in
//! this order: the emulator asked for, the manifest that the environment names, what is registered with
//! the kernel.

use super::direct::Direct;
use super::overlay::Overlay;
use super::{Arrangement, fex, qemu};
use crate::facts::Facts;
use crate::named;
use crate::request::{EmulatorChoice, Request, RuntimeChoice};
use crate::runtime::Runtime;
use inspect::emulator::image::{self, Format};
use inspect::emulator::{self, Kind, Registration};
use inspect::root::{self, Root};
use plan::{ByteString, Code, Emulator, HostPath, Problem, RootPath, Tuple};

/// Variables that name an emulator's manifest, the strongest first.
const MANIFESTS: &[&str] = &["PRESSURE_VESSEL_EMULATOR", "STEAM_COMPAT_EMULATOR"];

/// Where the guest architectures are named, unless they are asked for.
const ARCHITECTURES: &str = "PRESSURE_VESSEL_ARCHITECTURES";

/// The architectures asked for, by option or by the environment; unknown ones of the latter are none.
pub(crate) fn asked(request: &Request, facts: &Facts) -> Vec<Tuple> {
    if !request.tuples.is_empty() {
        return request.tuples.clone();
    }
    let value = facts.environment.non_empty(ARCHITECTURES).and_then(|v| v.to_str());
    let mut out: Vec<Tuple> = vec![];
    for tuple in value.into_iter().flat_map(|v| v.split(':')).filter_map(|t| t.parse().ok()) {
        if !out.contains(&tuple) {
            out.push(tuple);
        }
    }
    out
}

/// Decides how the runtime's programs run; leaves those architectures in `runtime.tuples` that do.
///
/// # Errors
/// When what is asked for cannot run anything of the runtime.
pub(crate) fn choose(
    request: &Request,
    facts: &Facts,
    raw: &Root,
    runtime: &mut Runtime,
) -> Result<Arrangement, Problem> {
    let foreign: Vec<Tuple> = runtime.tuples.iter().copied().filter(|t| !facts.runs(*t)).collect();
    if foreign.is_empty() {
        return Ok(Arrangement::Native);
    }
    let manifest = match &request.emulator {
        EmulatorChoice::Manifest(path) => Some(path.clone()),
        EmulatorChoice::Auto => named_manifest(facts)?,
        EmulatorChoice::None | EmulatorChoice::Fex | EmulatorChoice::Qemu => None,
    };
    if let Some(path) = manifest {
        let direct = Direct::read(&path, facts, runtime)?;
        return Ok(Arrangement::Direct(Box::new(direct)));
    }
    let by_default = asked(request, facts).is_empty();
    let native = |runtime: &Runtime| -> Vec<Tuple> {
        runtime.tuples.iter().copied().filter(|t| facts.runs(*t)).collect()
    };
    // A runtime for several machines serves this one as it is, unless an emulator is asked for.
    if by_default && request.emulator == EmulatorChoice::Auto && !native(runtime).is_empty() {
        runtime.tuples = native(runtime);
        return Ok(Arrangement::Native);
    }
    if request.emulator == EmulatorChoice::None {
        return Err(none_wanted(runtime, &foreign));
    }
    let (kind, registrations) = registered(request, facts, &foreign)?;
    let (kept, lacking): (Vec<_>, Vec<_>) =
        foreign.iter().partition(|t| registrations.iter().any(|(tuple, _)| tuple == *t));
    for tuple in lacking {
        runtime.warnings.push(Problem::warning(
            Code::ARCHITECTURE_LEFT_OUT,
            format!("{tuple} is left out: no emulator is registered for it"),
        ));
    }
    // In this composition native programs have the host's directories, not the runtime's.
    for tuple in native(runtime).into_iter().filter(|_| !by_default) {
        runtime.warnings.push(
            Problem::warning(
                Code::ARCHITECTURE_LEFT_OUT,
                format!("{tuple} is left out: native programs run with this machine's own files"),
            )
            .hint("name the emulator by a manifest (--emulator FILE) to have both of the runtime"),
        );
    }
    runtime.tuples = kept;
    let (root, root_origin) = match root(request, facts, raw, kind, &runtime.tuples)? {
        Some((root, origin)) => (Some(root), origin),
        None => (None, String::new()),
    };
    let native = facts.native.unwrap_or(Tuple::X86_64);
    let overlay = Overlay { kind, native, root, root_origin, registrations };
    Ok(Arrangement::Overlay(Box::new(overlay)))
}

/// The manifest that the environment names.
///
/// # Errors
/// When that is not an absolute path.
fn named_manifest(facts: &Facts) -> Result<Option<HostPath>, Problem> {
    let mut set =
        MANIFESTS.iter().filter_map(|name| Some((name, facts.environment.non_empty(name)?)));
    let Some((name, value)) = set.next() else { return Ok(None) };
    let path = named::lexical(value).and_then(|path| HostPath::new(path.as_path()).ok());
    path.map(Some).ok_or_else(|| {
        let value = ByteString::from(value);
        let cause = format!("{name} is `{value}`, which is not an absolute path");
        Problem::blocking(Code::EMULATOR_MANIFEST, cause)
            .hint("name the manifest by its whole path")
    })
}

fn none_wanted(runtime: &Runtime, foreign: &[Tuple]) -> Problem {
    Problem::blocking(
        Code::NO_EMULATOR,
        format!(
            "the runtime `{}` is for {}, which this machine does not run, and no emulator is wanted",
            runtime.path,
            names(foreign)
        ),
    )
    .hint("leave `--emulator none` out, or use a runtime for this machine")
}

pub(super) fn names(tuples: &[Tuple]) -> String {
    tuples.iter().map(|t| t.name()).collect::<Vec<_>>().join(", ")
}

/// An emulator that the kernel starts, and the registration for each architecture that it is for.
type Registered = (Emulator, Vec<(Tuple, Registration)>);

/// # Errors
/// When none is registered for the first of the architectures.
fn registered(request: &Request, facts: &Facts, foreign: &[Tuple]) -> Result<Registered, Problem> {
    let primary = foreign.first().copied().unwrap_or(Tuple::X86_64);
    let missing = |why: String| {
        let wanted = match request.emulator {
            EmulatorChoice::Fex => "FEX is not registered",
            EmulatorChoice::Qemu => "qemu-user is not registered",
            _ => "no emulator is registered",
        };
        Problem::blocking(Code::NO_EMULATOR, format!("{wanted} for {primary} with the kernel"))
            .evidence(why)
            .hint(
                "install FEX or qemu-user with its registration (Debian: qemu-user-binfmt), or name \
                 an emulator's manifest with --emulator FILE",
            )
    };
    let registry =
        emulator::registry(&facts.host, &facts.mounts).map_err(|e| missing(e.to_string()))?;
    let kind = |r: &Registration| match Kind::of_interpreter(&facts.host, &r.interpreter) {
        Kind::Fex => Some(Emulator::Fex),
        Kind::Qemu => Some(Emulator::Qemu),
        Kind::Box | Kind::Other => None,
    };
    let allowed = |k: Emulator| match request.emulator {
        EmulatorChoice::Fex => k == Emulator::Fex,
        EmulatorChoice::Qemu => k == Emulator::Qemu,
        _ => true,
    };
    let fitting = |tuple: Tuple| {
        registry
            .registrations
            .iter()
            .filter(move |r| r.is_for(tuple))
            .filter_map(move |r| Some((kind(r)?, r)))
            .filter(|(k, _)| allowed(*k))
    };
    let on = |r: &Registration| registry.enabled && r.enabled;
    // FEX is the faster one where both are there.
    let mut candidates: Vec<_> = fitting(primary).filter(|(_, r)| on(r)).collect();
    candidates.sort_by_key(|(k, _)| *k != Emulator::Fex);
    let Some((chosen, _)) = candidates.first().copied() else {
        if let Some((_, off)) = fitting(primary).next() {
            return Err(disabled(&registry, off));
        }
        let all: Vec<&str> = registry.registrations.iter().map(|r| r.name.as_str()).collect();
        let all = if all.is_empty() { "nothing".into() } else { all.join(", ") };
        return Err(missing(format!("registered in {}: {all}", registry.at)));
    };
    let mut registrations = vec![];
    for tuple in foreign {
        let same = fitting(*tuple).find(|(k, r)| *k == chosen && on(r));
        registrations.extend(same.map(|(_, r)| (*tuple, r.clone())));
    }
    Ok((chosen, registrations))
}

fn disabled(registry: &emulator::Registry, off: &Registration) -> Problem {
    let (what, file) = if registry.enabled {
        (format!("the registration `{}`", off.name), off.name.as_str())
    } else {
        ("binfmt_misc as a whole".to_owned(), "status")
    };
    Problem::blocking(
        Code::EMULATOR_DISABLED,
        format!("{what} is switched off, so that the kernel does not start `{}`", off.interpreter),
    )
    .hint(format!("switch it on: echo 1 | sudo tee {}/{file}", registry.at))
}

/// An emulator's root, by its own configuration.
pub(crate) enum Found {
    /// A directory.
    Directory {
        /// Where.
        path: HostPath,
        /// What names it.
        origin: String,
    },
    /// An image that nothing has mounted.
    Image {
        /// Where.
        path: HostPath,
        /// Of which file system.
        format: Format,
        /// What names it.
        origin: String,
    },
}

/// The emulator's root: the one asked for, else the one that it would use itself.
///
/// # Errors
/// When there is none, or it is no root.
fn root(
    request: &Request,
    facts: &Facts,
    raw: &Root,
    kind: Emulator,
    tuples: &[Tuple],
) -> Result<Option<(Root, String)>, Problem> {
    match found(request, facts, raw, kind, tuples)? {
        Some(Found::Directory { path, origin }) => {
            open(raw, &path, &origin).map(|root| Some((root, origin)))
        }
        Some(Found::Image { path, format, origin }) => Err(Problem::blocking(
            Code::EMULATOR_ROOT_UNUSABLE,
            format!(
                "the emulator's root `{path}`, named by {origin}, is a {} image that is not mounted",
                format.name()
            ),
        )
        .hint(format!(
            "mount it and name the place: {}fuse {path} DIR; then --emulator-root DIR",
            format.name().trim_end_matches("fs")
        ))),
        None => Ok(None),
    }
}

/// # Errors
/// When what is named is not there.
fn found(
    request: &Request,
    facts: &Facts,
    raw: &Root,
    kind: Emulator,
    tuples: &[Tuple],
) -> Result<Option<Found>, Problem> {
    if let Some(path) = &request.emulator_root {
        let origin = "--emulator-root".to_owned();
        let asked = raw.without_dot_dot(&RootPath::root(), path.as_path().as_os_str()).ok();
        let file = asked.and_then(|asked| raw.find(&asked));
        let image = file.filter(|f| f.kind == root::Kind::File).and_then(|f| {
            let format = image::format(raw, &f).ok().flatten()?;
            Some(Found::Image { path: f.host, format, origin: origin.clone() })
        });
        return Ok(Some(image.unwrap_or(Found::Directory { path: path.clone(), origin })));
    }
    match kind {
        Emulator::Fex => fex::root(facts),
        Emulator::Qemu | Emulator::Plain => qemu::root(facts, tuples),
    }
}

/// Whether FEX is registered with the kernel.
fn has_fex(facts: &Facts) -> bool {
    let registry = emulator::registry(&facts.host, &facts.mounts);
    registry.is_ok_and(|registry| {
        let kind = |r: &Registration| Kind::of_interpreter(&facts.host, &r.interpreter);
        registry.registrations.iter().any(|r| kind(r) == Kind::Fex)
    })
}

/// The image that must be mounted before a launch can be composed, because it is the emulator's root:
/// where it is and its format. The place where it is mounted goes into [`Request::emulator_root`].
///
/// # Errors
/// What prevents the launch anyway.
pub fn emulator_image(
    request: &Request,
    facts: &Facts,
) -> Result<Option<(HostPath, Format)>, Problem> {
    let RuntimeChoice::Dir(path) = &request.runtime else { return Ok(None) };
    let choice = &request.emulator;
    let kinds = matches!(choice, EmulatorChoice::Auto | EmulatorChoice::Fex | EmulatorChoice::Qemu);
    if !kinds || (*choice == EmulatorChoice::Auto && named_manifest(facts)?.is_some()) {
        return Ok(None);
    }
    // Nothing is looked at twice where there is no image to begin with.
    let raw = Root::with_form(HostPath::root(), root::Form::Full)
        .map_err(|e| Problem::blocking(Code::UNREADABLE, e.to_string()))?;
    let is_image = |found: Option<Found>| matches!(found, Some(Found::Image { .. }));
    let possible = match &request.emulator_root {
        Some(_) => is_image(found(request, facts, &raw, Emulator::Plain, &[])?),
        None => *choice != EmulatorChoice::Qemu && has_fex(facts) && is_image(fex::root(facts)?),
    };
    if !possible {
        return Ok(None);
    }
    let runtime = crate::runtime::open(&raw, path, &asked(request, facts))?;
    let foreign: Vec<Tuple> = runtime.tuples.iter().copied().filter(|t| !facts.runs(*t)).collect();
    if foreign.is_empty() {
        return Ok(None);
    }
    let Ok((kind, _)) = registered(request, facts, &foreign) else { return Ok(None) };
    Ok(match found(request, facts, &raw, kind, &foreign)? {
        Some(Found::Image { path, format, .. }) => Some((path, format)),
        Some(Found::Directory { .. }) | None => None,
    })
}

/// Opens a root for an emulator.
pub(super) fn open(raw: &Root, path: &HostPath, origin: &str) -> Result<Root, Problem> {
    let problem = |why: String| {
        Problem::blocking(
            Code::EMULATOR_ROOT_UNUSABLE,
            format!("the emulator's root `{path}`, named by {origin}, is no root"),
        )
        .evidence(why)
        .hint("name a directory that has `usr/lib` with --emulator-root")
    };
    open_root(raw, path).map_err(problem)
}

/// Opens a tree with `/usr/lib`, wherever links lead to it.
///
/// # Errors
/// Why it is none.
pub(super) fn open_root(raw: &Root, path: &HostPath) -> Result<Root, String> {
    let asked = raw.without_dot_dot(&RootPath::root(), path.as_path().as_os_str());
    let found = asked.and_then(|asked| raw.resolve(&asked)).map_err(|e| e.to_string())?;
    if found.kind != root::Kind::Directory {
        return Err(format!("`{path}` is not a directory"));
    }
    let root = Root::open(found.host).map_err(|e| e.to_string())?;
    let lib = RootPath::literal("/usr/lib");
    match root.resolve(&lib) {
        Ok(found) if found.kind == root::Kind::Directory => Ok(root),
        Ok(_) => Err(format!("`{lib}` is not a directory there")),
        Err(e) => Err(e.to_string()),
    }
}

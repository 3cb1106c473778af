//! Driver modules that loaders find by directory and file name: DRI, GBM, VA-API, VDPAU.
//!
//! Each keeps its own name, link or hard link though it may be: Mesa's loader takes the driver's name
//! from it.

use crate::capture::abi::candidate;
use crate::capture::work::Work;
use crate::capture::{Captured, Part, stub};
use inspect::manifest::Environment;
use inspect::manifest::modules::{self, Api, Module};
use inspect::root::Root;
use plan::{LayerEntry, Origin, RootPath, Subject, Tuple};
use std::borrow::Cow;
use std::collections::BTreeMap;
use std::os::unix::ffi::OsStrExt;

struct Kind {
    api: Api,
    name: &'static str,
    /// Below `lib/TUPLE` of the overrides.
    directory: &'static str,
}

/// VA-API drivers share the directory of the DRI drivers: their names differ.
const KINDS: &[Kind] = &[
    Kind { api: Api::Dri, name: "dri", directory: "dri" },
    Kind { api: Api::VaApi, name: "va-api", directory: "dri" },
    Kind { api: Api::Gbm, name: "gbm", directory: "gbm" },
    Kind { api: Api::Vdpau, name: "vdpau", directory: "vdpau" },
];

/// A variable with a list of directories, one for each architecture.
struct Variable {
    name: &'static str,
    api: Api,
    directory: &'static str,
    reason: &'static str,
}

const VARIABLES: &[Variable] = &[
    Variable {
        name: "LIBGL_DRIVERS_PATH",
        api: Api::Dri,
        directory: "dri",
        reason: "OpenGL drivers of the provider",
    },
    Variable {
        name: "LIBVA_DRIVERS_PATH",
        api: Api::VaApi,
        directory: "dri",
        reason: "VA-API drivers of the provider",
    },
    Variable {
        name: "GBM_BACKENDS_PATH",
        api: Api::Gbm,
        directory: "gbm",
        reason: "GBM back ends of the provider",
    },
];

pub(crate) fn capture(work: &mut Work<'_>) {
    for kind in KINDS {
        for abi in 0..work.abis.len() {
            capture_kind(work, kind, abi);
        }
    }
    for variable in VARIABLES {
        set_directories(work, variable);
    }
}

fn set_directories(work: &mut Work<'_>, variable: &Variable) {
    if !has_any(work, variable.directory) {
        work.unset(variable.name, "the provider has none");
        return;
    }
    let tuples = work.abis.iter().map(|abi| abi.tuple);
    let imported = tuples.map(|t| work.container(&format!("lib/{t}/{}", variable.directory)));
    let mut list: Vec<Vec<u8>> = imported.map(|d| d.as_bytes().to_vec()).collect();
    // Loaders of an architecture that the provider lacks read the variable too.
    let nothing = Environment::new::<&str, &str>([]);
    for linker in &work.alone {
        let own = modules::directories(work.input.runtime, linker, &nothing, variable.api);
        list.extend(own.into_iter().map(|d| d.path.as_bytes().to_vec()));
    }
    super::set_list(work, variable.name, &list, variable.reason);
}

fn capture_kind(work: &mut Work<'_>, kind: &Kind, abi: usize) {
    let tuple = work.abis[abi].tuple;
    let Some(environment) = environment(work, tuple, kind.api) else { return };
    let scan = modules::scan(work.provider, &work.abis[abi].provider, &environment, kind.api);
    let subject =
        |path: &RootPath| Subject::Module { tuple, api: kind.name.into(), path: path.to_string() };
    for (path, why) in &scan.rejected {
        work.decide(subject(path), vec![], None, why.to_string());
    }
    let mut seen: BTreeMap<Vec<u8>, RootPath> = BTreeMap::new();
    for module in &scan.modules {
        let Some(name) = module.path.file_name().map(|n| n.as_bytes().to_vec()) else { continue };
        // Loaders take the first of a name; one directory can have only one.
        if let Some(first) = seen.get(&name) {
            work.decide(subject(&module.path), vec![], None, format!("{first} comes first"));
            continue;
        }
        match take(work, kind, abi, module) {
            Ok((at, why, library)) => {
                seen.insert(name, module.path.clone());
                let candidates = vec![candidate(Origin::Provider, &library)];
                work.decide(subject(&module.path), candidates, Some(at), why);
            }
            Err(why) => work.decide(subject(&module.path), vec![], None, why),
        }
    }
}

/// Where modules are looked for: as the environment says, or the provider's manifest. `None` where it
/// says that they are left alone.
fn environment<'w>(work: &Work<'w>, tuple: Tuple, api: Api) -> Option<Cow<'w, Environment>> {
    // The emulator's own side draws by OpenGL and Vulkan only.
    if api == Api::Vdpau && work.group.part != Part::Guest {
        return None;
    }
    let environment = Cow::Borrowed(work.input.environment);
    let Some(settings) = work.settings(tuple) else { return Some(environment) };
    let (variable, directory) = match api {
        Api::VaApi if settings.no_va_api => return None,
        Api::Vdpau if settings.no_vdpau => return None,
        Api::Dri => ("LIBGL_DRIVERS_PATH", &settings.dri),
        Api::Gbm => ("GBM_BACKENDS_PATH", &settings.gbm),
        Api::VaApi | Api::Vdpau => return Some(environment),
    };
    let Some(directory) = directory else { return Some(environment) };
    let mut changed = environment.into_owned();
    changed.variables.insert(variable.into(), directory.as_path().into());
    Some(Cow::Owned(changed))
}

/// Links one module and captures what it needs. Gives back where the container has it, and why.
fn take(
    work: &mut Work<'_>,
    kind: &Kind,
    abi: usize,
    module: &Module,
) -> Result<(String, String, inspect::linker::Library), String> {
    let library = work.abis[abi].provider.load(&module.path).map_err(|e| e.to_string())?;
    if work.abis[abi].is_stub(&library) {
        return Err(stub::WHY.into());
    }
    work.abis[abi].capture_dependencies(&library);
    work.driver_files.push(library.file.path.clone());
    let named = under_its_name(work.provider, &module.path).unwrap_or(library.file.path.clone());
    let target = work.places.provider(&named);
    let tail = format!("lib/{}/{}", work.abis[abi].tuple, kind.directory);
    let name = module.path.file_name().unwrap_or_default();
    let at = work.overrides(&tail).join(name).map_err(|e| e.to_string())?;
    work.link(at, &target);
    let missing = work.abis[abi].unsatisfied(&library);
    let mut why = format!("found by {}", module.origin);
    if !missing.is_empty() {
        why.push_str(&format!("; it cannot be loaded: nothing has {}", missing.join(", ")));
    }
    let at = work.container(&tail).join(name).map_err(|e| e.to_string())?;
    Ok((at.to_string(), why, library))
}

/// The path of a module with its directory's links resolved, and its own name kept, as long as the
/// links that it is itself lead to files beside it. Others would end outside the provider when
/// followed in the container.
fn under_its_name(provider: &Root, path: &RootPath) -> Option<RootPath> {
    let found = provider.lookup(path).ok()?;
    let real = provider.resolve(path).ok()?;
    let directory = found.path.parent()?;
    let links_within = real.trail.iter().all(|step| {
        step.at.parent().as_ref() != Some(&directory) || !step.target.as_bytes().contains(&b'/')
    });
    (links_within && real.path.parent()? == directory).then_some(found.path)
}

fn has_any(work: &Work<'_>, directory: &str) -> bool {
    has_any_in(work, &work.out, directory)
}

fn has_any_in(work: &Work<'_>, out: &Captured, directory: &str) -> bool {
    work.abis.iter().any(|abi| {
        let base = work.overrides(&format!("lib/{}/{directory}", abi.tuple));
        let after = out.entries.range(base.clone()..).next();
        after.is_some_and(|(path, _)| path.is_within(&base))
    })
}

/// libvdpau takes one directory for all architectures, and gives it to dlopen(3), which replaces
/// `${LIB}` and `${PLATFORM}`.
pub(crate) fn vdpau_path(works: &[Work<'_>], out: &mut Captured) {
    const VARIABLE: &str = "VDPAU_DRIVER_PATH";
    let Some(first) = works.iter().find(|w| !w.abis.is_empty()) else { return };
    if !works.iter().any(|work| has_any_in(work, out, "vdpau")) {
        out.environment.unset(VARIABLE, "the provider has none");
        return;
    }
    let guests = works.iter().filter(|w| w.group.part == Part::Guest);
    let abis = guests.flat_map(|w| (0..w.abis.len()).map(move |abi| (w, abi)));
    let libs: Vec<(Tuple, String)> =
        abis.map(|(work, abi)| (work.abis[abi].tuple, lib_token(work, abi))).collect();
    let distinct = (1..libs.len()).all(|i| libs[..i].iter().all(|(_, lib)| *lib != libs[i].1));
    let token = if distinct { "${LIB}" } else { "platform-${PLATFORM}" };
    for (tuple, lib) in &libs {
        let target = first.container(&format!("lib/{tuple}/vdpau"));
        let names: Vec<String> = if distinct {
            vec![lib.clone()]
        } else {
            tuple.platforms().iter().map(|p| format!("platform-{p}")).collect()
        };
        for name in names {
            if name != format!("lib/{tuple}") {
                let at = first.overrides(&format!("{name}/vdpau"));
                let target = target.as_bytes().to_vec().into();
                out.entries.insert(at, LayerEntry::Symlink { target });
            }
        }
    }
    let mut value = first.input.overrides.as_bytes().to_vec();
    value.extend_from_slice(format!("/{token}/vdpau").as_bytes());
    out.environment.set(VARIABLE, value, "VDPAU drivers of the provider");
}

/// What `$LIB` will mean in the container: the dynamic linker is the provider's or the runtime's.
fn lib_token(work: &Work<'_>, abi: usize) -> String {
    let abi = &work.abis[abi];
    let taken = abi.taken().contains_key(crate::capture::patterns::C_LIBRARY);
    if taken { abi.provider.origin_lib() } else { abi.runtime.origin_lib() }
}

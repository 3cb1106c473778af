//! Asks the capture, or the memory of an earlier launch that asked the same.
//!
//! The question is everything that the answer depends on, but for what is in the roots themselves; the
//! witnesses cover those.

use crate::capture::{self, Captured, Part, Settings};
use crate::emulation::providers::{Group, Source};
use crate::emulation::{Arrangement, fex, overlay};
use crate::facts::Facts;
use crate::memory::{self, Memory};
use crate::request::Request;
use crate::runtime::Runtime;
use crate::{environment, locale, preload};
use inspect::manifest;
use inspect::root::{Form, Root};
use plan::{ByteString, Code, ContainerPath, HostPath, Preload, Problem, Tuple};
use std::collections::BTreeMap;
use std::ffi::OsStr;
use std::os::unix::ffi::OsStrExt;
use witness::{Recording, Witnesses};

/// Where override links are in the container.
pub(crate) const OVERRIDES: &str = "/usr/lib/pressure-vessel/overrides";

/// Variables that decide where drivers, layers and libraries are looked for: those that begin so. The
/// capture sees no others.
const SEARCH_VARIABLES: &[&str] = &[
    "GBM_",
    "HOME",
    "LD_LIBRARY_PATH",
    "LIBGL_",
    "LIBVA_",
    "OCL_",
    "OPENCL_",
    "VDPAU_",
    "VK_",
    "XDG_CONFIG_",
    "XDG_DATA_",
    "XR_",
    "__EGL_",
];

/// Decides about libraries, drivers and locales, or remembers what was decided.
///
/// # Errors
/// When nothing can be captured, or a root cannot be read.
pub(crate) fn captured(
    request: &Request,
    facts: &Facts,
    memory: &dyn Memory,
    runtime: &Runtime,
    groups: &[Group],
    arrangement: &Arrangement,
) -> Result<Captured, Vec<Problem>> {
    let searched = |name: &OsStr| {
        SEARCH_VARIABLES.iter().any(|prefix| name.as_bytes().starts_with(prefix.as_bytes()))
    };
    let variables = facts.environment.iter().filter(|(name, _)| searched(name));
    let question = Question {
        groups: groups.iter().map(|g| Asked::of(g, facts)).collect(),
        thunks: match arrangement {
            Arrangement::Overlay(overlay) => Some(overlay.native),
            Arrangement::Native | Arrangement::Direct(_) => None,
        },
        stubs: match arrangement {
            Arrangement::Native => vec![],
            Arrangement::Overlay(_) | Arrangement::Direct(_) => fex::guest_thunks(facts),
        },
        runtime: runtime.root.path().clone(),
        is_full: matches!(runtime.root.form(), Form::Full),
        manifest: runtime.manifest.map(|m| (m.device, m.inode, m.size, m.modified)),
        variables: variables.map(|(n, v)| (n.into(), v.into())).collect(),
        locales: environment::locale_variables(facts, request),
        generated: request.generated_locales.clone(),
        modules: preload::wanted(request, facts),
        import: [
            request.import_vulkan_layers,
            request.import_openxr_runtimes,
            request.import_openxr_layers,
        ],
    };
    let key = serde_json::to_vec(&question).unwrap_or_default();
    if let Some(taken) = memory::recall(memory, &key) {
        return Ok(taken);
    }
    let (taken, witnesses) = capture(&question, facts, runtime, groups)?;
    memory::keep(memory, &key, witnesses, &taken);
    Ok(taken)
}

/// Everything but the roots that the capture depends on.
#[derive(serde::Serialize)]
struct Question {
    groups: Vec<Asked>,
    thunks: Option<Tuple>,
    stubs: Vec<HostPath>,
    runtime: HostPath,
    is_full: bool,
    manifest: Option<(u64, u64, u64, i64)>,
    variables: Vec<(ByteString, ByteString)>,
    locales: BTreeMap<String, String>,
    generated: BTreeMap<String, HostPath>,
    modules: Vec<Preload>,
    import: [bool; 3],
}

/// A group of architectures.
#[derive(serde::Serialize)]
struct Asked {
    provider: Option<HostPath>,
    mount: ContainerPath,
    tuples: Vec<Tuple>,
    part: Part,
    settings: BTreeMap<Tuple, Settings>,
    locales: bool,
}

impl Asked {
    fn of(group: &Group, facts: &Facts) -> Self {
        Self {
            provider: group.root(facts).map(|root| root.path().clone()),
            mount: group.mount.clone(),
            tuples: group.tuples.clone(),
            part: group.part.clone(),
            settings: group.settings.clone(),
            locales: group.locales,
        }
    }
}

/// Decides about libraries, drivers and locales, and says what that was decided from.
fn capture(
    question: &Question,
    facts: &Facts,
    runtime: &Runtime,
    groups: &[Group],
) -> Result<(Captured, Option<Witnesses>), Vec<Problem>> {
    let recording = Recording::start();
    // Roots of their own: what the others know already they would not look at again.
    let fresh = |root: &Root| {
        let form = root.form().clone();
        Root::with_form(root.path().clone(), form).map_err(|e| vec![unreadable(&e)])
    };
    let host = fresh(&facts.host)?;
    let files = fresh(&runtime.root)?;
    let others: Vec<Option<Root>> = groups
        .iter()
        .map(|group| match &group.source {
            Source::Root(root) => fresh(root).map(Some),
            Source::Host | Source::None => Ok(None),
        })
        .collect::<Result<_, _>>()?;
    let variables = question.variables.iter().map(|(n, v)| (n.as_os_str(), v.as_os_str()));
    let environment = manifest::Environment::new(variables);
    let [import_vulkan_layers, import_openxr_runtimes, import_openxr_layers] = question.import;
    let provider = |n: usize| match &groups[n].source {
        Source::None => None,
        Source::Host | Source::Root(_) => Some(others[n].as_ref().unwrap_or(&host)),
    };
    let captured_groups = question.groups.iter().enumerate().map(|(n, group)| capture::Group {
        provider: provider(n),
        mount: group.mount.clone(),
        tuples: group.tuples.clone(),
        part: group.part.clone(),
        settings: group.settings.clone(),
    });
    let input = capture::Input {
        groups: captured_groups.collect(),
        host: &host,
        runtime: &files,
        overrides: ContainerPath::literal(OVERRIDES),
        environment: &environment,
        import_vulkan_layers,
        import_openxr_runtimes,
        import_openxr_layers,
        modules: question.modules.clone(),
        stubs: question.stubs.clone(),
        thunks: question.thunks,
    };
    let mut taken = capture::capture(&input).map_err(|e| vec![e.into()])?;
    let main = groups.iter().enumerate().next().filter(|(_, group)| group.locales);
    let locales = locale::decide(&locale::Input {
        runtime: input.runtime,
        provider: main.and_then(|(n, _)| provider(n)),
        provider_mount: main
            .map_or_else(|| ContainerPath::literal("/run/host"), |(_, g)| g.mount.clone()),
        glibc: &taken.glibc,
        requested: &question.locales,
        generated: &question.generated,
    });
    taken.entries.extend(locales.entries);
    taken.environment.0.extend(locales.environment.0);
    taken.decisions.extend(locales.decisions);
    taken.warnings.extend(locales.warnings);
    if question.thunks.is_some() {
        overlay::adapt(&files, &taken.tuples.clone(), &mut taken);
    }
    Ok((taken, recording.finish()))
}

/// A root that cannot be read.
pub(crate) fn unreadable(error: &inspect::root::Error) -> Problem {
    Problem::blocking(Code::UNREADABLE, "a root cannot be read").evidence(error.to_string())
}

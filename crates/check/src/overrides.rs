//! Whether every override link leads to a file, and one of the right architecture.

use crate::evidence;
use crate::scene::{Scene, Who};
use inspect::elf::Header;
use inspect::root::ViewRoot;
use plan::simulate::{Call, Kind};
use plan::{Code, LayerEntry, LayerName, Op, Problem, RootPath, Source, Tuple};

/// Where overrides are, as the programs that use them see it.
const OVERRIDES: &str = "/usr/lib/pressure-vessel/overrides";

/// An override link.
pub(crate) struct Link {
    pub(crate) who: Who,
    /// Its path to those who use it.
    pub(crate) path: RootPath,
    /// The architecture of the directory that it is in; `None` for data.
    pub(crate) tuple: Option<Tuple>,
}

/// Every override link of the plan, in the order of their paths.
pub(crate) fn links(scene: &Scene<'_>) -> Vec<Link> {
    let mut found = vec![];
    for step in &scene.plan().steps {
        let sources = match &step.op {
            Op::Stack { sources, .. } => sources.as_slice(),
            Op::Bind { source, .. } => std::slice::from_ref(source),
            _ => continue,
        };
        for source in sources {
            if let Source::Layer { layer, path } = source {
                let (who, at) = scene.guest_path(step.op.at());
                collect(scene, layer, path, &at, who, &mut found);
            }
        }
    }
    found
}

fn collect(
    scene: &Scene<'_>,
    layer: &LayerName,
    part: &RootPath,
    at: &RootPath,
    who: Who,
    found: &mut Vec<Link>,
) {
    let overrides = RootPath::literal(OVERRIDES);
    let Some(layer) = scene.plan().layer(layer) else { return };
    for (path, entry) in &layer.entries {
        let LayerEntry::Symlink { .. } = entry else { continue };
        let place = path.below(part).and_then(|below| at.join(below).ok());
        let Some(path) = place else { continue };
        let Some(inner) = path.below(&overrides) else { continue };
        let mut parts = inner.components().map(|c| c.as_os_str().to_str().unwrap_or_default());
        let tuple = match (parts.next(), parts.next()) {
            (Some("lib"), Some(name)) => name.parse().ok(),
            _ => None,
        };
        found.push(Link { who, path, tuple });
    }
}

/// See the module.
pub(crate) fn check(scene: &Scene<'_>) -> Vec<Problem> {
    links(scene).iter().filter_map(|link| one(scene, link)).collect()
}

fn one(scene: &Scene<'_>, link: &Link) -> Option<Problem> {
    let problem = |why: String| {
        Problem::warning(Code::OVERRIDE_BROKEN, format!("the override `{}` {why}", link.path)).hint(
            "run again with `--graphics-provider ''` for the runtime's own drivers, and report this \
             with the output of `bathysphere plan`",
        )
    };
    // With the links and architectures that the search has looked at already, where there is one.
    if let Some(linker) = link.tuple.and_then(|tuple| scene.linker(tuple))
        && linker.load(&link.path).is_ok()
    {
        return None;
    }
    let root: &ViewRoot<'_, '_> = scene.root(link.who);
    let top = plan::ContainerPath::root();
    let found = root.namespace().resolve(root.view(), Call::Open, &top, link.path.as_bytes());
    let found = match found {
        Ok(found) => found,
        Err(failure) => {
            let why = format!("leads to nothing: {failure}");
            return Some(evidence::failed(problem(why), &failure));
        }
    };
    if found.kind == Kind::Directory || link.tuple.is_none() {
        return None;
    }
    let tuple = link.tuple?;
    let start = root.namespace().content(&found, 64).ok()?;
    let is = match Header::of(&start) {
        Some(header) if header.tuple() == Some(tuple) => return None,
        Some(header) => format!("a file for {}", header.name()),
        // Drivers bring data along; only what is called a library must be one.
        None if !is_library(&link.path) => return None,
        None => "no library".into(),
    };
    Some(evidence::found(problem(format!("is for {tuple} and leads to {is}")), &found))
}

fn is_library(path: &RootPath) -> bool {
    let name = path.file_name().map(|n| n.to_string_lossy().into_owned()).unwrap_or_default();
    name.ends_with(".so") || name.contains(".so.")
}

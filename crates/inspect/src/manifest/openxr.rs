//! The OpenXR 1 runtime and API layers, as the Khronos loader (`manifest_file.cpp`) finds them.

pub use super::LayerKind;
use super::json::{self, Object};
use super::search::Base;
use super::{Directory, Environment, Found, LibraryPath, Locate, Reason, Search, Verdict};
use crate::root::Root;
use plan::Tuple;

/// A runtime.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Runtime {
    /// Where its library is.
    pub library_path: LibraryPath,
    /// Its name, where it has one.
    pub name: Option<String>,
    /// The members that are written again.
    kept: Object,
}

/// An API layer.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Layer {
    /// Its name, such as `XR_APILAYER_LUNARG_core_validation`.
    pub name: String,
    /// Where its library is.
    pub library_path: LibraryPath,
    /// The members that are written again.
    kept: Object,
}

/// What the loader reads of a runtime. Other members are the runtime's own, paths among them, which
/// would not be right elsewhere.
const RUNTIME_MEMBERS: &[&str] = &["name", "library_path", "functions", "instance_extensions"];

/// What the loader reads of an API layer.
const LAYER_MEMBERS: &[&str] = &[
    "name",
    "library_path",
    "api_version",
    "implementation_version",
    "description",
    "functions",
    "instance_extensions",
    "enable_environment",
    "disable_environment",
];

/// The object `name` of a manifest of the one version that there is.
fn content(bytes: &[u8], name: &str) -> Result<Object, Reason> {
    let manifest = json::parse(bytes)?;
    json::version(&manifest, |v| v == "1.0.0", "1.0.0")?;
    json::object(&manifest, name).cloned()
}

fn kept(o: &Object, members: &[&str]) -> Object {
    members.iter().filter_map(|m| Some(((*m).to_owned(), o.get(*m)?.clone()))).collect()
}

/// The manifest `name` with its members as they were, but for the library.
fn rewritten(kept: &Object, name: &str, library_path: &str) -> Vec<u8> {
    let mut content = kept.clone();
    content.insert("library_path".into(), library_path.into());
    json::written("1.0.0", name, content)
}

/// Reads a runtime's manifest.
///
/// # Errors
/// Why it cannot be used.
pub fn parse_runtime(bytes: &[u8], locate: Locate<'_>) -> Result<Runtime, Reason> {
    let runtime = content(bytes, "runtime")?;
    let library_path = json::filled(&runtime, "library_path", "runtime.library_path")?;
    let name = runtime.get("name").and_then(|n| n.as_str());
    Ok(Runtime {
        library_path: locate(library_path)?,
        name: name.map(Into::into),
        kept: kept(&runtime, RUNTIME_MEMBERS),
    })
}

/// Reads an API layer's manifest.
///
/// # Errors
/// Why it cannot be used.
pub fn parse_layer(bytes: &[u8], kind: LayerKind, locate: Locate<'_>) -> Result<Layer, Reason> {
    let layer = content(bytes, "api_layer")?;
    let name = json::filled(&layer, "name", "api_layer.name")?;
    let library_path = json::filled(&layer, "library_path", "api_layer.library_path")?;
    for member in ["api_version", "implementation_version"] {
        json::string(&layer, member, &format!("api_layer.{member}"))?;
    }
    if kind == LayerKind::Implicit {
        json::string(&layer, "disable_environment", "api_layer.disable_environment")?;
    }
    Ok(Layer {
        name: name.into(),
        library_path: locate(library_path)?,
        kept: kept(&layer, LAYER_MEMBERS),
    })
}

impl Runtime {
    /// The manifest for the same runtime with its library at `library_path`.
    pub fn rewritten(&self, library_path: &str) -> Vec<u8> {
        rewritten(&self.kept, "runtime", library_path)
    }
}

impl Layer {
    /// The manifest for the same layer with its library at `library_path`.
    pub fn rewritten(&self, library_path: &str) -> Vec<u8> {
        rewritten(&self.kept, "api_layer", library_path)
    }
}

/// What the loader calls an architecture in `active_runtime.ARCH.json`.
pub fn arch(tuple: Tuple) -> &'static str {
    match tuple {
        Tuple::X86_64 => "x86_64",
        Tuple::I386 => "i686",
        Tuple::Aarch64 => "aarch64",
    }
}

/// The runtime's manifests for one architecture: the loader takes the first that exists, even if it
/// cannot be used. Others that the search comes across are reported as ignored.
pub fn runtimes(root: &Root, env: &Environment, tuple: Tuple) -> Vec<Found<Runtime>> {
    let search = Search::new(root, env);
    // As the loader does: an empty variable is none.
    let only = env.filled("XR_RUNTIME_JSON").map(|v| search.single(v, "XR_RUNTIME_JSON"));
    let candidates = only.unwrap_or_else(|| {
        let names = [format!("active_runtime.{}.json", arch(tuple)), "active_runtime.json".into()];
        let tails = names.map(|n| format!("openxr/1/{n}"));
        let at = |tail: &str| search.existing(search.config_directories(), tail);
        tails.iter().flat_map(|tail| at(tail)).collect()
    });
    let read =
        |file| search.read(file, Base::Real, &|bytes, locate, _| parse_runtime(bytes, locate));
    let mut found: Vec<Found<Runtime>> = candidates.into_iter().map(read).collect();
    if let Some((first, rest)) = found.split_first_mut() {
        for other in rest {
            other.verdict = Verdict::Ignored { why: Reason::Shadowed(first.file.clone()) };
        }
    }
    found
}

fn layer_tail(kind: LayerKind) -> &'static str {
    match kind {
        LayerKind::Explicit => "openxr/1/api_layers/explicit.d",
        LayerKind::Implicit => "openxr/1/api_layers/implicit.d",
    }
}

/// Every API layer's manifest, in the order of the search.
pub fn layers(root: &Root, env: &Environment, kind: LayerKind) -> Vec<Found<Layer>> {
    let search = Search::new(root, env);
    let only = match kind {
        LayerKind::Explicit => search.listed("XR_API_LAYER_PATH"),
        LayerKind::Implicit => None,
    };
    let directories = match only {
        Some(list) => search.directories(list, ""),
        None => search.directories(search.loader_directories(), layer_tail(kind)),
    };
    let parse =
        |bytes: &[u8], locate: Locate<'_>, _: &mut Vec<Reason>| parse_layer(bytes, kind, locate);
    let files = search.manifests(&directories);
    files.into_iter().map(|f| search.read(f, Base::AsFound, &parse)).collect()
}

/// The directories below the usual places that the loader reads when no variable says otherwise,
/// without those that are missing.
pub fn layer_directories(root: &Root, env: &Environment, kind: LayerKind) -> Vec<Directory> {
    let search = Search::new(root, env);
    search.directories(search.loader_directories(), layer_tail(kind))
}

/// The directories of `active_runtime.json` that exist, in the order of the search: those that
/// would show another runtime.
pub fn runtime_directories(root: &Root, env: &Environment) -> Vec<Directory> {
    let search = Search::new(root, env);
    search.directories(search.config_directories(), "openxr/1")
}

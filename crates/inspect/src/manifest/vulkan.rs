//! Vulkan drivers and layers, as the Khronos loader (`loader.c`, `loader_json.c`) finds them.

mod icd;
mod layer;

pub use super::LayerKind;
use super::search::{Base, leave_out_duplicates};
use super::{Directory, Environment, Found, Reason, Search, Verdict};
use crate::root::Root;
pub use icd::{Icd, parse_icd};
pub use layer::{Layer, parse_layers};
use plan::Tuple;

/// Every driver manifest, in the order of the search. Within a directory, where the loader takes
/// them as the file system gives them, they are sorted by name.
pub fn icds(root: &Root, env: &Environment) -> Vec<Found<Icd>> {
    let search = Search::new(root, env);
    let files = ["VK_DRIVER_FILES", "VK_ICD_FILENAMES"].iter().find_map(|v| search.listed(v));
    let files = match files {
        Some(files) => search.expanded(files),
        None => {
            let mut files =
                search.expanded(search.listed("VK_ADD_DRIVER_FILES").unwrap_or_default());
            let directories = search.directories(search.loader_directories(), "vulkan/icd.d");
            files.extend(search.manifests(&directories));
            files
        }
    };
    let read =
        |file| search.read(file, Base::AsFound, &|bytes, locate, _| parse_icd(bytes, locate));
    let mut found: Vec<_> = files.into_iter().map(read).collect();
    found.iter_mut().for_each(reject_suffix);
    leave_out_duplicates(&mut found);
    found
}

/// The variables that name the places of layers, and the directory below the usual places.
fn layer_rule(kind: LayerKind) -> (&'static str, &'static str, &'static str) {
    match kind {
        LayerKind::Explicit => ("VK_LAYER_PATH", "VK_ADD_LAYER_PATH", "vulkan/explicit_layer.d"),
        LayerKind::Implicit => {
            ("VK_IMPLICIT_LAYER_PATH", "VK_ADD_IMPLICIT_LAYER_PATH", "vulkan/implicit_layer.d")
        }
    }
}

/// Every layer manifest, in the order of the search. A file can have several layers.
///
/// Layers with the same content are all listed: which one counts depends on names, which the
/// loader compares itself.
pub fn layers(root: &Root, env: &Environment, kind: LayerKind) -> Vec<Found<Vec<Layer>>> {
    let search = Search::new(root, env);
    let (only, more, tail) = layer_rule(kind);
    let files = match search.listed(only) {
        Some(list) => search.expanded(list),
        None => {
            let mut files = search.expanded(search.listed(more).unwrap_or_default());
            let directories = search.directories(search.loader_directories(), tail);
            files.extend(search.manifests(&directories));
            files
        }
    };
    let mut found: Vec<_> =
        files.into_iter().map(|f| search.read(f, Base::AsFound, &parse_layers)).collect();
    found.iter_mut().for_each(reject_suffix);
    found
}

/// The directories below the usual places that the loader reads when no variable says otherwise,
/// without those that are missing. Variables of the loader itself are not looked at: these are the
/// directories that would show layers a second time.
pub fn layer_directories(root: &Root, env: &Environment, kind: LayerKind) -> Vec<Directory> {
    let search = Search::new(root, env);
    search.directories(search.loader_directories(), layer_rule(kind).2)
}

/// The loader skips files that a variable names when their names do not end so.
fn reject_suffix<T>(found: &mut Found<T>) {
    if found.loaded().is_some() && !found.file.as_bytes().ends_with(b".json") {
        found.verdict = Verdict::CannotLoad { why: Reason::Suffix(".json") };
    }
}

/// Whether `library_arch` allows a manifest for an architecture. The loader compares with `32` and
/// `64`; anything else allows all.
fn check_arch(library_arch: Option<&str>, tuple: Tuple) -> Result<(), Reason> {
    match library_arch {
        Some(other @ ("32" | "64")) if other != arch(tuple) => {
            Err(Reason::LibraryArch { library_arch: other.to_owned(), tuple })
        }
        _ => Ok(()),
    }
}

/// `library_arch` for an architecture.
fn arch(tuple: Tuple) -> &'static str {
    if tuple.is_64_bit() { "64" } else { "32" }
}

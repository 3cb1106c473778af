//! Vulkan drivers and layers.
//!
//! The loader (Khronos Vulkan-Loader) is told of drivers by file; of layers by directory, which it
//! reads itself: explicit ones below `$XDG_DATA_DIRS`, implicit ones there or, since 1.3.296, in
//! `$VK_IMPLICIT_LAYER_PATH`.

use super::{Family, Item, Naming, import, paths, set_list, usable};
use crate::capture::place::position;
use crate::capture::work::Work;
use inspect::linker::Linker;
use inspect::manifest::{Environment, LayerKind, LibraryPath, vulkan};
use plan::{ContainerPath, RootPath, Subject};
use std::collections::BTreeSet;

const DRIVERS: Family = Family {
    api: "vulkan-icd",
    libraries: "vulkan",
    manifests: "share/vulkan/icd.d",
    naming: Naming::Kept,
    loader: "libvulkan.so.1",
};

const EXPLICIT: Family = Family {
    api: "vulkan-explicit-layer",
    libraries: "vulkan_exp_layer",
    manifests: "share/vulkan/explicit_layer.d",
    naming: Naming::Numbered,
    loader: "libvulkan.so.1",
};

const IMPLICIT: Family = Family {
    api: "vulkan-implicit-layer",
    libraries: "vulkan_imp_layer",
    manifests: "share/vulkan/implicit_layer.d",
    ..EXPLICIT
};

/// The default of `$XDG_DATA_DIRS` (XDG base directory specification).
const DATA_DIRS: &str = "/usr/local/share:/usr/share";

pub(crate) fn drivers(work: &mut Work<'_>) {
    let found = vulkan::icds(work.provider, work.input.environment);
    let usable = usable(work, DRIVERS.api, &found);
    let items: Vec<Item<'_>> = usable
        .into_iter()
        .map(|(manifest, icd)| Item {
            file: manifest.file.clone(),
            place: manifest.place,
            bytes: &manifest.bytes,
            library: Some(icd.library_path.clone()),
            suits: Box::new(|tuple| icd.suits(tuple)),
            rewritten: Box::new(|library, tuple| icd.rewritten(library, tuple)),
        })
        .collect();
    let mut list = paths(&import(work, &DRIVERS, &items));
    if !list.is_empty() {
        let by_name: BTreeSet<&str> = items.iter().filter_map(soname).collect();
        list.extend(own_drivers(work, &by_name));
    }
    let reason = "Vulkan drivers of the provider";
    // The second is the older name; loaders know one or both.
    for variable in ["VK_DRIVER_FILES", "VK_ICD_FILENAMES"] {
        set_list(work, variable, &list, reason);
    }
    work.unset("VK_ADD_DRIVER_FILES", "its drivers are imported");
}

fn soname<'i>(item: &'i Item<'_>) -> Option<&'i str> {
    match &item.library {
        Some(LibraryPath::Soname(name)) => Some(name),
        _ => None,
    }
}

/// The runtime's drivers of architectures that the provider lacks: their loader reads the variable
/// too. Not those that a manifest of the provider leads to by name already.
fn own_drivers(work: &Work<'_>, by_name: &BTreeSet<&str>) -> Vec<Vec<u8>> {
    if work.alone.is_empty() {
        return vec![];
    }
    let found = vulkan::icds(work.input.runtime, &Environment::new::<&str, &str>([]));
    let serves = |icd: &vulkan::Icd| {
        let serves_one = |linker: &Linker<'_>| {
            let paths = icd.library_path.paths(linker, None).into_iter();
            let mut others = paths.filter(|path| {
                let name = path.file_name().and_then(|n| n.to_str());
                name.is_none_or(|name| !by_name.contains(name))
            });
            icd.suits(linker.tuple()).is_ok() && others.any(|path| linker.load(&path).is_ok())
        };
        work.alone.iter().any(serves_one)
    };
    let own = found.iter().filter(|manifest| manifest.loaded().is_some_and(serves));
    own.map(|manifest| manifest.file.as_bytes().to_vec()).collect()
}

pub(crate) fn layers(work: &mut Work<'_>) {
    if !work.input.import_vulkan_layers {
        return;
    }
    let explicit = layers_of(work, LayerKind::Explicit, &EXPLICIT);
    let implicit = layers_of(work, LayerKind::Implicit, &IMPLICIT);
    for variable in ["VK_LAYER_PATH", "VK_ADD_LAYER_PATH", "VK_ADD_IMPLICIT_LAYER_PATH"] {
        work.unset(variable, "its layers are imported");
    }
    if implicit {
        let directory = work.container(IMPLICIT.manifests);
        let value = directory.as_bytes().to_vec();
        let reason = "implicit Vulkan layers of the provider";
        work.out.environment.set("VK_IMPLICIT_LAYER_PATH", value, reason);
    } else {
        work.unset("VK_IMPLICIT_LAYER_PATH", "the provider has none");
    }
    if explicit || implicit {
        prefer_imported_data(work);
    }
    for kind in [LayerKind::Explicit, LayerKind::Implicit] {
        for directory in vulkan::layer_directories(work.input.host, work.input.environment, kind) {
            mask(work, &directory.path);
        }
    }
}

/// Whether there is any.
fn layers_of(work: &mut Work<'_>, kind: LayerKind, family: &Family) -> bool {
    let found = vulkan::layers(work.provider, work.input.environment, kind);
    let usable = usable(work, family.api, &found);
    let mut items = vec![];
    let mut names = vec![];
    for (manifest, layers) in usable {
        for layer in layers {
            names.push(layer.name.as_str());
            items.push(Item {
                file: manifest.file.clone(),
                place: manifest.place,
                bytes: &manifest.bytes,
                library: layer.library_path.clone(),
                suits: Box::new(|tuple| layer.suits(tuple)),
                rewritten: Box::new(|library, tuple| layer.rewritten(library, tuple)),
            });
        }
    }
    let written = import(work, family, &items);
    let imported: BTreeSet<&str> = written.iter().map(|w| names[w.item]).collect();
    if work.alone.is_empty() && work.pass == 0 {
        hide_own(work, kind, &imported);
    }
    !written.is_empty()
}

/// The runtime's manifests of layers that were imported would show them a second time, in another
/// version.
fn hide_own(work: &mut Work<'_>, kind: LayerKind, imported: &BTreeSet<&str>) {
    let runtime = work.input.runtime;
    let usr = RootPath::literal("/usr");
    for manifest in vulkan::layers(runtime, &Environment::new::<&str, &str>([]), kind) {
        let Some(layers) = manifest.loaded() else { continue };
        let at = position(runtime, &manifest.file);
        if at.is_within(&usr) && layers.iter().all(|l| imported.contains(l.name.as_str())) {
            let subject = Subject::Manifest {
                api: "runtime's vulkan-layer".into(),
                path: manifest.file.to_string(),
            };
            work.decide(subject, vec![], None, "the provider's layer of this name is used");
            work.out.hidden.push(at);
        }
    }
}

/// Puts the overrides' `share` first in `$XDG_DATA_DIRS`.
pub(crate) fn prefer_imported_data(work: &mut Work<'_>) {
    let inherited = work.input.environment.get("XDG_DATA_DIRS").filter(|v| !v.is_empty());
    let inherited = inherited.map_or(DATA_DIRS.as_bytes(), |v| v.as_encoded_bytes());
    let mut value = work.container("share").as_bytes().to_vec();
    value.push(b':');
    value.extend_from_slice(inherited);
    work.out.environment.set("XDG_DATA_DIRS", value, "layers of the provider come first");
}

/// Notes a directory whose manifests were imported, so that loaders do not see them twice. Those in
/// `/usr` and `/etc` are the runtime's in the container.
pub(crate) fn mask(work: &mut Work<'_>, directory: &RootPath) {
    let at = ContainerPath::root().lexically(directory);
    let own = ["/usr", "/etc"].iter().any(|own| at.is_within(&ContainerPath::literal(own)));
    if !own && !work.out.masked.contains(&at) {
        work.out.masked.push(at);
    }
}

//! Vulkan drivers and layers.
//!
//! The loader (Khronos Vulkan-Loader) is told of drivers by file; of layers by directory, which it
//! reads itself: explicit ones below `$XDG_DATA_DIRS`, implicit ones there or, since 1.3.296, in
//! `$VK_IMPLICIT_LAYER_PATH`.

use super::{Family, Item, Naming, import, paths, set_list, usable};
use crate::capture::work::Work;
use inspect::manifest::{LayerKind, vulkan};
use plan::ContainerPath;

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
    let list = paths(&import(work, &DRIVERS, &items));
    let reason = "Vulkan drivers of the provider";
    // The second is the older name; loaders know one or both.
    for variable in ["VK_DRIVER_FILES", "VK_ICD_FILENAMES"] {
        set_list(work, variable, &list, reason);
    }
    work.out.environment.unset("VK_ADD_DRIVER_FILES", "its drivers are imported");
}

pub(crate) fn layers(work: &mut Work<'_>) {
    if !work.input.import_vulkan_layers {
        return;
    }
    let explicit = layers_of(work, LayerKind::Explicit, &EXPLICIT);
    let implicit = layers_of(work, LayerKind::Implicit, &IMPLICIT);
    let environment = &mut work.out.environment;
    for variable in ["VK_LAYER_PATH", "VK_ADD_LAYER_PATH", "VK_ADD_IMPLICIT_LAYER_PATH"] {
        environment.unset(variable, "its layers are imported");
    }
    if implicit {
        let directory = work.container(IMPLICIT.manifests);
        let value = directory.as_bytes().to_vec();
        let reason = "implicit Vulkan layers of the provider";
        work.out.environment.set("VK_IMPLICIT_LAYER_PATH", value, reason);
    } else {
        work.out.environment.unset("VK_IMPLICIT_LAYER_PATH", "the provider has none");
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
    for (manifest, layers) in usable {
        for layer in layers {
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
    !import(work, family, &items).is_empty()
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
pub(crate) fn mask(work: &mut Work<'_>, directory: &plan::RootPath) {
    let at = ContainerPath::root().lexically(directory);
    let own = ["/usr", "/etc"].iter().any(|own| at.is_within(&ContainerPath::literal(own)));
    if !own && !work.out.masked.contains(&at) {
        work.out.masked.push(at);
    }
}

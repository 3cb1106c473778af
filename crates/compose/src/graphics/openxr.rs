//! The OpenXR 1 runtime and API layers.
//!
//! The loader reads `openxr/1/active_runtime.ARCH.json`, else `active_runtime.json`, below
//! `$XDG_CONFIG_HOME`, `$XDG_CONFIG_DIRS` and `/etc`, unless `XR_RUNTIME_JSON` names a file.

use super::vulkan::{mask, prefer_imported_data};
use super::{Family, Item, Naming, import, usable};
use crate::capture::work::Work;
use inspect::manifest::{LayerKind, openxr};
use plan::{Subject, Tuple};

/// The default of `$XDG_CONFIG_DIRS` (XDG base directory specification).
const CONFIG_DIRS: &str = "/etc/xdg";

const RUNTIME: &str = "openxr-runtime";
const RUNTIME_LIBRARIES: &str = "openxr/1";
const RUNTIME_MANIFESTS: &str = "etc/xdg/openxr/1";

const EXPLICIT: Family = Family {
    api: "openxr-explicit-layer",
    libraries: "openxr_1_exp_layer",
    manifests: "share/openxr/1/api_layers/explicit.d",
    naming: Naming::Numbered,
    loader: "libopenxr_loader.so.1",
};

const IMPLICIT: Family = Family {
    api: "openxr-implicit-layer",
    libraries: "openxr_1_imp_layer",
    manifests: "share/openxr/1/api_layers/implicit.d",
    ..EXPLICIT
};

pub(crate) fn runtimes(work: &mut Work<'_>) {
    if !work.input.import_openxr_runtimes {
        return;
    }
    let mut any = false;
    for abi in 0..work.abis.len() {
        let tuple = work.abis[abi].tuple;
        let found = openxr::runtimes(work.provider, work.input.environment, tuple);
        let usable = usable(work, RUNTIME, &found);
        for (manifest, runtime) in usable {
            let item = Item {
                file: manifest.file.clone(),
                place: manifest.place,
                bytes: &manifest.bytes,
                library: Some(runtime.library_path.clone()),
                suits: Box::new(|_| Ok(())),
                rewritten: Box::new(|library, _| runtime.rewritten(library)),
            };
            any |= take_runtime(work, abi, tuple, &item);
        }
    }
    if !any {
        return;
    }
    let inherited = work.input.environment.get("XDG_CONFIG_DIRS").filter(|v| !v.is_empty());
    let inherited = inherited.map_or(CONFIG_DIRS.as_bytes(), |v| v.as_encoded_bytes());
    let mut value = work.container("etc/xdg").as_bytes().to_vec();
    value.push(b':');
    value.extend_from_slice(inherited);
    let environment = &mut work.out.environment;
    environment.set("XDG_CONFIG_DIRS", value, "OpenXR runtime of the provider");
    environment.unset("XR_RUNTIME_PATH", "its runtime is imported");
    // One file cannot serve two architectures; the directory has one for each.
    environment.unset("XR_RUNTIME_JSON", "its runtime is imported");
    for directory in openxr::runtime_directories(work.input.host, work.input.environment) {
        mask(work, &directory.path);
    }
}

/// The primary architecture's manifest has the plain name, those of others the loader's name of the
/// architecture in it.
fn take_runtime(work: &mut Work<'_>, abi: usize, tuple: Tuple, item: &Item<'_>) -> bool {
    let name = match (work.pass, abi) {
        (0, 0) => "active_runtime.json".to_owned(),
        _ => format!("active_runtime.{}.json", openxr::arch(tuple)),
    };
    let tail = format!("{RUNTIME_MANIFESTS}/{name}");
    let subject = Subject::Manifest { api: RUNTIME.into(), path: item.file.to_string() };
    let target = super::library_for(work, abi, item, RUNTIME_LIBRARIES, EXPLICIT.loader);
    match target {
        Ok(target) => {
            let at = work.overrides(&tail);
            work.file(at, (item.rewritten)(&target, tuple));
            let at = work.container(&tail).to_string();
            work.decide(subject, vec![], Some(at), format!("taken for {tuple}"));
            true
        }
        Err(why) => {
            work.decide(subject, vec![], None, format!("{tuple}: {why}"));
            false
        }
    }
}

pub(crate) fn layers(work: &mut Work<'_>) {
    if !work.input.import_openxr_layers {
        return;
    }
    let explicit = layers_of(work, LayerKind::Explicit, &EXPLICIT);
    let implicit = layers_of(work, LayerKind::Implicit, &IMPLICIT);
    if explicit {
        let value = work.container(EXPLICIT.manifests).as_bytes().to_vec();
        let reason = "OpenXR layers of the provider";
        work.out.environment.set("XR_API_LAYER_PATH", value, reason);
    } else {
        work.unset("XR_API_LAYER_PATH", "the provider has none");
    }
    if explicit || implicit {
        prefer_imported_data(work);
    }
    for kind in [LayerKind::Explicit, LayerKind::Implicit] {
        for directory in openxr::layer_directories(work.input.host, work.input.environment, kind) {
            mask(work, &directory.path);
        }
    }
}

/// Whether there is any.
fn layers_of(work: &mut Work<'_>, kind: LayerKind, family: &Family) -> bool {
    let found = openxr::layers(work.provider, work.input.environment, kind);
    let items: Vec<Item<'_>> = usable(work, family.api, &found)
        .into_iter()
        .map(|(manifest, layer)| Item {
            file: manifest.file.clone(),
            place: manifest.place,
            bytes: &manifest.bytes,
            library: Some(layer.library_path.clone()),
            suits: Box::new(|_| Ok(())),
            rewritten: Box::new(|library, _| layer.rewritten(library)),
        })
        .collect();
    !import(work, family, &items).is_empty()
}

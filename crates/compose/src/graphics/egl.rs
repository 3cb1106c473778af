//! EGL vendors behind libglvnd, and external platforms of NVIDIA's EGL.

use super::{Family, Item, Naming, import, paths, set_list, usable};
use crate::capture::work::Work;
use inspect::manifest::{Found, egl};

struct Kind {
    family: Family,
    files: &'static str,
    directories: &'static str,
    reason: &'static str,
}

const VENDORS: Kind = Kind {
    family: Family {
        api: "egl-icd",
        libraries: "glvnd",
        manifests: "share/glvnd/egl_vendor.d",
        naming: Naming::Kept,
        loader: "libEGL.so.1",
    },
    files: "__EGL_VENDOR_LIBRARY_FILENAMES",
    directories: "__EGL_VENDOR_LIBRARY_DIRS",
    reason: "EGL drivers of the provider",
};

const PLATFORMS: Kind = Kind {
    family: Family {
        api: "egl-external-platform",
        libraries: "egl_external_platform",
        manifests: "share/egl/egl_external_platform.d",
        naming: Naming::Kept,
        loader: "libEGL_nvidia.so.0",
    },
    files: "__EGL_EXTERNAL_PLATFORM_CONFIG_FILENAMES",
    directories: "__EGL_EXTERNAL_PLATFORM_CONFIG_DIRS",
    reason: "EGL platforms of the provider's NVIDIA driver",
};

pub(crate) fn capture(work: &mut Work<'_>) {
    let environment = work.input.environment;
    let vendors = egl::vendors(work.provider, environment);
    let platforms = egl::external_platforms(work.provider, environment);
    capture_kind(work, &VENDORS, &vendors);
    capture_kind(work, &PLATFORMS, &platforms);
}

fn capture_kind(work: &mut Work<'_>, kind: &Kind, found: &[Found<egl::Icd>]) {
    let items: Vec<Item<'_>> = usable(work, kind.family.api, found)
        .into_iter()
        .map(|(manifest, icd)| Item {
            file: manifest.file.clone(),
            place: manifest.place,
            bytes: &manifest.bytes,
            library: Some(icd.library_path.clone()),
            suits: Box::new(|_| Ok(())),
            rewritten: Box::new(|library, _| icd.rewritten(library)),
        })
        .collect();
    let list = paths(&import(work, &kind.family, &items));
    set_list(work, kind.files, &list, kind.reason);
    work.unset(kind.directories, "its drivers are imported");
}

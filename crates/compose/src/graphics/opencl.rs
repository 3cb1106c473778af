//! OpenCL drivers.
//!
//! The loaders (Khronos', ocl-icd) read a directory of `.icd` files, each with the name or path of a
//! library; both take `OCL_ICD_VENDORS` in its place, older ones of ocl-icd `OPENCL_VENDOR_PATH`.

use super::{Family, Item, Naming, import, usable};
use crate::capture::work::Work;
use inspect::manifest::opencl;

const FAMILY: Family = Family {
    api: "opencl-icd",
    libraries: "opencl",
    manifests: "etc/OpenCL/vendors",
    naming: Naming::Kept,
    loader: "libOpenCL.so.1",
};

pub(crate) fn capture(work: &mut Work<'_>) {
    let found = opencl::vendors(work.provider, work.input.environment);
    let items: Vec<Item<'_>> = usable(work, FAMILY.api, &found)
        .into_iter()
        .map(|(manifest, vendor)| Item {
            file: manifest.file.clone(),
            place: manifest.place,
            bytes: &manifest.bytes,
            library: Some(vendor.library_path.clone()),
            suits: Box::new(|_| Ok(())),
            rewritten: Box::new(|library, _| vendor.rewritten(library)),
        })
        .collect();
    let any = !import(work, &FAMILY, &items).is_empty();
    for variable in ["OCL_ICD_VENDORS", "OPENCL_VENDOR_PATH"] {
        if any {
            let value = work.container(FAMILY.manifests).as_bytes().to_vec();
            work.out.environment.set(variable, value, "OpenCL drivers of the provider");
        } else if work.input.environment.get(variable).is_some() {
            work.unset(variable, "the provider has none");
        }
    }
}

//! The machine's own drivers, listed after those of the emulated architectures.
//!
//! FEX lets emulated programs call into native libraries (thunks): a native libGL or libvulkan then
//! runs in the same process, with the same environment, and must find native drivers by the variables
//! that lead emulated loaders to theirs. A loader leaves out what is of another architecture, so both
//! can be in one list. Nothing is captured: where this is used, the host's system directories are at
//! their own places in the native view.

use crate::capture::{Captured, Input};
use crate::emulation::INTERPRETER_HOST;
use inspect::linker::{Linker, Options};
use inspect::manifest::modules::{self, Api};
use inspect::manifest::{Found, Place, egl, vulkan};
use plan::{RootPath, Tuple};

const REASON: &str =
    "the provider's drivers, then this machine's own for libraries that run natively";

/// Appends to every list of drivers that is set. One that is not set needs nothing: native loaders
/// look where they always do.
pub(crate) fn append(input: &Input<'_>, native: Tuple, out: &mut Captured) {
    let host = input.host;
    let variables = input.environment;
    let icds = vulkan::icds(host, variables);
    let icds: Vec<_> = icds
        .iter()
        .filter(|found| found.loaded().is_some_and(|icd| icd.suits(native).is_ok()))
        .filter_map(place)
        .collect();
    let files = |found: &[Found<egl::Icd>]| -> Vec<Vec<u8>> {
        found.iter().filter(|f| f.loaded().is_some()).filter_map(place).collect()
    };
    let mut lists = vec![
        ("VK_DRIVER_FILES", icds.clone()),
        ("VK_ICD_FILENAMES", icds),
        ("__EGL_VENDOR_LIBRARY_FILENAMES", files(&egl::vendors(host, variables))),
        (
            "__EGL_EXTERNAL_PLATFORM_CONFIG_FILENAMES",
            files(&egl::external_platforms(host, variables)),
        ),
    ];
    if let Ok(linker) = Linker::new(host, native, Options { hwcaps: false, ..Options::default() }) {
        for (variable, api) in [
            ("LIBGL_DRIVERS_PATH", Api::Dri),
            ("LIBVA_DRIVERS_PATH", Api::VaApi),
            ("GBM_BACKENDS_PATH", Api::Gbm),
        ] {
            let found = modules::directories(host, &linker, variables, api);
            let list = found.iter().filter_map(|d| seen_natively(&d.path)).collect();
            lists.push((variable, list));
        }
    }
    for (variable, list) in lists {
        let Some(mut value) = out.environment.get(variable).map(|v| v.0.clone()) else { continue };
        for item in list {
            value.push(b':');
            value.extend_from_slice(&item);
        }
        out.environment.set(variable, value, REASON);
    }
}

fn place<T>(found: &Found<T>) -> Option<Vec<u8>> {
    match found.place {
        Place::Root => seen_natively(&found.file),
        Place::Host => None,
    }
}

/// The name by which a native process in the container finds a file of the host: `/etc` is the
/// container's own.
fn seen_natively(path: &RootPath) -> Option<Vec<u8>> {
    let bytes = path.as_bytes();
    // Lists are separated by colons.
    if bytes.contains(&b':') {
        return None;
    }
    let is_etc = path.is_within(&RootPath::literal("/etc"));
    let base = if is_etc { INTERPRETER_HOST.as_bytes() } else { b"" };
    Some([base, bytes].concat())
}

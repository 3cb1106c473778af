//! Data that drivers of the provider read by paths built into them.

use super::place::position;
use super::work::Work;
use inspect::root::Kind;
use plan::{RootPath, Subject, Tuple};
use std::collections::BTreeSet;
use std::os::unix::ffi::OsStrExt;

/// Where data is always expected too.
const COMMON: &str = "/usr/share";

/// A directory of data below `share`, with the libraries beside whose prefix it is looked for.
struct Data {
    directory: &'static str,
    /// The first of them that was taken counts.
    libraries: &'static [&'static str],
    /// Whether driver modules and Vulkan drivers count as well.
    drivers: bool,
    why: &'static str,
}

const DATA: &[Data] = &[
    Data {
        directory: "libdrm",
        libraries: &["libdrm_amdgpu.so.1", "libdrm.so.2"],
        drivers: false,
        why: "names of devices for the provider's libdrm",
    },
    Data {
        directory: "drirc.d",
        libraries: &["libGLX_mesa.so.0", "libEGL_mesa.so.0"],
        drivers: true,
        why: "settings by application for the provider's Mesa",
    },
    Data {
        directory: "nvidia",
        libraries: &["libGLX_nvidia.so.0"],
        drivers: false,
        why: "profiles for NVIDIA's driver of the provider",
    },
];

/// Names of PCI devices, for libpciaccess; the first that is there is shown at the first path.
const PCI_IDS: &[&str] =
    &["/usr/share/misc/pci.ids", "/usr/share/hwdata/pci.ids", "/usr/share/pci.ids"];

/// Brings the data of everything that was captured.
pub(crate) fn capture(work: &mut Work<'_>) {
    for data in DATA {
        capture_directory(work, data);
    }
    let ids = PCI_IDS.iter().find_map(|p| work.provider.find(&RootPath::literal(p)));
    if let Some(ids) = ids {
        let target = work.places.provider(&ids.path);
        let at = position(work.input.runtime, &RootPath::literal(PCI_IDS[0]));
        work.link(at, &target);
    }
}

fn capture_directory(work: &mut Work<'_>, data: &Data) {
    let files = libraries(work, data);
    if files.is_empty() {
        return;
    }
    let common = RootPath::literal(COMMON).at(data.directory);
    let mut candidates: BTreeSet<RootPath> = BTreeSet::new();
    for (file, tuple) in files {
        let beside = prefix(&file, tuple).at("share").at(data.directory);
        let found = [beside, common.clone()].into_iter().find(|path| {
            work.provider.find(path).is_some_and(|found| found.kind == Kind::Directory)
        });
        candidates.extend(found);
    }
    for path in &candidates {
        work.take_in_place(path);
        let subject = Subject::Path { path: path.to_string() };
        work.decide(subject, vec![], Some(path.to_string()), data.why);
    }
    // The runtime's own directory would be of another version than the drivers.
    let other = candidates.first().filter(|_| !candidates.contains(&common));
    if let Some(found) = other.and_then(|first| work.provider.find(first)) {
        let target = work.places.provider(&found.path);
        let at = position(work.input.runtime, &common);
        work.link(at, &target);
    }
}

/// The real files of the libraries that count, with the architecture where it is known.
fn libraries(work: &Work<'_>, data: &Data) -> BTreeSet<(RootPath, Option<Tuple>)> {
    let mut out = BTreeSet::new();
    for abi in &work.abis {
        let taken = data.libraries.iter().filter_map(|name| abi.taken().get(*name));
        let wanted = if data.drivers { usize::MAX } else { 1 };
        out.extend(taken.take(wanted).map(|l| (l.file.path.clone(), Some(abi.tuple))));
    }
    if data.drivers {
        out.extend(work.driver_files.iter().map(|path| (path.clone(), None)));
    }
    out
}

/// The prefix that a library is installed below: `/usr` for `/usr/lib/x86_64-linux-gnu/libX.so`.
fn prefix(library: &RootPath, tuple: Option<Tuple>) -> RootPath {
    let mut directory = library.parent().unwrap_or_else(RootPath::root);
    let named = |directory: &RootPath, name: &str| {
        directory.file_name().is_some_and(|n| n.as_bytes() == name.as_bytes())
    };
    let up = |directory: &RootPath| directory.parent().unwrap_or_else(RootPath::root);
    for module_directory in ["dri", "gbm", "vdpau"] {
        if named(&directory, module_directory) {
            directory = up(&directory);
        }
    }
    let tuples = Tuple::ALL.iter().filter(|t| tuple.is_none_or(|tuple| tuple == **t));
    for tuple in tuples {
        if named(&directory, tuple.name()) {
            directory = up(&directory);
        }
    }
    if ["lib", "lib64", "lib32"].iter().any(|lib| named(&directory, lib)) {
        directory = up(&directory);
    }
    if directory == RootPath::root() {
        return RootPath::literal("/usr");
    }
    directory
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn prefixes() {
        for (library, want) in [
            ("/usr/lib/x86_64-linux-gnu/libGLX_mesa.so.0.0.0", "/usr"),
            ("/lib/x86_64-linux-gnu/libGLX_mesa.so.0.0.0", "/usr"),
            ("/usr/lib64/dri/radeonsi_dri.so", "/usr"),
            ("/lib32/libdrm.so.2", "/usr"),
            ("/nix/store/abc-mesa/lib/libGLX_mesa.so.0", "/nix/store/abc-mesa"),
            ("/opt/mesa/lib/x86_64-linux-gnu/dri/x_dri.so", "/opt/mesa"),
        ] {
            let path = RootPath::literal(library);
            assert_eq!(prefix(&path, None), RootPath::literal(want), "{library}");
        }
    }
}

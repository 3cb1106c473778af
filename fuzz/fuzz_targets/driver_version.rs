//! A driver and what a kernel module says: never panics; a version is in the file that it is read from.
#![no_main]

use inspect::root::Root;
use inspect::{driver_version, nvidia};
use libfuzzer_sys::fuzz_target;
use plan::{HostPath, RootPath};
use std::path::PathBuf;
use std::sync::LazyLock;

/// A directory of this process in memory, with what is looked at in it.
static PLACE: LazyLock<PathBuf> = LazyLock::new(|| {
    let place = PathBuf::from(format!("/dev/shm/bathysphere-fuzz-{}", std::process::id()));
    for directory in ["usr/lib", "proc/driver/nvidia"] {
        std::fs::create_dir_all(place.join(directory)).expect("a directory can be made");
    }
    place
});

fn is_within(bytes: &[u8], text: &str) -> bool {
    !text.is_empty() && bytes.windows(text.len()).any(|window| window == text.as_bytes())
}

fuzz_target!(|bytes: &[u8]| {
    for file in ["usr/lib/driver", "proc/driver/nvidia/version"] {
        std::fs::write(PLACE.join(file), bytes).expect("a file can be written");
    }
    let root = Root::open(HostPath::new(&**PLACE).expect("absolute")).expect("it is there");
    let driver = root.resolve(&RootPath::literal("/usr/lib/driver")).expect("it is there");
    if let Some(version) = driver_version::mesa(&root, &driver) {
        assert!(version.contains('.') && is_within(bytes, &version));
    }
    if let Some(module) = nvidia::module(&root) {
        assert!(module.version.contains('.') && is_within(bytes, &module.version));
    }
});

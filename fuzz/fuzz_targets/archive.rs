//! An archive of a runtime, and a list of digests: never panics; nothing is written beside the directory, and
//! nothing is left of what is refused.
#![no_main]

use libfuzzer_sys::fuzz_target;
use plan::HostPath;
use std::fs;
use std::path::PathBuf;
use store::runtimes::{Library, digest_of};

/// A directory of this process, with another one in it for the runtimes.
fn place() -> PathBuf {
    std::env::temp_dir().join(format!("bathysphere-fuzz-{}", std::process::id()))
}

fuzz_target!(|bytes: &[u8]| {
    let place = place();
    let library = Library::open(&HostPath::new(place.join("runtimes")).unwrap()).unwrap();
    let held = library.hold(&mut || ()).unwrap();
    let mut written = 0;
    let draft = held.unpack(&mut &bytes[..], &mut |n| written = n);
    assert!(written <= bytes.len() as u64);
    if let Ok(draft) = draft {
        assert!(draft.runtime().as_path().starts_with(&place));
    }
    assert_eq!(fs::read_dir(place.join("runtimes/.drafts")).unwrap().count(), 0);
    assert_eq!(fs::read_dir(&place).unwrap().count(), 1);
    let _ = digest_of(bytes, "SteamLinuxRuntime_sniper.tar.xz");
});

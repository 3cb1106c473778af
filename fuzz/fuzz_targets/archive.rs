//! An archive of a runtime, and a list of digests: never panics; nothing is written beside the directory, and
//! nothing is left of what is refused.
#![no_main]

use libfuzzer_sys::fuzz_target;
use plan::HostPath;
use std::fs;
use std::path::PathBuf;
use std::sync::LazyLock;
use store::runtimes::{Library, digest_of};

/// A directory of this process in memory, with another one in it for the runtimes.
static PLACE: LazyLock<PathBuf> = LazyLock::new(|| {
    let place = PathBuf::from(format!("/dev/shm/bathysphere-fuzz-{}", std::process::id()));
    fs::create_dir_all(&place).expect("a directory can be made");
    place
});

/// What has digits where headers have their sum gets the right one: chance does not find it.
fn summed(bytes: &[u8]) -> Vec<u8> {
    let mut out = bytes.to_vec();
    for block in out.as_chunks_mut::<512>().0 {
        if !block[148..154].iter().all(u8::is_ascii_digit) {
            continue;
        }
        block[148..156].fill(b' ');
        let sum: u32 = block.iter().map(|b| u32::from(*b)).sum();
        block[148..154].copy_from_slice(format!("{sum:06o}").as_bytes());
    }
    out
}

fn unpack(bytes: &[u8]) {
    let library = Library::open(&HostPath::new(PLACE.join("runtimes")).unwrap()).unwrap();
    let held = library.hold(&mut || ()).unwrap();
    let mut written = 0;
    let draft = held.unpack(&mut &bytes[..], &mut |n| written = n);
    assert!(written <= bytes.len() as u64);
    match draft {
        Ok(draft) => assert!(draft.runtime().as_path().starts_with(PLACE.join("runtimes/.drafts"))),
        Err(why) => assert!(!why.to_string().is_empty()),
    }
    assert_eq!(fs::read_dir(PLACE.join("runtimes/.drafts")).unwrap().count(), 0);
    assert_eq!(fs::read_dir(&*PLACE).unwrap().count(), 1);
}

fuzz_target!(|bytes: &[u8]| {
    unpack(bytes);
    unpack(&summed(bytes));
    let _ = digest_of(bytes, "SteamLinuxRuntime_sniper.tar.xz");
});

//! A mount table: never panics; whatever it says, a path is looked up in it.
#![no_main]

use inspect::mountinfo;
use libfuzzer_sys::fuzz_target;
use plan::HostPath;

fuzz_target!(|bytes: &[u8]| {
    let Ok(mounts) = mountinfo::parse(bytes) else { return };
    for mount in &mounts {
        let covering = mountinfo::covering(&mounts, &mount.at).expect("it covers itself");
        assert_eq!(covering.at, mount.at);
        let _ = (mount.is_automount(), mount.is_network());
    }
    let _ = mountinfo::covering(&mounts, &HostPath::literal("/usr/lib"));
});

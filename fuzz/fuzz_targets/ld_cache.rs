//! A cache of the dynamic linker: never panics; what is read from what is written is the same.
#![no_main]

use inspect::ld_cache;
use libfuzzer_sys::fuzz_target;

fuzz_target!(|bytes: &[u8]| {
    let Ok(entries) = ld_cache::parse(bytes) else { return };
    // The old format has the smallest entries.
    assert!(entries.len() * 12 <= bytes.len());
    let written = ld_cache::write(&entries);
    let read = ld_cache::parse(&written).expect("what was written can be read");
    assert_eq!(read.len(), entries.len());
    assert!(entries.len() > 64 || entries.iter().all(|e| read.contains(e)));
    assert_eq!(ld_cache::write(&read), written);
});

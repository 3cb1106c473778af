//! Files of FEX: configuration, database of thunks, the table of sockets. Never panics.
#![no_main]

use inspect::emulator::fex;
use libfuzzer_sys::fuzz_target;

fuzz_target!(|bytes: &[u8]| {
    let _ = fex::parse(bytes);
    let _ = fex::parse_database(bytes);
    let lines = bytes.split(|b| *b == b'\n').count();
    assert!(fex::servers(bytes, 1000).len() < lines);
    let _ = inspect::emulator::image::Format::of(bytes);
});

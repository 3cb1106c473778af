//! A message from a bus: never panics, however many bytes it says it has; and our own are understood.
#![no_main]

use bus::Error;
use libfuzzer_sys::fuzz_target;
use message::{Call, FIXED, Incoming, LIMIT, parse, total_length};

// The module is nobody else's.
#[path = "../../crates/bus/src/message.rs"]
mod message;

fuzz_target!(|bytes: &[u8]| {
    if let Some((fixed, _)) = bytes.split_first_chunk::<FIXED>()
        && let Ok(length) = total_length(fixed)
    {
        assert!((FIXED..=FIXED + 8 + 2 * LIMIT).contains(&length));
        if let Ok(Incoming::Return { text: Some(text), .. }) = parse(bytes) {
            assert!(text.len() <= bytes.len());
        }
        // The rest may come with the next message, or not yet.
        if length != bytes.len() {
            assert!(parse(bytes).is_err());
        }
    }
    if let Ok(text) = std::str::from_utf8(bytes)
        && text.len() * 4 < LIMIT / 2
    {
        let call = Call { serial: 1, destination: text, path: text, interface: text, member: text };
        assert_eq!(parse(&call.marshal()), Ok(Incoming::Other));
    }
});

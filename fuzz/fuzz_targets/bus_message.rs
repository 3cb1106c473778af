//! A message from a bus: never panics, however many bytes it says it has; and our own are understood.
#![no_main]
#![allow(dead_code, reason = "of the modules only what is fuzzed is used")]

use arguments::Arguments;
use bus::{Error, Target};
use libfuzzer_sys::fuzz_target;
use message::{FIXED, Incoming, LIMIT, call, parse, total_length};

// The modules are nobody else's.
#[path = "../../crates/bus/src/arguments.rs"]
mod arguments;
#[path = "../../crates/bus/src/message.rs"]
mod message;

fuzz_target!(|bytes: &[u8]| {
    if let Some((fixed, _)) = bytes.split_first_chunk::<FIXED>()
        && let Ok(length) = total_length(fixed)
    {
        assert!((FIXED..=FIXED + 8 + 2 * LIMIT).contains(&length));
        if let Ok(Incoming::Return { values, .. }) = parse(bytes) {
            // The signature has a byte for each, and so has the body for each byte of a text.
            let texts = values.iter().filter_map(message::Value::text).map(str::len).sum::<usize>();
            assert!(values.len() + texts <= bytes.len());
        }
        // The rest may come with the next message, or not yet.
        if length != bytes.len() {
            assert!(parse(bytes).is_err());
        }
    }
    if let Ok(text) = std::str::from_utf8(bytes)
        && text.len() * 4 < LIMIT / 2
    {
        let target = Target { destination: Some(text), path: text, interface: text, member: text };
        let arguments = Arguments::new().text(text).number(7).bytes(bytes);
        assert_eq!(parse(&call(1, &target, &arguments)), Ok(Incoming::Other));
    }
});

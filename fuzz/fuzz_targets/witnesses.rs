//! What was seen of the host, read from a file: never panics, and there is no more of it than bytes.
//!
//! Nothing is asked of the host: what is looked at would be paths that the fuzzer made up.
#![no_main]

use libfuzzer_sys::fuzz_target;
use witness::Witnesses;
use witness::code::{Reader, Writer};

fuzz_target!(|bytes: &[u8]| {
    let witnesses = Witnesses::from_bytes(bytes);
    assert_eq!(witnesses.as_bytes(), bytes);
    // An entry has a name and a state, of one byte each.
    assert!(witnesses.len() * 2 <= bytes.len());
    assert_eq!(witnesses.describe().len(), witnesses.len());
    // The pieces that it is made of, as what they are read as first.
    let mut from = Reader(bytes);
    if let Ok(number) = from.number() {
        let mut out = Writer::default();
        out.number(number);
        assert!(out.0.len() <= bytes.len() - from.0.len());
        assert_eq!(Reader(&out.0).number(), Ok(number));
    }
    if let Ok(read) = Reader(bytes).bytes() {
        let mut out = Writer::default();
        out.bytes(read);
        assert_eq!(Reader(&out.0).bytes(), Ok(read));
    }
});

//! An entry of binfmt_misc: never panics, and what it matches it matches in every buffer.
#![no_main]

use inspect::binfmt::{Rule, parse};
use libfuzzer_sys::fuzz_target;
use std::ffi::OsStr;

fuzz_target!(|bytes: &[u8]| {
    let Ok(entry) = parse("x", bytes) else { return };
    if let Rule::Magic { offset, magic, mask } = &entry.rule {
        assert!(mask.is_empty() || mask.len() == magic.len());
        let mut start = vec![0; *offset];
        start.extend_from_slice(magic);
        assert!(entry.matches(&start, OsStr::new("x")));
    }
    let _ = entry.matches(bytes, OsStr::new("x.y"));
    assert!(entry.tuples().len() <= 3);
});

//! A configuration of ldconfig: never panics; no line gives more than is in it.
#![no_main]

use inspect::ld_conf::{self, Line};
use libfuzzer_sys::fuzz_target;

fuzz_target!(|bytes: &[u8]| {
    let mut total = 0;
    for line in ld_conf::parse(bytes) {
        let (Line::Directory(text) | Line::Include(text)) = line;
        assert!(!text.as_bytes().iter().any(|b| matches!(b, b'\n' | 0 | b'#')));
        total += text.as_bytes().len();
    }
    assert!(total <= bytes.len());
});

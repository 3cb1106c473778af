//! A pattern, NUL, a name: never panics; a pattern without special characters matches itself alone.
#![no_main]

use inspect::root::matches;
use libfuzzer_sys::fuzz_target;

fuzz_target!(|bytes: &[u8]| {
    let mut parts = bytes.splitn(2, |b| *b == 0);
    let pattern = parts.next().unwrap_or_default();
    let name = parts.next().unwrap_or_default();
    let matched = matches(pattern, name);
    if !pattern.iter().any(|b| matches!(b, b'*' | b'?' | b'[' | b'\\')) {
        assert_eq!(matched, pattern == name);
    }
    if pattern.iter().all(|b| *b == b'*') && !pattern.is_empty() {
        assert!(matched);
    }
});

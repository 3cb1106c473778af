//! A depot's manifest, plain and as if compressed: never panics; no path leads out.
#![no_main]

use inspect::mtree::{self, Entry};
use libfuzzer_sys::fuzz_target;

fuzz_target!(|bytes: &[u8]| {
    let lines = bytes.iter().filter(|b| **b == b'\n').count() + 1;
    match mtree::parse(bytes) {
        Ok(manifest) => {
            assert!(manifest.entries.len() <= lines);
            for (path, entry) in &manifest.entries {
                assert!(path.as_bytes().len() > 1);
                if let Entry::File { content, .. } = entry {
                    let mut parts = content.as_bytes().split(|b| *b == b'/');
                    assert!(parts.all(|p| p != b".."));
                }
            }
        }
        Err(error) => {
            assert!((1..=lines).contains(&error.line));
            assert!(!error.to_string().contains('\n'));
        }
    }
    let _ = mtree::parse_gz(bytes);
});

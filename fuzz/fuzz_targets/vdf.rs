//! Valve's key-value format: never panics, depth is bounded, errors have a line of the file.
#![no_main]

use inspect::vdf::{self, DEPTH_LIMIT, Node};
use libfuzzer_sys::fuzz_target;

fn depth(nodes: &[Node]) -> usize {
    nodes.iter().map(|n| 1 + depth(n.value.nodes())).max().unwrap_or(0)
}

fuzz_target!(|bytes: &[u8]| match vdf::parse(bytes) {
    Ok(document) => {
        assert!(depth(&document.nodes) <= DEPTH_LIMIT + 1);
        let _ = document.text(&["a", "b"]);
    }
    Err(error) => {
        let lines = bytes.iter().filter(|b| **b == b'\n').count() + 1;
        assert!((1..=lines).contains(&error.line));
    }
});

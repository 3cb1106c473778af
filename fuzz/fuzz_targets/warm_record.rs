//! A launch that was written down: never panics, and what is read is written and read again as the same.
#![no_main]

use libfuzzer_sys::fuzz_target;
use record::{Kept, Record};
use witness::Witnesses;

// Of a program, which cannot be depended on.
#[path = "../../crates/cli/src/warm/record.rs"]
mod record;

fuzz_target!(|bytes: &[u8]| {
    let Ok(kept) = Kept::split(bytes) else { return };
    assert!(kept.witnesses.len() + kept.rest.len() < bytes.len());
    let witnesses = Witnesses::from_bytes(kept.witnesses);
    let Ok(record) = Record::read(kept.rest) else { return };
    let written = record.write(kept.timings, &witnesses).expect("what was read can be written");
    let again = Kept::split(&written).expect("what was written can be read");
    assert_eq!((again.timings, again.witnesses), (kept.timings, kept.witnesses));
    assert_eq!(Record::read(again.rest).expect("what was written can be read"), record);
});

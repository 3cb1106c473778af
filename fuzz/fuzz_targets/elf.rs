//! An ELF file: never panics, never takes long, and what it gives is bounded by what it was given.
#![no_main]

use inspect::elf;
use libfuzzer_sys::fuzz_target;

fuzz_target!(|bytes: &[u8]| {
    let parsed = elf::parse(bytes);
    let symbols = elf::symbols(bytes);
    match &parsed {
        Ok(file) => {
            assert_eq!(file.tuple, elf::tuple_of(bytes));
            assert!(file.needed.len() * 8 <= bytes.len());
            assert!(file.build_id.as_ref().is_none_or(|id| id.len() <= bytes.len()));
        }
        Err(error) => assert!(!error.to_string().is_empty()),
    }
    if let Ok(symbols) = symbols {
        // A symbol takes 16 bytes at least.
        assert!(symbols.len() * 16 <= bytes.len());
    }
});

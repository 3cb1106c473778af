//! A driver's manifest: never panics, and what is written again is read again.
#![no_main]

use inspect::manifest::{LibraryPath, Reason, vulkan};
use libfuzzer_sys::fuzz_target;
use plan::Tuple;

fn locate(text: &str) -> Result<LibraryPath, Reason> {
    Ok(LibraryPath::Soname(text.to_owned()))
}

fuzz_target!(|bytes: &[u8]| {
    let Ok(icd) = vulkan::parse_icd(bytes, &locate) else { return };
    for tuple in Tuple::ALL {
        let written = icd.rewritten("/o/\"x\"\n.so", *tuple);
        let again = vulkan::parse_icd(&written, &locate).expect("what is written is valid");
        assert_eq!(again.library_path, LibraryPath::Soname("/o/\"x\"\n.so".into()));
        assert_eq!(again.api_version, icd.api_version);
        assert_eq!(again.is_portability_driver, icd.is_portability_driver);
        assert!(icd.library_arch.is_some() || again.suits(*tuple).is_ok());
    }
});

//! A manifest of an EGL vendor or external platform, or an OpenCL `.icd` file.
#![no_main]

use inspect::manifest::{LibraryPath, Reason, egl, opencl};
use libfuzzer_sys::fuzz_target;

fn locate(text: &str) -> Result<LibraryPath, Reason> {
    Ok(LibraryPath::Soname(text.to_owned()))
}

fuzz_target!(|bytes: &[u8]| {
    if let Ok(icd) = egl::parse_icd(bytes, &locate) {
        let again = egl::parse_icd(&icd.rewritten("/o/x.so"), &locate).expect("valid");
        assert_eq!(again.library_path, LibraryPath::Soname("/o/x.so".into()));
    }
    if let Ok(vendor) = opencl::parse_vendor(bytes, &locate) {
        let again = opencl::parse_vendor(&vendor.rewritten("/o/x.so"), &locate).expect("valid");
        assert_eq!(again.library_path, LibraryPath::Soname("/o/x.so".into()));
    }
});

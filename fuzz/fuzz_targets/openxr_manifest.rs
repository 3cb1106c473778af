//! A manifest of an OpenXR runtime or API layer: what is written again is read again.
#![no_main]

use inspect::manifest::{LayerKind, LibraryPath, Reason, openxr};
use libfuzzer_sys::fuzz_target;

fn locate(text: &str) -> Result<LibraryPath, Reason> {
    Ok(LibraryPath::Soname(text.to_owned()))
}

fuzz_target!(|bytes: &[u8]| {
    let want = LibraryPath::Soname("/o/x.so".into());
    if let Ok(runtime) = openxr::parse_runtime(bytes, &locate) {
        let again = openxr::parse_runtime(&runtime.rewritten("/o/x.so"), &locate).expect("valid");
        assert_eq!((again.library_path, again.name), (want.clone(), runtime.name));
    }
    for kind in [LayerKind::Explicit, LayerKind::Implicit] {
        if let Ok(layer) = openxr::parse_layer(bytes, kind, &locate) {
            let written = layer.rewritten("/o/x.so");
            let again = openxr::parse_layer(&written, kind, &locate).expect("valid");
            assert_eq!((again.library_path, again.name), (want.clone(), layer.name));
        }
    }
});

//! A file of Vulkan layers: never panics, and what is written again is read again.
#![no_main]

use inspect::manifest::{LibraryPath, Reason, vulkan};
use libfuzzer_sys::fuzz_target;
use plan::Tuple;

fn locate(text: &str) -> Result<LibraryPath, Reason> {
    Ok(LibraryPath::Soname(text.to_owned()))
}

fuzz_target!(|bytes: &[u8]| {
    let mut notes = vec![];
    let Ok(layers) = vulkan::parse_layers(bytes, &locate, &mut notes) else { return };
    assert!(!layers.is_empty());
    for layer in &layers {
        let again = vulkan::parse_layers(&layer.alone(), &locate, &mut notes);
        assert_eq!(again.expect("what is written is valid"), std::slice::from_ref(layer));
    }
    for layer in layers.iter().filter(|l| l.library_path.is_some()) {
        let written = layer.rewritten("/o/x.so", Tuple::I386);
        let again = vulkan::parse_layers(&written, &locate, &mut notes);
        let again = &again.expect("what is written is valid")[0];
        assert_eq!(again.name, layer.name);
        assert_eq!(again.library_path, Some(LibraryPath::Soname("/o/x.so".into())));
        // Writing once more changes nothing.
        assert_eq!(again.rewritten("/o/x.so", Tuple::I386), written);
    }
});

//! `emulator.json`: never panics, and what is accepted keeps the format's promises.
#![no_main]

use inspect::emulator::manifest::parse;
use inspect::emulator::split_words;
use libfuzzer_sys::fuzz_target;
use plan::HostPath;

fuzz_target!(|bytes: &[u8]| {
    if let Ok(text) = std::str::from_utf8(bytes)
        && let Ok(words) = split_words(text)
    {
        assert!(words.iter().map(String::len).sum::<usize>() <= text.len());
    }
    match parse(bytes, &HostPath::literal("/opt/x")) {
        Ok(manifest) => {
            let known = manifest.emulated_architectures.len();
            assert!(known + manifest.other_architectures.len() > 0);
            assert!(manifest.required_libraries.iter().all(|l| !l.contains('/')));
            let _ = (manifest.main(), manifest.container(), manifest.inside());
        }
        Err(why) => assert!(!why.to_string().is_empty()),
    }
});

//! `graphics-provider.json`: never panics, and no path of it could break a search path.
#![no_main]

use inspect::manifest::provider::parse;
use libfuzzer_sys::fuzz_target;
use plan::HostPath;

fuzz_target!(|bytes: &[u8]| {
    match parse(bytes, &HostPath::literal("/opt/x")) {
        Ok(manifest) => {
            let known = manifest.architectures.len();
            assert!(known + manifest.other_architectures.len() > 0);
            let fallback = manifest.architectures.iter().flat_map(|a| &a.fallback_library_paths);
            assert!(fallback.into_iter().all(|path| !path.as_bytes().contains(&b':')));
        }
        Err(why) => assert!(!why.to_string().is_empty()),
    }
});

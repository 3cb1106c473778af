//! `locale-archive`: never panics, and takes no more memory than its tables may have.
#![no_main]

use inspect::locale::archive::Archive;
use inspect::locale::compiled::Shape;
use libfuzzer_sys::fuzz_target;
use std::fs::File;
use std::io::Write as _;

fuzz_target!(|bytes: &[u8]| {
    let memory = rustix::fs::memfd_create("archive", rustix::fs::MemfdFlags::CLOEXEC);
    let mut file = File::from(memory.expect("there is memory"));
    file.write_all(bytes).expect("there is memory");
    let archive = match Archive::read(&file) {
        Ok(archive) => archive,
        Err(why) => return assert!(!why.to_string().is_empty()),
    };
    let Some(name) = archive.any() else { return };
    assert!(archive.has(name));
    if let Some(shape) = archive.shape(&file, name) {
        assert!(shape.is_accepted_by(&shape) && !shape.is_accepted_by(&Shape(vec![])));
    }
});

use super::*;
use crate::root::Root;
use plan::HostPath;
use testkit::{ElfBuilder, TreeBuilder};

fn parsed(builder: ElfBuilder) -> Elf {
    parse(&builder.build()).unwrap()
}

#[test]
fn everything_that_a_builder_puts_in_for_each_architecture() {
    for tuple in Tuple::ALL {
        let file = ElfBuilder::shared(*tuple)
            .soname("libx.so.1")
            .needed("liby.so.2")
            .needed("libc.so.6")
            .runpath("$ORIGIN/../lib")
            .no_default_lib()
            .defines("X_1.0")
            .symbol("f@@X_1.0")
            .symbol("plain")
            .requires("libc.so.6", &["GLIBC_2.2.5", "GLIBC_2.34"])
            .build_id(&[1, 2, 3, 4])
            .build();
        let elf = parse(&file).unwrap();
        assert_eq!(elf.tuple, Some(*tuple));
        assert_eq!(elf.kind, Kind::SharedObject);
        assert_eq!(elf.soname.as_deref(), Some("libx.so.1"));
        assert_eq!(elf.needed, ["liby.so.2", "libc.so.6"]);
        assert_eq!((elf.rpath, elf.runpath.as_deref()), (None, Some("$ORIGIN/../lib")));
        assert!(elf.no_default_lib);
        assert_eq!(elf.defines, ["X_1.0"]);
        let versions = vec!["GLIBC_2.2.5".to_owned(), "GLIBC_2.34".into()];
        assert_eq!(elf.requires, [("libc.so.6".to_owned(), versions)]);
        assert_eq!(elf.build_id.as_deref(), Some(&[1, 2, 3, 4][..]));
        assert_eq!(tuple_of(&file[..64]), Some(*tuple));
        let symbols = symbols(&file).unwrap();
        assert!(symbols.contains("f@X_1.0"), "{symbols:?}");
        assert!(symbols.iter().any(|s| s == "plain" || s.starts_with("plain@")), "{symbols:?}");
    }
}

#[test]
fn programs() {
    let elf = parsed(ElfBuilder::program(Tuple::I386).rpath("/opt/lib"));
    assert_eq!(elf.kind, Kind::Executable);
    assert_eq!(elf.interpreter.unwrap().to_string(), "/lib/ld-linux.so.2");
    assert_eq!(elf.rpath.as_deref(), Some("/opt/lib"));
}

#[test]
fn what_is_no_elf_file() {
    for bytes in [&b""[..], b"\x7fELF", b"#!/bin/sh\n", b"/* GNU ld script */ INPUT(-lx)"] {
        assert_eq!(parse(bytes), Err(Error::NotElf), "{bytes:?}");
        assert_eq!(symbols(bytes), Err(Error::NotElf), "{bytes:?}");
        assert_eq!(tuple_of(bytes), None);
    }
}

/// Every byte changed to a few values, and every length: no panic, no endless loop.
#[test]
fn damage_everywhere() {
    let file = ElfBuilder::shared(Tuple::X86_64)
        .soname("libx.so.1")
        .needed("libc.so.6")
        .symbol("f@@X_1.0")
        .requires("libc.so.6", &["GLIBC_2.2.5"])
        .build_id(&[9; 20])
        .build();
    for at in 0..file.len() {
        for value in [0, 1, 0x7f, 0xff] {
            let mut bytes = file.clone();
            bytes[at] = value;
            let _ = (parse(&bytes), symbols(&bytes));
        }
        let _ = (parse(&file[..at]), symbols(&file[..at]));
    }
}

#[test]
fn reading_a_file_gives_the_same_as_its_bytes() {
    // This test itself is an ELF file with all of it, and larger than what is read at once.
    let own = std::env::current_exe().unwrap();
    let bytes = std::fs::read(&own).unwrap();
    let root = Root::open(HostPath::root()).unwrap();
    let path = RootPath::new(&own).unwrap();
    let elf = read(&root, &path).unwrap();
    assert_eq!(elf, parse(&bytes).unwrap());
    assert_eq!(elf.kind, Kind::Executable);
    assert!(elf.needed.iter().any(|n| n.starts_with("libc.")), "{elf:?}");
    assert_eq!(read_symbols(&root, &path).unwrap(), symbols(&bytes).unwrap());
}

#[test]
fn the_c_library_of_this_machine() {
    let root = Root::open(HostPath::root()).unwrap();
    let candidates = ["/lib/x86_64-linux-gnu/libc.so.6", "/lib64/libc.so.6", "/usr/lib/libc.so.6"];
    let Some(path) =
        candidates.iter().map(|c| RootPath::literal(c)).find(|c| root.find(c).is_some())
    else {
        eprintln!("skipped: there is no glibc here");
        return;
    };
    let elf = read(&root, &path).unwrap();
    assert_eq!(elf.kind, Kind::SharedObject, "it has an interpreter, and is no program");
    assert_eq!(elf.soname.as_deref(), Some("libc.so.6"));
    assert_eq!(elf.base_version.as_deref(), Some("libc.so.6"));
    assert!(elf.defines.iter().any(|v| v == "GLIBC_2.17"));
    let symbols = read_symbols(&root, &path).unwrap();
    assert!(symbols.iter().any(|s| s.starts_with("printf@GLIBC_")));
    assert!(!symbols.iter().any(|s| s.starts_with("GLIBC_2.17")));
}

#[test]
fn an_empty_file_of_a_root() {
    let tree = TreeBuilder::new().unwrap().table("usr/\nempty").unwrap();
    let root = Root::open(HostPath::new(tree.path()).unwrap()).unwrap();
    assert_eq!(read(&root, &RootPath::literal("/empty")), Err(Error::NotElf));
    let missing = read(&root, &RootPath::literal("/none"));
    assert!(matches!(missing, Err(Error::File(root::Error::NotFound { .. }))));
}

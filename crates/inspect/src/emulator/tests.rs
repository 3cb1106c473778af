use super::*;
use testkit::TreeBuilder;

#[test]
fn names_of_emulators() {
    for (name, want) in [
        ("FEX", Kind::Fex),
        ("FEXInterpreter", Kind::Fex),
        ("FEXLoader", Kind::Fex),
        ("FEXServer", Kind::Other),
        ("qemu-x86_64", Kind::Qemu),
        ("qemu-aarch64-static", Kind::Qemu),
        ("qemu-x86_64-binfmt-P", Kind::Qemu),
        ("x86_64-binfmt-P", Kind::Qemu),
        ("qemu-system-x86_64", Kind::Other),
        ("box64", Kind::Box),
        ("box86", Kind::Box),
        ("wine", Kind::Other),
        ("", Kind::Other),
    ] {
        assert_eq!(Kind::of_name(OsStr::new(name)), want, "{name}");
    }
}

#[test]
fn a_link_tells_what_its_own_name_does_not() {
    let tree = TreeBuilder::new().unwrap();
    let tree = tree.table("usr/bin/qemu-i386 = x\nopt/run -> ../usr/bin/qemu-i386").unwrap();
    let root = Root::open(HostPath::new(tree.path()).unwrap()).unwrap();
    for (path, want) in
        [("/opt/run", Kind::Qemu), ("/opt/gone", Kind::Other), ("/gone/FEXInterpreter", Kind::Fex)]
    {
        assert_eq!(Kind::of_interpreter(&root, &HostPath::literal(path)), want, "{path}");
    }
}

#[test]
fn static_and_dynamic_programs_and_scripts() {
    let tree = TreeBuilder::new().unwrap();
    let fixed = testkit::ElfBuilder::shared(plan::Tuple::Aarch64).build();
    let tree = tree.program("usr/bin/static", &fixed).unwrap();
    let moving = testkit::ElfBuilder::program(plan::Tuple::Aarch64)
        .interpreter("/lib/ld-linux-aarch64.so.1")
        .needed("libc.so.6")
        .build();
    let tree = tree.program("usr/bin/dynamic", &moving).unwrap();
    let tree = tree.program("usr/bin/script", b"#!/bin/sh\n").unwrap();
    let root = Root::open(HostPath::new(tree.path()).unwrap()).unwrap();
    let read = |path: &str| program(&root, &HostPath::literal(path));
    assert!(read("/usr/bin/static").unwrap().is_static());
    let dynamic = read("/usr/bin/x/../dynamic");
    assert!(dynamic.is_err(), "what `..` leaves must exist");
    let dynamic = read("/usr/../usr/bin/dynamic").unwrap();
    assert!(!dynamic.is_static());
    assert_eq!(dynamic.elf.tuple, Some(plan::Tuple::Aarch64));
    assert_eq!(read("/usr/bin/script").unwrap_err(), elf::Error::NotElf);
    assert!(matches!(read("/gone"), Err(elf::Error::File(_))));
}

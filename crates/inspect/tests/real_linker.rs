//! The dynamic linker of this machine reads a cache that we wrote, in a mount namespace where it is the real one.

use inspect::ld_cache::{self, Entry};
use inspect::linker::{Library, Linker, Options};
use inspect::root::Root;
use plan::{HostPath, RootPath, Tuple};
use std::fs;
use std::process::Command;

/// A library that a program of this machine needs, other than the C library and the dynamic linker.
fn some_dependency(root: &Root, linker: &Linker<'_>) -> Option<(RootPath, Library)> {
    ["/bin/bash", "/usr/bin/perl", "/usr/bin/git", "/bin/ls"].iter().find_map(|program| {
        let program = root.find(&RootPath::literal(program))?.path;
        let closure = linker.closure(&linker.load(&program).ok()?);
        let other = |l: &Library| !l.name.starts_with("libc.so") && !l.name.starts_with("ld-");
        let library = closure.libraries.into_iter().skip(1).find(other)?;
        Some((program, library))
    })
}

#[test]
fn ld_so_finds_what_our_cache_names() {
    let root = Root::open(HostPath::root()).unwrap();
    let tuple = Tuple::native().unwrap_or(Tuple::X86_64);
    let linker = Linker::new(&root, tuple, Options::default()).unwrap();
    let Some((program, library)) = some_dependency(&root, &linker) else {
        eprintln!("skipped: none of the programs is here, or they need no library");
        return;
    };
    let directory = tempfile::tempdir().unwrap();
    let copy = directory.path().join("copy.so");
    fs::copy(library.file.host.as_path(), &copy).unwrap();
    let entry = |flags, path: &str| Entry {
        name: library.name.as_str().into(),
        path: path.into(),
        flags,
        hwcap: 0,
        os_version: 0,
        hwcaps_subdir: None,
    };
    let other = Tuple::ALL.iter().copied().find(|t| *t != tuple).unwrap();
    let entries = [
        entry(ld_cache::flags_for(other), "/nowhere"),
        entry(ld_cache::flags_for(tuple), copy.to_str().unwrap()),
        entry(ld_cache::flags_for(tuple), "/nowhere/either"),
    ];
    let cache = directory.path().join("cache");
    fs::write(&cache, ld_cache::write(&entries)).unwrap();

    let bwrap = |arguments: &[&str]| {
        let mut command = Command::new("bwrap");
        command.args(["--ro-bind", "/", "/", "--ro-bind"]).arg(&cache).arg("/etc/ld.so.cache");
        command.args(arguments).output()
    };
    match bwrap(&["/bin/true"]) {
        Ok(output) if output.status.success() => {}
        other => {
            eprintln!("skipped: bwrap cannot be used here ({other:?})");
            return;
        }
    }
    let program = program.to_string();
    let output = bwrap(&[tuple.interpreter(), "--list", &program]).unwrap();
    let listed = String::from_utf8_lossy(&output.stdout);
    let want = format!("{} => {} (", library.name, copy.display());
    assert!(listed.contains(&want), "{want}\n{listed}");
}

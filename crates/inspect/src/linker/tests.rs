use super::*;
use crate::ld_cache::{self, Entry};
use crate::root::Root;
use plan::HostPath;
use std::process::Command;
use testkit::{ElfBuilder, TreeBuilder};

const X86_64: Tuple = Tuple::X86_64;

/// A dynamic linker as far as this crate looks at it: the strings of Debian's.
fn loader(strings: &[&str]) -> Vec<u8> {
    let mut file = ElfBuilder::shared(X86_64).soname("ld-linux-x86-64.so.2").build();
    file.push(0);
    for text in strings {
        file.extend(text.as_bytes());
        file.push(0);
    }
    file
}

const DEBIAN: &[&str] = &[
    "lib/x86_64-linux-gnu",
    "",
    "/lib/x86_64-linux-gnu/",
    "/usr/lib/x86_64-linux-gnu/",
    "/lib/",
    "/usr/lib/",
    "",
    "/etc/ld.so.cache",
    "glibc-hwcaps/",
    "haswell",
    "xeon_phi",
];

fn library(soname: &str) -> ElfBuilder {
    ElfBuilder::shared(X86_64).soname(soname)
}

/// A root with Debian's dynamic linker and these files.
fn tree(files: &[(&str, ElfBuilder)]) -> TreeBuilder {
    let mut tree = TreeBuilder::new().unwrap().table("usr/lib/").unwrap();
    tree = tree.program("lib64/ld-linux-x86-64.so.2", &loader(DEBIAN)).unwrap();
    for (path, builder) in files {
        tree = tree.file(path, &builder.build()).unwrap();
    }
    tree
}

fn with_cache(tree: TreeBuilder, entries: &[(&str, &str, Option<&str>)]) -> TreeBuilder {
    let entries: Vec<Entry> = entries
        .iter()
        .map(|(name, path, hwcaps)| Entry {
            name: (*name).into(),
            path: (*path).into(),
            flags: ld_cache::flags_for(X86_64),
            hwcap: 0,
            os_version: 0,
            hwcaps_subdir: hwcaps.map(str::to_owned),
        })
        .collect();
    tree.file("etc/ld.so.cache", &ld_cache::write(&entries)).unwrap()
}

fn open(tree: &TreeBuilder) -> Root {
    Root::open(HostPath::new(tree.path()).unwrap()).unwrap()
}

fn linker(root: &Root, level: u8) -> Linker<'_> {
    Linker::for_cpu(root, X86_64, Options::default(), Cpu::of_level(level)).unwrap()
}

fn found(result: &Result<Library, NotFound>) -> String {
    match result {
        Ok(library) => format!("{} by {}", library.found, library.via),
        Err(_) => "none".into(),
    }
}

#[test]
fn default_directories_come_from_the_dynamic_linker() {
    for (strings, want, lib) in [
        (
            DEBIAN,
            "/lib/x86_64-linux-gnu /usr/lib/x86_64-linux-gnu /lib /usr/lib",
            "lib/x86_64-linux-gnu",
        ),
        (&["x", "/lib64/", "/usr/lib64/", "/etc/ld.so.cache"], "/lib64 /usr/lib64", "lib64"),
        (&["\u{1}x\u{2}/usr/lib/"], "/usr/lib", "lib"),
    ] {
        let tree = TreeBuilder::new().unwrap().table("usr/").unwrap();
        let tree = tree.program("lib64/ld-linux-x86-64.so.2", &loader(strings)).unwrap();
        let root = open(&tree);
        let linker = linker(&root, 1);
        let directories: Vec<_> =
            linker.loader.directories.iter().map(ToString::to_string).collect();
        assert_eq!(directories.join(" "), want);
        assert_eq!(linker.origin_lib(), lib);
        assert!(linker.interpreter().is_some());
    }
}

#[test]
fn a_root_without_a_dynamic_linker_of_this_architecture() {
    let tree = TreeBuilder::new().unwrap().table("usr/lib64/").unwrap();
    let wrong = ElfBuilder::shared(Tuple::Aarch64).build();
    let tree = tree.program("lib64/ld-linux-x86-64.so.2", &wrong).unwrap();
    let tree = tree.file("usr/lib64/libx.so", &library("libx.so").build()).unwrap();
    let root = open(&tree);
    let linker = linker(&root, 1);
    assert!(linker.interpreter().is_none());
    assert_eq!(found(&linker.find("libx.so", None)), "/usr/lib64/libx.so by default directories");
}

#[test]
fn the_order_of_the_search() {
    let tree = tree(&[
        ("env/liba.so", library("liba.so")),
        ("rpath/liba.so", library("liba.so")),
        ("rpath/libb.so", library("libb.so")),
        ("run/libb.so", library("libb.so")),
        ("run/libc2.so", library("libc2.so")),
        ("cached/libc2.so", library("libc2.so")),
        ("cached/libd.so", library("libd.so")),
        ("lib/libd.so", library("libd.so")),
        ("lib/libe.so", library("libe.so")),
        ("usr/lib/libe.so", library("libe.so")),
        ("extra/libf.so", library("libf.so")),
        ("opt/with-rpath", ElfBuilder::program(X86_64).rpath("/rpath")),
        ("opt/with-runpath", ElfBuilder::program(X86_64).rpath("/rpath").runpath("/run")),
        ("opt/plain", ElfBuilder::program(X86_64)),
    ]);
    let tree = with_cache(
        tree,
        &[
            ("libc2.so", "/cached/libc2.so", None),
            ("libd.so", "/cached/libd.so", None),
            ("libe.so", "/cached/gone.so", None),
        ],
    );
    let root = open(&tree);
    let path = RootPath::literal;
    let options = Options {
        library_path: vec![path("/env")],
        extra_directories: vec![path("/extra")],
        hwcaps: true,
    };
    let linker = Linker::new(&root, X86_64, options).unwrap();
    for (by, name, want) in [
        ("/opt/with-rpath", "liba.so", "/rpath/liba.so by RPATH of /opt/with-rpath"),
        ("/opt/with-runpath", "liba.so", "/env/liba.so by LD_LIBRARY_PATH"),
        ("/opt/plain", "liba.so", "/env/liba.so by LD_LIBRARY_PATH"),
        ("/opt/with-rpath", "libb.so", "/rpath/libb.so by RPATH of /opt/with-rpath"),
        ("/opt/with-runpath", "libb.so", "/run/libb.so by RUNPATH of /opt/with-runpath"),
        ("/opt/plain", "libb.so", "none"),
        ("/opt/with-runpath", "libc2.so", "/run/libc2.so by RUNPATH of /opt/with-runpath"),
        ("/opt/plain", "libc2.so", "/cached/libc2.so by /etc/ld.so.cache"),
        ("/opt/plain", "libd.so", "/cached/libd.so by /etc/ld.so.cache"),
        ("/opt/plain", "libe.so", "/lib/libe.so by default directories"),
        ("/opt/plain", "libf.so", "/extra/libf.so by extra directories"),
        ("/opt/plain", "/lib/libe.so", "/lib/libe.so by its path"),
        ("/opt/plain", "./libe.so", "none"),
    ] {
        let by = linker.load(&path(by)).unwrap();
        assert_eq!(found(&linker.find(name, Some(&by))), want, "{name}");
    }
    let missing = linker.find("libnone.so", None).unwrap_err();
    let text = missing.to_string();
    assert!(text.starts_with("library `libnone.so` is not found ("), "{text}");
    assert!(
        text.contains("/usr/lib/libnone.so: it does not exist (default directories)"),
        "{text}"
    );
}

#[test]
fn rpath_of_those_that_loaded_it_counts_and_runpath_does_not() {
    let tree = tree(&[
        ("opt/rpath", ElfBuilder::program(X86_64).rpath("/one:/two").needed("liba.so")),
        ("opt/runpath", ElfBuilder::program(X86_64).runpath("/one:/two").needed("liba.so")),
        ("one/liba.so", library("liba.so").needed("libb.so")),
        ("two/libb.so", library("libb.so")),
    ]);
    let root = open(&tree);
    let linker = linker(&root, 1);
    for (program, count, missing) in [("/opt/rpath", 3, 0), ("/opt/runpath", 2, 1)] {
        let top = linker.load(&RootPath::literal(program)).unwrap();
        let closure = linker.closure(&top);
        assert_eq!(closure.libraries.len(), count, "{program}");
        assert_eq!(closure.missing.len(), missing, "{program}");
    }
}

#[test]
fn tokens_mean_the_place_of_the_library_as_found_and_of_the_program_as_it_is() {
    let tree = tree(&[
        (
            "opt/app/bin/real",
            ElfBuilder::program(X86_64).runpath("$ORIGIN/../lib").needed("liba.so"),
        ),
        ("opt/app/lib/liba.so", library("liba.so").runpath("${ORIGIN}/sub").needed("libb.so")),
        ("opt/app/lib/sub/libb.so", library("libb.so").runpath("/usr/$LIB/x").needed("libc2.so")),
        ("usr/lib/x86_64-linux-gnu/x/libc2.so", library("libc2.so").needed("/opt/$PLATFORM/d.so")),
        ("opt/haswell/d.so", library("d.so")),
    ]);
    let tree = tree.table("usr/bin/app -> /opt/app/bin/real").unwrap();
    let root = open(&tree);
    let linker = linker(&root, 3);
    let closure = linker.closure(&linker.load(&RootPath::literal("/usr/bin/app")).unwrap());
    let paths: Vec<_> = closure.libraries.iter().map(|l| l.found.to_string()).collect();
    assert_eq!(
        paths,
        [
            "/usr/bin/app",
            "/opt/app/lib/liba.so",
            "/opt/app/lib/sub/libb.so",
            "/usr/lib/x86_64-linux-gnu/x/libc2.so",
            "/opt/haswell/d.so"
        ]
    );
    assert!(closure.missing.is_empty());
}

#[test]
fn glibc_hwcaps_of_the_cpu_in_cache_and_directories() {
    let levels = ["x86-64-v2", "x86-64-v3", "x86-64-v4"];
    let mut files =
        vec![("c/liba.so".to_owned(), "liba.so"), ("lib/libb.so".to_owned(), "libb.so")];
    for level in levels {
        files.push((format!("c/glibc-hwcaps/{level}/liba.so"), "liba.so"));
        files.push((format!("lib/glibc-hwcaps/{level}/libb.so"), "libb.so"));
    }
    let files: Vec<_> = files.iter().map(|(path, name)| (path.as_str(), library(name))).collect();
    let in_cache = levels.map(|level| format!("/c/glibc-hwcaps/{level}/liba.so"));
    let mut entries = vec![("liba.so", "/c/liba.so", None)];
    entries.extend(in_cache.iter().zip(levels).map(|(p, l)| ("liba.so", p.as_str(), Some(l))));
    let tree = with_cache(tree(&files), &entries);
    let root = open(&tree);
    for (level, sub) in [(1, ""), (2, "glibc-hwcaps/x86-64-v2/"), (4, "glibc-hwcaps/x86-64-v4/")] {
        let linker = linker(&root, level);
        let of = |name| linker.find(name, None).unwrap().found.to_string();
        assert_eq!(of("liba.so"), format!("/c/{sub}liba.so"), "{level}");
        assert_eq!(of("libb.so"), format!("/lib/{sub}libb.so"), "{level}");
    }
}

#[test]
fn older_subdirectories_only_where_the_dynamic_linker_knows_them() {
    let files = [
        ("lib/liba.so", library("liba.so")),
        ("lib/haswell/liba.so", library("liba.so")),
        ("lib/tls/x86_64/libb.so", library("libb.so")),
        ("lib/libb.so", library("libb.so")),
    ];
    for (extra, a, b) in [
        (None, "/lib/liba.so", "/lib/libb.so"),
        (Some("tls"), "/lib/haswell/liba.so", "/lib/tls/x86_64/libb.so"),
    ] {
        let strings: Vec<_> = DEBIAN.iter().copied().chain(extra).collect();
        let tree = tree(&files);
        let tree = tree.program("lib64/ld-linux-x86-64.so.2", &loader(&strings)).unwrap();
        let root = open(&tree);
        let linker = linker(&root, 3);
        assert_eq!(linker.find("liba.so", None).unwrap().found.to_string(), a);
        assert_eq!(linker.find("libb.so", None).unwrap().found.to_string(), b);
    }
}

#[test]
fn another_architecture_is_passed_over_and_a_damaged_file_is_not() {
    let tree = tree(&[
        ("lib/x86_64-linux-gnu/liba.so", ElfBuilder::shared(Tuple::I386)),
        ("usr/lib/liba.so", library("liba.so")),
        ("usr/lib/libb.so", library("libb.so")),
    ]);
    let tree = tree.file("lib/x86_64-linux-gnu/libb.so", b"/* GNU ld script */").unwrap();
    let root = open(&tree);
    let linker = linker(&root, 1);
    assert_eq!(linker.find("liba.so", None).unwrap().found.to_string(), "/usr/lib/liba.so");
    let damaged = linker.find("libb.so", None).unwrap_err();
    let last = damaged.tried.last().unwrap();
    assert_eq!(last.0.to_string(), "/lib/x86_64-linux-gnu/libb.so");
    assert_eq!(last.1, "not an ELF file");
}

#[test]
fn nodefaultlib_excludes_default_directories_even_by_the_cache() {
    let tree = tree(&[
        ("opt/app", ElfBuilder::program(X86_64).no_default_lib()),
        ("lib/liba.so", library("liba.so")),
        ("opt/lib/libb.so", library("libb.so")),
    ]);
    let cache = [("liba.so", "/lib/liba.so", None), ("libb.so", "/opt/lib/libb.so", None)];
    let tree = with_cache(tree, &cache);
    let root = open(&tree);
    let linker = linker(&root, 1);
    let app = linker.load(&RootPath::literal("/opt/app")).unwrap();
    assert!(linker.find("liba.so", Some(&app)).is_err());
    assert!(linker.find("libb.so", Some(&app)).is_ok());
    assert!(linker.find("liba.so", None).is_ok());
}

#[test]
fn without_a_cache_the_configuration_serves() {
    let tree = tree(&[("opt/lib/liba.so", library("liba.so")), ("lib/libc2.so", library("x"))]);
    let tree = tree.table("etc/ld.so.conf = /opt/lib\nopt/lib/libtext.so = no library").unwrap();
    let root = open(&tree);
    let linker = linker(&root, 1);
    assert_eq!(linker.cache_path(), None);
    assert_eq!(
        found(&linker.find("liba.so", None)),
        "/opt/lib/liba.so by ld.so.conf, for lack of a cache"
    );
    assert_eq!(linker.matching("lib*.so"), ["liba.so", "libc2.so"]);
}

#[test]
fn names_that_match() {
    let entries = ["libGLX_mesa.so.0", "libGLX_nvidia.so.0", "libEGL.so.1"];
    let entries: Vec<_> = entries.iter().map(|n| (*n, "/none", None)).collect();
    let root_tree = with_cache(tree(&[]), &entries);
    let root = open(&root_tree);
    let linker = linker(&root, 1);
    assert_eq!(linker.matching("libGLX_*.so.*"), ["libGLX_mesa.so.0", "libGLX_nvidia.so.0"]);
}

#[test]
fn caches_of_other_places() {
    for place in ["etc/ld-x86_64-pc-linux-gnu.cache", "var/cache/ldconfig/ld.so.cache"] {
        let tree = tree(&[("c/liba.so", library("liba.so"))]);
        let tree = with_cache(tree, &[("liba.so", "/c/liba.so", None)]);
        let to = tree.path().join(place);
        std::fs::create_dir_all(to.parent().unwrap()).unwrap();
        std::fs::rename(tree.path().join("etc/ld.so.cache"), to).unwrap();
        let root = open(&tree);
        assert_eq!(
            found(&linker(&root, 1).find("liba.so", None)),
            format!("/c/liba.so by /{place}")
        );
    }
}

#[test]
fn one_file_is_loaded_once_whatever_its_names() {
    let tree = tree(&[
        (
            "opt/app",
            ElfBuilder::program(X86_64).needed("liba.so").needed("libalias.so").needed("liba.so.1"),
        ),
        ("lib/liba.so.1.0", library("liba.so.1").needed("liba.so")),
    ]);
    let tree =
        tree.table("lib/liba.so -> liba.so.1.0\nlib/libalias.so => lib/liba.so.1.0").unwrap();
    let root = open(&tree);
    let linker = linker(&root, 1);
    let closure = linker.closure(&linker.load(&RootPath::literal("/opt/app")).unwrap());
    let names: Vec<_> = closure.libraries.iter().map(|l| l.name.as_str()).collect();
    assert_eq!(names, ["/opt/app", "liba.so"]);
    assert!(closure.missing.is_empty());
}

/// `name => path` of what the real dynamic linker says it would load, without the kernel's own.
fn listed(loader: &str, file: &str) -> Option<BTreeSet<String>> {
    let output = Command::new(loader).args(["--list", file]).env_clear().output().ok()?;
    let text = String::from_utf8(output.stdout).ok().filter(|_| output.status.success())?;
    let lines = text.lines().map(str::trim).filter(|l| !l.starts_with("linux-"));
    let paths = lines.filter_map(|line| {
        let (found, _) = line.split_once(" (0x")?;
        Some(found.rsplit(" => ").next()?.to_owned())
    });
    Some(paths.collect())
}

#[test]
fn the_same_as_the_dynamic_linker_of_this_machine() {
    let Some(tuple) = Tuple::native() else {
        eprintln!("skipped: this architecture is not known");
        return;
    };
    let root = Root::open(HostPath::root()).unwrap();
    let linker = Linker::new(&root, tuple, Options::default()).unwrap();
    let Some(interpreter) = linker.interpreter() else {
        eprintln!("skipped: there is no {}", tuple.interpreter());
        return;
    };
    let mut compared = 0;
    for file in
        ["/bin/bash", "/usr/bin/git", "/usr/bin/gdb", "/usr/bin/curl", "/usr/bin/perl", "/bin/ls"]
    {
        let Some(found) = root.find(&RootPath::literal(file)) else { continue };
        let file = found.path.to_string();
        let Some(want) = listed(&interpreter.path.to_string(), &file) else { continue };
        let top = linker.load(&found.path).unwrap();
        let closure = linker.closure(&top);
        let libraries = closure.libraries[1..].iter().map(|l| l.found.to_string());
        let mut got: BTreeSet<String> = libraries.collect();
        // It names itself as it was called.
        if got.remove(tuple.interpreter()) {
            got.insert(interpreter.path.to_string());
        }
        let mut want = want;
        if want.remove(tuple.interpreter()) {
            want.insert(interpreter.path.to_string());
        }
        assert_eq!(got, want, "{file}");
        assert!(closure.missing.is_empty(), "{file}");
        compared += 1;
    }
    if compared == 0 {
        eprintln!("skipped: none of the programs is here");
    }
}

#[test]
fn the_variable_of_a_process() {
    let tree = tree(&[
        ("a/liba.so", library("liba.so")),
        ("work/liba.so", library("liba.so")),
        ("work/rel/liba.so", library("liba.so")),
        ("app/liba.so", library("liba.so")),
        ("lib/x86_64-linux-gnu/pre/liba.so", library("liba.so")),
    ]);
    let root = open(&tree);
    let (app, work) = (RootPath::literal("/app"), RootPath::literal("/work"));
    for (value, origin, want) in [
        ("", None, "none"),
        ("/a", None, "/a/liba.so"),
        ("/none:/a", None, "/a/liba.so"),
        ("/none;/a", None, "/a/liba.so"),
        (":/a", None, "/work/liba.so"),
        ("rel:/a", None, "/work/rel/liba.so"),
        ("/none:", None, "/work/liba.so"),
        ("$ORIGIN:/a", Some(app.clone()), "/app/liba.so"),
        ("$ORIGIN:/a", None, "/a/liba.so"),
        ("/$LIB/pre:/a", None, "/lib/x86_64-linux-gnu/pre/liba.so"),
        ("/work/../a", None, "/a/liba.so"),
    ] {
        let linker = linker(&root, 1).with_environment(value.as_bytes(), origin, &work);
        let found = linker.find("liba.so", None).map(|l| l.found.to_string());
        assert_eq!(found.unwrap_or_else(|_| "none".into()), want, "{value}");
    }
}

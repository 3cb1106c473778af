//! Two made-up roots in, entries and decisions out.

use super::*;
use inspect::ld_cache;
use plan::{ByteString, Subject, Verdict};
use testkit::{ElfBuilder, TreeBuilder};

const X: Tuple = Tuple::X86_64;
const LIB: &str = "/usr/lib/x86_64-linux-gnu";
const OVERRIDES: &str = "/usr/lib/pressure-vessel/overrides";

/// A root with a dynamic linker of each architecture; `layout` is a table of [`TreeBuilder`].
struct Tree {
    tree: TreeBuilder,
}

impl Tree {
    fn new(tuples: &[Tuple], layout: &str) -> Self {
        let mut tree = TreeBuilder::new().unwrap().table(layout).unwrap();
        for tuple in tuples {
            let name = tuple.interpreter().rsplit('/').next().unwrap();
            let mut linker = ElfBuilder::shared(*tuple).soname(name).build();
            linker.extend(format!("\0lib/{tuple}\0").bytes());
            tree = tree.program(format!("usr/lib/{tuple}/{name}"), &linker).unwrap();
            let link = format!("{} -> /usr/lib/{tuple}/{name}", tuple.interpreter());
            tree = tree.table(&link).unwrap();
        }
        Self { tree }
    }

    /// A library at its path, with a link for its SONAME beside it if the file has another name.
    fn library(self, path: &str, elf: ElfBuilder, soname: &str) -> Self {
        let (directory, file) = path.rsplit_once('/').unwrap();
        let tree = self.tree.file(path, &elf.soname(soname).build()).unwrap();
        let link = format!("{directory}/{soname} -> {file}");
        let tree = if file == soname { tree } else { tree.table(&link).unwrap() };
        Self { tree }
    }

    fn table(self, table: &str) -> Self {
        Self { tree: self.tree.table(table).unwrap() }
    }

    fn root(&self) -> Root {
        Root::open(HostPath::new(self.tree.path()).unwrap()).unwrap()
    }
}

const MERGED: &str = "lib -> usr/lib\nlib64 -> usr/lib64\nusr/lib64/\netc/\nusr/share/";
const SPLIT: &str = "lib/\nlib64/\nusr/lib/\netc/\nusr/share/";

fn shared() -> ElfBuilder {
    ElfBuilder::shared(X)
}

/// A provider with a GL library, its dependencies and a newer C library.
fn provider() -> Tree {
    let gl = shared().needed("libz.so.1").needed("libold.so.1").needed("libc.so.6");
    let libc = shared().defines("GLIBC_2.31").defines("GLIBC_2.36");
    Tree::new(&[X], MERGED)
        .library(&format!("{LIB}/libGL.so.1.7.0"), gl, "libGL.so.1")
        .library(&format!("{LIB}/libz.so.1.2.13"), shared().needed("libc.so.6"), "libz.so.1")
        .library(&format!("{LIB}/libold.so.1.0"), shared().needed("libnew.so.1"), "libold.so.1")
        .library(&format!("{LIB}/libnew.so.1.0"), shared(), "libnew.so.1")
        .library(&format!("{LIB}/libc.so.6"), libc, "libc.so.6")
        .library(&format!("{LIB}/libm.so.6"), shared(), "libm.so.6")
        .library(&format!("{LIB}/libnss_dns.so.2"), shared(), "libnss_dns.so.2")
        .table(
            "usr/lib/x86_64-linux-gnu/gconv/UTF-16.so\nusr/share/i18n/\nusr/bin/ldd = #!/bin/sh\n\
             usr/lib/locale/C.utf8/",
        )
}

fn runtime(layout: &str, lib: &str) -> Tree {
    let libc = shared().defines("GLIBC_2.31");
    Tree::new(&[X, Tuple::I386], layout)
        .library(&format!("{lib}/libGL.so.1.7.9"), shared(), "libGL.so.1")
        .library(&format!("{lib}/libz.so.1.2.11"), shared(), "libz.so.1")
        .library(&format!("{lib}/libold.so.1.1"), shared(), "libold.so.1")
        .library(&format!("{lib}/libc-2.31.so"), libc, "libc.so.6")
        .library(&format!("{lib}/libm-2.31.so"), shared(), "libm.so.6")
        .table(&format!("{lib}/libz.so -> libz.so.1.2.11\netc/ld.so.conf = include x"))
}

fn group<'a>(provider: Option<&'a Root>, tuples: &[Tuple]) -> Group<'a> {
    Group {
        provider,
        mount: ContainerPath::literal("/run/host"),
        tuples: tuples.to_vec(),
        part: Part::Guest,
        settings: BTreeMap::new(),
    }
}

fn run_with(provider: &Root, host: &Root, runtime: &Root, variables: &[(&str, &str)]) -> Captured {
    let environment = manifest::Environment {
        host: host.path().clone(),
        ..manifest::Environment::new(variables.iter().copied())
    };
    let input = Input {
        groups: vec![group(Some(provider), &[X, Tuple::I386])],
        host,
        runtime,
        overrides: ContainerPath::literal(OVERRIDES),
        environment: &environment,
        import_vulkan_layers: true,
        import_openxr_runtimes: true,
        import_openxr_layers: true,
        modules: vec![],
        stubs: vec![],
        thunks: None,
    };
    capture(&input).unwrap()
}

fn run(provider: &Tree, runtime: &Tree) -> Captured {
    let root = provider.root();
    run_with(&root, &root, &runtime.root(), &[])
}

/// The text of the link at a path, or the content of the file.
fn at<'c>(captured: &'c Captured, path: &str) -> Option<&'c str> {
    let bytes = match captured.entries.get(&RootPath::literal(path))? {
        LayerEntry::Symlink { target } => target,
        LayerEntry::File { content, .. } => content,
        _ => return None,
    };
    std::str::from_utf8(bytes.as_bytes()).ok()
}

fn overridden<'c>(captured: &'c Captured, tail: &str) -> Option<&'c str> {
    at(captured, &format!("{OVERRIDES}/{tail}"))
}

fn why<'c>(captured: &'c Captured, path_or_name: &str) -> &'c Decision {
    let is = |d: &&Decision| match &d.subject {
        Subject::Library { name, .. } | Subject::Other { name } => name == path_or_name,
        Subject::Module { path, .. } | Subject::Manifest { path, .. } => path == path_or_name,
        Subject::Path { path } => path == path_or_name,
        Subject::Architecture { tuple } => tuple.name() == path_or_name,
    };
    captured.decisions.iter().find(is).unwrap_or_else(|| panic!("no decision on {path_or_name}"))
}

#[test]
fn libraries_are_compared_and_linked() {
    let captured = run(&provider(), &runtime(MERGED, LIB));
    for (name, link) in [
        ("libGL.so.1", Some("/run/host/usr/lib/x86_64-linux-gnu/libGL.so.1.7.0")),
        ("libz.so.1", Some("/run/host/usr/lib/x86_64-linux-gnu/libz.so.1.2.13")),
        ("libold.so.1", None),
        // Needed by a library that itself is left alone, and not in the runtime.
        ("libnew.so.1", Some("/run/host/usr/lib/x86_64-linux-gnu/libnew.so.1.0")),
        ("libc.so.6", Some("/run/host/usr/lib/x86_64-linux-gnu/libc.so.6")),
        ("libm.so.6", Some("/run/host/usr/lib/x86_64-linux-gnu/libm.so.6")),
        ("libnss_dns.so.2", Some("/run/host/usr/lib/x86_64-linux-gnu/libnss_dns.so.2")),
        ("libdl.so.2", None),
    ] {
        let got = overridden(&captured, &format!("lib/x86_64-linux-gnu/{name}"));
        assert_eq!(got, link, "{name}");
    }
    assert_eq!(why(&captured, "libz.so.1").why, "libz.so.1.2.13 is newer than libz.so.1.2.11");
    let old = why(&captured, "libold.so.1");
    assert_eq!(old.why, "libold.so.1.1 is newer than libold.so.1.0");
    let own = "/lib/x86_64-linux-gnu/libold.so.1".into();
    assert_eq!(old.verdict, Verdict::Taken { origin: Origin::Runtime, at: own });
    assert_eq!(old.candidates.len(), 2);
    assert_eq!(captured.tuples, [X, Tuple::I386]);
    assert_eq!(captured.left_out.len(), 1, "the provider has no i386");
    assert!(captured.left_out[0].1.contains("/lib/ld-linux.so.2"));
    assert_eq!(captured.glibc[&X], Origin::Provider);
    assert_eq!(captured.glibc[&Tuple::I386], Origin::Runtime);
}

#[test]
fn the_c_library_brings_its_parts() {
    let captured = run(&provider(), &runtime(MERGED, LIB));
    for (path, link) in [
        (
            format!("{LIB}/ld-linux-x86-64.so.2"),
            "/run/host/usr/lib/x86_64-linux-gnu/ld-linux-x86-64.so.2",
        ),
        (format!("{LIB}/gconv"), "/run/host/usr/lib/x86_64-linux-gnu/gconv"),
        ("/usr/share/i18n".into(), "/run/host/usr/share/i18n"),
        ("/usr/bin/ldd".into(), "/run/host/usr/bin/ldd"),
    ] {
        assert_eq!(at(&captured, &path), Some(link), "{path}");
    }
    let decision = why(&captured, "glibc x86_64-linux-gnu");
    assert!(decision.why.starts_with("only the provider's has the symbol version GLIBC_2.36"));

    // An older one stays behind, with everything that belongs to it.
    let newer = runtime(MERGED, LIB).library(
        &format!("{LIB}/libc-2.41.so"),
        shared().defines("GLIBC_2.31").defines("GLIBC_2.36").defines("GLIBC_2.41"),
        "libother.so.6",
    );
    let swap = newer.tree.path().join(format!("{}/libc.so.6", &LIB[1..]));
    std::fs::remove_file(&swap).unwrap();
    std::os::unix::fs::symlink("libc-2.41.so", &swap).unwrap();
    let captured = run(&provider(), &newer);
    for name in ["libc.so.6", "libm.so.6", "libnss_dns.so.2"] {
        assert_eq!(overridden(&captured, &format!("lib/x86_64-linux-gnu/{name}")), None, "{name}");
    }
    assert_eq!(at(&captured, &format!("{LIB}/ld-linux-x86-64.so.2")), None);
    assert_eq!(at(&captured, "/usr/bin/ldd"), None);
    assert_eq!(captured.glibc[&X], Origin::Runtime);
}

#[test]
fn what_overrides_stand_for_is_hidden() {
    for (layout, lib) in [(MERGED, LIB), (SPLIT, "/lib/x86_64-linux-gnu")] {
        let captured = run(&provider(), &runtime(layout, lib));
        let want = [
            "libGL.so.1",
            "libGL.so.1.7.9",
            "libc-2.31.so",
            "libc.so.6",
            "libm-2.31.so",
            "libm.so.6",
            "libz.so",
            "libz.so.1",
            "libz.so.1.2.11",
        ];
        let want: Vec<RootPath> =
            want.iter().map(|n| RootPath::literal(&format!("{lib}/{n}"))).collect();
        assert_eq!(captured.hidden, want, "{layout}");
    }
}

#[test]
fn the_cache_has_overrides_first() {
    let flags = ld_cache::flags_for(X);
    let entry = |name: &str, path: &str, subdirectory: Option<&str>| ld_cache::Entry {
        name: name.into(),
        path: path.into(),
        flags,
        hwcap: 0,
        os_version: 0,
        hwcaps_subdir: subdirectory.map(Into::into),
    };
    let cache = ld_cache::write(&[
        entry("libz.so.1", "/lib/x86_64-linux-gnu/libz.so.1", None),
        entry(
            "libz.so.1",
            "/lib/x86_64-linux-gnu/glibc-hwcaps/x86-64-v3/libz.so.1",
            Some("x86-64-v3"),
        ),
        entry("libz.so", "/lib/x86_64-linux-gnu/libz.so", None),
        entry("libold.so.1", "/lib/x86_64-linux-gnu/libold.so.1", None),
    ]);
    let tree = runtime(MERGED, LIB);
    let tree = Tree { tree: tree.tree.file("etc/ld.so.cache", &cache).unwrap() };
    let captured = run(&provider(), &tree);
    let entries = ld_cache::parse(&captured.ld_cache).unwrap();
    let paths = |name: &str| -> Vec<String> {
        let found = entries.iter().filter(|e| e.name == ByteString::from(name));
        found.map(|e| e.path.to_string()).collect()
    };
    assert_eq!(paths("libz.so.1"), [format!("{OVERRIDES}/lib/x86_64-linux-gnu/libz.so.1")]);
    assert_eq!(paths("libold.so.1"), ["/lib/x86_64-linux-gnu/libold.so.1"]);
    assert!(paths("libz.so").is_empty(), "its file is hidden");
    let conf = String::from_utf8(captured.ld_conf).unwrap();
    let lines: Vec<&str> = conf.lines().filter(|l| !l.starts_with('#')).collect();
    assert_eq!(lines, [&format!("{OVERRIDES}/lib/x86_64-linux-gnu"), "include x"]);

    // Without a cache, directories are read.
    let captured = run(&provider(), &runtime(MERGED, LIB));
    let entries = ld_cache::parse(&captured.ld_cache).unwrap();
    let old = entries.iter().find(|e| e.name == ByteString::from("libold.so.1")).unwrap();
    assert!(old.path.to_string().ends_with("lib/x86_64-linux-gnu/libold.so.1"), "{}", old.path);
}

const ICD: &str = r#"{"file_format_version":"1.0.0","ICD":{"api_version":"1.3.0","library_path":"#;

#[test]
fn vulkan_drivers_by_path_and_name() {
    let driver = || shared().needed("libz.so.1").needed("libabsent.so.9");
    let tree = provider()
        .library("/usr/lib/x86_64-linux-gnu/libvulkan_a.so", driver(), "libvulkan_a.so")
        .library("/usr/lib/x86_64-linux-gnu/libvulkan_b.so", shared(), "libvulkan_b.so")
        .table(&format!(
            "usr/share/vulkan/icd.d/a.json = {ICD}\"{LIB}/libvulkan_a.so\"}}}}\n\
             usr/share/vulkan/icd.d/b.json = {ICD}\"libvulkan_b.so\"}}}}\n\
             usr/share/vulkan/icd.d/bad.json = {{\n\
             usr/share/vulkan/icd.d/gone.json = {ICD}\"{LIB}/libgone.so\"}}}}\n\
             usr/share/drirc.d/x"
        ));
    let captured = run(&tree, &runtime(MERGED, LIB));
    let json = overridden(&captured, "share/vulkan/icd.d/a.json").unwrap();
    assert!(json.contains(&format!("\"/run/host{LIB}/libvulkan_a.so\"")), "{json}");
    let link = overridden(&captured, "share/vulkan/icd.d/b.json");
    assert_eq!(link, Some("/run/host/usr/share/vulkan/icd.d/b.json"));
    assert!(overridden(&captured, "lib/x86_64-linux-gnu/vulkan/libvulkan_a.so").is_some());
    assert!(overridden(&captured, "lib/x86_64-linux-gnu/libvulkan_b.so").is_some());
    assert_eq!(at(&captured, "/usr/share/drirc.d"), Some("/run/host/usr/share/drirc.d"));
    let list = captured.environment.get("VK_DRIVER_FILES").unwrap().to_string();
    let want = ["a", "b"].map(|n| format!("{OVERRIDES}/share/vulkan/icd.d/{n}.json")).join(":");
    assert_eq!(list, want);
    let bad = why(&captured, "/usr/share/vulkan/icd.d/bad.json");
    assert_eq!(bad.verdict, Verdict::Rejected);
    assert_eq!(captured.warnings.len(), 1, "{:?}", captured.warnings);
    assert_eq!(captured.warnings[0].code, Code::MANIFEST_REJECTED);
    let gone = why(&captured, "/usr/share/vulkan/icd.d/gone.json");
    assert_eq!(gone.verdict, Verdict::Rejected);
    assert!(gone.why.contains("libgone.so"), "{}", gone.why);
    let taken = why(&captured, "/usr/share/vulkan/icd.d/a.json");
    assert!(taken.why.contains("nothing has libabsent.so.9"), "{}", taken.why);
    assert_eq!(why(&captured, "libabsent.so.9").verdict, Verdict::Absent);
}

const LAYER: &str =
    r#""type":"GLOBAL","api_version":"1.3.0","implementation_version":"1","description":"d","#;

#[test]
fn vulkan_layers_are_numbered_and_not_seen_twice() {
    let layer = |name: &str, library: &str| {
        format!(
            r#"{{"file_format_version":"1.0.0","layer":{{"name":"{name}",{LAYER}"library_path":"{library}"}}}}"#
        )
    };
    let manifests = "usr/share/vulkan/implicit_layer.d";
    let tree = provider()
        .library("/home/u/games/liboverlay.so", shared().needed("libz.so.1"), "liboverlay.so")
        .library(&format!("{LIB}/libselect.so"), shared(), "libselect.so")
        .table(&format!(
            "home/u/.local/share/vulkan/implicit_layer.d/o.json = {}\n{manifests}/s.json = {}",
            layer("VK_LAYER_overlay", "/home/u/games/liboverlay.so"),
            layer("VK_LAYER_select", "libselect.so")
        ));
    // Without i386, so that nobody needs the runtime's own layers.
    let own = Tree::new(&[X], MERGED).table(&format!(
        "{manifests}/own.json = {}\n{manifests}/other.json = {}",
        layer("VK_LAYER_select", "libselect.so"),
        layer("VK_LAYER_other", "libother.so")
    ));
    let root = tree.root();
    let captured = run_with(&root, &root, &own.root(), &[("HOME", "/home/u")]);
    let rewritten = overridden(&captured, "share/vulkan/implicit_layer.d/0-x86_64-linux-gnu.json");
    assert!(rewritten.is_some_and(|j| j.contains("\"/home/u/games/liboverlay.so\"")));
    let link = overridden(&captured, "share/vulkan/implicit_layer.d/1.json");
    assert_eq!(link, Some("/run/host/usr/share/vulkan/implicit_layer.d/s.json"));
    let masked = ContainerPath::literal("/home/u/.local/share/vulkan/implicit_layer.d");
    assert_eq!(captured.masked, [masked]);
    let at = ContainerPath::literal("/home/u/games");
    assert_eq!(captured.exports.len(), 1);
    assert_eq!(captured.exports[0].at, at);
    let hidden = [RootPath::literal(&format!("/{manifests}/own.json"))];
    assert_eq!(captured.hidden, hidden);
    let dirs = captured.environment.get("XDG_DATA_DIRS").unwrap().to_string();
    assert_eq!(dirs, format!("{OVERRIDES}/share:/usr/local/share:/usr/share"));
}

#[test]
fn modules_keep_their_names() {
    let tree = provider()
        .library(&format!("{LIB}/libGLX_mesa.so.0.0.0"), shared(), "libGLX_mesa.so.0")
        .library(&format!("{LIB}/dri/a_dri.so"), shared().needed("libz.so.1"), "libgallium.so")
        .table(&format!(
            "{LIB}/dri/b_dri.so => {LIB}/dri/a_dri.so\n{LIB}/dri/c_dri.so -> a_dri.so\n\
             {LIB}/dri/d_dri.so -> {LIB}/libz.so.1\n{LIB}/dri/text_dri.so = x"
        ));
    let captured = run(&tree, &runtime(MERGED, LIB));
    for (name, target) in [
        ("a_dri.so", Some("/run/host/usr/lib/x86_64-linux-gnu/dri/a_dri.so")),
        ("b_dri.so", Some("/run/host/usr/lib/x86_64-linux-gnu/dri/b_dri.so")),
        ("c_dri.so", Some("/run/host/usr/lib/x86_64-linux-gnu/dri/c_dri.so")),
        // An absolute link would leave the provider when followed in the container.
        ("d_dri.so", Some("/run/host/usr/lib/x86_64-linux-gnu/libz.so.1.2.13")),
        ("text_dri.so", None),
    ] {
        let got = overridden(&captured, &format!("lib/x86_64-linux-gnu/dri/{name}"));
        assert_eq!(got, target, "{name}");
    }
    let rejected = why(&captured, &format!("{LIB}/dri/text_dri.so"));
    assert_eq!(rejected.verdict, Verdict::Rejected);
    let path = captured.environment.get("LIBGL_DRIVERS_PATH").unwrap().to_string();
    assert!(path.starts_with(&format!("{OVERRIDES}/lib/x86_64-linux-gnu/dri")), "{path}");
}

#[test]
fn the_runtimes_drivers_serve_what_the_provider_lacks() {
    let i386 = "/usr/lib/i386-linux-gnu";
    let json = |library: &str| format!("{ICD}\"{library}\"}}}}");
    let tree = provider()
        .library(&format!("{LIB}/libGLX_mesa.so.0"), shared(), "libGLX_mesa.so.0")
        .library(&format!("{LIB}/dri/a_dri.so"), shared(), "a_dri.so")
        .library(&format!("{LIB}/libvulkan_a.so"), shared(), "libvulkan_a.so")
        .table(&format!("usr/share/vulkan/icd.d/a.json = {}", json("libvulkan_a.so")));
    let old = || ElfBuilder::shared(Tuple::I386);
    let own = runtime(MERGED, LIB)
        .library(&format!("{i386}/libGL.so.1"), old(), "libGL.so.1")
        .library(&format!("{i386}/dri/a_dri.so"), old(), "a_dri.so")
        .library(&format!("{i386}/libvulkan_a.so"), old(), "libvulkan_a.so")
        .library(&format!("{i386}/libvulkan_b.so"), old(), "libvulkan_b.so")
        .table(&format!(
            "usr/share/vulkan/icd.d/a.i386.json = {}\nusr/share/vulkan/icd.d/b.i386.json = {}",
            json(&format!("{i386}/libvulkan_a.so")),
            json(&format!("{i386}/libvulkan_b.so"))
        ));
    let captured = run(&tree, &own);
    for (variable, want) in [
        ("LIBGL_DRIVERS_PATH", format!("{OVERRIDES}/lib/x86_64-linux-gnu/dri:{i386}/dri")),
        // The provider's manifest leads to libvulkan_a.so by name, so that one is there already.
        (
            "VK_ICD_FILENAMES",
            format!("{OVERRIDES}/share/vulkan/icd.d/a.json:/usr/share/vulkan/icd.d/b.i386.json"),
        ),
    ] {
        let got = captured.environment.get(variable).unwrap().to_string();
        let got = got.replace(":/lib/i386", ":/usr/lib/i386");
        assert_eq!(got, want, "{variable}");
    }
}

#[test]
fn libraries_outside_the_usual_places_are_shared() {
    let store = "/nix/store/abc-mesa/lib";
    let tree =
        provider().library(&format!("{store}/libGLX_mesa.so.0"), shared(), "libGLX_mesa.so.0");
    let tree = tree.table(&format!("{LIB}/libGLX_mesa.so.0 -> {store}/libGLX_mesa.so.0"));
    let link = |captured: &Captured| {
        overridden(captured, "lib/x86_64-linux-gnu/libGLX_mesa.so.0").unwrap().to_owned()
    };
    let root = tree.root();
    let captured = run_with(&root, &root, &runtime(MERGED, LIB).root(), &[]);
    assert_eq!(link(&captured), format!("{store}/libGLX_mesa.so.0"));
    let source = root.path().lexically(&RootPath::literal("/nix/store"));
    let at = ContainerPath::literal("/nix/store");
    assert_eq!(captured.exports, [Export { source: source.clone(), at }]);
    // Of a provider that is not the host, at the provider's place.
    let host = TreeBuilder::new().unwrap().table("usr/").unwrap();
    let host = Root::open(HostPath::new(host.path()).unwrap()).unwrap();
    let captured = run_with(&root, &host, &runtime(MERGED, LIB).root(), &[]);
    assert_eq!(link(&captured), format!("/run/host{store}/libGLX_mesa.so.0"));
    let at = ContainerPath::literal("/run/host/nix/store");
    assert_eq!(captured.exports, [Export { source, at }]);
}

#[test]
fn aliases_follow_the_library() {
    let abi = r#"{"shared_libraries":[{"libz.so.1":{"aliases":["libz-alias.so.1"]}},{"libold.so.1":{"aliases":["libold-alias.so.1"]}}]}"#;
    let own =
        runtime(MERGED, LIB).table(&format!("usr/lib/steamrt/steam-runtime-abi.json = {abi}"));
    let captured = run(&provider(), &own);
    let link = |name: &str| overridden(&captured, &format!("lib/x86_64-linux-gnu/aliases/{name}"));
    let z = format!("{OVERRIDES}/lib/x86_64-linux-gnu/libz.so.1");
    assert_eq!(link("libz-alias.so.1"), Some(z.as_str()));
    assert_eq!(link("libold-alias.so.1"), Some("/usr/lib/x86_64-linux-gnu/libold.so.1"));
    assert!(!captured.hidden.is_empty());

    // A promise that is not kept makes it unknown what may be hidden.
    let abi = r#"{"shared_libraries":[{"libnowhere.so.1":{"aliases":["libn.so.1"]}}]}"#;
    let own =
        runtime(MERGED, LIB).table(&format!("usr/lib/steamrt/steam-runtime-abi.json = {abi}"));
    let captured = run(&provider(), &own);
    assert!(captured.hidden.is_empty());
    assert_eq!(captured.warnings[0].code, Code::RUNTIME_INCOMPLETE);
}

#[test]
fn without_provider_or_architecture() {
    let tree = runtime(MERGED, LIB);
    let own = tree.root();
    let environment = manifest::Environment::new::<&str, &str>([]);
    let mut input = Input {
        groups: vec![group(None, &[X, Tuple::Aarch64])],
        host: &own,
        runtime: &own,
        overrides: ContainerPath::literal(OVERRIDES),
        environment: &environment,
        import_vulkan_layers: true,
        import_openxr_runtimes: false,
        import_openxr_layers: false,
        modules: vec![],
        stubs: vec![],
        thunks: None,
    };
    let captured = capture(&input).unwrap();
    assert!(captured.entries.is_empty() && captured.hidden.is_empty());
    assert!(captured.environment.0.is_empty());
    assert_eq!(captured.tuples, [X]);
    assert_eq!(captured.left_out[0].0, Tuple::Aarch64);
    assert!(!ld_cache::parse(&captured.ld_cache).unwrap().is_empty());
    for provider in [None, Some(&own)] {
        input.groups = vec![group(provider, &[Tuple::Aarch64])];
        let Err(Error::NoArchitecture { left_out }) = capture(&input) else {
            panic!("the runtime has no aarch64")
        };
        assert_eq!(left_out[0].0, Tuple::Aarch64);
    }
}

#[test]
fn equal_input_gives_equal_output() {
    let (provider, runtime) = (provider(), runtime(MERGED, LIB));
    let (one, two) = (run(&provider, &runtime), run(&provider, &runtime));
    assert_eq!(one.entries, two.entries);
    assert_eq!(one.decisions, two.decisions);
    assert_eq!(one.ld_cache, two.ld_cache);
}

use super::*;
use crate::mtree;
use plan::ByteString;
use std::collections::{BTreeMap, BTreeSet};
use std::os::unix::fs::symlink;
use testkit::TreeBuilder;

fn host(tree: &TreeBuilder) -> HostPath {
    HostPath::new(tree.path()).unwrap()
}

fn path(text: &str) -> RootPath {
    RootPath::new(text).unwrap()
}

/// What resolving gives, in one word or a path.
fn shown(result: Result<Resolved, Error>) -> String {
    match result {
        Ok(found) => found.path.to_string(),
        Err(Error::NotFound { .. }) => "missing".into(),
        Err(Error::NotADirectory { at, .. }) => format!("no directory: {at}"),
        Err(Error::Loop { trail, .. }) => format!("loop after {}", trail.len()),
        Err(e) => e.to_string(),
    }
}

#[test]
fn resolves_as_a_chroot_would() {
    let tree = TreeBuilder::new().unwrap();
    let tree = tree
        .table(
            "usr/lib/libx.so.1 = x
            lib -> usr/lib
            absolute -> /usr/lib
            outside -> ../../../../../../usr/lib/libx.so.1
            up -> usr/lib/../../lib/libx.so.1
            slash -> usr/lib/
            fileslash -> usr/lib/libx.so.1/
            dangling -> /none
            a -> b
            b -> a
            self/loop -> ../self/loop/x",
        )
        .unwrap();
    let root = Root::open(host(&tree)).unwrap();
    assert!(matches!(root.form(), Form::Full));
    for (asked, want) in [
        ("/", "/"),
        ("/lib/libx.so.1", "/usr/lib/libx.so.1"),
        ("/absolute/libx.so.1", "/usr/lib/libx.so.1"),
        ("/outside", "/usr/lib/libx.so.1"),
        ("/up", "/usr/lib/libx.so.1"),
        ("/slash", "/usr/lib"),
        ("/fileslash", "no directory: /usr/lib/libx.so.1"),
        ("/dangling", "missing"),
        ("/usr/none", "missing"),
        ("/usr/lib/libx.so.1/x", "no directory: /usr/lib/libx.so.1"),
        ("/a", "loop after 40"),
        ("/self/loop", "loop after 40"),
    ] {
        assert_eq!(shown(root.resolve(&path(asked))), want, "{asked}");
    }
    let found = root.resolve(&path("/outside")).unwrap();
    assert_eq!(found.host, host(&tree).at("usr/lib/libx.so.1"));
    assert_eq!(found.kind, Kind::File);
    assert_eq!(found.identity.size, 1);
    let trail: Vec<_> = found.trail.iter().map(|s| s.at.to_string()).collect();
    assert_eq!(trail, ["/outside"]);
    assert_eq!(root.read(&path("/up")).unwrap(), b"x");
}

#[test]
fn forty_links_are_followed_and_not_more() {
    let tree = TreeBuilder::new().unwrap().table("usr/\nl0 = end").unwrap();
    for i in 1..=41 {
        symlink(format!("l{}", i - 1), tree.path().join(format!("l{i}"))).unwrap();
    }
    let root = Root::open(host(&tree)).unwrap();
    assert_eq!(shown(root.resolve(&path("/l40"))), "/l0");
    assert_eq!(shown(root.resolve(&path("/l41"))), "loop after 40");
}

#[test]
fn lookup_keeps_the_last_link() {
    let tree = TreeBuilder::new().unwrap().table("usr/lib/l -> /none\nlib -> usr/lib").unwrap();
    let root = Root::open(host(&tree)).unwrap();
    let found = root.lookup(&path("/lib/l")).unwrap();
    assert_eq!((found.path, found.kind), (path("/usr/lib/l"), Kind::Symlink));
    assert_eq!(found.link.unwrap(), "/none");
    assert_eq!(found.trail.len(), 1);
}

#[test]
fn a_bare_usr_has_links_at_its_top() {
    let tree = TreeBuilder::new().unwrap();
    let tree = tree
        .table("lib/libx.so.1 = x\nlib64 -> lib\nlibexec/\nbin/\netc/ld.so.conf\nshare/")
        .unwrap();
    let root = Root::open(host(&tree)).unwrap();
    assert!(matches!(root.form(), Form::Usr));
    for (asked, want) in [
        ("/lib/libx.so.1", "/usr/lib/libx.so.1"),
        ("/usr/lib64/libx.so.1", "/usr/lib/libx.so.1"),
        ("/lib64/libx.so.1", "/usr/lib/libx.so.1"),
        ("/etc/ld.so.conf", "/usr/etc/ld.so.conf"),
        ("/usr", "/usr"),
        ("/sbin", "missing"),
        ("/share", "missing"),
        ("/libexec", "missing"),
    ] {
        assert_eq!(shown(root.resolve(&path(asked))), want, "{asked}");
    }
    let names: Vec<_> = root.list(&RootPath::root()).unwrap();
    let names: Vec<_> = names.iter().map(|e| e.name.to_str().unwrap()).collect();
    assert_eq!(names, ["bin", "etc", "lib", "lib64", "usr"]);
    assert!(root.layout().is_merged());
    assert_eq!(root.resolve(&path("/usr/lib")).unwrap().host, host(&tree).at("lib"));
}

fn depot(tree: &TreeBuilder) -> Root {
    let file = |content: &str, size, executable| mtree::Entry::File {
        content: path(content),
        size,
        executable,
        mode_said: true,
        modified: Some(mtree::Time { seconds: 5, nanoseconds: 6 }),
        optional: false,
        no_change: false,
        sha256: None,
    };
    let entries: BTreeMap<_, _> = [
        ("/lib/libx.so.1", file("/ab/stored.bin", Some(1), false)),
        ("/lib/libx.so", mtree::Entry::Link { target: ByteString::from("libx.so.1") }),
        ("/bin/tool", file("/bin/tool", None, true)),
        ("/share/empty", file("/share/empty", Some(0), false)),
        ("/share/lost", file("/share/lost", Some(7), false)),
        ("/var", mtree::Entry::Directory),
    ]
    .map(|(name, entry)| (path(name), entry))
    .into();
    let ignore = BTreeSet::from([path("/share/doc")]);
    let manifest = mtree::Manifest { entries, ignore, ..Default::default() };
    Root::with_form(host(tree), Form::Depot(manifest)).unwrap()
}

#[test]
fn a_depot_is_what_its_manifest_says() {
    let table = "ab/stored.bin = x\nbin/tool = t\nlib/unlisted = u\nshare/doc/extra = e";
    let tree = TreeBuilder::new().unwrap().table(table).unwrap();
    let root = depot(&tree);
    for (asked, want) in [
        ("/lib/libx.so", "/usr/lib/libx.so.1"),
        ("/usr/share/empty", "/usr/share/empty"),
        ("/usr/share/lost", "missing"),
        ("/usr/lib/unlisted", "missing"),
        ("/usr/share/doc/extra", "/usr/share/doc/extra"),
        ("/var", "/usr/var"),
        ("/etc", "missing"),
    ] {
        assert_eq!(shown(root.resolve(&path(asked))), want, "{asked}");
    }
    let library = root.resolve(&path("/lib/libx.so")).unwrap();
    assert_eq!(library.host, host(&tree).at("ab/stored.bin"));
    assert_eq!((library.mode, library.identity.modified), (0o644, 5_000_000_006));
    assert_eq!(root.read(&path("/lib/libx.so")).unwrap(), b"x");
    assert_eq!(root.read(&path("/usr/share/empty")).unwrap(), b"");
    assert_eq!(root.resolve(&path("/bin/tool")).unwrap().mode, 0o755);
    let names = |at: &str| -> Vec<(String, Kind)> {
        let entries = root.list(&path(at)).unwrap().into_iter();
        entries.map(|e| (e.name.into_string().unwrap(), e.kind)).collect()
    };
    let link = |n: &str| (n.to_owned(), Kind::Symlink);
    assert_eq!(names("/lib"), [link("libx.so"), ("libx.so.1".into(), Kind::File)]);
    assert_eq!(names("/usr/share"), [("empty".into(), Kind::File)]);
    assert_eq!(
        names("/"),
        [link("bin"), link("lib"), ("usr".into(), Kind::Directory), link("var")]
    );
}

#[test]
fn layouts() {
    for (table, merged, non_merged) in [
        ("usr/bin/\nusr/lib/\nbin -> usr/bin\nlib -> usr/lib\nlib64 -> usr/lib64", true, false),
        ("usr/bin/\nbin/\nsbin/\nlib/\nlib64/", false, true),
        ("usr/lib/\nbin/\nsbin/\nlib/\nlib32 -> usr/lib32", false, true),
        ("usr/bin/\nbin -> usr/bin\nlib/", false, false),
    ] {
        let tree = TreeBuilder::new().unwrap().table(table).unwrap();
        let layout = Root::open(host(&tree)).unwrap().layout();
        let seen = (layout.is_merged(), layout.is_non_merged(), layout.is_hybrid());
        assert_eq!(seen, (merged, non_merged, !merged && !non_merged), "{table}");
    }
}

#[test]
fn dot_dot_is_taken_of_what_a_link_leads_to() {
    let tree = TreeBuilder::new().unwrap();
    let tree = tree.table("usr/\nopt/real/bin/\nopt/real/lib/\napp -> opt/real/bin").unwrap();
    let root = Root::open(host(&tree)).unwrap();
    for (base, raw, want) in [
        ("/app", "../lib/x", Some("/opt/real/lib/x")),
        ("/x", "/app/../lib", Some("/opt/real/lib")),
        ("/x", "/app/./lib//y/", Some("/app/lib/y")),
        ("/", "../../usr", Some("/usr")),
        ("/none", "../x", None),
    ] {
        let got = root.without_dot_dot(&path(base), OsStr::new(raw)).ok();
        assert_eq!(got, want.map(path), "{base} {raw}");
    }
}

#[test]
fn fnmatch_rules() {
    for (pattern, name, want) in [
        ("lib*.so.*", "libGL.so.1", true),
        ("lib*.so.*", "libGL.so", false),
        ("*", "", true),
        ("", "", true),
        ("", "a", false),
        ("a?c", "abc", true),
        ("a?c", "ac", false),
        ("[a-c]x", "bx", true),
        ("[!a-c]x", "bx", false),
        ("[]x]", "]", true),
        ("[a", "[a", true),
        (r"\*", "*", true),
        (r"\*", "x", false),
        ("*a*b*c", "xxaxxbxxc", true),
        ("*a*b*c", "xxaxxbxx", false),
        ("libnvidia-*.so.*", "libnvidia-tls.so.535.1", true),
    ] {
        assert_eq!(matches(pattern.as_bytes(), name.as_bytes()), want, "{pattern} {name}");
    }
    // Would take ages if every star were tried with every length.
    let many = "*a".repeat(50);
    assert!(!matches(many.as_bytes(), "a".repeat(49).as_bytes()));
}

#[test]
fn globs_follow_links_to_directories() {
    let table =
        "usr/lib/a.conf\nusr/lib/b.conf\nusr/lib/.hidden.conf\nlib -> usr/lib\nd/x.conf -> /none";
    let tree = TreeBuilder::new().unwrap().table(table).unwrap();
    let root = Root::open(host(&tree)).unwrap();
    for (pattern, want) in [
        ("/lib/*.conf", vec!["/lib/a.conf", "/lib/b.conf"]),
        ("/*/x.conf", vec!["/d/x.conf"]),
        ("/l[i]b/a.conf", vec!["/lib/a.conf"]),
        ("/none/*", vec![]),
        ("/lib/a.conf", vec!["/lib/a.conf"]),
    ] {
        let found: Vec<_> = root.glob(&path(pattern)).iter().map(ToString::to_string).collect();
        assert_eq!(found, want, "{pattern}");
    }
}

#[test]
fn what_cannot_be_a_root() {
    let tree = TreeBuilder::new().unwrap().table("file = x").unwrap();
    for name in ["none", "file"] {
        let result = Root::open(host(&tree).at(name));
        assert!(matches!(result, Err(Error::Unusable { .. })), "{name}");
    }
}

#[test]
fn what_cannot_be_read() {
    let tree = TreeBuilder::new().unwrap().table("usr/").unwrap();
    let big = std::fs::File::create(tree.path().join("big")).unwrap();
    big.set_len(READ_LIMIT + 1).unwrap();
    let root = Root::open(host(&tree)).unwrap();
    assert!(matches!(root.read(&path("/big")), Err(Error::TooLarge { .. })));
    assert!(matches!(root.read(&path("/usr")), Err(Error::NotAFile { .. })));
    assert!(matches!(root.list(&path("/big")), Err(Error::NotADirectory { .. })));
    let message = root.read(&path("/usr/none")).unwrap_err().to_string();
    assert_eq!(message, "`/usr/none` does not exist");
}

#[test]
fn the_host_is_a_root_too() {
    let root = Root::open(HostPath::root()).unwrap();
    assert!(matches!(root.form(), Form::Full));
    let null = root.resolve(&path("/dev/null")).unwrap();
    assert_eq!(null.kind, Kind::Other);
    assert_eq!(
        root.read(&path("/proc/self/stat")).unwrap().first().map(u8::is_ascii_digit),
        Some(true)
    );
}

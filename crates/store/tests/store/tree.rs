//! Unions: against expectations, and against what a real overlay shows.

use crate::fixture::*;
use plan::{LayerEntry, LayerName, LayerSpec, RootPath, Source};
use std::fs;
use std::os::unix::fs::{MetadataExt, PermissionsExt};
use std::path::Path;
use std::process::Command;
use store::{Stack, StackSource, Store};

fn directory(path: &Path) -> StackSource<'static> {
    StackSource::Directory { path: host(path), identity: vec![] }
}

fn layer(spec: &LayerSpec) -> StackSource<'_> {
    StackSource::Layer { spec, path: RootPath::root() }
}

/// A layer, a runtime and something below it, with every kind of collision.
fn sources(top: &Path) -> LayerSpec {
    make(
        &top.join("runtime"),
        &[
            "lib/a = runtime a",
            "lib/b * runtime b",
            "lib/c -> a",
            "lib/os-release = ID=x",
            "lib64 -> lib",
            "lib/sub/deep/x = x",
            "share/doc/readme = text",
            "file-over-dir = f",
            "link-over-dir -> lib",
            "dir-over-file/inside = i",
            "empty/",
            "hidden/also = h",
            ".ref = ",
            "odd \n:\\ name = o",
        ],
    );
    make(
        &top.join("below"),
        &[
            "lib/a = below a",
            "lib/sub/deep/y = y",
            "file-over-dir/lost = l",
            "link-over-dir/lost = l",
            "dir-over-file = l",
            "hidden/lost = l",
            "only-below/z = z",
            "replaced/lost = l",
        ],
    );
    fs::set_permissions(top.join("runtime/lib/sub"), fs::Permissions::from_mode(0o555)).unwrap();
    fs::set_permissions(top.join("below/lib/sub"), fs::Permissions::from_mode(0o700)).unwrap();
    spec(&[
        (b"/lib/b", LayerEntry::Whiteout),
        (b"/lib/new", program(b"new")),
        (b"/lib/sub/deep", LayerEntry::Directory { mode: 0o711 }),
        (b"/hidden", LayerEntry::Whiteout),
        (b"/nothing-there", LayerEntry::Whiteout),
        (b"/replaced", link("elsewhere")),
        (b"/share/doc/readme", file(b"ours")),
    ])
}

const UNION: &[(&str, &str)] = &[
    ("", "dir 755"),
    (".ref", "file 644 "),
    ("dir-over-file", "dir 755"),
    ("dir-over-file/inside", "file 644 i"),
    ("empty", "dir 755"),
    ("file-over-dir", "file 644 f"),
    ("lib", "dir 755"),
    ("lib/a", "file 644 runtime a"),
    ("lib/c", "-> a"),
    ("lib/new", "file 755 new"),
    ("lib/os-release", "file 644 ID=x"),
    ("lib/sub", "dir 755"),
    ("lib/sub/deep", "dir 711"),
    ("lib/sub/deep/x", "file 644 x"),
    ("lib/sub/deep/y", "file 644 y"),
    ("lib64", "-> lib"),
    ("link-over-dir", "-> lib"),
    ("odd \\n:\\\\ name", "file 644 o"),
    ("only-below", "dir 755"),
    ("only-below/z", "file 644 z"),
    ("replaced", "-> elsewhere"),
    ("share", "dir 755"),
    ("share/doc", "dir 755"),
    ("share/doc/readme", "file 644 ours"),
];

#[test]
fn union_by_links_and_by_copies() {
    let Place { store, tmp } = place();
    let spec = sources(tmp.path());
    let (runtime, below) = (tmp.path().join("runtime"), tmp.path().join("below"));
    let stack = Stack(vec![layer(&spec), directory(&runtime), directory(&below)]);
    for never_link in [false, true] {
        let made = store.tree_by(&stack, never_link).unwrap();
        assert_eq!(snapshot(made.path.as_path()), expected(UNION), "never_link {never_link}");
        let ino = |p: &Path| fs::symlink_metadata(p).unwrap().ino();
        let at = |name: &str| made.path.at(name).as_path().to_path_buf();
        assert_eq!(ino(&at("lib/a")) == ino(&runtime.join("lib/a")), !never_link);
        assert_ne!(ino(&at(".ref")), ino(&runtime.join(".ref")), "a lock is not shared");
        let time = |p: &Path| fs::metadata(p).unwrap().mtime();
        assert_eq!(time(&at("lib/a")), time(&runtime.join("lib/a")));
        assert_eq!(time(&at("empty")), time(&runtime.join("empty")));
        assert_eq!(made.tally.linked > 0, !never_link);
    }
    // Sources that changed a moment ago are not trusted; later the tree is found again.
    std::thread::sleep(std::time::Duration::from_millis(3100));
    assert!(store.tree(&stack).unwrap().built);
    assert!(!store.tree(&stack).unwrap().built);
    fs::write(runtime.join("lib/more"), "").unwrap();
    let again = store.tree(&stack).unwrap();
    assert!(again.built && fs::metadata(again.path.at("lib/more").as_path()).is_ok());
    assert_eq!(leftovers(&store), Vec::<String>::new());
    fs::set_permissions(runtime.join("lib/sub"), fs::Permissions::from_mode(0o755)).unwrap();
}

#[test]
fn part_of_a_layer_and_of_a_plan() {
    let Place { store, tmp } = place();
    make(&tmp.path().join("etc"), &["a = runtime", "b = b"]);
    let layers =
        [spec(&[(b"/etc/a", file(b"ours")), (b"/usr/x", file(b"")), (b"/etc/c", link("b"))])];
    let sources = [
        Source::Layer { layer: layers[0].name.clone(), path: RootPath::literal("/etc") },
        Source::Host(host(&tmp.path().join("etc"))),
    ];
    let made = store.tree(&Stack::of(&sources, &layers).unwrap()).unwrap();
    let want = [("", "dir 755"), ("a", "file 644 ours"), ("b", "file 644 b"), ("c", "-> b")];
    assert_eq!(snapshot(made.path.as_path()), expected(&want));
    let missing = Stack::of(&sources, &[]).unwrap_err();
    assert_eq!(missing, LayerName("test".into()));
}

/// Device whiteouts of a lower directory on disk, unreadable files and special files.
#[test]
fn unusual_sources() {
    let Place { store, tmp } = place();
    let upper = spec(&[(b"/gone", LayerEntry::Whiteout), (b"/here", file(b"u"))]);
    let upper = store.layer(&upper).unwrap();
    let lower = tmp.path().join("lower");
    make(&lower, &["gone = g", "stays = s", "secret = x", "closed/inside = i"]);
    fs::set_permissions(lower.join("secret"), fs::Permissions::from_mode(0o000)).unwrap();
    fs::set_permissions(lower.join("closed"), fs::Permissions::from_mode(0o000)).unwrap();
    run(Command::new("mkfifo").arg(lower.join("fifo")));
    let stack = Stack(vec![directory(upper.path.as_path()), directory(&lower)]);
    let made = store.tree_by(&stack, true).unwrap();
    let got = snapshot(made.path.as_path());
    let names: Vec<&str> = got.keys().map(String::as_str).filter(|n| !n.contains('/')).collect();
    assert_eq!(names, ["", "closed", "here", "secret", "stays"]);
    assert_eq!(made.tally.special, [host(&lower.join("fifo"))]);
    if fs::read(lower.join("secret")).is_err() {
        let mut unreadable = made.tally.unreadable.clone();
        unreadable.sort();
        assert_eq!(unreadable, [host(&lower.join("closed")), host(&lower.join("secret"))]);
    }
    fs::set_permissions(lower.join("closed"), fs::Permissions::from_mode(0o755)).unwrap();
}

/// The tree looks as the overlay of the same sources does.
#[test]
fn same_as_a_real_overlay() {
    if !can_mount() {
        return;
    }
    let tmp = tempfile::tempdir().unwrap();
    run(&mut again("tree::inside_a_namespace", tmp.path(), true));
}

/// Does something only when started, in a namespace, by the test before it.
#[test]
fn inside_a_namespace() {
    let Some(top) = directory_of_child() else { return };
    let spec = sources(&top);
    let (runtime, below) = (top.join("runtime"), top.join("below"));
    let store = Store::open(&host(&top.join("store"))).unwrap();
    let prepared = store.layer(&spec).unwrap();
    let tree =
        store.tree(&Stack(vec![layer(&spec), directory(&runtime), directory(&below)])).unwrap();
    let merged = top.join("merged");
    fs::create_dir(&merged).unwrap();
    let options = format!("lowerdir={}:{}:{}", prepared.path, runtime.display(), below.display());
    run(Command::new("mount").args(["-t", "overlay", "none", "-o", &options]).arg(&merged));
    assert_eq!(snapshot(&merged), expected(UNION));
    assert_eq!(snapshot(tree.path.as_path()), snapshot(&merged));
    assert_eq!(store::support::overlay_support(&prepared.path, None), store::support::Support::Ok);
    assert!(matches!(
        store::support::overlay_support(&host(&merged), None),
        store::support::Support::Doubtful(_)
    ));
}

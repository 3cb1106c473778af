//! The namespace: both executors build the same one, entry by entry; what cannot be built is said.

mod common;

use common::{
    BOTH, STAGE, Scene, as_user, at, bind, bytes, difference, host, open_to_all, stack, tree,
};
use plan::{Access, ByteString, ContainerPath, LayerName, Op, RootPath, Source, StackForm};
use std::ffi::OsStr;
use std::os::unix::ffi::OsStrExt;
use std::path::Path;
use testkit::TreeBuilder;

/// Walks everything but the host's own directories.
const WALK: &[&str] = &[
    STAGE, "probe", "walk", "--skip", "/usr", "--skip", "/proc", "--skip", "/dev", "--skip", "/sys",
];

fn odd(name: &[u8]) -> ContainerPath {
    ContainerPath::root().join(OsStr::from_bytes(name)).unwrap()
}

/// Names that broke something somewhere.
const ODD: &[&[u8]] = &[
    b"with space",
    b"new\nline",
    b"non\xffutf8",
    b"col:on,comma",
    b"back\\slash\\",
    b"--dash",
    b"\"q'",
];

/// Directory and file operations of every kind.
fn varied(source: &Path) -> Vec<Op> {
    let mut ops = vec![
        Op::Directory { at: at("/made/deep/er"), mode: 0o700 },
        Op::Directory { at: at("/made/deep"), mode: 0o700 },
        Op::Symlink { at: at("/made/link"), target: "../nowhere at all".into() },
        Op::Symlink { at: at("/made/link"), target: "../nowhere at all".into() },
        Op::File { at: at("/etc/one"), content: "content".into(), mode: 0o600 },
        Op::File { at: at("/etc/two"), content: ByteString(vec![0, 255, 10]), mode: 0o444 },
        Op::File { at: at("/etc/empty"), content: "".into(), mode: 0o755 },
        Op::Tmpfs { at: at("/memory"), mode: 0o1770 },
        Op::File { at: at("/memory/in"), content: "x".into(), mode: 0o640 },
        Op::Directory { at: at("/memory/of"), mode: 0o755 },
        Op::ReadOnly { at: at("/memory") },
        // Nothing can be made there any more, and nothing need be.
        Op::Directory { at: at("/memory/of"), mode: 0o755 },
        bind(source.join("file"), "/memory/in", Access::ReadOnly),
        bind(source.join("sub"), "/memory/of", Access::ReadOnly),
        bind(source, "/bound/ro", Access::ReadOnly),
        bind(source, "/bound/rw", Access::ReadWrite),
        bind(source, "/bound/dev", Access::Device),
        bind(source.join("file"), "/bound/one-file", Access::ReadOnly),
        bind("/sys", "/sys", Access::ReadOnly),
        Op::Bind {
            source: Source::Host(host("/nowhere/to/be/found")),
            at: at("/bound/optional"),
            access: Access::ReadOnly,
            optional: true,
        },
        Op::Bind {
            source: Source::Layer { layer: LayerName("l".into()), path: RootPath::literal("/sub") },
            at: at("/bound/layer"),
            access: Access::ReadOnly,
            optional: false,
        },
        // Onto a mount point that a read-only bind has.
        bind(source.join("sub"), "/bound/ro/point", Access::ReadWrite),
    ];
    for name in ODD {
        let from = host(source.join(OsStr::from_bytes(name)));
        let (to, text) = ([b"odd/".as_slice(), name].concat(), ByteString(name.to_vec()));
        ops.push(Op::Bind {
            source: Source::Host(from),
            at: odd(&to),
            access: Access::ReadOnly,
            optional: false,
        });
        ops.push(Op::Symlink {
            at: odd(&[b"links/".as_slice(), name].concat()),
            target: text.clone(),
        });
        ops.push(Op::File {
            at: odd(&[b"files/".as_slice(), name].concat()),
            content: text,
            mode: 0o644,
        });
    }
    ops
}

fn source() -> TreeBuilder {
    let mut source = tree(
        "file = some content
         sub/inner 0600 = private
         point/
         link -> /absolute/target
         program 0755 = #!/bin/sh",
    );
    for name in ODD {
        source = source.file(OsStr::from_bytes(&[name, &b"/in"[..]].concat()), name).unwrap();
    }
    source
}

fn walk(backend: &'static str, inject: &str, ops: Vec<Op>, source: &TreeBuilder) -> String {
    let mut scene = Scene::new(backend, ops, WALK);
    scene.layers.insert(LayerName("l".into()), host(source.path()));
    scene.trees.push((at("/stacked"), host(source.path())));
    scene.inject = inject.into();
    let out = scene.run().ok();
    assert!(out.lines().count() > 60, "{out}");
    out
}

#[test]
fn both_executors_build_the_same_namespace() {
    let source = source();
    let mut ops = varied(source.path());
    ops.push(stack("/stacked", &[source.path(), source.path()], StackForm::Tree));
    let [ours, theirs] = BOTH.map(|backend| walk(backend, "", ops.clone(), &source));
    assert_eq!(ours, theirs, "{}", difference(&ours, &theirs));
    for line in ["/made/deep/er", "/odd/non\\xffutf8/in", "mount /memory tmpfs nodev,nosuid,"] {
        assert!(ours.contains(line), "{line}\n{ours}");
    }
}

/// As an emulator that redirects paths needs it; here nothing does, so that the result is the same.
#[test]
fn sources_by_descriptor_give_the_same_namespace() {
    let source = source();
    let mut ops = varied(source.path());
    let upper = tree("over = x");
    ops.push(stack("/stacked", &[upper.path(), source.path()], StackForm::Overlay));
    let by_path = walk("builtin", "", ops.clone(), &source);
    let mut scene = Scene::new("builtin", ops, WALK);
    scene.by_descriptor = true;
    scene.layers.insert(LayerName("l".into()), host(source.path()));
    let by_descriptor = scene.run().ok();
    assert_eq!(by_path, by_descriptor, "{}", difference(&by_path, &by_descriptor));
}

/// What the plan names below `/proc/self/root` is the same file of the host.
#[test]
fn the_real_root_by_its_other_name() {
    let source = source();
    for by_descriptor in [false, true] {
        let real = Path::new("/proc/self/root").join(source.path().strip_prefix("/").unwrap());
        let ops = vec![bind(real, "/real", Access::ReadOnly)];
        let mut scene = Scene::new("builtin", ops, &["ls", "/real/sub"]);
        scene.by_descriptor = by_descriptor;
        let got = scene.run().ok();
        let ops = vec![bind(source.path(), "/real", Access::ReadOnly)];
        assert_eq!(got, Scene::new("builtin", ops, &["ls", "/real/sub"]).run().ok());
    }
}

#[test]
fn an_emulated_bwrap_is_refused() {
    let mut scene = Scene::shell("bwrap", "true");
    scene.by_descriptor = true;
    let ran = scene.run();
    assert_eq!(ran.status, 125, "{ran:?}");
    assert!(ran.err.contains("BS0064"), "{ran:?}");
    // Nor does it take the built-in executor's place.
    let mut scene = Scene::shell("auto", "true");
    scene.by_descriptor = true;
    scene.inject = "unshare=EPERM".into();
    let ran = scene.run();
    assert!(ran.err.contains("cannot be created") && !ran.err.contains("FellBack"), "{ran:?}");
}

#[test]
fn older_kernels_give_the_same_namespace() {
    let source = source();
    let mut ops = varied(source.path());
    ops.push(stack("/stacked", &[source.path(), source.path()], StackForm::Tree));
    let plain = walk("builtin", "", ops.clone(), &source);
    for missing in [
        "open_tree_attr=ENOSYS",
        "open_tree_attr=ENOSYS,mount_setattr=ENOSYS",
        "openat2=ENOSYS",
        "close_range=ENOSYS",
    ] {
        let other = walk("builtin", missing, ops.clone(), &source);
        assert_eq!(plain, other, "{missing}\n{}", difference(&plain, &other));
    }
}

#[test]
fn an_overlay_shows_what_a_tree_of_the_same_content_shows() {
    let lower = tree("both = lower\nonly-lower = l\nsub/x = x\nlink -> both");
    let upper = tree("both = upper\nonly-upper 0755 = u\nsub/y = y");
    let union = tree(
        "both = upper\nonly-lower = l\nonly-upper 0755 = u\nsub/x = x\nsub/y = y\nlink -> both",
    );
    let mut walks = Vec::new();
    for (form, backend) in
        [(StackForm::Overlay, "builtin"), (StackForm::Tree, "builtin"), (StackForm::Tree, "bwrap")]
    {
        let ops = vec![stack("/s", &[upper.path(), lower.path()], form)];
        let mut scene =
            Scene::new(backend, ops, &[STAGE, "probe", "walk", "--skip", "/proc", "/s"]);
        scene.trees.push((at("/s"), host(union.path())));
        let out = scene.run().ok();
        let flags = out.lines().find(|line| line.starts_with("mount /s ")).unwrap().to_owned();
        let flags = flags.split(' ').next_back().unwrap().to_owned();
        assert!(flags.starts_with("nodev,nosuid,") && flags.contains("ro"), "{flags}");
        let files: Vec<_> =
            out.lines().filter(|l| !l.starts_with("mount ")).map(String::from).collect();
        walks.push(files);
    }
    assert_eq!(walks[0], walks[1]);
    assert_eq!(walks[0], walks[2]);
    assert_eq!(walks[0].len(), 8, "{walks:?}");
}

#[test]
fn overlays_take_odd_and_long_names() {
    let deep = format!("{}/{}", "d".repeat(200), "e".repeat(200));
    let mut names: Vec<Vec<u8>> = ODD.iter().map(|name| name.to_vec()).collect();
    names.push(deep.into_bytes());
    for name in names {
        let name = OsStr::from_bytes(&name);
        let lower = tree("l = l").file(Path::new(name).join("x"), b"from here").unwrap();
        let other = tree("o = o");
        let from = lower.path().join(name);
        let ops = vec![stack("/s", &[&from, other.path()], StackForm::Overlay)];
        let out = Scene::new("builtin", ops, &["cat", "/s/x", "/s/o"]).run().ok();
        assert_eq!(out, "from hereo", "{name:?}");
    }
}

#[test]
fn overlays_honour_whiteouts_of_an_unprivileged_layer() {
    let lower = tree("gone = x\nsub/hidden = y\nkept = z");
    let upper = tree("sub/");
    // An opaque directory, in the form that `userxattr` reads.
    let opaque = upper.path().join("sub");
    let set =
        rustix::fs::setxattr(&opaque, "user.overlay.opaque", b"y", rustix::fs::XattrFlags::empty());
    if set.is_err() {
        panic!("the temporary directory has no user attributes: {}", opaque.display());
    }
    let ops = vec![stack("/s", &[upper.path(), lower.path()], StackForm::Overlay)];
    let out = Scene::new("builtin", ops, &["ls", "/s", "/s/sub"]).run().ok();
    assert_eq!(out, "/s:\ngone\nkept\nsub\n\n/s/sub:\n");
}

#[test]
fn steps_that_fail_say_which_and_why() {
    let source = source();
    let before = std::fs::read("/proc/self/mountinfo").unwrap();
    let link = bind(source.path().join("file"), "/f", Access::ReadOnly);
    let read_only = bind(source.path(), "/r", Access::ReadOnly);
    let table: Vec<(Vec<Op>, &[&str])> = vec![
        (
            vec![bind("/nowhere/at/all", "/x", Access::ReadOnly)],
            &["BS0015", "bind ro /x = /nowhere/at/all", "(a test)", "open_tree", "hint:"],
        ),
        (vec![Op::ReadOnly { at: at("/usr/bin") }], &["BS0015", "mount_setattr"]),
        (vec![Op::ReadOnly { at: at("/nowhere") }], &["BS0015", "openat2"]),
        (
            vec![read_only, Op::Directory { at: at("/r/new"), mode: 0o755 }],
            &["BS0015", "mkdirat(/r/new)"],
        ),
        (
            vec![link, Op::Directory { at: at("/f/below"), mode: 0o755 }],
            &["BS0015", "Not a directory"],
        ),
        (
            vec![
                Op::Symlink { at: at("/l"), target: "a".into() },
                Op::Symlink { at: at("/l"), target: "b".into() },
            ],
            &["BS0015", "symlinkat(b, /l)"],
        ),
    ];
    for (ops, messages) in table {
        let ran = Scene::new("builtin", ops.clone(), &["true"]).run();
        assert_eq!(ran.status, 125, "{ops:?} {ran:?}");
        for message in messages {
            assert!(ran.err.contains(message), "{message} in {ran:?}");
        }
        assert!(ran.err.contains("refused None"), "{ran:?}");
    }
    assert_eq!(std::fs::read("/proc/self/mountinfo").unwrap(), before);
}

#[test]
fn bwrap_that_fails_is_quoted() {
    let ops = vec![bind("/nowhere/at/all", "/x", Access::ReadOnly)];
    let ran = Scene::new("bwrap", ops, &["true"]).run();
    assert_eq!(ran.status, 125);
    for message in ["BS0014", "/nowhere/at/all", "No such file or directory"] {
        assert!(ran.err.contains(message), "{ran:?}");
    }
}

#[test]
fn overlays_that_are_refused_can_become_trees() {
    let source = source();
    let stacked = |path: &Path| vec![stack("/s", &[path, path], StackForm::Overlay)];
    // bwrap of Debian 12 has no overlays; a newer one mounts this.
    let help = as_user("bwrap").arg("--help").output().unwrap();
    if !String::from_utf8_lossy(&help.stdout).contains("--ro-overlay") {
        let ran = Scene::new("bwrap", stacked(source.path()), &["true"]).run();
        assert!(ran.err.contains("refused Some(/s)"), "{ran:?}");
    }
    // A lower that is no directory.
    let ran = Scene::new("builtin", stacked(&source.path().join("file")), &["true"]).run();
    assert!(ran.err.contains("refused Some(/s)") && ran.err.contains("BS0015"), "{ran:?}");
}

#[test]
fn a_lower_with_a_locked_mount_is_refused_and_bound_whole() {
    let directory = tree("lower/sub/\nlower/file = f\nother/");
    std::fs::set_permissions(directory.path(), std::os::unix::fs::PermissionsExt::from_mode(0o777))
        .unwrap();
    let lower = directory.path().join("lower");
    let other = directory.path().join("other");
    for (form, backend, status) in [
        (StackForm::Overlay, "builtin", 125),
        (StackForm::Tree, "builtin", 0),
        (StackForm::Tree, "bwrap", 0),
    ] {
        let ops = vec![stack("/s", &[&lower, &other], form)];
        let mut scene = Scene::new(backend, ops, &["ls", "/s/sub", "/s"]);
        scene.trees.push((at("/s"), host(&lower)));
        let launcher = scene.command();
        // The mount belongs to an outer user namespace, so the container's cannot take it apart.
        let script = "mount -t tmpfs none \"$0\" && touch \"$0/mounted\" && exec \"$@\"";
        let mut command = as_user("unshare");
        command.args(["-Urm", "sh", "-c", script]).arg(lower.join("sub"));
        command.arg(launcher.get_program()).args(launcher.get_args());
        let ran = common::Ran::of(command.output().unwrap());
        assert_eq!(ran.status, status, "{form:?} {backend} {ran:?}");
        if status == 0 {
            assert_eq!(ran.out, "/s:\nfile\nsub\n\n/s/sub:\nmounted\n", "{backend} {ran:?}");
        } else {
            assert!(ran.err.contains("refused Some(/s)"), "{ran:?}");
        }
    }
}

#[test]
fn auto_falls_back_with_a_reason() {
    for (inject, reason) in [
        ("", None),
        ("unshare=EPERM", Some("a system call filter (seccomp) refuses it (unshare(")),
        ("fsopen=ENOSYS", Some("the mount API of Linux 5.2 is missing: fsopen")),
        (
            "open_tree_attr=ENOSYS,open_tree=ENOSYS",
            Some("the mount API of Linux 5.2 is missing: open_tree"),
        ),
    ] {
        let mut scene = Scene::shell("auto", "echo ran");
        scene.inject = inject.into();
        let ran = scene.run();
        assert_eq!((ran.status, ran.out.as_str()), (0, "ran\n"), "{inject} {ran:?}");
        assert_eq!(ran.err.contains("FellBack"), reason.is_some(), "{inject} {ran:?}");
        assert_eq!(ran.err.contains("Bwrap("), reason.is_some(), "{inject} {ran:?}");
        assert!(ran.err.contains(reason.unwrap_or_default()), "{inject} {ran:?}");
    }
    let mut scene = Scene::shell("builtin", "echo ran");
    scene.inject = "unshare=EPERM".into();
    let ran = scene.run();
    assert_eq!(ran.status, 125);
    assert!(ran.err.contains("BS0042") && ran.err.contains("hint:"), "{ran:?}");
}

#[test]
fn a_bwrap_named_by_the_caller_is_used_first() {
    let directory = open_to_all(tempfile::tempdir().unwrap());
    let own = directory.path().join("my bwrap");
    std::os::unix::fs::symlink("/usr/bin/bwrap", &own).unwrap();
    let mut scene = Scene::shell("bwrap", "true");
    scene.bwrap = vec![directory.path().join("missing"), own.clone()];
    let ran = scene.run();
    assert_eq!(ran.status, 0, "{ran:?}");
    assert!(ran.err.contains("my bwrap"), "{ran:?}");
    assert!(!bytes(&own).is_empty());
}

#[test]
fn auto_without_bwrap_says_what_the_builtin_executor_said() {
    let mut scene = Scene::shell("auto", "true");
    scene.inject = "unshare=EPERM".into();
    scene.search_path = vec!["/nowhere".into()];
    let ran = scene.run();
    assert_eq!(ran.status, 125);
    assert!(ran.err.contains("BS0042") && !ran.err.contains("FellBack"), "{ran:?}");
    assert!(ran.err.contains("tried /nowhere/bwrap"), "{ran:?}");
    scene.backend = "bwrap";
    let ran = scene.run();
    assert!(ran.err.contains("BS0014") && ran.err.contains("tried /nowhere/bwrap"), "{ran:?}");
}

#[test]
fn a_bind_over_the_root_is_the_root() {
    for backend in BOTH {
        let mut scene = Scene::new(backend, vec![], &["cat", "/proc/self/mounts"]);
        scene.plan.steps.clear();
        for op in [bind("/", "/", Access::ReadOnly), Op::Tmpfs { at: at("/tmp"), mode: 0o755 }] {
            scene.plan.steps.push(plan::Step { op, reason: "a test".into() });
        }
        let out = scene.run().ok();
        assert!(out.contains(" /tmp tmpfs rw,nosuid,nodev"), "{backend} {out}");
    }
}

//! Copies of runtimes.

use crate::fixture::*;
use crate::holder::{CALLS, hold};
use plan::{
    Access, ContainerPath, HostPath, LayerEntry, LayerSpec, Op, Plan, Source, StackForm, Step,
};
use std::collections::BTreeMap;
use std::fs;
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};
use std::sync::mpsc;
use std::time::Duration;
use store::lock::{self, Missing};
use store::runtimes::{CopyRequest, Error, Variable};

/// A runtime, the plan of a launch with it, and a variable directory.
struct Scene {
    tmp: tempfile::TempDir,
    files: HostPath,
    plan: Plan,
    variable: Variable,
}

impl Scene {
    fn new(rows: &[&str]) -> Self {
        let tmp = tempfile::tempdir().unwrap();
        make(&tmp.path().join("files"), rows);
        make(&tmp.path().join("tool"), &["bin/pressure-vessel-wrap * elf", "bin/pv -> x"]);
        let files = host(&tmp.path().join("files"));
        let variable = Variable::open(&host(&tmp.path().join("var"))).unwrap();
        Self { tmp, files, plan: Plan::new(vec!["game".into()]), variable }
    }

    fn step(&mut self, op: Op) {
        self.plan.steps.push(Step { op, reason: "a test".into() });
    }

    /// The container has `lower` at `at`, with `entries` over it.
    fn stack(&mut self, at: &str, lower: &str, entries: &[(&[u8], LayerEntry)]) {
        let layer = LayerSpec { name: plan::LayerName(at.into()), ..spec(entries) };
        let over = Source::Layer { layer: layer.name.clone(), path: plan::RootPath::root() };
        let sources = vec![over, Source::Host(self.files.at(lower))];
        self.plan.layers.push(layer);
        let at = ContainerPath::literal(at);
        self.step(Op::Stack { at, sources, form: StackForm::Overlay });
    }

    fn bind(&mut self, at: &str, lower: &str) {
        let source = Source::Host(self.files.at(lower));
        let at = ContainerPath::literal(at);
        self.step(Op::Bind { source, at, access: Access::ReadOnly, optional: false });
    }

    fn copy(&self, tool: bool) -> Result<store::runtimes::Copied, Error> {
        let tool = tool.then(|| host(&self.tmp.path().join("tool")));
        let base = ContainerPath::root();
        let request =
            CopyRequest { files: &self.files, plan: &self.plan, base: &base, tool: tool.as_ref() };
        self.variable.copy(&request)
    }

    fn left(&self) -> Vec<PathBuf> {
        let entries = fs::read_dir(self.variable.path().as_path()).unwrap();
        entries.map(|e| e.unwrap().path()).filter(|p| !p.ends_with(".ref")).collect()
    }
}

fn shown(path: &HostPath) -> BTreeMap<String, String> {
    snapshot(path.as_path())
}

const MERGED: &[&str] = &[
    "bin/sh * shell",
    "etc/os = 1",
    "lib/libGL.so.1 = old",
    "lib/libc.so.6 = libc",
    "lib64/",
    "libexec/x * x",
    "share/doc/a = a",
    "var/cache/",
    ".ref = ",
];

/// As compose plans it: links into the host among the overrides, what they replace hidden.
fn overrides() -> Vec<(&'static [u8], LayerEntry)> {
    let gl = link("/run/host/usr/lib/libGL.so.1");
    vec![
        (b"/lib/pressure-vessel/overrides/lib/x86_64-linux-gnu/libGL.so.1", gl),
        (b"/lib/libGL.so.1", LayerEntry::Whiteout),
    ]
}

fn merged() -> Scene {
    let mut scene = Scene::new(MERGED);
    scene.stack("/usr", "/", &overrides());
    scene
}

#[test]
fn of_a_merged_usr() {
    let scene = merged();
    let copied = scene.copy(true).unwrap();
    let want = expected(&[
        ("", "dir 700"),
        (".ref", "-> usr/.ref"),
        ("bin", "-> usr/bin"),
        ("etc", "-> usr/etc"),
        ("lib", "-> usr/lib"),
        ("lib64", "-> usr/lib64"),
        ("overrides", "-> usr/lib/pressure-vessel/overrides"),
        ("usr", "dir 755"),
        ("usr/.ref", "file 644 "),
        ("usr/bin", "dir 755"),
        ("usr/bin/sh", "file 755 shell"),
        ("usr/etc", "dir 755"),
        ("usr/etc/os", "file 644 1"),
        ("usr/lib", "dir 755"),
        ("usr/lib/libc.so.6", "file 644 libc"),
        ("usr/lib/pressure-vessel", "dir 755"),
        ("usr/lib/pressure-vessel/from-host", "dir 755"),
        ("usr/lib/pressure-vessel/from-host/bin", "dir 755"),
        ("usr/lib/pressure-vessel/from-host/bin/pressure-vessel-wrap", "file 755 elf"),
        ("usr/lib/pressure-vessel/from-host/bin/pv", "-> x"),
        ("usr/lib/pressure-vessel/overrides", "dir 755"),
        ("usr/lib/pressure-vessel/overrides/lib", "dir 755"),
        ("usr/lib/pressure-vessel/overrides/lib/x86_64-linux-gnu", "dir 755"),
        (
            "usr/lib/pressure-vessel/overrides/lib/x86_64-linux-gnu/libGL.so.1",
            "-> /run/host/usr/lib/libGL.so.1",
        ),
        ("usr/lib64", "dir 755"),
        ("usr/libexec", "dir 755"),
        ("usr/libexec/x", "file 755 x"),
        ("usr/share", "dir 755"),
        ("usr/share/doc", "dir 755"),
        ("usr/share/doc/a", "file 644 a"),
        ("usr/var", "dir 755"),
        ("usr/var/cache", "dir 755"),
        ("var", "-> usr/var"),
    ]);
    assert_eq!(shown(&copied.path), want);
    let name = copied.path.file_name().unwrap().to_str().unwrap();
    assert!(name.len() == 10 && name.starts_with("tmp-"), "{name}");
    assert_eq!(copied.warning(), None);
}

#[test]
fn shares_files_and_not_locks() {
    let scene = merged();
    let before = shown(&scene.files);
    let copied = scene.copy(false).unwrap();
    let inode = |p: &Path| fs::symlink_metadata(p).unwrap().ino();
    let (source, target) = (scene.files.as_path(), copied.path.as_path().join("usr"));
    assert_eq!(inode(&source.join("lib/libc.so.6")), inode(&target.join("lib/libc.so.6")));
    assert_ne!(inode(&source.join(".ref")), inode(&target.join(".ref")));
    assert_eq!(shown(&scene.files), before);
    assert!(fs::symlink_metadata(target.join("lib/pressure-vessel/from-host")).is_err());
    // The runtime may be deleted now, and the copy may not.
    lock::exclusive(&scene.files.at(".ref"), Missing::Fail).unwrap();
    let own = copied.path.at(".ref");
    assert!(matches!(lock::exclusive(&own, Missing::Fail), Err(lock::Error::Busy { .. })));
    assert_eq!(scene.variable.collect().unwrap().unwrap().in_use, 1);
    for call in CALLS {
        assert!(hold(own.as_path(), call, true).is_none(), "{call} deletes a copy in use");
        assert!(hold(own.as_path(), call, false).is_some(), "{call} cannot use it too");
    }
    drop(copied.lock);
    assert!(hold(own.as_path(), CALLS[0], true).is_some());
}

#[test]
fn of_a_root_that_is_not_merged() {
    let mut scene = Scene::new(&[
        "usr/bin/env * env",
        "usr/bin/sh -> /bin/sh",
        "usr/lib/libGL.so.1 = old",
        "usr/lib/libm.so -> ../../lib/libm.so.6",
        "usr/lib/libz.so.1 -> ../../lib/libz.so.1",
        "usr/lib/both/a = a",
        "bin/sh * shell",
        "bin/env -> ../usr/bin/env",
        "lib/libc.so.6 = libc",
        "lib/libm.so.6 = libm",
        "lib/libz.so.1 = libz",
        "lib/both/b = b",
        "lib64 -> usr/lib64",
        "etc/os = 1",
        "opt/readme = text",
        "libexec/x = x",
        ".ref = ",
    ]);
    scene.stack("/usr", "/usr", &overrides());
    scene.stack("/lib", "/lib", &[(b"/libc.so.6", LayerEntry::Whiteout)]);
    scene.bind("/bin", "/bin");
    let copied = scene.copy(false).unwrap();
    let mut got = shown(&copied.path);
    got.retain(|path, _| !path.starts_with("usr/lib/pressure-vessel"));
    let want = expected(&[
        ("", "dir 700"),
        (".ref", "-> usr/.ref"),
        ("bin", "-> usr/bin"),
        ("etc", "dir 755"),
        ("etc/os", "file 644 1"),
        ("lib", "-> usr/lib"),
        ("lib64", "-> usr/lib64"),
        ("libexec", "dir 755"),
        ("libexec/x", "file 644 x"),
        ("opt", "dir 755"),
        ("opt/readme", "file 644 text"),
        ("overrides", "-> usr/lib/pressure-vessel/overrides"),
        ("usr", "dir 755"),
        ("usr/.ref", "file 644 "),
        ("usr/bin", "dir 755"),
        ("usr/bin/env", "file 755 env"),
        ("usr/bin/sh", "file 755 shell"),
        ("usr/lib", "dir 755"),
        ("usr/lib/both", "dir 755"),
        ("usr/lib/both/a", "file 644 a"),
        ("usr/lib/both/b", "file 644 b"),
        ("usr/lib/libm.so", "-> ../../lib/libm.so.6"),
        ("usr/lib/libm.so.6", "file 644 libm"),
        ("usr/lib/libz.so.1", "file 644 libz"),
    ]);
    assert_eq!(got, want);
}

#[test]
fn waits_for_a_collection() {
    let scene = merged();
    let collecting = hold(&scene.variable.path().as_path().join(".ref"), CALLS[0], true).unwrap();
    let (send, receive) = mpsc::channel();
    std::thread::scope(|scope| {
        scope.spawn(|| send.send(scene.copy(false).map(|copied| copied.path)));
        assert!(receive.recv_timeout(Duration::from_millis(200)).is_err(), "it did not wait");
        drop(collecting);
        let path = receive.recv().unwrap().unwrap();
        assert_eq!(scene.left(), [path.as_path()]);
    });
}

#[test]
fn refused() {
    let mut scene = merged();
    for call in CALLS {
        let deleting = hold(scene.files.at(".ref").as_path(), call, true).unwrap();
        let error = scene.copy(false).unwrap_err();
        assert_eq!(error.problem().code, plan::Code::RUNTIME_BUSY, "{call}");
        drop(deleting);
    }
    // The tool's prefix is missing, found when all else is there.
    fs::remove_dir_all(scene.tmp.path().join("tool")).unwrap();
    assert_eq!(scene.copy(true).unwrap_err().problem().code, plan::Code::UNREADABLE);
    scene.plan.steps.clear();
    assert_eq!(scene.copy(false).unwrap_err(), Error::NoRuntime);
    assert_eq!(scene.left(), Vec::<PathBuf>::new());
}

/// What a depot's manifest says of empty files, which no server of contents keeps.
#[test]
fn empty_files_have_their_times() {
    let mut scene = Scene::new(&["lib/own = "]);
    let timed = |modified| LayerEntry::File { content: "".into(), executable: false, modified };
    let entries = [
        (&b"/lib/made"[..], timed(Some(1_600_000_000_000_005_000))),
        (b"/lib/old", timed(Some(-1))),
        (b"/lib/free", timed(None)),
    ];
    scene.stack("/usr", "/", &entries);
    let copied = scene.copy(false).unwrap();
    for (name, time) in
        [("made", (1_600_000_000, 5000)), ("old", (-1, 999_999_999)), ("free", (1, 0))]
    {
        let made = fs::metadata(copied.path.at("usr/lib").at(name).as_path()).unwrap();
        assert_eq!((made.mtime(), made.mtime_nsec()), time, "{name}");
    }
}

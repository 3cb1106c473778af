//! Tables of paths and what they lead to. Nothing is mounted and hardly anything is on disk: what the
//! kernel and qemu-user say is compared in `sandbox/tests/oracle`; here are FEX's rules, as measured
//! for `spec/fex.md`, and what no oracle can be asked.

use super::*;
use crate::{
    Access, ByteString, Composition, Emulation, Emulator, LayerName, LayerSpec, Op, Source,
    StackForm,
};

/// Operations: `dir PATH`, `link PATH TEXT`, `file PATH [CONTENT]`, `program PATH [CONTENT]`.
fn ops(lines: &str) -> Vec<Op> {
    let op = |line: &str| {
        let mut words = line.split_whitespace();
        let what = words.next().unwrap();
        let at = ContainerPath::literal(words.next().unwrap());
        let rest = words.next();
        let content = || ByteString::from(rest.unwrap_or(line));
        match what {
            "dir" => Op::Directory { at, mode: 0o755 },
            "link" => Op::Symlink { at, target: rest.unwrap().into() },
            "file" => Op::File { at, content: content(), mode: 0o644 },
            "program" => Op::File { at, content: content(), mode: 0o755 },
            _ => panic!("{line}"),
        }
    };
    lines.lines().map(str::trim).filter(|line| !line.is_empty()).map(op).collect()
}

fn plan(ops: Vec<Op>) -> Plan {
    Plan {
        steps: ops.into_iter().map(|op| crate::Step { op, reason: "test".into() }).collect(),
        ..Plan::new(vec!["true".into()])
    }
}

fn fex() -> View {
    View::Emulated { rules: Emulator::Fex, root: ContainerPath::literal("/ir") }
}

/// The path found, with ` -> TEXT` for a link, or why nothing is.
fn told(namespace: &Namespace<'_>, view: &View, call: Call, from: &str, path: &str) -> String {
    let from = ContainerPath::literal(from);
    match namespace.resolve(view, call, &from, path.as_bytes()) {
        Ok(Found { path, link: Some(text), .. }) => format!("{path} -> {text}"),
        Ok(found) => found.path.to_string(),
        Err(failure) => format!("{:?}", failure.reason),
    }
}

#[test]
fn fex_looks_below_its_root_by_call() {
    let plan = plan(ops("file /ir/usr/lib/x
         program /ir/usr/bin/tool
         link /ir/lib usr/lib
         link /ir/abs /usr
         link /ir/etc/inside /usr/lib/x
         link /ir/etc/twice /etc/inside
         link /ir/etc/dangling /realonly
         link /ir/etc/up ../../realonly
         link /ir/own /ir/usr/lib
         link /ir/bare /ir
         file /ir/plain
         link /plain elsewhere
         file /usr/lib/x
         file /usr/lib/real
         program /usr/bin/tool
         program /usr/bin/native
         program /bin/sh
         file /lib/x
         file /realonly
         link /loop loop
         link /real-link /plain-target
         file /plain-target"));
    let namespace = Namespace::of(&plan).unwrap();
    use Call::*;
    let rows: &[(Call, &str, &str)] = &[
        // Only absolute paths other than exactly `/`.
        (Open, "/", "/"),
        (Open, "//", "/ir"),
        (Open, "/.", "/ir"),
        (Open, "/usr/..", "/ir"),
        (Open, "lib/x", "/lib/x"),
        (Open, "../lib/x", "/lib/x"),
        (ChangeDirectory, "/ir/../usr/lib", "/usr/lib"),
        // Below the root first, then the path as it is.
        (Open, "/lib/x", "/ir/usr/lib/x"),
        (Stat, "/lib/x", "/ir/usr/lib/x"),
        (Open, "/usr/lib/real", "/usr/lib/real"),
        (Stat, "/usr/lib/real", "/usr/lib/real"),
        (Lstat, "/loop", "/loop -> loop"),
        (Stat, "/loop", "Loop"),
        (Stat, "/nowhere", "NotFound"),
        // Not redirected.
        (ChangeDirectory, "/usr/lib", "/usr/lib"),
        (ChangeDirectory, "/etc", "NotFound"),
        // A link in the last place with an absolute text stays inside.
        (Open, "/etc/inside", "/ir/usr/lib/x"),
        (Stat, "/etc/inside", "/ir/usr/lib/x"),
        (Stat, "/etc/twice", "/ir/usr/lib/x"),
        // Dangling there, it does not exist, although the real target does.
        (Open, "/etc/dangling", "NotFound"),
        (Stat, "/etc/dangling", "NotFound"),
        (Lstat, "/etc/dangling", "/ir/etc/dangling -> /realonly"),
        // A link in another place, and `..`: open stays inside, stat does not.
        (Open, "/abs/lib/x", "/ir/usr/lib/x"),
        (Stat, "/abs/lib/x", "/usr/lib/x"),
        (Stat, "/abs/lib/real", "/usr/lib/real"),
        (Open, "/../realonly", "/realonly"),
        (Open, "/../plain", "/ir/plain"),
        (Stat, "/../realonly", "/realonly"),
        (Open, "/etc/up", "NotFound"),
        (Stat, "/etc/up", "/realonly"),
        // Links of the real root lead on in the real root.
        (Open, "/real-link", "/plain-target"),
        // `readlink` of something that is no link does not fall back.
        (ReadLink, "/plain", "NotALink"),
        (ReadLink, "/real-link", "/real-link -> /plain-target"),
        (ReadLink, "/nowhere", "NotFound"),
        // The root is hidden from texts, but not where it is all of it.
        (ReadLink, "/own", "/ir/own -> /usr/lib"),
        (ReadLink, "/bare", "/ir/bare -> /ir"),
        // Programs.
        (Execute, "/usr/bin/tool", "/ir/usr/bin/tool"),
        (Execute, "/abs/bin/tool", "/usr/bin/tool"),
        (Execute, "/usr/bin/native", "/usr/bin/native"),
        (Execute, "usr/bin/tool", "/usr/bin/tool"),
        (Shebang, "/usr/bin/tool", "/ir/usr/bin/tool"),
        (Shebang, "/bin/sh", "NoInterpreter"),
        (Shebang, "bin/sh", "/bin/sh"),
    ];
    for (call, path, want) in rows {
        assert_eq!(told(&namespace, &fex(), *call, "/", path), *want, "{call:?} {path}");
    }
}

/// `/lib64/ld` of Ubuntu: a chain of absolute links, each of which means the emulator's root.
#[test]
fn fex_finds_the_program_interpreter_inside() {
    let plan = plan(ops("link /ir/lib64 usr/lib64
         link /ir/usr/lib64/ld /lib/ld
         link /ir/lib usr/lib
         program /ir/usr/lib/ld
         program /lib/ld-native"));
    let namespace = Namespace::of(&plan).unwrap();
    for (path, want) in [("/lib64/ld", "/ir/usr/lib/ld"), ("/lib/ld-native", "/lib/ld-native")] {
        assert_eq!(told(&namespace, &fex(), Call::Interpreter, "/", path), want);
    }
    assert_eq!(told(&namespace, &View::Native, Call::Interpreter, "/", "/lib64/ld"), "NotFound");
}

#[test]
fn qemu_looks_below_its_prefix_if_something_exists_there() {
    let plan = plan(ops("file /ir/usr/lib/x
         link /ir/dangling nowhere
         link /ir/out /real
         program /ir/bin/tool
         program /bin/tool
         file /dangling
         file /real"));
    let namespace = Namespace::of(&plan).unwrap();
    let view = View::Emulated { rules: Emulator::Qemu, root: ContainerPath::literal("/ir") };
    use Call::*;
    for (call, path, want) in [
        (Open, "/", "/ir"),
        (Open, "/usr/lib/x", "/ir/usr/lib/x"),
        (Open, "usr/lib/x", "NotFound"),
        (Lstat, "/dangling", "/dangling"),
        (Stat, "/out", "/real"),
        (Lstat, "/out", "/ir/out -> /real"),
        (ReadLink, "/usr/lib/x", "NotALink"),
        (ChangeDirectory, "/usr", "NotFound"),
        (Execute, "/bin/tool", "/bin/tool"),
        (Shebang, "/bin/tool", "/bin/tool"),
        (Interpreter, "/bin/tool", "/ir/bin/tool"),
    ] {
        assert_eq!(told(&namespace, &view, call, "/", path), want, "{call:?} {path}");
    }
}

#[test]
fn trails_are_lines() {
    let mut plan = plan(ops("link /ir/lib usr/lib\nlink /a/l /b"));
    let layer = LayerName("usr".into());
    let mut spec = LayerSpec::new("usr");
    let lib = LayerEntry::file("x".into());
    spec.entries.insert(RootPath::literal("/lib/x"), lib);
    spec.entries.insert(RootPath::literal("/lib/hidden"), LayerEntry::Whiteout);
    let mut other = LayerSpec::new("other");
    let only = LayerEntry::File { content: "y".into(), executable: true, modified: None };
    other.entries.insert(RootPath::literal("/lib/y"), only.clone());
    other.entries.insert(RootPath::literal("/lib/hidden"), only);
    plan.layers = vec![spec, other];
    let sources = [layer, LayerName("other".into())];
    let sources = sources.map(|layer| Source::Layer { layer, path: RootPath::root() });
    let at = ContainerPath::literal("/ir/usr");
    let op = Op::Stack { at, sources: sources.into(), form: StackForm::Overlay };
    plan.steps.push(crate::Step { op, reason: "the runtime".into() });
    let namespace = Namespace::of(&plan).unwrap();
    let top = ContainerPath::root();
    let lines = |steps: &[Step]| steps.iter().map(ToString::to_string).collect::<Vec<_>>();

    let found = namespace.resolve(&fex(), Call::Stat, &top, b"/lib/y").unwrap();
    assert_eq!(
        lines(&found.trail),
        [
            "/lib/y: FEX (stat) looks at /ir/lib/y first",
            "/ir/lib -> usr/lib",
            "/ir/usr is step 2: stack overlay /ir/usr = layer:usr/ over layer:other/ (the runtime)",
            "/ir/usr/lib/y comes from layer:other/, below 1 other",
        ]
    );
    assert_eq!(found.origin.to_string(), "layer:other/lib/y");
    assert_eq!(namespace.content(&found, 10).unwrap(), b"y");

    let failure =
        namespace.resolve(&View::Native, Call::Stat, &top, b"/ir/lib/hidden/z").unwrap_err();
    assert_eq!(failure.to_string(), "/ir/usr/lib/hidden: it is hidden by layer:usr/");
    assert_eq!(failure.reason.errno(), Some(2));
    let listed = namespace.list(&View::Native, &ContainerPath::literal("/ir/usr/lib")).unwrap();
    let names: Vec<_> = listed.iter().map(|entry| entry.name.to_string()).collect();
    assert_eq!(names, ["x", "y"]);
    assert_eq!(namespace.mount_points(), [(ContainerPath::literal("/ir/usr"), 2)]);
}

#[test]
fn what_depends_on_the_process_is_said() {
    let plan = plan(vec![Op::Proc { at: ContainerPath::literal("/proc") }]);
    let namespace = Namespace::of(&plan).unwrap();
    for (path, want) in [
        ("/proc/self/exe", "Process"),
        ("/proc/self", "Process"),
        ("/proc/thread-self/fd", "Process"),
        ("/proc/1/root/etc", "Process"),
        ("/proc/mounts", "Process"),
        ("/proc/version", "/proc/version"),
        ("/proc/nothing-of-this-name", "NotFound"),
    ] {
        assert_eq!(told(&namespace, &View::Native, Call::Open, "/", path), want, "{path}");
        let failure =
            namespace.resolve(&View::Native, Call::Open, &ContainerPath::root(), path.as_bytes());
        if want == "Process" {
            assert_eq!(failure.unwrap_err().reason.errno(), None);
        }
    }
}

#[test]
fn operations_that_cannot_be_carried_out_are_named() {
    let bind = |source: Source, at: &str| Op::Bind {
        source,
        at: ContainerPath::literal(at),
        access: Access::ReadOnly,
        optional: false,
    };
    let host = |path: &str| Source::Host(HostPath::literal(path));
    let at = ContainerPath::literal;
    let rows: Vec<(Vec<Op>, &str)> = vec![
        (
            vec![bind(host("/"), "/a"), Op::Directory { at: at("/a/no/such"), mode: 0o755 }],
            "ReadOnly",
        ),
        (ops("link /a b\ndir /a"), "Exists"),
        (ops("file /a\ndir /a/b"), "Target"),
        (ops("link /a a\ndir /a/b"), "Target"),
        (ops("link /a b\nlink /a c"), "Exists"),
        (vec![bind(host("/nothing/of/this/name"), "/a")], "Source"),
        (
            vec![bind(
                Source::Layer { layer: LayerName("x".into()), path: RootPath::root() },
                "/a",
            )],
            "NoLayer",
        ),
        (
            vec![Op::ReadOnly { at: at("/") }, Op::Directory { at: at("/a"), mode: 0o755 }],
            "ReadOnly",
        ),
        ([ops("dir /a"), vec![Op::ReadOnly { at: at("/a") }]].concat(), "NotMounted"),
        ([ops("dir /a"), vec![bind(host("/proc/version"), "/a")]].concat(), "Exists"),
        ([ops("link /a /"), vec![bind(host("/"), "/a")]].concat(), "RootByLink"),
        (
            vec![Op::Stack {
                at: at("/a"),
                sources: vec![host("/"), host("/proc")],
                form: StackForm::Overlay,
            }],
            "Overlap",
        ),
    ];
    for (ops, want) in rows {
        let last = ops.len() - 1;
        let plan = plan(ops);
        let error = Namespace::of(&plan).unwrap_err();
        assert!(format!("{error:?}").starts_with(want), "{error:?}");
        assert_eq!(error.step(), last, "{error}");
    }
}

#[test]
fn the_view_of_a_plan() {
    let composition = |root: Option<&str>| match root {
        Some(root) => Composition::Overlay {
            root: ContainerPath::literal(root),
            registrations: vec![],
            fixed: false,
        },
        None => Composition::Direct { prefix: vec![], container_argv: vec![] },
    };
    for (emulator, root, want) in [
        (Emulator::Fex, Some("/ir"), Some(fex())),
        (Emulator::Fex, None, None),
        (Emulator::Plain, Some("/ir"), None),
    ] {
        let mut plan = plan(vec![]);
        assert_eq!(View::emulated(&plan), None);
        plan.emulation = Some(Emulation {
            emulator,
            tuples: vec![Tuple::X86_64],
            native: Tuple::Aarch64,
            program: ContainerPath::literal("/usr/bin/FEX"),
            composition: composition(root),
            server: None,
        });
        assert_eq!(View::emulated(&plan), want);
    }
}

#[test]
fn architecture_by_the_header() {
    let header = |class: u8, machine: u16| {
        let mut bytes = vec![0x7f, b'E', b'L', b'F', class, 1];
        bytes.resize(18, 0);
        bytes.extend(machine.to_le_bytes());
        bytes
    };
    for (bytes, want) in [
        (header(2, 62), Some(Tuple::X86_64)),
        (header(1, 3), Some(Tuple::I386)),
        (header(2, 183), Some(Tuple::Aarch64)),
        (header(1, 62), None),
        (header(3, 62), None),
        (header(2, 62)[..19].to_vec(), None),
        (vec![], None),
        (b"#!/bin/sh".to_vec(), None),
    ] {
        assert_eq!(Tuple::of_elf_header(&bytes), want, "{bytes:?}");
    }
    let mut plan = plan(vec![]);
    let op = Op::File {
        at: ContainerPath::literal("/x"),
        content: ByteString(header(2, 183)),
        mode: 0o755,
    };
    plan.steps.push(crate::Step { op, reason: "test".into() });
    let namespace = Namespace::of(&plan).unwrap();
    let top = ContainerPath::root();
    let found = namespace.resolve(&View::Native, Call::Execute, &top, b"/x").unwrap();
    assert_eq!(namespace.architecture(&found), Some(Tuple::Aarch64));
}

use super::*;
use crate::{
    Access, Composition, Emulation, Emulator, HostPath, LayerEntry, LayerName, LayerSpec, Op,
    RootPath, Source, StackForm, Step,
};
use std::path::Path;

/// An ELF header, as much as tells the architecture.
fn elf(tuple: Tuple) -> Vec<u8> {
    let mut header = vec![0; 64];
    header[..4].copy_from_slice(b"\x7fELF");
    header[4] = if tuple.is_64_bit() { 2 } else { 1 };
    header[5] = 1;
    header[6] = 1;
    header[16] = 3;
    header[18..20].copy_from_slice(&tuple.machine().to_le_bytes());
    header
}

/// Makes a tree: `PATH/`, `PATH -> TEXT`, `PATH` (an ELF file of the tuple).
fn tree(base: &Path, tuple: Tuple, entries: &[&str]) {
    for entry in entries {
        let (path, text) = match entry.split_once(" -> ") {
            Some((path, text)) => (path, Some(text)),
            None => (*entry, None),
        };
        let place = base.join(path);
        std::fs::create_dir_all(place.parent().unwrap()).unwrap();
        match text {
            Some(text) => std::os::unix::fs::symlink(text, place).unwrap(),
            None if path.ends_with('/') => std::fs::create_dir_all(place).unwrap(),
            None => std::fs::write(place, elf(tuple)).unwrap(),
        }
    }
}

struct Stage(tempfile::TempDir);

impl Stage {
    fn new() -> Self {
        Self(tempfile::tempdir().unwrap())
    }

    fn host(&self, path: &str) -> HostPath {
        HostPath::new(self.0.path()).unwrap().at(path)
    }

    fn bind(&self, source: &str, to: &str, access: Access, why: &str) -> Step {
        let source = Source::Host(self.host(source));
        let at = ContainerPath::literal(to);
        Step { op: Op::Bind { source, at, access, optional: false }, reason: why.into() }
    }

    /// The drawing with a name in place of the temporary directory.
    fn drawn(&self, plan: &Plan, style: &Style) -> String {
        let tree = Tree::of(plan).unwrap_or_else(|error| panic!("{error}"));
        tree.draw(style).replace(self.0.path().to_str().unwrap(), "")
    }
}

fn step(op: Op, why: &str) -> Step {
    Step { op, reason: why.into() }
}

fn link(at: &str, target: &str, why: &str) -> Step {
    step(Op::Symlink { at: ContainerPath::literal(at), target: target.into() }, why)
}

fn plan(layers: Vec<LayerSpec>, steps: Vec<Step>) -> Plan {
    Plan { layers, steps, ..Plan::new(vec!["true".into()]) }
}

fn overrides(name: &str, count: usize, to: &str) -> LayerSpec {
    let mut layer = LayerSpec::new(name);
    let base = RootPath::literal("/lib/pressure-vessel/overrides/lib/x86_64-linux-gnu");
    for n in 0..count {
        let target = format!("{to}/lib{n:02}.so.1").into();
        layer.entries.insert(base.at(&format!("lib{n:02}.so.1")), LayerEntry::Symlink { target });
    }
    layer.entries.insert(RootPath::literal("/lib/hidden"), LayerEntry::Whiteout);
    layer
}

fn usr(stage: &Stage, at: &str, lower: &str, layer: &str) -> Step {
    let layer = Source::Layer { layer: LayerName(layer.into()), path: RootPath::root() };
    let sources = vec![layer, Source::Host(stage.host(lower))];
    let at = ContainerPath::literal(at);
    step(Op::Stack { at, sources, form: StackForm::Overlay }, "the runtime's /usr")
}

/// A merged runtime on a merged host.
fn native(stage: &Stage) -> Plan {
    let runtime = stage.0.path().join("runtime");
    tree(
        &runtime,
        Tuple::X86_64,
        &[
            "usr/lib/x86_64-linux-gnu/",
            "usr/lib64/ld-linux-x86-64.so.2",
            "usr/bin/sh -> dash",
            "usr/bin/env",
            "usr/lib/hidden",
            "usr/lib/pressure-vessel/overrides/lib/x86_64-linux-gnu/",
        ],
    );
    tree(stage.0.path(), Tuple::X86_64, &["home/me/", "dev/", "etc/hosts", "usr/"]);
    let file = Op::File {
        at: ContainerPath::literal("/run/host/container-manager"),
        content: "pressure-vessel\n".into(),
        mode: 0o444,
    };
    let directory = |at: &str| Op::Directory { at: ContainerPath::literal(at), mode: 0o755 };
    let tmpfs = Op::Tmpfs { at: ContainerPath::literal("/scratch"), mode: 0o755 };
    plan(
        vec![overrides("usr", 14, "/run/host/usr/lib")],
        vec![
            usr(stage, "/usr", "runtime/usr", "usr"),
            link("/bin", "usr/bin", "merged into /usr"),
            link("/lib", "usr/lib", "merged into /usr"),
            link("/lib64", "usr/lib64", "merged into /usr"),
            stage.bind("usr", "/run/host/usr", Access::ReadOnly, "the host's /usr"),
            step(file, "the kind of container"),
            stage.bind("dev", "/dev", Access::Device, "the host's devices"),
            stage.bind("home", "/home", Access::ReadWrite, "homes"),
            stage.bind("etc/hosts", "/etc/hosts", Access::ReadOnly, "the host's names"),
            step(directory("/run/user/7"), "the user's runtime directory"),
            step(directory("/scratch/hidden"), "hidden by what comes"),
            step(tmpfs, "nothing is kept"),
            step(Op::ReadOnly { at: ContainerPath::literal("/scratch") }, "or put there"),
            link("/overrides", "usr/lib/pressure-vessel/overrides", "their short name"),
        ],
    )
}

#[test]
fn a_native_container() {
    let stage = Stage::new();
    let plan = native(&stage);
    insta::assert_snapshot!(stage.drawn(&plan, &Style::default()), @r"
    /                                           in memory
    ├── bin -> usr/bin                          merged into /usr
    ├── dev/                                    /dev, writable, with devices — the host's devices
    ├── etc/
    │   └── hosts                               /etc/hosts, read-only — the host's names
    ├── home/                                   /home, writable — homes
    ├── lib -> usr/lib                          merged into /usr
    ├── lib64 -> usr/lib64                      merged into /usr
    ├── overrides -> usr/lib/pressure-vessel/overrides  their short name
    ├── run/
    │   ├── host/
    │   │   ├── container-manager               16 bytes — the kind of container
    │   │   └── usr/                            /usr, read-only — the host's /usr
    │   └── user/7/                             the user's runtime directory
    ├── scratch/                                in memory, read-only — nothing is kept
    └── usr/                                    layer usr over /runtime/usr (overlay, 1 hidden) — the runtime's /usr
        ├── bin/
        │   ├── env                             x86_64-linux-gnu
        │   └── sh -> dash
        ├── lib/
        │   ├── pressure-vessel/overrides/lib/x86_64-linux-gnu/
        │   │   ├── lib00.so.1 -> /run/host/usr/lib/lib00.so.1  layer usr
        │   │   ├── lib01.so.1 -> /run/host/usr/lib/lib01.so.1  layer usr
        │   │   ├── lib02.so.1 -> /run/host/usr/lib/lib02.so.1  layer usr
        │   │   ├── lib03.so.1 -> /run/host/usr/lib/lib03.so.1  layer usr
        │   │   ├── lib04.so.1 -> /run/host/usr/lib/lib04.so.1  layer usr
        │   │   ├── lib05.so.1 -> /run/host/usr/lib/lib05.so.1  layer usr
        │   │   └── … 8 more
        │   └── x86_64-linux-gnu/
        └── lib64/
            └── ld-linux-x86-64.so.2            x86_64-linux-gnu
    ");
}

#[test]
fn a_narrow_terminal_and_a_whole_list() {
    let stage = Stage::new();
    let plan = native(&stage);
    for width in [1, 2, 20, 60, 80] {
        let style = Style { width: Some(width), ..Style::default() };
        let drawn = stage.drawn(&plan, &style);
        for line in drawn.lines() {
            assert!(line.chars().count() <= width, "{width}: {line}");
        }
    }
    let whole = stage.drawn(&plan, &Style { whole: true, ..Style::default() });
    assert!(whole.contains("lib13.so.1 -> /run/host/usr/lib/lib13.so.1"), "{whole}");
    assert!(!whole.contains("more"), "{whole}");
}

#[test]
fn colours_only_where_asked_for() {
    let stage = Stage::new();
    let plan = native(&stage);
    let plain = stage.drawn(&plan, &Style::default());
    assert!(!plain.contains('\x1b'));
    let coloured = stage.drawn(&plan, &Style { colour: true, ..Style::default() });
    assert!(coloured.contains("\x1b[1;34musr/\x1b[0m"), "{coloured:?}");
    let mut stripped = coloured;
    for code in ["\x1b[1;34m", "\x1b[36m", "\x1b[2m", "\x1b[0m"] {
        stripped = stripped.replace(code, "");
    }
    assert_eq!(stripped, plain);
}

/// The mission's case: a non-merged host, a merged rootfs of the emulator, a merged runtime.
#[test]
fn an_interpreter_root() {
    let stage = Stage::new();
    let base = stage.0.path();
    let x86 = Tuple::X86_64;
    tree(
        base,
        Tuple::Aarch64,
        &[
            "lib/aarch64-linux-gnu/",
            "lib/ld-linux-aarch64.so.1",
            "bin/sh",
            "usr/lib/aarch64-linux-gnu/",
            "home/",
        ],
    );
    tree(&base.join("rootfs"), x86, &["usr/lib/x86_64-linux-gnu/", "usr/bin/sh"]);
    tree(
        &base.join("runtime"),
        x86,
        &[
            "usr/bin/sh",
            "usr/lib/x86_64-linux-gnu/",
            "usr/lib64/ld-linux-x86-64.so.2",
            "usr/lib/pressure-vessel/overrides/lib/x86_64-linux-gnu/",
        ],
    );
    let ir = "/run/pressure-vessel/interpreter-root";
    let at = |path: &str| format!("{ir}{path}");
    let read_only = Access::ReadOnly;
    let mut plan = plan(
        vec![overrides("usr", 3, "/run/gfx/usr/lib/x86_64-linux-gnu")],
        vec![
            stage.bind("usr", "/usr", read_only, "the host's /usr"),
            stage.bind("lib", "/lib", read_only, "the host's /lib"),
            stage.bind("bin", "/bin", read_only, "the host's /bin"),
            stage.bind("home", "/home", Access::ReadWrite, "homes"),
            stage.bind("rootfs", "/run/gfx/main", read_only, "the graphics provider"),
            link("/run/gfx/bin", "usr/bin", "as the provider has it"),
            link("/run/gfx/usr", "main/usr", "the provider's /usr"),
            usr(&stage, &at("/usr"), "runtime/usr", "usr"),
            link(&at("/bin"), "usr/bin", "merged into /usr"),
            link(&at("/lib"), "usr/lib", "merged into /usr"),
            link(&at("/overrides"), "usr/lib/pressure-vessel/overrides", "their short name"),
            stage.bind("rootfs", &at("/run/gfx/main"), read_only, "the graphics provider"),
            link(&at("/run/gfx/usr"), "main/usr", "the provider's /usr"),
        ],
    );
    let composition = Composition::Overlay {
        root: ContainerPath::literal(ir),
        registrations: vec!["FEX-x86_64".into()],
        fixed: false,
    };
    plan.emulation = Some(Emulation {
        emulator: Emulator::Fex,
        tuples: vec![Tuple::X86_64, Tuple::I386],
        native: Tuple::Aarch64,
        program: ContainerPath::literal("/usr/bin/FEX"),
        composition,
        server: None,
    });
    insta::assert_snapshot!(stage.drawn(&plan, &Style::default()), @r"
    /                                           in memory
    ├── bin/                                    /bin, read-only — the host's /bin
    │   └── sh                                  aarch64-linux-gnu
    ├── home/                                   /home, writable — homes
    ├── lib/                                    /lib, read-only — the host's /lib
    │   ├── aarch64-linux-gnu/
    │   └── ld-linux-aarch64.so.1               aarch64-linux-gnu
    ├── run/
    │   ├── gfx/
    │   │   ├── bin -> usr/bin                  as the provider has it
    │   │   ├── main/                           /rootfs, read-only — the graphics provider
    │   │   └── usr -> main/usr                 the provider's /usr
    │   └── pressure-vessel/interpreter-root/
    │       ├── bin -> usr/bin                  merged into /usr
    │       ├── lib -> usr/lib                  merged into /usr
    │       ├── overrides -> usr/lib/pressure-vessel/overrides  their short name
    │       ├── run/gfx/
    │       │   ├── main/                       /rootfs, read-only — the graphics provider
    │       │   └── usr -> main/usr             the provider's /usr
    │       └── usr/                            layer usr over /runtime/usr (overlay, 1 hidden) — the runtime's /usr
    │           ├── bin/
    │           │   └── sh                      x86_64-linux-gnu
    │           └── lib/
    │               ├── pressure-vessel/overrides/lib/x86_64-linux-gnu/
    │               │   ├── lib00.so.1 -> /run/gfx/usr/lib/x86_64-linux-gnu/lib00.so.1  layer usr
    │               │   ├── lib01.so.1 -> /run/gfx/usr/lib/x86_64-linux-gnu/lib01.so.1  layer usr
    │               │   └── lib02.so.1 -> /run/gfx/usr/lib/x86_64-linux-gnu/lib02.so.1  layer usr
    │               └── x86_64-linux-gnu/
    └── usr/                                    /usr, read-only — the host's /usr
        └── lib/aarch64-linux-gnu/

    As programs of x86_64-linux-gnu and i386-linux-gnu see it under FEX, whose root is /run/pressure-vessel/interpreter-root:
    /
    ├── bin -> usr/bin                          merged into /usr
    ├── home/                                   as native programs see it
    ├── lib -> usr/lib                          merged into /usr
    ├── run/
    │   ├── gfx/
    │   │   ├── bin -> usr/bin                  as native programs see it
    │   │   ├── main/                           /rootfs, read-only — the graphics provider
    │   │   └── usr -> main/usr                 the provider's /usr
    │   └── pressure-vessel/                    as native programs see it
    └── usr/                                    layer usr over /runtime/usr (overlay, 1 hidden) — the runtime's /usr
    ");
    if let Some(emulation) = &mut plan.emulation {
        emulation.composition = Composition::Direct { prefix: vec![], container_argv: vec![] };
    }
    let drawn = stage.drawn(&plan, &Style::default());
    let end = "Programs of x86_64-linux-gnu and i386-linux-gnu see the same.\n";
    assert!(drawn.ends_with(end), "{drawn}");
}

//! An AArch64 machine with an emulator, an emulator's root and a runtime for x86, each in any layout.

use crate::testing::facts;
use crate::{EmulatorChoice, Facts, Request, RuntimeChoice, compose};
use inspect::mountinfo::Mount;
use plan::simulate::{Call, Failure, Found, Namespace, View};
use plan::{ByteString, ContainerPath, HostPath, Plan, Problem, Tuple};
use std::fmt;
use testkit::{ElfBuilder, TreeBuilder};

pub(super) const X: Tuple = Tuple::X86_64;
pub(super) const I: Tuple = Tuple::I386;
pub(super) const A: Tuple = Tuple::Aarch64;

/// Which of the directories beside `usr` are links into it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Layout {
    Merged,
    NonMerged,
    Hybrid,
}

pub(super) const LAYOUTS: [Layout; 3] = [Layout::Merged, Layout::NonMerged, Layout::Hybrid];

/// All mixes of {host, emulator's root, runtime} × layouts.
pub(super) fn mixes() -> impl Iterator<Item = (Layout, Layout, Layout)> {
    LAYOUTS.into_iter().flat_map(|h| {
        LAYOUTS.into_iter().flat_map(move |e| LAYOUTS.into_iter().map(move |r| (h, e, r)))
    })
}

impl Layout {
    /// The top of a root: Debian's hybrids have merged programs and split libraries, or the reverse.
    fn top(self) -> &'static str {
        match self {
            Layout::Merged => {
                "usr/bin/\nusr/sbin/\nusr/lib/\nusr/lib64/\nbin -> usr/bin\nsbin -> usr/sbin\n\
                 lib -> usr/lib\nlib64 -> usr/lib64\n"
            }
            Layout::NonMerged => "usr/bin/\nusr/sbin/\nusr/lib/\nbin/\nsbin/\nlib/\nlib64/\n",
            Layout::Hybrid => {
                "usr/bin/\nusr/sbin/\nusr/lib/\nbin -> usr/bin\nsbin/\nlib/\nlib64 -> usr/lib64\n\
                 usr/lib64/\n"
            }
        }
    }
}

/// A root under construction.
pub(super) struct Tree(pub(super) TreeBuilder);

impl fmt::Debug for Tree {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}", self.0.path().display())
    }
}

impl Tree {
    pub(super) fn new(layout: Layout) -> Self {
        let common = "etc/\nvar/lib/\nusr/share/\nusr/lib/os-release = ID=test\n";
        Self(TreeBuilder::new().unwrap().table(layout.top()).unwrap().table(common).unwrap())
    }

    pub(super) fn table(self, table: &str) -> Self {
        Self(self.0.table(table).unwrap())
    }

    /// Puts a program; parents may be links.
    pub(super) fn program(self, path: &str, elf: &ElfBuilder) -> Self {
        Self(self.0.program(path, &elf.build()).unwrap())
    }

    pub(super) fn library(self, path: &str, elf: ElfBuilder, soname: &str) -> Self {
        let elf = elf.soname(soname).build();
        Self(self.0.program(path, &elf).unwrap())
    }

    /// The dynamic linker and the C library of an architecture, as Debian has them.
    pub(super) fn glibc(self, tuple: Tuple, version: &str) -> Self {
        let name = tuple.interpreter().rsplit('/').next().unwrap();
        let mut linker = ElfBuilder::shared(tuple).soname(name).build();
        linker.extend(format!("\0lib/{tuple}\0").bytes());
        let file = format!("lib/{tuple}/ld-{version}.so");
        let tree = self.0.program(&file, &linker).unwrap();
        // Debian's is absolute on amd64.
        let tree = tree.table(&format!("{} -> /{file}", &tuple.interpreter()[1..])).unwrap();
        let libc = ElfBuilder::shared(tuple).defines("GLIBC_2.31");
        let libc = if version == "2.31" { libc } else { libc.defines(&format!("GLIBC_{version}")) };
        Self(tree).library(&format!("lib/{tuple}/libc.so.6"), libc, "libc.so.6")
    }

    pub(super) fn path(&self) -> HostPath {
        HostPath::new(self.0.path()).unwrap()
    }
}

fn shared(tuple: Tuple) -> ElfBuilder {
    ElfBuilder::shared(tuple).needed("libc.so.6")
}

/// The machine: FEX and qemu-user are installed and registered; it has drivers of its own.
pub(super) fn host(layout: Layout) -> Tree {
    let fex = ElfBuilder::program(A).interpreter(A.interpreter()).needed("libstdc++.so.6");
    let icd = r#"{"file_format_version":"1.0.0","ICD":{"library_path":"libvulkan_host.so","api_version":"1.3.0"}}"#;
    let other = icd.replace("libvulkan_host.so", "libGL.so.1");
    Tree::new(layout)
        .glibc(A, "2.40")
        .library(&format!("usr/lib/{A}/libstdc++.so.6"), shared(A), "libstdc++.so.6")
        .library(&format!("usr/lib/{A}/libGL.so.1"), shared(A), "libGL.so.1")
        .library(&format!("usr/lib/{A}/libGLX_mesa.so.0"), shared(A), "libGLX_mesa.so.0")
        .library(&format!("usr/lib/{A}/libvulkan_host.so"), shared(A), "libvulkan_host.so")
        .library(&format!("usr/lib/{A}/dri/host_dri.so"), shared(A), "host_dri.so")
        .program("usr/bin/FEX", &fex)
        .program("usr/bin/qemu-x86_64", &fex)
        .program("usr/bin/qemu-i386", &fex)
        .program("bin/sh", &fex)
        .program("usr/bin/hosttool", &fex)
        .table(&format!(
            "usr/share/vulkan/icd.d/host.json = {icd}\n\
             etc/vulkan/icd.d/local.json = {other}\n\
             etc/ld.so.cache = the host's\netc/ld.so.conf = the host's\n\
             etc/alternatives/x -> /usr/bin/x\n\
             etc/passwd = root:x:0:0:root:/root:/bin/sh\netc/group = root:x:0:\n\
             etc/hosts = 127.0.0.1 localhost\netc/localtime -> /usr/share/zoneinfo/Etc/UTC\n\
             home/ann/\ntmp/\nvar/tmp/\ndev/\nproc/version = 1\nsys/kernel/\nrun/\n"
        ))
        .registration("FEX-x86", "/usr/bin/FEX", I, "POCF")
        .registration("FEX-x86_64", "/usr/bin/FEX", X, "POCF")
        .registration("qemu-i386", "/usr/bin/qemu-i386", I, "OC")
        .registration("qemu-x86_64", "/usr/bin/qemu-x86_64", X, "OC")
        .table("proc/sys/fs/binfmt_misc/status = enabled\n")
}

const BINFMT: &str = "proc/sys/fs/binfmt_misc";

impl Tree {
    /// An entry of binfmt_misc, as the kernel shows it.
    fn registration(self, name: &str, interpreter: &str, tuple: Tuple, flags: &str) -> Self {
        let class = if tuple.is_64_bit() { "02" } else { "01" };
        let [low, high] = tuple.machine().to_le_bytes();
        let magic = format!("7f454c46{class}01010000000000000000000200{low:02x}{high:02x}");
        let text = format!(
            "enabled\ninterpreter {interpreter}\nflags: {flags}\noffset 0\nmagic {magic}\n\
             mask fffffffffffffffffffffffffffffffffeffffff\n"
        );
        Self(self.0.file(format!("{BINFMT}/{name}"), text.as_bytes()).unwrap())
    }

    /// Removes the entries of an emulator, or switches something off.
    pub(super) fn binfmt(&self, change: impl Fn(&std::path::Path)) {
        change(&self.0.path().join(BINFMT));
    }
}

/// The tree of x86 files that FEX lays over the host: newer than the runtime.
pub(super) fn rootfs(layout: Layout) -> Tree {
    let mut tree = Tree::new(layout).table("etc/drirc = x\n");
    for tuple in [X, I] {
        let icd = format!(
            r#"{{"file_format_version":"1.0.0","ICD":{{"library_path":"/usr/lib/{tuple}/libvulkan_x.so","api_version":"1.3.0"}}}}"#
        );
        tree = tree
            .glibc(tuple, "2.36")
            .library(&format!("usr/lib/{tuple}/libGL.so.1"), shared(tuple), "libGL.so.1")
            .library(&format!("usr/lib/{tuple}/libvulkan_x.so"), shared(tuple), "libvulkan_x.so")
            .library(
                &format!("usr/lib/{tuple}/libGLX_mesa.so.0"),
                shared(tuple),
                "libGLX_mesa.so.0",
            )
            .library(&format!("usr/lib/{tuple}/dri/x_dri.so"), shared(tuple), "x_dri.so")
            .table(&format!("usr/share/vulkan/icd.d/x.{tuple}.json = {icd}\n"));
    }
    tree
}

/// A runtime for x86.
pub(super) fn runtime(layout: Layout) -> Tree {
    let program = |tuple| ElfBuilder::program(tuple).needed("libc.so.6");
    let mut tree = Tree::new(layout);
    for tuple in [X, I] {
        tree = tree
            .glibc(tuple, "2.31")
            .library(&format!("usr/lib/{tuple}/libx.so.1"), shared(tuple), "libx.so.1")
            .library(&format!("usr/lib/{tuple}/libGL.so.1"), shared(tuple), "libGL.so.1")
            // The linker's own directory, as libraries of the essential system were.
            .library(&format!("lib/{tuple}/libz.so.1"), shared(tuple), "libz.so.1");
    }
    tree.program("usr/bin/game", &program(X))
        .program("bin/dash", &program(X))
        .program("bin/cat", &program(X))
        .table(
            "bin/sh -> dash\nusr/bin/script 0755 = #!/bin/sh\n\
             usr/bin/env-script 0755 = #!/usr/bin/env game\n\
             usr/games/far -> /usr/bin/game\n             usr/bin/editor -> /etc/alternatives/editor\netc/alternatives/editor -> /usr/bin/game\n\
             etc/passwd = x\netc/hosts = x\netc/machine-id = 0\nvar/lib/dpkg/status = x\n",
        )
        .program("usr/bin/env", &program(X))
}

/// Three roots.
#[derive(Debug)]
pub(super) struct Bench {
    pub(super) host: Tree,
    pub(super) rootfs: Tree,
    pub(super) runtime: Tree,
    pub(super) environment: Vec<(String, String)>,
}

impl Bench {
    pub(super) fn new(host_: Layout, rootfs_: Layout, runtime_: Layout) -> Self {
        Self {
            host: host(host_),
            rootfs: rootfs(rootfs_),
            runtime: runtime(runtime_),
            environment: vec![("HOME".into(), "/home/ann".into())],
        }
    }

    pub(super) fn env(mut self, name: &str, value: &str) -> Self {
        self.environment.push((name.into(), value.into()));
        self
    }

    pub(super) fn facts(&self) -> Facts {
        let environment: Vec<(&str, &str)> =
            self.environment.iter().map(|(n, v)| (n.as_str(), v.as_str())).collect();
        let mut facts = facts(self.host.0.path(), &environment);
        facts.native = Some(A);
        let at = HostPath::new(self.host.0.path().join(BINFMT)).unwrap();
        facts.mounts = vec![Mount {
            id: 1,
            parent: 0,
            device: (0, 1),
            root: "/".into(),
            at,
            options: vec![],
            propagation: vec![],
            fs_type: "binfmt_misc".into(),
            source: "binfmt_misc".into(),
            super_options: vec![],
        }];
        facts
    }

    pub(super) fn request(&self, emulator: EmulatorChoice) -> Request {
        Request {
            runtime: RuntimeChoice::Dir(self.runtime.path()),
            emulator,
            emulator_root: Some(self.rootfs.path()),
            command: vec!["game".into(), "--fast".into()],
            working_directory: HostPath::literal("/home/ann"),
            ..Request::default()
        }
    }

    pub(super) fn plan(&self, request: &Request) -> Plan {
        compose(request, &self.facts()).unwrap_or_else(|problems| panic!("{}", problems[0]))
    }

    pub(super) fn failure(&self, request: &Request) -> Problem {
        compose(request, &self.facts()).unwrap_err().into_iter().next().unwrap()
    }

    /// A path of the host in short: `HOST/usr/bin/x`, `ROOTFS/…`, `RT/…`.
    pub(super) fn short(&self, text: &str) -> String {
        let mut text = text.to_owned();
        for (tree, name) in [(&self.host, "HOST"), (&self.rootfs, "ROOTFS"), (&self.runtime, "RT")]
        {
            text = text.replace(tree.0.path().to_str().unwrap(), name);
        }
        text
    }
}

/// A plan, simulated.
pub(super) struct Seen<'p> {
    pub(super) bench: &'p Bench,
    pub(super) namespace: Namespace<'p>,
    pub(super) emulated: Option<View>,
}

impl<'p> Seen<'p> {
    pub(super) fn new(bench: &'p Bench, plan: &'p Plan) -> Self {
        let namespace = Namespace::of(plan).unwrap_or_else(|e| panic!("{e}"));
        Self { bench, namespace, emulated: View::emulated(plan) }
    }

    pub(super) fn find(&self, view: &View, call: Call, path: &str) -> Result<Found, Failure> {
        self.namespace.resolve(view, call, &ContainerPath::root(), path.as_bytes())
    }

    /// Where the content of a path is, in short; the reason where there is none.
    pub(super) fn origin(&self, view: &View, call: Call, path: &str) -> String {
        match self.find(view, call, path) {
            Ok(found) => self.bench.short(&found.origin.to_string()),
            Err(failure) => self.bench.short(&failure.to_string()),
        }
    }

    pub(super) fn native(&self, path: &str) -> String {
        self.origin(&View::Native, Call::Open, path)
    }

    /// To emulated programs, by every call that reads.
    pub(super) fn emulated(&self, path: &str) -> String {
        let view = self.emulated.clone().expect("a plan with two views");
        let origins = [Call::Open, Call::Stat].map(|call| self.origin(&view, call, path));
        assert_eq!(origins[0], origins[1], "open and stat of {path} differ");
        origins[0].clone()
    }

    pub(super) fn names(&self, view: &View, path: &str) -> Vec<String> {
        let entries = self.namespace.list(view, &ContainerPath::literal(path));
        let entries = entries.unwrap_or_else(|e| panic!("{path}: {e}"));
        entries.iter().map(|e| e.name.to_string()).collect()
    }
}

pub(super) fn words(command: &[ByteString]) -> Vec<String> {
    command.iter().map(ToString::to_string).collect()
}

//! A small container for tests: a runtime and a home of tiny ELF files, and a plan that shows them.

use crate::{World, check};
use inspect::binfmt::{Absent, Flags, Registration, Registry, Rule};
use inspect::root::Root;
use plan::{
    Access, ContainerPath, Emulation, HostPath, LayerEntry, LayerName, LayerSpec, Op, Plan,
    Problem, RootPath, Severity, Source, StackForm, Step, Tuple,
};
use testkit::{ElfBuilder, TreeBuilder};

pub(crate) const X86_64: Tuple = Tuple::X86_64;

/// Where libraries are in the runtime.
pub(crate) const LIB: &str = "rt/usr/lib/x86_64-linux-gnu";

/// A tree with `rt` (the runtime), `home` and `foreign` (an emulator's root), and the plan.
pub(crate) struct Stage {
    tree: TreeBuilder,
    pub(crate) plan: Plan,
    pub(crate) registry: Result<Registry, Absent>,
    pub(crate) named: Vec<&'static str>,
    pub(crate) environment: Vec<(&'static str, String)>,
}

pub(crate) fn shared(soname: &str) -> ElfBuilder {
    ElfBuilder::shared(X86_64).soname(soname)
}

pub(crate) fn program() -> ElfBuilder {
    ElfBuilder::program(X86_64).needed("libc.so.6")
}

fn libc() -> ElfBuilder {
    shared("libc.so.6").defines("GLIBC_2.2.5").defines("GLIBC_2.31")
}

impl Stage {
    /// A runtime in which `command` of `/usr/bin` works.
    pub(crate) fn new(command: &[&str]) -> Self {
        let tree = TreeBuilder::new().unwrap().table("rt/usr/lib/\nrt/etc/\nhome/\nforeign/");
        let mut tree = tree.unwrap();
        for (name, builder) in [
            ("libc.so.6", libc()),
            ("libm.so.6", shared("libm.so.6")),
            ("libdl.so.2", shared("libdl.so.2")),
            ("libpthread.so.0", shared("libpthread.so.0")),
        ] {
            tree = tree.file(format!("{LIB}/{name}"), &builder.build()).unwrap();
        }
        let loader = shared("ld-linux-x86-64.so.2").build();
        tree = tree.program("rt/usr/lib64/ld-linux-x86-64.so.2", &loader).unwrap();
        for name in ["sh", "env", "game"] {
            tree = tree.program(format!("rt/usr/bin/{name}"), &program().build()).unwrap();
        }
        let plan = Plan {
            working_directory: ContainerPath::literal("/home"),
            ..Plan::new(command.iter().map(|word| (*word).into()).collect())
        };
        let (registry, environment) = (Err(Absent::NotMounted), vec![]);
        let mut stage = Self { tree, plan, registry, named: vec![], environment };
        for name in ["usr", "etc"] {
            stage.bind(&format!("/{name}"), &format!("rt/{name}"));
        }
        stage.bind("/home", "home");
        for name in ["bin", "lib", "lib64"] {
            stage.link(&format!("/{name}"), &format!("usr/{name}"));
        }
        stage
    }

    pub(crate) fn table(mut self, table: &str) -> Self {
        self.tree = self.tree.table(table).unwrap();
        self
    }

    pub(crate) fn program(mut self, path: &str, content: &[u8]) -> Self {
        self.tree = self.tree.program(path, content).unwrap();
        self
    }

    pub(crate) fn elf(self, path: &str, builder: &ElfBuilder) -> Self {
        self.program(path, &builder.build())
    }

    #[allow(clippy::disallowed_methods, reason = "tests change the real file system")]
    pub(crate) fn without(self, path: &str) -> Self {
        std::fs::remove_file(self.tree.path().join(path)).unwrap();
        self
    }

    pub(crate) fn host(&self, path: &str) -> HostPath {
        HostPath::new(self.tree.path()).unwrap().at(path)
    }

    fn push(&mut self, op: Op) {
        self.plan.steps.push(Step { op, reason: "a test".into() });
    }

    pub(crate) fn bind(&mut self, at: &str, path: &str) {
        let source = Source::Host(self.host(path));
        let at = ContainerPath::literal(at);
        self.push(Op::Bind { source, at, access: Access::ReadWrite, optional: false });
    }

    pub(crate) fn link(&mut self, at: &str, target: &str) {
        self.push(Op::Symlink { at: ContainerPath::literal(at), target: target.into() });
    }

    /// Puts links into a layer over `/usr`, in place of the plain one.
    pub(crate) fn layer(mut self, links: &[(&str, &str)]) -> Self {
        let mut layer = LayerSpec::new("usr");
        for (path, target) in links {
            let entry = LayerEntry::Symlink { target: (*target).into() };
            layer.entries.insert(RootPath::literal(path), entry);
        }
        self.plan.layers.push(layer);
        let upper = Source::Layer { layer: LayerName("usr".into()), path: RootPath::literal("/") };
        let sources = vec![upper, Source::Host(self.host("rt/usr"))];
        let op =
            Op::Stack { at: ContainerPath::literal("/usr"), sources, form: StackForm::Overlay };
        self.plan.steps[0].op = op;
        self
    }

    pub(crate) fn emulation(mut self, emulation: Emulation) -> Self {
        self.plan.emulation = Some(emulation);
        self
    }

    /// An entry of `binfmt_misc` for 64-bit ARM.
    pub(crate) fn registered(mut self, interpreter: &str, fixed: bool) -> Self {
        let mut magic = vec![0x7f, b'E', b'L', b'F', 2, 1, 1];
        magic.resize(18, 0);
        magic.extend([183, 0]);
        let mut mask = vec![0xff; 20];
        mask[7..18].fill(0);
        let registration = Registration {
            name: "qemu-aarch64".into(),
            enabled: true,
            interpreter: HostPath::literal(interpreter),
            flags: Flags { fixed, ..Flags::default() },
            rule: Rule::Magic { offset: 0, magic, mask },
        };
        self.registry = Ok(Registry {
            at: HostPath::literal("/proc/sys/fs/binfmt_misc"),
            enabled: true,
            registrations: vec![registration],
            unreadable: vec![],
        });
        self
    }

    /// What the checks find.
    pub(crate) fn findings(&self) -> Vec<Problem> {
        let host = Root::open(HostPath::root()).unwrap();
        let inherited: Vec<_> = [("PATH", "/usr/bin:/bin".to_owned())]
            .iter()
            .chain(&self.environment)
            .map(|(name, value)| ((*name).into(), value.as_str().into()))
            .collect();
        let named: Vec<HostPath> = self.named.iter().map(|path| self.host(path)).collect();
        check(
            &self.plan,
            &World {
                inherited: &inherited,
                host: &host,
                runs: &[Tuple::X86_64, Tuple::I386],
                mounted_noexec: &|_| None,
                registry: &|| self.registry.clone(),
                named: &named,
            },
        )
    }

    /// The same in short: code, `!` where it blocks.
    pub(crate) fn codes(&self) -> String {
        let short = |problem: &Problem| {
            let mark = if problem.severity == Severity::Blocking { "!" } else { "" };
            format!("{}{mark}", problem.code.0)
        };
        self.findings().iter().map(short).collect::<Vec<_>>().join(" ")
    }
}

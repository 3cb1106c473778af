//! The container that is checked: both views of it, and what its processes will have.

use crate::World;
use crate::command::Command;
use inspect::elf::{self, Elf};
use inspect::linker::{Linker, Options};
use inspect::root::{Filesystem, Resolved, ViewRoot};
use plan::simulate::{Call, Failure, Found, Namespace};
use plan::{ByteString, Composition, ContainerPath, Emulation, Plan, RootPath, Tuple};
use std::cell::{OnceCell, RefCell};
use std::collections::BTreeMap;
use std::rc::Rc;

/// Who executes a program or opens a file.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(crate) enum Who {
    /// A native process, or the kernel for it.
    Native,
    /// A program under the emulator.
    Emulated,
}

/// What the checks look at.
pub(crate) struct Scene<'s> {
    pub(crate) world: &'s World<'s>,
    native: &'s ViewRoot<'s, 's>,
    guest: Option<&'s ViewRoot<'s, 's>>,
    /// The environment of the command.
    pub(crate) environment: BTreeMap<ByteString, ByteString>,
    linkers: RefCell<BTreeMap<Tuple, Option<Rc<Linker<'s>>>>>,
    command: OnceCell<Command>,
}

impl<'s> Scene<'s> {
    pub(crate) fn new(
        world: &'s World<'s>,
        native: &'s ViewRoot<'s, 's>,
        guest: Option<&'s ViewRoot<'s, 's>>,
    ) -> Self {
        let plan = native.namespace().plan();
        Self {
            world,
            native,
            guest,
            environment: plan.environment.apply(world.inherited.iter().cloned()),
            linkers: RefCell::default(),
            command: OnceCell::new(),
        }
    }

    pub(crate) fn plan(&self) -> &'s Plan {
        self.native.namespace().plan()
    }

    pub(crate) fn namespace(&self) -> &'s Namespace<'s> {
        self.native.namespace()
    }

    pub(crate) fn emulation(&self) -> Option<&'s Emulation> {
        self.plan().emulation.as_ref()
    }

    /// Whether the emulator lays a root of its own over the container.
    pub(crate) fn is_overlay(&self) -> bool {
        self.emulation().is_some_and(|e| matches!(e.composition, Composition::Overlay { .. }))
    }

    /// Whether programs of an architecture run under the plan's emulator.
    pub(crate) fn is_emulated(&self, tuple: Tuple) -> bool {
        self.emulation().is_some_and(|e| e.tuples.contains(&tuple))
    }

    /// Whether the kernel runs programs of an architecture itself, as far as is known.
    pub(crate) fn is_native(&self, tuple: Tuple) -> bool {
        self.world.runs.is_empty() || self.world.runs.contains(&tuple)
    }

    /// How somebody sees the container.
    pub(crate) fn root(&self, who: Who) -> &'s ViewRoot<'s, 's> {
        match (who, self.guest) {
            (Who::Emulated, Some(guest)) => guest,
            _ => self.native,
        }
    }

    /// Who the processes of an architecture are.
    pub(crate) fn who(&self, tuple: Tuple) -> Who {
        if self.is_emulated(tuple) { Who::Emulated } else { Who::Native }
    }

    /// What a path leads to, from the command's working directory.
    pub(crate) fn resolve(&self, who: Who, call: Call, path: &[u8]) -> Result<Found, Failure> {
        let from = &self.plan().working_directory;
        self.namespace().resolve(self.root(who).view(), call, from, path)
    }

    /// The ELF file that was found; `None` for anything else and what cannot be read.
    pub(crate) fn elf(&self, who: Who, file: &Resolved) -> Option<Rc<Elf>> {
        elf::read_known(self.root(who), file).ok()
    }

    /// The dynamic linker's search for processes of an architecture, with the environment of the
    /// command; `None` where there is nothing to search.
    pub(crate) fn linker(&self, tuple: Tuple) -> Option<Rc<Linker<'s>>> {
        if let Some(known) = self.linkers.borrow().get(&tuple) {
            return known.clone();
        }
        let linker = self.new_linker(tuple, None).map(Rc::new);
        self.linkers.borrow_mut().insert(tuple, linker.clone());
        linker
    }

    /// The same for one program, whose directory the environment may name as `$ORIGIN`.
    pub(crate) fn linker_for(&self, tuple: Tuple, program: &RootPath) -> Option<Rc<Linker<'s>>> {
        let own = self.variable("LD_LIBRARY_PATH").is_some_and(|v| v.contains(&b'$'));
        if own { self.new_linker(tuple, program.parent()).map(Rc::new) } else { self.linker(tuple) }
    }

    fn new_linker(&self, tuple: Tuple, origin: Option<RootPath>) -> Option<Linker<'s>> {
        let root: &'s dyn Filesystem = self.root(self.who(tuple));
        let linker = Linker::new(root, tuple, Options::default()).ok()?;
        let start = RootPath::new(self.plan().working_directory.as_path()).ok()?;
        let value = self.variable("LD_LIBRARY_PATH").unwrap_or_default();
        Some(linker.with_environment(value, origin, &start))
    }

    /// A variable of the command.
    pub(crate) fn variable(&self, name: &str) -> Option<&[u8]> {
        self.environment.get(&ByteString::from(name)).map(ByteString::as_bytes)
    }

    /// What executing the command comes to.
    pub(crate) fn command(&self) -> &Command {
        self.command.get_or_init(|| Command::of(self))
    }

    /// The architectures that the plan says work in the container; without a word of it, those whose
    /// dynamic linker is there.
    pub(crate) fn tuples(&self) -> Vec<Tuple> {
        let listed = self.plan().environment.get("PRESSURE_VESSEL_ARCHITECTURES");
        let listed = listed.and_then(|v| std::str::from_utf8(v.as_bytes()).ok());
        if let Some(listed) = listed {
            return listed.split(':').filter_map(|t| t.parse().ok()).collect();
        }
        let there = |tuple: &Tuple| {
            let path = RootPath::literal(tuple.interpreter());
            self.root(self.who(*tuple)).find(&path).is_some()
        };
        Tuple::ALL.iter().copied().filter(there).collect()
    }

    /// A path that processes of a view use, as one of the namespace where that is the same file.
    pub(crate) fn guest_path(&self, path: &ContainerPath) -> (Who, RootPath) {
        let root = self.emulation().and_then(Emulation::root);
        let below = root.filter(|_| self.guest.is_some()).and_then(|root| path.below(root));
        match below.and_then(|below| RootPath::root().join(below).ok()) {
            Some(inner) => (Who::Emulated, inner),
            None => (Who::Native, RootPath::root().at(&path.relative().to_string_lossy())),
        }
    }
}

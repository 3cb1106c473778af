//! A plan while it is being made.
//!
//! Knows the order of the steps and what each mount covers, so that a step which could not be
//! executed (a mount point is missing below a read-only mount, or a link would be made in a
//! directory of the host) is found here and not by the kernel.

use crate::area::Area;
use inspect::mountinfo::Mount;
use inspect::root::{Kind, Resolved, Root};
use plan::{
    Access, ByteString, Code, ContainerPath, Decision, Environment, HostPath, LayerEntry,
    LayerSpec, Op, Problem, RootPath, Source, StackForm, Step,
};

/// Steps, environment and record so far.
pub(crate) struct Draft {
    items: Vec<Item>,
    areas: Vec<Area>,
    /// The real root, for paths that have already been found: what is there to mount on?
    raw: Root,
    /// Where the container has the runtime's `/`.
    base: ContainerPath,
    /// The environment as changes.
    pub(crate) environment: Environment,
    /// What was decided.
    pub(crate) decisions: Vec<Decision>,
    /// What the user should know.
    pub(crate) warnings: Vec<Problem>,
}

enum Item {
    Step(Step),
    /// Finished last, because entries are added until then.
    Area(usize),
}

/// What is at a place of the container when a step is about to be added.
enum Cover<'a> {
    Memory,
    Host { source: &'a HostPath, inner: RootPath, access: Access },
    Area { number: usize, inner: RootPath },
    Sealed,
}

impl Draft {
    /// An empty one. The runtime's directories are to be below `base`.
    pub(crate) fn new(raw: Root, base: ContainerPath) -> Self {
        Self {
            items: vec![],
            areas: vec![],
            raw,
            base,
            environment: Environment::default(),
            decisions: vec![],
            warnings: vec![],
        }
    }

    /// The real root, in which a [`HostPath`] is what it says.
    pub(crate) fn raw(&self) -> &Root {
        &self.raw
    }

    /// Where the container has `path` of the runtime, by its native name: below the interpreter root
    /// where there is one.
    pub(crate) fn place(&self, path: &RootPath) -> ContainerPath {
        self.base.lexically(path)
    }

    /// Whether emulated programs see the runtime at another place than native ones.
    pub(crate) fn has_interpreter_root(&self) -> bool {
        self.base != ContainerPath::root()
    }

    /// Adds a directory of the runtime with changes, which may be added to until the end.
    pub(crate) fn area(&mut self, area: Area) {
        self.items.push(Item::Area(self.areas.len()));
        self.areas.push(area);
    }

    /// The area that `path` of the runtime lies in, and its place there. `path` is free of links.
    pub(crate) fn area_of(&mut self, path: &RootPath) -> Option<(&mut Area, RootPath)> {
        let at = self.place(path);
        let mut best: Option<(usize, RootPath)> = None;
        for (i, area) in self.areas.iter().enumerate() {
            if let Some(inner) = area.inner(&at) {
                let longer = best.as_ref().is_none_or(|(b, _)| {
                    self.areas[*b].at.as_bytes().len() < area.at.as_bytes().len()
                });
                if longer {
                    best = Some((i, inner));
                }
            }
        }
        best.map(|(i, inner)| (&mut self.areas[i], inner))
    }

    /// As [`Self::area_of`], with the real root to look below it.
    pub(crate) fn area_and_raw(&mut self, path: &RootPath) -> Option<(&mut Area, RootPath, &Root)> {
        let at = self.place(path);
        let area = self
            .areas
            .iter_mut()
            .filter(|a| at.is_within(&a.at))
            .max_by_key(|a| a.at.as_bytes().len())?;
        let inner = area.inner(&at)?;
        Some((area, inner, &self.raw))
    }

    /// An empty directory, unless something is there.
    pub(crate) fn directory(&mut self, at: ContainerPath, mode: u32, reason: &str) {
        let known = self.items.iter().any(|i| matches!(i, Item::Step(s) if s.op.at() == &at));
        if !known && self.in_memory(&at) {
            self.push(Op::Directory { at, mode }, reason);
        }
    }

    /// A link; left out where the place is not ours to write.
    pub(crate) fn symlink(
        &mut self,
        at: ContainerPath,
        target: impl Into<ByteString>,
        reason: &str,
    ) {
        let op = Op::Symlink { at, target: target.into() };
        let taken = self.items.iter().any(|i| match i {
            Item::Step(s) => s.op.at() == op.at() && !matches!(s.op, Op::Directory { .. }),
            Item::Area(n) => &self.areas[*n].at == op.at(),
        });
        if !taken && self.in_memory(op.at()) {
            self.push(op, reason);
        }
    }

    /// A small file in memory.
    pub(crate) fn file(
        &mut self,
        at: ContainerPath,
        content: impl Into<ByteString>,
        mode: u32,
        reason: &str,
    ) {
        let content = content.into();
        if self.in_memory(&at) {
            self.push(Op::File { at, content, mode }, reason);
        } else {
            self.not_mountable(&at, reason);
        }
    }

    /// An empty file system in memory.
    pub(crate) fn tmpfs(&mut self, at: ContainerPath, mode: u32, reason: &str) -> bool {
        let possible = self.can_mount(&at);
        if possible {
            self.push(Op::Tmpfs { at, mode }, reason);
        } else {
            self.not_mountable(&at, reason);
        }
        possible
    }

    /// A file or directory of the host, found already.
    pub(crate) fn bind(
        &mut self,
        source: &Resolved,
        at: ContainerPath,
        access: Access,
        reason: &str,
    ) -> bool {
        let source = Source::Host(source.host.clone());
        self.mount(Op::Bind { source, at, access, optional: false }, reason)
    }

    /// As [`Self::bind`], for what may vanish before the launch, such as a socket.
    pub(crate) fn bind_optional(
        &mut self,
        source: &Resolved,
        at: ContainerPath,
        access: Access,
        reason: &str,
    ) -> bool {
        let source = Source::Host(source.host.clone());
        self.mount(Op::Bind { source, at, access, optional: true }, reason)
    }

    /// A mount; false, with a warning, where there is nothing to mount on.
    pub(crate) fn mount(&mut self, op: Op, reason: &str) -> bool {
        let possible = self.can_mount(op.at());
        if possible {
            self.push(op, reason);
        } else {
            self.not_mountable(op.at(), reason);
        }
        possible
    }

    /// Any step. In an open area the layer gets what memory would: the entry, or what to mount on.
    pub(crate) fn push(&mut self, op: Op, reason: &str) {
        if let Cover::Area { number, inner } = self.cover(op.at())
            && self.areas[number].open
            && inner != RootPath::root()
        {
            let area = &mut self.areas[number];
            match op {
                Op::Directory { mode, .. } => {
                    return area.put(inner, LayerEntry::Directory { mode });
                }
                Op::Symlink { target, .. } => {
                    return area.put(inner, LayerEntry::Symlink { target });
                }
                Op::File { content, mode, .. } => {
                    let executable = mode & 0o111 != 0;
                    return area
                        .put(inner, LayerEntry::File { content, executable, modified: None });
                }
                Op::Bind { source: Source::Host(ref source), .. } => {
                    let found = RootPath::new(source.as_path()).ok();
                    let kind = found.and_then(|p| self.raw.lookup(&p).ok()).map(|f| f.kind);
                    area.mount_point(&self.raw, &inner, kind.unwrap_or(Kind::Directory));
                }
                _ => area.mount_point(&self.raw, &inner, Kind::Directory),
            }
        }
        self.items.push(Item::Step(Step { op, reason: reason.into() }));
    }

    /// Whether a new directory entry at `at` would be made in memory or in a layer, not on the host.
    pub(crate) fn in_memory(&self, at: &ContainerPath) -> bool {
        match self.cover(at) {
            Cover::Memory => true,
            Cover::Area { number, inner } => {
                let area = &self.areas[number];
                area.open && !area.has(&self.raw, &inner)
            }
            Cover::Host { .. } | Cover::Sealed => false,
        }
    }

    /// Whether something can be mounted at `at`: in memory always, elsewhere if it is there.
    pub(crate) fn can_mount(&self, at: &ContainerPath) -> bool {
        match self.cover(at) {
            Cover::Memory => true,
            Cover::Sealed => false,
            Cover::Host { source, inner, .. } => RootPath::new(source.lexically(&inner).as_path())
                .is_ok_and(|p| self.raw.find(&p).is_some()),
            Cover::Area { number, inner } => {
                self.areas[number].open || self.areas[number].has(&self.raw, &inner)
            }
        }
    }

    /// Whether the container already shows the host's `source` at `at`, by an earlier step.
    pub(crate) fn shows_host(&self, at: &ContainerPath, source: &HostPath) -> bool {
        matches!(self.cover(at), Cover::Host { source: base, inner, .. } if base.lexically(&inner) == *source)
    }

    /// As [`Self::shows_host`], with the same access.
    pub(crate) fn shows_host_as(&self, op: &Op) -> bool {
        let Op::Bind { source: Source::Host(source), at, access, .. } = op else { return false };
        self.shows_host(at, source)
            && matches!(self.cover(at), Cover::Host { access: a, .. } if a == *access)
    }

    /// The mount that a step at `at` would fall into: the last one made that contains it.
    fn cover(&self, at: &ContainerPath) -> Cover<'_> {
        let inner =
            |base: &ContainerPath| at.below(base).and_then(|rest| RootPath::root().join(rest).ok());
        for item in self.items.iter().rev() {
            let op = match item {
                Item::Area(n) => {
                    if let Some(inner) = inner(&self.areas[*n].at) {
                        return Cover::Area { number: *n, inner };
                    }
                    continue;
                }
                Item::Step(step) => &step.op,
            };
            let Some(inner) = inner(op.at()) else { continue };
            match op {
                Op::Tmpfs { .. } => return Cover::Memory,
                Op::Bind { source: Source::Host(source), access, .. } => {
                    return Cover::Host { source, inner, access: *access };
                }
                Op::Bind { .. } | Op::Stack { .. } | Op::Proc { .. } => return Cover::Sealed,
                Op::Symlink { .. } | Op::File { .. } if inner != RootPath::root() => {
                    return Cover::Sealed;
                }
                Op::Directory { .. }
                | Op::Symlink { .. }
                | Op::File { .. }
                | Op::ReadOnly { .. } => {}
            }
        }
        Cover::Memory
    }

    fn not_mountable(&mut self, at: &ContainerPath, reason: &str) {
        self.warnings.push(
            Problem::warning(
                Code::RESERVED_PATH,
                format!(
                    "`{at}` ({reason}) is left out: the container has nothing there to mount on"
                ),
            )
            .hint("share a directory that contains it, or one outside the runtime's directories"),
        );
    }

    /// The layers and the steps.
    pub(crate) fn finish(self, form: StackForm, mounts: &[Mount]) -> Finished {
        let mut areas: Vec<_> = self.areas.into_iter().map(Some).collect();
        let (mut layers, mut steps) = (vec![], vec![]);
        for item in self.items {
            match item {
                Item::Step(step) => steps.push(step),
                Item::Area(n) => {
                    if let Some(area) = areas[n].take() {
                        let form = if has_submount(&area, mounts) { StackForm::Tree } else { form };
                        let (step, layer) = area.finish(form, &self.base);
                        steps.push(step);
                        layers.extend(layer);
                    }
                }
            }
        }
        Finished {
            layers,
            steps,
            environment: self.environment,
            decisions: self.decisions,
            warnings: self.warnings,
        }
    }
}

/// Whether something is mounted below the area's directory on the host. When such a mount is locked
/// (it came with our user namespace), overlayfs refuses the directory above it (EINVAL).
pub(crate) fn has_submount(area: &Area, mounts: &[Mount]) -> bool {
    let Some(lower) = &area.lower else { return false };
    mounts.iter().any(|m| m.at != *lower && m.at.is_within(lower))
}

/// What a draft comes to.
pub(crate) struct Finished {
    pub(crate) layers: Vec<LayerSpec>,
    pub(crate) steps: Vec<Step>,
    pub(crate) environment: Environment,
    pub(crate) decisions: Vec<Decision>,
    pub(crate) warnings: Vec<Problem>,
}

/// Whether a found file is a directory.
pub(crate) fn is_directory(found: &Resolved) -> bool {
    found.kind == Kind::Directory
}

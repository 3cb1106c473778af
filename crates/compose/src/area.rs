//! A directory of the runtime that the container shows with changes.
//!
//! Knows how changes are written down so that overlayfs and a prepared tree give the same view: an
//! entry of the upper layer hides what is below it, two directories merge, a whiteout hides. There
//! are no opaque directories, because tmpfs has no user xattrs before Linux 6.6.

use inspect::root::{Kind, Root};
use plan::{
    Access, ContainerPath, HostPath, LayerEntry, LayerName, LayerSpec, Op, RootPath, Source,
    StackForm, Step,
};
use std::collections::BTreeMap;

/// A directory of the container, made of one of the runtime and our changes to it.
#[derive(Debug)]
pub(crate) struct Area {
    /// Where the container has it.
    pub(crate) at: ContainerPath,
    /// The runtime's directory on the host, if it has one there.
    pub(crate) lower: Option<HostPath>,
    /// Changes, by path below the area.
    pub(crate) entries: BTreeMap<RootPath, LayerEntry>,
    /// Why the container has it.
    pub(crate) reason: String,
    /// Further things may be put and mounted in it, as in memory.
    pub(crate) open: bool,
}

impl Area {
    pub(crate) fn new(at: ContainerPath, lower: Option<HostPath>, reason: &str) -> Self {
        Self { at, lower, entries: BTreeMap::new(), reason: reason.into(), open: false }
    }

    /// What remains of `path` below this area: lexical, because what lies in an area is addressed by
    /// its place in the container.
    pub(crate) fn inner(&self, path: &ContainerPath) -> Option<RootPath> {
        RootPath::root().join(path.below(&self.at)?).ok()
    }

    /// The name of its layer, from its place in the runtime at `base`: `/var/lib/dpkg` is
    /// `var-lib-dpkg`.
    fn layer(&self, base: &ContainerPath) -> LayerName {
        let place = self.at.below(base).unwrap_or(self.at.relative());
        LayerName(plan::ByteString::from(place.as_os_str()).to_string().replace('/', "-"))
    }

    /// Puts `entry` at `inner`, in place of what is there.
    pub(crate) fn put(&mut self, inner: RootPath, entry: LayerEntry) {
        if !matches!(entry, LayerEntry::Directory { .. }) {
            self.clear(&inner);
        }
        let mut above = inner.parent();
        while let Some(p) = above {
            if matches!(self.entries.get(&p), Some(e) if !matches!(e, LayerEntry::Directory { .. }))
            {
                self.entries.remove(&p);
            }
            above = p.parent();
        }
        self.entries.insert(inner, entry);
    }

    /// Forgets the changes at `inner` and below. Paths sort by component, so they are neighbours.
    fn clear(&mut self, inner: &RootPath) {
        let below = self.entries.range(inner..).map(|(p, _)| p).take_while(|p| p.is_within(inner));
        for path in below.cloned().collect::<Vec<_>>() {
            self.entries.remove(&path);
        }
    }

    /// Puts a file with this content.
    pub(crate) fn file(&mut self, inner: &str, content: impl Into<plan::ByteString>) {
        let entry = LayerEntry::file(content.into());
        self.put(RootPath::literal(inner), entry);
    }

    /// Makes sure that something of this kind is there to mount on: an empty one, unless the
    /// runtime has one of the same kind.
    pub(crate) fn mount_point(&mut self, raw: &Root, inner: &RootPath, kind: Kind) {
        let entry = match kind {
            Kind::Directory => LayerEntry::Directory { mode: 0o755 },
            _ => LayerEntry::file(plan::ByteString::default()),
        };
        if !self.entries.contains_key(inner) && self.lower_kind(raw, inner) == Some(kind) {
            return;
        }
        self.put(inner.clone(), entry);
    }

    /// Hides what the runtime has at `inner`; nothing is done where it has nothing.
    pub(crate) fn hide(&mut self, raw: &Root, inner: &RootPath) {
        self.clear(inner);
        if self.lower_kind(raw, inner).is_some() {
            self.put(inner.clone(), LayerEntry::Whiteout);
        }
    }

    /// What the runtime's directory on the host has at `inner`; links are not followed.
    pub(crate) fn lower_kind(&self, raw: &Root, inner: &RootPath) -> Option<Kind> {
        let place = self.lower.as_ref()?.lexically(inner);
        raw.lookup(&RootPath::new(place.as_path()).ok()?).ok().map(|r| r.kind)
    }

    /// Whether the container will have something at `inner` that can be mounted on.
    pub(crate) fn has(&self, raw: &Root, inner: &RootPath) -> bool {
        if self.entries.keys().any(|p| p.is_within(inner))
            && !matches!(self.entries.get(inner), Some(LayerEntry::Whiteout))
        {
            return true;
        }
        let mut at = Some(inner.clone());
        while let Some(p) = at {
            match self.entries.get(&p) {
                None | Some(LayerEntry::Directory { .. }) => at = p.parent(),
                Some(_) => return false,
            }
        }
        self.lower_kind(raw, inner).is_some()
    }

    /// The operation that shows it, and the layer that the operation needs.
    pub(crate) fn finish(self, form: StackForm, base: &ContainerPath) -> (Step, Option<LayerSpec>) {
        let name = self.layer(base);
        let (at, reason) = (self.at, self.reason);
        let layer = Source::Layer { layer: name.clone(), path: RootPath::root() };
        let bind =
            |source| Op::Bind { source, at: at.clone(), access: Access::ReadOnly, optional: false };
        let op = match (self.lower, self.entries.is_empty()) {
            (None, true) => return (Step { op: Op::Directory { at, mode: 0o755 }, reason }, None),
            (Some(lower), true) => return (Step { op: bind(Source::Host(lower)), reason }, None),
            (None, false) => bind(layer),
            (Some(lower), false) => {
                Op::Stack { at, sources: vec![layer, Source::Host(lower)], form }
            }
        };
        (Step { op, reason }, Some(LayerSpec { name, entries: self.entries }))
    }
}

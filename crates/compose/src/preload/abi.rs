//! The architectures of the container: where each finds the host's files, and what its dynamic linker
//! puts for `$LIB`.

use crate::capture::Captured;
use crate::capture::place::Places;
use crate::emulation::providers::Group;
use crate::emulation::{Arrangement, INTERPRETER_HOST};
use crate::facts::Facts;
use crate::request::Request;
use crate::runtime::Runtime;
use inspect::linker::{Linker, Options};
use inspect::root::{Kind, Resolved, Root};
use plan::{ContainerPath, Origin, RootPath, Tuple};
use std::cell::OnceCell;
use std::collections::BTreeMap;
use std::os::unix::ffi::OsStrExt;

/// What modules are looked for in.
pub(crate) struct Scene<'a> {
    pub(crate) facts: &'a Facts,
    /// `None`: the container has the host's own `/usr`.
    pub(crate) runtime: Option<&'a Root>,
    pub(crate) arrangement: &'a Arrangement,
    pub(crate) groups: &'a [Group],
    /// Whose C library each architecture runs with.
    glibc: Option<&'a BTreeMap<Tuple, Origin>>,
    /// The architectures whose programs load modules, the primary one first: of those that run under an
    /// emulator no others, because the emulator itself is a program too.
    pub(crate) tuples: Vec<Tuple>,
    abis: OnceCell<Vec<Abi<'a>>>,
}

/// One architecture.
pub(crate) struct Abi<'a> {
    pub(crate) tuple: Tuple,
    /// Where its modules may be, the most likely root first; not empty.
    pub(crate) places: Vec<Place<'a>>,
    /// The search of the runtime.
    pub(crate) runtime: Option<Linker<'a>>,
    /// What the container's dynamic linker puts for `$LIB`.
    pub(crate) lib: String,
}

/// A root that may have modules.
pub(crate) struct Place<'a> {
    pub(crate) root: &'a Root,
    pub(crate) linker: Linker<'a>,
    /// Where programs of the container find its system directories.
    pub(crate) at: ContainerPath,
}

impl<'a> Scene<'a> {
    /// `taken` is what was captured, where there is a runtime.
    pub(crate) fn of(
        request: &Request,
        facts: &'a Facts,
        (runtime, arrangement): (Option<&'a Runtime>, &'a Arrangement),
        groups: &'a [Group],
        taken: Option<&'a Captured>,
    ) -> Self {
        let mut tuples =
            taken.map_or_else(|| of_host(request, facts), |taken| taken.tuples.clone());
        if !matches!(arrangement, Arrangement::Native) {
            tuples.retain(|tuple| !facts.runs(*tuple));
        }
        let (runtime, glibc) = (runtime.map(|r| &r.root), taken.map(|taken| &taken.glibc));
        Self { facts, runtime, arrangement, groups, glibc, tuples, abis: OnceCell::new() }
    }

    /// Every architecture, looked at when the first module asks.
    pub(crate) fn abis(&self) -> &[Abi<'a>] {
        self.abis.get_or_init(|| self.tuples.iter().filter_map(|t| self.abi(*t)).collect())
    }

    fn abi(&self, tuple: Tuple) -> Option<Abi<'a>> {
        let linker = |root: &'a Root| Linker::new(root, tuple, Options::default()).ok();
        let mut places: Vec<Place<'a>> = vec![];
        for (root, at) in self.roots(tuple) {
            let Some(linker) = linker(root) else { continue };
            let linker = if root.path() == self.facts.host.path() {
                let value = self.facts.environment.get("LD_LIBRARY_PATH").unwrap_or_default();
                linker.with_environment(value.as_bytes(), None, &RootPath::root())
            } else {
                linker
            };
            places.push(Place { root, linker, at });
        }
        let group = self.groups.iter().find(|g| g.tuples.contains(&tuple));
        let provider = group.and_then(|g| g.root(self.facts));
        let own = match self.glibc.and_then(|glibc| glibc.get(&tuple)) {
            Some(Origin::Provider) => provider.and_then(linker),
            _ => self.runtime.and_then(linker),
        };
        let lib = own.as_ref().or(places.first().map(|p| &p.linker))?.origin_lib();
        Some(Abi { tuple, runtime: self.runtime.and_then(linker), lib, places })
    }

    /// Whether the games run under an emulator.
    pub(crate) fn is_emulated(&self) -> bool {
        !matches!(self.arrangement, Arrangement::Native)
    }

    /// The roots that may have modules of an architecture, and where its programs see them.
    fn roots(&self, tuple: Tuple) -> Vec<(&'a Root, ContainerPath)> {
        let host = &self.facts.host;
        if self.runtime.is_none() {
            return vec![(host, ContainerPath::root())];
        }
        let mut roots = match self.arrangement {
            Arrangement::Overlay(overlay) => {
                let guest = overlay.root.as_ref().map(|r| (r, ContainerPath::literal("/run/host")));
                let native = (host, ContainerPath::literal(INTERPRETER_HOST));
                guest.into_iter().chain([native]).collect()
            }
            Arrangement::Native | Arrangement::Direct(_) => vec![(host, self.host_mount())],
        };
        let group = self.groups.iter().find(|g| g.tuples.contains(&tuple));
        if let Some((group, root)) = group.and_then(|g| Some((g, g.root(self.facts)?)))
            && roots.iter().all(|(known, _)| known.path() != root.path())
        {
            roots.push((root, group.mount.clone()));
        }
        roots
    }

    /// Where the container shows the system that this program sees as `/`: in a Flatpak application that
    /// is the application's, which a sub-sandbox has at another place.
    fn host_mount(&self) -> ContainerPath {
        ContainerPath::literal(if self.in_flatpak() { "/run/parent" } else { "/run/host" })
    }

    fn in_flatpak(&self) -> bool {
        let info = self.facts.host.find(&RootPath::literal("/.flatpak-info"));
        info.is_some_and(|found| found.kind == Kind::File)
    }

    /// Whether a path, free of links, is one of those that the container shows below [`Place::at`].
    pub(crate) fn is_system(&self, path: &RootPath) -> bool {
        Places::is_mounted(path)
            || (path.is_within(&RootPath::literal("/app")) && self.in_flatpak())
    }

    /// How the container names a file of a root, and, where it must be shared for that, as what. `None`
    /// where the container has it not at all.
    pub(crate) fn shown(
        &self,
        place: &Place<'_>,
        path: &RootPath,
        found: Option<&Resolved>,
    ) -> Option<(ContainerPath, Option<RootPath>)> {
        let real = found.map_or(path, |f| &f.path);
        if !self.is_system(real) {
            // A link in a system directory is not followed in the container.
            let named = if self.is_system(path) { real } else { path };
            let own = place.root.path() == self.facts.host.path();
            let at = ContainerPath::new(named.as_path()).ok().filter(|_| own)?;
            return Some((at, Some(named.clone())));
        }
        // An absolute link would leave the place where the root is shown.
        let leaves =
            |f: &Resolved| f.trail.iter().any(|step| step.target.as_bytes().first() == Some(&b'/'));
        let keeps_name = self.is_system(path) && !found.is_some_and(leaves);
        Some((place.at.lexically(if keeps_name { path } else { real }), None))
    }
}

/// The architectures of a container without a runtime: those asked for, else those that the host runs
/// and has a dynamic linker for.
fn of_host(request: &Request, facts: &Facts) -> Vec<Tuple> {
    if !request.tuples.is_empty() {
        return request.tuples.clone();
    }
    let there = |tuple: &Tuple| {
        let path = RootPath::literal(tuple.interpreter());
        facts.runs(*tuple) && facts.host.find(&path).is_some()
    };
    Tuple::ALL.iter().copied().filter(there).collect()
}

//! Paths of the host that the container has at their own place.
//!
//! Each is shared where it really is, and every link that leads to it is made again, so that both
//! names work. When two requests name the same path, the stronger one wins. What is not there,
//! cannot be looked at safely, or would take the place of the container's own directories is left
//! out and recorded.

use crate::approach::{self, Network, Obstacle, Reached, relative_link};
use crate::draft::Draft;
use crate::facts::Facts;
use crate::request::Sharing;
use crate::{record, reserved};
use inspect::root::{Kind, Resolved};
use plan::{Access, ByteString, Code, ContainerPath, Decision, Op, Problem, RootPath, Source};
use std::collections::BTreeMap;
use std::os::unix::ffi::OsStrExt;

/// How a path is shared, weakest first.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Mode {
    /// An empty directory in memory in its place.
    Tmpfs,
    /// For reading.
    ReadOnly,
    /// For reading and writing.
    ReadWrite,
}

impl From<Sharing> for Mode {
    fn from(sharing: Sharing) -> Self {
        match sharing {
            Sharing::ReadOnly => Self::ReadOnly,
            Sharing::ReadWrite => Self::ReadWrite,
        }
    }
}

/// Who wants a path shared.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Wish {
    /// The user, in so many words: what prevents it is a warning.
    Asked,
    /// The environment that the launch is part of: what prevents it is recorded.
    Named,
    /// Nobody: it is a place where things might be, and is not looked for on the network.
    Usual,
}

/// The paths to be shared so far.
pub(crate) struct Exports<'a> {
    facts: &'a Facts,
    entries: BTreeMap<RootPath, Entry>,
    links: BTreeMap<RootPath, (ByteString, String)>,
    decisions: Vec<Decision>,
    warnings: Vec<Problem>,
}

struct Entry {
    mode: Mode,
    reason: String,
    /// What is shown; `None` for [`Mode::Tmpfs`].
    source: Option<Resolved>,
}

/// Directories that are shared at their own place even where the host has a link: programs put
/// sockets and files there by this name, and a link would leave the container.
const NEVER_LINKS: &[&str] = &["/tmp", "/var/tmp"];

impl<'a> Exports<'a> {
    pub(crate) fn new(facts: &'a Facts) -> Self {
        let (entries, links) = (BTreeMap::new(), BTreeMap::new());
        Self { facts, entries, links, decisions: vec![], warnings: vec![] }
    }

    /// Shares `path` and every link that leads to it. Gives back where it really is.
    pub(crate) fn share(
        &mut self,
        path: &RootPath,
        mode: Mode,
        wish: Wish,
        reason: &str,
    ) -> Option<RootPath> {
        if let Some(why) = reserved::why(path) {
            self.refuse(path, wish, Code::RESERVED_PATH, why);
            return None;
        }
        let network = if wish == Wish::Usual { Network::Avoided } else { Network::Allowed };
        let reached = match approach::reach(self.facts, path, network) {
            Ok(reached) => reached,
            Err(Obstacle::Absent(why)) => {
                self.missing(path, wish, why);
                return None;
            }
            Err(obstacle) => {
                self.refuse(path, wish, Code::SHARED_PATH_MISSING, obstacle.to_string());
                return None;
            }
        };
        self.add(path, reached, mode, wish, reason)
    }

    fn add(
        &mut self,
        path: &RootPath,
        Reached { found, links }: Reached,
        mode: Mode,
        wish: Wish,
        reason: &str,
    ) -> Option<RootPath> {
        if !can_be_shared(&found) {
            self.refuse(path, wish, Code::RESERVED_PATH, "it is a device or a FIFO".into());
            return None;
        }
        let fixed = NEVER_LINKS.iter().any(|p| path == &RootPath::literal(p));
        let at = if fixed { path.clone() } else { found.path.clone() };
        if let Some(why) = reserved::why(&at) {
            let why = format!("it is a link to `{at}`, and {why}");
            self.refuse(path, wish, Code::RESERVED_PATH, why);
            return None;
        }
        if !fixed {
            for (place, target) in links {
                if reserved::why(&place).is_none() {
                    let text = relative_link(&place, target.as_bytes());
                    self.links.entry(place).or_insert((text, format!("link to {reason}")));
                }
            }
        }
        self.decisions.push(record::shared(path, &at, reason));
        self.insert(at.clone(), Entry { mode, reason: reason.into(), source: Some(found) });
        Some(at)
    }

    /// Puts an empty directory in memory at `path`, if the host has a real directory there.
    pub(crate) fn empty(&mut self, path: &RootPath, reason: &str) {
        let Ok(reached) = approach::reach(self.facts, path, Network::Avoided) else { return };
        let at = reached.found.path.clone();
        if reached.found.kind == Kind::Directory && reserved::why(&at).is_none() {
            self.insert(at, Entry { mode: Mode::Tmpfs, reason: reason.into(), source: None });
        }
    }

    /// Puts an empty directory in memory at `at`, whatever the host has there.
    pub(crate) fn empty_at(&mut self, at: RootPath, reason: &str) {
        self.entries.insert(at, Entry { mode: Mode::Tmpfs, reason: reason.into(), source: None });
    }

    /// Shows `source` at another place, as a home directory of its own does.
    pub(crate) fn show(&mut self, source: &Resolved, at: &RootPath, mode: Mode, reason: &str) {
        self.decisions.push(record::shared(&source.path, at, reason));
        let source = Some(source.clone());
        self.entries.insert(at.clone(), Entry { mode, reason: reason.into(), source });
    }

    /// Makes a link, unless the place is shared itself.
    pub(crate) fn link(&mut self, at: RootPath, target: ByteString, reason: &str) {
        self.links.entry(at).or_insert((target, reason.into()));
    }

    fn insert(&mut self, at: RootPath, entry: Entry) {
        match self.entries.get(&at) {
            Some(old) if old.mode >= entry.mode => {}
            _ => {
                self.entries.insert(at, entry);
            }
        }
    }

    /// Whether `path`, free of links, is shared for writing as things are.
    pub(crate) fn is_shared(&self, path: &RootPath) -> bool {
        self.covering(path).is_some_and(|e| e.source.is_some())
    }

    fn covering(&self, path: &RootPath) -> Option<&Entry> {
        let mut at = Some(path.clone());
        while let Some(p) = at {
            if let Some(entry) = self.entries.get(&p) {
                return Some(entry);
            }
            at = p.parent();
        }
        None
    }

    fn missing(&mut self, path: &RootPath, wish: Wish, why: String) {
        if wish == Wish::Asked {
            self.warnings.push(
                Problem::warning(
                    Code::SHARED_PATH_MISSING,
                    format!("`{path}` is not shared: {why}"),
                )
                .hint("create it, or leave it out"),
            );
        }
        if wish != Wish::Usual {
            self.decisions.push(record::absent(path, why));
        }
    }

    fn refuse(&mut self, path: &RootPath, wish: Wish, code: Code, why: String) {
        if wish == Wish::Asked {
            let problem = Problem::warning(code, format!("`{path}` is not shared: {why}"));
            self.warnings.push(if code == Code::RESERVED_PATH {
                problem.hint("the host's files are below /run/host in the container; or move it")
            } else {
                problem.hint("mount it first, for example by listing it")
            });
        }
        self.decisions.push(record::refused(path, why));
    }

    /// Adds the steps, in the order of their paths, and the record.
    pub(crate) fn finish(mut self, draft: &mut Draft) {
        let mut places: Vec<RootPath> =
            self.entries.keys().chain(self.links.keys()).cloned().collect();
        places.sort_unstable();
        places.dedup();
        for place in places {
            let Ok(at) = ContainerPath::new(place.as_path()) else { continue };
            if let Some(entry) = self.entries.get(&place) {
                if !self.is_redundant(&place, entry) {
                    emit(draft, at, entry);
                }
            } else if let Some((target, reason)) = self.links.get(&place)
                && self.covering(&place).is_none_or(|e| e.mode == Mode::Tmpfs)
            {
                draft.symlink(at, target.clone(), reason);
            }
        }
        draft.decisions.append(&mut self.decisions);
        draft.warnings.append(&mut self.warnings);
    }

    /// Whether a directory above is shared in the same way and shows the same there.
    fn is_redundant(&self, place: &RootPath, entry: &Entry) -> bool {
        let (Some(parent), Some(source)) = (place.parent(), &entry.source) else { return false };
        let mut at = Some(parent);
        while let Some(p) = at {
            if let Some(above) = self.entries.get(&p) {
                return above.mode == entry.mode
                    && above.source.as_ref().is_some_and(|s| {
                        place
                            .below(&p)
                            .and_then(|rest| s.path.join(rest).ok())
                            .is_some_and(|shown| shown == source.path)
                    });
            }
            at = p.parent();
        }
        false
    }
}

fn emit(draft: &mut Draft, at: ContainerPath, entry: &Entry) {
    let access = match entry.mode {
        Mode::ReadOnly => Access::ReadOnly,
        Mode::ReadWrite | Mode::Tmpfs => Access::ReadWrite,
    };
    let Some(found) = &entry.source else {
        draft.tmpfs(at, 0o755, &entry.reason);
        return;
    };
    let source = Source::Host(found.host.clone());
    let op = Op::Bind { source, at, access, optional: false };
    if !draft.shows_host_as(&op) {
        draft.mount(op, &entry.reason);
    }
}

/// Directories, regular files and sockets can be shared; devices and FIFOs cannot.
fn can_be_shared(found: &Resolved) -> bool {
    found.kind != Kind::Other || crate::special::is_socket(&found.host)
}

//! The steps that every family of manifests shares: list directories, read files, say what came of it.

use super::dirs::{Candidate, entries};
use super::{Directory, Environment, Found, LibraryPath, Locate, Place, Reason, Verdict};
use crate::root::{self, Identity, Kind, Resolved, Root};
use plan::RootPath;
use std::ffi::OsStr;
use std::os::unix::ffi::OsStrExt;

/// The largest manifest that is read, in bytes. Real ones have less than 64 KiB.
pub(super) const SIZE_LIMIT: u64 = 1 << 20;

/// The most files that are taken from one directory or list.
const COUNT_LIMIT: usize = 4096;

/// A search in one provider with one environment.
pub(super) struct Search<'r> {
    pub(super) root: &'r Root,
    pub(super) env: &'r Environment,
    /// The host's root, where that is not the provider.
    host: Option<Root>,
}

impl<'r> Search<'r> {
    pub(super) fn new(root: &'r Root, env: &'r Environment) -> Self {
        let other = *root.path() != env.host;
        // A host that cannot be opened has no directories of the user's either.
        let host = other.then(|| Root::open(env.host.clone()).ok()).flatten();
        Self { root, env, host }
    }

    /// Whose `/` the paths of the user's directories start from.
    pub(super) fn user_place(&self) -> Place {
        if *self.root.path() == self.env.host { Place::Root } else { Place::Host }
    }

    fn tree(&self, place: Place) -> Option<&Root> {
        match place {
            Place::Root => Some(self.root),
            Place::Host => self.host.as_ref(),
        }
    }

    /// A path from a variable as one of that root: relative ones start from the working directory.
    pub(super) fn absolute(&self, place: Place, raw: &OsStr) -> Option<RootPath> {
        let absolute = raw.as_bytes().first() == Some(&b'/');
        let base = match &self.env.working_directory {
            Some(directory) => directory.clone(),
            None if absolute => RootPath::root(),
            None => return None,
        };
        self.tree(place)?.without_dot_dot(&base, raw).ok()
    }

    /// The paths that a variable lists, if it is set.
    pub(super) fn listed(&self, variable: &str) -> Option<Vec<Candidate>> {
        let paths = entries(self.env.get(variable)?).take(COUNT_LIMIT);
        let candidates = paths.filter_map(|entry| {
            let path = self.absolute(Place::Root, entry)?;
            Some(Candidate { path, place: Place::Root, origin: format!("${variable}") })
        });
        Some(candidates.collect())
    }

    /// The one path that is the value of a variable: it is not split.
    pub(super) fn single(&self, value: &OsStr, variable: &str) -> Vec<Candidate> {
        let path = self.absolute(Place::Root, value);
        let origin = format!("${variable}");
        path.map(|path| Candidate { path, place: Place::Root, origin }).into_iter().collect()
    }

    /// The candidates with `tail` appended, each once, if something exists there: a dangling link
    /// does not.
    pub(super) fn existing(&self, candidates: Vec<Candidate>, tail: &str) -> Vec<Candidate> {
        let mut out: Vec<Candidate> = Vec::new();
        for Candidate { path, place, origin } in candidates {
            let Ok(path) = path.join(tail) else { continue };
            let exists = self.tree(place).is_some_and(|t| t.find(&path).is_some());
            if exists && !out.iter().any(|c| (c.place, &c.path) == (place, &path)) {
                out.push(Candidate { path, place, origin });
            }
        }
        out
    }

    /// The directories among the candidates, each with `tail` appended. One that is the same as an
    /// earlier one after resolution is left out: its manifests would be loaded twice.
    pub(super) fn directories(&self, candidates: Vec<Candidate>, tail: &str) -> Vec<Directory> {
        let mut out: Vec<Directory> = Vec::new();
        for Candidate { path, place, origin } in candidates {
            let Ok(path) = path.join(tail) else { continue };
            let Some(found) = self.tree(place).and_then(|t| t.find(&path)) else { continue };
            let known = out.iter().any(|d| d.place == place && d.real == found.path);
            if found.kind == Kind::Directory && !known {
                out.push(Directory { path, real: found.path, place, origin });
            }
        }
        out
    }

    /// The files in one directory whose names `wanted` likes, sorted by name.
    pub(super) fn files(
        &self,
        directory: &Directory,
        wanted: &dyn Fn(&[u8]) -> bool,
    ) -> Vec<Candidate> {
        let entries = self.tree(directory.place).and_then(|t| t.list(&directory.path).ok());
        let names = entries
            .unwrap_or_default()
            .into_iter()
            .filter(|e| wanted(e.name.as_bytes()) && matches!(e.kind, Kind::File | Kind::Symlink));
        let file = |name: &OsStr| {
            let path = directory.path.join(name).ok()?;
            Some(Candidate { path, place: directory.place, origin: directory.origin.clone() })
        };
        names.take(COUNT_LIMIT).filter_map(|e| file(&e.name)).collect()
    }

    /// The manifests in some directories, in order.
    pub(super) fn manifests(&self, directories: &[Directory]) -> Vec<Candidate> {
        directories.iter().flat_map(|d| self.files(d, &|n| n.ends_with(b".json"))).collect()
    }

    /// The manifests that a list names: files themselves, directories with what they have. Each
    /// directory is read once.
    pub(super) fn expanded(&self, list: Vec<Candidate>) -> Vec<Candidate> {
        let mut seen: Vec<RootPath> = Vec::new();
        let mut out = Vec::new();
        for candidate in list {
            let found = self.tree(candidate.place).and_then(|t| t.find(&candidate.path));
            match found.filter(|f| f.kind == Kind::Directory) {
                Some(directory) if !seen.contains(&directory.path) => {
                    seen.push(directory.path);
                    out.extend(self.manifests(&self.directories(vec![candidate], "")));
                }
                Some(_) => {}
                None => out.push(candidate),
            }
        }
        out
    }

    /// Reads one manifest. `parse` gets its content and the meaning of paths in it.
    pub(super) fn read<T>(&self, file: Candidate, base: Base, parse: Parse<'_, T>) -> Found<T> {
        let Candidate { path: file, place, origin } = file;
        let (mut notes, mut bytes, mut identity) = (vec![], vec![], None);
        let content = self.content(&file, place, &mut identity);
        let result = content.and_then(|(tree, resolved, content)| {
            bytes = content;
            let directory = match base {
                Base::AsFound => file.parent(),
                Base::Real => resolved.path.parent(),
            };
            let directory = directory.unwrap_or(RootPath::root());
            let locate = |text: &str| LibraryPath::locate(tree, &directory, text);
            parse(&bytes, &locate, &mut notes)
        });
        let verdict = match result {
            Ok(value) => Verdict::Loaded(value),
            Err(why @ Reason::Version { .. }) => Verdict::Unsupported { why },
            Err(why) => Verdict::CannotLoad { why },
        };
        Found { file, place, origin, verdict, notes, bytes, identity }
    }

    fn content(
        &self,
        file: &RootPath,
        place: Place,
        identity: &mut Option<Identity>,
    ) -> Result<(&Root, Resolved, Vec<u8>), Reason> {
        let missing = || root::Error::NotFound { path: file.clone(), trail: vec![] };
        let tree = self.tree(place).ok_or_else(|| Reason::Unreadable(missing()))?;
        let resolved = tree.resolve(file).map_err(Reason::Unreadable)?;
        *identity = Some(resolved.identity);
        let size = resolved.identity.size;
        if resolved.kind == Kind::File && size > SIZE_LIMIT {
            return Err(Reason::TooLarge { size, limit: SIZE_LIMIT });
        }
        let bytes = tree.read(file).map_err(Reason::Unreadable)?;
        Ok((tree, resolved, bytes))
    }
}

/// What relative paths in a manifest start from.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Base {
    /// The directory in which the manifest was found.
    AsFound,
    /// The directory of the file, after links have been resolved.
    Real,
}

/// A parser of manifests; parts of one that cannot be used go to the list.
pub(super) type Parse<'p, T> = &'p dyn Fn(&[u8], Locate<'_>, &mut Vec<Reason>) -> Result<T, Reason>;

/// Leaves out manifests that say the same as an earlier one: the same bytes, with which relative
/// paths lead to the same library.
pub(super) fn leave_out_duplicates<T: PartialEq>(found: &mut [Found<T>]) {
    for i in 1..found.len() {
        let (earlier, rest) = found.split_at_mut(i);
        let this = &mut rest[0];
        let same = earlier.iter().find(|e| {
            e.place == this.place
                && e.bytes == this.bytes
                && e.loaded().is_some()
                && e.loaded() == this.loaded()
        });
        if let Some(of) = same.map(|e| e.file.clone()) {
            this.verdict = Verdict::Ignored { why: Reason::Duplicate(of) };
        }
    }
}

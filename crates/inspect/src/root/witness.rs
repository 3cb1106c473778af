//! What a root was seen to be, so that a later process can tell that nothing has changed without
//! deciding everything again.
//!
//! Every look at a root leaves a trace in its memory ([`super::tree`]). As *witnesses* these can be
//! written down and compared with the file system later, by `statx` alone. What was absent counts as
//! much as what was there: a driver may appear.
//!
//! A directory's modification and change times tell that no entry of it was added, removed or replaced.
//! So one witness for a directory takes the place of those for what was absent, a link or a directory
//! in it, where there are several; links cannot be edited in place. Files can: each has its own. Their
//! change time does not count, because a hard link that somebody makes to a file changes it.
//!
//! What `stat` cannot tell (traps: images with equal times, times as recent as the look) is for the
//! caller: [`Witnesses::youngest`] says how recent the most recent change is.

use super::stat;
use super::tree::Tree;
use super::{Identity, Kind};
use plan::HostPath;
use serde::{Deserialize, Serialize};
use std::collections::{BTreeMap, BTreeSet};

/// From this many entries of one directory on, the directory stands for those that are not files. Few
/// are asked for in a home directory, which changes all the time; many in a library directory.
const CROWD: usize = 8;

/// Everything that was looked at in a root.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Witnesses(BTreeMap<HostPath, State>);

/// What one path was.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
enum State {
    /// Nothing, or nothing that may be looked at.
    #[serde(rename = "-")]
    Absent,
    /// A directory that others were looked for in: device, inode.
    #[serde(rename = "d")]
    Directory(u64, u64),
    /// A directory with just the entries it had: device, inode, modified, changed.
    #[serde(rename = "l")]
    Listed(u64, u64, i64, i64),
    /// A link, device or socket: device, inode, modified.
    #[serde(rename = "o")]
    Other(u64, u64, i64),
    /// A file: device, inode, size, modified.
    #[serde(rename = "f")]
    File(u64, u64, u64, i64),
}

impl State {
    fn of(kind: Kind, id: &Identity) -> Self {
        match kind {
            Kind::Directory => State::Directory(id.device, id.inode),
            Kind::File => State::File(id.device, id.inode, id.size, id.modified),
            Kind::Symlink | Kind::Other => State::Other(id.device, id.inode, id.modified),
        }
    }

    fn listed(id: &Identity) -> Self {
        State::Listed(id.device, id.inode, id.modified, id.changed)
    }

    /// Whether `path` is still so.
    fn holds(&self, path: &HostPath) -> bool {
        let Ok((kind, id)) = stat::glance(path) else { return *self == State::Absent };
        match self {
            State::Absent => false,
            State::Listed(..) => kind == Kind::Directory && *self == State::listed(&id),
            _ => *self == State::of(kind, &id),
        }
    }
}

impl Witnesses {
    /// What is remembered in a tree.
    pub(super) fn of(tree: &Tree) -> Self {
        let mut out = BTreeMap::new();
        let mut crowds: BTreeMap<HostPath, usize> = BTreeMap::new();
        tree.remembered(|path, seen| {
            let state = seen.map_or(State::Absent, |(kind, id)| State::of(kind, id));
            if !matches!(state, State::File(..))
                && let Some(parent) = path.parent()
            {
                *crowds.entry(parent).or_default() += 1;
            }
            out.insert(path, state);
        });
        let crowded = crowds.into_iter().filter(|(_, n)| *n >= CROWD).map(|(path, _)| path);
        let mut listed: BTreeSet<HostPath> = tree.listed();
        listed.extend(crowded);
        // A directory that has gone since it was looked at stays as it was seen, and does not hold.
        let listed: BTreeMap<_, _> = listed
            .into_iter()
            .filter_map(|path| {
                let (kind, id) = stat::glance(&path).ok()?;
                (kind == Kind::Directory).then(|| (path, State::listed(&id)))
            })
            .collect();
        out.retain(|path, state| {
            matches!(state, State::File(..))
                || path.parent().is_none_or(|p| !listed.contains_key(&p))
        });
        out.extend(listed);
        Self(out)
    }

    /// Whether everything is as it was seen.
    pub fn hold(&self) -> bool {
        self.0.iter().all(|(path, state)| state.holds(path))
    }

    /// How many paths have to be looked at for that.
    pub fn len(&self) -> usize {
        self.0.len()
    }

    /// Whether nothing was looked at.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// The most recent modification of a file or listed directory, in nanoseconds since 1970. When it is
    /// as recent as the look itself, a further change may have left no other time behind.
    pub fn youngest(&self) -> i64 {
        let time = |state: &State| match *state {
            State::Absent | State::Directory(..) => i64::MIN,
            State::Listed(_, _, modified, changed) => modified.max(changed),
            State::Other(_, _, modified) | State::File(_, _, _, modified) => modified,
        };
        self.0.values().map(time).max().unwrap_or(i64::MIN)
    }

    /// Adds what was looked at in another root.
    pub fn merge(&mut self, other: Self) {
        for (path, state) in other.0 {
            let stronger = matches!(state, State::Listed(..));
            let entry = self.0.entry(path).or_insert(state);
            if stronger {
                *entry = state;
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::super::Root;
    use super::*;
    use plan::RootPath;
    use std::fs;
    use std::os::unix::fs::symlink;
    use std::path::Path;

    /// A root in which a library, a link, a missing file and a listed directory were looked at.
    fn scene() -> (tempfile::TempDir, Witnesses) {
        let dir = tempfile::tempdir().unwrap();
        let at = |path: &str| dir.path().join(path);
        for made in ["usr/lib", "etc/conf.d", "home/user", "home/other"] {
            fs::create_dir_all(at(made)).unwrap();
        }
        fs::write(at("usr/lib/libx.so.1.0"), "one").unwrap();
        symlink("libx.so.1.0", at("usr/lib/libx.so.1")).unwrap();
        fs::write(at("etc/conf.d/a"), "a").unwrap();
        let root = Root::open(HostPath::new(dir.path()).unwrap()).unwrap();
        assert!(root.find(&RootPath::literal("/usr/lib/libx.so.1")).is_some());
        assert!(root.find(&RootPath::literal("/usr/lib/liby.so.1")).is_none());
        assert!(root.find(&RootPath::literal("/home/user/.config/layer.d")).is_none());
        assert!(root.find(&RootPath::literal("/opt/driver")).is_none());
        root.list(&RootPath::literal("/etc/conf.d")).unwrap();
        let witnesses = root.witnesses();
        (dir, witnesses)
    }

    #[test]
    fn what_changes_is_noticed() {
        type Change = fn(&Path);
        let changes: &[(&str, Change, bool)] = &[
            ("nothing", |_| {}, true),
            ("a file beside", |d| fs::write(d.join("home/user/new"), "").unwrap(), true),
            (
                "a hard link to a file",
                |d| {
                    fs::hard_link(d.join("usr/lib/libx.so.1.0"), d.join("home/other/copy"))
                        .unwrap();
                },
                true,
            ),
            (
                "a library edited in place",
                |d| {
                    fs::write(d.join("usr/lib/libx.so.1.0"), "longer").unwrap();
                },
                false,
            ),
            (
                "a library replaced",
                |d| {
                    fs::write(d.join("usr/lib/tmp"), "two").unwrap();
                    fs::rename(d.join("usr/lib/tmp"), d.join("usr/lib/libx.so.1.0")).unwrap();
                },
                false,
            ),
            (
                "a link replaced",
                |d| {
                    fs::remove_file(d.join("usr/lib/libx.so.1")).unwrap();
                    symlink("libx.so.1.0", d.join("usr/lib/libx.so.1")).unwrap();
                },
                false,
            ),
            (
                "a missing file appears",
                |d| fs::write(d.join("usr/lib/liby.so.1"), "").unwrap(),
                false,
            ),
            (
                "a missing directory appears",
                |d| {
                    fs::create_dir_all(d.join("home/user/.config/layer.d")).unwrap();
                },
                false,
            ),
            (
                "a missing top-level directory appears",
                |d| fs::create_dir(d.join("opt")).unwrap(),
                false,
            ),
            (
                "an entry of a listed directory appears",
                |d| {
                    fs::write(d.join("etc/conf.d/b"), "").unwrap();
                },
                false,
            ),
            (
                "an entry of a listed directory goes",
                |d| {
                    fs::remove_file(d.join("etc/conf.d/a")).unwrap();
                },
                false,
            ),
            (
                "a directory becomes a file",
                |d| {
                    fs::remove_dir_all(d.join("home")).unwrap();
                    fs::write(d.join("home"), "").unwrap();
                },
                false,
            ),
        ];
        for (what, change, holds) in changes {
            let (dir, witnesses) = scene();
            assert!(witnesses.hold(), "{what}: before");
            change(dir.path());
            assert_eq!(witnesses.hold(), *holds, "{what}");
        }
    }

    #[test]
    fn a_crowded_directory_stands_for_its_entries() {
        let (dir, _) = scene();
        let root = Root::open(HostPath::new(dir.path()).unwrap()).unwrap();
        for n in 0..100 {
            root.find(&RootPath::literal(&format!("/usr/lib/libmissing{n}.so")));
        }
        root.find(&RootPath::literal("/usr/lib/libx.so.1"));
        let witnesses = root.witnesses();
        assert!(witnesses.len() < 10, "{witnesses:?}");
        fs::write(dir.path().join("usr/lib/libmissing42.so"), "").unwrap();
        assert!(!witnesses.hold());
    }

    #[test]
    fn witnesses_survive_json() {
        let (_dir, witnesses) = scene();
        let text = serde_json::to_vec(&witnesses).unwrap();
        assert_eq!(serde_json::from_slice::<Witnesses>(&text).unwrap(), witnesses);
    }
}

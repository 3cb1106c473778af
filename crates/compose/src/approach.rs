//! How a path of the host is looked at without waking what sleeps there.
//!
//! A path below an automount starts the mount when it is looked up, and one on a network file system
//! whose server is gone blocks for minutes. Both are told from the mount table before anything is
//! touched, one component at a time, because a link can lead there from anywhere. Mirrors the
//! kernel's `link_path_walk` otherwise; the directory that an automount is mounted on may be looked
//! at (`AT_NO_AUTOMOUNT`), what is below it may not.

use crate::facts::Facts;
use inspect::mountinfo;
use inspect::root::{Error, Kind, Resolved};
use plan::{ByteString, HostPath, RootPath};
use std::collections::VecDeque;
use std::ffi::OsString;
use std::os::unix::ffi::{OsStrExt, OsStringExt};

/// As many links are followed at most (`MAXSYMLINKS`).
const LINKS: usize = 40;

/// Whether a path on a network file system may be looked at.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Network {
    /// The user asked for it: they know that the server answers.
    Allowed,
    /// It is only a place where things might be.
    Avoided,
}

/// A file of the host, and the links that lead to it.
#[derive(Debug)]
pub(crate) struct Reached {
    /// The file; its path is free of links.
    pub(crate) found: Resolved,
    /// Place and text of every link on the way, each place free of links itself.
    pub(crate) links: Vec<(RootPath, OsString)>,
}

/// Why a path of the host was not reached.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub(crate) enum Obstacle {
    /// It, or what a link on the way names, is not there.
    #[error("{0}")]
    Absent(String),
    /// It is on an automount that nothing has mounted yet.
    #[error("`{at}` is an automount, which is not touched")]
    Automount { at: HostPath },
    /// It is on a network file system.
    #[error("`{at}` is a network file system ({fs_type}), which may not answer")]
    Network { at: HostPath, fs_type: String },
    /// It cannot be looked at.
    #[error("{0}")]
    Unreadable(String),
}

/// Walks to `path` on the host.
pub(crate) fn reach(facts: &Facts, path: &RootPath, network: Network) -> Result<Reached, Obstacle> {
    let mut rest: VecDeque<OsString> = VecDeque::new();
    prepend(&mut rest, path.as_bytes());
    let mut here = RootPath::root();
    let mut links = vec![];
    while let Some(name) = rest.pop_front() {
        if name == ".." {
            here = here.parent().unwrap_or_else(RootPath::root);
            continue;
        }
        let next = here.join(&name).map_err(|e| Obstacle::Unreadable(e.to_string()))?;
        guard(facts, &next, rest.is_empty(), network)?;
        let seen = facts.host.lookup(&next).map_err(classify)?;
        let Some(target) = seen.link else {
            if seen.kind != Kind::Directory && !rest.is_empty() {
                return Err(Obstacle::Absent(format!("`{next}` is not a directory")));
            }
            here = next;
            continue;
        };
        if links.len() == LINKS {
            let why = format!("`{path}` leads through more than {LINKS} symbolic links");
            return Err(Obstacle::Absent(why));
        }
        if target.as_bytes().first() == Some(&b'/') {
            here = RootPath::root();
        }
        prepend(&mut rest, target.as_bytes());
        links.push((next, target));
    }
    guard(facts, &here, true, network)?;
    let found = facts.host.lookup(&here).map_err(classify)?;
    Ok(Reached { found, links })
}

/// Puts the components of `path` before what is still to be walked.
fn prepend(rest: &mut VecDeque<OsString>, path: &[u8]) {
    for component in path.split(|b| *b == b'/').rev() {
        if !component.is_empty() && component != b"." {
            rest.push_front(OsString::from_vec(component.to_vec()));
        }
    }
}

/// Whether the mount table lets `path` be looked at.
fn guard(facts: &Facts, path: &RootPath, last: bool, network: Network) -> Result<(), Obstacle> {
    let Ok(place) = HostPath::new(path.as_path()) else { return Ok(()) };
    let Some(mount) = mountinfo::covering(&facts.mounts, &place) else { return Ok(()) };
    if mount.is_automount() && (last || mount.at != place) {
        return Err(Obstacle::Automount { at: mount.at.clone() });
    }
    if network == Network::Avoided && mount.is_network() {
        let (at, fs_type) = (mount.at.clone(), mount.fs_type.clone());
        return Err(Obstacle::Network { at, fs_type });
    }
    Ok(())
}

fn classify(error: Error) -> Obstacle {
    if error.is_absent() {
        Obstacle::Absent(error.to_string())
    } else {
        Obstacle::Unreadable(error.to_string())
    }
}

/// The text of a link at `at` with the meaning of `target`, without a leading slash: it holds
/// wherever the tree is mounted.
pub(crate) fn relative_link(at: &RootPath, target: &[u8]) -> ByteString {
    if target.first() != Some(&b'/') {
        return target.to_vec().into();
    }
    let parts = |path: &[u8]| -> Vec<Vec<u8>> {
        let all = path.split(|b| *b == b'/').filter(|c| !c.is_empty() && *c != b".");
        all.map(<[u8]>::to_vec).collect()
    };
    let mut from = parts(at.as_bytes());
    from.pop();
    let to = parts(target);
    let common = from.iter().zip(&to).take_while(|(a, b)| a == b && *a != b"..").count();
    let mut out: Vec<Vec<u8>> = vec![b"..".to_vec(); from.len() - common];
    out.extend(to.into_iter().skip(common));
    if out.is_empty() { b".".to_vec().into() } else { out.join(&b'/').into() }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn absolute_links_become_relative() {
        for (at, target, want) in [
            ("/lib", "/usr/lib", "usr/lib"),
            ("/home", "var/home", "var/home"),
            ("/home/u/.steam/root", "/home/u/.local/share/Steam", "../.local/share/Steam"),
            ("/a/b/c", "/x", "../../x"),
            ("/a/b", "/a", "."),
            ("/a", "/", "."),
            ("/a/b", "/", ".."),
        ] {
            let got = relative_link(&RootPath::literal(at), target.as_bytes());
            assert_eq!(got.to_string(), want, "{at} -> {target}");
        }
    }
}

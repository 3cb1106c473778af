//! What was seen, as few questions as possible.
//!
//! A directory's modification and change times tell that no entry of it was added, removed or replaced.
//! So one question about a directory takes the place of those for what was absent, a link or a directory
//! in it, where there are several; links cannot be edited in place. Files can: each has its own.
//!
//! Of a directory that was only passed through, and of a socket or device, only that it is one counts:
//! what is in the one has its own witnesses, and what is behind the other is not for files to tell.

use crate::look::{Kind, Look};
use crate::pseudo::{self, Filter, Nature};
use crate::set::Witnesses;
use crate::state::State;
use std::collections::{BTreeMap, HashMap};
use std::ffi::{OsStr, OsString};
use std::path::Path;

/// From this many entries of one directory on, the directory stands for those that are no files.
const CROWD: usize = 5;

/// The same for a directory that the user or everybody may write to: it changes all the time, for reasons
/// that have nothing to do with what was looked for in it.
const BUSY_CROWD: usize = 32;

/// What a recording has gathered. Paths are compared and hashed as the bytes that they are: all are normal, and
/// the standard library's way with paths, component by component, took three milliseconds of a cold launch.
#[derive(Debug, Default)]
pub(crate) struct Seen {
    pub(crate) looks: HashMap<OsString, Option<Look>>,
    pub(crate) listed: HashMap<OsString, Filter>,
    pub(crate) relied_on: Vec<Witnesses>,
    /// One path was seen in two states.
    pub(crate) torn: bool,
}

/// The questions that tell whether what was seen is still so. `None` when something cannot be asked.
pub(crate) fn gather(mut seen: Seen) -> Option<BTreeMap<OsString, State>> {
    let mut out = BTreeMap::new();
    for witnesses in std::mem::take(&mut seen.relied_on) {
        for (path, state) in witnesses.decode().ok()? {
            add(&mut out, path, state);
        }
    }
    let natures = natures(&seen.looks);
    let nature = |look: &Look| natures.get(&look.device).copied().unwrap_or(Nature::Ordinary);
    let crowds = crowds(&seen, &nature);
    for (name, what) in &seen.looks {
        let path = Path::new(name);
        let is_file = what.is_some_and(|look| look.kind == Kind::File);
        match path.parent().and_then(|parent| crowds.get(parent.as_os_str())) {
            Some(State::Listed(..)) if !is_file => continue,
            Some(State::Names(Filter::All, _)) if what.is_none() => continue,
            _ => {}
        }
        let state = match what {
            None => State::Absent,
            Some(look) if nature(look) == Nature::Pseudo => pseudo_state(path, look)?,
            Some(look) => State::of(look),
        };
        add(&mut out, name.clone(), state);
    }
    for (path, state) in crowds {
        add(&mut out, path.to_owned(), state);
    }
    let images = natures.iter().filter(|(_, nature)| **nature == Nature::Image);
    for (device, _) in images {
        let (name, file) = pseudo::behind(*device);
        let text = pseudo::content(&name).map_or(State::Absent, State::Content);
        add(&mut out, name.into(), text);
        if let Some(file) = file {
            let state = crate::look(&file).map_or(State::Absent, |look| State::of(&look));
            add(&mut out, file.into(), state);
        }
    }
    Some(out)
}

/// Of two questions about one path the stronger one: a directory's entries.
fn add(out: &mut BTreeMap<OsString, State>, path: OsString, state: State) {
    let stronger = matches!(state, State::Listed(..) | State::Names(..));
    let entry = out.entry(path).or_insert_with(|| state.clone());
    if stronger {
        *entry = state;
    }
}

/// A file system's nature by its device number.
fn natures(looks: &HashMap<OsString, Option<Look>>) -> HashMap<u64, Nature> {
    let mut out = HashMap::new();
    for (path, look) in looks {
        let Some(look) = look else { continue };
        if out.contains_key(&look.device) || look.kind == Kind::Link {
            continue;
        }
        out.insert(look.device, pseudo::nature(Path::new(path)));
    }
    out
}

fn pseudo_state(path: &Path, look: &Look) -> Option<State> {
    match look.kind {
        Kind::Directory | Kind::Other => Some(State::of(look)),
        Kind::File => pseudo::content(path).map(State::Content),
        Kind::Link => pseudo::target(path).map(State::Target),
    }
}

/// The directories that stand for their entries, and those that were read.
fn crowds<'s>(seen: &'s Seen, nature: &dyn Fn(&Look) -> Nature) -> BTreeMap<&'s OsStr, State> {
    let own = rustix::process::geteuid().as_raw();
    let mut counts: HashMap<&OsStr, usize> = HashMap::new();
    for (path, what) in &seen.looks {
        if !what.is_some_and(|look| look.kind == Kind::File)
            && let Some(parent) = Path::new(path).parent()
        {
            *counts.entry(parent.as_os_str()).or_default() += 1;
        }
    }
    let mut out = BTreeMap::new();
    // The user, or everybody, may write to it.
    let busy = |look: &Look| look.owner == own || look.mode & 0o002 != 0;
    let known = |path: &OsStr| match seen.looks.get(path) {
        Some(what) => *what,
        None => crate::look(Path::new(path)),
    };
    let directory = |path: &OsStr| known(path).filter(|look| look.kind == Kind::Directory);
    for (path, count) in counts {
        let Some(look) = directory(path) else { continue };
        let enough = if busy(&look) { BUSY_CROWD } else { CROWD };
        if count >= enough && nature(&look) != Nature::Pseudo {
            out.insert(path, State::listed(&look));
        }
    }
    for (path, filter) in &seen.listed {
        let Some(look) = directory(path) else { continue };
        let state = if *filter == Filter::All && nature(&look) != Nature::Pseudo && !busy(&look) {
            State::listed(&look)
        } else {
            match pseudo::names(Path::new(path), filter) {
                Some(names) => State::Names(filter.clone(), names),
                None if nature(&look) != Nature::Pseudo => State::listed(&look),
                // Too many to be compared: a state that never holds.
                None => State::Names(filter.clone(), vec![0]),
            }
        };
        // A crowd's question is the stronger one.
        if !matches!(out.get(path.as_os_str()), Some(State::Listed(..))) {
            out.insert(path, state);
        }
    }
    out
}

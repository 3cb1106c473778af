//! What was seen, as bytes that a later process compares with the file system.

use crate::code::{Damaged, Reader, Writer};
use crate::gather::{Seen, gather};
use crate::recording;
use crate::state::State;
use rustix::fs::{CWD, Mode, OFlags, openat};
use std::collections::BTreeMap;
use std::ffi::{CStr, OsStr, OsString};
use std::os::fd::OwnedFd;
use std::os::unix::ffi::OsStrExt;
use std::path::{Path, PathBuf};
use std::time::{SystemTime, UNIX_EPOCH};

/// From this many entries of one directory on, it is opened and the entries are looked at from there.
const OPEN: usize = 4;

/// A file that was changed this shortly before it was looked at may have been changed again within the
/// grain of its file system's clock; two seconds is FAT's, the coarsest.
const GRAIN: i64 = 2_000_000_000;

/// Whether everything is as it was seen.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Verdict {
    /// It is.
    Holds,
    /// This path is not.
    Changed(PathBuf),
}

/// What was seen, in a form that can be kept: groups of a directory with the entries that were looked at.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Witnesses(Vec<u8>);

impl Witnesses {
    pub(crate) fn of(seen: Seen, started: i64) -> Option<Self> {
        if seen.torn {
            return None;
        }
        let states = gather(seen)?;
        let now = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
        let now = i64::try_from(now.as_nanos()).unwrap_or(i64::MAX);
        // What lies in the future was set so, or the clock was set back: a further change shows.
        let doubtful = started.saturating_sub(GRAIN)..=now.saturating_add(GRAIN);
        if states.values().filter_map(State::time).any(|time| doubtful.contains(&time)) {
            return None;
        }
        Some(Self::encode(&states))
    }

    fn encode(states: &BTreeMap<OsString, State>) -> Self {
        let mut groups: BTreeMap<&OsStr, Vec<(&[u8], &State)>> = BTreeMap::new();
        for (path, state) in states {
            let path = Path::new(path);
            // Only `/` has neither parent nor name.
            let parent = path.parent().unwrap_or(path);
            let name = path.file_name().map_or(&[][..], OsStrExt::as_bytes);
            groups.entry(parent.as_os_str()).or_default().push((name, state));
        }
        let mut out = Writer::default();
        out.number(groups.len() as u64);
        for (directory, entries) in groups {
            out.bytes(directory.as_bytes());
            out.number(entries.len() as u64);
            for (name, state) in entries {
                out.bytes(name);
                state.write(&mut out);
            }
        }
        Self(out.0)
    }

    /// As bytes, for [`Self::from_bytes`] or [`Self::check`].
    pub fn as_bytes(&self) -> &[u8] {
        &self.0
    }

    /// From bytes that may be damaged, which shows when they are used.
    pub fn from_bytes(bytes: &[u8]) -> Self {
        Self(bytes.to_vec())
    }

    pub(crate) fn decode(&self) -> Result<BTreeMap<OsString, State>, Damaged> {
        let mut out = BTreeMap::new();
        each(&self.0, |_, _, path, state| {
            out.insert(OsStr::from_bytes(path.to_bytes()).to_owned(), state);
            true
        })?;
        Ok(out)
    }

    /// How many questions there are.
    pub fn len(&self) -> usize {
        self.decode().map_or(0, |states| states.len())
    }

    /// Whether nothing was looked at.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// One line for each question: the path and what it was.
    pub fn describe(&self) -> Vec<String> {
        let states = self.decode().unwrap_or_default();
        states.iter().map(|(path, state)| format!("{} {state:?}", path.display())).collect()
    }

    /// Whether everything is as it was seen. When it is, whoever is recording relies on it too.
    ///
    /// # Errors
    /// When the witnesses are damaged.
    pub fn hold(&self) -> Result<Verdict, Damaged> {
        let verdict = Self::check(&self.0)?;
        if verdict == Verdict::Holds {
            recording::rely_on(self);
        }
        Ok(verdict)
    }

    /// As [`Self::hold`], for what [`Self::as_bytes`] gave, without taking it apart first.
    ///
    /// # Errors
    /// When the bytes are damaged.
    pub fn check(bytes: &[u8]) -> Result<Verdict, Damaged> {
        let mut changed = None;
        each(bytes, |directory, name, path, state| {
            let holds = state.holds(directory, name, path);
            if !holds {
                changed = Some(PathBuf::from(OsStr::from_bytes(path.to_bytes())));
            }
            holds
        })?;
        Ok(changed.map_or(Verdict::Holds, Verdict::Changed))
    }
}

/// Calls `ask` with each entry until it says `false`: the directory when it is worth opening, the entry's
/// name, its whole path, and its state.
fn each(
    bytes: &[u8],
    mut ask: impl FnMut(Option<&OwnedFd>, &CStr, &CStr, State) -> bool,
) -> Result<(), Damaged> {
    let mut from = Reader(bytes);
    let mut buffer = Vec::with_capacity(512);
    for _ in 0..from.count()? {
        buffer.clear();
        buffer.extend_from_slice(from.bytes()?);
        if buffer != b"/" {
            buffer.push(b'/');
        }
        let base = buffer.len();
        let count = from.count()?;
        let mut open = None;
        if count >= OPEN {
            buffer.push(0);
            let path = CStr::from_bytes_with_nul(&buffer).map_err(|_| Damaged)?;
            let flags = OFlags::PATH | OFlags::DIRECTORY | OFlags::CLOEXEC;
            // What cannot be opened is looked at by its path, which says why.
            open = openat(CWD, path, flags, Mode::empty()).ok();
        }
        for _ in 0..count {
            buffer.truncate(base);
            buffer.extend_from_slice(from.bytes()?);
            buffer.push(0);
            let path = CStr::from_bytes_with_nul(&buffer).map_err(|_| Damaged)?;
            let name = CStr::from_bytes_with_nul(&buffer[base..]).map_err(|_| Damaged)?;
            // Only `/` itself has no name.
            let directory = open.as_ref().filter(|_| !name.is_empty());
            if !ask(directory, name, path, State::read(&mut from)?) {
                return Ok(());
            }
        }
    }
    if from.0.is_empty() { Ok(()) } else { Err(Damaged) }
}

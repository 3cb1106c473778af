//! What was seen, as few questions as possible.
//!
//! A directory's modification and change times tell that no entry of it was added, removed or replaced.
//! So one question about a directory takes the place of those for what was absent, a link or a directory
//! in it, where there are several; links cannot be edited in place. Files can: each has its own.
//!
//! Of a directory that was only passed through, and of a socket or device, only that it is one counts:
//! what is in the one has its own witnesses, and what is behind the other is not for files to tell.

use crate::code::{Damaged, Reader, Writer};
use crate::look::{FLAGS, Kind, Look, MASK};
use crate::pseudo::{self, Filter, Nature};
use crate::recording;
use rustix::fs::{CWD, Mode, OFlags, openat, statx};
use std::collections::{BTreeMap, HashMap};
use std::ffi::{CStr, OsStr, OsString};
use std::os::fd::OwnedFd;
use std::os::unix::ffi::OsStrExt;
use std::path::{Path, PathBuf};
use std::time::{SystemTime, UNIX_EPOCH};

/// From this many entries of one directory on, the directory stands for those that are no files.
const CROWD: usize = 5;

/// The same for a directory that the user or everybody may write to: it changes all the time, for reasons
/// that have nothing to do with what was looked for in it.
const BUSY_CROWD: usize = 32;

/// From this many entries of one directory on, it is opened and the entries are looked at from there.
const OPEN: usize = 4;

/// A file that was changed this shortly before it was looked at may have been changed again within the
/// grain of its file system's clock; two seconds is FAT's, the coarsest.
const GRAIN: i64 = 2_000_000_000;

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

/// What one path was.
#[derive(Clone, Debug, PartialEq, Eq)]
enum State {
    /// Nothing, or nothing that may be looked at.
    Absent,
    /// A directory that others were looked for in: mode, owner.
    Directory(u32, u32),
    /// A socket, FIFO or device: type, owner.
    Other(u32, u32),
    /// A link: device, inode, modified.
    Link(u64, u64, i64),
    /// A file: device, inode, size, modified, mode.
    File(u64, u64, u64, i64, u32),
    /// A directory with just the entries it had: device, inode, modified, changed.
    Listed(u64, u64, i64, i64),
    /// A file of the kernel's making: its content.
    Content(Vec<u8>),
    /// A directory of which the times tell nothing, or too much: those of its names that count.
    Names(Filter, Vec<u8>),
    /// A link of the kernel's making: its text.
    Target(Vec<u8>),
}

/// `S_IFMT`: the bits of a mode that are the type.
const TYPE: u32 = 0o170_000;

/// Anonymous device numbers, of file systems that are on no block device, are given anew by each mount.
fn lasting(device: u64) -> u64 {
    if rustix::fs::major(device) == 0 { 0 } else { device }
}

impl State {
    fn of(look: &Look) -> Self {
        let device = lasting(look.device);
        match look.kind {
            Kind::Directory => State::Directory(look.mode, look.owner),
            Kind::Other => State::Other(look.mode & TYPE, look.owner),
            Kind::Link => State::Link(device, look.inode, look.modified),
            Kind::File => State::File(device, look.inode, look.size, look.modified, look.mode),
        }
    }

    fn listed(look: &Look) -> Self {
        State::Listed(lasting(look.device), look.inode, look.modified, look.changed)
    }

    /// The time of the change that a further one could hide behind.
    fn time(&self) -> Option<i64> {
        match *self {
            State::Listed(_, _, modified, changed) => Some(modified.max(changed)),
            State::Link(_, _, modified) | State::File(_, _, _, modified, _) => Some(modified),
            _ => None,
        }
    }

    fn write(&self, out: &mut Writer) {
        match self {
            State::Absent => out.byte(0),
            State::Directory(mode, owner) | State::Other(mode, owner) => {
                out.byte(if matches!(self, State::Directory(..)) { 1 } else { 2 });
                out.number((*mode).into());
                out.number((*owner).into());
            }
            State::Link(device, inode, modified) => {
                out.byte(3);
                out.number(*device);
                out.number(*inode);
                out.signed(*modified);
            }
            State::File(device, inode, size, modified, mode) => {
                out.byte(4);
                out.number(*device);
                out.number(*inode);
                out.number(*size);
                out.signed(*modified);
                out.number((*mode).into());
            }
            State::Listed(device, inode, modified, changed) => {
                out.byte(5);
                out.number(*device);
                out.number(*inode);
                out.signed(*modified);
                out.signed(*changed);
            }
            State::Content(bytes) => {
                out.byte(6);
                out.bytes(bytes);
            }
            State::Names(filter, bytes) => {
                out.byte(match filter {
                    Filter::All => 7,
                    Filter::Links => 9,
                    Filter::Prefix(_) => 10,
                });
                if let Filter::Prefix(prefix) = filter {
                    out.bytes(prefix);
                }
                out.bytes(bytes);
            }
            State::Target(bytes) => {
                out.byte(8);
                out.bytes(bytes);
            }
        }
    }

    fn read(from: &mut Reader<'_>) -> Result<Self, Damaged> {
        let mode = |from: &mut Reader<'_>| u32::try_from(from.number()?).map_err(|_| Damaged);
        Ok(match from.byte()? {
            0 => State::Absent,
            1 => State::Directory(mode(from)?, mode(from)?),
            2 => State::Other(mode(from)?, mode(from)?),
            3 => State::Link(from.number()?, from.number()?, from.signed()?),
            4 => State::File(
                from.number()?,
                from.number()?,
                from.number()?,
                from.signed()?,
                mode(from)?,
            ),
            5 => State::Listed(from.number()?, from.number()?, from.signed()?, from.signed()?),
            6 => State::Content(from.bytes()?.to_vec()),
            7 => State::Names(Filter::All, from.bytes()?.to_vec()),
            8 => State::Target(from.bytes()?.to_vec()),
            9 => State::Names(Filter::Links, from.bytes()?.to_vec()),
            10 => State::Names(Filter::Prefix(from.bytes()?.to_vec()), from.bytes()?.to_vec()),
            _ => return Err(Damaged),
        })
    }

    /// Whether this is still what is at `name` in the open directory, which is `path`.
    fn holds(&self, directory: Option<&OwnedFd>, name: &CStr, path: &CStr) -> bool {
        let whole = || Path::new(OsStr::from_bytes(path.to_bytes()));
        match self {
            State::Content(text) => return pseudo::content(whole()).as_ref() == Some(text),
            State::Names(filter, names) => {
                return pseudo::names(whole(), filter).as_ref() == Some(names);
            }
            State::Target(text) => return pseudo::target(whole()).as_ref() == Some(text),
            _ => {}
        }
        let seen = match directory {
            Some(directory) => statx(directory, name, FLAGS, MASK),
            None => statx(CWD, path, FLAGS, MASK),
        };
        let Ok(seen) = seen else { return *self == State::Absent };
        let look = Look::from(&seen);
        match self {
            State::Absent => false,
            State::Listed(..) => look.kind == Kind::Directory && *self == State::listed(&look),
            _ => *self == State::of(&look),
        }
    }
}

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

    fn decode(&self) -> Result<BTreeMap<OsString, State>, Damaged> {
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

/// The questions that tell whether what was seen is still so. `None` when something cannot be asked.
fn gather(mut seen: Seen) -> Option<BTreeMap<OsString, State>> {
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

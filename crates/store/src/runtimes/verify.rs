//! Holding a runtime against its manifest.
//!
//! | | whole (`mtree.txt.gz`) | minimized (`usr-mtree.txt.gz` beside `files`) |
//! |---|---|---|
//! | missing links, directories and empty files | differ | are made when it is used |
//! | executable bits and times, where they are said | compared | set when it is used |
//! | a file stored under another name | | is looked for there |
//! | kinds, targets of links, sizes, SHA-256 | compared | compared |
//! | what the manifest does not have | differs | differs, but for an empty `.ref`, the lock |

use super::Error;
use super::variable::REF;
use crate::dir::Dir;
use crate::{Store, place};
use inspect::mtree::{Entry, Manifest, Time};
use plan::{ByteString, HostPath, RootPath};
use rustix::fs::{AtFlags, FileType, Mode, OFlags, ResolveFlags, Stat};
use rustix::io::Errno;
use sha2::{Digest, Sha256};
use std::collections::HashSet;
use std::ffi::{CStr, CString};
use std::fmt;
use std::fs::File;
use std::io::Read;
use std::os::fd::OwnedFd;
use std::os::unix::ffi::OsStrExt;
use std::path::Path;
use std::sync::Mutex;
use std::sync::atomic::{AtomicU64, AtomicUsize, Ordering};

/// What is compared.
#[derive(Clone, Copy)]
pub struct Verification<'a> {
    /// What the directory should have.
    pub manifest: &'a Manifest,
    /// The directory is what a content server keeps of a runtime.
    pub minimized: bool,
    /// So many threads read files.
    pub threads: usize,
    /// Called now and then with the number of bytes read so far, by any of the threads.
    pub progress: &'a (dyn Fn(u64) + Sync),
}

/// What came out of it.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Verdict {
    /// In the order of their paths; none when the directory is as it should be.
    pub differences: Vec<Difference>,
    /// Entries of the manifest that were compared.
    pub entries: u64,
    /// Bytes that were read for it.
    pub bytes: u64,
}

/// One thing that is not as the manifest says.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Difference {
    /// Where, below the directory. A file stored under another name has its own name here.
    pub path: RootPath,
    /// What is wrong.
    pub fault: Fault,
}

/// What is wrong with one path.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Fault {
    /// It is not there.
    Missing,
    /// It is there, and the manifest does not have it.
    Unlisted,
    /// It is of another kind than this.
    Kind(&'static str),
    /// It is a link to the second, not the first.
    Target(ByteString, ByteString),
    /// It has the second number of bytes, not the first.
    Size(u64, u64),
    /// Its SHA-256 is another one.
    Content,
    /// Whether it should be executable, and it is the other way round.
    Executable(bool),
    /// It was modified at another time than this.
    Modified(Time),
    /// It cannot be looked at.
    Unreadable(Errno),
}

impl fmt::Display for Difference {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: ", self.path)?;
        match &self.fault {
            Fault::Missing => f.write_str("missing"),
            Fault::Unlisted => f.write_str("not in the manifest"),
            Fault::Kind(wanted) => write!(f, "not a {wanted}"),
            Fault::Target(wanted, found) => write!(f, "leads to `{found}`, not to `{wanted}`"),
            Fault::Size(wanted, found) => write!(f, "{found} bytes, not {wanted}"),
            Fault::Content => f.write_str("its content is another (SHA-256)"),
            Fault::Executable(true) => f.write_str("not executable"),
            Fault::Executable(false) => f.write_str("executable"),
            Fault::Modified(wanted) => {
                write!(f, "not modified at {}.{:09}", wanted.seconds, wanted.nanoseconds)
            }
            Fault::Unreadable(errno) => write!(f, "{errno}"),
        }
    }
}

/// Reads a manifest, compressed with gzip or not.
///
/// # Errors
/// [`Error::Manifest`].
pub fn manifest(path: &HostPath) -> Result<Manifest, Error> {
    let failed = |why| Error::Manifest { path: path.clone(), why };
    let bytes = std::fs::read(path.as_path()).map_err(|e| failed(e.to_string()))?;
    inspect::mtree::parse_any(&bytes).map_err(|e| failed(e.to_string()))
}

/// How many threads should read: those of the machine that this process may use; beyond a few, the disk is what is
/// waited for.
#[must_use]
pub fn threads() -> usize {
    // What the standard library counts is also limited by control groups, which it takes 8 kB of code to read.
    let usable = rustix::thread::sched_getaffinity(None).map_or(1, |processors| processors.count());
    usable.clamp(1, 4) as usize
}

/// Compares the directory with the manifest.
///
/// # Errors
/// When the directory cannot be opened. What is wrong inside is in the verdict.
pub fn verify(directory: &HostPath, how: &Verification<'_>) -> Result<Verdict, Error> {
    let top = Dir::open(directory).map_err(|errno| crate::Error::Source {
        path: directory.clone(),
        call: "open",
        errno,
    })?;
    let entries: Vec<_> = how.manifest.entries.iter().collect();
    let (next, bytes) = (AtomicUsize::new(0), AtomicU64::new(0));
    let found = Mutex::new(vec![]);
    let work = || {
        while let Some((path, entry)) = entries.get(next.fetch_add(1, Ordering::Relaxed)) {
            let one = One { top: &top, how, bytes: &bytes };
            if let Some(fault) = one.fault(path, entry) {
                let difference = Difference { path: (*path).clone(), fault };
                found.lock().unwrap_or_else(|e| e.into_inner()).push(difference);
            }
        }
    };
    std::thread::scope(|scope| {
        for _ in 1..how.threads.clamp(1, 64) {
            scope.spawn(work);
        }
        work();
    });
    let mut differences = found.into_inner().unwrap_or_else(|e| e.into_inner());
    unlisted(&top, how, &mut differences);
    differences.sort_unstable_by(|a, b| a.path.cmp(&b.path));
    Ok(Verdict { differences, entries: entries.len() as u64, bytes: bytes.into_inner() })
}

/// One entry.
struct One<'a> {
    top: &'a Dir,
    how: &'a Verification<'a>,
    bytes: &'a AtomicU64,
}

impl One<'_> {
    fn fault(&self, path: &RootPath, entry: &Entry) -> Option<Fault> {
        let optional = self.how.minimized || self.how.manifest.optional.contains(path);
        match entry {
            Entry::Directory => match self.kind(path) {
                Ok(FileType::Directory) => None,
                Ok(_) => Some(Fault::Kind("directory")),
                Err(e) => absent(e, optional),
            },
            Entry::Link { target } => {
                match rustix::fs::readlinkat(self.top, path.relative(), vec![]) {
                    Ok(text) if text.to_bytes() == target.as_bytes() => None,
                    Ok(text) => {
                        let text = ByteString(text.into_bytes());
                        Some(Fault::Target(target.clone(), text))
                    }
                    Err(Errno::INVAL) => Some(Fault::Kind("symbolic link")),
                    Err(e) => absent(e, optional),
                }
            }
            Entry::File { .. } => self.file(path, entry),
        }
    }

    fn kind(&self, path: &RootPath) -> Result<FileType, Errno> {
        let stat = rustix::fs::statat(self.top, path.relative(), AtFlags::SYMLINK_NOFOLLOW)?;
        Ok(FileType::from_raw_mode(stat.st_mode))
    }

    fn file(&self, path: &RootPath, entry: &Entry) -> Option<Fault> {
        let Entry::File { content, size, optional, sha256, .. } = entry else { return None };
        let minimized = self.how.minimized;
        let optional = *optional || (minimized && *size == Some(0));
        let place = if minimized { content } else { path };
        let opened = open(self.top, place.relative());
        let file = match opened {
            Ok(file) => file,
            // A link where a file should be, or a link on the way there.
            Err(Errno::LOOP | Errno::NXIO) => return Some(Fault::Kind("regular file")),
            Err(e) => return absent(e, optional),
        };
        let stat = match rustix::fs::fstat(&file) {
            Ok(stat) => stat,
            Err(e) => return Some(Fault::Unreadable(e)),
        };
        if !FileType::from_raw_mode(stat.st_mode).is_file() {
            return Some(Fault::Kind("regular file"));
        }
        let found = u64::try_from(stat.st_size).unwrap_or(0);
        if let Some(size) = size
            && *size != found
        {
            return Some(Fault::Size(*size, found));
        }
        if let Some(wanted) = sha256 {
            match self.digest(file) {
                Ok(digest) if digest == *wanted => {}
                Ok(_) => return Some(Fault::Content),
                Err(e) => {
                    return Some(Fault::Unreadable(Errno::from_io_error(&e).unwrap_or(Errno::IO)));
                }
            }
        }
        if minimized { None } else { looks(entry, &stat) }
    }

    fn digest(&self, file: OwnedFd) -> std::io::Result<[u8; 32]> {
        let mut file = File::from(file);
        let mut buffer = vec![0; 128 << 10];
        let mut hash = Sha256::new();
        loop {
            let n = file.read(&mut buffer)?;
            if n == 0 {
                return Ok(hash.finalize().into());
            }
            hash.update(&buffer[..n]);
            let n = n as u64;
            (self.how.progress)(self.bytes.fetch_add(n, Ordering::Relaxed) + n);
        }
    }
}

/// Where the kernel can (Linux 5.6), no link is followed on the way either.
pub(super) fn open(top: &Dir, path: &Path) -> Result<OwnedFd, Errno> {
    let flags =
        OFlags::RDONLY | OFlags::CLOEXEC | OFlags::NOFOLLOW | OFlags::NONBLOCK | OFlags::NOCTTY;
    let how = ResolveFlags::NO_SYMLINKS | ResolveFlags::BENEATH;
    match rustix::fs::openat2(top, path, flags, Mode::empty(), how) {
        Err(Errno::NOSYS | Errno::PERM) => rustix::fs::openat(top, path, flags, Mode::empty()),
        other => other,
    }
}

fn absent(errno: Errno, optional: bool) -> Option<Fault> {
    match errno {
        Errno::NOENT if optional => None,
        Errno::NOENT | Errno::NOTDIR => Some(Fault::Missing),
        e => Some(Fault::Unreadable(e)),
    }
}

/// Executable bits and time of a file that is kept as it is.
fn looks(entry: &Entry, stat: &Stat) -> Option<Fault> {
    let Entry::File { executable, mode_said, modified, no_change, .. } = entry else {
        return None;
    };
    if *no_change {
        return None;
    }
    if *mode_said && (stat.st_mode & 0o100 != 0) != *executable {
        return Some(Fault::Executable(*executable));
    }
    let wanted = (*modified)?;
    let found = place::modified(stat);
    // Some writers cut to seconds, and what sets them, to microseconds.
    #[allow(clippy::unnecessary_cast)] // the width depends on the architecture
    let nanoseconds = found.tv_nsec as i64;
    let same =
        wanted.nanoseconds == 0 || i64::from(wanted.nanoseconds / 1000) == nanoseconds / 1000;
    (found.tv_sec != wanted.seconds || !same).then_some(Fault::Modified(wanted))
}

/// What is there and not listed. Of a directory that is not listed, only itself is named.
fn unlisted(top: &Dir, how: &Verification<'_>, differences: &mut Vec<Difference>) {
    let listed = listed(how);
    // By path, because a directory of a runtime may have thousands, and they cannot all be kept open.
    let mut pending = vec![(RootPath::root(), 0)];
    while let Some((at, depth)) = pending.pop() {
        let opened = if depth == 0 { Dir::open(top.path()) } else { below(top, &at) };
        let entries = opened.and_then(|dir| Ok((dir.entries()?, dir)));
        let (entries, dir) = match entries {
            Ok(found) => found,
            Err(e) => {
                differences.push(Difference { path: at, fault: Fault::Unreadable(e) });
                continue;
            }
        };
        for (name, kind) in entries {
            let Some(path) = at.child(name.to_bytes()) else { continue };
            if !listed.contains(path.as_bytes()) {
                if !(how.minimized && is_lock(&dir, &name, depth)) {
                    differences.push(Difference { path, fault: Fault::Unlisted });
                }
            } else if kind == FileType::Directory
                && depth < Store::MAX_DEPTH
                && !how.manifest.ignore.contains(&path)
            {
                pending.push((path, depth + 1));
            }
        }
    }
}

fn below(top: &Dir, path: &RootPath) -> Result<Dir, Errno> {
    let name = CString::new(path.relative().as_os_str().as_bytes()).map_err(|_| Errno::INVAL)?;
    top.child(&name)
}

/// The lock file, which whoever uses the runtime makes.
fn is_lock(dir: &Dir, name: &CStr, depth: usize) -> bool {
    depth == 0 && name == REF && dir.stat_of(name).is_ok_and(|s| s.st_size == 0)
}

/// Everything that may be there, with the directories above it.
fn listed<'a>(how: &Verification<'a>) -> HashSet<&'a [u8]> {
    let mut out = HashSet::new();
    let mut add = |path: &'a RootPath| {
        let mut path = path.as_bytes();
        while out.insert(path) {
            match path.iter().rposition(|b| *b == b'/') {
                Some(end) if end > 0 => path = &path[..end],
                _ => break,
            }
        }
    };
    for (path, entry) in &how.manifest.entries {
        add(path);
        if let Entry::File { content, .. } = entry
            && how.minimized
        {
            add(content);
        }
    }
    out
}

//! How the content of a file gets into the store: hard link, else reflink, else copy.
//!
//! A hard link costs one system call and no space, and keeps owner, mode and time. It is refused
//! across mounts (`EXDEV`), beyond the file system's limit (`EMLINK`), where the file system has none,
//! and, with `fs.protected_hardlinks` (`may_linkat` in fs/namei.c), for files that the user does not
//! own and may not both read and write: a runtime owned by root is copied, Steam's, owned by the
//! user, is linked. What was refused often enough is not asked for again.

use crate::Error;
use crate::dir::Dir;
use plan::HostPath;
use rustix::fs::{AtFlags, FileType, Mode, OFlags, Stat, Timespec, Timestamps, UTIME_OMIT};
use rustix::io::Errno;
use std::collections::BTreeMap;
use std::ffi::CStr;
use std::fs::File;
use std::io::Write;
use std::os::fd::{AsFd, OwnedFd};

/// Modification time of everything that we make ourselves: fixed, so that equal descriptions give
/// equal trees, and old, so that caches which compare times (icon themes) stay valid.
pub(crate) const EPOCH: Timespec = Timespec { tv_sec: 1, tv_nsec: 0 };

/// After so many refusals and no success, a file system is no longer asked.
const PATIENCE: u32 = 8;

/// What was done, for the record and for `gc`.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Tally {
    /// Files, links and directories made.
    pub entries: u64,
    /// Of these, hard links.
    pub linked: u64,
    /// Of these, reflinks.
    pub cloned: u64,
    /// Of these, copies.
    pub copied: u64,
    /// Bytes that take space of their own.
    pub bytes: u64,
    /// Files and directories that the user may not read, present and empty.
    pub unreadable: Vec<HostPath>,
    /// Sockets, FIFOs and devices, left out.
    pub special: Vec<HostPath>,
}

/// Whether something works on one file system.
#[derive(Debug, Default)]
struct Attempts {
    worked: bool,
    refused: u32,
}

impl Attempts {
    fn worthwhile(&self) -> bool {
        self.worked || self.refused < PATIENCE
    }
}

/// Puts files into one tree and remembers what works.
#[derive(Debug, Default)]
pub(crate) struct Placer {
    links: BTreeMap<u64, Attempts>,
    clones: BTreeMap<u64, Attempts>,
    /// Copy files over, links or not: the injection point for tests of the fallback.
    pub(crate) never_link: bool,
    pub(crate) tally: Tally,
}

/// What a copy is to look like.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Looks {
    pub(crate) mode: u32,
    pub(crate) modified: Timespec,
}

impl Placer {
    /// Tries a hard link. `false`: it has to be copied.
    pub(crate) fn link(
        &mut self,
        from: &Dir,
        name: &CStr,
        device: u64,
        to: &Dir,
        as_name: &CStr,
    ) -> Result<bool, Error> {
        let attempts = self.links.entry(device).or_default();
        if self.never_link || !attempts.worthwhile() {
            return Ok(false);
        }
        match rustix::fs::linkat(from, name, to, as_name, AtFlags::empty()) {
            Ok(()) => {
                attempts.worked = true;
                self.tally.linked += 1;
                self.tally.entries += 1;
                Ok(true)
            }
            Err(e @ (Errno::NOSPC | Errno::DQUOT | Errno::ROFS | Errno::EXIST)) => {
                Err(Error::writing(to.path_of(as_name), "linkat", e))
            }
            Err(Errno::NOENT) => Err(Error::SourceChanged { path: from.path_of(name) }),
            Err(_) => {
                attempts.refused += 1;
                Ok(false)
            }
        }
    }

    /// Copies the regular file `name` of `from`; `looks` decides from its attributes what the copy is
    /// to look like. A file that may not be read becomes an empty one that may not be read either.
    pub(crate) fn copy(
        &mut self,
        from: &Dir,
        name: &CStr,
        to: &Dir,
        as_name: &CStr,
        looks: impl FnOnce(&Stat) -> Looks,
    ) -> Result<(), Error> {
        let source = match from.open_file(name, OFlags::RDONLY, 0) {
            Ok(fd) => fd,
            Err(Errno::ACCESS | Errno::PERM) => {
                self.tally.unreadable.push(from.path_of(name));
                let modified = EPOCH;
                return self.content(to, as_name, b"", Looks { mode: 0, modified });
            }
            Err(Errno::NOENT | Errno::LOOP) => {
                return Err(Error::SourceChanged { path: from.path_of(name) });
            }
            Err(errno) => {
                return Err(Error::Source { path: from.path_of(name), call: "open", errno });
            }
        };
        let stat = |fd: &OwnedFd| {
            rustix::fs::fstat(fd).map_err(|errno| Error::Source {
                path: from.path_of(name),
                call: "fstat",
                errno,
            })
        };
        let before = stat(&source)?;
        let target = self.create(to, as_name)?;
        let (source, target) = self.transfer(source, device_of(&before), target).map_err(|e| {
            let errno = Errno::from_io_error(&e).unwrap_or(Errno::IO);
            Error::writing(to.path_of(as_name), "copy", errno)
        })?;
        if version(&stat(&source)?) != version(&before) {
            return Err(Error::SourceChanged { path: from.path_of(name) });
        }
        finish(&target, looks(&before))
            .map_err(|e| Error::writing(to.path_of(as_name), "fchmod", e))
    }

    /// A file with this content.
    pub(crate) fn content(
        &mut self,
        to: &Dir,
        name: &CStr,
        content: &[u8],
        looks: Looks,
    ) -> Result<(), Error> {
        let mut file = File::from(self.create(to, name)?);
        file.write_all(content).map_err(|e| {
            let errno = Errno::from_io_error(&e).unwrap_or(Errno::IO);
            Error::writing(to.path_of(name), "write", errno)
        })?;
        self.tally.bytes += content.len() as u64;
        finish(&file, looks).map_err(|e| Error::writing(to.path_of(name), "fchmod", e))
    }

    /// A symbolic link.
    pub(crate) fn symlink(&mut self, to: &Dir, name: &CStr, text: &[u8]) -> Result<(), Error> {
        rustix::fs::symlinkat(text, to, name)
            .map_err(|e| Error::writing(to.path_of(name), "symlinkat", e))?;
        self.tally.entries += 1;
        Ok(())
    }

    fn create(&mut self, to: &Dir, name: &CStr) -> Result<OwnedFd, Error> {
        let flags = OFlags::WRONLY | OFlags::CREATE | OFlags::EXCL;
        let fd = to
            .open_file(name, flags, 0o600)
            .map_err(|e| Error::writing(to.path_of(name), "open", e))?;
        self.tally.entries += 1;
        Ok(fd)
    }

    fn transfer(
        &mut self,
        from: OwnedFd,
        device: u64,
        to: OwnedFd,
    ) -> std::io::Result<(OwnedFd, OwnedFd)> {
        let clones = self.clones.entry(device).or_default();
        if clones.worthwhile() {
            if rustix::fs::ioctl_ficlone(&to, &from).is_ok() {
                clones.worked = true;
                self.tally.cloned += 1;
                return Ok((from, to));
            }
            clones.refused += 1;
        }
        let (mut from, mut to) = (File::from(from), File::from(to));
        // copy_file_range where the kernel has it, else a loop of read and write.
        self.tally.bytes += std::io::copy(&mut from, &mut to)?;
        self.tally.copied += 1;
        Ok((from.into(), to.into()))
    }
}

/// Gives an open file or directory its final looks.
pub(crate) fn finish(fd: impl AsFd, looks: Looks) -> Result<(), Errno> {
    rustix::fs::fchmod(&fd, Mode::from_raw_mode(looks.mode & 0o7777))?;
    touch(fd, looks.modified)
}

fn touch(fd: impl AsFd, modified: Timespec) -> Result<(), Errno> {
    let keep = Timespec { tv_sec: 0, tv_nsec: UTIME_OMIT };
    rustix::fs::futimens(&fd, &Timestamps { last_access: keep, last_modification: modified })
}

/// So many nanoseconds since 1970.
pub(crate) fn moment(nanoseconds: i64) -> Timespec {
    let second = 1_000_000_000;
    let tv_nsec = nanoseconds.rem_euclid(second) as _;
    Timespec { tv_sec: nanoseconds.div_euclid(second), tv_nsec }
}

/// Mode and time of a file, as they are.
pub(crate) fn looks_of(stat: &Stat) -> Looks {
    Looks { mode: stat.st_mode & 0o7777, modified: modified(stat) }
}

/// Modification time.
pub(crate) fn modified(stat: &Stat) -> Timespec {
    Timespec { tv_sec: stat.st_mtime, tv_nsec: stat.st_mtime_nsec as _ }
}

/// Number of the device that a file lies on.
pub(crate) fn device_of(stat: &Stat) -> u64 {
    #[allow(clippy::unnecessary_cast)] // `unsigned long` on some architectures
    (stat.st_dev as u64)
}

/// What changes when the content of a file or directory does. Not the change time of a file, which
/// changes with every hard link that is made to it, so with every tree.
pub(crate) fn version(stat: &Stat) -> [i128; 6] {
    let directory = FileType::from_raw_mode(stat.st_mode).is_dir();
    let changed = if directory { (stat.st_ctime, stat.st_ctime_nsec) } else { (0, 0) };
    [
        i128::from(stat.st_ino),
        i128::from(stat.st_size),
        i128::from(stat.st_mtime),
        i128::from(stat.st_mtime_nsec),
        i128::from(changed.0),
        i128::from(changed.1),
    ]
}

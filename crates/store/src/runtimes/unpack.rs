//! Unpacking an archive into an empty directory.
//!
//! Every path is walked from that directory, name by name, and no link is followed on the way: whatever the
//! archive has, nothing is written elsewhere. An entry that would lead out is an error, because no
//! runtime has one.

use super::Error;
use super::tar::{Archive, Broken, Header, Kind};
use crate::dir::Dir;
use crate::place::{self, Looks};
use crate::{Store, remove};
use plan::ByteString;
use rustix::fs::{AtFlags, OFlags, Timespec};
use rustix::io::Errno;
use std::ffi::{CStr, CString};
use std::fs::File;
use std::io::{Read, Write};
use std::rc::Rc;

/// Unpacks. `progress` is told how many bytes of files have been written.
///
/// # Errors
/// [`Error::Archive`] with what is wrong with it; of the file system. What was made so far is left.
pub(super) fn unpack(
    reader: &mut dyn Read,
    into: &Dir,
    progress: &mut dyn FnMut(u64),
) -> Result<(), Error> {
    let mut archive = Archive::new(reader);
    let top = Dir::open(into.path()).map_err(|e| writing(into, c".", "open", e))?;
    let mut unpacking = Unpacking { top: Rc::new(top), open: vec![], written: 0, progress };
    while let Some(header) = archive.next().map_err(broken)? {
        unpacking.entry(&header, &mut archive)?;
    }
    Ok(())
}

struct Unpacking<'p> {
    top: Rc<Dir>,
    /// The directories on the way to the last entry: the next is near it as a rule.
    open: Vec<(CString, Rc<Dir>)>,
    written: u64,
    progress: &'p mut dyn FnMut(u64),
}

impl Unpacking<'_> {
    fn entry(&mut self, header: &Header, archive: &mut Archive<'_>) -> Result<(), Error> {
        let names = names(&header.path)?;
        let Some((name, parents)) = names.split_last() else {
            // `./` itself.
            return match header.kind {
                Kind::Directory => Ok(()),
                _ => Err(refused(&header.path, "is the directory itself")),
            };
        };
        let parent = self.directory(parents, &header.path)?;
        match header.kind {
            Kind::Directory => {
                self.directory(&names, &header.path)?;
                Ok(())
            }
            Kind::File => self.file(header, archive, &parent, name),
            Kind::Symlink => {
                clear(&parent, name)?;
                rustix::fs::symlinkat(header.link.as_slice(), &*parent, name)
                    .map_err(|e| writing(&parent, name, "symlinkat", e))
            }
            Kind::HardLink => self.hard_link(header, &parent, name),
            Kind::Other(_) => Err(refused(&header.path, "is a device, a FIFO or unknown")),
        }
    }

    fn file(
        &mut self,
        header: &Header,
        archive: &mut Archive<'_>,
        parent: &Dir,
        name: &CStr,
    ) -> Result<(), Error> {
        clear(parent, name)?;
        let flags = OFlags::WRONLY | OFlags::CREATE | OFlags::EXCL;
        let file = parent.open_file(name, flags, 0o600);
        let mut file = File::from(file.map_err(|e| writing(parent, name, "open", e))?);
        let mut buffer = vec![0; 64 << 10];
        loop {
            let n = archive.content(&mut buffer).map_err(broken)?;
            if n == 0 {
                break;
            }
            file.write_all(&buffer[..n]).map_err(|e| {
                writing(parent, name, "write", Errno::from_io_error(&e).unwrap_or(Errno::IO))
            })?;
            self.written += n as u64;
            (self.progress)(self.written);
        }
        // Nobody but the user may write, and the user may, so that all of it can be deleted again.
        let mode = (header.mode & 0o755) | 0o600;
        let modified = Timespec { tv_sec: header.modified, tv_nsec: 0 };
        place::finish(&file, Looks { mode, modified })
            .map_err(|e| writing(parent, name, "fchmod", e))
    }

    /// A further name of a file that the archive had before.
    fn hard_link(&mut self, header: &Header, parent: &Dir, name: &CStr) -> Result<(), Error> {
        let target = names(&header.link)?;
        let Some((file, parents)) = target.split_last() else {
            return Err(refused(&header.path, "is a hard link to a directory"));
        };
        let from = self.directory(parents, &header.link)?;
        clear(parent, name)?;
        match rustix::fs::linkat(&*from, file, parent, name, AtFlags::empty()) {
            Ok(()) => Ok(()),
            Err(Errno::NOENT) => Err(refused(&header.path, "is a hard link to what is not there")),
            Err(e) => Err(writing(parent, name, "linkat", e)),
        }
    }

    /// The directory below the top that `names` lead to; made where it is missing.
    fn directory(&mut self, names: &[CString], path: &[u8]) -> Result<Rc<Dir>, Error> {
        if names.len() > Store::MAX_DEPTH {
            return Err(refused(path, "is nested too deeply"));
        }
        let same =
            self.open.iter().zip(names).take_while(|((open, _), name)| open == *name).count();
        self.open.truncate(same);
        let mut at =
            self.open.last().map_or_else(|| Rc::clone(&self.top), |(_, dir)| Rc::clone(dir));
        for name in &names[same..] {
            let child = match at.child(name) {
                Err(Errno::NOENT) => {
                    at.make(name).map_err(|e| writing(&at, name, "mkdir", e))?;
                    let made = at.child(name).map_err(|e| writing(&at, name, "open", e))?;
                    let mode = rustix::fs::Mode::from_raw_mode(0o755);
                    rustix::fs::fchmod(&made, mode).map_err(|e| writing(&at, name, "fchmod", e))?;
                    made
                }
                Err(Errno::NOTDIR | Errno::LOOP) => {
                    return Err(refused(path, "lies below a link or a file"));
                }
                Err(e) => return Err(writing(&at, name, "open", e)),
                Ok(child) => child,
            };
            at = Rc::new(child);
            self.open.push((name.clone(), Rc::clone(&at)));
        }
        Ok(at)
    }
}

/// The names of a path in the archive.
fn names(path: &[u8]) -> Result<Vec<CString>, Error> {
    if path.first() == Some(&b'/') {
        return Err(refused(path, "is an absolute path"));
    }
    let mut names = vec![];
    for name in path.split(|b| *b == b'/') {
        match name {
            b"" | b"." => {}
            b".." => return Err(refused(path, "leads out of the directory")),
            name => {
                names.push(CString::new(name).map_err(|_| refused(path, "has a NUL byte in it"))?);
            }
        }
    }
    Ok(names)
}

/// A later entry of the same name takes the place of an earlier one.
fn clear(parent: &Dir, name: &CStr) -> Result<(), Error> {
    match parent.stat_of(name) {
        Err(Errno::NOENT) => Ok(()),
        _ => Ok(remove::tree(parent, name)?),
    }
}

fn refused(path: &[u8], why: &str) -> Error {
    Error::Archive(format!("its entry `{}` {why}", ByteString(path.to_vec())))
}

fn broken(broken: Broken) -> Error {
    Error::Archive(broken.to_string())
}

fn writing(dir: &Dir, name: &CStr, call: &'static str, errno: Errno) -> Error {
    crate::Error::writing(dir.path_of(name), call, errno).into()
}

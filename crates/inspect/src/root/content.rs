//! Reads the content of files of a root.

use super::error::Fault;
use super::{Error, Kind, READ_LIMIT, Resolved};
use plan::{RootPath, real};
use rustix::fd::OwnedFd;
use rustix::fs::{self, CWD, FileType, Mode, OFlags};
use std::fs::File;
use std::io::Read;

/// Opens a regular file; `None` where only a manifest has it, which says that it is empty.
pub(super) fn open(asked: &RootPath, file: &Resolved) -> Result<Option<OwnedFd>, Error> {
    let not_a_file = || Error::NotAFile { path: asked.clone(), trail: file.trail.clone() };
    if file.kind != Kind::File {
        return Err(not_a_file());
    }
    if file.identity.inode == 0 {
        return Ok(None);
    }
    let fail = |call, e| Fault::from_errno(call, e).at(asked, &file.path, &file.trail);
    // Not blocking, in case the file was replaced by a FIFO since it was looked at.
    let flags = OFlags::RDONLY | OFlags::CLOEXEC | OFlags::NOFOLLOW | OFlags::NONBLOCK;
    let fd = fs::openat(CWD, &*real::name(&file.host), flags, Mode::empty())
        .map_err(|e| fail("open", e))?;
    let stat = fs::fstat(&fd).map_err(|e| fail("fstat", e))?;
    if FileType::from_raw_mode(stat.st_mode) != FileType::RegularFile {
        return Err(not_a_file());
    }
    Ok(Some(fd))
}

/// The whole content of a regular file.
pub(super) fn read(asked: &RootPath, file: &Resolved) -> Result<Vec<u8>, Error> {
    let too_large = |size| Error::TooLarge { path: asked.clone(), size, limit: READ_LIMIT };
    if file.kind == Kind::File && file.identity.size > READ_LIMIT {
        return Err(too_large(file.identity.size));
    }
    let Some(fd) = open(asked, file)? else { return Ok(Vec::new()) };
    // A file of /proc or /sys says size 0 and has content: the limit counts, not the size.
    let mut content = Vec::with_capacity(usize::try_from(file.identity.size).unwrap_or(0));
    File::from(fd).take(READ_LIMIT + 1).read_to_end(&mut content).map_err(|e| {
        let errno = rustix::io::Errno::from_io_error(&e).unwrap_or(rustix::io::Errno::IO);
        Fault::from_errno("read", errno).at(asked, &file.path, &file.trail)
    })?;
    match u64::try_from(content.len()) {
        Ok(size) if size > READ_LIMIT => Err(too_large(size)),
        _ => Ok(content),
    }
}

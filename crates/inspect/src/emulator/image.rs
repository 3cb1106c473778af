//! Images of file systems that serve as an emulator's root.
//!
//! Known by their magic numbers, as the kernel and FEXServer tell them: `hsqs` at the start of
//! squashfs (fs/squashfs/squashfs_fs.h), 0xE0F5E1E2 at 1024 for erofs (fs/erofs/erofs_fs.h), both
//! little endian.

use crate::root::{self, Resolved, Root};
use std::io::Read;

/// Kind of file system in an image.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Format {
    /// squashfs, mounted by `squashfuse`.
    Squashfs,
    /// erofs, mounted by `erofsfuse`.
    Erofs,
}

/// How many bytes at the start of a file tell its format.
pub const START: usize = 1028;

impl Format {
    /// By the first [`START`] bytes.
    pub fn of(start: &[u8]) -> Option<Format> {
        if start.starts_with(b"hsqs") {
            return Some(Format::Squashfs);
        }
        let erofs = start.get(1024..START).is_some_and(|m| m == 0xE0F5_E1E2_u32.to_le_bytes());
        erofs.then_some(Format::Erofs)
    }

    /// By the end of a name, as FEX' tools give it. What is in the file may be something else.
    pub fn of_name(name: &[u8]) -> Option<Format> {
        let ends = |end: &str| name.ends_with(end.as_bytes());
        if ends(".sqsh") || ends(".squashfs") || ends(".sfs") {
            Some(Format::Squashfs)
        } else if ends(".ero") || ends(".erofs") {
            Some(Format::Erofs)
        } else {
            None
        }
    }

    /// The kernel's name of the file system.
    pub fn name(self) -> &'static str {
        match self {
            Format::Squashfs => "squashfs",
            Format::Erofs => "erofs",
        }
    }
}

/// The format of a file of a root; `None` for what is no image.
///
/// # Errors
/// When it is no regular file, or cannot be read.
pub fn format(root: &Root, file: &Resolved) -> Result<Option<Format>, root::Error> {
    let Some(fd) = root.open_file(file)? else { return Ok(None) };
    let mut start = Vec::with_capacity(START);
    let limit = u64::try_from(START).unwrap_or(u64::MAX);
    std::fs::File::from(fd).take(limit).read_to_end(&mut start).map_err(|e| {
        let errno = rustix::io::Errno::from_io_error(&e).unwrap_or(rustix::io::Errno::IO);
        let path = file.path.clone();
        root::Error::Io { path, call: "read", errno, trail: file.trail.clone() }
    })?;
    Ok(Format::of(&start))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn magic_numbers() {
        let erofs = [&[0; 1024][..], &[0xe2, 0xe1, 0xf5, 0xe0]].concat();
        for (start, want) in [
            (&b"hsqs"[..], Some(Format::Squashfs)),
            (b"sqsh", None),
            (&erofs, Some(Format::Erofs)),
            (&erofs[..1027], None),
            (b"", None),
        ] {
            assert_eq!(Format::of(start), want);
        }
        assert_eq!(Format::of_name(b"Ubuntu_22_04.sqsh"), Some(Format::Squashfs));
        assert_eq!(Format::of_name(b"default.erofs"), Some(Format::Erofs));
        assert_eq!(Format::of_name(b"Ubuntu_22_04"), None);
    }
}

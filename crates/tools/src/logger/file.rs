//! A log file that does not grow without limit.
//!
//! Every logger holds a shared lock on the file that it writes. To rotate it, the lock is made exclusive for a
//! moment; where that is not possible, others write the same file, and it grows.

use crate::messages::Messages;
use rustix::fs::{Mode, OFlags};
use std::ffi::{OsStr, OsString};
use std::fs::File;
use std::io::{self, Write};
use std::os::fd::OwnedFd;
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};
use store::lock::{Kind, try_lock as lock};

/// So often a file is opened that is renamed meanwhile.
const TRIES: usize = 10;

/// A log file.
#[derive(Debug)]
pub(super) struct LogFile {
    path: PathBuf,
    file: File,
    /// Bytes in the file, as far as this process knows.
    size: u64,
    limit: Option<u64>,
}

impl LogFile {
    /// Opens or makes the file. Its directory must be there.
    pub(super) fn open(path: PathBuf, limit: Option<u64>) -> io::Result<Self> {
        let file = open(&path)?;
        let size = file.metadata()?.len();
        Ok(Self { path, file, size, limit })
    }

    /// The same with a descriptor that is open (and locked) already.
    pub(super) fn adopt(path: PathBuf, fd: OwnedFd, limit: Option<u64>) -> io::Result<Self> {
        let file = File::from(fd);
        let size = file.metadata()?.len();
        Ok(Self { path, file, size, limit })
    }

    /// Makes room for a line of so many bytes.
    pub(super) fn make_room(&mut self, bytes: usize, messages: &Messages) {
        let Some(limit) = self.limit else { return };
        let after = self.size.saturating_add(bytes as u64);
        // A line that is too long for any file does not make an empty one.
        if after <= limit || self.size == 0 {
            return;
        }
        if let Err(error) = self.rotate() {
            let path = self.path.display();
            messages.warning(format_args!("{path} will grow, it cannot be rotated: {error}"));
            self.limit = None;
        }
    }

    /// Appends text.
    pub(super) fn write(&mut self, text: &[u8]) -> io::Result<()> {
        self.size = self.size.saturating_add(text.len() as u64);
        self.file.write_all(text)
    }

    fn rotate(&mut self) -> io::Result<()> {
        if !lock(&self.file, Kind::Exclusive)? {
            // What there was of a lock is still there.
            return Err(io::Error::other("another process writes it"));
        }
        let rotated = std::fs::rename(&self.path, previous(&self.path))
            .and_then(|()| open(&self.path))
            .and_then(|file| Ok((file.metadata()?.len(), file)));
        match rotated {
            Ok((size, file)) => {
                (self.size, self.file) = (size, file);
                Ok(())
            }
            Err(error) => {
                // From exclusive to shared nothing can be in the way.
                let _ = lock(&self.file, Kind::Shared);
                Err(error)
            }
        }
    }
}

/// `log.txt` → `log.previous.txt`.
fn previous(path: &Path) -> PathBuf {
    let mut name = OsString::from(path.file_stem().unwrap_or_default());
    name.push(".previous");
    if let Some(extension) = path.extension() {
        name.push(OsStr::new("."));
        name.push(extension);
    }
    path.with_file_name(name)
}

/// Opens for appending, with a shared lock on what has this name then.
fn open(path: &Path) -> io::Result<File> {
    let flags = OFlags::RDWR | OFlags::APPEND | OFlags::CREATE | OFlags::CLOEXEC | OFlags::NOCTTY;
    for _ in 0..TRIES {
        let file = File::from(rustix::fs::open(path, flags, Mode::from_raw_mode(0o644))?);
        // Who has it exclusively is about to rename it.
        if lock(&file, Kind::Shared)? {
            let (ours, named) = (file.metadata()?, std::fs::metadata(path));
            let same =
                |named: std::fs::Metadata| (named.dev(), named.ino()) == (ours.dev(), ours.ino());
            if named.is_ok_and(same) {
                return Ok(file);
            }
        }
        std::thread::sleep(std::time::Duration::from_millis(10));
    }
    Err(io::Error::other("another process keeps it locked"))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn messages() -> Messages {
        Messages::new("srt-logger", &[], 0)
    }

    fn write(log: &mut LogFile, line: &str) {
        log.make_room(line.len(), &messages());
        log.write(line.as_bytes()).unwrap();
    }

    #[test]
    fn files_are_rotated() {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("log.txt");
        let read = |name: &str| std::fs::read_to_string(directory.path().join(name)).unwrap();
        std::fs::write(&path, "12345678\n").unwrap();
        let mut log = LogFile::open(path, Some(16)).unwrap();
        for line in ["abc\n", "def\n", "longer than the limit is\n", "end\n"] {
            write(&mut log, line);
        }
        assert_eq!(read("log.txt"), "end\n");
        assert_eq!(read("log.previous.txt"), "longer than the limit is\n");
    }

    #[test]
    fn not_while_others_write() {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("log");
        let mut one = LogFile::open(path.clone(), Some(4)).unwrap();
        let mut two = LogFile::open(path.clone(), Some(4)).unwrap();
        write(&mut one, "one\n");
        write(&mut two, "two\n");
        write(&mut one, "three\n");
        drop(one);
        assert_eq!(std::fs::read_to_string(&path).unwrap(), "one\ntwo\nthree\n");
        // The lock of the other is still shared.
        assert!(LogFile::open(path.clone(), None).is_ok());
        write(&mut two, "four\n");
        assert_eq!(std::fs::read_to_string(&path).unwrap(), "four\n");
        assert!(directory.path().join("log.previous").metadata().is_ok());
    }
}

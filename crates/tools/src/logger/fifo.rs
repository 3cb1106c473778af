//! A pipe with a name, for a shell that connects a logger with itself.

use crate::variable;
use rustix::fs::{CWD, FileType, Mode, mknodat};
use rustix::io::Errno;
use std::ffi::OsString;
use std::io;
use std::os::unix::fs::DirBuilderExt;
use std::path::{Path, PathBuf};

/// So many names are tried.
const TRIES: u32 = 100;

/// Makes a directory that only this user can look into, with a pipe in it.
pub(super) fn make(environment: &[(OsString, OsString)]) -> io::Result<PathBuf> {
    let named = |name| variable(environment, name).filter(|value| !value.is_empty());
    let parent = named("XDG_RUNTIME_DIR").or_else(|| named("TMPDIR"));
    let parent = parent.map_or(Path::new("/tmp"), Path::new);
    for attempt in 0..TRIES {
        let directory = parent.join(format!("srt-fifo-{}-{attempt}", std::process::id()));
        match std::fs::DirBuilder::new().mode(0o700).create(&directory) {
            Err(error) if error.kind() == io::ErrorKind::AlreadyExists => continue,
            made => made?,
        }
        let path = directory.join("fifo");
        mknodat(CWD, &path, FileType::Fifo, Mode::from_raw_mode(0o600), 0)?;
        return Ok(path);
    }
    Err(Errno::EXIST.into())
}

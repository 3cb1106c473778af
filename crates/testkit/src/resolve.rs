//! What paths lead to, asked of the system itself: the oracle that a simulation is compared with.
//!
//! Answers have what a process could act on, and nothing that differs between two mounts of the same
//! thing: no inode and device numbers. Files are told apart by their content.

use plan::ByteString;
use plan::simulate::{Call, Kind};
use rustix::fs::{AtFlags, CWD, FileType, Mode, OFlags, fstat, open, readlinkat, statat};
use rustix::io::Errno;
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;
use std::io::Read;
use std::os::fd::{AsRawFd, OwnedFd};
use std::process::Command;

/// What is asked.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Question {
    /// The working directory, absolute.
    pub from: ByteString,
    /// What is done with the path.
    pub call: Call,
    /// The path, as it is given to the call.
    pub path: ByteString,
}

/// What came of it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Answer {
    /// The working directory cannot be entered: the error number.
    NoDirectory(i32),
    /// The call failed: the error number.
    Failed(i32),
    /// `open` of a regular file.
    File {
        /// What is in it.
        content: ByteString,
        /// Its path without links.
        at: ByteString,
    },
    /// `open` of a directory.
    Directory {
        /// Names in it, and what they are; links are not followed.
        entries: BTreeMap<ByteString, Kind>,
        /// Its path without links.
        at: ByteString,
    },
    /// `open` of anything else, without its driver.
    Special {
        /// Its path without links.
        at: ByteString,
    },
    /// `stat` and `lstat`.
    Status {
        /// What it is.
        kind: Kind,
        /// Permission bits; 0 for a link, which has none.
        mode: u32,
        /// Size in bytes of a regular file or link, else 0.
        size: u64,
    },
    /// The text of a link.
    Link(ByteString),
    /// `chdir`: the new working directory without links.
    Entered(ByteString),
    /// `execve` went as far as looking at the content.
    Executable,
}

/// Files up to this size are read, in bytes.
const CONTENT_BYTES: u64 = 64 * 1024;

/// Answers the questions in a file (JSON), as JSON.
///
/// # Errors
/// A file that cannot be read, and a working directory that is lost.
pub fn answer_all(questions: &std::path::Path) -> Result<String, Box<dyn std::error::Error>> {
    let questions: Vec<Question> = serde_json::from_slice(&std::fs::read(questions)?)?;
    let home = open(".", OFlags::PATH | OFlags::DIRECTORY, Mode::empty())?;
    let mut answers = Vec::new();
    for question in &questions {
        let from = question.from.as_os_str();
        answers.push(match rustix::process::chdir(from) {
            Err(errno) => Answer::NoDirectory(errno.raw_os_error()),
            Ok(()) => answer(question).unwrap_or_else(|e| Answer::Failed(e.raw_os_error())),
        });
        rustix::process::fchdir(&home)?;
    }
    Ok(serde_json::to_string(&answers)?)
}

fn answer(question: &Question) -> Result<Answer, Errno> {
    let path = question.path.as_os_str();
    match question.call {
        Call::Open => opened(path),
        Call::Stat => status(path, AtFlags::empty()),
        Call::Lstat => status(path, AtFlags::SYMLINK_NOFOLLOW),
        Call::ReadLink => {
            Ok(Answer::Link(ByteString(readlinkat(CWD, path, Vec::new())?.into_bytes())))
        }
        Call::ChangeDirectory => {
            rustix::process::chdir(path)?;
            Ok(Answer::Entered(ByteString(rustix::process::getcwd(Vec::new())?.into_bytes())))
        }
        Call::Execute | Call::Interpreter | Call::Shebang => executed(path),
    }
}

fn opened(path: &std::ffi::OsStr) -> Result<Answer, Errno> {
    // Not really opened at first: a device would act.
    let fd = open(path, OFlags::PATH | OFlags::CLOEXEC, Mode::empty())?;
    let own = format!("/proc/self/fd/{}", fd.as_raw_fd());
    let at = ByteString(readlinkat(CWD, own.as_str(), Vec::new())?.into_bytes());
    match kind_of(type_of(&fstat(&fd)?)) {
        Kind::File => {
            let file: OwnedFd =
                open(own.as_str(), OFlags::RDONLY | OFlags::CLOEXEC, Mode::empty())?;
            let mut content = Vec::new();
            let read = std::fs::File::from(file).take(CONTENT_BYTES).read_to_end(&mut content);
            read.map_err(|error| Errno::from_io_error(&error).unwrap_or(Errno::IO))?;
            Ok(Answer::File { content: ByteString(content), at })
        }
        Kind::Directory => {
            let flags = OFlags::RDONLY | OFlags::DIRECTORY | OFlags::CLOEXEC;
            let mut entries = BTreeMap::new();
            let directory = open(own.as_str(), flags, Mode::empty())?;
            // Not through the first one's `.`: it may be readable and not searchable.
            let again = open(own.as_str(), flags, Mode::empty())?;
            for entry in rustix::fs::Dir::new(again)? {
                let entry = entry?;
                let name = entry.file_name();
                if name != c"." && name != c".." {
                    // The directory itself knows only what is under a mount point.
                    let seen = statat(&directory, name, AtFlags::SYMLINK_NOFOLLOW);
                    let kind = seen.map_or_else(|_| entry.file_type(), |s| type_of(&s));
                    entries.insert(ByteString(name.to_bytes().to_vec()), kind_of(kind));
                }
            }
            Ok(Answer::Directory { entries, at })
        }
        Kind::Symlink | Kind::Other => Ok(Answer::Special { at }),
    }
}

fn type_of(status: &rustix::fs::Stat) -> FileType {
    FileType::from_raw_mode(status.st_mode)
}

fn kind_of(kind: FileType) -> Kind {
    match kind {
        FileType::RegularFile => Kind::File,
        FileType::Directory => Kind::Directory,
        FileType::Symlink => Kind::Symlink,
        _ => Kind::Other,
    }
}

fn status(path: &std::ffi::OsStr, flags: AtFlags) -> Result<Answer, Errno> {
    let status = statat(CWD, path, flags)?;
    let kind = kind_of(type_of(&status));
    let mode = if kind == Kind::Symlink { 0 } else { status.st_mode & 0o7777 };
    let size = match kind {
        Kind::File | Kind::Symlink => u64::try_from(status.st_size).unwrap_or(0),
        _ => 0,
    };
    Ok(Answer::Status { kind, mode, size })
}

/// Files that are asked for are no programs: the kernel says so only when it has looked at them.
fn executed(path: &std::ffi::OsStr) -> Result<Answer, Errno> {
    let command = Command::new(path).env_clear().spawn();
    match command {
        Ok(mut child) => {
            let _ = child.kill();
            let _ = child.wait();
            Ok(Answer::Executable)
        }
        Err(error) => match Errno::from_io_error(&error).unwrap_or(Errno::IO) {
            Errno::NOEXEC => Ok(Answer::Executable),
            errno => Err(errno),
        },
    }
}

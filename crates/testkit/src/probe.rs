//! What a process sees: every file of its root, every mount, and what it is itself.
//!
//! Two containers are the same when their walks are equal line by line. Lines have everything that a
//! process could act on and nothing that differs between two mounts of the same thing (inode and
//! device numbers, times, ids of mounts).

use plan::ByteString;
use rustix::fs::{AtFlags, CWD, FileType, readlinkat, statat};
use serde_json::{Value, json};
use sha2::{Digest, Sha256};
use std::collections::BTreeMap;
use std::ffi::{OsStr, OsString};
use std::io::{self, Write};
use std::os::unix::ffi::{OsStrExt, OsStringExt};

/// Files up to this size are read, in bytes.
const CONTENT_BYTES: i64 = 64 * 1024;

/// Directories nested deeper than this are not entered.
const MAX_DEPTH: usize = 64;

/// What went wrong.
pub type Result<T> = std::result::Result<T, Box<dyn std::error::Error>>;

/// Carries out `walk [--skip PATH]… [ROOT]`, `resolve QUESTIONS` or `status`, writing to standard output.
///
/// # Errors
/// Arguments that are not understood, and output that cannot be written.
pub fn command(arguments: &[OsString]) -> Result<()> {
    let mut out = io::BufWriter::new(io::stdout().lock());
    let words: Vec<&[u8]> = arguments.iter().map(|a| a.as_bytes()).collect();
    match words.as_slice() {
        [b"walk", rest @ ..] => {
            let mut skip = Vec::new();
            let mut root: &[u8] = b"/";
            let mut rest = rest.iter();
            while let Some(word) = rest.next() {
                match *word {
                    b"--skip" => skip.push(*rest.next().ok_or("--skip needs a path")?),
                    path => root = path,
                }
            }
            walk(root, &skip, &mut out)?;
            mounts(&mut out)?;
        }
        [b"resolve", questions] => {
            let questions = std::path::Path::new(OsStr::from_bytes(questions));
            writeln!(out, "{}", crate::resolve::answer_all(questions)?)?;
        }
        [b"status"] => writeln!(out, "{:#}", status()?)?,
        _ => return Err("usage: walk [--skip PATH]… [ROOT] | resolve QUESTIONS | status".into()),
    }
    Ok(out.flush()?)
}

/// One line for each path at and below `root`, in byte order, without what is below `skip`.
///
/// # Errors
/// Output that cannot be written. What cannot be looked at becomes a line that says so.
pub fn walk(root: &[u8], skip: &[&[u8]], out: &mut dyn Write) -> io::Result<()> {
    let mut todo = vec![(root.to_vec(), 0)];
    while let Some((path, depth)) = todo.pop() {
        let is_directory = line(&path, out)?;
        if !is_directory || depth >= MAX_DEPTH || skip.contains(&path.as_slice()) {
            continue;
        }
        let mut names: Vec<Vec<u8>> = match std::fs::read_dir(OsStr::from_bytes(&path)) {
            Ok(entries) => entries.filter_map(|e| Some(e.ok()?.file_name().into_vec())).collect(),
            Err(error) => {
                writeln!(out, "unreadable {}: {error}", ByteString(path))?;
                continue;
            }
        };
        names.sort();
        for name in names.into_iter().rev() {
            let mut child = path.clone();
            if child.last() != Some(&b'/') {
                child.push(b'/');
            }
            child.extend(name);
            todo.push((child, depth + 1));
        }
    }
    Ok(())
}

/// Writes the line of one path; whether it is a directory.
fn line(path: &[u8], out: &mut dyn Write) -> io::Result<bool> {
    let name = OsStr::from_bytes(path);
    let shown = ByteString(path.to_vec());
    let status = match statat(CWD, name, AtFlags::SYMLINK_NOFOLLOW | AtFlags::NO_AUTOMOUNT) {
        Ok(status) => status,
        Err(errno) => {
            writeln!(out, "unknown {shown}: {}", io::Error::from(errno))?;
            return Ok(false);
        }
    };
    let kind = FileType::from_raw_mode(status.st_mode);
    let mode = status.st_mode & 0o7777;
    let owner = format_args!("{}:{}", status.st_uid, status.st_gid);
    match kind {
        FileType::Directory => writeln!(out, "dir  {mode:04o} {owner} {shown}")?,
        FileType::Symlink => {
            let target = readlinkat(CWD, name, Vec::new()).map(|t| t.into_bytes());
            let target = ByteString(target.unwrap_or_default());
            writeln!(out, "link {owner} {shown} -> {target}")?;
        }
        FileType::RegularFile => {
            let size = status.st_size;
            let content = if size > CONTENT_BYTES {
                "not read".into()
            } else {
                std::fs::read(name).map_or_else(|error| error.to_string(), |bytes| digest(&bytes))
            };
            writeln!(out, "file {mode:04o} {owner} {shown} {size} {content}")?;
        }
        other => writeln!(out, "{other:?} {mode:04o} {owner} {shown} {:x}", status.st_rdev)?,
    }
    Ok(kind == FileType::Directory)
}

fn digest(bytes: &[u8]) -> String {
    plan::hex::encode(&Sha256::digest(bytes))
}

/// One line for each mount that can be reached: where, what kind, with which flags. What another
/// mount at the same place hides is left out.
///
/// # Errors
/// A mount table that cannot be read, and output that cannot be written.
pub fn mounts(out: &mut dyn Write) -> io::Result<()> {
    let table = std::fs::read("/proc/self/mountinfo")?;
    // The table has what is hidden before what hides it.
    let visible: BTreeMap<String, String> =
        table.split(|&b| b == b'\n').filter_map(mount).collect();
    visible.iter().try_for_each(|(at, rest)| writeln!(out, "mount {at} {rest}"))
}

fn mount(line: &[u8]) -> Option<(String, String)> {
    let text = String::from_utf8_lossy(line);
    let (first, second) = text.split_once(" - ")?;
    let mut fields = first.split(' ');
    let at = fields.nth(4)?;
    let mut options: Vec<&str> = fields.next()?.split(',').collect();
    options.sort_unstable();
    let kind = second.split(' ').next()?;
    Some((at.into(), format!("{kind} {}", options.join(","))))
}

/// Lines of `/proc/self/status` that say what a process may do.
const STATUS: &[&str] = &[
    "Uid",
    "Gid",
    "CapInh",
    "CapPrm",
    "CapEff",
    "CapBnd",
    "CapAmb",
    "NoNewPrivs",
    "SigBlk",
    "SigIgn",
];

/// What this process is.
///
/// # Errors
/// A procfs that cannot be read.
pub fn status() -> Result<Value> {
    let text = std::fs::read_to_string("/proc/self/status")?;
    let mut fields = serde_json::Map::new();
    for line in text.lines() {
        if let Some((name, value)) = line.split_once(':')
            && STATUS.contains(&name)
        {
            let value = value.split_whitespace().collect::<Vec<_>>().join(" ");
            fields.insert(name.into(), value.into());
        }
    }
    let own = std::env::current_dir()?;
    let environment: Vec<_> = {
        let mut all: Vec<_> = std::env::vars_os().collect();
        all.sort();
        all.into_iter()
            .map(|(name, value)| json!([ByteString::from(name), ByteString::from(value)]))
            .collect()
    };
    Ok(json!({
        "status": fields,
        "descriptors": descriptors()?,
        "directory": ByteString::from(own.into_os_string()),
        "environment": environment,
        "architecture": std::env::consts::ARCH,
        "session_leader": rustix::process::getsid(None).ok() == Some(rustix::process::getpid()),
        "pid": rustix::process::getpid().as_raw_nonzero().get(),
    }))
}

/// Numbers of the open descriptors, without the one that lists them.
fn descriptors() -> io::Result<Vec<i32>> {
    let mut open: Vec<i32> = std::fs::read_dir("/proc/self/fd")?
        .filter_map(|entry| entry.ok()?.file_name().to_str()?.parse().ok())
        .collect();
    open.sort_unstable();
    // The listing had the lowest free number, and it is closed now.
    open.retain(|&fd| rustix::fs::readlink(format!("/proc/self/fd/{fd}"), Vec::new()).is_ok());
    Ok(open)
}

//! Why `execve` failed, found by looking at the file.
//!
//! The kernel gives ENOENT both for a file that is missing and for one whose interpreter is.

use crate::error::Error;
use crate::sys::SysError;
use plan::ByteString;
use rustix::fs::{Access, AtFlags, CWD, FileType, Mode, OFlags, accessat, open, stat};
use rustix::io::Errno;
use std::ffi::CString;

/// How much of a file is looked at: program headers and the interpreter's name are at the start.
const START_BYTES: usize = 16 * 1024;

/// `PT_INTERP` (elf.h).
const PT_INTERP: u32 = 3;

/// The error for a command that could not be executed, with every candidate that was tried.
pub(super) fn execution(command: String, candidates: &[CString], errno: Errno) -> Error {
    // An entry of the search path that is no file, such as a directory of the same name, is only
    // the answer when there is no better one.
    let found = candidates.iter().filter(|path| stat(path.as_c_str()).is_ok());
    let best = found.clone().find(|path| is_file(path)).or_else(|| found.clone().next());
    let Some(path) = best else {
        let tried = candidates.iter().map(shown).collect();
        return Error::CommandNotFound { command, tried };
    };
    let failure = Box::new(SysError::new("execve", shown(path), errno));
    Error::CommandNotExecutable { command, file: shown(path), why: why(path, errno), failure }
}

fn shown(path: &CString) -> String {
    ByteString(path.as_bytes().to_vec()).to_string()
}

fn is_file(path: &CString) -> bool {
    stat(path.as_c_str()).is_ok_and(|s| FileType::from_raw_mode(s.st_mode) == FileType::RegularFile)
}

fn why(path: &CString, errno: Errno) -> String {
    let start = start(path);
    let interpreter = interpreter(&start);
    match (errno, interpreter) {
        _ if !is_file(path) => "it is not a regular file".into(),
        (Errno::NOENT, Some(name)) => {
            format!("its interpreter {} does not exist in the container", ByteString(name))
        }
        (Errno::ACCESS, Some(name)) if is_executable(path) => {
            format!("its interpreter {} cannot be executed", ByteString(name))
        }
        (Errno::ACCESS, _) if !is_executable(path) => "it is not marked as executable".into(),
        (Errno::ACCESS, _) => "it is on a file system mounted noexec".into(),
        (Errno::NOEXEC, _) if start.starts_with(b"\x7fELF") => {
            "it is a program for another architecture".into()
        }
        (Errno::NOEXEC, _) => "it is neither a program nor a script".into(),
        _ => std::io::Error::from(errno).to_string(),
    }
}

fn is_executable(path: &CString) -> bool {
    accessat(CWD, path.as_c_str(), Access::EXEC_OK, AtFlags::empty()).is_ok()
}

fn start(path: &CString) -> Vec<u8> {
    let flags = OFlags::RDONLY | OFlags::CLOEXEC | OFlags::NONBLOCK | OFlags::NOCTTY;
    let mut buffer = vec![0; START_BYTES];
    let length = open(path.as_c_str(), flags, Mode::empty())
        .and_then(|fd| rustix::io::read(&fd, &mut buffer[..]))
        .unwrap_or(0);
    buffer.truncate(length);
    buffer
}

/// The interpreter that a script or ELF file names, from its first bytes.
fn interpreter(start: &[u8]) -> Option<Vec<u8>> {
    if let Some(line) = start.strip_prefix(b"#!") {
        let line = line.split(|&b| b == b'\n').next()?;
        let mut words = line.split(|&b| b == b' ' || b == b'\t').filter(|word| !word.is_empty());
        return words.next().map(<[u8]>::to_vec);
    }
    let header = start.strip_prefix(b"\x7fELF")?;
    // Little-endian files only, as all known architectures are (EI_DATA).
    if *header.get(1)? != 1 {
        return None;
    }
    // Offsets of the fields by class (EI_CLASS), as in elf.h.
    let (wide, phoff_at, phentsize_at) = match header.first()? {
        2 => (true, 32, 54),
        1 => (false, 28, 42),
        _ => return None,
    };
    let phoff = offset(start, phoff_at, wide)?;
    let size = usize::from(u16_at(start, phentsize_at)?);
    let count = usize::from(u16_at(start, phentsize_at + 2)?);
    for index in 0..count {
        let at = phoff.checked_add(index.checked_mul(size)?)?;
        if u32_at(start, at)? == PT_INTERP {
            let (offset_at, length_at) = if wide { (8, 32) } else { (4, 16) };
            let from = offset(start, at.checked_add(offset_at)?, wide)?;
            let length = offset(start, at.checked_add(length_at)?, wide)?;
            let name = start.get(from..from.checked_add(length)?)?;
            return name.split(|&b| b == 0).next().map(<[u8]>::to_vec);
        }
    }
    None
}

fn u16_at(bytes: &[u8], at: usize) -> Option<u16> {
    Some(u16::from_le_bytes(bytes.get(at..)?.first_chunk().copied()?))
}

fn u32_at(bytes: &[u8], at: usize) -> Option<u32> {
    Some(u32::from_le_bytes(bytes.get(at..)?.first_chunk().copied()?))
}

fn offset(bytes: &[u8], at: usize, wide: bool) -> Option<usize> {
    if wide {
        let value = u64::from_le_bytes(bytes.get(at..)?.first_chunk().copied()?);
        usize::try_from(value).ok()
    } else {
        usize::try_from(u32_at(bytes, at)?).ok()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn interpreters_of_scripts() {
        for (start, want) in [
            (&b"#!/bin/sh\n"[..], Some(&b"/bin/sh"[..])),
            (b"#! /usr/bin/env python3\n", Some(b"/usr/bin/env")),
            (b"#!\n", None),
            (b"echo hello\n", None),
            (b"", None),
        ] {
            assert_eq!(interpreter(start).as_deref(), want, "{start:?}");
        }
    }

    #[test]
    fn interpreter_of_an_elf_file_cut_anywhere() {
        let mut file = vec![0; 64 + 56];
        file[..6].copy_from_slice(b"\x7fELF\x02\x01");
        file[32] = 64;
        file[54] = 56;
        file[56] = 1;
        file[64] = 3;
        file[64 + 8] = 120;
        file[64 + 32] = 8;
        file.extend(b"/ld.so.\0");
        assert_eq!(interpreter(&file).as_deref(), Some(&b"/ld.so."[..]));
        for length in 0..file.len() {
            assert_eq!(interpreter(&file[..length]), None, "{length}");
        }
    }
}

//! `ld.so.conf`: the directories that `ldconfig` looks into.
//!
//! Mirrors `parse_conf` and `add_dir` of glibc's elf/ldconfig.c. Directories for old hardware capabilities
//! (`hwcap` lines) are long gone from the C library and ignored here.

#[cfg(test)]
mod tests;

use crate::root::Filesystem;
use plan::{ByteString, RootPath};
use std::collections::HashSet;
use std::ffi::OsStr;
use std::os::unix::ffi::OsStrExt;

/// How deep files may include each other.
const MAX_DEPTH: usize = 8;
/// The most files that are read.
const MAX_FILES: usize = 1024;
/// The most directories and patterns of one file.
const MAX_LINES: usize = 10_000;

/// A line that means something.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Line {
    /// A directory; an absolute path without trailing slash in most files, but anything is possible.
    Directory(ByteString),
    /// A pattern of files to be read here, relative to the directory of this one.
    Include(ByteString),
}

/// Reads one file. Nothing in it is an error: what `ldconfig` would warn about is left out.
pub fn parse(bytes: &[u8]) -> Vec<Line> {
    let mut lines = Vec::new();
    for line in bytes.split(|b| *b == b'\n') {
        let line = line.split(|b| *b == b'#' || *b == 0).next().unwrap_or_default();
        let line = line.trim_ascii();
        let after = |keyword: &[u8]| {
            let start = line.get(..keyword.len())?;
            let rest = line.get(keyword.len()..)?;
            let blank = matches!(rest.first(), Some(b' ' | b'\t'));
            (start.eq_ignore_ascii_case(keyword) && blank).then_some(rest)
        };
        if lines.len() >= MAX_LINES {
            break;
        }
        if let Some(patterns) = after(b"include").filter(|_| line.starts_with(b"include")) {
            let patterns = patterns.split(|b| matches!(b, b' ' | b'\t'));
            let patterns = patterns.filter(|p| !p.is_empty());
            lines.extend(patterns.map(|p| Line::Include(ByteString(p.to_vec()))));
        } else if after(b"hwcap").is_none() && !line.is_empty() {
            lines.push(Line::Directory(ByteString(directory(line).to_vec())));
        }
    }
    lines.truncate(MAX_LINES);
    lines
}

/// Takes off what may follow the path: `=libc6` and trailing slashes.
fn directory(line: &[u8]) -> &[u8] {
    let mut path = line.split(|b| *b == b'=').next().unwrap_or_default().trim_ascii_end();
    while let Some(shorter) = path.strip_suffix(b"/").filter(|p| !p.is_empty()) {
        path = shorter;
    }
    path
}

/// The directories that a configuration file and those it includes name, in order, each once,
/// whether they exist or not. Files that cannot be read are left out.
pub fn directories(root: &dyn Filesystem, conf: &RootPath) -> Vec<RootPath> {
    let mut reader = Reader { root, files: 0, seen: HashSet::new(), found: Vec::new() };
    reader.file(conf, 0);
    reader.found
}

struct Reader<'r> {
    root: &'r dyn Filesystem,
    files: usize,
    seen: HashSet<RootPath>,
    found: Vec<RootPath>,
}

impl Reader<'_> {
    fn file(&mut self, conf: &RootPath, depth: usize) {
        self.files += 1;
        if depth > MAX_DEPTH || self.files > MAX_FILES {
            return;
        }
        let base = conf.parent().unwrap_or_else(RootPath::root);
        for line in parse(&self.root.read(conf).unwrap_or_default()) {
            match line {
                Line::Directory(path) => self.directory(path.as_os_str()),
                Line::Include(pattern) => {
                    let pattern = match pattern.as_bytes() {
                        [b'/', ..] => RootPath::new(pattern.as_os_str()),
                        relative => base.join(OsStr::from_bytes(relative)),
                    };
                    for file in pattern.map(|p| self.root.glob(&p)).unwrap_or_default() {
                        self.file(&file, depth + 1);
                    }
                }
            }
        }
    }

    fn directory(&mut self, raw: &OsStr) {
        // `ldconfig` refuses relative ones.
        if raw.as_bytes().first() != Some(&b'/') {
            return;
        }
        let path = self.root.without_dot_dot(&RootPath::root(), raw);
        if let Ok(path) = path
            && self.seen.insert(path.clone())
        {
            self.found.push(path);
        }
    }
}

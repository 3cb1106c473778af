//! Turning a runtime into a depot: what a content server keeps, and the manifest that tells the rest.
//!
//! A content server keeps no links, no empty files or directories and no modes, and cannot store two names that differ
//! in case alone. The manifest is mtree(5) with the keywords that the Steam Runtime uses.

use std::collections::{BTreeMap, HashSet};
use std::ffi::OsStr;
use std::fmt::Write as _;
use std::fs::{self, Metadata};
use std::os::unix::ffi::OsStrExt;
use std::os::unix::fs::{MetadataExt, PermissionsExt};
use std::path::{Path, PathBuf};
use std::process::Command;

use super::recipe::fnv1a;
use crate::error::{Context, Problem, Result};

/// One in so many files is stored under another name even though its own would do.
const RENAMED_ONE_IN: u64 = 128;

/// A file that the manifest does not list, as depots have after an update; it must not be deployed.
const UNLISTED: &str = "lib/left-over-from-an-older-version.txt";

/// Makes `target/files`, a merged `/usr`, a depot's, and writes `target/usr-mtree.txt.gz`.
pub(super) fn reduce_to_depot(target: &Path) -> Result<()> {
    let files = target.join("files");
    let digests = digests(&files)?;
    let mut depot =
        Depot { files, manifest: String::from("#mtree\n. type=dir mode=755\n"), digests };
    let names = depot.names()?;
    let unstorable = collisions(&names);
    for name in &names {
        depot.entry(name, unstorable.contains(name))?;
    }
    depot.remove_empty_directories(&names);
    write(&depot.files.join(UNLISTED), b"not in the manifest\n")?;
    let manifest = target.join("usr-mtree.txt");
    write(&manifest, depot.manifest.as_bytes())?;
    compress(&manifest)
}

/// Puts `NAME.gz` in the place of a manifest.
fn compress(manifest: &Path) -> Result<()> {
    run(Command::new("gzip").args(["--best", "--no-name"]).arg(manifest)).map(drop)
}

/// Describes all of `depot`, an installed Steam Linux Runtime, in its `mtree.txt.gz`: what Steam delivers beside the
/// files of a platform, which have a manifest of their own, and what the tools add later.
pub(super) fn describe_depot(depot: &Path) -> Result<()> {
    let mut lines = vec![
        "./mtree.txt.gz type=file".to_owned(),
        "./steampipe type=dir ignore optional".to_owned(),
        "./var type=dir ignore optional".to_owned(),
    ];
    let mut pending = vec![PathBuf::new()];
    while let Some(dir) = pending.pop() {
        let path = depot.join(&dir);
        for entry in fs::read_dir(&path).at("reading", &path)? {
            let entry = entry.at("reading", &path)?;
            let name = dir.join(entry.file_name());
            let escaped = escape(name.as_os_str().as_bytes());
            if !entry.file_type().at("examining", entry.path())?.is_dir() {
                lines.push(format!("./{escaped} {}", described(&entry.path())?));
            } else if path.join("usr-mtree.txt.gz").is_file() {
                lines.push(format!("./{escaped} type=dir ignore"));
                lines.push(format!("./{escaped}/.ref type=file size=0 optional"));
            } else {
                lines.push(format!("./{escaped} type=dir"));
                pending.push(name);
            }
        }
    }
    lines.sort();
    let manifest = depot.join("mtree.txt");
    write(&manifest, format!("#mtree\n. type=dir\n{}\n", lines.join("\n")).as_bytes())?;
    compress(&manifest)
}

/// What a depot's manifest says of a regular file.
fn described(path: &Path) -> Result<String> {
    let metadata = path.metadata().at("examining", path)?;
    let mode = if metadata.permissions().mode() & 0o111 == 0 { "" } else { " mode=755" };
    let sum = run(Command::new("sha256sum").arg("--zero").arg(path))?;
    let sum = String::from_utf8_lossy(&sum);
    let sum = sum.split_whitespace().next().unwrap_or_default();
    Ok(format!("type=file{mode} size={} sha256={sum}", metadata.len()))
}

/// A depot in the making.
struct Depot {
    files: PathBuf,
    manifest: String,
    /// SHA-256 of each regular file, by its name below `files`.
    digests: BTreeMap<PathBuf, String>,
}

impl Depot {
    /// Everything below `files`, parents before children.
    fn names(&self) -> Result<Vec<PathBuf>> {
        let mut names = Vec::new();
        let mut pending = vec![PathBuf::new()];
        while let Some(dir) = pending.pop() {
            let path = self.files.join(&dir);
            for entry in fs::read_dir(&path).at("reading", &path)? {
                let entry = entry.at("reading", &path)?;
                let name = dir.join(entry.file_name());
                if entry.file_type().at("examining", entry.path())?.is_dir() {
                    pending.push(name.clone());
                }
                names.push(name);
            }
        }
        names.sort();
        Ok(names)
    }

    /// Lists one entry and takes away what a content server would not keep of it.
    fn entry(&mut self, name: &Path, unstorable: bool) -> Result<()> {
        let path = self.files.join(name);
        let metadata = path.symlink_metadata().at("examining", &path)?;
        let mut line = format!("./{}", escape(name.as_os_str().as_bytes()));
        if metadata.is_dir() {
            line += " type=dir mode=755";
        } else if metadata.is_symlink() {
            let target = fs::read_link(&path).at("reading link", &path)?;
            line += &format!(" type=link link={}", escape(target.as_os_str().as_bytes()));
            fs::remove_file(&path).at("removing", &path)?;
        } else {
            self.file(name, &metadata, unstorable, &mut line)?;
        }
        self.manifest += &line;
        self.manifest.push('\n');
        Ok(())
    }

    fn file(&self, name: &Path, is: &Metadata, unstorable: bool, line: &mut String) -> Result<()> {
        let path = self.files.join(name);
        let mode = if is.permissions().mode() & 0o111 == 0 { "644" } else { "755" };
        *line += &format!(" type=file mode={mode} time={}.0 size={}", is.mtime(), is.len());
        if is.len() == 0 {
            return fs::remove_file(&path).at("removing", &path);
        }
        if let Some(digest) = self.digests.get(name) {
            *line += &format!(" sha256={digest}");
        }
        let hash = fnv1a(name.as_os_str().as_bytes());
        if unstorable || hash.is_multiple_of(RENAMED_ONE_IN) {
            let stored = format!("./{:02x}/{:06x}-0.bin", hash >> 56, hash & 0xff_ffff);
            self.rename(&path, &self.files.join(&stored))?;
            *line += &format!(" contents={stored}");
        }
        Ok(())
    }

    /// Stores a file under another name, as a new file so that its lost mode is not lost for the runtime's file too.
    fn rename(&self, path: &Path, stored: &Path) -> Result<()> {
        if let Some(parent) = stored.parent() {
            fs::create_dir_all(parent).at("creating", parent)?;
        }
        fs::copy(path, stored).at("copying", path)?;
        let plain = fs::Permissions::from_mode(0o644);
        fs::set_permissions(stored, plain).at("setting the mode of", stored)?;
        fs::remove_file(path).at("removing", path)
    }

    /// Removes the directories that hold nothing any more, innermost first; the others refuse.
    fn remove_empty_directories(&self, names: &[PathBuf]) {
        for name in names.iter().rev() {
            let path = self.files.join(name);
            if path.symlink_metadata().is_ok_and(|metadata| metadata.is_dir()) {
                let _refused_when_not_empty = fs::remove_dir(path);
            }
        }
    }
}

/// The names that a file system without case would confuse with an earlier one.
fn collisions(names: &[PathBuf]) -> HashSet<PathBuf> {
    let mut seen = HashSet::new();
    let mut collisions = HashSet::new();
    for name in names {
        if !seen.insert(name.as_os_str().to_ascii_lowercase()) {
            collisions.insert(name.clone());
        }
    }
    collisions
}

/// The SHA-256 of every regular file below `files`.
fn digests(files: &Path) -> Result<BTreeMap<PathBuf, String>> {
    let list = "find . -type f -size +0 -print0 | xargs -0 sha256sum --zero";
    let output = run(Command::new("sh").args(["-c", list]).current_dir(files))?;
    let mut digests = BTreeMap::new();
    for record in output.split(|byte| *byte == 0).filter(|record| record.len() > 68) {
        let digest = String::from_utf8_lossy(&record[..64]).into_owned();
        let name = PathBuf::from(OsStr::from_bytes(&record[68..]));
        digests.insert(name, digest);
    }
    Ok(digests)
}

/// A name as mtree(5) has it: bytes that are no plain character as three octal digits.
fn escape(name: &[u8]) -> String {
    let mut text = String::with_capacity(name.len());
    for byte in name {
        match byte {
            b'\\' => text.push_str("\\\\"),
            b'!'..=b'~' => text.push(char::from(*byte)),
            _ => {
                let _infallible = write!(text, "\\{byte:03o}");
            }
        }
    }
    text
}

fn run(command: &mut Command) -> Result<Vec<u8>> {
    let program = command.get_program().to_string_lossy().into_owned();
    let output = command.output().context(format!("starting {program}"))?;
    if output.status.success() {
        return Ok(output.stdout);
    }
    let said = String::from_utf8_lossy(&output.stderr).trim().to_owned();
    Err(Problem::new(format!("{program} failed: {said}")))
}

fn write(path: &Path, content: &[u8]) -> Result<()> {
    fs::write(path, content).at("writing", path)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_escaped_in_octal() {
        assert_eq!(escape(b"a b\\c\n\xc3#=:"), "a\\040b\\\\c\\012\\303#=:");
    }

    #[test]
    fn names_that_differ_in_case_collide() {
        let names = ["a/X", "a/x", "b"].map(PathBuf::from);
        assert_eq!(collisions(&names), HashSet::from([PathBuf::from("a/x")]));
    }
}

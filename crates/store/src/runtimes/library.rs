//! Our own directory of runtimes.
//!
//! ```text
//! RUNTIMES/              0700
//!   NAME/VERSION/        a runtime as it was unpacked: a depot, Flatpak's layout, or a root; always whole
//!   .lock                held exclusively by who adds, removes or tidies
//!   .parts/              downloads, by the digest that they are to have
//!   .drafts/             what is being unpacked or deleted; nothing of it counts
//! ```
//!
//! A version is never changed once it has its name, so that a game keeps what it was started with; what is
//! newer gets a directory of its own beside it.

use super::used::{locked_out, make_lock_files};
use super::{Error, unpack};
use crate::clock;
use crate::dir::Dir;
use crate::lock::{self, Kind, Missing};
use crate::union::{Layer, Union, Whiteouts};
use crate::{remove, slot, store};
use plan::{HostPath, hex};
use rustix::fs::FileType;
use rustix::io::Errno;
use std::cmp::Ordering;
use std::ffi::{CStr, CString};
use std::io::Read;
use std::os::fd::OwnedFd;
use std::time::Duration;

const LOCK: &str = ".lock";
const PARTS: &CStr = c".parts";
const DRAFTS: &CStr = c".drafts";

/// What the name of a depot's directory with the runtime has in it.
pub(super) const PLATFORM: &[u8] = b"_platform_";

/// Downloads that nobody has gone on with for so long are deleted.
const PARTS_AGE: Duration = Duration::from_secs(7 * 24 * 60 * 60);

/// The directory of runtimes.
#[derive(Debug)]
pub struct Library {
    directory: Dir,
}

/// A runtime in it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Shelved {
    /// Its name, such as `sniper`.
    pub name: String,
    /// Its version.
    pub version: String,
    /// Its directory.
    pub path: HostPath,
}

/// What tidying did.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Tidied {
    /// Older versions that were deleted.
    pub removed: Vec<Shelved>,
    /// Older versions that are in use.
    pub in_use: Vec<Shelved>,
    /// Unfinished downloads and drafts that were deleted.
    pub leftovers: u64,
}

impl Library {
    /// Opens the directory, making it (mode 0700) when it is missing.
    ///
    /// # Errors
    /// [`Error::Library`]: it cannot be made, or others could have put things into it.
    pub fn open(path: &HostPath) -> Result<Self, Error> {
        let open = || {
            let directory = store::open_or_make(path)?;
            store::check(&directory)?;
            Ok(Self { directory })
        };
        open().map_err(Error::Library)
    }

    /// As [`Self::open`], of a directory that is there. `None`: it is not.
    ///
    /// # Errors
    /// As [`Self::open`].
    pub fn open_existing(path: &HostPath) -> Result<Option<Self>, Error> {
        match rustix::fs::stat(path.as_path()) {
            Err(Errno::NOENT) => Ok(None),
            _ => Self::open(path).map(Some),
        }
    }

    /// Every runtime, by name, the newest version of each first.
    ///
    /// # Errors
    /// When the directory cannot be read.
    pub fn list(&self) -> Result<Vec<Shelved>, Error> {
        let mut out = vec![];
        for name in directories(&self.directory)? {
            let Ok(versions) = self.directory.child(&slot::file_name(&name)) else { continue };
            for version in directories(&versions)? {
                let path = versions.path_of(&slot::file_name(&version));
                out.push(Shelved { name: name.clone(), version, path });
            }
        }
        out.sort_unstable_by(|a, b| {
            a.name.cmp(&b.name).then_with(|| version_order(&b.version, &a.version))
        });
        Ok(out)
    }

    /// Waits until nobody else changes the directory. `waiting` is called once when that takes time.
    ///
    /// # Errors
    /// [`Error::Library`].
    pub fn hold(&self, waiting: &mut dyn FnMut()) -> Result<Held<'_>, Error> {
        let path = self.directory.path().at(LOCK);
        let lock = match lock::exclusive(&path, Missing::Create) {
            Err(lock::Error::Busy { .. }) => {
                waiting();
                lock::waiting(&path, Kind::Exclusive, Missing::Create)
            }
            other => other,
        };
        match lock {
            Ok(lock) => Ok(Held { library: self, _lock: lock }),
            Err(lock::Error::Busy { path }) => Err(Error::Busy { path }),
            Err(lock::Error::Io { path, call, errno }) => {
                Err(Error::Library(crate::Error::writing(path, call, errno)))
            }
        }
    }
}

/// The right to change the directory.
#[derive(Debug)]
pub struct Held<'l> {
    library: &'l Library,
    _lock: OwnedFd,
}

/// An unpacked runtime without a name. Deleted when it is dropped.
#[derive(Debug)]
pub struct Draft {
    drafts: Dir,
    name: CString,
    /// Where the runtime is in it.
    runtime: HostPath,
    kept: bool,
}

impl Draft {
    /// The runtime: a directory with `files`, `usr`, or `*_platform_*` in it.
    #[must_use]
    pub fn runtime(&self) -> &HostPath {
        &self.runtime
    }
}

impl Drop for Draft {
    fn drop(&mut self) {
        if !self.kept
            && let Err(e) = remove::tree(&self.drafts, &self.name)
        {
            log::warn!("{e}");
        }
    }
}

impl Held<'_> {
    /// The file into which a download of this digest goes.
    ///
    /// # Errors
    /// [`Error::Library`].
    pub fn part(&self, digest: &[u8; 32]) -> Result<HostPath, Error> {
        let parts = self.library.directory.child_or_new(PARTS).map_err(Error::Library)?;
        Ok(parts.path_of(&slot::file_name(&hex::encode(digest))))
    }

    /// Unpacks a tar archive. `progress` is told how many bytes of files have been written.
    ///
    /// # Errors
    /// [`Error::Archive`]; [`Error::Library`] of the file system. Nothing is left behind.
    pub fn unpack(
        &self,
        archive: &mut dyn Read,
        progress: &mut dyn FnMut(u64),
    ) -> Result<Draft, Error> {
        self.draft(&mut |into| unpack::unpack(archive, into, progress))
    }

    /// Takes a copy of a directory: reflinks where the file system has them. Not hard links, because the
    /// directory may be changed in place later.
    ///
    /// # Errors
    /// As [`Self::unpack`], and when the directory cannot be read.
    pub fn copy(&self, directory: &HostPath) -> Result<Draft, Error> {
        self.draft(&mut |into| {
            let source = Dir::open(directory).map_err(|errno| crate::Error::Source {
                path: directory.clone(),
                call: "open",
                errno,
            })?;
            let source = Layer::disk(source)?;
            let mut union = Union::new(Whiteouts::Apply);
            union.placer.never_link = true;
            Ok(union.fill(&[source], into)?)
        })
    }

    fn draft(&self, fill: &mut dyn FnMut(&Dir) -> Result<(), Error>) -> Result<Draft, Error> {
        let make = || {
            let drafts = self.library.directory.child_or_new(DRAFTS)?;
            let name = slot::file_name(&format!("new-{}-{}", std::process::id(), slot::serial()));
            // Of a process of this number that was killed.
            remove::tree(&drafts, &name)?;
            let dir = drafts.child_or_new(&name)?;
            Ok((Draft { drafts, name, runtime: dir.path().clone(), kept: false }, dir))
        };
        let (mut draft, dir) = make().map_err(Error::Library)?;
        fill(&dir).map_err(Error::in_library)?;
        draft.runtime = runtime_in(&dir)?;
        Ok(draft)
    }

    /// Gives a draft its name. One of that name and version that is there already stays; the draft goes.
    ///
    /// # Errors
    /// [`Error::BadName`]; [`Error::Library`].
    pub fn publish(&self, mut draft: Draft, name: &str, version: &str) -> Result<Shelved, Error> {
        for word in [name, version] {
            if !is_token(word) {
                return Err(Error::BadName(word.into()));
            }
        }
        let publish = || {
            let versions = self.library.directory.child_or_new(&slot::file_name(name))?;
            let to = slot::file_name(version);
            let path = versions.path_of(&to);
            // What has a name is whole, also after a crash of the machine.
            let failed = |call, e| crate::Error::writing(path.clone(), call, e);
            make_lock_files(&Dir::open(&draft.runtime).map_err(|e| failed("open", e))?)?;
            rustix::fs::syncfs(&versions).map_err(|e| failed("syncfs", e))?;
            match rustix::fs::renameat(&versions, draft.runtime.as_path(), &versions, &to) {
                Ok(()) => Ok((path, true)),
                Err(Errno::EXIST | Errno::NOTEMPTY) => Ok((path, false)),
                Err(e) => Err(failed("renameat", e)),
            }
        };
        let (path, moved) = publish().map_err(Error::Library)?;
        // Where the archive has one directory in it, the one around that is left over.
        draft.kept = moved && draft.runtime == draft.drafts.path_of(&draft.name);
        Ok(Shelved { name: name.into(), version: version.into(), path })
    }

    /// Deletes a runtime that nobody uses.
    ///
    /// # Errors
    /// [`Error::InUse`]; [`Error::Library`].
    pub fn remove(&self, runtime: &Shelved) -> Result<(), Error> {
        let held = locked_out(&runtime.path)?;
        let remove = || {
            let directory = &self.library.directory;
            let drafts = directory.child_or_new(DRAFTS)?;
            let failed = |call, e| crate::Error::writing(runtime.path.clone(), call, e);
            let dead = slot::file_name(&format!("dead-{}-{}", std::process::id(), slot::serial()));
            remove::tree(&drafts, &dead)?;
            // At once, so that no half of it has the name.
            rustix::fs::renameat(&drafts, runtime.path.as_path(), &drafts, &dead)
                .map_err(|e| failed("renameat", e))?;
            let _ = rustix::fs::unlinkat(
                directory,
                runtime.name.as_str(),
                rustix::fs::AtFlags::REMOVEDIR,
            );
            remove::tree(&drafts, &dead)
        };
        remove().map_err(Error::Library)?;
        drop(held);
        Ok(())
    }

    /// Deletes older versions that nobody uses, and what was left unfinished.
    ///
    /// # Errors
    /// [`Error::Library`]: the first failure to read or delete.
    pub fn tidy(&self) -> Result<Tidied, Error> {
        let mut tidied = Tidied::default();
        let all = self.library.list()?;
        let older = all.windows(2).filter(|pair| pair[0].name == pair[1].name);
        for runtime in older.map(|pair| &pair[1]) {
            match self.remove(runtime) {
                Ok(()) => tidied.removed.push(runtime.clone()),
                Err(Error::InUse { .. }) => tidied.in_use.push(runtime.clone()),
                Err(error) => return Err(error),
            }
        }
        self.leftovers(DRAFTS, None, &mut tidied)?;
        self.leftovers(PARTS, Some(PARTS_AGE), &mut tidied)?;
        Ok(tidied)
    }

    fn leftovers(
        &self,
        directory: &CStr,
        age: Option<Duration>,
        tidied: &mut Tidied,
    ) -> Result<(), Error> {
        let Ok(dir) = self.library.directory.child(directory) else { return Ok(()) };
        let now = clock::now();
        for (name, _) in dir.entries().map_err(|e| reading(&dir, e))? {
            let Ok(stat) = dir.stat_of(&name) else { continue };
            if age.is_none_or(|age| now.saturating_sub(clock::modified(&stat)) > age) {
                remove::tree(&dir, &name).map_err(Error::Library)?;
                tidied.leftovers += 1;
            }
        }
        Ok(())
    }
}

/// The runtime in an unpacked archive: the directory itself, or the only one in it.
fn runtime_in(dir: &Dir) -> Result<HostPath, Error> {
    if is_runtime(dir)? {
        return Ok(dir.path().clone());
    }
    let entries = dir.entries().map_err(|e| reading(dir, e))?;
    if let [(name, FileType::Directory)] = entries.as_slice() {
        let inner = dir.child(name).map_err(|e| reading(dir, e))?;
        if is_runtime(&inner)? {
            return Ok(inner.path().clone());
        }
    }
    Err(Error::Archive("it has neither `files` nor `usr` nor `NAME_platform_VERSION` in it".into()))
}

fn is_runtime(dir: &Dir) -> Result<bool, Error> {
    let entries = dir.entries().map_err(|e| reading(dir, e))?;
    let has = |wanted: &[u8]| {
        entries.iter().any(|(name, kind)| {
            *kind == FileType::Directory
                && (name.to_bytes() == wanted
                    || (wanted == PLATFORM
                        && name.to_bytes().windows(wanted.len()).any(|w| w == wanted)))
        })
    };
    Ok(has(PLATFORM) || has(b"files") || has(b"usr") || (has(b"bin") && has(b"lib")))
}

fn reading(dir: &Dir, errno: Errno) -> Error {
    Error::Library(crate::Error::Source { path: dir.path().clone(), call: "getdents", errno })
}

/// Names of directories that can be a name or a version.
fn directories(dir: &Dir) -> Result<Vec<String>, Error> {
    let entries = dir.entries().map_err(|e| reading(dir, e))?;
    let names = entries.into_iter().filter(|(_, kind)| *kind == FileType::Directory);
    let names = names.filter_map(|(name, _)| name.into_string().ok());
    Ok(names.filter(|name| is_token(name)).collect())
}

/// Whether a word can be the name or the version of a runtime: letters, digits, `.`, `_`, `-`, the latter
/// not at the start.
#[must_use]
pub fn is_token(word: &str) -> bool {
    let allowed = |b: u8| b.is_ascii_alphanumeric() || matches!(b, b'.' | b'_' | b'-');
    word.bytes().all(allowed)
        && word.bytes().next().is_some_and(|b| b.is_ascii_alphanumeric())
        && word.len() < 200
}

/// Which of two versions is older: numbers in them count as numbers.
#[must_use]
pub fn version_order(a: &str, b: &str) -> Ordering {
    fn numbers(version: &str) -> impl Iterator<Item = u64> {
        version.split(|c: char| !c.is_ascii_digit()).filter_map(|digits| digits.parse().ok())
    }
    numbers(a).cmp(numbers(b)).then_with(|| a.cmp(b))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn tokens() {
        for (word, ok) in [
            ("sniper", true),
            ("3.0.20260914.260626", true),
            ("steamrt4-arm64", true),
            ("", false),
            (".parts", false),
            ("-x", false),
            ("..", false),
            ("a/b", false),
            ("a b", false),
        ] {
            assert_eq!(is_token(word), ok, "{word}");
        }
    }

    #[test]
    fn versions() {
        let mut versions = ["0.20260101.9", "0.20260101.10", "3.0.1", "0.20251231.99999", "local"];
        versions.sort_unstable_by(|a, b| version_order(a, b));
        assert_eq!(
            versions,
            ["local", "0.20251231.99999", "0.20260101.9", "0.20260101.10", "3.0.1"]
        );
    }
}

//! A directory for each architecture, all under one name: the part that tells them apart is a token that
//! each dynamic linker replaces by its own word.

use crate::temporary::Temporary;
use inspect::linker::Expansion;
use inspect::root::Filesystem;
use plan::{ByteString, Tuple};
use std::io;
use std::os::unix::ffi::OsStrExt;
use std::os::unix::fs::{DirBuilderExt, symlink};
use std::path::{Path, PathBuf};

/// What `$LIB` is for 64-bit and 32-bit architectures; `%` stands for the tuple. The first pair that all
/// dynamic linkers of the container go by is taken.
const SCHEMES: &[(&str, &str)] = &[
    ("lib/%", "lib/%"),
    // Ubuntu 12.04.
    ("lib/lib/%", "lib/lib/%"),
    ("lib64", "lib"),
    ("lib", "lib32"),
    ("lib64", "lib32"),
];

/// The directories.
#[derive(Debug)]
pub(super) struct Libraries {
    base: Temporary,
    /// What stands for the architecture in a path: `${LIB}` or `${PLATFORM}`.
    token: &'static str,
    places: Vec<(Tuple, PathBuf)>,
}

/// What came of a link.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Linked {
    /// It leads where it is to lead.
    Made,
    /// There is something else of this name, or no directory.
    Taken,
}

/// Why there are none.
#[derive(Debug, thiserror::Error)]
pub(super) enum Error {
    #[error("the container has no dynamic linker of a known architecture")]
    NoLoader,
    #[error("{}: {error}", path.display())]
    Io { path: PathBuf, error: io::Error },
}

impl Libraries {
    /// Makes them for these architectures, empty.
    ///
    /// # Errors
    /// When no dynamic linker is there, or a directory cannot be made.
    pub(super) fn make(
        root: &dyn Filesystem,
        tuples: &[Tuple],
        parent: &Path,
    ) -> Result<Self, Error> {
        let found: Vec<_> = tuples.iter().map(|t| (*t, Expansion::of(root, *t))).collect();
        let (token, names) = names(&found).ok_or(Error::NoLoader)?;
        let io = |path: &Path, error| Error::Io { path: path.to_owned(), error };
        let base = Temporary::make(parent, "pressure-vessel-libs-").map_err(|e| io(parent, e))?;
        let mut places = Vec::new();
        for (tuple, name) in names {
            let path = base.path().join(name);
            let made = std::fs::DirBuilder::new().recursive(true).mode(0o700).create(&path);
            made.map_err(|error| io(&path, error))?;
            places.push((tuple, path));
        }
        Ok(Self { base, token, places })
    }

    /// The architectures.
    pub(super) fn tuples(&self) -> impl Iterator<Item = Tuple> + '_ {
        self.places.iter().map(|(tuple, _)| *tuple)
    }

    /// A name in the directory of whoever asks.
    pub(super) fn entry(&self, name: &[u8]) -> ByteString {
        let base = self.base.path().as_os_str().as_bytes();
        ByteString([base, b"/", self.token.as_bytes(), b"/", name].concat())
    }

    /// Gives an architecture a link of this name.
    ///
    /// # Errors
    /// When it cannot be made.
    pub(super) fn link(&self, tuple: Tuple, name: &Path, target: &Path) -> io::Result<Linked> {
        let Some((_, place)) = self.places.iter().find(|(known, _)| *known == tuple) else {
            return Ok(Linked::Taken);
        };
        let link = place.join(name);
        match symlink(target, &link) {
            Ok(()) => Ok(Linked::Made),
            Err(error) if error.kind() == io::ErrorKind::AlreadyExists => {
                let same = std::fs::read_link(&link).is_ok_and(|found| found == target);
                Ok(if same { Linked::Made } else { Linked::Taken })
            }
            Err(error) => Err(error),
        }
    }
}

/// The token that tells the architectures apart, and what it is for each. One without a dynamic linker
/// runs nothing, and goes by any scheme. `None`: none has one.
fn names(found: &[(Tuple, Option<Expansion>)]) -> Option<(&'static str, Vec<(Tuple, String)>)> {
    let known: Vec<_> =
        found.iter().filter_map(|(tuple, expansion)| Some((*tuple, expansion.as_ref()?))).collect();
    if known.is_empty() {
        return None;
    }
    for scheme in SCHEMES {
        let names: Vec<_> =
            found.iter().map(|(tuple, _)| (*tuple, named(scheme, *tuple))).collect();
        let alone = |(tuple, name): &(Tuple, String)| {
            !names.iter().any(|(other, same)| other != tuple && same == name)
        };
        let fits =
            |(tuple, expansion): &(Tuple, &Expansion)| expansion.lib == named(scheme, *tuple);
        if known.iter().all(fits) && names.iter().all(alone) {
            return Some(("${LIB}", names));
        }
    }
    let platforms = known.iter().map(|(tuple, expansion)| (*tuple, expansion.platform.into()));
    Some(("${PLATFORM}", platforms.collect()))
}

fn named((wide, narrow): &(&str, &str), tuple: Tuple) -> String {
    if tuple.is_64_bit() { wide } else { narrow }.replace('%', tuple.name())
}

#[cfg(test)]
mod tests {
    use super::*;
    use Tuple::{Aarch64, I386, X86_64};

    #[test]
    fn the_first_scheme_that_all_go_by() {
        const GNU: [&str; 2] = ["lib/x86_64-linux-gnu", "lib/i386-linux-gnu"];
        const TWICE: [&str; 2] = ["lib/lib/x86_64-linux-gnu", "lib/lib/i386-linux-gnu"];
        for (wide, narrow, want) in [
            (GNU[0], GNU[1], format!("${{LIB}} {} {}", GNU[0], GNU[1])),
            (TWICE[0], TWICE[1], format!("${{LIB}} {} {}", TWICE[0], TWICE[1])),
            ("lib64", "lib", "${LIB} lib64 lib".into()),
            ("lib", "lib32", "${LIB} lib lib32".into()),
            ("lib64", "lib32", "${LIB} lib64 lib32".into()),
            ("lib", "lib", "${PLATFORM} x86_64 i686".into()),
            (GNU[0], "lib", "${PLATFORM} x86_64 i686".into()),
            ("lib", "", "${LIB} lib lib32".into()),
            ("", "lib", "${LIB} lib64 lib".into()),
            ("", "", String::new()),
        ] {
            let of = |lib: &str, platform| {
                (!lib.is_empty()).then(|| Expansion { lib: lib.into(), platform })
            };
            let found = [(X86_64, of(wide, "x86_64")), (I386, of(narrow, "i686"))];
            assert_eq!(shown(&found), want, "{wide} {narrow}");
        }
        let of = |platform| Some(Expansion { lib: "lib64".into(), platform });
        let found = [(X86_64, of("x86_64")), (Aarch64, of("aarch64"))];
        assert_eq!(shown(&found), "${PLATFORM} x86_64 aarch64", "they would share a directory");
    }

    fn shown(found: &[(Tuple, Option<Expansion>)]) -> String {
        let Some((token, names)) = names(found) else { return String::new() };
        let names: Vec<_> = names.into_iter().map(|(_, name)| name).collect();
        format!("{token} {}", names.join(" "))
    }
}

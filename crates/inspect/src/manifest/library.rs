//! The forms that a `library_path` can have.

use super::Reason;
use plan::{ByteString, RootPath};

/// Where a manifest says that its library is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum LibraryPath {
    /// At this path; a path relative to the manifest has been made absolute.
    Absolute(RootPath),
    /// Wherever the dynamic linker finds this name.
    Soname(String),
    /// At a path that depends on the loading process: it has `$LIB`, `$ORIGIN` or `$PLATFORM`, and
    /// is absolute but for an `$ORIGIN` at its start.
    Dynamic(ByteString),
}

/// How a parser of manifests learns what a `library_path` means at the place of the manifest.
pub type Locate<'a> = &'a dyn Fn(&str) -> Result<LibraryPath, Reason>;

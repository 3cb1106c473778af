//! Why a manifest or a module is not used.

use plan::{RootPath, Tuple};

/// Why a manifest, a part of one, or a module is not used.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Reason {
    /// The file cannot be found or read.
    #[error(transparent)]
    Unreadable(crate::root::Error),
    /// A file named by a variable does not end in `.json`, so that loaders skip it.
    #[error("its name does not end in `{0}`")]
    Suffix(&'static str),
    /// It is larger than any manifest.
    #[error("it has {size} bytes, more than the {limit} that a manifest may have")]
    TooLarge {
        /// Its size in bytes.
        size: u64,
        /// What is accepted, in bytes.
        limit: u64,
    },
    /// It is not JSON.
    #[error("line {line}, column {column}: {message}")]
    Syntax {
        /// Counted from 1; 0 where the parser cannot tell.
        line: usize,
        /// Counted from 1, in bytes; 0 where the parser cannot tell.
        column: usize,
        /// What the parser says.
        message: String,
    },
    /// A member that every manifest of its kind has is missing.
    #[error("it has no `{0}`")]
    Missing(String),
    /// A member is of another type than it must be.
    #[error("`{member}` is not {wanted}")]
    Type {
        /// Its name, with the names of the objects that contain it, separated by dots.
        member: String,
        /// What it should be, with an article.
        wanted: &'static str,
    },
    /// A member has a value that it must not have.
    #[error("`{member}`: {why}")]
    Value {
        /// Its name, as in [`Reason::Type`]; elements of arrays by their index.
        member: String,
        /// What is wrong with it.
        why: String,
    },
    /// A member is empty that must not be.
    #[error("`{0}` is empty")]
    Empty(String),
    /// Of two members, exactly one must be there, and both are.
    #[error("it has both `{0}` and `{1}`")]
    Both(&'static str, &'static str),
    /// Its format is of a version that is not known here.
    #[error("its file_format_version is `{version}`, accepted is {accepted}")]
    Version {
        /// The version that it has.
        version: String,
        /// The versions that are accepted.
        accepted: &'static str,
    },
    /// `library_path` cannot be a path.
    #[error("its library_path `{0}` cannot be the path of a library")]
    LibraryPath(String),
    /// It is for another word size.
    #[error("its library_arch is `{library_arch}`, so it is not for {tuple}")]
    LibraryArch {
        /// What the manifest says.
        library_arch: String,
        /// What was wanted.
        tuple: Tuple,
    },
    /// An earlier manifest has the same content.
    #[error("it is the same as {0}")]
    Duplicate(RootPath),
    /// An earlier file of the same purpose is used in its place.
    #[error("{0} comes first")]
    Shadowed(RootPath),
    /// One of several layers in a file cannot be used.
    #[error("layer {index}: {why}")]
    Layer {
        /// Its position in the array, from 0.
        index: usize,
        /// What is wrong with it.
        why: Box<Reason>,
    },
    /// A module is no usable ELF file.
    #[error(transparent)]
    Elf(#[from] crate::elf::Error),
    /// A module is for another architecture.
    #[error("it is for {}, not for {tuple}", .found.map_or("an unknown architecture", Tuple::name))]
    Architecture {
        /// What it is for, where that is known here.
        found: Option<Tuple>,
        /// What was wanted.
        tuple: Tuple,
    },
    /// A module is an ELF file that cannot be loaded.
    #[error("it is not a shared object")]
    NotShared,
    /// A module is left out on purpose.
    #[error("{0}")]
    Quirk(&'static str),
}

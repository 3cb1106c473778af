//! What the dynamic section and the symbol tables of an ELF file say.
//!
//! Mirrors what glibc's dynamic linker reads (elf/dl-load.c, elf/get-dynamic-info.h): program headers, `PT_DYNAMIC`,
//! `PT_INTERP`, and the tables that dynamic entries point to, found through `PT_LOAD`; section headers play no role.
//! Input is hostile: every count and every offset is checked, and only parts of the file are read.

use crate::root::{self, Root};
use plan::{ByteString, RootPath, Tuple};
use std::collections::BTreeSet;

/// What an ELF file is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// `ET_EXEC`, or `ET_DYN` with a program interpreter.
    Executable,
    /// `ET_DYN` without a program interpreter.
    SharedObject,
    /// Anything else: object files, core dumps.
    Other,
}

/// What matters to the dynamic linker in an ELF file.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Elf {
    /// The architecture; `None` if it is none of the known ones.
    pub tuple: Option<Tuple>,
    /// What it is.
    pub kind: Kind,
    /// `DT_SONAME`.
    pub soname: Option<String>,
    /// `DT_NEEDED`, in order.
    pub needed: Vec<String>,
    /// `DT_RPATH`, not expanded.
    pub rpath: Option<String>,
    /// `DT_RUNPATH`, not expanded. The dynamic linker ignores `rpath` when there is one.
    pub runpath: Option<String>,
    /// `PT_INTERP`.
    pub interpreter: Option<ByteString>,
    /// `DF_1_NODEFLIB`: neither the default directories nor their entries in `ld.so.cache` serve.
    pub no_default_lib: bool,
    /// Names of the symbol versions that it defines, without the base version.
    pub defines: Vec<String>,
    /// The base version, which is the file's own name.
    pub base_version: Option<String>,
    /// File → names of symbol versions that it needs of it.
    pub requires: Vec<(String, Vec<String>)>,
    /// The build ID of the GNU note.
    pub build_id: Option<Vec<u8>>,
}

/// Why bytes are no usable ELF file.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Error {
    /// It does not start as an ELF file does.
    #[error("not an ELF file")]
    NotElf,
    /// Its tables contradict each other or the size of the file.
    #[error("the ELF file is damaged: {0}")]
    Malformed(&'static str),
    /// A table is larger than what is read.
    #[error("the ELF file has more {0} than are read")]
    TooLarge(&'static str),
    /// The file cannot be opened or read.
    #[error(transparent)]
    File(#[from] root::Error),
}

/// Reads headers, dynamic section, versions and notes. Symbols are not scanned.
///
/// # Errors
/// When it is no ELF file or damaged.
pub fn parse(bytes: &[u8]) -> Result<Elf, Error> {
    let _ = bytes;
    Err(Error::NotElf)
}

/// The defined dynamic symbols, as `name@VERSION`, or `name` for those without version.
///
/// # Errors
/// When it is no ELF file or damaged.
pub fn symbols(bytes: &[u8]) -> Result<BTreeSet<String>, Error> {
    let _ = bytes;
    Err(Error::NotElf)
}

/// The architecture that an ELF header (the first 20 bytes of the file at least) is for.
pub fn tuple_of(header: &[u8]) -> Option<Tuple> {
    let _ = header;
    None
}

/// As [`parse`], for a file of a root, reading only the parts that are needed.
///
/// # Errors
/// As [`parse`], and when it cannot be found or read.
pub fn read(root: &Root, path: &RootPath) -> Result<Elf, Error> {
    Err(root.resolve(path).map_or_else(Error::File, |_| Error::NotElf))
}

/// As [`symbols`], for a file of a root, reading only the parts that are needed.
///
/// # Errors
/// As [`symbols`], and when it cannot be found or read.
pub fn read_symbols(root: &Root, path: &RootPath) -> Result<BTreeSet<String>, Error> {
    Err(root.resolve(path).map_or_else(Error::File, |_| Error::NotElf))
}

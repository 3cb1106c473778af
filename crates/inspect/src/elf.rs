//! What the dynamic section and the symbol tables of an ELF file say.
//!
//! Mirrors what glibc's dynamic linker reads (elf/dl-load.c, elf/get-dynamic-info.h): program headers, `PT_DYNAMIC`,
//! `PT_INTERP`, and the tables that dynamic entries point to, found through `PT_LOAD`; section headers play no role.
//! Input is hostile: every count and every offset is checked, and only parts of the file are read.

mod header;
mod image;
mod known;
mod source;
mod symbols;
mod versions;

#[cfg(test)]
mod tests;

use crate::root::{self, Content, Filesystem, Resolved};
use image::{Dynamic, Image};
use object::elf::{self as format, FileHeader32, FileHeader64};
use object::endian::Endianness;
use object::read::elf::FileHeader;
use plan::{ByteString, RootPath, Tuple};
use rustix::io::Errno;
use source::{File, Source};
use std::collections::BTreeSet;

pub use header::Header;
pub use known::read_known;

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
    /// Those of [`Self::requires`] that only weak references need (`VER_FLG_WEAK`): file, version. The
    /// dynamic linker goes on without them.
    pub requires_weakly: Vec<(String, String)>,
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
    /// The file cannot be found or opened.
    #[error(transparent)]
    File(#[from] root::Error),
    /// Reading the file failed.
    #[error("reading the ELF file: {0}")]
    Read(Errno),
}

/// Reads headers, dynamic section, versions and notes. Symbols are not scanned.
///
/// # Errors
/// When it is no ELF file or damaged.
pub fn parse(bytes: &[u8]) -> Result<Elf, Error> {
    parse_source(&bytes)
}

/// The defined dynamic symbols, as `name@VERSION`, or `name` for those without version. Those of the
/// base version have the name of the file as theirs. What the linker puts into every file is left
/// out, and the names of versions that are symbols too.
///
/// # Errors
/// When it is no ELF file or damaged.
pub fn symbols(bytes: &[u8]) -> Result<BTreeSet<String>, Error> {
    symbols_of_source(&bytes)
}

/// The architecture that an ELF header (the first 20 bytes of the file at least) is for.
pub fn tuple_of(header: &[u8]) -> Option<Tuple> {
    Tuple::of_elf_header(header)
}

/// As [`parse`], for a file of a root, reading only the parts that are needed.
///
/// # Errors
/// As [`parse`], and when it cannot be found or read.
pub fn read(root: &dyn Filesystem, path: &RootPath) -> Result<Elf, Error> {
    read_resolved(root, &root.resolve(path)?)
}

/// As [`read`], for a file that was found before.
///
/// # Errors
/// As [`read`].
pub fn read_resolved(root: &dyn Filesystem, file: &Resolved) -> Result<Elf, Error> {
    match root.open(file)? {
        Content::Open(fd) => parse_source(&File::new(fd, file.identity.size)),
        Content::Bytes(bytes) => parse(&bytes),
    }
}

/// As [`symbols`], for a file of a root, reading only the parts that are needed.
///
/// # Errors
/// As [`symbols`], and when it cannot be found or read.
pub fn read_symbols(root: &dyn Filesystem, path: &RootPath) -> Result<BTreeSet<String>, Error> {
    let file = root.resolve(path)?;
    match root.open(&file)? {
        Content::Open(fd) => symbols_of_source(&File::new(fd, file.identity.size)),
        Content::Bytes(bytes) => symbols(&bytes),
    }
}

/// The class of the file, when it is an ELF file.
fn class_of(source: &dyn Source) -> Result<format::FileClass, Error> {
    let mut start = [0; 5];
    match source.fill(0, &mut start) {
        Ok(()) => {}
        Err(Error::Malformed(_)) => return Err(Error::NotElf),
        Err(e) => return Err(e),
    }
    let [0x7f, b'E', b'L', b'F', class] = start else { return Err(Error::NotElf) };
    Ok(format::FileClass(class))
}

fn parse_source(source: &dyn Source) -> Result<Elf, Error> {
    match class_of(source)? {
        format::ELFCLASS64 => elf_of(&Image::<FileHeader64<Endianness>>::open(source)?),
        format::ELFCLASS32 => elf_of(&Image::<FileHeader32<Endianness>>::open(source)?),
        _ => Err(Error::NotElf),
    }
}

fn symbols_of_source(source: &dyn Source) -> Result<BTreeSet<String>, Error> {
    match class_of(source)? {
        format::ELFCLASS64 => {
            let image = Image::<FileHeader64<Endianness>>::open(source)?;
            image.symbols(&image.dynamic()?)
        }
        format::ELFCLASS32 => {
            let image = Image::<FileHeader32<Endianness>>::open(source)?;
            image.symbols(&image.dynamic()?)
        }
        _ => Err(Error::NotElf),
    }
}

fn elf_of<H: FileHeader<Endian = Endianness>>(image: &Image<'_, H>) -> Result<Elf, Error> {
    let dynamic: Dynamic = image.dynamic()?;
    let string = |tag| dynamic.get(tag).map(|i| image.string(&dynamic, i)).transpose();
    let needed = dynamic.all(format::DT_NEEDED).map(|i| image.string(&dynamic, i));
    let flags = dynamic.get(format::DT_FLAGS_1).unwrap_or(0);
    let (base, defines): (Vec<_>, Vec<_>) =
        image.definitions(&dynamic)?.into_iter().partition(|d| d.is_base);
    let requirements = image.requirements(&dynamic)?;
    Ok(Elf {
        tuple: image.tuple(),
        kind: image.kind(&dynamic),
        soname: string(format::DT_SONAME)?,
        needed: needed.collect::<Result<_, _>>()?,
        rpath: string(format::DT_RPATH)?,
        runpath: string(format::DT_RUNPATH)?,
        interpreter: image.interpreter()?.map(ByteString),
        no_default_lib: flags & format::DF_1_NODEFLIB.0 != 0,
        defines: defines.into_iter().map(|d| d.name).collect(),
        base_version: base.into_iter().next().map(|d| d.name),
        requires: requirements.all,
        requires_weakly: requirements.weak,
        build_id: image.build_id(),
    })
}

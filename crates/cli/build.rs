//! How the released program is linked: without tables that it never reads.
//!
//! It ends where it panics (`panic = "abort"` in the workspace's profile), so nothing unwinds its stack,
//! and tables for that are an eighth of a static binary. Equal functions become one. Only where the
//! linker is the one whose options these are.

#![expect(clippy::disallowed_methods, reason = "cargo tells a build script by its environment")]

use std::env;

fn main() {
    println!("cargo::rerun-if-changed=no-unwinding.ld");
    println!("cargo::rerun-if-changed=build.rs");
    let is = |name: &str, value: &str| env::var(name).is_ok_and(|v| v == value);
    let linker = env::var("RUSTC_LINKER").unwrap_or_default();
    if is("PROFILE", "release")
        && is("CARGO_CFG_TARGET_ENV", "musl")
        && linker.ends_with("rust-lld")
    {
        let directory = env::var("CARGO_MANIFEST_DIR").unwrap_or_default();
        println!("cargo::rustc-link-arg-bins=-T{directory}/no-unwinding.ld");
        println!("cargo::rustc-link-arg-bins=--no-eh-frame-hdr");
        println!("cargo::rustc-link-arg-bins=--icf=all");
    }
}

//! FEX-Emu: its configuration, its rootfs, its server.
//!
//! Knows where FEX looks for each, version by version, by reading files only. Mirrors the search of
//! FEX's `Config.cpp` (as of 2608; places of 2502 where those of 2608 have nothing) and what
//! FEXServer leaves behind for others to see: its socket and its mount.

mod config;
mod places;
mod rootfs;
mod server;
mod thunks;

pub use config::{Config, Error, File, Setting, parse};
pub use places::Places;
pub use rootfs::{Candidate, Rootfs, What};
pub use server::{Served, Server, served, servers};
pub use thunks::{Thunks, parse_database};

use crate::manifest::Environment;
use crate::root::Root;
use std::ffi::OsStr;

/// Reads what decides about FEX's rootfs and thunks, as it would for `program`, the base name of the
/// program that will run. `root` is the host's own `/`.
pub fn config(root: &Root, env: &Environment, program: Option<&OsStr>) -> Config {
    let places = Places::of(root, env);
    config::read(root, env, &places, program)
}

/// Which rootfs that configuration names, and what is there.
pub fn rootfs(root: &Root, env: &Environment, config: &Config) -> Option<Rootfs> {
    let setting = config.rootfs.clone()?;
    Some(rootfs::find(root, env, &Places::of(root, env), setting))
}

#[cfg(test)]
mod tests;

//! What is given to others: the static binaries, one for each architecture, checked for what makes them
//! portable; and trees that can take the place of a `pressure-vessel` directory, one for each kind of machine.

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};

use install::{Kind, Sources, exchange, write_tree};
use plan::Tuple;

use crate::error::{Context, Problem, Result};
use crate::progress::step;
use crate::setup::TARGETS;
use crate::{cargo, completions, licences, manual};

/// A binary must stay below this.
const LIMIT: u64 = 3_000_000;

/// Type of the program header that names a dynamic linker.
const PT_INTERP: u32 = 3;

/// The trees: for which machine, and what the directory is called in a depot.
const TREES: &[(Tuple, &str)] =
    &[(Tuple::X86_64, "pressure-vessel"), (Tuple::Aarch64, "pressure-vessel-arm64")];

/// Builds every binary into `dist/TARGET/bathysphere`, checks it, and writes the trees. Returns the directory
/// `dist`.
pub(crate) fn run() -> Result<PathBuf> {
    let dist = cargo::workspace()?.root.join("dist");
    let mut lines = Vec::new();
    let mut builds = BTreeMap::new();
    step("building for every architecture", build_all)?;
    for target in TARGETS {
        let binary = step(&format!("building for {target}"), || build(target, &dist))?;
        let size = check(&binary)?;
        builds.insert(tuple(target)?, binary.clone());
        lines.push(format!("{target:28} {:>7.1} KiB  {}", size as f64 / 1024.0, binary.display()));
    }
    let share = dist.join("share");
    step("manual pages, completions, licences", || write_share(&share))?;
    for (machine, name) in TREES {
        let place = dist.join(name);
        let sources =
            Sources { builds: builds.clone(), machine: *machine, share: Some(share.clone()) };
        step(&format!("tree for {machine}"), || tree(&place, &sources))?;
        lines.push(format!("{machine:28} {:>11}  {}", "tree", place.display()));
    }
    lines.iter().for_each(|line| println!("{line}"));
    Ok(dist)
}

/// Writes what programs of every architecture have in common.
fn write_share(share: &Path) -> Result<()> {
    if share.symlink_metadata().is_ok() {
        fs::remove_dir_all(share).at("removing", share)?;
    }
    manual::write(share)?;
    completions::write(share)?;
    licences::write(share)
}

/// Writes a tree, or a newer one in its place.
fn tree(place: &Path, sources: &Sources) -> Result<()> {
    install::install(place, Kind::Prefix, exchange, |stage| write_tree(stage, "", sources))
        .map_err(|error| Problem::new(error.to_string()))
}

/// The architecture of a target, whose programs all have names of Debian's.
fn tuple(target: &str) -> Result<Tuple> {
    // Rust's i686 is Debian's i386.
    let machine = target.split('-').next().map(|m| if m == "i686" { "i386" } else { m });
    let name = format!("{}-linux-gnu", machine.unwrap_or(target));
    name.parse().map_err(|error| Problem::new(format!("{error}")))
}

/// Builds every binary, which leaves nothing to build for [`release`]. Linking one takes a single processor more than a
/// minute, so that cargo does well to have them all to do at the same time.
fn build_all() -> Result<()> {
    let mut arguments =
        vec!["build", "--release", "--locked", "-p", "bathysphere", "--bin", "bathysphere"];
    for target in TARGETS {
        arguments.extend(["--target", target]);
    }
    cargo::run(&arguments)
}

/// Builds one binary.
fn build(target: &str, dist: &Path) -> Result<PathBuf> {
    let built = release("bathysphere", "bathysphere", target)?;
    let dir = dist.join(target);
    fs::create_dir_all(&dir).at("creating", &dir)?;
    let binary = dir.join("bathysphere");
    replace(&built, &binary)?;
    Ok(binary)
}

/// Copies a program over another that may be running.
pub(crate) fn replace(from: &Path, to: &Path) -> Result<()> {
    let aside = to.with_extension("new");
    fs::copy(from, &aside).at("copying", from)?;
    fs::rename(&aside, to).at("placing", to)
}

/// Builds the static binary for this machine.
pub(crate) fn native() -> Result<PathBuf> {
    let target = format!("{}-unknown-linux-musl", std::env::consts::ARCH);
    step("building bathysphere", || release("bathysphere", "bathysphere", &target))
}

/// Builds a program of a package in release mode for a target.
pub(crate) fn release(package: &str, program: &str, target: &str) -> Result<PathBuf> {
    let arguments =
        ["build", "--release", "--locked", "-p", package, "--bin", program, "--target", target];
    cargo::executable(&arguments, program)
}

/// Fails unless the binary is static and small; returns its size in bytes.
fn check(binary: &Path) -> Result<u64> {
    let bytes = fs::read(binary).at("reading", binary)?;
    match has_interpreter(&bytes) {
        None => return Err(Problem::new(format!("{} is no ELF file", binary.display()))),
        Some(true) => {
            let problem = Problem::new(format!("{} asks for a dynamic linker", binary.display()));
            return Err(problem.hint("see the target's rustflags in .cargo/config.toml"));
        }
        Some(false) => {}
    }
    let size = bytes.len() as u64;
    if size < LIMIT {
        return Ok(size);
    }
    let problem =
        Problem::new(format!("{} has {size} bytes; the limit is {LIMIT}", binary.display()));
    Err(problem.hint("`cargo tree -e normal -p bathysphere` shows what it is made of"))
}

/// Whether an ELF file of either class, little-endian, has a program header of type `PT_INTERP`.
///
/// `None`: not such a file.
fn has_interpreter(bytes: &[u8]) -> Option<bool> {
    let wide = match bytes.get(..6)? {
        [0x7f, b'E', b'L', b'F', 1, 1] => false,
        [0x7f, b'E', b'L', b'F', 2, 1] => true,
        _ => return None,
    };
    let number = |at: usize, size: usize| {
        let field = bytes.get(at..at.checked_add(size)?)?;
        Some(field.iter().rev().fold(0usize, |value, byte| value << 8 | usize::from(*byte)))
    };
    // e_phoff, e_phentsize and e_phnum, as elf(5) has them.
    let (offset, size, count) = if wide {
        (number(0x20, 8)?, number(0x36, 2)?, number(0x38, 2)?)
    } else {
        (number(0x1c, 4)?, number(0x2a, 2)?, number(0x2c, 2)?)
    };
    let mut found = false;
    for index in 0..count {
        let at = offset.checked_add(index.checked_mul(size)?)?;
        found |= number(at, 4)? == PT_INTERP as usize;
    }
    Some(found)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn own_program_has_an_interpreter() {
        let own = fs::read(std::env::current_exe().unwrap()).unwrap();
        assert_eq!(has_interpreter(&own), Some(cfg!(target_env = "gnu")));
        assert_eq!(has_interpreter(&own[..100]), None);
        assert_eq!(has_interpreter(b"#!/bin/sh"), None);
    }
}

//! One group of architectures: what is brought from its provider.

use super::abi::Abi;
use super::patterns::{C_LIBRARY, NVIDIA_MODULE_VERSION, NVIDIA_VERSIONED, When};
use super::work::Work;
use super::{Captured, Error, Input, Part, data, modules};
use crate::knowledge::Knowledge;
use crate::{glibc, graphics};
use inspect::linker::{Linker, Options};
use inspect::root::Root;
use plan::{Decision, Origin, RootPath, Subject, Tuple, Verdict};
use std::os::unix::ffi::OsStrExt;

/// Decides for one group.
///
/// # Errors
/// [`Error::Required`], for the emulator's group only.
pub(super) fn run<'a>(work: &mut Work<'a>, knowledge: &'a Knowledge) -> Result<(), Error> {
    let (input, group) = (work.input, work.group);
    let Some(provider) = group.provider else {
        without_provider(input, &group.tuples, &mut work.out);
        return Ok(());
    };
    for tuple in &group.tuples {
        match &group.part {
            Part::Guest => guest(work, provider, *tuple, knowledge),
            Part::Emulator { libraries, programs } => {
                emulator(work, provider, *tuple, (libraries, programs), knowledge)?;
            }
        }
    }
    for abi in &mut work.abis {
        abi.capture_rows();
        capture_kernel_matched(input.host, abi);
        capture_texture_compression(abi);
        if group.part == Part::Guest {
            modules::capture(abi, &input.modules);
        }
    }
    if !work.abis.is_empty() {
        graphics::capture(work);
        glibc::take_over(work);
        // Data by built-in paths is one for all architectures: that of the game's drivers.
        if group.part == Part::Guest {
            data::capture(work);
        }
    }
    Ok(())
}

fn guest<'a>(work: &mut Work<'a>, provider: &'a Root, tuple: Tuple, knowledge: &'a Knowledge) {
    match linkers(work, provider, tuple) {
        Ok(Linkers::Both(both)) => {
            work.abis.push(Abi::new(both.0, both.1, knowledge, &work.input.stubs))
        }
        Ok(Linkers::RuntimeOnly(own, why)) => {
            work.out.glibc.insert(tuple, Origin::Runtime);
            work.alone.push(*own);
            leave_out(&mut work.out, tuple, why);
        }
        Err(why) => {
            leave_out(&mut work.out, tuple, why);
            return;
        }
    }
    work.out.tuples.push(tuple);
}

/// The emulator's own architecture: the C library, what the manifest names, what its programs need.
fn emulator<'a>(
    work: &mut Work<'a>,
    provider: &'a Root,
    tuple: Tuple,
    (libraries, programs): (&[String], &[RootPath]),
    knowledge: &'a Knowledge,
) -> Result<(), Error> {
    let missing =
        |name: &str, tried: Vec<String>| Error::Required { tuple, name: name.into(), tried };
    let theirs = provider_linker(work, provider, tuple)
        .map_err(|e| missing(tuple.interpreter(), vec![e.to_string()]))?;
    if theirs.interpreter().is_none() {
        let tried = format!("{}{} is not there", provider.path(), tuple.interpreter());
        return Err(missing(tuple.interpreter(), vec![tried]));
    }
    let own =
        Linker::new(work.input.runtime, tuple, Options { hwcaps: false, ..Options::default() })
            .map_err(|e| missing(tuple.interpreter(), vec![e.to_string()]))?;
    let when = if own.interpreter().is_some() { When::NotOlder } else { When::Always };
    let mut abi = Abi::new(theirs, own, knowledge, &work.input.stubs);
    let why = "the emulator runs with it";
    for name in std::iter::once(C_LIBRARY).chain(libraries.iter().map(String::as_str)) {
        // The linker itself is part of the C library's decision.
        if name.starts_with("ld-") {
            continue;
        }
        abi.capture_name(name, when, why).map_err(|e| {
            let tried = e.tried.iter().map(|(path, why)| format!("{path}: {why}"));
            missing(name, tried.collect())
        })?;
    }
    for program in programs {
        if let Ok(library) = abi.provider.load(program) {
            abi.capture_dependencies(&library);
        }
    }
    work.abis.push(abi);
    Ok(())
}

/// Nothing is brought in: the runtime is used as it is.
fn without_provider(input: &Input<'_>, tuples: &[Tuple], out: &mut Captured) {
    for tuple in tuples {
        match own_linker(input.runtime, *tuple) {
            Ok(_) => {
                out.tuples.push(*tuple);
                out.glibc.insert(*tuple, Origin::Runtime);
            }
            Err(why) => leave_out(out, *tuple, why),
        }
    }
}

/// The searches of one architecture.
enum Linkers<'a> {
    /// Of the provider and of the runtime.
    Both(Box<(Linker<'a>, Linker<'a>)>),
    /// Of the runtime, whose programs run with what it has itself, and why nothing is captured.
    RuntimeOnly(Box<Linker<'a>>, String),
}

/// # Errors
/// Why programs of this architecture cannot run at all.
fn linkers<'a>(work: &Work<'a>, provider: &'a Root, tuple: Tuple) -> Result<Linkers<'a>, String> {
    let own = own_linker(work.input.runtime, tuple)?;
    let why = match provider_linker(work, provider, tuple) {
        Ok(theirs) if theirs.interpreter().is_some() => {
            return Ok(Linkers::Both(Box::new((theirs, own))));
        }
        Ok(_) => format!("the graphics provider has no {}", tuple.interpreter()),
        Err(error) => error.to_string(),
    };
    let why = format!("{why}; only the runtime's own drivers serve it");
    Ok(Linkers::RuntimeOnly(Box::new(own), why))
}

/// How the provider's libraries are searched. What `LD_LIBRARY_PATH` names are directories of the host.
fn provider_linker<'a>(
    work: &Work<'a>,
    provider: &'a Root,
    tuple: Tuple,
) -> Result<Linker<'a>, inspect::linker::Error> {
    let mut extra_directories = extra_directories(tuple);
    if let Some(paths) = work.settings(tuple).and_then(|s| s.fallback_library_paths.as_ref()) {
        extra_directories.extend(paths.iter().cloned());
    }
    // Copies for better CPUs are left aside: a prepared layer may be used on another machine.
    let options = Options { library_path: vec![], extra_directories, hwcaps: false };
    let linker = Linker::new(provider, tuple, options)?;
    let value = work.input.environment.get("LD_LIBRARY_PATH");
    let value = value.filter(|_| provider.path() == work.input.host.path());
    Ok(match value {
        Some(value) => linker.with_environment(value.as_bytes(), None, &RootPath::root()),
        None => linker,
    })
}

fn own_linker(runtime: &Root, tuple: Tuple) -> Result<Linker<'_>, String> {
    let options = Options { hwcaps: false, ..Options::default() };
    let own = Linker::new(runtime, tuple, options).map_err(|e| e.to_string())?;
    match own.interpreter() {
        Some(_) => Ok(own),
        None => Err(format!("the runtime has no {}", tuple.interpreter())),
    }
}

/// The `LD_LIBRARY_PATH` of the launcher is about the host's libraries.
/// Looked into when the provider's cache does not have a library: it may be stale.
fn extra_directories(tuple: Tuple) -> Vec<RootPath> {
    let lib = if tuple.is_64_bit() { "/usr/lib64" } else { "/usr/lib32" };
    vec![RootPath::literal(lib), RootPath::literal("/usr/lib").at(tuple.name())]
}

fn leave_out(out: &mut Captured, tuple: Tuple, why: String) {
    out.decisions.push(Decision {
        subject: Subject::Architecture { tuple },
        candidates: vec![],
        verdict: Verdict::Rejected,
        why: why.clone(),
    });
    out.left_out.push((tuple, why));
}

/// NVIDIA's parts that are loaded by the version of the kernel module.
fn capture_kernel_matched(host: &Root, abi: &mut Abi<'_>) {
    let version = host.read(&RootPath::literal(NVIDIA_MODULE_VERSION)).ok();
    let version = version.and_then(|v| String::from_utf8(v).ok());
    let Some(version) = version.as_deref().map(str::trim).filter(|v| is_version(v)) else {
        return;
    };
    for name in NVIDIA_VERSIONED {
        let why = format!("the kernel module is version {version}");
        // Absent ones are of other releases of the driver.
        let _ = abi.capture_name(&format!("{name}.{version}"), When::Always, &why);
    }
}

fn is_version(text: &str) -> bool {
    !text.is_empty() && text.bytes().all(|b| b.is_ascii_digit() || b == b'.')
}

/// Old Mesa loads this for compressed textures; it is in no cache, as it has no SONAME of its own.
fn capture_texture_compression(abi: &mut Abi<'_>) {
    const NAME: &str = "libtxc_dxtn.so";
    for directory in abi.provider.directories() {
        if let Ok(library) = abi.provider.load(&directory.at(NAME)) {
            abi.capture_as(NAME, &library, "texture compression for older Mesa");
            return;
        }
    }
}

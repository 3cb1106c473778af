//! The C library as one decision: where the provider's is taken, the dynamic linker, character-set
//! converters, sources of locales and the tools that read its private formats come with it.
//!
//! Mirrors what glibc finds by paths built into it: `PT_INTERP`, `$libdir/gconv`, `/usr/share/i18n`.
//! Compiled locales are in [`crate::locale`].

use crate::capture::Part;
use crate::capture::abi::candidate;
use crate::capture::patterns::C_LIBRARY;
use crate::capture::place::position;
use crate::capture::work::Work;
use inspect::elf;
use inspect::root::{Kind, Resolved};
use plan::{Origin, RootPath, Subject, Tuple, Verdict};

/// Directories below a library directory that glibc before 2.37 looked into first; converters are
/// not in them.
const LEGACY_HWCAPS: &[&str] = &["cmov", "i686", "sse2", "tls", "x86_64"];

/// Programs of the C library that fail, or show another version's view, when they are not of the
/// same version: where each goes.
const TOOLS: &[(&str, &str)] = &[
    ("catchsegv", "/usr/bin"),
    ("getconf", "/usr/bin"),
    ("getent", "/usr/bin"),
    ("iconv", "/usr/bin"),
    ("ldd", "/usr/bin"),
    ("locale", "/usr/bin"),
    ("localedef", "/usr/bin"),
    ("pldd", "/usr/bin"),
    ("tzselect", "/usr/bin"),
    ("zdump", "/usr/bin"),
    ("ldconfig", "/sbin"),
    ("ldconfig.real", "/sbin"),
];

/// Where they are searched in the provider.
const TOOL_DIRECTORIES: &[&str] = &["/usr/bin", "/bin", "/usr/sbin", "/sbin"];

/// Sources from which `localedef` compiles.
const LOCALE_SOURCES: &str = "/usr/share/i18n";

/// Completes what the comparison of `libc.so.6` began, for each architecture.
pub(crate) fn take_over(work: &mut Work<'_>) {
    let mut with_provider = vec![];
    for abi in 0..work.abis.len() {
        let tuple = work.abis[abi].tuple;
        let taken = work.abis[abi].taken().contains_key(C_LIBRARY);
        let is_guest = work.group.part == Part::Guest;
        if is_guest {
            let origin = if taken { Origin::Provider } else { Origin::Runtime };
            work.out.glibc.insert(tuple, origin);
        }
        let mut parts = vec![];
        if taken {
            // Tools and locales are for programs of the game.
            if is_guest {
                with_provider.push(tuple);
            }
            parts.extend(take_interpreter(work, abi));
            parts.extend(take_converters(work, abi));
        }
        record(work, abi, taken, &parts);
    }
    if !with_provider.is_empty() {
        work.take_in_place(&RootPath::literal(LOCALE_SOURCES));
        take_tools(work, &with_provider);
    }
}

/// The runtime's dynamic linker becomes a link to the provider's. It is replaced where the links
/// from the psABI's path end, so that every path that led to it leads to the new one.
fn take_interpreter(work: &mut Work<'_>, abi: usize) -> Option<String> {
    let own = work.abis[abi].runtime.interpreter().map(|own| own.path);
    let theirs = work.abis[abi].provider.interpreter()?;
    let target = work.places.provider(&theirs.path);
    // A runtime that has nothing of the emulator's architecture gets it at the psABI's path.
    let fixed = RootPath::literal(work.abis[abi].tuple.interpreter());
    let own = own.unwrap_or_else(|| position(work.input.runtime, &fixed));
    let text = format!("{own} is now {target}");
    work.link(own, &target);
    Some(text)
}

/// The converters are modules for exactly one version of the C library, which looks for them at the
/// path of its own distribution.
fn take_converters(work: &mut Work<'_>, abi: usize) -> Option<String> {
    let library = work.abis[abi].taken().get(C_LIBRARY)?.file.path.clone();
    let lib = work.abis[abi].provider.origin_lib();
    let mut candidates = vec![];
    if let Some(gconv) = work.settings(work.abis[abi].tuple).and_then(|s| s.gconv.clone()) {
        work.take_in_place(&gconv);
        return Some(format!("{gconv} is the provider's"));
    }
    let mut directory = library.parent()?;
    loop {
        candidates.push(in_usr(&directory));
        let last = directory.file_name()?.to_str()?.to_owned();
        if !LEGACY_HWCAPS.contains(&last.as_str()) {
            break;
        }
        directory = directory.parent()?;
    }
    candidates.push(RootPath::root().join("usr").and_then(|u| u.join(&lib)).ok()?);
    for directory in candidates {
        let gconv = directory.at("gconv");
        let found = work.provider.find(&gconv);
        if found.is_some_and(|f| f.kind == Kind::Directory) {
            work.take_in_place(&gconv);
            return Some(format!("{gconv} is the provider's"));
        }
    }
    None
}

/// Where `/lib` and `/usr/lib` are not one, converters are in `/usr` all the same.
fn in_usr(directory: &RootPath) -> RootPath {
    let path = directory.as_bytes();
    if path.starts_with(b"/lib") {
        let inner = RootPath::literal("/usr").join(directory.relative());
        return inner.unwrap_or_else(|_| directory.clone());
    }
    directory.clone()
}

fn record(work: &mut Work<'_>, abi: usize, taken: bool, parts: &[String]) {
    let abi = &work.abis[abi];
    let subject = Subject::Other { name: format!("glibc {}", abi.tuple) };
    let mut candidates = vec![];
    if let Ok(theirs) = abi.provider.find(C_LIBRARY, None) {
        candidates.push(candidate(Origin::Provider, &theirs));
    }
    if let Ok(own) = abi.runtime.find(C_LIBRARY, None) {
        candidates.push(candidate(Origin::Runtime, &own));
    }
    let decisions = abi.finished(str::to_owned);
    let same = Subject::Library { tuple: abi.tuple, name: C_LIBRARY.into() };
    let compared = decisions.into_iter().find(|d| d.subject == same).map(|d| d.why);
    let mut why = compared.unwrap_or_else(|| "no driver of the provider needs it".into());
    for part in parts {
        why.push_str("; ");
        why.push_str(part);
    }
    let verdict = Verdict::Taken {
        origin: if taken { Origin::Provider } else { Origin::Runtime },
        at: abi.tuple.interpreter().into(),
    };
    work.out.decisions.push(plan::Decision { subject, candidates, verdict, why });
}

fn take_tools(work: &mut Work<'_>, tuples: &[Tuple]) {
    for (tool, destination) in TOOLS {
        let Some((path, found)) = find_tool(work, tool) else { continue };
        let subject = Subject::Path { path: path.to_string() };
        if !runs_with(work, &found, tuples) {
            work.decide(subject, vec![], None, "its C library is the runtime's");
            continue;
        }
        let target = work.places.provider(&found.path);
        let wanted = RootPath::literal(destination).at(tool);
        let at = position(work.input.runtime, &wanted);
        let why = "it must be of the same version as the C library";
        work.decide(subject, vec![], Some(at.to_string()), why);
        work.link(at, &target);
    }
}

fn find_tool(work: &Work<'_>, tool: &str) -> Option<(RootPath, Resolved)> {
    TOOL_DIRECTORIES.iter().find_map(|directory| {
        let path = RootPath::literal(directory).at(tool);
        let found = work.provider.find(&path)?;
        (found.kind == Kind::File).then_some((path, found))
    })
}

/// A program runs with its own architecture's C library; a script is for the primary one.
fn runs_with(work: &Work<'_>, tool: &Resolved, tuples: &[Tuple]) -> bool {
    match elf::read(work.provider, &tool.path) {
        Ok(elf) => elf.tuple.is_some_and(|t| tuples.contains(&t)),
        Err(_) => work.abis.first().is_some_and(|primary| tuples.contains(&primary.tuple)),
    }
}

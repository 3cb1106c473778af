//! Whether the command gets every library that it needs, in a version that has what it needs.
//!
//! A warning in all cases: the search is that of glibc, and other dynamic linkers have others.

use crate::execute::Program;
use crate::scene::Scene;
use crate::{evidence, preload, versions};
use inspect::elf::Elf;
use inspect::linker::{Closure, Library, NotFound};
use plan::{Code, Problem};
use std::collections::{BTreeMap, BTreeSet};

/// How many libraries or versions one finding names.
const MOST: usize = 8;

/// See the module.
pub(crate) fn check(scene: &Scene<'_>) -> Vec<Problem> {
    let mut seen = BTreeSet::new();
    let programs = scene.command().programs();
    let programs = programs.filter(|p| seen.insert((p.tuple, p.file.path.clone())));
    programs.flat_map(|program| of_program(scene, program, None)).collect()
}

/// What a program lacks. With a code, everything is reported under it and blocks.
pub(crate) fn of_program(scene: &Scene<'_>, program: &Program, code: Option<Code>) -> Vec<Problem> {
    // A static program, or one of a dynamic linker that is not glibc's.
    if program.elf.interpreter.is_none() || !is_glibc(program) {
        return vec![];
    }
    let Some(linker) = scene.linker_for(program.tuple, &program.file.path) else { return vec![] };
    let Ok(library) = linker.load(&program.file.path) else { return vec![] };
    let closure = linker.closure(&library);
    let preloaded = preload::names(scene, program.tuple);
    let name = program.file.path.to_string();
    let report = |standard, cause| match code {
        Some(code) => Problem::blocking(code, cause),
        None => Problem::warning(standard, cause),
    };
    let mut found = vec![];
    let missing: Vec<&NotFound> =
        closure.missing.iter().filter(|m| !preloaded.contains(&m.name)).collect();
    if !missing.is_empty() {
        let names: Vec<&str> = missing.iter().map(|m| m.name.as_str()).collect();
        let problem = report(
            Code::LIBRARY_MISSING,
            format!(
                "`{name}` will not start: it needs {}, which {} not found in the container",
                list(&names),
                if names.len() == 1 { "is" } else { "are" }
            ),
        );
        let lines = missing.iter().take(MOST).map(ToString::to_string);
        found.push(
            lines
                .fold(problem, Problem::evidence)
                .hint("install the library beside the program, or use a runtime that has it"),
        );
    }
    found.extend(too_old(&name, &closure, report));
    found
}

/// Whether the program interpreter is the dynamic linker of the GNU C library.
fn is_glibc(program: &Program) -> bool {
    let name = program.elf.interpreter.as_ref().map(|i| i.as_bytes());
    let name = name.and_then(|path| path.rsplit(|b| *b == b'/').next());
    name.is_some_and(|name| name.starts_with(b"ld-linux") || name.starts_with(b"ld64.so"))
}

fn too_old(
    program: &str,
    closure: &Closure,
    report: impl Fn(Code, String) -> Problem,
) -> Vec<Problem> {
    // Library → version → who needs it.
    let mut lacking: BTreeMap<String, BTreeMap<String, Vec<&Library>>> = BTreeMap::new();
    for library in &closure.libraries {
        let by_name = |name: &str| provider(closure, name).map(|l| &*l.elf);
        for missing in versions::missing(&library.elf, by_name) {
            let users = lacking.entry(missing.library).or_default();
            users.entry(missing.version).or_default().push(library);
        }
    }
    let mut found = vec![];
    for (name, users) in lacking {
        let Some(own) = provider(closure, &name) else { continue };
        let versions: Vec<&str> = users.keys().map(String::as_str).collect();
        let highest = versions.last().and_then(|v| versions::highest(&own.elf, v));
        let has = highest.map(|v| format!(", which has {v} at most")).unwrap_or_default();
        let cause =
            format!("`{program}` will not start: it needs {} of {name}{has}", list(&versions));
        let mut problem = report(Code::LIBRARY_TOO_OLD, cause);
        for (version, users) in users.iter().take(MOST) {
            let by: Vec<String> = users.iter().map(|l| l.found.to_string()).collect();
            let by: Vec<&str> = by.iter().map(String::as_str).collect();
            problem = problem.evidence(format!("{version} is needed by {}", list(&by)));
        }
        let problem = evidence::resolved(problem, &own.file);
        found
            .push(problem.hint("use a newer runtime, or a build of the program for older systems"));
    }
    found
}

/// The library of a closure that counts for a name.
fn provider<'c>(closure: &'c Closure, name: &str) -> Option<&'c Library> {
    let fits = |library: &&Library| is_called(&library.elf, &library.name, name);
    closure.libraries.iter().find(fits)
}

pub(crate) fn is_called(elf: &Elf, asked: &str, name: &str) -> bool {
    asked == name || elf.soname.as_deref() == Some(name)
}

/// Names in a sentence, the first few of them.
pub(crate) fn list(names: &[&str]) -> String {
    let shown = names.iter().take(MOST).copied().collect::<Vec<_>>().join(", ");
    match names.len().saturating_sub(MOST) {
        0 => shown,
        more => format!("{shown} and {more} more"),
    }
}

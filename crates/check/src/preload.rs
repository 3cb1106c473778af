//! Whether modules for `LD_PRELOAD` and `LD_AUDIT` can be loaded by programs of the architecture that they are for.
//!
//! Mirrors glibc's elf/rtld.c (`handle_preload_list`, `do_preload`): names are separated by blanks or
//! colons, tokens are replaced, and what cannot be loaded is left out with a complaint.

use crate::scene::Scene;
use inspect::linker::{Library, Linker};
use plan::{ByteString, Code, Preload, Problem, Tuple};
use std::collections::BTreeSet;

/// A module, the variable that names it, and the architecture that it is for; `None`: whichever fits.
struct Module {
    variable: &'static str,
    name: ByteString,
    tuple: Option<Tuple>,
}

/// The modules that the command is started with, as the supervisor puts them together.
fn modules(scene: &Scene<'_>) -> Vec<Module> {
    let supervision = &scene.plan().supervision;
    let mut out = vec![];
    for (variable, asked, blanks) in
        [("LD_PRELOAD", &supervision.ld_preload, true), ("LD_AUDIT", &supervision.ld_audit, false)]
    {
        let of = |p: &Preload| Module { variable, name: p.module.clone(), tuple: p.tuple };
        out.extend(asked.iter().map(of));
        if asked.is_empty() {
            let list = scene.variable(variable).unwrap_or_default();
            let names = list.split(|b| *b == b':' || (blanks && *b == b' '));
            let of = |name: &[u8]| Module { variable, name: name.to_vec().into(), tuple: None };
            out.extend(names.filter(|name| !name.is_empty()).map(of));
        }
    }
    out
}

/// The names under which modules of an architecture, and what they need, count as loaded.
pub(crate) fn names(scene: &Scene<'_>, tuple: Tuple) -> BTreeSet<String> {
    let mut names = BTreeSet::new();
    let modules = modules(scene);
    if modules.is_empty() {
        return names;
    }
    let Some(linker) = scene.linker(tuple) else { return names };
    for Module { variable, name, .. } in modules {
        // What LD_AUDIT loads is in a namespace of its own.
        let Some(library) = load(&linker, &name).ok().filter(|_| variable == "LD_PRELOAD") else {
            continue;
        };
        for library in linker.closure(&library).libraries {
            names.insert(library.name);
            names.extend(library.elf.soname.clone());
        }
    }
    names
}

/// See the module.
pub(crate) fn check(scene: &Scene<'_>) -> Vec<Problem> {
    let mut tuples = scene.tuples();
    if let Some(program) = scene.command().program() {
        tuples.push(program.tuple);
        tuples.sort_unstable();
        tuples.dedup();
    }
    modules(scene).iter().filter_map(|module| one(scene, module, &tuples)).collect()
}

fn one(scene: &Scene<'_>, module: &Module, tuples: &[Tuple]) -> Option<Problem> {
    let Module { variable, name, tuple } = module;
    let asked: Vec<Tuple> = tuple.map_or_else(|| tuples.to_vec(), |tuple| vec![tuple]);
    let mut refused: Vec<(Tuple, String)> = vec![];
    let mut incomplete: Vec<(Tuple, String)> = vec![];
    for tuple in &asked {
        let Some(linker) = scene.linker(*tuple) else { continue };
        match load(&linker, name) {
            Err(why) => refused.push((*tuple, why)),
            Ok(library) => {
                let missing = linker.closure(&library).missing;
                incomplete.extend(missing.into_iter().map(|m| (*tuple, m.to_string())));
            }
        }
    }
    // One file cannot be for two architectures; a name with a token is one for each.
    let each = tuple.is_some() || name.as_bytes().contains(&b'$');
    if !each && refused.len() < asked.len() {
        refused.clear();
    }
    let hint = if incomplete.is_empty() {
        "check the path of the module; for programs of another architecture, name that one's module too"
    } else {
        "programs will not start with it: leave it out, or install what it needs"
    };
    refused.append(&mut incomplete);
    let mut names: Vec<&str> = refused.iter().map(|(tuple, _)| tuple.name()).collect();
    names.dedup();
    let (first, names) = (refused.first()?, names.join(", "));
    let cause =
        format!("the module `{name}` of {variable} cannot be loaded for {names}: {}", first.1);
    let problem = Problem::warning(Code::PRELOAD_UNUSABLE, cause);
    let lines = refused.iter().map(|(tuple, why)| format!("{tuple}: {why}"));
    Some(lines.fold(problem, Problem::evidence).hint(hint))
}

fn load(linker: &Linker<'_>, module: &ByteString) -> Result<Library, String> {
    let text = module.to_string();
    let raw = String::from_utf8(module.as_bytes().to_vec()).map_err(|_| text)?;
    // `$ORIGIN` is the program's directory, which differs.
    let Some(expanded) = linker.expand(&raw, None) else {
        return Err("it depends on the program's directory".into());
    };
    let name = expanded.to_string_lossy();
    linker.find(&name, None).map_err(|e| e.to_string())
}

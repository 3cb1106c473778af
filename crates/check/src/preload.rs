//! Whether modules for `LD_PRELOAD` can be loaded by programs of the architecture that they are for.
//!
//! Mirrors glibc's elf/rtld.c (`handle_preload_list`, `do_preload`): names are separated by blanks or
//! colons, tokens are replaced, and what cannot be loaded is left out with a complaint.

use crate::scene::Scene;
use inspect::linker::{Library, Linker};
use plan::{ByteString, Code, Problem, Tuple};
use std::collections::BTreeSet;

/// A module, and the architecture that it is for; `None`: whichever fits.
type Module = (ByteString, Option<Tuple>);

/// The modules that the command is started with, as the supervisor puts them together.
fn modules(scene: &Scene<'_>) -> Vec<Module> {
    let asked = &scene.plan().supervision.ld_preload;
    if !asked.is_empty() {
        return asked.iter().map(|p| (p.module.clone(), p.tuple)).collect();
    }
    let list = scene.variable("LD_PRELOAD").unwrap_or_default();
    let names = list.split(|b| matches!(b, b':' | b' ')).filter(|name| !name.is_empty());
    names.map(|name| (ByteString(name.to_vec()), None)).collect()
}

/// The names under which modules of an architecture, and what they need, count as loaded.
pub(crate) fn names(scene: &Scene<'_>, tuple: Tuple) -> BTreeSet<String> {
    let mut names = BTreeSet::new();
    let modules = modules(scene);
    if modules.is_empty() {
        return names;
    }
    let Some(linker) = scene.linker(tuple) else { return names };
    for (module, _) in modules {
        let Ok(library) = load(&linker, &module) else { continue };
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
        tuples.sort();
        tuples.dedup();
    }
    modules(scene).iter().filter_map(|module| one(scene, module, &tuples)).collect()
}

fn one(scene: &Scene<'_>, (module, own): &Module, tuples: &[Tuple]) -> Option<Problem> {
    let asked: Vec<Tuple> = own.map_or_else(|| tuples.to_vec(), |tuple| vec![tuple]);
    let mut refused: Vec<(Tuple, String)> = vec![];
    for tuple in &asked {
        let Some(linker) = scene.linker(*tuple) else { continue };
        if let Err(why) = load(&linker, module) {
            refused.push((*tuple, why));
        }
    }
    // One file cannot be for two architectures; a name with a token is one for each.
    let each = own.is_some() || module.as_bytes().contains(&b'$');
    if refused.is_empty() || (!each && refused.len() < asked.len()) {
        return None;
    }
    let names: Vec<&str> = refused.iter().map(|(tuple, _)| tuple.name()).collect();
    let cause = format!("the module `{module}` cannot be preloaded for {}", names.join(", "));
    let problem = Problem::warning(Code::PRELOAD_UNUSABLE, cause);
    let lines = refused.into_iter().map(|(tuple, why)| format!("{tuple}: {why}"));
    Some(lines.fold(problem, Problem::evidence).hint(
        "check the path of the module; for programs of another architecture, name that one's module too",
    ))
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

//! Whether the libraries that are brought from the graphics provider find what they need, among each
//! other and in the runtime.
//!
//! All of them are looked at together, each file once: a library that any of them has brought along
//! serves the others in one process, so what is missing for one of them alone may be there in the end,
//! and is not reported.

use crate::libraries::{is_called, list};
use crate::overrides;
use crate::scene::Scene;
use crate::versions;
use inspect::linker::{Library, Linker};
use plan::{Code, Problem, Tuple};
use std::collections::{BTreeMap, BTreeSet, VecDeque};

/// The most files that are looked at for one architecture.
const MOST: usize = 4096;

/// See the module.
pub(crate) fn check(scene: &Scene<'_>) -> Vec<Problem> {
    let mut by_tuple: BTreeMap<Tuple, Vec<plan::RootPath>> = BTreeMap::new();
    for link in overrides::links(scene) {
        if let Some(tuple) = link.tuple {
            by_tuple.entry(tuple).or_default().push(link.path);
        }
    }
    let mut found = vec![];
    for (tuple, paths) in by_tuple {
        if let Some(linker) = scene.linker(tuple) {
            found.extend(of_tuple(&linker, tuple, &paths));
        }
    }
    found
}

/// What is missing → who needs it.
type Lacking = BTreeMap<String, BTreeSet<String>>;

fn of_tuple(linker: &Linker<'_>, tuple: Tuple, paths: &[plan::RootPath]) -> Vec<Problem> {
    // What a link does not lead to is a finding of its own.
    let mut queue: VecDeque<Library> = paths.iter().filter_map(|p| linker.load(p).ok()).collect();
    let mut files = BTreeSet::new();
    let mut names: BTreeSet<String> = BTreeSet::new();
    let mut libraries: Lacking = Lacking::new();
    let mut old: Lacking = Lacking::new();
    while let Some(library) = queue.pop_front() {
        names.extend(library.elf.soname.clone());
        if files.len() >= MOST || !files.insert(library.file.host.clone()) {
            continue;
        }
        let user = library.file.path.to_string();
        let mut needed: Vec<Library> = vec![];
        for name in &library.elf.needed {
            match linker.find(name, Some(&library)) {
                Ok(other) => needed.push(other),
                Err(_) if name.contains('$') => {}
                Err(_) => {
                    libraries.entry(name.clone()).or_default().insert(user.clone());
                }
            }
        }
        let by_name = |name: &str| {
            let other = needed.iter().find(|l| is_called(&l.elf, &l.name, name))?;
            Some(&*other.elf)
        };
        for missing in versions::missing(&library.elf, by_name) {
            let what = format!("{} of {}", missing.version, missing.library);
            old.entry(what).or_default().insert(user.clone());
        }
        queue.extend(needed);
    }
    libraries.retain(|name, _| !names.contains(name));
    let missing = libraries.into_iter().map(|(name, users)| {
        let cause = format!(
            "{} for {tuple}: it needs {name}, which is not in the container",
            subject(&users)
        );
        problem(cause, &users).hint(
            "install the library on this machine for that architecture, or ignore this if nothing \
             that you use needs the driver",
        )
    });
    let old = old.into_iter().map(|(what, users)| {
        let cause = format!(
            "{} for {tuple}: it needs {what}, which the container does not have",
            subject(&users)
        );
        problem(cause, &users).hint(
            "update this machine's packages so that they fit each other, or use a newer runtime",
        )
    });
    missing.chain(old).collect()
}

fn subject(users: &BTreeSet<String>) -> String {
    let users: Vec<&str> = users.iter().map(String::as_str).collect();
    match users.as_slice() {
        [one] => format!("`{one}` cannot be loaded"),
        many => format!("`{}` and {} other cannot be loaded", many[0], many.len() - 1),
    }
}

fn problem(cause: String, users: &BTreeSet<String>) -> Problem {
    let users: Vec<&str> = users.iter().map(String::as_str).collect();
    Problem::warning(Code::CAPTURED_INCOMPLETE, cause)
        .evidence(format!("needed by {}", list(&users)))
}

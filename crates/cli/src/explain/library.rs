//! Where libraries come from, by name or pattern; and drivers, manifests and whatever else was decided.

use super::page::Page;
use super::sight::{Sight, Sights};
use inspect::linker::{Library, Linker};
use inspect::root::{TrailStep, matches};
use plan::{ByteString, Decision, RootPath, Subject, Verdict};
use std::collections::{BTreeMap, BTreeSet};
use std::ffi::OsStr;
use std::os::unix::ffi::OsStrExt;

/// Most names that a pattern gives explanations for.
const MOST: usize = 500;

/// Explains everything that has the name or matches the pattern; whether there is anything.
pub(super) fn explain(pattern: &OsStr, sights: &Sights<'_, '_>, page: &mut Page) -> bool {
    let about: Vec<&Decision> =
        sights.plan().decisions.iter().filter(|d| is_about(&d.subject, pattern)).collect();
    for sight in &sights.all {
        for tuple in &sight.tuples {
            if let Some(linker) = sights.linker(sight, *tuple) {
                Searched { sights, sight, linker, about: &about }.explain(pattern, page);
            }
        }
    }
    let explained = |decision: &&&Decision| {
        let Subject::Library { tuple, .. } = &decision.subject else { return false };
        sights.all.iter().any(|s| s.tuples.contains(tuple) && sights.linker(s, *tuple).is_some())
    };
    for decision in about.iter().filter(|d| !explained(d)) {
        page.heading(&title(&decision.subject));
        page.decision(decision);
    }
    !page.is_empty()
}

fn fits(pattern: &OsStr, name: &str) -> bool {
    pattern.as_bytes() == name.as_bytes() || matches(pattern.as_bytes(), name.as_bytes())
}

fn last(path: &str) -> &str {
    path.rsplit('/').next().unwrap_or(path)
}

fn is_about(subject: &Subject, pattern: &OsStr) -> bool {
    match subject {
        Subject::Library { name, .. } | Subject::Other { name } => fits(pattern, name),
        Subject::Module { path, .. } | Subject::Manifest { path, .. } => fits(pattern, last(path)),
        Subject::Architecture { tuple } => fits(pattern, tuple.name()),
        Subject::Path { .. } => false,
    }
}

fn title(subject: &Subject) -> String {
    match subject {
        Subject::Library { tuple, name } => format!("{name} for {tuple}"),
        Subject::Module { tuple, api, path } => format!("{path}, module of {api} for {tuple}"),
        Subject::Manifest { api, path } => format!("{path}, manifest of {api}"),
        Subject::Path { path } => path.clone(),
        Subject::Architecture { tuple } => tuple.to_string(),
        Subject::Other { name } => name.clone(),
    }
}

/// The search for libraries of one architecture in one view.
struct Searched<'a, 's, 'n, 'p> {
    sights: &'a Sights<'n, 'p>,
    sight: &'s Sight<'n, 'p>,
    linker: Linker<'s>,
    /// The decisions that are about what was asked for.
    about: &'a [&'p Decision],
}

impl Searched<'_, '_, '_, '_> {
    fn explain(&self, pattern: &OsStr, page: &mut Page) {
        let mut names: BTreeSet<String> = BTreeSet::new();
        if let Some(text) = pattern.to_str() {
            names.extend(self.linker.matching(text));
            if !text.is_empty() && self.linker.find(text, None).is_ok() {
                names.insert(text.to_owned());
            }
        }
        names.extend(self.about.iter().filter_map(|decision| match &decision.subject {
            Subject::Library { tuple, name } if *tuple == self.linker.tuple() => Some(name.clone()),
            _ => None,
        }));
        if names.is_empty() {
            return;
        }
        let needed = self.needed();
        for name in names.iter().take(MOST) {
            self.one(name, &needed, page);
        }
        if names.len() > MOST {
            page.row("", &format!("and {} more of {}", names.len() - MOST, self.linker.tuple()));
        }
    }

    fn one(&self, name: &str, needed: &BTreeMap<String, BTreeSet<String>>, page: &mut Page) {
        let tuple = self.linker.tuple();
        page.heading(&match &self.sight.title {
            Some(title) => format!("{name} for {tuple}, {title}"),
            None => format!("{name} for {tuple}"),
        });
        match self.linker.find(name, None) {
            Ok(library) => self.found(&library, page),
            Err(missing) => {
                page.row("is", "not found by the dynamic linker");
                let tried = missing.tried.iter().map(|(path, why)| format!("{path}: {why}"));
                page.rows("tried", tried);
            }
        }
        let decisions = self.about.iter().filter(|decision| match &decision.subject {
            Subject::Library { tuple: of, name: called } => *of == tuple && called == name,
            _ => false,
        });
        let mut decided = false;
        for decision in decisions {
            page.decision(decision);
            decided = true;
        }
        if !decided {
            page.row("because", "nothing of the graphics provider's needs or replaces it");
        }
        if let Some(by) = needed.get(name) {
            let by: Vec<&str> = by.iter().map(String::as_str).collect();
            page.row("needed by", &by.join(", "));
        }
    }

    fn found(&self, library: &Library, page: &mut Page) {
        page.row("is", &format!("{}, found in {}", library.found, library.via));
        let links = library.file.trail.iter().map(|TrailStep { at, target }| {
            format!("{at} -> {}", ByteString::from(target.as_os_str()))
        });
        page.rows("links", links);
        let start = plan::ContainerPath::root();
        let (view, path) = (self.sight.root.view(), library.found.as_bytes());
        let call = plan::simulate::Call::Open;
        if let Ok(found) = self.sights.namespace.resolve(view, call, &start, path) {
            page.row("at", &found.path.to_string());
            page.row("content", &self.sights.content(&found));
            if let Some(step) = self.sights.provider(&found) {
                page.row("provided by", &step);
            }
        }
    }

    /// Which of the libraries and drivers that were taken need a library, by its name.
    fn needed(&self) -> BTreeMap<String, BTreeSet<String>> {
        let mut needed: BTreeMap<String, BTreeSet<String>> = BTreeMap::new();
        for decision in &self.sights.plan().decisions {
            let Verdict::Taken { at, .. } = &decision.verdict else { continue };
            let name = match &decision.subject {
                Subject::Library { tuple, name } if *tuple == self.linker.tuple() => name,
                Subject::Module { tuple, path, .. } if *tuple == self.linker.tuple() => path,
                _ => continue,
            };
            let loaded = RootPath::new(at).ok().and_then(|path| self.linker.load(&path).ok());
            for other in loaded.iter().flat_map(|library| &library.elf.needed) {
                needed.entry(other.clone()).or_default().insert(last(name).to_owned());
            }
        }
        needed
    }
}

//! Where libraries come from, by name or pattern; and drivers, manifests and whatever else was decided.

use super::page::Page;
use super::sight::{Sight, Sights};
use inspect::linker::{Library, Linker};
use inspect::root::{TrailStep, matches};
use plan::{ByteString, Decision, RootPath, Subject, Verdict};
use std::cell::OnceCell;
use std::collections::{BTreeMap, BTreeSet};
use std::ffi::OsStr;
use std::os::unix::ffi::OsStrExt;

/// Most names that a pattern gives explanations for.
const MOST: usize = 500;

/// The searches for libraries, of every architecture in every view that has a dynamic linker for it.
pub(super) struct Searches<'s, 'n, 'p> {
    sights: &'s Sights<'n, 'p>,
    all: Vec<Search<'s, 'n, 'p>>,
}

impl<'s, 'n, 'p> Searches<'s, 'n, 'p> {
    pub(super) fn new(sights: &'s Sights<'n, 'p>) -> Self {
        let of = |sight: &'s Sight<'n, 'p>| {
            sight.tuples.iter().filter_map(move |tuple| {
                let linker = sights.linker(sight, *tuple)?;
                Some(Search { sights, sight, linker, needed: OnceCell::new() })
            })
        };
        Self { sights, all: sights.all.iter().flat_map(of).collect() }
    }

    /// Explains everything that has the name or matches the pattern; whether there is anything.
    pub(super) fn explain(&self, pattern: &OsStr, page: &mut Page) -> bool {
        let decisions = self.sights.plan().decisions.iter();
        let about: Vec<&Decision> = decisions.filter(|d| is_about(&d.subject, pattern)).collect();
        for search in &self.all {
            search.explain(pattern, &about, page);
        }
        let explained = |decision: &Decision| match &decision.subject {
            Subject::Library { tuple, .. } => self.all.iter().any(|s| s.linker.tuple() == *tuple),
            _ => false,
        };
        for decision in about.iter().filter(|decision| !explained(decision)) {
            page.heading(&title(&decision.subject));
            page.decision(decision);
        }
        !page.is_empty()
    }
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
struct Search<'s, 'n, 'p> {
    sights: &'s Sights<'n, 'p>,
    sight: &'s Sight<'n, 'p>,
    linker: Linker<'s>,
    /// Who needs a library, by its name.
    needed: OnceCell<BTreeMap<String, BTreeSet<String>>>,
}

impl Search<'_, '_, '_> {
    fn explain(&self, pattern: &OsStr, about: &[&Decision], page: &mut Page) {
        let mut names: BTreeSet<String> = BTreeSet::new();
        if let Some(text) = pattern.to_str() {
            names.extend(self.linker.matching(text));
            if !text.is_empty() && self.linker.find(text, None).is_ok() {
                names.insert(text.to_owned());
            }
        }
        names.extend(about.iter().filter_map(|decision| match &decision.subject {
            Subject::Library { tuple, name } if *tuple == self.linker.tuple() => Some(name.clone()),
            _ => None,
        }));
        for name in names.iter().take(MOST) {
            self.one(name, about, page);
        }
        if names.len() > MOST {
            page.row("", &format!("and {} more of {}", names.len() - MOST, self.linker.tuple()));
        }
    }

    fn one(&self, name: &str, about: &[&Decision], page: &mut Page) {
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
        let mut decided = false;
        for decision in about {
            if let Subject::Library { tuple: of, name: called } = &decision.subject
                && (*of, called.as_str()) == (tuple, name)
            {
                page.decision(decision);
                decided = true;
            }
        }
        if !decided {
            page.row("because", "nothing that was captured needs or replaces it");
        }
        if let Some(by) = self.needed.get_or_init(|| self.needs()).get(name) {
            page.names("needed by", by.iter().map(String::as_str));
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

    /// Which of the libraries and drivers that were captured need which.
    fn needs(&self) -> BTreeMap<String, BTreeSet<String>> {
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

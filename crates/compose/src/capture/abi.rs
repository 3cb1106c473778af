//! The libraries of one architecture: which of the provider's are taken.

use super::compare::{Copy, compare};
use super::patterns::{C_LIBRARY, C_LIBRARY_FAMILY, FOLLOW_UPS, Form, ROWS, Row, When};
use super::stub::{self, is_stub};
use crate::knowledge::Knowledge;
use inspect::linker::{Library, Linker, NotFound};
use plan::{Candidate, Decision, HostPath, Origin, RootPath, Subject, Tuple, Verdict};
use std::collections::BTreeMap;

/// The state of one architecture while libraries are captured.
pub(crate) struct Abi<'a> {
    pub(crate) tuple: Tuple,
    pub(crate) provider: Linker<'a>,
    pub(crate) runtime: Linker<'a>,
    knowledge: &'a Knowledge,
    stubs: &'a [HostPath],
    taken: BTreeMap<String, Library>,
    decisions: BTreeMap<String, Decision>,
    /// Files whose dependencies were captured, with those that neither root has.
    walked: BTreeMap<FileKey, Vec<String>>,
}

/// Tells files apart whatever their names: many drivers are hard links to one file. What only a
/// depot's manifest has, has no inode, hence the path.
type FileKey = (u64, u64, Option<RootPath>);

impl<'a> Abi<'a> {
    pub(crate) fn new(
        provider: Linker<'a>,
        runtime: Linker<'a>,
        knowledge: &'a Knowledge,
        stubs: &'a [HostPath],
    ) -> Self {
        Self {
            tuple: provider.tuple(),
            provider,
            runtime,
            knowledge,
            stubs,
            taken: BTreeMap::new(),
            decisions: BTreeMap::new(),
            walked: BTreeMap::new(),
        }
    }

    /// Name of the link → library of the provider.
    pub(crate) fn taken(&self) -> &BTreeMap<String, Library> {
        &self.taken
    }

    /// Captures what the tables name.
    pub(crate) fn capture_rows(&mut self) {
        for row in ROWS {
            self.capture_row(row);
        }
    }

    fn capture_row(&mut self, row: &Row) {
        for pattern in row.names {
            let names = match row.form {
                Form::Glob => self.provider.matching(pattern),
                Form::Soname | Form::ExactSoname => vec![(*pattern).to_owned()],
            };
            for name in names {
                let Ok(library) = self.provider.find(&name, None) else { continue };
                let soname = library.elf.soname.as_deref();
                if row.form == Form::ExactSoname && soname != Some(&name) {
                    self.refuse(&library, "its SONAME is another");
                    continue;
                }
                self.capture(&library, row.when, row.why);
            }
        }
    }

    /// Captures a library that the dynamic linker finds by name, with its dependencies.
    ///
    /// # Errors
    /// When the provider has none.
    pub(crate) fn capture_name(
        &mut self,
        name: &str,
        when: When,
        why: &str,
    ) -> Result<Library, NotFound> {
        let library = self.provider.find(name, None)?;
        self.capture(&library, when, why);
        Ok(library)
    }

    /// Captures a library, then its dependencies by comparison.
    pub(crate) fn capture(&mut self, library: &Library, when: When, why: &str) {
        if is_stub(&library.file, self.stubs) {
            self.refuse(library, stub::WHY);
            return;
        }
        self.decide(library, when, why);
        self.capture_dependencies(library);
    }

    /// Whether a library is no driver but a stub of thunks.
    pub(crate) fn is_stub(&self, library: &Library) -> bool {
        is_stub(&library.file, self.stubs)
    }

    /// Captures a library that was found by path, under a name by which it is searched.
    pub(crate) fn capture_as(&mut self, name: &str, library: &Library, why: &str) {
        let mut named = library.clone();
        name.clone_into(&mut named.name);
        self.capture(&named, When::Always, why);
    }

    /// Captures the dependencies of a library that itself is linked elsewhere or not at all.
    pub(crate) fn capture_dependencies(&mut self, library: &Library) {
        let key = file_key(library);
        if self.walked.contains_key(&key) {
            return;
        }
        let closure = self.provider.closure(library);
        for dependency in closure.libraries.iter().skip(1) {
            // The dynamic linker is part of the C library's decision, and never a link of its own.
            if !dependency.name.starts_with("ld-") && !self.is_stub(dependency) {
                self.decide(dependency, When::NotOlder, "");
            }
        }
        for missing in &closure.missing {
            self.note_missing(missing);
        }
        let nowhere = closure.missing.into_iter().map(|m| m.name);
        let nowhere = nowhere.filter(|n| self.runtime.find(link_name(n), None).is_err()).collect();
        self.walked.insert(key, nowhere);
    }

    /// Captures what a library needs that is in no search of the provider, such as a layer in the
    /// user's home.
    pub(crate) fn capture_needed_by(&mut self, library: &Library) {
        for name in &library.elf.needed {
            match self.provider.find(name, None) {
                Ok(found) if !name.starts_with("ld-") => self.capture(&found, When::NotOlder, ""),
                Ok(_) => {}
                Err(missing) => self.note_missing(&missing),
            }
        }
    }

    /// Links `library` under its name, or leaves the runtime's in place.
    fn decide(&mut self, library: &Library, when: When, why: &str) {
        let name = link_name(&library.name);
        if self.taken.contains_key(name) || C_LIBRARY_FAMILY.contains(&name) {
            return;
        }
        // What was compared once ends the same way; only being wanted in any case changes it.
        if when == When::NotOlder && self.decisions.contains_key(name) {
            return;
        }
        let own = self.runtime.find(name, None).ok();
        let (take, reason) = match (&own, when) {
            (_, When::Always) => (true, why.to_owned()),
            (None, When::NotOlder) => (true, joined(why, "the runtime has none")),
            (Some(own), When::NotOlder) => {
                let provider = Copy { root: self.provider.root(), library };
                let runtime = Copy { root: self.runtime.root(), library: own };
                let result = compare(name, provider, runtime, &self.knowledge.rule(name));
                (result.provider_wins, joined(why, &result.why))
            }
        };
        self.record(name, library, own.as_ref(), take, reason);
        if take {
            self.take(name, library);
        }
    }

    fn take(&mut self, name: &str, library: &Library) {
        self.taken.insert(name.to_owned(), library.clone());
        if name == C_LIBRARY {
            self.take_family(C_LIBRARY_FAMILY);
        }
        for row in FOLLOW_UPS.iter().filter(|row| row.taken == name) {
            for follower in row.names {
                if let Ok(follower) = self.provider.find(follower, None) {
                    self.capture(&follower, row.when, row.why);
                }
            }
        }
    }

    fn take_family(&mut self, family: &[&str]) {
        for name in family {
            let Ok(library) = self.provider.find(name, None) else { continue };
            let own = self.runtime.find(name, None).ok();
            let why = format!("it belongs to {C_LIBRARY}, which is the provider's");
            self.record(name, &library, own.as_ref(), true, why);
            self.taken.insert((*name).to_owned(), library);
        }
    }

    /// Records that a library of the provider is left alone.
    fn refuse(&mut self, library: &Library, why: &str) {
        let name = link_name(&library.name).to_owned();
        if !self.decisions.contains_key(&name) {
            let own = self.runtime.find(&name, None).ok();
            self.record(&name, library, own.as_ref(), false, why.to_owned());
        }
    }

    fn record(
        &mut self,
        name: &str,
        library: &Library,
        own: Option<&Library>,
        take: bool,
        why: String,
    ) {
        let mut candidates = vec![candidate(Origin::Provider, library)];
        candidates.extend(own.map(|own| candidate(Origin::Runtime, own)));
        let verdict = match (take, own) {
            (true, _) => Verdict::Taken { origin: Origin::Provider, at: name.into() },
            (false, Some(own)) => {
                Verdict::Taken { origin: Origin::Runtime, at: own.found.to_string() }
            }
            (false, None) => Verdict::Rejected,
        };
        let subject = Subject::Library { tuple: self.tuple, name: name.into() };
        self.decisions.insert(name.into(), Decision { subject, candidates, verdict, why });
    }

    fn note_missing(&mut self, missing: &NotFound) {
        let name = link_name(&missing.name).to_owned();
        if self.decisions.contains_key(&name) {
            return;
        }
        let own = self.runtime.find(&name, None).ok();
        let (verdict, note) = match &own {
            Some(own) => (
                Verdict::Taken { origin: Origin::Runtime, at: own.found.to_string() },
                "; the runtime's is used",
            ),
            None => (Verdict::Absent, "; the runtime has none either"),
        };
        let subject = Subject::Library { tuple: self.tuple, name: name.clone() };
        let candidates = own.iter().map(|own| candidate(Origin::Runtime, own)).collect();
        let why = format!("provider: {missing}{note}");
        self.decisions.insert(name, Decision { subject, candidates, verdict, why });
    }

    /// The dependencies of a captured library that neither root has.
    pub(crate) fn unsatisfied(&self, library: &Library) -> &[String] {
        self.walked.get(&file_key(library)).map_or(&[], Vec::as_slice)
    }

    /// Fills in where the container has what was taken: known only once all links are placed.
    pub(crate) fn finished(&self, at: impl Fn(&str) -> String) -> Vec<Decision> {
        let mut decisions: Vec<Decision> = self.decisions.values().cloned().collect();
        for decision in &mut decisions {
            if let Verdict::Taken { origin: Origin::Provider, at: place } = &mut decision.verdict {
                *place = at(place);
            }
        }
        decisions
    }
}

fn file_key(library: &Library) -> FileKey {
    let identity = &library.file.identity;
    let path = (identity.inode == 0).then(|| library.file.path.clone());
    (identity.device, identity.inode, path)
}

/// A name with a path in `DT_NEEDED` is linked under its last component.
fn link_name(name: &str) -> &str {
    name.rsplit('/').next().unwrap_or(name)
}

fn joined(why: &str, more: &str) -> String {
    if why.is_empty() { more.to_owned() } else { format!("{why}; {more}") }
}

/// A library as the record shows it: its real file, and the newest symbol version that it defines.
pub(crate) fn candidate(origin: Origin, library: &Library) -> Candidate {
    let newest = library
        .elf
        .defines
        .iter()
        .filter(|v| !v.contains("PRIVATE"))
        .max_by(|a, b| super::compare::newer(a, b));
    let mut note = newest.map(|v| format!("up to {v}")).unwrap_or_default();
    if let Some(id) = &library.elf.build_id {
        let start = &id[..id.len().min(6)];
        note = joined(&note, &format!("build {}", plan::hex::encode(start)));
    }
    Candidate { origin, path: library.file.path.to_string(), note }
}

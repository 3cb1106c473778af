//! Which compiled locales the container has, decided without generating any.
//!
//! Mirrors glibc's locale/findlocale.c and locale/loadarchive.c: without `LOCPATH`, a locale is looked
//! for in `/usr/lib/locale/locale-archive` and then as a directory beside it. `LOCPATH` would switch
//! the archive off, so it is not used: the layer makes one `/usr/lib/locale` of what both roots have.
//! Whether data compiled by one version of glibc is accepted by another is read from the data
//! ([`inspect::locale::compiled`]). Must not generate: that needs `localedef`, and time.

mod generated;
mod store;

use crate::capture::place::{Places, position};
use inspect::locale::{ARCHIVE, DIRECTORY, compiled, name};
use inspect::root::Root;
use plan::{
    ByteString, Candidate, Code, ContainerPath, Decision, Environment, HostPath, LayerEntry,
    Origin, Problem, RootPath, Subject, Tuple, Verdict,
};
use std::collections::{BTreeMap, BTreeSet};
use store::{Form, Store};

/// How the warning about a missing locale begins, and goes on after its name.
const MISSING: &str = "the locale ";
const ASKED: &str = ", asked for by ";

/// The locale that a warning is about, where it is one about a locale that nothing has.
pub fn missing(warning: &Problem) -> Option<&str> {
    let about = (warning.code == Code::LOCALE_MISSING).then_some(warning.cause.as_str())?;
    about.strip_prefix(MISSING)?.split_once(ASKED).map(|(locale, _)| locale)
}

/// From which source and for which character set `localedef` makes a locale: its options `-i` and `-f`.
/// `None` for what is no name that it could make.
pub fn source_and_charset(locale: &str) -> Option<(String, &str)> {
    let is_plain = |text: &str| {
        let fits = |b: u8| b.is_ascii_alphanumeric() || b"_-.@".contains(&b);
        text.len() <= 64 && !text.starts_with(['.', '-', '@']) && text.bytes().all(fits)
    };
    let source = name::territory(locale);
    (is_plain(locale) && !source.is_empty()).then(|| (source, name::charset(locale)))
}

/// What the locales are decided from.
pub struct Input<'a> {
    /// The runtime.
    pub runtime: &'a Root,
    /// The root whose locales may be used instead; `None`: there is no other than the runtime.
    pub provider: Option<&'a Root>,
    /// Where the container shows the provider.
    pub provider_mount: ContainerPath,
    /// Whose C library each architecture runs with, from [`crate::capture::Captured::glibc`].
    pub glibc: &'a BTreeMap<Tuple, Origin>,
    /// `LANG`, `LC_ALL`, `LC_*` as the command will have them, and locales asked for by option under
    /// any other name.
    pub requested: &'a BTreeMap<String, String>,
    /// Locales that were generated because neither root has them: directories of the host.
    pub generated: &'a BTreeMap<String, HostPath>,
}

/// What comes of it.
#[derive(Clone, Debug, Default)]
pub struct Locales {
    /// What the layer has, as [`crate::capture::Captured::entries`].
    pub entries: BTreeMap<RootPath, LayerEntry>,
    /// Changes to variables, where needed.
    pub environment: Environment,
    /// One for each locale asked for, and one for the directory as a whole.
    pub decisions: Vec<Decision>,
    /// Locales that neither root has.
    pub warnings: Vec<Problem>,
}

/// Decides which locales the container has.
pub fn decide(input: &Input<'_>) -> Locales {
    let mut out = Locales::default();
    let runtime = Store::open(input.runtime, Origin::Runtime);
    let provider = input.provider.and_then(|root| Store::open(root, Origin::Provider));
    let provider_rules = input.glibc.values().any(|origin| *origin == Origin::Provider);
    let wanted: BTreeSet<&str> = input
        .requested
        .values()
        .map(String::as_str)
        .filter(|value| !name::is_built_in(value))
        .collect();
    let (first, second) = if provider_rules { (provider, runtime) } else { (runtime, provider) };
    // Data of the C library's own root is right for it; other data must have the same shape.
    let shape = first.as_ref().and_then(Store::shape);
    let choice = Choice::new(first.as_ref(), second.as_ref(), shape.as_ref(), &wanted);
    for locale in wanted {
        if !choice.served.contains_key(locale) && generated::add(&mut out, input, locale, &shape) {
            continue;
        }
        record(&mut out, locale, input.requested, &choice);
    }
    lay_out(&mut out, input, &choice, provider_rules);
    out
}

/// Which root serves each locale, and whose archive is used.
struct Choice<'a> {
    /// That of the C library's own root.
    first: Option<&'a Store<'a>>,
    second: Option<&'a Store<'a>>,
    /// Whose archive the container has.
    archive: Option<Origin>,
    /// Locale → where it is.
    served: BTreeMap<String, Served>,
}

#[derive(Clone)]
struct Served {
    origin: Origin,
    form: Form,
    at: String,
}

impl<'a> Choice<'a> {
    fn new(
        first: Option<&'a Store<'a>>,
        second: Option<&'a Store<'a>>,
        shape: Option<&compiled::Shape>,
        wanted: &BTreeSet<&str>,
    ) -> Self {
        let fits = |store: &Store<'_>, form: &Form| {
            first.is_some_and(|f| f.origin == store.origin) || store.fits(form, shape)
        };
        // Only one archive can be there: the one with more of what is wanted, and of two equal ones
        // that of the C library.
        let count = |store: &Store<'_>| {
            let found = wanted.iter().filter_map(|w| store.find_archived(w));
            found.filter(|form| fits(store, form)).count()
        };
        let archives: Vec<&Store<'_>> =
            [second, first].into_iter().flatten().filter(|s| s.archive.is_some()).collect();
        let archive = archives
            .into_iter()
            .max_by_key(|store| (count(store), first.is_some_and(|f| f.origin == store.origin)));
        let archive = archive.map(|store| store.origin);
        let mut served = BTreeMap::new();
        for locale in wanted {
            let found = [first, second].into_iter().flatten().find_map(|store| {
                let archived =
                    store.find_archived(locale).filter(|_| archive == Some(store.origin));
                let form = [archived, store.find_directory(locale)].into_iter().flatten();
                let form = form.into_iter().find(|form| fits(store, form))?;
                let at = store.place(&form).to_string();
                Some(Served { origin: store.origin, form, at })
            });
            served.extend(found.map(|f| ((*locale).to_owned(), f)));
        }
        Self { first, second, archive, served }
    }

    /// Whether everything that is used is in one root.
    fn all_from(&self, origin: Origin) -> bool {
        self.archive.is_none_or(|a| a == origin) && self.served.values().all(|s| s.origin == origin)
    }

    fn store(&self, origin: Origin) -> Option<&'a Store<'a>> {
        [self.first, self.second].into_iter().flatten().find(|s| s.origin == origin)
    }
}

fn record(
    out: &mut Locales,
    locale: &str,
    requested: &BTreeMap<String, String>,
    choice: &Choice<'_>,
) {
    let by: Vec<&str> =
        requested.iter().filter(|(_, v)| *v == locale).map(|(n, _)| n.as_str()).collect();
    let by = by.join(", ");
    let mut candidates = vec![];
    for store in [choice.first, choice.second].into_iter().flatten() {
        let forms = [store.find_archived(locale), store.find_directory(locale)];
        candidates.extend(forms.into_iter().flatten().map(|form| Candidate {
            origin: store.origin,
            path: store.place(&form).to_string(),
            note: form.note(),
        }));
    }
    let (verdict, why) = match choice.served.get(locale) {
        Some(served) => {
            let why = format!("asked for by {by}");
            (Verdict::Taken { origin: served.origin, at: served.at.clone() }, why)
        }
        None if candidates.is_empty() => {
            (Verdict::Absent, format!("asked for by {by}; nothing has it"))
        }
        None => {
            let why = "what there is was compiled for another C library";
            (Verdict::Rejected, format!("asked for by {by}; {why}"))
        }
    };
    if !choice.served.contains_key(locale) {
        let cause = format!(
            "{MISSING}{locale}{ASKED}{by}, exists neither on the host nor in the runtime that the container can use"
        );
        let hint = format!(
            "make it on the host (Debian: add it to /etc/locale.gen and run locale-gen; elsewhere: \
             localedef -i {} -f {} {locale}), or set LANG to one that `locale -a` lists",
            name::territory(locale),
            name::charset(locale),
        );
        out.warnings.push(Problem::warning(Code::LOCALE_MISSING, cause).hint(hint));
    }
    let subject = Subject::Other { name: format!("locale {locale}") };
    out.decisions.push(Decision { subject, candidates, verdict, why });
}

/// Puts into the layer what makes the choice true.
fn lay_out(out: &mut Locales, input: &Input<'_>, choice: &Choice<'_>, provider_rules: bool) {
    let Some(provider) = choice.store(Origin::Provider) else { return };
    if !Places::is_mounted(&provider.directory) {
        return;
    }
    let at = position(input.runtime, &RootPath::literal(DIRECTORY));
    if !provider_rules {
        if merge(out, input, choice, provider, false) {
            let why = "the C library is the runtime's; the provider adds what is asked for";
            directory_decision(out, Origin::Runtime, &at, why);
        }
        return;
    }
    // A C library of a distribution that has them elsewhere looks there.
    let own = position(input.runtime, &provider.asked);
    if own != at {
        out.entries.insert(own, link(input, &provider.directory));
    }
    let is_made = out.entries.keys().any(|path| path.is_within(&at));
    if choice.all_from(Origin::Provider) && !is_made {
        out.entries.insert(at.clone(), link(input, &provider.directory));
        directory_decision(out, Origin::Provider, &at, "the C library is the provider's");
    } else {
        merge(out, input, choice, provider, true);
        let why = "the C library is the provider's; the runtime has more that is asked for";
        directory_decision(out, Origin::Provider, &at, why);
    }
}

/// A link to something of the provider.
fn link(input: &Input<'_>, path: &RootPath) -> LayerEntry {
    let target = input.provider_mount.lexically(path);
    LayerEntry::Symlink { target: ByteString(target.as_bytes().to_vec()) }
}

/// Makes one directory of both: the layer merges with what the runtime has. Takes all of the
/// provider's locales, or those in use. Says whether there are any.
fn merge(
    out: &mut Locales,
    input: &Input<'_>,
    choice: &Choice<'_>,
    provider: &Store<'_>,
    all: bool,
) -> bool {
    let at = position(input.runtime, &RootPath::literal(DIRECTORY));
    let base = input.runtime.find(&at).map_or(at, |found| found.path);
    let served = || choice.served.values().filter(|s| s.origin == Origin::Provider);
    let mut any = false;
    if all || served().any(|s| matches!(s.form, Form::Archived(_))) {
        let archive = provider.archive.as_ref().filter(|_| choice.archive == Some(provider.origin));
        if let Some(archive) = archive {
            out.entries.insert(base.at(ARCHIVE), link(input, &archive.path));
            any = true;
        }
    }
    for (name, path) in &provider.directories {
        let is_this = |s: &Served| matches!(&s.form, Form::Directory { path: p } if p == path);
        if let (true, Ok(at)) = (all || served().any(is_this), base.join(name)) {
            out.entries.insert(at, link(input, path));
            any = true;
        }
    }
    any
}

fn directory_decision(out: &mut Locales, origin: Origin, at: &RootPath, why: &str) {
    out.decisions.push(Decision {
        subject: Subject::Other { name: "locale data".into() },
        candidates: vec![],
        verdict: Verdict::Taken { origin, at: at.to_string() },
        why: why.into(),
    });
}

#[cfg(test)]
mod tests;

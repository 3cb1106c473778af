//! Compiled locales: their files, the archive of many, their names, and whether the C library of a root
//! would accept one.
//!
//! Mirrors glibc's locale/setlocale.c, locale/findlocale.c, locale/loadarchive.c, intl/l10nflist.c and
//! intl/localealias.c, which decide for `setlocale(LC_ALL, NAME)`. A static program of ours cannot ask that
//! function: musl accepts every name. Character sets are compared by their names without punctuation; glibc knows
//! further aliases of them (`latin1`), from the tables of gconv.

pub mod archive;
pub mod compiled;
pub mod name;

use crate::root::{Kind, Root};
use archive::Archive;
use compiled::{CATEGORIES, codeset, has_magic};
use name::Parts;
use plan::RootPath;
use std::ffi::OsStr;
use std::fs::File;
use std::os::unix::ffi::OsStrExt;

/// Where the C library of nearly every distribution looks.
pub const DIRECTORY: &str = "/usr/lib/locale";

/// The archive within it.
pub const ARCHIVE: &str = "locale-archive";

/// Other names of locales.
const ALIASES: &str = "/usr/share/locale/locale.alias";

/// So much of a compiled locale is read to find the name of its character set.
const LC_CTYPE_LIMIT: u64 = 16 << 20;

/// The locales of a root, as its C library looks for them.
pub struct Locales<'a> {
    root: &'a Root,
    /// Where directories of locales are, in order.
    directories: Vec<RootPath>,
    /// Absent where `LOCPATH` switches it off.
    archive: Option<(Archive, File)>,
    /// Alias in lower case → name.
    aliases: Vec<(String, String)>,
}

impl<'a> Locales<'a> {
    /// Those of `root`, for a process whose working directory is `here` and that has this value of `LOCPATH`.
    #[must_use]
    pub fn open(root: &'a Root, locpath: Option<&OsStr>, here: &RootPath) -> Self {
        let locpath = locpath.unwrap_or_default().as_bytes();
        let named = locpath.split(|b| *b == b':').filter(|path| !path.is_empty());
        let mut directories: Vec<_> = named
            .filter_map(|path| root.without_dot_dot(here, OsStr::from_bytes(path)).ok())
            .collect();
        let usual = RootPath::literal(DIRECTORY);
        let archive = locpath.is_empty().then(|| open_archive(root, &usual.at(ARCHIVE))).flatten();
        directories.push(usual);
        let aliases = root.read(&RootPath::literal(ALIASES)).unwrap_or_default();
        Self { root, directories, archive, aliases: aliases_of(&aliases) }
    }

    /// Whether `setlocale(LC_ALL, locale)` works, for a name that is not empty.
    #[must_use]
    pub fn accepts(&self, locale: &str) -> bool {
        if !locale.contains(';') {
            return CATEGORIES.iter().all(|category| self.has(locale, *category));
        }
        // `LC_CTYPE=de_DE;LC_TIME=C;…`, all of them.
        let named: Vec<_> = locale.split(';').filter_map(|part| part.split_once('=')).collect();
        let of = |file: &str| {
            let name = file.split('/').next().unwrap_or(file);
            named.iter().find(|(category, _)| *category == name).map(|(_, locale)| *locale)
        };
        CATEGORIES
            .iter()
            .all(|category| of(category.1).is_some_and(|name| self.has(name, *category)))
    }

    /// Whether `setlocale(LC_ALL, "")` works, with the values of variables.
    #[must_use]
    pub fn accepts_environment<'v>(&self, value: impl Fn(&str) -> Option<&'v str>) -> bool {
        let set = |name: &str| value(name).filter(|value| !value.is_empty());
        CATEGORIES.iter().all(|category| {
            let name = category.1.split('/').next().unwrap_or(category.1);
            let locale = set("LC_ALL").or_else(|| set(name)).or_else(|| set("LANG"));
            locale.is_none_or(|locale| self.has(locale, *category))
        })
    }

    /// Whether a locale has a category (its number and file).
    fn has(&self, locale: &str, category: (usize, &str)) -> bool {
        if matches!(locale, "C" | "POSIX") {
            return true;
        }
        if !name::is_valid(locale) {
            return false;
        }
        if self.is_archived(locale, category.0) {
            return true;
        }
        let alias = self.alias(locale);
        if alias.is_some_and(|alias| self.is_archived(alias, category.0)) {
            return true;
        }
        self.is_in_directory(alias.unwrap_or(locale), category)
    }

    fn is_archived(&self, locale: &str, category: usize) -> bool {
        let Some((archive, file)) = &self.archive else { return false };
        let shape = archive.shape(file, &name::normalised(locale));
        shape.is_some_and(|shape| {
            let heads = CATEGORIES.iter().zip(&shape.0);
            heads
                .into_iter()
                .any(|((number, _), head)| *number == category && has_magic(category, *head))
        })
    }

    fn alias(&self, locale: &str) -> Option<&str> {
        let wanted = locale.to_ascii_lowercase();
        let found = self.aliases.iter().find(|(alias, _)| *alias == wanted);
        found.map(|(_, name)| name.as_str())
    }

    /// Whether one of the directories that the name may mean has the category. The first one that has it
    /// decides; its character set must be the one of the name.
    fn is_in_directory(&self, locale: &str, (category, file): (usize, &str)) -> bool {
        let parts = Parts::of(locale);
        for directory in parts.directories() {
            for base in self.bases(locale) {
                let path = base.join(&directory).and_then(|path| path.join(file));
                let Some(content) = path.ok().and_then(|path| self.content(&path, category)) else {
                    continue;
                };
                let wanted = parts.codeset.filter(|_| category == 0);
                return wanted.is_none_or(|wanted| {
                    let own = codeset(&content).map(name::plain_codeset);
                    own.is_some_and(|own| own == name::plain_codeset(wanted))
                });
            }
        }
        false
    }

    /// Where a name is looked for. An absolute one is its own place; glibc finds it only where `LOCPATH`
    /// is set (2.36, tried).
    fn bases(&self, locale: &str) -> Vec<RootPath> {
        match (locale.starts_with('/'), self.directories.len()) {
            (true, 1) => vec![],
            (true, _) => vec![RootPath::root()],
            (false, _) => self.directories.clone(),
        }
    }

    /// A category's file where it is one: its beginning, and all of `LC_CTYPE`.
    fn content(&self, path: &RootPath, category: usize) -> Option<Vec<u8>> {
        use std::io::Read;
        let found = self.root.find(path).filter(|found| found.kind == Kind::File)?;
        let file = File::from(self.root.open_file(&found).ok()??);
        let limit = if category == 0 { LC_CTYPE_LIMIT } else { 8 };
        let mut content = vec![];
        file.take(limit).read_to_end(&mut content).ok()?;
        has_magic(category, compiled::head(&content)?).then_some(content)
    }
}

fn open_archive(root: &Root, path: &RootPath) -> Option<(Archive, File)> {
    let found = root.find(path).filter(|found| found.kind == Kind::File)?;
    let file = File::from(root.open_file(&found).ok()??);
    Some((Archive::read(&file).ok()?, file))
}

/// Lines of an alias and a name; `#` begins a comment.
fn aliases_of(text: &[u8]) -> Vec<(String, String)> {
    let text = String::from_utf8_lossy(text);
    let lines = text.lines().map(str::trim_start).filter(|line| !line.starts_with('#'));
    let pair = |line: &str| {
        let mut words = line.split_ascii_whitespace();
        Some((words.next()?.to_ascii_lowercase(), words.next()?.to_owned()))
    };
    lines.filter_map(pair).collect()
}

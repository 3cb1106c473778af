//! What is known about single libraries: by what their copies are compared, and which of their
//! symbols are public.
//!
//! Knows the format of `data/libraries.knowledge`, which is that of libcapsule's knowledge files (a
//! GLib key file). Our own table is embedded; a runtime's is merged over it. Must not compare: that
//! is `capture::compare`.

use std::collections::BTreeMap;

/// The table of this program.
const BUILT_IN: &str = include_str!("../data/libraries.knowledge");

/// The C library is compared by our own rule whatever a runtime's file says.
const OURS_ALONE: &str = "libc.so.6";

/// Lines of a file that are read; real ones have a few hundred.
const MAX_LINES: usize = 20_000;

/// One way to tell two copies of a library apart.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Method {
    /// By the version in the real file's name.
    Name,
    /// By the sets of symbol versions defined.
    Versions,
    /// By the sets of symbols defined.
    Symbols,
    /// The runtime's is always better.
    Container,
    /// The provider's is always better.
    Provider,
}

/// The methods for a library that no table mentions.
pub(crate) const DEFAULT_METHODS: &[Method] =
    &[Method::Name, Method::Versions, Method::Symbols, Method::Provider];

const METHODS: &[(&str, Method)] = &[
    ("name", Method::Name),
    ("versions", Method::Versions),
    ("symbols", Method::Symbols),
    ("container", Method::Container),
    ("provider", Method::Provider),
];

/// What is known of one library.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Rule {
    compare_by: Option<Vec<Method>>,
    versions: Option<Filter>,
    symbols: Option<Filter>,
}

/// Which names count. The first pattern that matches decides; what none matches does not count.
#[derive(Clone, Debug, PartialEq, Eq)]
struct Filter(Vec<(bool, String)>);

/// Why a file cannot be used.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub(crate) enum Error {
    /// A line is neither section, assignment, comment nor empty.
    #[error("line {line}: neither `[section]` nor `key=value`")]
    Junk {
        /// Counted from 1.
        line: usize,
    },
    /// An unknown way to compare.
    #[error("line {line}: unknown method `{method}`")]
    Method {
        /// Counted from 1.
        line: usize,
        /// As written.
        method: String,
    },
    /// It is not UTF-8.
    #[error("line {line}: not UTF-8")]
    Encoding {
        /// Counted from 1.
        line: usize,
    },
    /// It has too many lines.
    #[error("more than {MAX_LINES} lines")]
    TooLong,
}

/// A table of [`Rule`]s.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Knowledge {
    exact: BTreeMap<String, Rule>,
    globs: Vec<(String, Rule)>,
}

impl Knowledge {
    /// The table of this program.
    pub(crate) fn built_in() -> Self {
        let mut knowledge = Self::default();
        // A mistake in the embedded file is found by a test; at run time the rows before it serve.
        let parsed = knowledge.read(BUILT_IN.as_bytes(), None);
        debug_assert_eq!(parsed, Ok(()));
        knowledge
    }

    /// Merges a runtime's table over this one. On an error this table is as it was.
    ///
    /// # Errors
    /// When it is not in the format.
    pub(crate) fn merge(&mut self, file: &[u8]) -> Result<(), Error> {
        let mut merged = self.clone();
        merged.read(file, Some(OURS_ALONE))?;
        *self = merged;
        Ok(())
    }

    /// What is known of the library with this name.
    pub(crate) fn rule(&self, name: &str) -> Rule {
        if let Some(rule) = self.exact.get(name) {
            return rule.clone();
        }
        let glob = self.globs.iter().find(|(glob, _)| matches(glob, name));
        glob.map(|(_, rule)| rule.clone()).unwrap_or_default()
    }

    fn read(&mut self, file: &[u8], skipped: Option<&str>) -> Result<(), Error> {
        let mut library: Option<String> = None;
        for (index, raw) in file.split(|b| *b == b'\n').enumerate() {
            let line = index + 1;
            if line > MAX_LINES {
                return Err(Error::TooLong);
            }
            let text = std::str::from_utf8(raw).map_err(|_| Error::Encoding { line })?.trim_end();
            if text.is_empty() || text.starts_with('#') {
                continue;
            }
            if let Some(section) = text.strip_prefix('[') {
                let section = section.strip_suffix(']').ok_or(Error::Junk { line })?;
                let name = section.strip_prefix("Library ").map(|n| n.trim().to_owned());
                library = name.filter(|n| Some(n.as_str()) != skipped);
                continue;
            }
            let (key, value) = text.split_once('=').ok_or(Error::Junk { line })?;
            if let Some(library) = &library {
                self.assign(library, key.trim(), value.trim(), line)?;
            }
        }
        Ok(())
    }

    fn assign(&mut self, library: &str, key: &str, value: &str, line: usize) -> Result<(), Error> {
        let items = || value.split(';').map(str::trim).filter(|v| !v.is_empty());
        let rule = self.entry(library);
        match key {
            "CompareBy" => {
                let methods: Result<Vec<Method>, Error> = items()
                    .map(|item| {
                        let known = METHODS.iter().find(|(name, _)| *name == item);
                        known
                            .map(|(_, m)| *m)
                            .ok_or_else(|| Error::Method { line, method: item.into() })
                    })
                    .collect();
                rule.compare_by = Some(methods?);
            }
            "PublicSymbolVersions" => rule.versions = Some(Filter::new(items())),
            "PublicSymbols" => rule.symbols = Some(Filter::new(items())),
            // Keys of later versions of the format.
            _ => {}
        }
        Ok(())
    }

    fn entry(&mut self, library: &str) -> &mut Rule {
        if !library.contains(['*', '?', '[']) {
            return self.exact.entry(library.into()).or_default();
        }
        let position = self.globs.iter().position(|(glob, _)| glob == library);
        let position = position.unwrap_or_else(|| {
            self.globs.push((library.into(), Rule::default()));
            self.globs.len() - 1
        });
        &mut self.globs[position].1
    }
}

impl Rule {
    /// By what copies are compared, in order.
    pub(crate) fn methods(&self) -> &[Method] {
        self.compare_by.as_deref().unwrap_or(DEFAULT_METHODS)
    }

    /// Whether a symbol version counts.
    pub(crate) fn public_version(&self, version: &str) -> bool {
        self.versions.as_ref().is_none_or(|f| f.allows(|pattern| matches(pattern, version)))
    }

    /// Whether a symbol, as `name` or `name@VERSION`, counts.
    pub(crate) fn public_symbol(&self, symbol: &str) -> bool {
        let name = symbol.split('@').next().unwrap_or(symbol);
        if LINKER_MADE.contains(&name) || name.is_empty() {
            return false;
        }
        self.symbols.as_ref().is_none_or(|f| {
            f.allows(|pattern| matches(pattern, if pattern.contains('@') { symbol } else { name }))
        })
    }
}

/// Symbols that the link editor puts into every library.
const LINKER_MADE: &[&str] = &[
    "_init",
    "_fini",
    "_end",
    "_edata",
    "_etext",
    "__bss_start",
    "__bss_start__",
    "__bss_end__",
    "_bss_end__",
    "__end__",
    "_DYNAMIC",
    "_GLOBAL_OFFSET_TABLE_",
    "_PROCEDURE_LINKAGE_TABLE_",
];

impl Filter {
    fn new<'a>(items: impl Iterator<Item = &'a str>) -> Self {
        Self(
            items
                // A lone `!` only marks what follows as guesses.
                .filter(|item| *item != "!")
                .map(|item| match item.strip_prefix('!') {
                    Some(pattern) => (false, pattern.into()),
                    None => (true, item.into()),
                })
                .collect(),
        )
    }

    fn allows(&self, hit: impl Fn(&str) -> bool) -> bool {
        self.0.iter().find(|(_, pattern)| hit(pattern)).is_some_and(|(allowed, _)| *allowed)
    }
}

/// fnmatch(3) without flags, for `*`, `?` and plain sets in brackets.
pub(crate) fn matches(pattern: &str, text: &str) -> bool {
    // Iterative, with one point to come back to, so that the cost is at most the product of both
    // lengths.
    let (pattern, text): (Vec<char>, Vec<char>) =
        (pattern.chars().collect(), text.chars().collect());
    let (mut p, mut t) = (0, 0);
    let mut retry: Option<(usize, usize)> = None;
    while t < text.len() {
        let step = match pattern.get(p) {
            Some('*') => {
                retry = Some((p, t));
                p += 1;
                continue;
            }
            Some('?') => Some(1),
            Some('[') => in_set(&pattern[p..], text[t]),
            Some(c) if *c == text[t] => Some(1),
            _ => None,
        };
        match (step, retry) {
            (Some(length), _) => (p, t) = (p + length, t + 1),
            (None, Some((star, from))) => {
                retry = Some((star, from + 1));
                (p, t) = (star + 1, from + 1);
            }
            (None, None) => return false,
        }
    }
    pattern[p..].iter().all(|c| *c == '*')
}

/// The length of the bracket expression at the start of `pattern` if `c` is in it.
fn in_set(pattern: &[char], c: char) -> Option<usize> {
    let negated = matches!(pattern.get(1), Some('!' | '^'));
    let start = if negated { 2 } else { 1 };
    // A `]` right at the start is a member, not the end.
    let length = pattern.iter().skip(start + 1).position(|c| *c == ']')?;
    let set = &pattern[start..=start + length];
    let mut i = 0;
    let mut found = false;
    while i < set.len() {
        if set.get(i + 1) == Some(&'-') && i + 2 < set.len() {
            found |= (set[i]..=set[i + 2]).contains(&c);
            i += 3;
        } else {
            found |= set[i] == c;
            i += 1;
        }
    }
    (found != negated).then_some(start + length + 2)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn our_table_parses() {
        let mut knowledge = Knowledge::default();
        assert_eq!(knowledge.read(BUILT_IN.as_bytes(), None), Ok(()));
        assert_eq!(
            knowledge.rule("libc.so.6").methods(),
            [Method::Versions, Method::Symbols, Method::Name]
        );
        assert_eq!(
            knowledge.rule("libLLVM-15.so.1").methods(),
            [Method::Name, Method::Versions, Method::Provider]
        );
        assert_eq!(knowledge.rule("libz.so.1").methods(), DEFAULT_METHODS);
    }

    #[test]
    fn filters() {
        let knowledge = Knowledge::built_in();
        let libc = knowledge.rule("libc.so.6");
        for (version, public) in
            [("GLIBC_2.34", true), ("GLIBC_PRIVATE", false), ("GCC_3.0", false), ("X", false)]
        {
            assert_eq!(libc.public_version(version), public, "{version}");
        }
        for (symbol, public) in [
            ("open@GLIBC_2.2.5", true),
            ("__x@GLIBC_PRIVATE", false),
            ("plain", false),
            ("_end@GLIBC_2.2.5", false),
        ] {
            assert_eq!(libc.public_symbol(symbol), public, "{symbol}");
        }
        let other = knowledge.rule("libz.so.1");
        assert!(other.public_symbol("inflate@ZLIB_1.2.0") && other.public_symbol("deflate"));
        assert!(!other.public_symbol("_fini") && !other.public_symbol("_edata@ZLIB"));
    }

    #[test]
    fn a_runtimes_table_is_merged() {
        let mut knowledge = Knowledge::built_in();
        let file = b"# made up\n[Library libz.so.1]\nCompareBy=container\nFuture=1\n\n\
            [Other]\nCompareBy=x\n[Library libz.so.1]\nPublicSymbols=in*;!x@*;*\n\
            [Library libc.so.6]\nCompareBy=container\n[Library libudev.so.1]\nCompareBy=name;\n";
        knowledge.merge(file).unwrap();
        let z = knowledge.rule("libz.so.1");
        assert_eq!(z.methods(), [Method::Container]);
        assert!(z.public_symbol("inflate") && !z.public_symbol("x@V") && z.public_symbol("x"));
        assert_eq!(knowledge.rule("libudev.so.1").methods(), [Method::Name]);
        assert_eq!(knowledge.rule("libc.so.6").methods()[0], Method::Versions);
        let before = knowledge.clone();
        for (bad, error) in [
            (&b"[Library a]\nCompareBy=container\njunk\n"[..], Error::Junk { line: 3 }),
            (b"[Library a\n", Error::Junk { line: 1 }),
            (b"[Library a]\nCompareBy=name;luck", Error::Method { line: 2, method: "luck".into() }),
            (b"\xff", Error::Encoding { line: 1 }),
        ] {
            assert_eq!(knowledge.merge(bad), Err(error));
            assert_eq!(knowledge, before, "a bad file changes nothing");
        }
    }

    #[test]
    fn fnmatch() {
        for (pattern, text, want) in [
            ("", "", true),
            ("*", "", true),
            ("a*b", "ab", true),
            ("a*b", "axxb", true),
            ("a*b", "axxbc", false),
            ("*a*b*", "xxaxxbxx", true),
            ("?", "", false),
            ("?", "x", true),
            ("lib[ab].so", "liba.so", true),
            ("lib[!ab].so", "liba.so", false),
            ("lib[0-9]", "lib7", true),
            ("lib[]x]", "lib]", true),
            ("lib[", "lib[", false),
            ("libGLX_*.so.*", "libGLX_mesa.so.0", true),
            ("libGL.so.*", "libGLX.so.0", false),
        ] {
            assert_eq!(matches(pattern, text), want, "{pattern} {text}");
        }
    }
}

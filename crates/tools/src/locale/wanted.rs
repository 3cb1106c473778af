//! Which locales are wanted, and from what `localedef` makes them.

use crate::variable;
use inspect::locale::name::Parts;
use std::ffi::OsString;

/// Variables that name locales, in this order.
const VARIABLES: &[&str] = &[
    "LC_ADDRESS",
    "LC_CTYPE",
    "LC_COLLATE",
    "LC_IDENTIFICATION",
    "LC_MEASUREMENT",
    "LC_MESSAGES",
    "LC_MONETARY",
    "LC_NUMERIC",
    "LC_NAME",
    "LC_PAPER",
    "LC_TELEPHONE",
    "LC_TIME",
    "HOST_LC_ALL",
    "LANG",
    "LC_ALL",
];

/// Programs that have only English texts often ask for this one.
const ALWAYS: &str = "en_US.UTF-8";

/// What every C library has.
const BUILT_IN: &[&str] = &["", "C", "C.UTF-8", "C.utf8", "POSIX"];

/// The wanted locales.
#[derive(Debug, Default, PartialEq, Eq)]
pub(super) struct Wanted {
    /// In the order in which they are made.
    pub(super) names: Vec<String>,
    /// Names that no locale can have, because they would leave the directory.
    pub(super) refused: Vec<OsString>,
}

impl Wanted {
    pub(super) fn of(environment: &[(OsString, OsString)], words: &[OsString]) -> Self {
        let mut wanted = Self::default();
        let variables = VARIABLES.iter().filter_map(|name| variable(environment, name));
        let always = OsString::from(ALWAYS);
        let all = variables.chain([always.as_os_str()]).chain(words.iter().map(|w| w.as_os_str()));
        for name in all {
            match name.to_str() {
                Some(name) if BUILT_IN.contains(&name) => {}
                Some(name) if !name.contains("..") && !name.contains('/') => {
                    if !wanted.names.iter().any(|known| known == name) {
                        wanted.names.push(name.to_owned());
                    }
                }
                _ => wanted.refused.push(name.to_owned()),
            }
        }
        wanted
    }
}

/// How a locale is made.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Recipe {
    /// The directory's name.
    pub(super) output: String,
    /// The name of a link to it.
    pub(super) link: Option<String>,
    /// Its source: `localedef -i`.
    pub(super) source: String,
    /// Its character set: `localedef -f`.
    pub(super) codeset: String,
}

impl Recipe {
    /// For a locale. `lists`: the contents of lists of locales with their character sets.
    pub(super) fn of(locale: &str, lists: &[Vec<u8>]) -> Self {
        let parts = Parts::of(locale);
        let modifier = parts.modifier.map(|text| format!("@{text}")).unwrap_or_default();
        let territory = parts.territory.map(|text| format!("_{text}")).unwrap_or_default();
        let main = format!("{}{territory}", parts.language);
        let source = format!("{main}{modifier}");
        let (output, link) = match parts.codeset {
            Some("utf8") => (format!("{main}.UTF-8{modifier}"), Some(locale.to_owned())),
            _ => (locale.to_owned(), None),
        };
        let codeset = match parts.codeset {
            Some("utf8") => "UTF-8".to_owned(),
            Some(codeset) => codeset.to_owned(),
            None => lists.iter().find_map(|l| listed(l, locale)).unwrap_or("UTF-8".to_owned()),
        };
        Self { output, link, source, codeset }
    }
}

/// The character set that a list has for a locale: lines of a name and a character set.
fn listed(list: &[u8], locale: &str) -> Option<String> {
    let text = String::from_utf8_lossy(list);
    text.lines().find_map(|line| {
        let mut words = line.split_ascii_whitespace();
        (words.next()? == locale).then(|| words.next().map(str::to_owned))?
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_wanted() {
        let environment: Vec<(OsString, OsString)> = [
            ("LC_ALL", "fr_FR.UTF-8"),
            ("LANG", "de_DE"),
            ("LC_CTYPE", "C.utf8"),
            ("LC_TIME", "../x"),
            ("LC_NAME", "de_DE"),
            ("HOST_LC_ALL", "it_IT.utf8"),
            ("LANGUAGE", "sv"),
        ]
        .map(|(name, value)| (name.into(), value.into()))
        .to_vec();
        let words = ["a/b", "", "POSIX", "nl_NL"].map(OsString::from);
        let wanted = Wanted::of(&environment, &words);
        let want = ["de_DE", "it_IT.utf8", "fr_FR.UTF-8", "en_US.UTF-8", "nl_NL"];
        assert_eq!(wanted.names, want);
        assert_eq!(wanted.refused, ["../x", "a/b"]);
    }

    #[test]
    fn what_localedef_is_told() {
        let lists =
            [b"# de_DE X\nfr_FR.UTF-8 UTF-8\n".to_vec(), b"de_DE ISO-8859-1\nfr_FR Y\n".to_vec()];
        for (locale, output, link, source, codeset) in [
            ("de_DE.UTF-8", "de_DE.UTF-8", None, "de_DE", "UTF-8"),
            ("de_DE.utf8", "de_DE.UTF-8", Some("de_DE.utf8"), "de_DE", "UTF-8"),
            (
                "sr_RS.utf8@latin",
                "sr_RS.UTF-8@latin",
                Some("sr_RS.utf8@latin"),
                "sr_RS@latin",
                "UTF-8",
            ),
            ("de_DE.ISO-8859-15@euro", "de_DE.ISO-8859-15@euro", None, "de_DE@euro", "ISO-8859-15"),
            ("de_DE", "de_DE", None, "de_DE", "ISO-8859-1"),
            ("xx_YY", "xx_YY", None, "xx_YY", "UTF-8"),
        ] {
            let recipe = Recipe::of(locale, &lists);
            let got = (recipe.output.as_str(), recipe.link.as_deref());
            assert_eq!(got, (output, link), "{locale}");
            assert_eq!((recipe.source.as_str(), recipe.codeset.as_str()), (source, codeset));
        }
    }
}

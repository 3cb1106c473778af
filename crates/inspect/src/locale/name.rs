//! Names of locales: `language_TERRITORY.CODESET@modifier`.

/// Whether the C library has it built in, or it is no name at all.
pub fn is_built_in(locale: &str) -> bool {
    locale.is_empty() || locale == "C" || locale == "POSIX" || locale.contains('/')
}

/// The name as archives have it: the character set in lower case without punctuation, as glibc's
/// `_nl_normalize_codeset` makes it.
pub fn normalised(locale: &str) -> String {
    let Some((before, rest)) = locale.split_once('.') else { return locale.to_owned() };
    let (codeset, modifier) = match rest.split_once('@') {
        Some((codeset, modifier)) => (codeset, Some(modifier)),
        None => (rest, None),
    };
    let modifier = modifier.map(|m| format!("@{m}")).unwrap_or_default();
    format!("{before}.{}{modifier}", normalised_codeset(codeset))
}

/// A character set in lower case without punctuation.
pub fn plain_codeset(codeset: &str) -> String {
    codeset.chars().filter(char::is_ascii_alphanumeric).map(|c| c.to_ascii_lowercase()).collect()
}

/// The same as it is in names of locales (`_nl_normalize_codeset`): numbers are those of ISO.
pub fn normalised_codeset(codeset: &str) -> String {
    let kept = plain_codeset(codeset);
    let only_digits = !kept.is_empty() && kept.chars().all(|c| c.is_ascii_digit());
    if only_digits { format!("iso{kept}") } else { kept }
}

/// Whether the C library looks for a locale of this name at all (`valid_locale_name` of findlocale.c).
pub fn is_valid(locale: &str) -> bool {
    let climbs = locale.split('/').any(|part| part == "..");
    locale.len() <= 255 && !climbs && (!locale.contains('/') || locale.starts_with('/'))
}

/// The parts of a name (`_nl_explode_name` of intl/explodename.c).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Parts<'a> {
    /// Language; the whole name where that does not begin with one.
    pub language: &'a str,
    /// Territory.
    pub territory: Option<&'a str>,
    /// Character set.
    pub codeset: Option<&'a str>,
    /// Modifier.
    pub modifier: Option<&'a str>,
}

impl<'a> Parts<'a> {
    /// Takes a name apart.
    pub fn of(locale: &'a str) -> Self {
        let mut parts = Parts { language: locale, territory: None, codeset: None, modifier: None };
        let end = locale.find(['_', '.', '@']).unwrap_or(locale.len());
        if end == 0 {
            return parts;
        }
        let (language, mut rest) = locale.split_at(end);
        parts.language = language;
        for (mark, stops, part) in [
            ('_', &['.', '@'][..], &mut parts.territory),
            ('.', &['@'], &mut parts.codeset),
            ('@', &[], &mut parts.modifier),
        ] {
            let Some(after) = rest.strip_prefix(mark) else { continue };
            let end = after.find(stops).unwrap_or(after.len());
            *part = Some(&after[..end]).filter(|text| !text.is_empty());
            rest = &after[end..];
        }
        parts
    }

    /// The names of directories that it may mean, the most exact one first (`_nl_make_l10nflist`).
    pub fn directories(&self) -> Vec<String> {
        const NORMALISED: u8 = 1;
        const CODESET: u8 = 2;
        const TERRITORY: u8 = 4;
        const MODIFIER: u8 = 8;
        let normalised = self.codeset.map(normalised_codeset);
        let normalised = normalised.as_deref().filter(|text| Some(*text) != self.codeset);
        // In the order in which they stand in a name.
        let parts = [
            (TERRITORY, '_', self.territory),
            (CODESET, '.', self.codeset),
            (NORMALISED, '.', normalised),
            (MODIFIER, '@', self.modifier),
        ];
        let has = |bit: u8| parts.iter().any(|(of, _, part)| *of == bit && part.is_some());
        let fits = |mask: &u8| {
            let bits = [NORMALISED, CODESET, TERRITORY, MODIFIER];
            bits.iter().all(|bit| mask & bit == 0 || has(*bit)) && mask & 3 != 3
        };
        let name = |mask: u8| {
            let mut out = self.language.to_owned();
            for (bit, mark, part) in parts {
                if let Some(part) = part.filter(|_| mask & bit != 0) {
                    out.push(mark);
                    out.push_str(part);
                }
            }
            out
        };
        (0..16).rev().filter(fits).map(name).collect()
    }
}

/// The source from which it is compiled: `de_AT` of `de_AT.UTF-8@euro`, with the modifier.
pub fn territory(locale: &str) -> String {
    let (main, modifier) = match locale.split_once('@') {
        Some((main, modifier)) => (main, format!("@{modifier}")),
        None => (locale, String::new()),
    };
    format!("{}{modifier}", main.split('.').next().unwrap_or(main))
}

/// The character set, for a hint.
pub fn charset(locale: &str) -> &str {
    let codeset = locale.split_once('.').map(|(_, rest)| rest.split('@').next().unwrap_or(rest));
    match codeset {
        None => "ISO-8859-1",
        Some(c) if c.eq_ignore_ascii_case("utf8") => "UTF-8",
        Some(c) => c,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn directories_of_names() {
        for (locale, want) in [
            ("de", &["de"][..]),
            ("de_DE", &["de_DE", "de"]),
            ("de_DE.UTF-8", &["de_DE.UTF-8", "de_DE.utf8", "de_DE", "de.UTF-8", "de.utf8", "de"]),
            ("C.utf8", &["C.utf8", "C"]),
            ("x@y", &["x@y", "x"]),
            ("x_.@", &["x"]),
            (".UTF-8", &[".UTF-8"]),
        ] {
            assert_eq!(Parts::of(locale).directories(), want, "{locale}");
        }
        let all = Parts::of("sr_RS.UTF-8@latin").directories();
        assert_eq!((all.len(), all[0].as_str()), (12, "sr_RS.UTF-8@latin"));
        for (locale, valid) in [
            ("de", true),
            ("..", false),
            ("a/b", false),
            ("/a/b", true),
            ("/a/../b", false),
            (&"x".repeat(256), false),
        ] {
            assert_eq!(is_valid(locale), valid, "{locale}");
        }
    }

    #[test]
    fn names() {
        for (locale, archived, source, set) in [
            ("de_DE.UTF-8", "de_DE.utf8", "de_DE", "UTF-8"),
            ("de_DE.utf8", "de_DE.utf8", "de_DE", "UTF-8"),
            ("sr_RS.UTF-8@latin", "sr_RS.utf8@latin", "sr_RS@latin", "UTF-8"),
            ("de_DE@euro", "de_DE@euro", "de_DE@euro", "ISO-8859-1"),
            ("ru_RU.8859-5", "ru_RU.iso88595", "ru_RU", "8859-5"),
            ("C.UTF-8", "C.utf8", "C", "UTF-8"),
        ] {
            assert_eq!(normalised(locale), archived, "{locale}");
            assert_eq!(territory(locale), source, "{locale}");
            assert_eq!(charset(locale), set, "{locale}");
        }
        for (locale, built_in) in
            [("C", true), ("POSIX", true), ("", true), ("../x", true), ("C.UTF-8", false)]
        {
            assert_eq!(is_built_in(locale), built_in, "{locale}");
        }
    }
}

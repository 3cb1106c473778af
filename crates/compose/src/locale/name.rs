//! Names of locales: `language_TERRITORY.CODESET@modifier`.

/// Whether the C library has it built in, or it is no name at all.
pub(super) fn is_built_in(locale: &str) -> bool {
    locale.is_empty() || locale == "C" || locale == "POSIX" || locale.contains('/')
}

/// The name as archives have it: the character set in lower case without punctuation, as glibc's
/// `_nl_normalize_codeset` makes it.
pub(super) fn normalised(locale: &str) -> String {
    let Some((before, rest)) = locale.split_once('.') else { return locale.to_owned() };
    let (codeset, modifier) = match rest.split_once('@') {
        Some((codeset, modifier)) => (codeset, Some(modifier)),
        None => (rest, None),
    };
    let kept: String = codeset
        .chars()
        .filter(char::is_ascii_alphanumeric)
        .map(|c| c.to_ascii_lowercase())
        .collect();
    let only_digits = !kept.is_empty() && kept.chars().all(|c| c.is_ascii_digit());
    let iso = if only_digits { "iso" } else { "" };
    let modifier = modifier.map(|m| format!("@{m}")).unwrap_or_default();
    format!("{before}.{iso}{kept}{modifier}")
}

/// The source from which it is compiled: `de_AT` of `de_AT.UTF-8@euro`, with the modifier.
pub(super) fn territory(locale: &str) -> String {
    let (main, modifier) = match locale.split_once('@') {
        Some((main, modifier)) => (main, format!("@{modifier}")),
        None => (locale, String::new()),
    };
    format!("{}{modifier}", main.split('.').next().unwrap_or(main))
}

/// The character set, for a hint.
pub(super) fn charset(locale: &str) -> &str {
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

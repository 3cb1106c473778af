//! Levels as people write them.

/// Names by level (syslog(3)).
const NAMES: &[&str] = &["emerg", "alert", "crit", "err", "warning", "notice", "info", "debug"];

/// Other names for the same, with the letters that stand in messages.
const OTHERS: &[(&str, u8)] = &[
    ("emergency", 0),
    ("critical", 2),
    ("error", 3),
    ("e", 3),
    ("warn", 4),
    ("w", 4),
    ("n", 5),
    ("i", 6),
    ("d", 7),
];

/// The level that is meant: a name, a letter, or a number.
pub(super) fn parse(text: &str) -> Option<u8> {
    let text = text.to_ascii_lowercase();
    let named = NAMES.iter().zip(0..).find(|(name, _)| **name == text).map(|(_, level)| level);
    let other = || OTHERS.iter().find(|(name, _)| *name == text).map(|(_, level)| *level);
    let number = || text.parse().ok().filter(|level| *level < 8 && text.len() == 1);
    named.or_else(other).or_else(number)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn levels() {
        for (text, want) in [
            ("emerg", Some(0)),
            ("debug", Some(7)),
            ("Warning", Some(4)),
            ("I", Some(6)),
            ("0", Some(0)),
            ("7", Some(7)),
            ("8", None),
            ("07", None),
            ("", None),
            ("loud", None),
        ] {
            assert_eq!(parse(text), want, "{text}");
        }
    }
}

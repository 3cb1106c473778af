//! The section of `docs/messages.md` about a problem code.

use super::{Code, ExitCode, OsStr, USAGE, report};

const MESSAGES: &str = include_str!("../../../../docs/messages.md");

/// Whether the name has the form of a code: `BS0007`, `bs7`, `7`.
pub(super) fn is_code(name: &OsStr) -> bool {
    let Some(text) = name.to_str() else { return false };
    let digits = match text.get(..2) {
        Some(start) if start.eq_ignore_ascii_case("bs") => &text[2..],
        _ => text,
    };
    !digits.is_empty() && digits.bytes().all(|b| b.is_ascii_digit())
}

/// Says that there is no such code.
pub(super) fn unknown(code: &OsStr) -> ExitCode {
    report::notice(&format!(
        "error: `{}` is no problem code",
        code.to_string_lossy().escape_debug()
    ));
    let last = Code::ALL.last().map_or(Code(1), |(c, _)| *c);
    report::notice(&format!("hint: codes go from {} to {last}", Code(1)));
    USAGE.into()
}

/// The section about a code.
pub(super) fn section(code: &str) -> Option<&'static str> {
    let digits = code.trim_start_matches(['b', 'B', 's', 'S']);
    let number: u16 = digits.parse().ok()?;
    let heading = format!("## {} ", Code(number));
    let start = MESSAGES.find(&heading)?;
    let body = &MESSAGES[start..];
    let end = body[3..].find("\n## ").map_or(body.len(), |e| e + 4);
    Some(&body[..end])
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_code_has_a_section_with_its_title() {
        for (code, title) in Code::ALL {
            let text =
                section(&code.to_string()).unwrap_or_else(|| panic!("no section for {code}"));
            assert!(text.starts_with(&format!("## {code} {title}\n")), "{code}: {text}");
            assert!(text.lines().count() > 3, "{code} is not explained");
            assert_eq!(text.matches("## BS").count(), 1, "{code}: {text}");
        }
        assert_eq!(MESSAGES.matches("\n## BS").count(), Code::ALL.len());
    }

    #[test]
    fn spellings() {
        assert_eq!(section("7"), section("BS0007"));
        assert_eq!(section("bs7"), section("BS0007"));
        for bad in ["", "BS", "BS0000", "x", "99999"] {
            assert_eq!(section(bad), None, "{bad}");
        }
        for (name, want) in [
            ("BS0007", true),
            ("bs7", true),
            ("7", true),
            ("99999", true),
            ("BS", false),
            ("", false),
            ("libGL.so.1", false),
            ("bs7x", false),
            ("ä1", false),
        ] {
            assert_eq!(is_code(OsStr::new(name)), want, "{name}");
        }
    }
}

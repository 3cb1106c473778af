//! `bathysphere explain CODE`: the section of `docs/messages.md` about a problem code.

use crate::{FAILURE, USAGE, report};
use plan::Code;
use std::io::Write as _;
use std::process::ExitCode;

const MESSAGES: &str = include_str!("../../../docs/messages.md");

/// Prints the section about `code`.
pub(crate) fn run(code: &str) -> ExitCode {
    let Some(section) = section(code) else {
        report::notice(&format!("error: `{}` is no problem code", code.escape_debug()));
        let last = Code::ALL.last().map_or(Code(1), |(c, _)| *c);
        report::notice(&format!("hint: codes go from {} to {last}", Code(1)));
        return USAGE.into();
    };
    match std::io::stdout().write_all(section.as_bytes()) {
        Ok(()) => ExitCode::SUCCESS,
        Err(_) => FAILURE.into(),
    }
}

/// The section about `code`, which may be given as `BS0007`, `bs7` or `7`.
fn section(code: &str) -> Option<&'static str> {
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
    }
}

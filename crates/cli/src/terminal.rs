//! The terminal that standard output may be: its colours and its width.
//!
//! Plain text goes to pipes and files, to terminals that can do no more (`TERM=dumb`), and where the user
//! wants it (`NO_COLOR`, no-color.org). Nothing is wrapped or cut where there is no terminal.

use compose::Inherited;
use rustix::termios::{isatty, tcgetwinsize};
use std::borrow::Cow;

/// How a piece of text is shown (ECMA-48, SGR).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Style {
    /// A heading.
    Heading,
    /// All is well.
    Good,
    /// Something to look at.
    Warning,
    /// Something that stops a launch.
    Bad,
    /// What is there for completeness.
    Faint,
}

/// What can be shown.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Terminal {
    /// Whether text may be coloured.
    pub(crate) colour: bool,
    /// Columns, where lines have to be broken.
    pub(crate) width: Option<usize>,
}

/// Narrower terminals are written to as if they were so wide.
const NARROWEST: usize = 40;

impl Terminal {
    /// That of standard output.
    pub(crate) fn of_stdout(environment: &Inherited) -> Self {
        let out = rustix::stdio::stdout();
        let columns = || tcgetwinsize(out).ok().map(|size| usize::from(size.ws_col));
        Self::from(isatty(out), columns, environment)
    }

    fn from(
        is_terminal: bool,
        columns: impl FnOnce() -> Option<usize>,
        environment: &Inherited,
    ) -> Self {
        if !is_terminal {
            return Self::default();
        }
        let dumb = environment.get("TERM").is_none_or(|term| term.is_empty() || term == "dumb");
        let colour = !dumb && environment.non_empty("NO_COLOR").is_none();
        // What the user says counts more than what the terminal says, as for `ls`.
        let said = environment.non_empty("COLUMNS").and_then(|text| text.to_str()?.parse().ok());
        // Some terminals say 0.
        let width = said
            .or_else(columns)
            .filter(|columns| *columns > 0)
            .map(|columns| columns.max(NARROWEST));
        Self { colour, width }
    }

    /// The text in a style.
    pub(crate) fn paint<'t>(&self, style: Style, text: &'t str) -> Cow<'t, str> {
        if !self.colour || text.is_empty() {
            return Cow::Borrowed(text);
        }
        let code = match style {
            Style::Heading => "1",
            Style::Good => "32",
            Style::Warning => "33",
            Style::Bad => "31",
            Style::Faint => "2",
        };
        Cow::Owned(format!("\x1b[{code}m{text}\x1b[0m"))
    }

    /// Breaks plain text at spaces, so that it fits when every line after the first is indented by `indent`
    /// columns and the first has `used` of them taken. Words that are longer, such as paths, are not broken.
    pub(crate) fn wrap(&self, text: &str, used: usize, indent: usize) -> String {
        let Some(width) = self.width else { return text.to_owned() };
        let mut out = String::new();
        let mut column = used;
        for word in text.split(' ') {
            let length = word.chars().count();
            let first = out.is_empty();
            if !first && column + 1 + length > width {
                out.push('\n');
                out.extend(std::iter::repeat_n(' ', indent));
                column = indent;
            } else if !first {
                out.push(' ');
                column += 1;
            }
            out.push_str(word);
            column += length;
        }
        out
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn who_gets_colours_and_breaks() {
        for (is_terminal, columns, variables, want) in [
            (true, Some(100), &[("TERM", "xterm")][..], (true, Some(100))),
            (true, Some(0), &[("TERM", "xterm")], (true, None)),
            (true, Some(10), &[("TERM", "xterm")], (true, Some(40))),
            (true, Some(80), &[("TERM", "xterm"), ("COLUMNS", "132")], (true, Some(132))),
            (true, Some(80), &[("TERM", "xterm"), ("COLUMNS", "wide")], (true, Some(80))),
            (false, None, &[("COLUMNS", "132")], (false, None)),
            (true, Some(80), &[("TERM", "dumb")], (false, Some(80))),
            (true, None, &[], (false, None)),
            (true, Some(80), &[("TERM", "xterm"), ("NO_COLOR", "1")], (false, Some(80))),
            (true, Some(80), &[("TERM", "xterm"), ("NO_COLOR", "")], (true, Some(80))),
            (false, Some(80), &[("TERM", "xterm")], (false, None)),
        ] {
            let environment = variables.iter().copied().collect();
            let terminal = Terminal::from(is_terminal, || columns, &environment);
            assert_eq!((terminal.colour, terminal.width), want, "{variables:?}");
        }
    }

    #[test]
    fn lines_are_broken_at_spaces() {
        let terminal = Terminal { colour: false, width: Some(10) };
        assert_eq!(terminal.wrap("aa bb cc dd", 4, 2), "aa bb\n  cc dd");
        assert_eq!(terminal.wrap("/a/very/long/path x", 0, 2), "/a/very/long/path\n  x");
        assert_eq!(terminal.wrap("", 0, 2), "");
        assert_eq!(Terminal::default().wrap("aa bb cc dd", 4, 2), "aa bb cc dd");
    }

    #[test]
    fn paint() {
        let coloured = Terminal { colour: true, width: None };
        assert_eq!(coloured.paint(Style::Good, "yes"), "\x1b[32myes\x1b[0m");
        assert_eq!(Terminal::default().paint(Style::Good, "yes"), "yes");
    }
}

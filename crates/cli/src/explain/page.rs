//! Headings and rows of an explanation.

use crate::terminal::{Style, Terminal};
use plan::{Decision, Origin, Verdict};

/// Columns before the text of a row.
const LABEL: usize = 14;
/// Most names in a row.
const SHOWN: usize = 12;

/// What is said about one name.
pub(super) struct Page {
    terminal: Terminal,
    /// Long lists are not cut.
    whole: bool,
    text: String,
}

impl Page {
    pub(super) fn new(terminal: Terminal, whole: bool) -> Self {
        Self { terminal, whole, text: String::new() }
    }

    pub(super) fn text(&self) -> &str {
        &self.text
    }

    pub(super) fn is_empty(&self) -> bool {
        self.text.is_empty()
    }

    pub(super) fn heading(&mut self, text: &str) {
        if !self.text.is_empty() {
            self.text.push('\n');
        }
        self.text += &self.terminal.paint(Style::Heading, text);
        self.text.push('\n');
    }

    /// A row of a label and a text; the label is empty where the text goes on with another item.
    pub(super) fn row(&mut self, label: &str, text: &str) {
        self.text += "  ";
        self.text += &self.terminal.paint(Style::Faint, label);
        // Labels are ASCII.
        let padding = (LABEL - 2).saturating_sub(label.len()).max(1);
        self.text.extend(std::iter::repeat_n(' ', padding));
        self.text += &self.terminal.wrap(text, LABEL, LABEL);
        self.text.push('\n');
    }

    /// Rows under one label.
    pub(super) fn rows<T: AsRef<str>>(&mut self, label: &str, texts: impl IntoIterator<Item = T>) {
        for (n, text) in texts.into_iter().enumerate() {
            self.row(if n == 0 { label } else { "" }, text.as_ref());
        }
    }

    /// Names in one row, or as many as a reader wants to see.
    pub(super) fn names<'t>(&mut self, label: &str, names: impl IntoIterator<Item = &'t str>) {
        let names: Vec<&str> = names.into_iter().collect();
        let shown = if self.whole { names.len() } else { names.len().min(SHOWN) };
        let mut text = names[..shown].join(", ");
        if shown < names.len() {
            text += &format!(" and {} more", names.len() - shown);
        }
        self.row(label, &text);
    }

    /// What came of a decision, why, and who was considered.
    pub(super) fn decision(&mut self, decision: &Decision) {
        let winner = match &decision.verdict {
            Verdict::Taken { origin, at } => {
                self.row("decided", &format!("{}, seen at {at}", whose(*origin)));
                Some(*origin)
            }
            Verdict::Rejected => {
                self.row("decided", "none is used");
                None
            }
            Verdict::Absent => {
                self.row("decided", "there is none, and none is needed");
                None
            }
        };
        self.row("because", &decision.why);
        let candidates = decision.candidates.iter().map(|candidate| {
            let mark = if Some(candidate.origin) == winner { "*" } else { "-" };
            let note = match candidate.note.as_str() {
                "" => String::new(),
                note => format!(" ({note})"),
            };
            format!("{mark} {}: {}{note}", whose(candidate.origin), candidate.path)
        });
        self.rows("candidates", candidates);
    }
}

fn whose(origin: Origin) -> &'static str {
    match origin {
        Origin::Provider => "the graphics provider's",
        Origin::Runtime => "the runtime's",
        Origin::Host => "the host's",
        Origin::Generated => "made for the container",
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use plan::{Candidate, Subject, Tuple};

    #[test]
    fn a_decision_names_winner_and_losers() {
        let candidate = |origin, path: &str, note: &str| Candidate {
            origin,
            path: path.into(),
            note: note.into(),
        };
        let mut decision = Decision {
            subject: Subject::Library { tuple: Tuple::X86_64, name: "libz.so.1".into() },
            candidates: vec![
                candidate(Origin::Provider, "/p", "1.2"),
                candidate(Origin::Runtime, "/r", ""),
            ],
            verdict: Verdict::Taken { origin: Origin::Runtime, at: "/a".into() },
            why: "newer".into(),
        };
        let mut page = Page::new(Terminal::default(), false);
        page.decision(&decision);
        assert_eq!(
            page.text(),
            "  decided     the runtime's, seen at /a\n  because     newer\n  \
             candidates  - the graphics provider's: /p (1.2)\n              * the runtime's: /r\n"
        );
        decision.verdict = Verdict::Rejected;
        let mut page = Page::new(Terminal::default(), false);
        page.decision(&decision);
        assert!(page.text().starts_with("  decided     none is used\n"), "{}", page.text());
        assert!(!page.text().contains('*'), "{}", page.text());
    }

    #[test]
    fn long_lists_are_cut_unless_whole() {
        let names: Vec<String> = (0..14).map(|n| n.to_string()).collect();
        for (whole, end) in [(false, "10, 11 and 2 more\n"), (true, "12, 13\n")] {
            let mut page = Page::new(Terminal::default(), whole);
            page.names("needed by", names.iter().map(String::as_str));
            assert!(page.text().ends_with(end), "{}", page.text());
        }
    }
}

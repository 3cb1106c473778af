//! Headings and rows of an explanation.

use crate::terminal::{Style, Terminal};
use plan::{Decision, Origin, Verdict};

/// Columns before the text of a row.
const LABEL: usize = 14;

/// What is said about one name.
pub(super) struct Page {
    terminal: Terminal,
    text: String,
}

impl Page {
    pub(super) fn new(terminal: Terminal) -> Self {
        Self { terminal, text: String::new() }
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

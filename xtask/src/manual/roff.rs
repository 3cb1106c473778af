//! A page in the language of man(7).

use std::fmt::Write as _;

use super::page::{Page, Row};

/// The whole page.
pub(super) fn text(page: &Page, date: &str) -> String {
    let version = env!("CARGO_PKG_VERSION");
    let title = page.name.to_uppercase();
    let mut out = format!(
        ".TH \"{}\" 1 {date} \"Bathysphere {version}\" \"User Commands\"\n.SH NAME\n{} \\- {}\n",
        escape(&title),
        escape(&page.name),
        escape(&page.summary)
    );
    out += ".SH SYNOPSIS\n";
    for (index, usage) in page.usages.iter().enumerate() {
        if index > 0 {
            out += ".br\n";
        }
        let (name, rest) = usage.split_once(' ').unwrap_or((usage, ""));
        let _ = writeln!(out, "\\fB{}\\fR {}", escape(name), escape(rest.trim_end()));
    }
    out += ".SH DESCRIPTION\n";
    out += &page.about.iter().map(|text| line(text)).collect::<Vec<_>>().join(".PP\n");
    rows(&mut out, "COMMANDS", &page.commands);
    rows(&mut out, "OPTIONS", &page.options);
    rows(&mut out, "ENVIRONMENT", &page.variables);
    rows(&mut out, "EXIT STATUS", &page.statuses);
    out += ".SH SEE ALSO\n";
    let see: Vec<_> = page.see.iter().map(|name| format!(".BR {} (1)", escape(name))).collect();
    out += &see.join(" ,\n");
    out.push('\n');
    out
}

/// A section of terms, each with what is said of it.
fn rows(out: &mut String, heading: &str, rows: &[Row]) {
    if rows.is_empty() {
        return;
    }
    // Writing to a String cannot fail.
    let _ = writeln!(out, ".SH {heading}");
    for (term, text) in rows {
        let _ = writeln!(out, ".TP\n\\fB{}\\fR", escape(term));
        let lines: Vec<_> = text.lines().map(line).collect();
        out.push_str(&lines.join(".br\n"));
    }
}

/// Text on a line of its own.
fn line(text: &str) -> String {
    let text = escape(text);
    // What begins so would be a request.
    let guard = if text.starts_with(['.', '\'']) { "\\&" } else { "" };
    format!("{guard}{text}\n")
}

/// Text that stands for itself.
fn escape(text: &str) -> String {
    text.replace('\\', "\\e").replace('-', "\\-").replace('…', "...")
}

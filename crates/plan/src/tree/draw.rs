//! Lines with box-drawing characters.

use super::{Node, Shape};
use crate::ByteString;
use std::collections::BTreeMap;
use std::fmt::Write as _;

/// How a tree looks.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Style {
    /// With the colours of `ls`.
    pub colour: bool,
    /// Cut lines to this many columns.
    pub width: Option<usize>,
    /// List everything, however long.
    pub whole: bool,
}

/// Where remarks start, in columns, unless the entry itself is longer.
const REMARKS: usize = 44;
/// More entries of one kind than this in a directory are elided …
const MANY: usize = 10;
/// … down to this many.
const SHOWN: usize = 6;

const DIRECTORY: &str = "\x1b[1;34m";
const LINK: &str = "\x1b[36m";
const FAINT: &str = "\x1b[2m";
const PLAIN: &str = "\x1b[0m";

/// A line before it is coloured and cut.
struct Line {
    branches: String,
    name: String,
    colour: &'static str,
    /// What follows the name: the text of a link.
    rest: String,
    remark: String,
}

pub(super) fn draw(name: &str, root: &Node, style: &Style) -> String {
    let mut lines = vec![line(String::new(), name.into(), root)];
    below(root, "", 0, style, &mut lines);
    lines.iter().map(|line| line.drawn(style)).collect()
}

fn line(branches: String, name: String, node: &Node) -> Line {
    let remark = match (node.from.as_str(), node.why.as_str()) {
        ("", why) => why.to_owned(),
        (from, "") => from.to_owned(),
        (from, why) => format!("{from} — {why}"),
    };
    match &node.shape {
        Shape::Directory => {
            let name = if name.ends_with('/') { name } else { name + "/" };
            Line { branches, name, colour: DIRECTORY, rest: String::new(), remark }
        }
        Shape::Link(text) => {
            Line { branches, name, colour: LINK, rest: format!(" -> {text}"), remark }
        }
        Shape::File => Line { branches, name, colour: "", rest: String::new(), remark },
    }
}

/// What is drawn of a directory: an entry, or how many are left out.
enum Part<'n> {
    Entry(String, &'n Node),
    Elided(usize),
}

fn below(node: &Node, indent: &str, depth: usize, style: &Style, lines: &mut Vec<Line>) {
    let parts = parts(node, depth, style.whole);
    let last = parts.len();
    for (n, part) in parts.into_iter().enumerate() {
        let (corner, under) =
            if n + 1 == last { ("└── ", "    ") } else { ("├── ", "│   ") };
        let branches = format!("{indent}{corner}");
        match part {
            Part::Entry(name, node) => {
                lines.push(line(branches, name, node));
                below(node, &format!("{indent}{under}"), depth + 1, style, lines);
            }
            Part::Elided(count) => lines.push(Line {
                branches,
                name: format!("… {count} more"),
                colour: FAINT,
                rest: String::new(),
                remark: String::new(),
            }),
        }
    }
}

/// The entries, directories that only lead to one other joined with it, long lists cut.
fn parts(node: &Node, depth: usize, whole: bool) -> Vec<Part<'_>> {
    let mut sizes: BTreeMap<&str, usize> = BTreeMap::new();
    for child in node.children.values().filter(|child| child.children.is_empty()) {
        *sizes.entry(child.group.as_deref().unwrap_or_default()).or_default() += 1;
    }
    let mut seen: BTreeMap<&str, usize> = BTreeMap::new();
    let (mut parts, mut left_out) = (vec![], 0);
    for (name, child) in &node.children {
        let group = child.group.as_deref();
        if let (Some(group), true) = (group, child.children.is_empty() && depth > 0 && !whole)
            && sizes.get(group).is_some_and(|size| *size > MANY)
        {
            let seen = seen.entry(group).or_default();
            *seen += 1;
            if *seen > SHOWN {
                left_out += 1;
                continue;
            }
        }
        let (name, child) = joined(name, child);
        parts.push(Part::Entry(name, child));
    }
    if left_out > 0 {
        parts.push(Part::Elided(left_out));
    }
    parts
}

/// A directory that nothing is said about, and whose only entry is a directory, is one with it.
fn joined<'n>(name: &ByteString, mut node: &'n Node) -> (String, &'n Node) {
    let mut name = name.to_string();
    while node.shape == Shape::Directory
        && node.from.is_empty()
        && node.why.is_empty()
        && let Some((next, child)) = node.children.first_key_value()
        && node.children.len() == 1
        && child.shape == Shape::Directory
    {
        // Writing to a String cannot fail.
        let _ = write!(name, "/{next}");
        node = child;
    }
    (name, node)
}

impl Line {
    fn drawn(&self, style: &Style) -> String {
        let count = |text: &str| text.chars().count();
        let most = style.width.unwrap_or(usize::MAX);
        let mut room = most;
        let mut out = String::new();
        let mut put = |text: &str, colour: &str| {
            let cut = cut(text, room);
            room -= count(&cut).min(room);
            if style.colour && !colour.is_empty() && !cut.is_empty() {
                out += &format!("{colour}{cut}{PLAIN}");
            } else {
                out += &cut;
            }
        };
        put(&self.branches, FAINT);
        put(&self.name, self.colour);
        put(&self.rest, "");
        if !self.remark.is_empty() {
            let used = count(&self.branches) + count(&self.name) + count(&self.rest);
            let gap = REMARKS.saturating_sub(used).max(2);
            // A remark of which nothing can be read is none.
            if used + gap + 4 < most {
                put(&" ".repeat(gap), "");
                put(&self.remark, FAINT);
            }
        }
        out + "\n"
    }
}

/// The text, or as much of it as there is room for, with a sign that it goes on.
fn cut(text: &str, room: usize) -> String {
    if text.chars().count() <= room {
        return text.to_owned();
    }
    let mut cut: String = text.chars().take(room.saturating_sub(1)).collect();
    if room > 0 {
        cut.push('…');
    }
    cut
}

//! Bytes → pieces of lines, each with its level.
//!
//! With prefixes, a line begins with `<N>` (sd-daemon(3)), and after a line `<remaining-lines-assume-level=N>`
//! there are none any more. What could become a prefix is waited for; everything else is given on at once, so
//! that an unfinished line, such as a question, is seen.

/// Announces that all further lines are of one level.
const REMAINING: &[u8] = b"<remaining-lines-assume-level=";

/// A part of a line.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Piece<'a> {
    /// The line's level.
    pub(super) level: u8,
    /// Whether the line begins with it.
    pub(super) begins: bool,
    /// The text, without prefix and line end.
    pub(super) text: &'a [u8],
    /// Whether the line ends with it.
    pub(super) ends: bool,
}

/// What the beginning of a line is.
#[derive(Debug, PartialEq, Eq)]
enum Head {
    /// Not known yet.
    Open,
    /// A prefix of so many bytes.
    Level(u8, usize),
    /// A line, of so many bytes, that announces the level of all others.
    Remaining(u8, usize),
    /// None.
    Text,
}

/// Takes lines apart.
pub(super) struct Lines {
    prefixes: bool,
    default: u8,
    /// The level of the line that has begun.
    current: Option<u8>,
    /// The beginning of a line of which it is not known yet whether it is a prefix.
    head: Vec<u8>,
}

impl Lines {
    pub(super) fn new(prefixes: bool, default: u8) -> Self {
        Self { prefixes, default, current: None, head: vec![] }
    }

    /// Takes the next bytes.
    pub(super) fn feed(&mut self, bytes: &[u8], out: &mut dyn FnMut(Piece<'_>)) {
        for part in bytes.split_inclusive(|b| *b == b'\n') {
            if self.current.is_some() {
                self.text(part, false, out);
                continue;
            }
            self.head.extend(part);
            let head = std::mem::take(&mut self.head);
            match self.head_of(&head) {
                Head::Open => self.head = head,
                Head::Level(level, length) => self.begin(level, &head[length..], out),
                Head::Remaining(level, _) => (self.prefixes, self.default) = (false, level),
                Head::Text => self.begin(self.default, &head, out),
            }
        }
    }

    /// Gives on what is left at the end; a line that was not ended is ended.
    pub(super) fn end(&mut self, out: &mut dyn FnMut(Piece<'_>)) {
        let head = std::mem::take(&mut self.head);
        if !head.is_empty() {
            self.begin(self.default, &head, out);
        }
        if self.current.is_some() {
            self.text(b"\n", false, out);
        }
    }

    fn begin(&mut self, level: u8, text: &[u8], out: &mut dyn FnMut(Piece<'_>)) {
        self.current = Some(level);
        self.text(text, true, out);
    }

    fn text(&mut self, part: &[u8], begins: bool, out: &mut dyn FnMut(Piece<'_>)) {
        let level = self.current.unwrap_or(self.default);
        let (text, ends) = match part.strip_suffix(b"\n") {
            Some(text) => (text, true),
            None => (part, false),
        };
        if ends {
            self.current = None;
        }
        if begins || ends || !text.is_empty() {
            out(Piece { level, begins, text, ends });
        }
    }

    fn head_of(&self, head: &[u8]) -> Head {
        if !self.prefixes {
            return Head::Text;
        }
        let digit = |byte: u8| (b'0'..b'8').contains(&byte).then(|| byte - b'0');
        match head {
            [b'<'] => return Head::Open,
            [b'<', level] if digit(*level).is_some() => return Head::Open,
            [b'<', level, b'>', ..] => {
                if let Some(level) = digit(*level) {
                    return Head::Level(level, 3);
                }
            }
            _ => {}
        }
        match head.strip_prefix(REMAINING) {
            None if REMAINING.starts_with(head) => Head::Open,
            Some([]) => Head::Open,
            Some([level, rest @ ..]) if digit(*level).is_some() => match rest {
                b">\n" => Head::Remaining(*level - b'0', head.len()),
                b"" | b">" => Head::Open,
                _ => Head::Text,
            },
            _ => Head::Text,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Each piece as `LEVEL^text$`, with the marks where a line begins and ends.
    fn pieces(prefixes: bool, input: &[&str]) -> String {
        let mut lines = Lines::new(prefixes, 5);
        let mut out = vec![];
        let mut add = |piece: Piece<'_>| {
            let text = String::from_utf8_lossy(piece.text);
            let begins = if piece.begins { "^" } else { "" };
            let ends = if piece.ends { "$" } else { "" };
            out.push(format!("{}{begins}{text}{ends}", piece.level));
        };
        for part in input {
            lines.feed(part.as_bytes(), &mut add);
        }
        lines.end(&mut add);
        out.join(" ")
    }

    #[test]
    fn lines_with_prefixes() {
        for (input, want) in [
            (&["<0>a\n<7>b\nc\n"][..], "0^a$ 7^b$ 5^c$"),
            (&["<", "4", ">", "w", "arn", "\n"], "4^ 4w 4arn 4$"),
            (&["<8>a\n<x\n<5x\n<\n\n"], "5^<8>a$ 5^<x$ 5^<5x$ 5^<$ 5^$"),
            (&["<6>a\n<remaining-lines-", "assume-level=3>\n", "<2>b\n"], "6^a$ 3^<2>b$"),
            (&["<remaining-lines-assume-level=9>\n"], "5^<remaining-lines-assume-level=9>$"),
            (&["<remaining-lines-assume-level=1>x\n"], "5^<remaining-lines-assume-level=1>x$"),
            (&["<remain"], "5^<remain 5$"),
            (&["<3>"], "3^ 3$"),
            (&["text"], "5^text 5$"),
            (&[], ""),
        ] {
            assert_eq!(pieces(true, input), want, "{input:?}");
        }
        assert_eq!(pieces(false, &["<3>a\nb"]), "5^<3>a$ 5^b 5$");
    }
}

//! Valve's text key-value format (KeyValues), as in `toolmanifest.vdf` and `libraryfolders.vdf`.
//!
//! Knows blocks, quoted and bare words, escapes, comments, conditionals (read and not evaluated).
//! `#base` and `#include` are ordinary keys: no other file is read. Must not interpret keys.

use plan::ByteString;

/// A key with its value.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Node {
    /// Compared without regard to ASCII case.
    pub key: ByteString,
    /// What it has.
    pub value: Value,
    /// The conditional after it, such as `$WIN32`, without brackets; not evaluated.
    pub condition: Option<ByteString>,
    /// Where its key is, counted from 1.
    pub line: usize,
}

/// The value of a key.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Value {
    /// A string.
    Text(ByteString),
    /// Keys in braces, in order; a key can be there more than once.
    Block(Vec<Node>),
}

/// A whole file: its top-level keys in order.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Document {
    /// The top-level keys.
    pub nodes: Vec<Node>,
}

/// Where and why a file cannot be read.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("line {line}: {kind}")]
pub struct Error {
    /// Counted from 1.
    pub line: usize,
    /// What is wrong.
    pub kind: ErrorKind,
}

/// What is wrong in a file.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum ErrorKind {
    /// A quoted string is not ended.
    #[error("a quoted string has no end")]
    Unterminated,
    /// A conditional is not ended.
    #[error("`[` has no `]`")]
    OpenCondition,
    /// The file ends, or a block does, where a value should be.
    #[error("key `{0}` has no value")]
    NoValue(ByteString),
    /// A `{` where a key should be.
    #[error("`{{` has no key before it")]
    NoKey,
    /// A conditional where a key should be.
    #[error("a conditional has nothing before it")]
    StrayCondition,
    /// The file ends in a block.
    #[error("the block `{0}` has no `}}`")]
    Unclosed(ByteString),
    /// A `}` too many.
    #[error("`}}` has no `{{` before it")]
    Unopened,
    /// Blocks in blocks, deeper than [`DEPTH_LIMIT`].
    #[error("blocks are more than {DEPTH_LIMIT} deep")]
    TooDeep,
    /// More than [`SIZE_LIMIT`] bytes.
    #[error("the file has {0} bytes, more than the {SIZE_LIMIT} that are read")]
    TooLarge(usize),
}

/// The deepest nesting that is read.
pub const DEPTH_LIMIT: usize = 64;
/// The largest file that is read, in bytes.
pub const SIZE_LIMIT: usize = 16 << 20;

impl Document {
    /// The value at the end of a path of keys; of keys that are there twice, the first.
    pub fn get(&self, path: &[&str]) -> Option<&Value> {
        get(&self.nodes, path)
    }

    /// The string at the end of a path of keys, if it is one and UTF-8.
    pub fn text(&self, path: &[&str]) -> Option<&str> {
        self.get(path)?.text()
    }
}

impl Value {
    /// The value at the end of a path of keys below this one.
    pub fn get(&self, path: &[&str]) -> Option<&Value> {
        if path.is_empty() {
            return Some(self);
        }
        get(self.nodes(), path)
    }

    /// The string, if it is one and UTF-8.
    pub fn text(&self) -> Option<&str> {
        match self {
            Value::Text(text) => std::str::from_utf8(text.as_bytes()).ok(),
            Value::Block(_) => None,
        }
    }

    /// The keys of a block; none for a string.
    pub fn nodes(&self) -> &[Node] {
        match self {
            Value::Text(_) => &[],
            Value::Block(nodes) => nodes,
        }
    }
}

fn get<'n>(nodes: &'n [Node], path: &[&str]) -> Option<&'n Value> {
    let (first, rest) = path.split_first()?;
    let node = nodes.iter().find(|n| n.key.as_bytes().eq_ignore_ascii_case(first.as_bytes()))?;
    node.value.get(rest)
}

/// Reads a file.
///
/// # Errors
/// At the first thing that is not understood.
pub fn parse(bytes: &[u8]) -> Result<Document, Error> {
    if bytes.len() > SIZE_LIMIT {
        return Err(Error { line: 1, kind: ErrorKind::TooLarge(bytes.len()) });
    }
    let bytes = bytes.strip_prefix(b"\xef\xbb\xbf").unwrap_or(bytes);
    let mut tokens = Tokens { rest: bytes, line: 1 };
    // Blocks that are open, each with the node it belongs to; the file itself is the first.
    let mut open: Vec<(Node, Vec<Node>)> = Vec::new();
    let mut nodes = Vec::new();
    while let Some((line, token)) = tokens.next()? {
        match token {
            Token::Word(key) => match tokens.value(line, key)? {
                Started::Whole(node) => nodes.push(node),
                Started::Block(node) if open.len() < DEPTH_LIMIT => {
                    open.push((node, std::mem::take(&mut nodes)));
                }
                Started::Block(node) => {
                    return Err(Error { line: node.line, kind: ErrorKind::TooDeep });
                }
            },
            Token::Close => {
                let Some((mut node, outer)) = open.pop() else {
                    return Err(Error { line, kind: ErrorKind::Unopened });
                };
                node.value = Value::Block(std::mem::replace(&mut nodes, outer));
                nodes.push(node);
            }
            Token::Open => return Err(Error { line, kind: ErrorKind::NoKey }),
            Token::Condition(_) => return Err(Error { line, kind: ErrorKind::StrayCondition }),
        }
    }
    match open.pop() {
        Some((node, _)) => Err(Error { line: node.line, kind: ErrorKind::Unclosed(node.key) }),
        None => Ok(Document { nodes }),
    }
}

enum Token {
    Word(ByteString),
    Open,
    Close,
    Condition(ByteString),
}

/// What follows a key.
enum Started {
    /// A string: the node is whole.
    Whole(Node),
    /// A `{`: its keys follow.
    Block(Node),
}

struct Tokens<'a> {
    rest: &'a [u8],
    line: usize,
}

impl<'a> Tokens<'a> {
    /// Reads what belongs to a key: value or `{`, and a conditional before or after that.
    fn value(&mut self, line: usize, key: ByteString) -> Result<Started, Error> {
        let node =
            |condition, text| Node { key: key.clone(), value: Value::Text(text), condition, line };
        let no_value = || Error { line, kind: ErrorKind::NoValue(key.clone()) };
        let (_, mut token) = self.next()?.ok_or_else(no_value)?;
        let mut condition = None;
        if let Token::Condition(c) = token {
            condition = Some(c);
            (_, token) = self.next()?.ok_or_else(no_value)?;
        }
        match token {
            Token::Open => Ok(Started::Block(node(condition, ByteString::default()))),
            Token::Word(text) => {
                if condition.is_none() {
                    condition = self.condition_on_line()?;
                }
                Ok(Started::Whole(node(condition, text)))
            }
            Token::Close | Token::Condition(_) => Err(no_value()),
        }
    }

    /// A conditional, if one is next.
    fn condition_on_line(&mut self) -> Result<Option<ByteString>, Error> {
        self.skip_blank();
        if self.rest.first() != Some(&b'[') {
            return Ok(None);
        }
        match self.next()? {
            Some((_, Token::Condition(c))) => Ok(Some(c)),
            _ => Ok(None),
        }
    }

    /// The next token with the line that it starts on.
    fn next(&mut self) -> Result<Option<(usize, Token)>, Error> {
        self.skip_blank();
        let line = self.line;
        let Some((&first, after)) = self.rest.split_first() else { return Ok(None) };
        let token = match first {
            b'{' => self.advance(after, Token::Open),
            b'}' => self.advance(after, Token::Close),
            b'"' => {
                self.rest = after;
                Token::Word(self.quoted(line)?)
            }
            b'[' => {
                let end = after.iter().position(|b| matches!(b, b']' | b'\n'));
                let end = end.filter(|e| after[*e] == b']');
                let end = end.ok_or(Error { line, kind: ErrorKind::OpenCondition })?;
                self.advance(&after[end + 1..], Token::Condition(ByteString(after[..end].to_vec())))
            }
            _ => {
                let end = self.rest.iter().position(|b| ends_word(*b)).unwrap_or(self.rest.len());
                let (word, after) = self.rest.split_at(end.max(1));
                self.advance(after, Token::Word(ByteString(word.to_vec())))
            }
        };
        Ok(Some((line, token)))
    }

    fn advance(&mut self, rest: &'a [u8], token: Token) -> Token {
        self.rest = rest;
        token
    }

    /// The rest of a quoted string, which can go over several lines. `\n`, `\t`, `\\` and `\"` are
    /// escapes; any other backslash stands for itself, as in paths of Windows.
    fn quoted(&mut self, line: usize) -> Result<ByteString, Error> {
        let mut out = Vec::new();
        loop {
            let (used, byte) = match *self.rest {
                [] => return Err(Error { line, kind: ErrorKind::Unterminated }),
                [b'"', ..] => break,
                [b'\\', b'n', ..] => (2, b'\n'),
                [b'\\', b't', ..] => (2, b'\t'),
                [b'\\', c @ (b'\\' | b'"'), ..] => (2, c),
                [c, ..] => (1, c),
            };
            if used == 1 && byte == b'\n' {
                self.line += 1;
            }
            out.push(byte);
            self.rest = &self.rest[used..];
        }
        self.rest = &self.rest[1..];
        Ok(ByteString(out))
    }

    /// Leaves out white space and comments. A comment starts with `//` where a token could start:
    /// `bin//x` is a word.
    fn skip_blank(&mut self) {
        loop {
            match *self.rest {
                [b'\n', ..] => self.line += 1,
                [c, ..] if is_blank(c) => {}
                [b'/', b'/', ..] => {
                    let end = self.rest.iter().position(|b| *b == b'\n');
                    self.rest = &self.rest[end.unwrap_or(self.rest.len())..];
                    continue;
                }
                _ => return,
            }
            self.rest = &self.rest[1..];
        }
    }
}

/// Control characters and space; a NUL at the end of a file too.
fn is_blank(byte: u8) -> bool {
    byte <= b' '
}

fn ends_word(byte: u8) -> bool {
    is_blank(byte) || matches!(byte, b'{' | b'}' | b'"')
}

#[cfg(test)]
mod tests;

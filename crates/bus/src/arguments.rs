//! Arguments of a call (D-Bus Specification, "Type System", "Marshaling").

use crate::message::{length, pad};
use std::os::fd::BorrowedFd;

/// The arguments of a call, with their types, in order.
#[derive(Debug, Default)]
pub struct Arguments<'a> {
    pub(crate) signature: String,
    pub(crate) body: Vec<u8>,
    pub(crate) descriptors: Vec<BorrowedFd<'a>>,
}

/// A value with its type, in a list of properties.
#[derive(Clone, Copy, Debug)]
pub enum Property<'a> {
    /// `s`.
    Text(&'a str),
    /// `b`.
    Flag(bool),
    /// `au`.
    Numbers(&'a [u32]),
    /// `as`.
    Texts(&'a [String]),
    /// `h`, with the connection of [`Arguments::descriptor`].
    Descriptor(BorrowedFd<'a>),
}

/// How properties are listed; the bytes are the same.
#[derive(Clone, Copy, Debug)]
pub enum List {
    /// `a{sv}`, as portals have options.
    Dictionary,
    /// `a(sv)`, as systemd has properties.
    Structures,
}

impl<'a> Arguments<'a> {
    /// None yet.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// A text.
    #[must_use]
    pub fn text(mut self, text: &str) -> Self {
        self.signature.push('s');
        put_text(&mut self.body, text);
        self
    }

    /// A descriptor, which the receiver gets a copy of. The connection must be one that passes descriptors.
    #[must_use]
    pub fn descriptor(mut self, fd: BorrowedFd<'a>) -> Self {
        self.signature.push('h');
        put_descriptor(&mut self.body, &mut self.descriptors, fd);
        self
    }

    /// A number.
    #[must_use]
    pub fn number(mut self, number: u32) -> Self {
        self.signature.push('u');
        put_number(&mut self.body, number);
        self
    }

    /// A truth value.
    #[must_use]
    pub fn flag(mut self, flag: bool) -> Self {
        self.signature.push('b');
        put_number(&mut self.body, u32::from(flag));
        self
    }

    /// Bytes (`ay`) that end with a NUL, as paths are passed.
    #[must_use]
    pub fn bytes(mut self, bytes: &[u8]) -> Self {
        self.signature.push_str("ay");
        put_bytes(&mut self.body, bytes);
        self
    }

    /// Several of these (`aay`), as a command is passed.
    #[must_use]
    pub fn all_bytes<'b>(mut self, all: impl IntoIterator<Item = &'b [u8]>) -> Self {
        self.signature.push_str("aay");
        put_array(&mut self.body, 4, |body| all.into_iter().for_each(|b| put_bytes(body, b)));
        self
    }

    /// Descriptors, each with the number that it is to have (`a{uh}`).
    #[must_use]
    pub fn numbered_descriptors(mut self, all: &[(u32, BorrowedFd<'a>)]) -> Self {
        self.signature.push_str("a{uh}");
        let descriptors = &mut self.descriptors;
        put_array(&mut self.body, 8, |body| {
            for (number, fd) in all {
                pad(body, 8);
                put_number(body, *number);
                put_descriptor(body, descriptors, *fd);
            }
        });
        self
    }

    /// Texts with names (`a{ss}`).
    #[must_use]
    pub fn named_texts(mut self, all: &[(String, String)]) -> Self {
        self.signature.push_str("a{ss}");
        put_array(&mut self.body, 8, |body| {
            for (name, text) in all {
                pad(body, 8);
                put_text(body, name);
                put_text(body, text);
            }
        });
        self
    }

    /// Named values.
    #[must_use]
    pub fn properties(mut self, list: List, properties: &[(&str, Property<'a>)]) -> Self {
        self.signature.push_str(match list {
            List::Dictionary => "a{sv}",
            List::Structures => "a(sv)",
        });
        let descriptors = &mut self.descriptors;
        put_array(&mut self.body, 8, |body| {
            for (name, value) in properties {
                pad(body, 8);
                put_text(body, name);
                put_variant(body, descriptors, *value);
            }
        });
        self
    }

    /// An array without elements, of structures of the type `element`.
    #[must_use]
    pub fn no_structures(mut self, element: &str) -> Self {
        self.signature.push('a');
        self.signature.push_str(element);
        put_array(&mut self.body, 8, |_| {});
        self
    }
}

fn put_number(body: &mut Vec<u8>, number: u32) {
    pad(body, 4);
    body.extend(number.to_le_bytes());
}

/// A descriptor is its place among those that go with the message.
fn put_descriptor<'a>(body: &mut Vec<u8>, all: &mut Vec<BorrowedFd<'a>>, fd: BorrowedFd<'a>) {
    pad(body, 4);
    body.extend(length(all.len()));
    all.push(fd);
}

fn put_bytes(body: &mut Vec<u8>, bytes: &[u8]) {
    pad(body, 4);
    body.extend(length(bytes.len() + 1));
    body.extend(bytes);
    body.push(0);
}

fn put_text(body: &mut Vec<u8>, text: &str) {
    pad(body, 4);
    body.extend(length(text.len()));
    body.extend(text.as_bytes());
    body.push(0);
}

/// An array: its length in bytes, which is known afterwards, and its elements at their alignment.
fn put_array(body: &mut Vec<u8>, alignment: usize, elements: impl FnOnce(&mut Vec<u8>)) {
    pad(body, 4);
    let at = body.len();
    body.extend([0; 4]);
    pad(body, alignment);
    let start = body.len();
    elements(body);
    let bytes = length(body.len() - start);
    body[at..at + 4].copy_from_slice(&bytes);
}

fn put_variant<'a>(body: &mut Vec<u8>, all: &mut Vec<BorrowedFd<'a>>, value: Property<'a>) {
    let kind: &[u8] = match value {
        Property::Text(_) => b"s",
        Property::Flag(_) => b"b",
        Property::Numbers(_) => b"au",
        Property::Texts(_) => b"as",
        Property::Descriptor(_) => b"h",
    };
    // A signature has one byte for its length; these have two characters at most.
    body.push(if kind.len() == 1 { 1 } else { 2 });
    body.extend(kind);
    body.push(0);
    match value {
        Property::Text(text) => put_text(body, text),
        Property::Flag(flag) => put_number(body, u32::from(flag)),
        Property::Numbers(numbers) => put_array(body, 4, |body| {
            numbers.iter().for_each(|number| put_number(body, *number));
        }),
        Property::Texts(texts) => put_array(body, 4, |body| {
            texts.iter().for_each(|text| put_text(body, text));
        }),
        Property::Descriptor(fd) => put_descriptor(body, all, fd),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn bytes() {
        let list = [("PIDs", Property::Numbers(&[7])), ("x", Property::Flag(true))];
        let arguments = Arguments::new()
            .text("ab")
            .properties(List::Structures, &list)
            .no_structures("(sa(sv))");
        assert_eq!(arguments.signature, "sa(sv)a(sa(sv))");
        let got = &arguments.body;
        assert_eq!(got[..8], *b"\x02\0\0\0ab\0\0", "{got:?}");
        let elements = u32::from_le_bytes([got[8], got[9], got[10], got[11]]) as usize;
        assert_eq!(got[16..25], *b"\x04\0\0\0PIDs\0");
        // The array's end, then an empty array: a length of zero, and the alignment of its elements.
        let end = 16 + elements;
        assert!(got[end..].iter().all(|b| *b == 0), "{got:?}");
        assert_eq!(got[end - 4..end], [1, 0, 0, 0]);
    }
}

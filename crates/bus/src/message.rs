//! Messages on the wire (D-Bus Specification, "Message Protocol" and "Type System").
//!
//! A message is a header of 16 bytes or more, padded to a multiple of 8, and a body. Numbers are
//! aligned to their size from the start of the message, in the byte order that its first byte names.

use crate::{Arguments, Error, Target};

/// Longer messages are not read: what is asked for here is an address.
pub(crate) const LIMIT: usize = 64 * 1024;

/// The fixed part of a header and the length of the array of fields.
pub(crate) const FIXED: usize = 16;

const METHOD_CALL: u8 = 1;
const METHOD_RETURN: u8 = 2;
const ERROR: u8 = 3;
const SIGNAL: u8 = 4;

/// Codes of header fields.
mod field {
    pub(super) const PATH: u8 = 1;
    pub(super) const INTERFACE: u8 = 2;
    pub(super) const MEMBER: u8 = 3;
    pub(super) const ERROR_NAME: u8 = 4;
    pub(super) const REPLY_SERIAL: u8 = 5;
    pub(super) const DESTINATION: u8 = 6;
    pub(super) const SIGNATURE: u8 = 8;
    pub(super) const UNIX_FDS: u8 = 9;
}

/// A call of a method: the whole message, little-endian.
pub(crate) fn call(serial: u32, target: &Target<'_>, arguments: &Arguments<'_>) -> Vec<u8> {
    let mut fields = vec![];
    let texts = [
        (field::PATH, b'o', Some(target.path)),
        (field::INTERFACE, b's', Some(target.interface)),
        (field::MEMBER, b's', Some(target.member)),
        (field::DESTINATION, b's', target.destination),
    ];
    for (code, kind, text) in texts {
        let Some(text) = text else { continue };
        pad(&mut fields, 8);
        fields.extend([code, 1, kind, 0]);
        fields.extend(length(text.len()));
        fields.extend(text.as_bytes());
        fields.push(0);
    }
    if !arguments.signature.is_empty() {
        pad(&mut fields, 8);
        fields.extend([field::SIGNATURE, 1, b'g', 0]);
        fields.push(u8::try_from(arguments.signature.len()).unwrap_or(u8::MAX));
        fields.extend(arguments.signature.as_bytes());
        fields.push(0);
    }
    if !arguments.descriptors.is_empty() {
        pad(&mut fields, 8);
        fields.extend([field::UNIX_FDS, 1, b'u', 0]);
        fields.extend(length(arguments.descriptors.len()));
    }
    let mut out = vec![b'l', METHOD_CALL, 0, 1];
    out.extend(length(arguments.body.len()));
    out.extend(serial.to_le_bytes());
    out.extend(length(fields.len()));
    // The array starts at a multiple of 8, so alignment within it is that of the message.
    out.extend(fields);
    pad(&mut out, 8);
    out.extend(&arguments.body);
    out
}

pub(crate) fn length(n: usize) -> [u8; 4] {
    u32::try_from(n).unwrap_or(u32::MAX).to_le_bytes()
}

pub(crate) fn pad(out: &mut Vec<u8>, alignment: usize) {
    out.resize(out.len().next_multiple_of(alignment), 0);
}

/// What a message is, as far as it matters here.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Incoming {
    /// The answer to the call of this serial number.
    Return { to: u32, values: Vec<Value> },
    /// An error instead of an answer.
    Error { to: u32, name: String, text: String },
    /// A signal.
    Signal(Signal),
    /// A call, which nobody here answers.
    Other,
}

/// A signal.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Signal {
    /// Its name.
    pub member: String,
    /// What it says, up to the first value that is not of a simple type.
    pub values: Vec<Value>,
}

/// A value of an answer or a signal.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Value {
    /// A text or the path of an object.
    Text(String),
    /// A number of 32 bits, or a truth value.
    Number(u32),
}

impl Value {
    /// The text.
    #[must_use]
    pub fn text(&self) -> Option<&str> {
        match self {
            Self::Text(text) => Some(text),
            Self::Number(_) => None,
        }
    }

    /// The number.
    #[must_use]
    pub fn number(&self) -> Option<u32> {
        match self {
            Self::Number(number) => Some(*number),
            Self::Text(_) => None,
        }
    }
}

/// How long the message is whose first [`FIXED`] bytes are given.
pub(crate) fn total_length(fixed: &[u8; FIXED]) -> Result<usize, Error> {
    let order = Order::of(fixed[0])?;
    if fixed[3] != 1 {
        return Err(Error::Malformed("a protocol version that is not 1"));
    }
    let number = |at: usize| {
        let bytes = [fixed[at], fixed[at + 1], fixed[at + 2], fixed[at + 3]];
        usize::try_from(order.number(bytes)).unwrap_or(usize::MAX)
    };
    let (body, fields) = (number(4), number(12));
    if body > LIMIT || fields > LIMIT {
        return Err(Error::Malformed("a message that is too long"));
    }
    Ok((FIXED + fields).next_multiple_of(8) + body)
}

/// Reads one whole message.
pub(crate) fn parse(message: &[u8]) -> Result<Incoming, Error> {
    let (fixed, _) = message.split_first_chunk::<FIXED>().ok_or(SHORT)?;
    if total_length(fixed)? != message.len() {
        return Err(SHORT);
    }
    let order = Order::of(fixed[0])?;
    let mut header = Reader { order, bytes: message, at: 12 };
    let fields_end = FIXED + header.length()?;
    let fields = Fields::read(&mut header, fields_end)?;
    let mut body = Reader { order, bytes: message, at: fields_end.next_multiple_of(8) };
    let mut values = vec![];
    for kind in fields.signature {
        // A variant of a simple type is as good as its value.
        let kind = match kind {
            b'v' => match body.signature()?[..] {
                [kind] => kind,
                _ => break,
            },
            kind => kind,
        };
        values.push(match kind {
            b's' | b'o' => Value::Text(body.text()?),
            b'u' | b'i' | b'b' => Value::Number(body.number()?),
            _ => break,
        });
    }
    Ok(match (message[1], fields.reply_serial) {
        (METHOD_RETURN, Some(to)) => Incoming::Return { to, values },
        (ERROR, Some(to)) => {
            let name = fields.error_name.ok_or(Error::Malformed("an error without a name"))?;
            let text = values.first().and_then(Value::text).unwrap_or_default().to_owned();
            Incoming::Error { to, name, text }
        }
        (SIGNAL, _) => Incoming::Signal(Signal { member: fields.member, values }),
        _ => Incoming::Other,
    })
}

const SHORT: Error = Error::Malformed("a message that ends early");

#[derive(Default)]
struct Fields {
    reply_serial: Option<u32>,
    error_name: Option<String>,
    member: String,
    signature: Vec<u8>,
}

impl Fields {
    fn read(header: &mut Reader<'_>, end: usize) -> Result<Self, Error> {
        let mut out = Self::default();
        while header.at < end {
            header.align(8);
            let code = header.byte()?;
            let signature = header.signature()?;
            match (code, &signature[..]) {
                (field::REPLY_SERIAL, b"u") => out.reply_serial = Some(header.number()?),
                (field::ERROR_NAME, b"s") => out.error_name = Some(header.text()?),
                (field::MEMBER, b"s") => out.member = header.text()?,
                (field::SIGNATURE, b"g") => out.signature = header.signature()?,
                (_, kind) => header.skip(kind)?,
            }
        }
        if header.at > end { Err(SHORT) } else { Ok(out) }
    }
}

#[derive(Clone, Copy)]
enum Order {
    Little,
    Big,
}

impl Order {
    fn of(byte: u8) -> Result<Self, Error> {
        match byte {
            b'l' => Ok(Self::Little),
            b'B' => Ok(Self::Big),
            _ => Err(Error::Malformed("an unknown byte order")),
        }
    }

    fn number(self, bytes: [u8; 4]) -> u32 {
        match self {
            Self::Little => u32::from_le_bytes(bytes),
            Self::Big => u32::from_be_bytes(bytes),
        }
    }
}

struct Reader<'a> {
    order: Order,
    bytes: &'a [u8],
    at: usize,
}

impl Reader<'_> {
    fn align(&mut self, alignment: usize) {
        self.at = self.at.next_multiple_of(alignment);
    }

    fn take(&mut self, n: usize) -> Result<&[u8], Error> {
        let end = self.at.checked_add(n).ok_or(SHORT)?;
        let out = self.bytes.get(self.at..end).ok_or(SHORT)?;
        self.at = end;
        Ok(out)
    }

    fn byte(&mut self) -> Result<u8, Error> {
        self.take(1)?.first().copied().ok_or(SHORT)
    }

    fn number(&mut self) -> Result<u32, Error> {
        self.align(4);
        let order = self.order;
        let bytes = self.take(4)?.try_into().map_err(|_| SHORT)?;
        Ok(order.number(bytes))
    }

    fn length(&mut self) -> Result<usize, Error> {
        usize::try_from(self.number()?).map_err(|_| SHORT)
    }

    fn text(&mut self) -> Result<String, Error> {
        let length = self.length()?;
        let text = self.take(length)?.to_vec();
        self.byte()?;
        String::from_utf8(text).map_err(|_| Error::Malformed("a text that is not UTF-8"))
    }

    fn signature(&mut self) -> Result<Vec<u8>, Error> {
        let length = self.byte()?.into();
        let out = self.take(length)?.to_vec();
        self.byte()?;
        Ok(out)
    }

    /// Skips a value of a basic type; header fields have no others.
    fn skip(&mut self, kind: &[u8]) -> Result<(), Error> {
        match kind {
            b"y" => self.byte().map(drop),
            b"n" | b"q" => {
                self.align(2);
                self.take(2).map(drop)
            }
            b"b" | b"i" | b"u" | b"h" => self.number().map(drop),
            b"x" | b"t" | b"d" => {
                self.align(8);
                self.take(8).map(drop)
            }
            b"s" | b"o" => self.text().map(drop),
            b"g" => self.signature().map(drop),
            _ => Err(Error::Malformed("a header field of an unknown type")),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn reply(kind: u8, order: u8, fields: &[u8], body: &[u8]) -> Vec<u8> {
        let number = |n: usize| {
            let n = u32::try_from(n).unwrap();
            if order == b'l' { n.to_le_bytes() } else { n.to_be_bytes() }
        };
        let mut out = vec![order, kind, 0, 1];
        out.extend(number(body.len()));
        out.extend(number(1));
        out.extend(number(fields.len()));
        out.extend(fields);
        pad(&mut out, 8);
        out.extend(body);
        out
    }

    #[test]
    fn replies() {
        let fields = b"\x05\x01u\0\0\0\0\x07\x08\x01g\0\x01s\0\0\x06\x01s\0\0\0\0\x03:.1\0";
        let body = b"\0\0\0\x02hi\0";
        let message = reply(2, b'B', fields, body);
        let want = Incoming::Return { to: 7, values: vec![Value::Text("hi".into())] };
        assert_eq!(parse(&message).unwrap(), want);

        let fields = b"\x05\x01u\0\x07\0\0\0\x04\x01s\0\x03\0\0\0a.b\0";
        let want = Incoming::Error { to: 7, name: "a.b".into(), text: String::new() };
        assert_eq!(parse(&reply(3, b'l', fields, b"")).unwrap(), want);
        assert_eq!(parse(&reply(1, b'l', b"", b"")).unwrap(), Incoming::Other);

        // `uos`, and what is not of a simple type.
        let fields = b"\x03\x01s\0\x01\0\0\0M\0\0\0\0\0\0\0\x08\x01g\0\x06uosasu\0";
        let body = b"\x05\0\0\0\x01\0\0\0/\0\0\0\x01\0\0\0x\0\0\0\0\0\0\0";
        let text = |text: &str| Value::Text(text.into());
        let values = vec![Value::Number(5), text("/"), text("x")];
        let want = Incoming::Signal(Signal { member: "M".into(), values });
        assert_eq!(parse(&reply(4, b'l', fields, body)).unwrap(), want);
    }

    #[test]
    fn broken_messages_are_errors() {
        let fields = b"\x05\x01u\0\0\0\0\x07\x08\x01g\0\x01s\0\0";
        let good = reply(2, b'B', fields, b"\0\0\0\x02hi\0");
        for end in 0..good.len() {
            assert!(parse(&good[..end]).is_err(), "{end}");
        }
        for at in 0..good.len() {
            for value in [0, 1, 0x7f, 0xff] {
                let mut broken = good.clone();
                broken[at] = value;
                // Whatever comes of it, it is no panic.
                let _ = parse(&broken);
            }
        }
        let long = [b'l', 2, 0, 1, 0xff, 0xff, 0xff, 0xff, 1, 0, 0, 0, 0, 0, 0, 0];
        assert!(total_length(&long).is_err());
    }

    #[test]
    fn calls_are_padded() {
        let target = Target { destination: Some("a.b"), path: "/x", interface: "c.d", member: "M" };
        let bytes = call(1, &target, &Arguments::new());
        assert_eq!(bytes.len() % 8, 0);
        let (fixed, _) = bytes.split_first_chunk().unwrap();
        assert_eq!(total_length(fixed).unwrap(), bytes.len());
    }
}

//! One line: a name and its keywords.

use super::{Entry, ErrorKind, Time};
use plan::{ByteString, RootPath};
use std::borrow::Cow;

/// What one line says.
pub(super) struct Line {
    pub(super) path: RootPath,
    pub(super) entry: Entry,
    pub(super) ignore: bool,
    pub(super) optional: bool,
}

/// Keywords that say nothing about what is put in place.
const UNUSED: &[&str] = &[
    "cksum",
    "device",
    "flags",
    "gid",
    "gname",
    "inode",
    "md5",
    "md5digest",
    "nlink",
    "resdevice",
    "ripemd160digest",
    "rmd160",
    "rmd160digest",
    "sha1",
    "sha1digest",
    "sha384",
    "sha384digest",
    "sha512",
    "sha512digest",
    "uid",
    "uname",
];

#[derive(Clone, Copy, PartialEq, Eq)]
enum Kind {
    Directory,
    Link,
    File,
}

#[derive(Default)]
struct Fields {
    kind: Option<Kind>,
    link: Option<ByteString>,
    content: Option<ByteString>,
    size: Option<u64>,
    mode: Option<u32>,
    time: Option<Time>,
    optional: bool,
    no_change: bool,
    ignore: bool,
    sha256: Option<[u8; 32]>,
}

/// Reads a line that is neither empty nor a comment. Unknown keywords go to `warn`.
pub(super) fn read(line: &[u8], warn: &mut dyn FnMut(String)) -> Result<Line, ErrorKind> {
    if line[0] == b'/' {
        let command = line.split(|b| is_blank(*b)).next().unwrap_or_default();
        return Err(ErrorKind::Command(ByteString(command.to_vec())));
    }
    // An even number is escaped backslashes.
    if line.iter().rev().take_while(|b| **b == b'\\').count() % 2 == 1 {
        return Err(ErrorKind::Continued);
    }
    let mut words = line.split(|b| is_blank(*b)).filter(|w| !w.is_empty());
    let path = below(words.next().unwrap_or_default())?;
    let mut fields = Fields::default();
    for word in words {
        let (keyword, value) = match word.iter().position(|b| *b == b'=') {
            Some(at) => (&word[..at], Some(&word[at + 1..])),
            None => (word, None),
        };
        fields.set(keyword, value, warn)?;
    }
    let (ignore, optional) = (fields.ignore, fields.optional);
    Ok(Line { entry: fields.entry(&path)?, path, ignore, optional })
}

fn is_blank(byte: u8) -> bool {
    matches!(byte, b' ' | b'\t')
}

/// The path that `.` or `./…` names.
fn below(name: &[u8]) -> Result<RootPath, ErrorKind> {
    let plain = unescaped(name)?;
    let relative = match plain.as_ref() {
        b"." => Some(&b""[..]),
        other => other.strip_prefix(b"./"),
    };
    let path = relative.and_then(|r| rooted(r).ok());
    path.ok_or_else(|| ErrorKind::Name(ByteString(plain.into_owned())))
}

/// A relative path as one of the tree that is described.
fn rooted(relative: &[u8]) -> Result<RootPath, plan::PathError> {
    let mut absolute = Vec::with_capacity(relative.len() + 1);
    absolute.push(b'/');
    absolute.extend_from_slice(relative);
    RootPath::new(ByteString(absolute).as_os_str())
}

impl Fields {
    fn set(
        &mut self,
        keyword: &[u8],
        value: Option<&[u8]>,
        warn: &mut dyn FnMut(String),
    ) -> Result<(), ErrorKind> {
        let value = Value(value);
        match keyword {
            b"type" => self.kind = Some(value.kind()?),
            b"link" => self.link = Some(value.text("link")?),
            b"content" => self.content = Some(value.text("content")?),
            b"contents" => self.content = Some(value.text("contents")?),
            b"size" => self.size = Some(value.number("size", 10)?),
            b"mode" => {
                let mode = value.number("mode", 8)?;
                let too_large = |_| value.bad("mode", "an octal mode");
                self.mode = Some(u32::try_from(mode).map_err(too_large)?);
            }
            b"time" => self.time = Some(value.time()?),
            b"optional" => self.optional = true,
            b"nochange" => self.no_change = true,
            b"ignore" => self.ignore = true,
            b"sha256" => self.digest(value.digest("sha256")?)?,
            b"sha256digest" => self.digest(value.digest("sha256digest")?)?,
            other if UNUSED.iter().any(|u| u.as_bytes() == other) => {}
            other => warn(String::from_utf8_lossy(other).into_owned()),
        }
        Ok(())
    }

    fn digest(&mut self, digest: [u8; 32]) -> Result<(), ErrorKind> {
        match self.sha256.replace(digest) {
            Some(earlier) if earlier != digest => Err(ErrorKind::Digests),
            _ => Ok(()),
        }
    }

    fn entry(self, path: &RootPath) -> Result<Entry, ErrorKind> {
        let kind = self.kind.ok_or(ErrorKind::NoType)?;
        if kind != Kind::Link && self.link.is_some() {
            return Err(ErrorKind::StrayTarget);
        }
        match kind {
            Kind::Directory => Ok(Entry::Directory),
            Kind::Link => self.link.map(|target| Entry::Link { target }).ok_or(ErrorKind::NoTarget),
            Kind::File => {
                let content = match self.content {
                    Some(content) => located(content)?,
                    None => path.clone(),
                };
                Ok(Entry::File {
                    content,
                    size: self.size,
                    executable: self.mode.is_some_and(|m| m & 0o111 != 0),
                    mode_said: self.mode.is_some(),
                    modified: self.time,
                    optional: self.optional,
                    no_change: self.no_change,
                    sha256: self.sha256,
                })
            }
        }
    }
}

/// A path in the depot's `files`, with or without `./`.
fn located(content: ByteString) -> Result<RootPath, ErrorKind> {
    let bad = |value| ErrorKind::Value {
        keyword: "content",
        value,
        wanted: "a relative path without `..`",
    };
    if content.as_bytes().is_empty() || content.as_bytes()[0] == b'/' {
        return Err(bad(content));
    }
    rooted(content.as_bytes()).map_err(|_| bad(content))
}

/// What stands after the `=` of a keyword.
#[derive(Clone, Copy)]
struct Value<'a>(Option<&'a [u8]>);

impl Value<'_> {
    fn raw(&self, keyword: &'static str) -> Result<&[u8], ErrorKind> {
        self.0.ok_or(ErrorKind::NoValue(keyword))
    }

    fn bad(&self, keyword: &'static str, wanted: &'static str) -> ErrorKind {
        let value = ByteString(self.0.unwrap_or_default().to_vec());
        ErrorKind::Value { keyword, value, wanted }
    }

    fn text(&self, keyword: &'static str) -> Result<ByteString, ErrorKind> {
        Ok(ByteString(unescaped(self.raw(keyword)?)?.into_owned()))
    }

    fn kind(&self) -> Result<Kind, ErrorKind> {
        match self.raw("type")? {
            b"dir" => Ok(Kind::Directory),
            b"link" => Ok(Kind::Link),
            b"file" => Ok(Kind::File),
            other => Err(ErrorKind::Type(ByteString(other.to_vec()))),
        }
    }

    fn number(&self, keyword: &'static str, radix: u32) -> Result<u64, ErrorKind> {
        let wanted = if radix == 8 { "an octal number" } else { "a number" };
        digits(self.raw(keyword)?, radix).ok_or_else(|| self.bad(keyword, wanted))
    }

    /// `S`, `S.0` or `S.NNNNNNNNN`. Anything between is ambiguous: some writers of mtree print
    /// nanoseconds without leading zeros.
    fn time(&self) -> Result<Time, ErrorKind> {
        let raw = self.raw("time")?;
        let bad = || self.bad("time", "seconds, or seconds with 9 digits of nanoseconds");
        let dot = raw.iter().position(|b| *b == b'.').unwrap_or(raw.len());
        let seconds = digits(&raw[..dot], 10).and_then(|s| i64::try_from(s).ok());
        let nanoseconds = match raw.get(dot + 1..) {
            None if dot == raw.len() => Some(0),
            Some(b"0") => Some(0),
            Some(fraction) if fraction.len() == 9 => digits(fraction, 10),
            _ => None,
        };
        let nanoseconds = nanoseconds.and_then(|n| u32::try_from(n).ok());
        match (seconds, nanoseconds) {
            (Some(seconds), Some(nanoseconds)) => Ok(Time { seconds, nanoseconds }),
            _ => Err(bad()),
        }
    }

    fn digest(&self, keyword: &'static str) -> Result<[u8; 32], ErrorKind> {
        let mut out = [0; 32];
        let right = plan::hex::decode_into(self.raw(keyword)?, &mut out);
        right.then_some(out).ok_or_else(|| self.bad(keyword, "64 hexadecimal digits"))
    }
}

/// A number of digits only: no sign, no prefix, no space.
fn digits(raw: &[u8], radix: u32) -> Option<u64> {
    if raw.is_empty() {
        return None;
    }
    raw.iter().try_fold(0u64, |sum, b| {
        let digit = char::from(*b).to_digit(radix)?;
        sum.checked_mul(radix.into())?.checked_add(digit.into())
    })
}

/// Undoes the escapes of a name or value; without any, nothing is copied.
fn unescaped(raw: &[u8]) -> Result<Cow<'_, [u8]>, ErrorKind> {
    if !raw.contains(&b'\\') {
        return Ok(Cow::Borrowed(raw));
    }
    let mut out = Vec::with_capacity(raw.len());
    let mut rest = raw;
    while let [first, after @ ..] = rest {
        if *first != b'\\' {
            out.push(*first);
            rest = after;
            continue;
        }
        let (byte, used) = match after {
            [a @ b'0'..=b'3', b @ b'0'..=b'7', c @ b'0'..=b'7', ..] => {
                ((a - b'0') << 6 | (b - b'0') << 3 | (c - b'0'), 3)
            }
            [b'b', ..] => (0x08, 1),
            [b'f', ..] => (0x0c, 1),
            [b'n', ..] => (b'\n', 1),
            [b'r', ..] => (b'\r', 1),
            [b't', ..] => (b'\t', 1),
            [b'v', ..] => (0x0b, 1),
            [c @ (b'"' | b'\\'), ..] => (*c, 1),
            _ => return Err(ErrorKind::Escape(ByteString(raw.to_vec()))),
        };
        out.push(byte);
        rest = &after[used..];
    }
    Ok(Cow::Owned(out))
}

//! Reading tar archives: the headers of POSIX.1-1988 (ustar) with the extensions of POSIX.1-2001 (pax) and
//! of GNU tar for long names. `tar(5)` of libarchive has the formats.

use std::io::Read;

/// Size of a block, and of a header.
const BLOCK: usize = 512;

/// Longest extended header that is read, in bytes.
const EXTENDED: u64 = 1 << 20;

/// Why an archive cannot be read.
#[derive(Debug, thiserror::Error)]
pub(super) enum Broken {
    /// It ends before its end mark.
    #[error("it is cut off")]
    Truncated,
    /// A header's checksum is wrong: damaged, or no archive at all.
    #[error("it is damaged, or no tar archive (a header's checksum is wrong)")]
    Checksum,
    /// A number of a header cannot be read.
    #[error("a header has a number that cannot be read")]
    Number,
    /// An extended header is malformed or too long.
    #[error("an extended header cannot be read")]
    Extended,
    /// What it is read from failed: the disk, or the decompression.
    #[error("{0}")]
    Read(#[from] std::io::Error),
}

/// What an entry is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Kind {
    File,
    Directory,
    Symlink,
    HardLink,
    /// A device, a FIFO, or something unknown, by its letter.
    Other(u8),
}

/// One entry; a file's content follows in the archive.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Header {
    pub(super) path: Vec<u8>,
    pub(super) link: Vec<u8>,
    pub(super) kind: Kind,
    pub(super) mode: u32,
    pub(super) size: u64,
    /// Seconds since 1970.
    pub(super) modified: i64,
}

/// An archive that is read from its beginning to its end.
pub(super) struct Archive<'r> {
    reader: &'r mut dyn Read,
    /// Bytes of the last entry that have not been read, with the padding after it.
    rest: u64,
    padding: u64,
}

/// What extended headers say of the next entry.
#[derive(Default)]
struct Extension {
    path: Option<Vec<u8>>,
    link: Option<Vec<u8>>,
    size: Option<u64>,
    modified: Option<i64>,
}

impl<'r> Archive<'r> {
    pub(super) fn new(reader: &'r mut dyn Read) -> Self {
        Self { reader, rest: 0, padding: 0 }
    }

    /// The next entry; `None` at the end mark.
    pub(super) fn next(&mut self) -> Result<Option<Header>, Broken> {
        let mut extension = Extension::default();
        loop {
            self.skip()?;
            let mut block = [0; BLOCK];
            fill(self.reader, &mut block)?;
            if block == [0; BLOCK] {
                // Read to the end, so that a program that writes into a pipe comes to its own.
                std::io::copy(self.reader, &mut std::io::sink())?;
                return Ok(None);
            }
            let mut header = parse(&block)?;
            let kind = block[156];
            if let b'x' | b'g' | b'L' | b'K' = kind {
                self.expect(header.size);
                let text = self.extended()?;
                match kind {
                    b'x' => pax(&text, &mut extension)?,
                    b'L' => extension.path = Some(until_nul(&text).to_vec()),
                    b'K' => extension.link = Some(until_nul(&text).to_vec()),
                    // Of no entry in particular.
                    _ => {}
                }
                continue;
            }
            header.path = extension.path.unwrap_or(header.path);
            header.link = extension.link.unwrap_or(header.link);
            header.size = extension.size.unwrap_or(header.size);
            header.modified = extension.modified.unwrap_or(header.modified);
            if header.kind == Kind::File && header.path.ends_with(b"/") {
                // As the oldest archives have directories.
                header.kind = Kind::Directory;
            }
            if header.kind != Kind::File {
                header.size = 0;
            }
            self.expect(header.size);
            return Ok(Some(header));
        }
    }

    fn expect(&mut self, size: u64) {
        self.rest = size;
        self.padding = (BLOCK as u64 - size % BLOCK as u64) % BLOCK as u64;
    }

    /// Some of the current entry's content; nothing at its end.
    pub(super) fn content(&mut self, buffer: &mut [u8]) -> Result<usize, Broken> {
        let most = usize::try_from(self.rest).unwrap_or(usize::MAX).min(buffer.len());
        if most == 0 {
            return Ok(0);
        }
        loop {
            match self.reader.read(&mut buffer[..most]) {
                Ok(0) => return Err(Broken::Truncated),
                Ok(n) => {
                    self.rest -= n as u64;
                    return Ok(n);
                }
                Err(e) if e.kind() == std::io::ErrorKind::Interrupted => {}
                Err(e) => return Err(e.into()),
            }
        }
    }

    fn extended(&mut self) -> Result<Vec<u8>, Broken> {
        if self.rest > EXTENDED {
            return Err(Broken::Extended);
        }
        let mut text = vec![0; usize::try_from(self.rest).unwrap_or(0)];
        fill(self.reader, &mut text)?;
        self.rest = 0;
        Ok(text)
    }

    fn skip(&mut self) -> Result<(), Broken> {
        let count = self.rest.saturating_add(self.padding);
        (self.rest, self.padding) = (0, 0);
        let skipped = std::io::copy(&mut (&mut *self.reader).take(count), &mut std::io::sink())?;
        if skipped == count { Ok(()) } else { Err(Broken::Truncated) }
    }
}

fn fill(reader: &mut dyn Read, buffer: &mut [u8]) -> Result<(), Broken> {
    reader.read_exact(buffer).map_err(|e| match e.kind() {
        std::io::ErrorKind::UnexpectedEof => Broken::Truncated,
        _ => Broken::Read(e),
    })
}

fn parse(block: &[u8; BLOCK]) -> Result<Header, Broken> {
    // The sum is of the header with spaces in place of the sum; old programs summed signed bytes.
    let stated = number(&block[148..156]).map_err(|_| Broken::Checksum)?;
    let bytes =
        || block.iter().enumerate().map(|(i, b)| if (148..156).contains(&i) { b' ' } else { *b });
    let unsigned: u64 = bytes().map(u64::from).sum();
    let signed: i64 = bytes().map(|b| i64::from(b.cast_signed())).sum();
    if stated != unsigned && i64::try_from(stated) != Ok(signed) {
        return Err(Broken::Checksum);
    }
    let mut path = until_nul(&block[..100]).to_vec();
    let prefix = until_nul(&block[345..500]);
    // GNU tar has other things there.
    if &block[257..263] == b"ustar\0" && !prefix.is_empty() {
        path = [prefix, b"/", &path].concat();
    }
    let kind = match block[156] {
        b'0' | 0 | b'7' => Kind::File,
        b'1' => Kind::HardLink,
        b'2' => Kind::Symlink,
        b'5' => Kind::Directory,
        other => Kind::Other(other),
    };
    Ok(Header {
        path,
        link: until_nul(&block[157..257]).to_vec(),
        kind,
        mode: u32::try_from(number(&block[100..108])?).map_err(|_| Broken::Number)?,
        size: number(&block[124..136])?,
        modified: i64::try_from(number(&block[136..148]).unwrap_or(0)).unwrap_or(0),
    })
}

/// Octal digits between spaces and NULs, or, with the highest bit set, a binary number.
fn number(field: &[u8]) -> Result<u64, Broken> {
    let more = |n: u64, times, b| n.checked_mul(times).map(|n| n + u64::from(b));
    let number = match field {
        [0x80, binary @ ..] => binary.iter().try_fold(0, |n, b| more(n, 256, *b)),
        // Others with that bit are negative, or longer than 64 bits.
        _ => until_nul(field).trim_ascii().iter().try_fold(0, |n, b| match b {
            b'0'..=b'7' => more(n, 8, b - b'0'),
            _ => None,
        }),
    };
    number.ok_or(Broken::Number)
}

/// Records `LENGTH KEYWORD=VALUE\n`, in which LENGTH counts the whole record.
fn pax(mut text: &[u8], extension: &mut Extension) -> Result<(), Broken> {
    let decimal = |digits: &[u8]| std::str::from_utf8(digits).ok()?.parse::<u64>().ok();
    while !text.is_empty() {
        let space = text.iter().position(|b| *b == b' ').ok_or(Broken::Extended)?;
        let length = decimal(&text[..space]).and_then(|n| usize::try_from(n).ok());
        let length =
            length.filter(|n| *n > space + 1 && *n <= text.len()).ok_or(Broken::Extended)?;
        let (record, after) = text.split_at(length);
        text = after;
        let record = record[space + 1..].strip_suffix(b"\n").ok_or(Broken::Extended)?;
        let equals = record.iter().position(|b| *b == b'=').ok_or(Broken::Extended)?;
        let (keyword, value) = (&record[..equals], &record[equals + 1..]);
        match keyword {
            b"path" => extension.path = Some(value.to_vec()),
            b"linkpath" => extension.link = Some(value.to_vec()),
            b"size" => extension.size = Some(decimal(value).ok_or(Broken::Number)?),
            b"mtime" => {
                let seconds = value.split(|b| *b == b'.').next().and_then(decimal);
                extension.modified = seconds.and_then(|s| i64::try_from(s).ok());
            }
            _ => {}
        }
    }
    Ok(())
}

fn until_nul(field: &[u8]) -> &[u8] {
    field.split(|b| *b == 0).next().unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers() {
        for (field, want) in [
            (&b"0000644\0"[..], Some(0o644)),
            (b"   644 \0", Some(0o644)),
            (b"\0\0\0\0\0\0\0\0", Some(0)),
            (b"00006x4\0", None),
            (b"\x80\0\0\0\0\0\0\0\x01\0\0\0", Some(1 << 24)),
            (b"\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff", None),
            (b"\x80\0\0\x01\0\0\0\0\0\0\0\0", None),
            // Where it has eight bytes, as the mode.
            (b"\x80\0\0\0\0\0\x01\xa4", Some(0o644)),
            (b"\x81\0\0\0\0\0\x01\xa4", None),
        ] {
            assert_eq!(number(field).ok(), want, "{}", field.escape_ascii());
        }
    }

    #[test]
    fn pax_records() {
        let read = |text: &[u8]| {
            let mut extension = Extension::default();
            pax(text, &mut extension).ok()?;
            Some((extension.path, extension.size, extension.modified))
        };
        let path = |text: &str| Some(text.as_bytes().to_vec());
        for (text, want) in [
            (&b"10 path=a\n"[..], Some((path("a"), None, None))),
            (b"10 path=a\n11 size=12\n", Some((path("a"), Some(12), None))),
            (b"20 mtime=1600000.123\n", None),
            (b"21 mtime=1600000.123\n", Some((None, None, Some(1_600_000)))),
            (b"8 path=a\n", None),
            (b"99 path=a\n", None),
            (b"path=a\n", None),
            (b"2 ", None),
            (b"18446744073709551616 x=\n", None),
        ] {
            assert_eq!(read(text), want, "{}", text.escape_ascii());
        }
    }

    #[test]
    fn garbage_is_an_error() {
        for bytes in [&b""[..], &[0; 100], &[1; 512], &[b'a'; 4096]] {
            let mut reader = bytes;
            assert!(Archive::new(&mut reader).next().is_err());
        }
    }
}

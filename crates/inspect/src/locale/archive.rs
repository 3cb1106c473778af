//! `locale-archive`: many compiled locales in one file.
//!
//! Mirrors glibc's locale/locarchive.h and locale/loadarchive.c. Only the tables are read; the archive
//! of a distribution with all languages has 200 MB. All counts and offsets are checked.

use super::compiled::{CATEGORIES, Shape, head};
use std::collections::BTreeMap;
use std::fs::File;
use std::os::unix::fs::FileExt;

/// `AR_MAGIC`.
const MAGIC: u32 = 0xde02_0109;

/// Words of `struct locarhead`.
const HEADER_WORDS: usize = 14;

/// Bytes of `struct namehashent`: hash, name, record.
const NAME_BYTES: usize = 12;

/// The largest table that is read, in bytes. Real ones are below 200 KB.
const TABLE_LIMIT: usize = 8 << 20;

/// The longest name of a locale that is read.
const NAME_LIMIT: usize = 256;

/// The tables of an archive.
#[derive(Debug)]
pub struct Archive {
    /// Name → offset of its record.
    records: BTreeMap<String, u32>,
}

/// Why an archive cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// It begins otherwise.
    #[error("not an archive of locales")]
    Magic,
    /// A part of it is not what it should be.
    #[error("the archive is damaged: {0}")]
    Malformed(&'static str),
    /// It cannot be read.
    #[error(transparent)]
    Io(#[from] std::io::Error),
}

impl Archive {
    /// Reads the tables.
    ///
    /// # Errors
    /// When it is no archive, is damaged, or cannot be read.
    pub fn read(file: &File) -> Result<Self, Error> {
        let header = words(&bytes(file, 0, HEADER_WORDS * 4)?);
        let [magic, _, name_offset, _, name_size, string_offset, string_used, ..] = header[..]
        else {
            return Err(Error::Malformed("header"));
        };
        if magic != MAGIC {
            return Err(Error::Magic);
        }
        let table = usize::try_from(name_size).ok().and_then(|n| n.checked_mul(NAME_BYTES));
        let table = table.filter(|n| *n <= TABLE_LIMIT).ok_or(Error::Malformed("names"))?;
        let names = words(&bytes(file, name_offset, table)?);
        let length = usize::try_from(string_used).ok().filter(|n| *n <= TABLE_LIMIT);
        let length = length.ok_or(Error::Malformed("strings"))?;
        let strings = bytes(file, string_offset, length)?;
        let mut records = BTreeMap::new();
        for entry in names.as_chunks::<3>().0 {
            let [_, name, record] = *entry;
            // A slot that is empty, or whose locale was removed.
            if name == 0 || record == 0 {
                continue;
            }
            let start = name.checked_sub(string_offset).and_then(|s| usize::try_from(s).ok());
            let text = start.and_then(|s| strings.get(s..)).ok_or(Error::Malformed("name"))?;
            let end = text.iter().take(NAME_LIMIT).position(|b| *b == 0);
            let text = end.map(|e| &text[..e]).ok_or(Error::Malformed("name"))?;
            if let Ok(text) = std::str::from_utf8(text) {
                records.insert(text.to_owned(), record);
            }
        }
        Ok(Self { records })
    }

    /// Whether there is a locale of this name, with its character set as [`super::name::normalised`]
    /// makes it.
    pub fn has(&self, name: &str) -> bool {
        self.records.contains_key(name)
    }

    /// Any locale of it.
    pub fn any(&self) -> Option<&str> {
        self.records.keys().next().map(String::as_str)
    }

    /// The shape of a locale's data.
    pub fn shape(&self, file: &File, name: &str) -> Option<Shape> {
        let record = *self.records.get(name)?;
        // `struct locrecent`: a count, then offset and length of each category.
        let record = words(&bytes(file, record, 4 + 13 * 8).ok()?);
        let categories = CATEGORIES.iter().map(|(number, _)| {
            let offset = *record.get(1 + 2 * number)?;
            head(&bytes(file, offset, 8).ok()?)
        });
        Some(Shape(categories.collect::<Option<_>>()?))
    }
}

fn bytes(file: &File, offset: u32, length: usize) -> std::io::Result<Vec<u8>> {
    let mut out = vec![0; length];
    file.read_exact_at(&mut out, u64::from(offset))?;
    Ok(out)
}

/// Archives are made on the machine that reads them; every architecture here is little-endian.
fn words(bytes: &[u8]) -> Vec<u32> {
    bytes.as_chunks::<4>().0.iter().map(|w| u32::from_le_bytes(*w)).collect()
}

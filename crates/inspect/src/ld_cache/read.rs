//! Reads a cache.

use super::{
    ENTRY_NEW, EXTENSION_MAGIC, Entry, Error, HEADER_NEW, HWCAP_EXTENSION, HWCAP_ISA_LEVEL,
    MAGIC_NEW, MAGIC_OLD, SECTION_HWCAPS,
};
use plan::ByteString;

/// Sizes of header and entry of the old format, in bytes.
const HEADER_OLD: usize = 16;
const ENTRY_OLD: usize = 12;
/// The longest name or path, in bytes (`PATH_MAX` of Linux); an entry with a longer one is left out.
const MAX_STRING: usize = 4096;
/// The most bytes of names and paths.
const MAX_STRINGS: usize = 64 << 20;
/// The most sections of the extension, and the most subdirectories that it lists.
const MAX_SECTIONS: usize = 64;
const MAX_SUBDIRECTORIES: usize = 4096;

/// Reads a cache in the new format, in the old one, or in the old one with the new one in it. The
/// entries stay in their order, in which the first that fits counts. Entries that point beyond the
/// end are left out, as the dynamic linker does not use them either.
///
/// # Errors
/// When it is in none of these formats, of another byte order, or truncated.
pub fn parse(bytes: &[u8]) -> Result<Vec<Entry>, Error> {
    if bytes.starts_with(MAGIC_NEW) {
        return parse_new(bytes, bytes);
    }
    if !bytes.starts_with(MAGIC_OLD) {
        return Err(Error::NotACache);
    }
    let table = old_table(bytes)?;
    let end = HEADER_OLD + table.len();
    // The new one starts at a multiple of the alignment of its widest field: 8 bytes, or 4 on i386.
    for align in [8, 4] {
        let start = end.next_multiple_of(align);
        if let Some(inner) = bytes.get(start..).filter(|b| b.starts_with(MAGIC_NEW)) {
            return parse_new(inner, bytes);
        }
    }
    parse_old(table, &bytes[end..])
}

fn u32_at(bytes: &[u8], at: usize) -> Option<u32> {
    let field = bytes.get(at..)?.first_chunk::<4>()?;
    Some(u32::from_le_bytes(*field))
}

fn usize_at(bytes: &[u8], at: usize) -> Option<usize> {
    usize::try_from(u32_at(bytes, at)?).ok()
}

/// `count` entries of `size` bytes at `at`.
fn table(bytes: &[u8], at: usize, count: usize, size: usize) -> Result<&[u8], Error> {
    let length = count.checked_mul(size).ok_or(Error::Truncated)?;
    bytes.get(at..).and_then(|rest| rest.get(..length)).ok_or(Error::Truncated)
}

fn old_table(bytes: &[u8]) -> Result<&[u8], Error> {
    let count = usize_at(bytes, 12).ok_or(Error::Truncated)?;
    table(bytes, HEADER_OLD, count, ENTRY_OLD)
}

/// Collects entries, with a bound on what their strings take.
struct Collector<'a> {
    strings: &'a [u8],
    left: usize,
    entries: Vec<Entry>,
}

impl<'a> Collector<'a> {
    fn new(strings: &'a [u8]) -> Self {
        Self { strings, left: MAX_STRINGS, entries: Vec::new() }
    }

    fn string(&self, at: usize) -> Option<&'a [u8]> {
        let rest = self.strings.get(at..)?;
        let rest = &rest[..rest.len().min(MAX_STRING)];
        rest.iter().position(|b| *b == 0).map(|end| &rest[..end])
    }

    fn add(&mut self, raw: &[u8], hwcap: u64, subdirectory: Option<String>) -> Result<(), Error> {
        let name = usize_at(raw, 4).and_then(|at| self.string(at));
        let path = usize_at(raw, 8).and_then(|at| self.string(at));
        let (Some(name), Some(path)) = (name, path) else { return Ok(()) };
        let taken = name.len() + path.len() + size_of::<Entry>();
        let error = Error::TooLarge { limit: MAX_STRINGS };
        self.left = self.left.checked_sub(taken).ok_or(error)?;
        let flags = u32_at(raw, 0).unwrap_or(0).cast_signed();
        let os_version = if raw.len() == ENTRY_NEW { u32_at(raw, 12).unwrap_or(0) } else { 0 };
        self.entries.push(Entry {
            name: ByteString(name.to_vec()),
            path: ByteString(path.to_vec()),
            flags,
            hwcap,
            os_version,
            hwcaps_subdir: subdirectory,
        });
        Ok(())
    }
}

fn parse_old(table: &[u8], strings: &[u8]) -> Result<Vec<Entry>, Error> {
    let mut collector = Collector::new(strings);
    for raw in table.chunks_exact(ENTRY_OLD) {
        collector.add(raw, 0, None)?;
    }
    Ok(collector.entries)
}

/// `whole` is the file, to which the offset of the extension relates.
fn parse_new(bytes: &[u8], whole: &[u8]) -> Result<Vec<Entry>, Error> {
    let count = usize_at(bytes, 20).ok_or(Error::Truncated)?;
    let flags = *bytes.get(28).ok_or(Error::Truncated)?;
    // Byte order since glibc 2.33: 0 not said, 1 invalid, 2 little, 3 big.
    match flags & 3 {
        0 | 2 => {}
        3 => return Err(Error::ByteOrder),
        _ => return Err(Error::NotACache),
    }
    let table = table(bytes, HEADER_NEW, count, ENTRY_NEW)?;
    let extension = usize_at(bytes, 32).unwrap_or(0);
    let mut collector = Collector::new(bytes);
    let subdirectories = subdirectories(whole, extension, &collector);
    for raw in table.chunks_exact(ENTRY_NEW) {
        let low = u32_at(raw, 16).unwrap_or(0);
        let hwcap = u64::from(u32_at(raw, 20).unwrap_or(0)) << 32 | u64::from(low);
        if hwcap & !HWCAP_ISA_LEVEL & !u64::from(u32::MAX) != HWCAP_EXTENSION {
            collector.add(raw, hwcap, None)?;
            continue;
        }
        // An entry with a number that is not listed can be used by nobody.
        let number = usize::try_from(low).ok();
        if let Some(name) = number.and_then(|n| subdirectories.get(n)) {
            collector.add(raw, hwcap & HWCAP_ISA_LEVEL, Some(name.clone()))?;
        }
    }
    Ok(collector.entries)
}

/// The subdirectories that the extension lists; none where it is missing or damaged.
fn subdirectories(whole: &[u8], extension: usize, collector: &Collector<'_>) -> Vec<String> {
    let extension = match whole.get(extension..) {
        Some(rest) if extension != 0 && u32_at(rest, 0) == Some(EXTENSION_MAGIC) => rest,
        _ => return Vec::new(),
    };
    let count = usize_at(extension, 4).unwrap_or(0).min(MAX_SECTIONS);
    let sections = extension.get(8..).unwrap_or_default().chunks_exact(16).take(count);
    for section in sections {
        if u32_at(section, 0) != Some(SECTION_HWCAPS) {
            continue;
        }
        let (Some(start), Some(size)) = (usize_at(section, 8), usize_at(section, 12)) else {
            continue;
        };
        let list = whole.get(start..).and_then(|rest| rest.get(..size)).unwrap_or_default();
        let names = list.chunks_exact(4).take(MAX_SUBDIRECTORIES).map(|raw| {
            let name = usize_at(raw, 0).and_then(|at| collector.string(at));
            String::from_utf8_lossy(name.unwrap_or_default()).into_owned()
        });
        return names.collect();
    }
    Vec::new()
}

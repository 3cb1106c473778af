//! Writes a cache.

use super::{
    ENTRY_NEW, EXTENSION_MAGIC, Entry, HEADER_NEW, HWCAP_EXTENSION, HWCAP_ISA_LEVEL, MAGIC_NEW,
    SECTION_GENERATOR, SECTION_HWCAPS, order,
};
use std::collections::{BTreeSet, HashMap};

/// The byte order that the header tells: little, as all architectures known here have.
const LITTLE_ENDIAN: u8 = 2;
const GENERATOR: &[u8] = b"bathysphere";

/// Writes a cache in the new format, in the order in which the dynamic linker expects it. Of equal
/// entries, the earlier one counts. An entry whose name or path has a NUL byte is left out, and
/// those beyond what 32-bit offsets can address.
///
/// Every `ld.so` since glibc 2.2 reads it. Those before 2.33 ignore the extension, and entries with a
/// `hwcaps_subdir` because of a capability that they do not know.
pub fn write(entries: &[Entry]) -> Vec<u8> {
    let usable = |e: &&Entry| !e.name.as_bytes().contains(&0) && !e.path.as_bytes().contains(&0);
    let mut sorted: Vec<&Entry> = entries.iter().filter(usable).collect();
    sorted.sort_by(|a, b| order::compare(a, b));
    let subdirectories: BTreeSet<&str> =
        sorted.iter().filter_map(|e| e.hwcaps_subdir.as_deref()).collect();

    let mut strings = Strings::after(HEADER_NEW + sorted.len() * ENTRY_NEW);
    let numbers: HashMap<&str, u32> = subdirectories.iter().copied().zip(0..).collect();
    let mut table = Vec::with_capacity(sorted.len() * ENTRY_NEW);
    let mut count: u32 = 0;
    for entry in sorted {
        let name = strings.add(entry.name.as_bytes());
        let path = strings.add(entry.path.as_bytes());
        let (Some(name), Some(path)) = (name, path) else { break };
        let number = entry.hwcaps_subdir.as_deref().and_then(|s| numbers.get(s));
        let hwcap = number.map_or(entry.hwcap, |number| {
            HWCAP_EXTENSION | entry.hwcap & HWCAP_ISA_LEVEL | u64::from(*number)
        });
        table.extend(entry.flags.to_le_bytes());
        for field in [name, path, entry.os_version] {
            table.extend(field.to_le_bytes());
        }
        table.extend(hwcap.to_le_bytes());
        count += 1;
    }
    let listed: Vec<u32> =
        subdirectories.iter().filter_map(|s| strings.add(s.as_bytes())).collect();
    assemble(count, table, strings, &listed)
}

/// The string table; each string is in it once.
struct Strings {
    start: usize,
    bytes: Vec<u8>,
    known: HashMap<Vec<u8>, u32>,
}

impl Strings {
    fn after(start: usize) -> Self {
        Self { start, bytes: Vec::new(), known: HashMap::new() }
    }

    /// The offset of `text` in the file; `None` where 32 bits do not suffice.
    fn add(&mut self, text: &[u8]) -> Option<u32> {
        if let Some(at) = self.known.get(text) {
            return Some(*at);
        }
        let at = u32::try_from(self.start + self.bytes.len()).ok()?;
        self.bytes.extend_from_slice(text);
        self.bytes.push(0);
        self.known.insert(text.to_vec(), at);
        Some(at)
    }
}

/// A length or offset of the file; what exceeds 32 bits was left out before.
fn field(value: usize) -> [u8; 4] {
    u32::try_from(value).unwrap_or(u32::MAX).to_le_bytes()
}

fn assemble(count: u32, table: Vec<u8>, mut strings: Strings, listed: &[u32]) -> Vec<u8> {
    // Where entries were left out, the strings keep their offsets.
    let gap = strings.start - HEADER_NEW - table.len();
    let generator = strings.start + strings.bytes.len();
    strings.bytes.extend_from_slice(GENERATOR);
    let end = strings.start + strings.bytes.len();
    let extension = end.next_multiple_of(4);
    let sections = 1 + usize::from(!listed.is_empty());

    let mut out = Vec::with_capacity(extension + 64 + listed.len() * 4);
    out.extend_from_slice(MAGIC_NEW);
    out.extend(count.to_le_bytes());
    out.extend(field(strings.bytes.len() + gap));
    out.extend([LITTLE_ENDIAN, 0, 0, 0]);
    out.extend(field(extension));
    out.extend([0; 12]);
    out.extend(table);
    out.resize(out.len() + gap, 0);
    out.extend(strings.bytes);
    out.resize(extension, 0);
    out.extend(EXTENSION_MAGIC.to_le_bytes());
    out.extend(field(sections));
    let list = extension + 8 + sections * 16;
    section(&mut out, SECTION_GENERATOR, generator, GENERATOR.len());
    if !listed.is_empty() {
        section(&mut out, SECTION_HWCAPS, list, listed.len() * 4);
    }
    out.extend(listed.iter().flat_map(|at| at.to_le_bytes()));
    out
}

fn section(out: &mut Vec<u8>, tag: u32, offset: usize, size: usize) {
    out.extend(tag.to_le_bytes());
    out.extend([0; 4]);
    out.extend(field(offset));
    out.extend(field(size));
}

//! Bytes, strings, sections and segments, from which a file is put together.

// Numbers from elf.h.
pub(super) const PT_LOAD: u32 = 1;
pub(super) const PT_DYNAMIC: u32 = 2;
pub(super) const PT_INTERP: u32 = 3;
pub(super) const PT_NOTE: u32 = 4;

/// A section: its name, type, content, and what its header says besides.
pub(super) struct Section {
    pub(super) name: &'static str,
    pub(super) kind: u32,
    pub(super) content: Vec<u8>,
    pub(super) link: &'static str,
    pub(super) info: u32,
    pub(super) entry: usize,
}

/// Bytes of a class: words are 8 or 4 bytes wide.
pub(super) struct Bytes {
    pub(super) wide: bool,
    pub(super) bytes: Vec<u8>,
}

impl Bytes {
    pub(super) fn new(wide: bool) -> Self {
        Self { wide, bytes: vec![] }
    }

    pub(super) fn u16(&mut self, values: &[u16]) {
        values.iter().for_each(|v| self.bytes.extend(v.to_le_bytes()));
    }

    pub(super) fn u32(&mut self, values: &[u32]) {
        values.iter().for_each(|v| self.bytes.extend(v.to_le_bytes()));
    }

    pub(super) fn word(&mut self, values: &[u64]) {
        for value in values {
            if self.wide {
                self.bytes.extend(value.to_le_bytes());
            } else {
                self.bytes.extend((*value as u32).to_le_bytes());
            }
        }
    }
}

/// A string table that remembers where each string is.
pub(super) struct Names(pub(super) Vec<u8>);

impl Names {
    pub(super) fn offset(&mut self, name: &str) -> u32 {
        let offset = self.0.len() as u32;
        self.0.extend(name.as_bytes());
        self.0.push(0);
        offset
    }
}

/// The hash of symbol and version names (System V ABI).
pub(super) fn hash(name: &str) -> u32 {
    name.bytes().fold(0u32, |h, byte| {
        let h = (h << 4).wrapping_add(byte.into());
        let high = h & 0xf000_0000;
        (h ^ (high >> 24)) & !high
    })
}

pub(super) fn section(
    name: &'static str,
    kind: u32,
    content: Vec<u8>,
    link: &'static str,
    info: u32,
    entry: usize,
) -> Section {
    Section { name, kind, content, link, info, entry }
}

/// Whether it has a segment of its own, beside the dynamic section.
pub(super) fn is_segment(section: &Section) -> bool {
    section.name == ".interp" || section.kind == 7
}

/// Notes are read in steps of their alignment.
pub(super) fn alignment(section: &Section) -> u64 {
    if section.kind == 7 { 4 } else { 8 }
}

pub(super) fn segment_kind(section: &Section) -> u32 {
    match section.name {
        ".interp" => PT_INTERP,
        ".dynamic" => PT_DYNAMIC,
        _ => PT_NOTE,
    }
}

pub(super) fn segment(
    out: &mut Bytes,
    kind: u32,
    offset: usize,
    length: usize,
    flags: u32,
    alignment: u64,
) {
    let (offset, length) = (offset as u64, length as u64);
    out.u32(&[kind]);
    if out.wide {
        out.u32(&[flags]);
        out.word(&[offset, offset, offset, length, length, alignment]);
    } else {
        out.word(&[offset, offset, offset, length, length]);
        out.u32(&[flags, alignment as u32]);
    }
}

//! Headers, segments and the dynamic section.

use super::source::Source;
use super::{Error, Kind};
use object::elf;
use object::endian::Endianness;
use object::pod::{self, Pod};
use object::read::elf::{Dyn, FileHeader, ProgramHeader};
use plan::Tuple;

/// The most program headers that are read.
const MAX_SEGMENTS: u16 = 512;
/// The most entries of the dynamic section that are read.
const MAX_DYNAMIC: u64 = 4096;
/// The longest name that is read, in bytes (`PATH_MAX` of Linux).
const MAX_STRING: u64 = 4096;
/// The most bytes of notes that are read.
const MAX_NOTES: u64 = 64 << 10;

/// An ELF file of one class, as it would be mapped.
pub(super) struct Image<'s, H: FileHeader<Endian = Endianness>> {
    pub(super) source: &'s dyn Source,
    pub(super) endian: Endianness,
    header: H,
    segments: Vec<H::ProgramHeader>,
}

/// The dynamic section.
pub(super) struct Dynamic {
    entries: Vec<(elf::DynamicTag, u64)>,
    /// Offset of the string table in the file, and its size; `None` without one.
    strings: Option<(u64, u64)>,
}

/// Reads one plain value.
pub(super) fn pod<T: Pod>(source: &dyn Source, offset: u64) -> Result<T, Error> {
    let mut buffer = [0; 64];
    let out = buffer.get_mut(..size_of::<T>()).ok_or(Error::Malformed("a header is too long"))?;
    source.fill(offset, out)?;
    pod::from_bytes::<T>(out).map(|(value, _)| *value).map_err(|()| Error::Malformed("a header"))
}

impl<'s, H: FileHeader<Endian = Endianness>> Image<'s, H> {
    pub(super) fn open(source: &'s dyn Source) -> Result<Self, Error> {
        let header: H = pod(source, 0)?;
        if !header.is_supported() {
            return Err(Error::NotElf);
        }
        let endian = header.endian().map_err(|_| Error::NotElf)?;
        let count = header.e_phnum(endian);
        if count > MAX_SEGMENTS {
            return Err(Error::TooLarge("program headers"));
        }
        let size = size_of::<H::ProgramHeader>();
        if count > 0 && usize::from(header.e_phentsize(endian)) != size {
            return Err(Error::Malformed("program headers of an unknown size"));
        }
        let start: u64 = header.e_phoff(endian).into();
        let bytes = source.bytes(start, usize::from(count) * size)?;
        let (segments, _) = pod::slice_from_bytes::<H::ProgramHeader>(&bytes, count.into())
            .map_err(|()| Error::Malformed("program headers"))?;
        let segments = segments.to_vec();
        Ok(Self { source, endian, header, segments })
    }

    /// The architecture, if it is a known one.
    pub(super) fn tuple(&self) -> Option<Tuple> {
        let machine = self.header.e_machine(self.endian).0;
        let little = self.header.is_little_endian();
        let fits = |t: &Tuple| t.machine() == machine && t.is_64_bit() == self.header.is_class_64();
        Tuple::ALL.iter().copied().find(|t| little && fits(t))
    }

    /// What it is. `DF_1_PIE` marks position-independent executables since binutils 2.26; older
    /// ones have an interpreter and no name (libc.so.6 has both).
    pub(super) fn kind(&self, dynamic: &Dynamic) -> Kind {
        let flags = dynamic.get(elf::DT_FLAGS_1).unwrap_or(0);
        let interpreted = self.segments_of(elf::PT_INTERP).next().is_some();
        let named = dynamic.get(elf::DT_SONAME).is_some();
        match self.header.e_type(self.endian) {
            elf::ET_EXEC => Kind::Executable,
            elf::ET_DYN if flags & elf::DF_1_PIE.0 != 0 => Kind::Executable,
            elf::ET_DYN if interpreted && !named => Kind::Executable,
            elf::ET_DYN => Kind::SharedObject,
            _ => Kind::Other,
        }
    }

    fn segments_of(&self, kind: elf::ProgramType) -> impl Iterator<Item = &H::ProgramHeader> {
        self.segments.iter().filter(move |s| s.p_type(self.endian) == kind)
    }

    /// Where the file has the byte that is mapped at `address`, and how many follow it in the file.
    pub(super) fn offset_of(&self, address: u64) -> Result<(u64, u64), Error> {
        let loaded = self.segments_of(elf::PT_LOAD).find_map(|segment| {
            let start: u64 = segment.p_vaddr(self.endian).into();
            let size: u64 = segment.p_filesz(self.endian).into();
            let within = address.checked_sub(start).filter(|within| *within < size)?;
            let offset: u64 = segment.p_offset(self.endian).into();
            Some((offset.checked_add(within)?, size - within))
        });
        loaded.ok_or(Error::Malformed("a table is not in the part that is mapped from the file"))
    }

    /// The dynamic section; an empty one where there is none, as in a static program.
    pub(super) fn dynamic(&self) -> Result<Dynamic, Error> {
        let mut entries = Vec::new();
        if let Some(segment) = self.segments_of(elf::PT_DYNAMIC).next() {
            let entry = u64::try_from(size_of::<H::Dyn>()).unwrap_or(u64::MAX);
            let count = segment.p_filesz(self.endian).into() / entry;
            if count > MAX_DYNAMIC {
                return Err(Error::TooLarge("dynamic entries"));
            }
            let count = usize::try_from(count).unwrap_or(0);
            let offset = segment.p_offset(self.endian).into();
            let bytes = self.source.bytes(offset, count * size_of::<H::Dyn>())?;
            let (table, _) = pod::slice_from_bytes::<H::Dyn>(&bytes, count)
                .map_err(|()| Error::Malformed("the dynamic section"))?;
            let table = table.iter().map(|d| (d.tag(self.endian), d.val(self.endian)));
            entries.extend(table.take_while(|(tag, _)| *tag != elf::DT_NULL));
        }
        let mut dynamic = Dynamic { entries, strings: None };
        if let Some(address) = dynamic.get(elf::DT_STRTAB) {
            let (offset, left) = self.offset_of(address)?;
            let size = dynamic.get(elf::DT_STRSZ).unwrap_or(left).min(left);
            dynamic.strings = Some((offset, size));
        }
        Ok(dynamic)
    }

    /// A name of the string table.
    pub(super) fn string(&self, dynamic: &Dynamic, index: u64) -> Result<String, Error> {
        let (start, size) = dynamic.strings.ok_or(Error::Malformed("no string table"))?;
        let left = size.checked_sub(index).ok_or(Error::Malformed("a name beyond its table"))?;
        // Few names are long; reading little first spares reading beyond the window.
        for limit in [128, MAX_STRING] {
            let length = usize::try_from(left.min(limit)).unwrap_or(0);
            let bytes = self.source.bytes(start + index, length)?;
            if let Some(end) = bytes.iter().position(|b| *b == 0) {
                return Ok(String::from_utf8_lossy(&bytes[..end]).into_owned());
            }
        }
        Err(Error::Malformed("a name without end"))
    }

    /// All names, for reading many symbols: the string table.
    pub(super) fn all_strings(&self, dynamic: &Dynamic, limit: u64) -> Result<Vec<u8>, Error> {
        let (start, size) = dynamic.strings.ok_or(Error::Malformed("no string table"))?;
        if size > limit {
            return Err(Error::TooLarge("names of symbols"));
        }
        self.source.bytes(start, usize::try_from(size).unwrap_or(0))
    }

    /// The program interpreter.
    pub(super) fn interpreter(&self) -> Result<Option<Vec<u8>>, Error> {
        let Some(segment) = self.segments_of(elf::PT_INTERP).next() else { return Ok(None) };
        let size: u64 = segment.p_filesz(self.endian).into();
        if size > MAX_STRING {
            return Err(Error::TooLarge("bytes of the interpreter's path"));
        }
        let offset = segment.p_offset(self.endian).into();
        let mut path = self.source.bytes(offset, usize::try_from(size).unwrap_or(0))?;
        path.truncate(path.iter().position(|b| *b == 0).unwrap_or(path.len()));
        Ok(Some(path))
    }

    /// The build ID. Damaged notes are as good as none: the dynamic linker does not need them.
    pub(super) fn build_id(&self) -> Option<Vec<u8>> {
        self.segments_of(elf::PT_NOTE).find_map(|segment| {
            let size: u64 = segment.p_filesz(self.endian).into();
            let size = usize::try_from(size.min(MAX_NOTES)).ok()?;
            let bytes = self.source.bytes(segment.p_offset(self.endian).into(), size).ok()?;
            let align: u64 = segment.p_align(self.endian).into();
            find_build_id(&bytes, self.endian, if align == 8 { 8 } else { 4 })
        })
    }
}

/// Walks notes: sizes of name and content, type; then both, each padded.
fn find_build_id(notes: &[u8], endian: Endianness, align: usize) -> Option<Vec<u8>> {
    let mut rest = notes;
    loop {
        let (header, body) = pod::from_bytes::<elf::NoteHeader32<Endianness>>(rest).ok()?;
        let name_size = usize::try_from(header.n_namesz.get(endian)).ok()?;
        let size = usize::try_from(header.n_descsz.get(endian)).ok()?;
        let start = name_size.checked_next_multiple_of(align.min(4))?;
        let name = body.get(..name_size)?;
        let content = body.get(start..)?.get(..size)?;
        if name == b"GNU\0" && header.n_type.get(endian) == elf::NT_GNU_BUILD_ID {
            return Some(content.to_vec());
        }
        rest = body.get(start.checked_add(size)?.checked_next_multiple_of(align)?..)?;
    }
}

impl Dynamic {
    /// The value of the last entry with this tag, which is the one that the dynamic linker uses.
    pub(super) fn get(&self, tag: elf::DynamicTag) -> Option<u64> {
        self.all(tag).last()
    }

    /// The values of all entries with this tag.
    pub(super) fn all(&self, tag: elf::DynamicTag) -> impl Iterator<Item = u64> {
        self.entries.iter().filter(move |(t, _)| *t == tag).map(|(_, value)| *value)
    }
}

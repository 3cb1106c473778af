//! The dynamic symbols that a file defines.

use super::Error;
use super::image::{Dynamic, Image, pod};
use object::elf;
use object::endian::{Endianness, U16, U32};
use object::pod as plain;
use object::read::elf::{FileHeader, Sym};
use std::collections::{BTreeSet, HashMap, HashSet};

/// The most symbols that are read.
const MAX_SYMBOLS: u64 = 1 << 20;
/// The most bytes of names that are read, and that are given back.
const MAX_NAMES: u64 = 64 << 20;
/// The longest name of a symbol, in bytes. C++ has them with tens of thousands.
const MAX_NAME: usize = 1 << 20;

/// Names that the linker makes in every file, and that say nothing about its interface.
const OF_THE_LINKER: &[&[u8]] = &[
    b"_init",
    b"_fini",
    b"_end",
    b"end",
    b"_edata",
    b"edata",
    b"_etext",
    b"etext",
    b"__bss_start",
    b"__bss_start__",
    b"__bss_end__",
    b"_bss_end__",
    b"__end__",
    b"__data_start",
    b"data_start",
    b"_DYNAMIC",
    b"_GLOBAL_OFFSET_TABLE_",
    b"_PROCEDURE_LINKAGE_TABLE_",
];

impl<H: FileHeader<Endian = Endianness>> Image<'_, H> {
    /// See [`super::symbols`].
    pub(super) fn symbols(&self, dynamic: &Dynamic) -> Result<BTreeSet<String>, Error> {
        let Some(address) = dynamic.get(elf::DT_SYMTAB) else { return Ok(BTreeSet::new()) };
        let count = self.symbol_count(dynamic)?;
        let (offset, _) = self.offset_of(address)?;
        let bytes = self.source.bytes(offset, count * size_of::<H::Sym>())?;
        let (table, _) = plain::slice_from_bytes::<H::Sym>(&bytes, count)
            .map_err(|()| Error::Malformed("the symbol table"))?;
        let versions = self.symbol_versions(dynamic, count)?;
        let definitions = self.definitions(dynamic)?;
        let of_index: HashMap<u16, &str> =
            definitions.iter().map(|d| (d.index, d.name.as_str())).collect();
        let of_name: HashSet<&[u8]> = definitions.iter().map(|d| d.name.as_bytes()).collect();
        let names = self.all_strings(dynamic, MAX_NAMES)?;

        let mut found = BTreeSet::new();
        let mut left = MAX_NAMES;
        for (i, symbol) in table.iter().enumerate() {
            if symbol.is_undefined(self.endian) || symbol.st_bind() == elf::STB_LOCAL {
                continue;
            }
            let name = name_at(&names, symbol.st_name(self.endian))?;
            // A version is also a symbol of its own name in what older linkers made.
            if name.is_empty() || OF_THE_LINKER.contains(&name) || of_name.contains(name) {
                continue;
            }
            let version = match versions.get(i) {
                Some(0) => continue,
                Some(index) => of_index.get(index).copied(),
                None => None,
            };
            let mut whole = String::from_utf8_lossy(name).into_owned();
            if let Some(version) = version {
                whole.push('@');
                whole.push_str(version);
            }
            let length = u64::try_from(whole.len()).unwrap_or(u64::MAX);
            left = left.checked_sub(length).ok_or(Error::TooLarge("names of symbols"))?;
            found.insert(whole);
        }
        Ok(found)
    }

    /// The number of each symbol's version without the bit that hides it; empty without versions.
    fn symbol_versions(&self, dynamic: &Dynamic, count: usize) -> Result<Vec<u16>, Error> {
        let Some(address) = dynamic.get(elf::DT_VERSYM) else { return Ok(Vec::new()) };
        let (offset, _) = self.offset_of(address)?;
        let bytes = self.source.bytes(offset, count * size_of::<u16>())?;
        let (table, _) = plain::slice_from_bytes::<U16<Endianness>>(&bytes, count)
            .map_err(|()| Error::Malformed("the versions of symbols"))?;
        Ok(table.iter().map(|v| v.get(self.endian) & elf::VERSYM_VERSION).collect())
    }

    /// How many dynamic symbols there are, which only the hash tables tell.
    fn symbol_count(&self, dynamic: &Dynamic) -> Result<usize, Error> {
        let count = if let Some(address) = dynamic.get(elf::DT_GNU_HASH) {
            self.count_of_gnu_hash(address)?
        } else if let Some(address) = dynamic.get(elf::DT_HASH) {
            let (offset, _) = self.offset_of(address)?;
            let header: elf::HashHeader<Endianness> = pod(self.source, offset)?;
            header.chain_count.get(self.endian).into()
        } else {
            0
        };
        if count > MAX_SYMBOLS {
            return Err(Error::TooLarge("symbols"));
        }
        usize::try_from(count).map_err(|_| Error::TooLarge("symbols"))
    }

    /// Symbols in this table are sorted by bucket, so the last one is at the end of the chain of the
    /// bucket that starts last.
    fn count_of_gnu_hash(&self, address: u64) -> Result<u64, Error> {
        let (offset, _) = self.offset_of(address)?;
        let header: elf::GnuHashHeader<Endianness> = pod(self.source, offset)?;
        let first: u64 = header.symbol_base.get(self.endian).into();
        let buckets: u64 = header.bucket_count.get(self.endian).into();
        if buckets > MAX_SYMBOLS {
            return Err(Error::TooLarge("buckets of symbols"));
        }
        let word = if H::is_type_64_sized() { 8 } else { 4 };
        let filter = u64::from(header.bloom_count.get(self.endian)) * word;
        let start = offset
            .checked_add(16)
            .and_then(|o| o.checked_add(filter))
            .ok_or(Error::Malformed("the table of symbols"))?;
        let size = usize::try_from(buckets).map_err(|_| Error::TooLarge("buckets"))?;
        let bytes = self.source.bytes(start, size * 4)?;
        let (table, _) = plain::slice_from_bytes::<U32<Endianness>>(&bytes, size)
            .map_err(|()| Error::Malformed("the table of symbols"))?;
        let last = table.iter().map(|b| u64::from(b.get(self.endian))).max().unwrap_or(0);
        if last < first {
            return Ok(first);
        }
        let chains = start + buckets * 4;
        let mut symbol = last;
        while symbol < MAX_SYMBOLS {
            let link: U32<Endianness> = pod(self.source, chains + (symbol - first) * 4)?;
            symbol += 1;
            // The lowest bit marks the end of a chain.
            if link.get(self.endian) & 1 == 1 {
                return Ok(symbol);
            }
        }
        Err(Error::TooLarge("symbols"))
    }
}

fn name_at(names: &[u8], index: u32) -> Result<&[u8], Error> {
    let start = usize::try_from(index).ok();
    let rest = start.and_then(|s| names.get(s..));
    let rest = rest.ok_or(Error::Malformed("a symbol's name beyond its table"))?;
    let rest = &rest[..rest.len().min(MAX_NAME)];
    let end = rest.iter().position(|b| *b == 0);
    end.map(|end| &rest[..end]).ok_or(Error::Malformed("a symbol's name without end"))
}

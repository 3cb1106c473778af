//! Tiny ELF files: what parsers and library searches look at, and no code.
//!
//! Little-endian, of any known architecture. Every file has a dynamic section, a symbol table with
//! its SysV hash table, version tables where asked for, and section headers, so that both kinds of
//! reader (by segments as the dynamic linker, by sections as `readelf`) find everything. The whole
//! file is one segment, mapped at address 0: an address is an offset.

mod parts;

use parts::{
    Bytes, Names, PT_LOAD, Section, alignment, hash, is_segment, section, segment, segment_kind,
};
use plan::Tuple;

/// Builds one file; see the methods. Errors cannot happen: any input gives a file.
#[derive(Clone, Debug)]
pub struct ElfBuilder {
    tuple: Tuple,
    program: bool,
    soname: Option<String>,
    needed: Vec<String>,
    rpath: Option<String>,
    runpath: Option<String>,
    interpreter: Option<String>,
    no_default_lib: bool,
    defines: Vec<String>,
    requires: Vec<(String, Vec<String>)>,
    symbols: Vec<(String, Option<String>)>,
    build_id: Option<Vec<u8>>,
}

// Numbers from elf.h.
const ET_EXEC: u16 = 2;
const ET_DYN: u16 = 3;
const DT_NEEDED: u64 = 1;
const DT_HASH: u64 = 4;
const DT_STRTAB: u64 = 5;
const DT_SYMTAB: u64 = 6;
const DT_STRSZ: u64 = 10;
const DT_SYMENT: u64 = 11;
const DT_SONAME: u64 = 14;
const DT_RPATH: u64 = 15;
const DT_RUNPATH: u64 = 29;
const DT_FLAGS_1: u64 = 0x6fff_fffb;
const DT_VERDEF: u64 = 0x6fff_fffc;
const DT_VERDEFNUM: u64 = 0x6fff_fffd;
const DT_VERNEED: u64 = 0x6fff_fffe;
const DT_VERNEEDNUM: u64 = 0x6fff_ffff;
const DT_VERSYM: u64 = 0x6fff_fff0;
const DF_1_NODEFLIB: u64 = 0x800;
const VER_FLG_BASE: u16 = 1;

impl ElfBuilder {
    /// A shared object without a name.
    pub fn shared(tuple: Tuple) -> Self {
        Self {
            tuple,
            program: false,
            soname: None,
            needed: vec![],
            rpath: None,
            runpath: None,
            interpreter: None,
            no_default_lib: false,
            defines: vec![],
            requires: vec![],
            symbols: vec![],
            build_id: None,
        }
    }

    /// A program with the interpreter of its architecture.
    pub fn program(tuple: Tuple) -> Self {
        let interpreter = Some(tuple.interpreter().into());
        Self { program: true, interpreter, ..Self::shared(tuple) }
    }

    /// `DT_SONAME`.
    #[must_use]
    pub fn soname(mut self, name: &str) -> Self {
        self.soname = Some(name.into());
        self
    }

    /// One more `DT_NEEDED`.
    #[must_use]
    pub fn needed(mut self, name: &str) -> Self {
        self.needed.push(name.into());
        self
    }

    /// `DT_RPATH`.
    #[must_use]
    pub fn rpath(mut self, path: &str) -> Self {
        self.rpath = Some(path.into());
        self
    }

    /// `DT_RUNPATH`.
    #[must_use]
    pub fn runpath(mut self, path: &str) -> Self {
        self.runpath = Some(path.into());
        self
    }

    /// `PT_INTERP`.
    #[must_use]
    pub fn interpreter(mut self, path: &str) -> Self {
        self.interpreter = Some(path.into());
        self
    }

    /// `DF_1_NODEFLIB`: default directories are not searched.
    #[must_use]
    pub fn no_default_lib(mut self) -> Self {
        self.no_default_lib = true;
        self
    }

    /// One more version definition.
    #[must_use]
    pub fn defines(mut self, version: &str) -> Self {
        self.defines.push(version.into());
        self
    }

    /// One more file of which versions are required.
    #[must_use]
    pub fn requires(mut self, file: &str, versions: &[&str]) -> Self {
        self.requires.push((file.into(), versions.iter().map(|v| (*v).into()).collect()));
        self
    }

    /// One more defined function, `name` or `name@@VERSION`; the version is defined too if it is not.
    #[must_use]
    pub fn symbol(mut self, symbol: &str) -> Self {
        let (name, version) = match symbol.split_once("@@") {
            Some((name, version)) => (name, Some(version.to_owned())),
            None => (symbol, None),
        };
        if let Some(version) = &version
            && !self.defines.contains(version)
        {
            self.defines.push(version.clone());
        }
        self.symbols.push((name.into(), version));
        self
    }

    /// The GNU build ID.
    #[must_use]
    pub fn build_id(mut self, id: &[u8]) -> Self {
        self.build_id = Some(id.to_vec());
        self
    }

    fn wide(&self) -> bool {
        self.tuple.is_64_bit()
    }

    /// The file.
    pub fn build(&self) -> Vec<u8> {
        let mut names = Names(vec![0]);
        let mut sections = self.sections(&mut names);
        let segments = 2 + sections.iter().filter(|s| is_segment(s)).count();
        let header = if self.wide() { 64 } else { 52 };
        let segment = if self.wide() { 56 } else { 32 };
        // Two passes: the dynamic section has addresses of the others, but its length has not.
        let dynamic = self.dynamic(&mut names, &|_| 0);
        sections.push(section(
            ".dynamic",
            6,
            dynamic,
            ".dynstr",
            0,
            if self.wide() { 16 } else { 8 },
        ));
        sections.push(section(".dynstr", 3, names.0.clone(), "", 0, 0));
        let mut at = header + segments * segment;
        let mut offsets = Vec::new();
        for section in &sections {
            at = at.next_multiple_of(8);
            offsets.push(at);
            at += section.content.len();
        }
        let of = |name: &str| {
            let index = sections.iter().position(|s| s.name == name);
            index.map_or(0, |i| offsets[i] as u64)
        };
        let mut again = Names(vec![0]);
        let _ = self.sections(&mut again);
        let dynamic = self.dynamic(&mut again, &of);
        debug_assert_eq!(again.0, names.0);
        if let Some(section) = sections.iter_mut().find(|s| s.name == ".dynamic") {
            section.content = dynamic;
        }
        self.assemble(&sections, &offsets, segments)
    }

    fn sections(&self, names: &mut Names) -> Vec<Section> {
        let wide = self.wide();
        let mut sections = Vec::new();
        if let Some(path) = &self.interpreter {
            let content = [path.as_bytes(), b"\0"].concat();
            sections.push(section(".interp", 1, content, "", 0, 0));
        }
        if let Some(id) = &self.build_id {
            let mut note = Bytes::new(wide);
            note.u32(&[4, id.len() as u32, 3]);
            note.bytes.extend(b"GNU\0");
            note.bytes.extend(id);
            note.bytes.resize(note.bytes.len().next_multiple_of(4), 0);
            sections.push(section(".note.gnu.build-id", 7, note.bytes, "", 0, 0));
        }
        sections.push(section(".hash", 5, self.hash_table(), ".dynsym", 0, 4));
        let (symbols, size) = (self.symbol_table(names), if wide { 24 } else { 16 });
        sections.push(section(".dynsym", 11, symbols, ".dynstr", 1, size));
        if !self.defines.is_empty() || !self.requires.is_empty() {
            sections.push(section(
                ".gnu.version",
                0x6fff_ffff,
                self.version_table(),
                ".dynsym",
                0,
                2,
            ));
        }
        if !self.defines.is_empty() {
            let count = self.defines.len() as u32 + 1;
            let content = self.definitions(names);
            sections.push(section(".gnu.version_d", 0x6fff_fffd, content, ".dynstr", count, 0));
        }
        if !self.requires.is_empty() {
            let count = self.requires.len() as u32;
            let content = self.requirements(names);
            sections.push(section(".gnu.version_r", 0x6fff_fffe, content, ".dynstr", count, 0));
        }
        sections
    }

    /// One bucket with every symbol in it.
    fn hash_table(&self) -> Vec<u8> {
        let count = self.symbols.len() as u32 + 1;
        let mut out = Bytes::new(self.wide());
        out.u32(&[1, count, u32::from(count > 1), 0]);
        for index in 1..count {
            out.u32(&[if index + 1 < count { index + 1 } else { 0 }]);
        }
        out.bytes
    }

    fn symbol_table(&self, names: &mut Names) -> Vec<u8> {
        let mut out = Bytes::new(self.wide());
        out.bytes.resize(if self.wide() { 24 } else { 16 }, 0);
        for (name, _) in &self.symbols {
            // A global function of the first section, at a made-up address.
            let name = names.offset(name);
            out.u32(&[name]);
            if self.wide() {
                out.bytes.extend([0x12, 0]);
                out.u16(&[1]);
                out.word(&[0x40, 1]);
            } else {
                out.u32(&[0x40, 1]);
                out.bytes.extend([0x12, 0]);
                out.u16(&[1]);
            }
        }
        out.bytes
    }

    fn version_table(&self) -> Vec<u8> {
        let mut out = Bytes::new(self.wide());
        out.u16(&[0]);
        for (_, version) in &self.symbols {
            let index = version.as_ref().and_then(|v| self.defines.iter().position(|d| d == v));
            out.u16(&[index.map_or(1, |i| i as u16 + 2)]);
        }
        out.bytes
    }

    /// The base definition, which names the file, then the others.
    fn definitions(&self, names: &mut Names) -> Vec<u8> {
        let mut out = Bytes::new(self.wide());
        let base = self.soname.clone().unwrap_or_default();
        let all: Vec<&String> = [&base].into_iter().chain(&self.defines).collect();
        for (index, name) in all.iter().enumerate() {
            let flags = if index == 0 { VER_FLG_BASE } else { 0 };
            out.u16(&[1, flags, index as u16 + 1, 1]);
            out.u32(&[hash(name), 20, if index + 1 < all.len() { 28 } else { 0 }]);
            let offset = names.offset(name);
            out.u32(&[offset, 0]);
        }
        out.bytes
    }

    fn requirements(&self, names: &mut Names) -> Vec<u8> {
        let mut out = Bytes::new(self.wide());
        let mut index = self.defines.len() as u16 + 2;
        for (position, (file, versions)) in self.requires.iter().enumerate() {
            let last = position + 1 == self.requires.len();
            out.u16(&[1, versions.len() as u16]);
            let file = names.offset(file);
            out.u32(&[file, 16, if last { 0 } else { 16 + 16 * versions.len() as u32 }]);
            for (i, version) in versions.iter().enumerate() {
                out.u32(&[hash(version)]);
                out.u16(&[0, index]);
                let name = names.offset(version);
                out.u32(&[name, if i + 1 < versions.len() { 16 } else { 0 }]);
                index += 1;
            }
        }
        out.bytes
    }

    fn dynamic(&self, names: &mut Names, of: &dyn Fn(&str) -> u64) -> Vec<u8> {
        let mut out = Bytes::new(self.wide());
        let strings =
            [(DT_SONAME, &self.soname), (DT_RPATH, &self.rpath), (DT_RUNPATH, &self.runpath)];
        for name in &self.needed {
            let offset = names.offset(name);
            out.word(&[DT_NEEDED, offset.into()]);
        }
        for (tag, value) in strings {
            if let Some(value) = value {
                let offset = names.offset(value);
                out.word(&[tag, offset.into()]);
            }
        }
        out.word(&[DT_HASH, of(".hash"), DT_STRTAB, of(".dynstr"), DT_SYMTAB, of(".dynsym")]);
        out.word(&[DT_STRSZ, names.0.len() as u64, DT_SYMENT, if self.wide() { 24 } else { 16 }]);
        if !self.defines.is_empty() || !self.requires.is_empty() {
            out.word(&[DT_VERSYM, of(".gnu.version")]);
        }
        if !self.defines.is_empty() {
            let count = self.defines.len() as u64 + 1;
            out.word(&[DT_VERDEF, of(".gnu.version_d"), DT_VERDEFNUM, count]);
        }
        if !self.requires.is_empty() {
            let count = self.requires.len() as u64;
            out.word(&[DT_VERNEED, of(".gnu.version_r"), DT_VERNEEDNUM, count]);
        }
        if self.no_default_lib {
            out.word(&[DT_FLAGS_1, DF_1_NODEFLIB]);
        }
        out.word(&[0, 0]);
        out.bytes
    }

    fn assemble(&self, sections: &[Section], offsets: &[usize], segments: usize) -> Vec<u8> {
        let wide = self.wide();
        let end = offsets.last().map_or(0, |o| o + sections.last().map_or(0, |s| s.content.len()));
        let mut titles = Names(vec![0]);
        let title_offsets: Vec<u32> = sections.iter().map(|s| titles.offset(s.name)).collect();
        let own_title = titles.offset(".shstrtab");
        let table = (end + titles.0.len()).next_multiple_of(8);
        let mut out = Bytes::new(wide);
        self.header(&mut out, segments, sections.len() + 2, table as u64);
        segment(&mut out, PT_LOAD, 0, end, 5, 8);
        for (section, &offset) in sections.iter().zip(offsets) {
            if is_segment(section) || section.name == ".dynamic" {
                let length = section.content.len();
                let kind = segment_kind(section);
                segment(&mut out, kind, offset, length, 4, alignment(section));
            }
        }
        for (section, &offset) in sections.iter().zip(offsets) {
            out.bytes.resize(offset, 0);
            out.bytes.extend(&section.content);
        }
        out.bytes.extend(&titles.0);
        out.bytes.resize(table, 0);
        out.bytes.resize(table + if wide { 64 } else { 40 }, 0);
        for ((section, &offset), title) in sections.iter().zip(offsets).zip(title_offsets) {
            let link = sections.iter().position(|s| s.name == section.link).map_or(0, |i| i + 1);
            out.u32(&[title, section.kind]);
            out.word(&[2, offset as u64, offset as u64, section.content.len() as u64]);
            out.u32(&[link as u32, section.info]);
            out.word(&[alignment(section), section.entry as u64]);
        }
        out.u32(&[own_title, 3]);
        out.word(&[0, 0, end as u64, titles.0.len() as u64]);
        out.u32(&[0, 0]);
        out.word(&[1, 0]);
        out.bytes
    }

    fn header(&self, out: &mut Bytes, segments: usize, sections: usize, table: u64) {
        out.bytes.extend([0x7f, b'E', b'L', b'F', if out.wide { 2 } else { 1 }, 1, 1]);
        out.bytes.resize(16, 0);
        out.u16(&[if self.program { ET_EXEC } else { ET_DYN }, self.tuple.machine()]);
        out.u32(&[1]);
        let (header, segment, section) = if out.wide { (64, 56, 64) } else { (52, 32, 40) };
        out.word(&[0x40, header.into(), table]);
        out.u32(&[0]);
        out.u16(&[header, segment, segments as u16, section, sections as u16, sections as u16 - 1]);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_hash_as_the_abi_says() {
        // Values from `readelf -V` of Debian 12's libc.so.6 (vd_hash).
        assert_eq!(hash("GLIBC_2.2.5"), 0x0969_1a75);
        assert_eq!(hash("GLIBC_2.34"), 0x0696_91b4);
    }

    #[test]
    fn every_architecture_and_field_gives_a_file() {
        for &tuple in Tuple::ALL {
            let bytes = ElfBuilder::shared(tuple)
                .soname("libx.so.1")
                .needed("libc.so.6")
                .runpath("$ORIGIN")
                .defines("X_1")
                .requires("libc.so.6", &["GLIBC_2.2.5", "GLIBC_2.34"])
                .symbol("f@@X_1")
                .symbol("g")
                .build_id(&[1, 2, 3])
                .no_default_lib()
                .build();
            assert_eq!(&bytes[..4], b"\x7fELF");
            assert_eq!(u16::from_le_bytes([bytes[18], bytes[19]]), tuple.machine());
            assert!(bytes.windows(10).any(|w| w == b"libx.so.1\0"));
            let program = ElfBuilder::program(tuple).needed("libx.so.1").build();
            let name = tuple.interpreter().as_bytes();
            assert!(program.windows(name.len()).any(|w| w == name));
        }
    }
}

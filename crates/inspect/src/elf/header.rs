//! What the first bytes of an ELF file say, those of architectures that are not known here too.

use plan::Tuple;

/// Which machine an ELF file is for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Header {
    /// `e_machine` (elf.h, `EM_*`).
    pub machine: u16,
    /// Whether it is of class `ELFCLASS64`.
    pub is_64_bit: bool,
    /// Whether it is `ELFDATA2LSB`.
    pub is_little_endian: bool,
}

/// What people call the machines that programs for Linux are made for, by `e_machine`.
const NAMES: &[(u16, &str)] = &[
    (2, "SPARC"),
    (3, "32-bit x86"),
    (8, "MIPS"),
    (20, "PowerPC"),
    (21, "64-bit PowerPC"),
    (22, "IBM Z"),
    (40, "32-bit ARM"),
    (62, "64-bit x86"),
    (183, "64-bit ARM"),
    (243, "RISC-V"),
    (258, "LoongArch"),
];

impl Header {
    /// Reads the start of a file, of which 20 bytes are enough; `None` for what is no ELF file.
    pub fn of(start: &[u8]) -> Option<Header> {
        let &[0x7f, b'E', b'L', b'F', class, data, ..] = start else { return None };
        let machine = [*start.get(18)?, *start.get(19)?];
        // elf.h: ELFCLASS32, ELFCLASS64; ELFDATA2LSB, ELFDATA2MSB.
        let (is_64_bit, is_little_endian) = match (class, data) {
            (1 | 2, 1) => (class == 2, true),
            (1 | 2, 2) => (class == 2, false),
            _ => return None,
        };
        let number = if is_little_endian { u16::from_le_bytes } else { u16::from_be_bytes };
        Some(Header { machine: number(machine), is_64_bit, is_little_endian })
    }

    /// The architecture, if it is a known one.
    pub fn tuple(&self) -> Option<Tuple> {
        let fits = |t: &Tuple| t.machine() == self.machine && t.is_64_bit() == self.is_64_bit;
        Tuple::ALL.iter().copied().find(|t| self.is_little_endian && fits(t))
    }

    /// The machine's name for people, or its number.
    pub fn name(&self) -> String {
        if let Some(tuple) = self.tuple() {
            return tuple.name().into();
        }
        let known = NAMES.iter().find(|(machine, _)| *machine == self.machine);
        known.map_or_else(|| format!("ELF machine {}", self.machine), |(_, name)| (*name).into())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use testkit::ElfBuilder;

    #[test]
    fn known_and_unknown_machines() {
        for tuple in Tuple::ALL {
            let header = Header::of(&ElfBuilder::program(*tuple).build()).unwrap();
            assert_eq!((header.tuple(), header.name()), (Some(*tuple), tuple.name().into()));
        }
        let mut file = ElfBuilder::program(Tuple::X86_64).build();
        for (machine, class, data, want) in [
            (243u16, 2, 1, "RISC-V"),
            (62, 1, 1, "64-bit x86"),
            (21, 2, 2, "64-bit PowerPC"),
            (9999, 2, 1, "ELF machine 9999"),
        ] {
            file[4] = class;
            file[5] = data;
            let bytes = if data == 1 { machine.to_le_bytes() } else { machine.to_be_bytes() };
            file[18..20].copy_from_slice(&bytes);
            let header = Header::of(&file).unwrap();
            assert_eq!((header.tuple(), header.name().as_str()), (None, want));
        }
        for cut in 0..20 {
            assert_eq!(Header::of(&file[..cut]), None);
        }
        assert_eq!(Header::of(b"#!/bin/sh\n and some more bytes"), None);
    }
}

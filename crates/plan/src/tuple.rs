//! Architectures, named by Debian's multiarch tuples.

use serde::{Deserialize, Serialize};
use std::fmt;
use std::str::FromStr;

/// An architecture with its ABI. The name is Debian's multiarch tuple.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(into = "&'static str", try_from = "String")]
pub enum Tuple {
    /// 64-bit x86, `x86_64-linux-gnu`.
    X86_64,
    /// 32-bit x86, `i386-linux-gnu`.
    I386,
    /// 64-bit ARM, `aarch64-linux-gnu`.
    Aarch64,
}

/// A tuple that this program does not know.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct UnknownTuple(pub String);

impl fmt::Display for UnknownTuple {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "`{}` is not an architecture known here (", self.0.escape_debug())?;
        for (i, t) in Tuple::ALL.iter().enumerate() {
            write!(f, "{}{t}", if i == 0 { "" } else { ", " })?;
        }
        write!(f, ")")
    }
}

impl std::error::Error for UnknownTuple {}

impl Tuple {
    /// Every known architecture; on x86 the primary one comes first.
    pub const ALL: &[Tuple] = &[Tuple::X86_64, Tuple::I386, Tuple::Aarch64];

    /// The architecture of this program; `None` where it is none of the known ones.
    pub fn native() -> Option<Tuple> {
        match std::env::consts::ARCH {
            "x86_64" => Some(Tuple::X86_64),
            "x86" => Some(Tuple::I386),
            "aarch64" => Some(Tuple::Aarch64),
            _ => None,
        }
    }

    /// Debian's multiarch tuple.
    pub fn name(self) -> &'static str {
        match self {
            Tuple::X86_64 => "x86_64-linux-gnu",
            Tuple::I386 => "i386-linux-gnu",
            Tuple::Aarch64 => "aarch64-linux-gnu",
        }
    }

    /// The program interpreter that the psABI names for it: every distribution that runs foreign
    /// binaries of this ABI has the dynamic linker at this path.
    pub fn interpreter(self) -> &'static str {
        match self {
            Tuple::X86_64 => "/lib64/ld-linux-x86-64.so.2",
            Tuple::I386 => "/lib/ld-linux.so.2",
            Tuple::Aarch64 => "/lib/ld-linux-aarch64.so.1",
        }
    }

    /// `e_machine` of its ELF files (elf.h, `EM_*`).
    pub fn machine(self) -> u16 {
        match self {
            Tuple::X86_64 => 62,
            Tuple::I386 => 3,
            Tuple::Aarch64 => 183,
        }
    }

    /// The architecture that an ELF header is for; the first 20 bytes of the file are enough. `None`
    /// for anything else, and for architectures that are not known here.
    pub fn of_elf_header(header: &[u8]) -> Option<Tuple> {
        // elf.h: EI_CLASS, EI_DATA (ELFDATA2LSB), then e_machine at 18.
        let &[0x7f, b'E', b'L', b'F', class, 1, ..] = header else { return None };
        let machine = u16::from_le_bytes([*header.get(18)?, *header.get(19)?]);
        let is_64_bit = match class {
            1 => false,
            2 => true,
            _ => return None,
        };
        let fits = |t: &Tuple| t.machine() == machine && t.is_64_bit() == is_64_bit;
        Self::ALL.iter().copied().find(fits)
    }

    /// Whether its ELF files are of class `ELFCLASS64`.
    pub fn is_64_bit(self) -> bool {
        !matches!(self, Tuple::I386)
    }

    /// What the dynamic linker puts for `$LIB` where the distribution has the layout of its
    /// upstream (`lib64`), as Fedora and openSUSE do.
    pub fn lib_dir(self) -> &'static str {
        match self {
            Tuple::X86_64 | Tuple::Aarch64 => "lib64",
            Tuple::I386 => "lib",
        }
    }

    /// Names that `$PLATFORM` can have for it (glibc, `dl_platform` by CPU), most capable first.
    pub fn platforms(self) -> &'static [&'static str] {
        match self {
            Tuple::X86_64 => &["xeon_phi", "haswell", "x86_64"],
            Tuple::I386 => &["i686", "i586", "i486", "i386"],
            Tuple::Aarch64 => &["aarch64"],
        }
    }
}

impl From<Tuple> for &'static str {
    fn from(t: Tuple) -> Self {
        t.name()
    }
}

impl TryFrom<String> for Tuple {
    type Error = UnknownTuple;
    fn try_from(s: String) -> Result<Self, UnknownTuple> {
        s.parse()
    }
}

impl FromStr for Tuple {
    type Err = UnknownTuple;
    fn from_str(s: &str) -> Result<Self, UnknownTuple> {
        Self::ALL.iter().copied().find(|t| t.name() == s).ok_or_else(|| UnknownTuple(s.into()))
    }
}

impl fmt::Display for Tuple {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

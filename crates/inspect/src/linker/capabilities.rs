//! Which subdirectories for more capable CPUs the dynamic linker looks into.
//!
//! Mirrors sysdeps/x86_64/dl-hwcaps_subdirs.c (glibc 2.33 and later) and, for older ones, `_dl_important_hwcaps` of
//! elf/dl-hwcaps.c with sysdeps/x86/dl-procinfo.c. A guest that is not of this machine's architecture is run by an
//! emulator whose CPU is not known here: it gets what every CPU of that architecture can use.

use super::loader::Loader;
use plan::Tuple;

/// The CPU that programs of a guest architecture see.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Cpu {
    /// x86-64 psABI level, 1 to 4.
    level: u8,
    /// What glibc calls `haswell`.
    haswell: bool,
    /// The AVX-512 subsets that glibc calls `avx512_1`.
    avx512: bool,
}

impl Cpu {
    /// What every CPU of an architecture can.
    pub(super) const BASELINE: Cpu = Cpu { level: 1, haswell: false, avx512: false };

    /// The CPU of this machine, for guests that run on it directly.
    pub(super) fn for_guest(tuple: Tuple) -> Self {
        let x86 = |t| matches!(t, Tuple::X86_64 | Tuple::I386);
        match Tuple::native() {
            Some(native) if x86(native) && x86(tuple) => detect(),
            _ => Self::BASELINE,
        }
    }

    #[cfg(test)]
    pub(super) fn of_level(level: u8) -> Self {
        Self { level, haswell: level >= 3, avx512: level >= 4 }
    }
}

#[cfg(any(target_arch = "x86_64", target_arch = "x86"))]
fn detect() -> Cpu {
    macro_rules! all {
        ($($feature:tt)*) => { $(std::is_x86_feature_detected!($feature))&&* };
    }
    let v2 = all!("cmpxchg16b" "popcnt" "sse3" "ssse3" "sse4.1" "sse4.2");
    let v3 = v2 && all!("avx" "avx2" "bmi1" "bmi2" "f16c" "fma" "lzcnt" "movbe");
    let v4 = v3 && all!("avx512f" "avx512bw" "avx512cd" "avx512dq" "avx512vl");
    Cpu {
        level: if v4 {
            4
        } else if v3 {
            3
        } else if v2 {
            2
        } else {
            1
        },
        haswell: all!("avx2" "bmi1" "bmi2" "lzcnt" "movbe" "popcnt" "fma"),
        avx512: v4,
    }
}

#[cfg(not(any(target_arch = "x86_64", target_arch = "x86")))]
fn detect() -> Cpu {
    Cpu::BASELINE
}

/// The subdirectories that count for one architecture, one CPU and one dynamic linker.
#[derive(Debug)]
pub(super) struct Capabilities {
    /// Subdirectories of `glibc-hwcaps`, best first.
    pub(super) hwcaps: Vec<&'static str>,
    /// What `$PLATFORM` stands for.
    pub(super) platform: &'static str,
    /// Names of older subdirectories, which may follow each other in this order.
    legacy: Vec<&'static str>,
}

/// x86-64 psABI levels that have a subdirectory, best first.
const LEVELS: &[(u8, &str)] = &[(4, "x86-64-v4"), (3, "x86-64-v3"), (2, "x86-64-v2")];

impl Capabilities {
    pub(super) fn new(tuple: Tuple, loader: &Loader, cpu: Cpu) -> Self {
        let levels = LEVELS.iter().filter(|(level, _)| *level <= cpu.level);
        let hwcaps = match tuple {
            Tuple::X86_64 if loader.has_hwcaps => levels.map(|(_, name)| *name).collect(),
            _ => Vec::new(),
        };
        let platform = match tuple {
            Tuple::X86_64 if cpu.haswell && loader.platforms.contains(&"haswell") => "haswell",
            Tuple::X86_64 => "x86_64",
            // The kernel says so of every CPU that still can run it (AT_PLATFORM).
            Tuple::I386 => "i686",
            Tuple::Aarch64 => "aarch64",
        };
        let mut legacy = vec!["tls", platform];
        match tuple {
            Tuple::X86_64 if cpu.avx512 => legacy.extend(["avx512_1", "x86_64"]),
            Tuple::X86_64 => legacy.push("x86_64"),
            Tuple::I386 => legacy.push("sse2"),
            Tuple::Aarch64 => {}
        }
        if !loader.has_legacy {
            legacy.clear();
        }
        Self { hwcaps, platform, legacy }
    }

    /// Subdirectories to look into, in order; the last one is the directory itself.
    pub(super) fn subdirectories(&self) -> Vec<String> {
        let mut list: Vec<String> =
            self.hwcaps.iter().map(|name| format!("glibc-hwcaps/{name}")).collect();
        // Every selection of the older names, the first name being the most significant digit.
        for selection in (0..1_u32 << self.legacy.len()).rev() {
            let digits = (0..self.legacy.len()).rev();
            let names = self.legacy.iter().zip(digits);
            let names = names.filter(|(_, digit)| selection >> digit & 1 == 1);
            let path = names.map(|(name, _)| *name).collect::<Vec<_>>().join("/");
            if !list.contains(&path) {
                list.push(path);
            }
        }
        list
    }

    /// Whether this CPU can use a library that the cache has for older capabilities. What their bits
    /// mean changed between versions of glibc; the subdirectories in the path say the same.
    pub(super) fn is_usable_legacy(&self, path: &[u8]) -> bool {
        let mut directories = path.split(|b| *b == b'/').rev().skip(1);
        let known = |name: &[u8]| LEGACY.iter().any(|l| l.as_bytes() == name);
        let mine = |name: &[u8]| self.legacy.iter().any(|l| l.as_bytes() == name);
        !self.legacy.is_empty() && directories.by_ref().take_while(|d| known(d)).all(mine)
    }
}

/// Every name of an older subdirectory on the architectures known here.
const LEGACY: &[&str] = &[
    "tls", "sse2", "cmov", "i386", "i486", "i586", "i686", "x86_64", "avx512_1", "haswell",
    "xeon_phi", "aarch64", "atomics",
];

//! When this program itself is run by an emulator: an x86-64 build on an ARM machine, for one.
//!
//! Knows how to tell, where the native build is, and which commands make no sense without it. What an
//! emulator shows of the file system is not what the kernel mounts, so that a container is set up
//! natively wherever that is possible.
//!
//! Two signs: FEX answers CPUID leaf 0x4000_0000 with `FEXIFEXIEMU`, and the machine in leaf
//! 0x4000_0001. And the program that the kernel executed is the emulator: emulators put the guest's
//! name at `/proc/self/exe` (qemu: linux-user/syscall.c, `do_guest_readlink`), but only at exact
//! spellings, of which the one by task is none.

use inspect::elf;
use plan::{Code, Problem, Tuple};
use std::collections::BTreeMap;
use std::ffi::OsString;
use std::fmt;
use std::fs::File;
use std::io::Read;
use std::os::unix::process::CommandExt;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::OnceLock;

/// The machine's `/` as the kernel has it, by a name that FEX does not redirect.
pub(crate) const REAL_ROOT: &str = "/proc/self/root";

/// What runs this program.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Runner {
    /// FEX, which passes on what a container needs.
    Fex,
    /// qemu-user, or another, which knows no user namespaces.
    Other,
}

/// This program is emulated.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Foreign {
    pub(crate) runner: Runner,
    /// The machine's architecture.
    pub(crate) machine: Tuple,
    /// What this program is built for.
    pub(crate) own: Tuple,
    /// Where a native build was looked for.
    looked: Vec<PathBuf>,
}

impl Foreign {
    /// `None` on the machine that this program is built for. Looks once.
    pub(crate) fn detect() -> Option<Foreign> {
        // Constant for the life of a process.
        static SEEN: OnceLock<Option<Foreign>> = OnceLock::new();
        SEEN.get_or_init(Self::look).clone()
    }

    fn look() -> Option<Foreign> {
        let own = Tuple::native()?;
        let (runner, machine) = match fex() {
            Some(machine) => (Runner::Fex, machine),
            None => (Runner::Other, executed().filter(|seen| *seen != own)?),
        };
        Some(Foreign { runner, machine, own, looked: vec![] })
    }

    /// Executes the native build in place of this one, with the same arguments and environment.
    /// Returns when there is none. It cannot come back here: what is executed is for the machine,
    /// so that no emulator runs it.
    pub(crate) fn hand_over(&mut self, arguments: &[OsString]) {
        // FEX on an x86 machine would run that one, too, for ever.
        if self.own == self.machine {
            return;
        }
        let Ok(own) = std::fs::read_link("/proc/self/exe") else { return };
        for sibling in siblings(&own, self.own, self.machine) {
            if architecture(&sibling) == Some(self.machine) {
                let mut command = Command::new(&sibling);
                if let Some((name, rest)) = arguments.split_first() {
                    command.arg0(name).args(rest);
                }
                let error = command.exec();
                log::warn!("{} cannot be executed: {error}", sibling.display());
            }
            self.looked.push(sibling);
        }
    }

    /// Why no container can be made from here; `None` under FEX.
    pub(crate) fn refusal(&self) -> Option<Problem> {
        if self.runner == Runner::Fex {
            return None;
        }
        let problem = Problem::blocking(
            Code::FOREIGN_BUILD,
            format!("{self}, and its emulator cannot create user namespaces"),
        );
        let looked = self.looked.iter();
        let problem = looked.fold(problem, |p, path| p.evidence(format!("no {}", path.display())));
        let place = self.looked.first().map(|path| path.display().to_string());
        let place = place.unwrap_or_else(|| format!("bathysphere-{}", self.machine));
        Some(problem.hint(format!("install the build for {} as {place}", self.machine)))
    }
}

impl fmt::Display for Foreign {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Foreign { own, machine, .. } = self;
        write!(f, "this program is built for {own}, and the machine is {machine}")
    }
}

/// Where a build for `machine` may be, beside one for `own` at `path`: in `libexec` of the same prefix
/// or with its architecture in its name; beside one of those, the others and the plain name.
fn siblings(path: &Path, own: Tuple, machine: Tuple) -> Vec<PathBuf> {
    let (Some(directory), Some(name)) = (path.parent(), path.file_name()) else { return vec![] };
    let plain = "bathysphere";
    let mut found = Vec::new();
    if name != plain {
        // `bathysphere-<own>` beside `bathysphere`, or a tool name of its own (`pressure-vessel-wrap`).
        found.push(directory.join(plain));
    }
    if let Some(prefix) = directory.parent() {
        found.push(prefix.join("libexec/bathysphere").join(machine.name()).join(plain));
    }
    found.push(directory.join(format!("{plain}-{machine}")));
    // …/libexec/bathysphere/<own>/bathysphere
    if directory.file_name().is_some_and(|d| d == own.name())
        && let Some(shared) = directory.parent()
    {
        found.push(shared.join(machine.name()).join(plain));
        found.extend(shared.parent().and_then(Path::parent).map(|p| p.join("bin").join(plain)));
    }
    found
}

/// This program's architecture, and where builds of it are, its own among them.
pub(crate) fn builds() -> Option<(Tuple, BTreeMap<Tuple, PathBuf>)> {
    let own = Tuple::native()?;
    let path = std::fs::read_link("/proc/self/exe").ok()?;
    let mut found = BTreeMap::new();
    found.insert(own, path.clone());
    for tuple in Tuple::ALL.iter().filter(|tuple| **tuple != own) {
        let place = siblings(&path, own, *tuple).into_iter();
        let place = { place }.find(|place| architecture(place) == Some(*tuple));
        found.extend(place.map(|place| (*tuple, place)));
    }
    Some((own, found))
}

/// The architecture of the program that the kernel executed for this process.
fn executed() -> Option<Tuple> {
    let own = std::process::id();
    architecture(Path::new(&format!("/proc/self/task/{own}/exe")))
}

/// The architecture of an ELF file; `None` for anything else.
fn architecture(path: &Path) -> Option<Tuple> {
    let mut header = [0; 20];
    File::open(path).ok()?.read_exact(&mut header).ok()?;
    elf::tuple_of(&header)
}

/// The machine that FEX runs on, when FEX runs this program.
#[cfg(any(target_arch = "x86_64", target_arch = "x86"))]
fn fex() -> Option<Tuple> {
    #[cfg(target_arch = "x86")]
    use std::arch::x86::__cpuid;
    #[cfg(target_arch = "x86_64")]
    use std::arch::x86_64::__cpuid;
    let leaf = __cpuid(0x4000_0000);
    machine_of([leaf.ebx, leaf.ecx, leaf.edx], || __cpuid(0x4000_0001).eax)
}

/// FEX runs x86 programs only.
#[cfg(not(any(target_arch = "x86_64", target_arch = "x86")))]
fn fex() -> Option<Tuple> {
    None
}

/// From the registers of the first leaf, and EAX of the next.
#[cfg(any(target_arch = "x86_64", target_arch = "x86", test))]
fn machine_of(name: [u32; 3], next: impl FnOnce() -> u32) -> Option<Tuple> {
    const FEX: &[u8; 12] = b"FEXIFEXIEMU\0";
    let bytes = name.map(u32::to_le_bytes);
    if bytes.as_flattened() != FEX {
        return None;
    }
    match next() & 0xf {
        1 => Some(Tuple::X86_64),
        // There is FEX for nothing else.
        _ => Some(Tuple::Aarch64),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn fex_is_known_by_its_name() {
        let words = |name: &[u8; 12]| {
            let (words, _) = name.as_chunks::<4>();
            [words[0], words[1], words[2]].map(u32::from_le_bytes)
        };
        for (name, next, want) in [
            (b"FEXIFEXIEMU\0", 2, Some(Tuple::Aarch64)),
            (b"FEXIFEXIEMU\0", 0xff1, Some(Tuple::X86_64)),
            (b"KVMKVMKVM\0\0\0", 2, None),
        ] {
            assert_eq!(machine_of(words(name), || next), want);
        }
        assert_eq!(Foreign::detect(), None, "this test is run natively");
    }

    /// Under FEX the machine is looked at through `/proc/self/root`; natively that is the same, for the
    /// other tests of this process, too.
    #[test]
    fn the_real_root_by_its_other_name_gives_the_same_plan() {
        use compose::{Facts, Inherited, Request, RuntimeChoice};
        use plan::HostPath;
        let directory = tempfile::tempdir().unwrap();
        for name in ["usr/bin", "usr/lib", "etc"] {
            std::fs::create_dir_all(directory.path().join(name)).unwrap();
        }
        let plans = || {
            let directory = RuntimeChoice::Dir(HostPath::new(directory.path()).unwrap());
            [RuntimeChoice::Host, directory].map(|runtime| {
                let command = vec!["true".into()];
                let request = Request { command, runtime, ..Request::default() };
                let variables = [("HOME", "/nonexistent/home"), ("PATH", "/usr/bin:/bin")];
                let inherited: Inherited = variables.into_iter().collect();
                compose::compose(&request, &Facts::gather(inherited).unwrap())
            })
        };
        let by_path = plans();
        inspect::root::ask_below(HostPath::literal(REAL_ROOT));
        assert_eq!(by_path, plans());
        assert!(by_path[0].is_ok(), "{by_path:?}");
    }

    #[test]
    fn where_native_builds_are() {
        let (x86, arm) = (Tuple::X86_64, Tuple::Aarch64);
        for (path, want) in [
            (
                "/opt/b/bin/bathysphere",
                &[
                    "/opt/b/libexec/bathysphere/aarch64-linux-gnu/bathysphere",
                    "/opt/b/bin/bathysphere-aarch64-linux-gnu",
                ][..],
            ),
            (
                "/d/bathysphere-x86_64-linux-gnu",
                &[
                    "/d/bathysphere",
                    "/libexec/bathysphere/aarch64-linux-gnu/bathysphere",
                    "/d/bathysphere-aarch64-linux-gnu",
                ],
            ),
            (
                "/usr/libexec/bathysphere/x86_64-linux-gnu/bathysphere",
                &[
                    "/usr/libexec/bathysphere/libexec/bathysphere/aarch64-linux-gnu/bathysphere",
                    "/usr/libexec/bathysphere/x86_64-linux-gnu/bathysphere-aarch64-linux-gnu",
                    "/usr/libexec/bathysphere/aarch64-linux-gnu/bathysphere",
                    "/usr/bin/bathysphere",
                ],
            ),
        ] {
            let got = siblings(Path::new(path), x86, arm);
            assert_eq!(got, want.iter().map(PathBuf::from).collect::<Vec<_>>());
        }
    }
}

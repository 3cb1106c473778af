//! The versions of the parts of NVIDIA's driver, which work only with their own kind.
//!
//! The kernel module says its version in `/proc/driver/nvidia/version` (and `/sys/module/nvidia/version`,
//! which a container may not have); each library has it in its file name. Mirrors the check of the
//! libraries themselves ("API mismatch" in the kernel's log), without loading them. Must not decide
//! what is done about a difference.

use crate::linker::Linker;
use crate::root::Root;
use plan::{Code, Problem, RootPath, Tuple};
use std::ffi::OsStr;
use std::os::unix::ffi::OsStrExt;

/// How the version is found in a text.
type Find = fn(&str) -> Option<String>;

/// Where the kernel module says its version, and where that is in the text.
const KERNEL: &[(&str, Find)] = &[
    ("/proc/driver/nvidia/version", in_banner),
    ("/sys/module/nvidia/version", |text| version(text.trim()).map(ToOwned::to_owned)),
];

/// Libraries that are of the driver's version: what comes before it in their names. `libcuda` and
/// `libGLX_nvidia` also have links whose names end with an ABI version, which has no dot.
const LIBRARIES: &[&str] = &[
    "libGLX_nvidia.so.",
    "libEGL_nvidia.so.",
    "libnvidia-glcore.so.",
    "libnvidia-eglcore.so.",
    "libnvidia-glvkspirv.so.",
    "libnvidia-ptxjitcompiler.so.",
    "libcuda.so.",
];

/// Longest version that is believed, in bytes.
const LONGEST: usize = 32;

/// A loaded kernel module.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Module {
    /// Such as `550.54.14`.
    pub version: String,
    /// The file that says so.
    pub from: RootPath,
    /// Whether it is the one with open source.
    pub is_open: bool,
}

/// A library of the driver.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Library {
    /// Its architecture, as far as its directory says.
    pub tuple: Tuple,
    /// Where it is.
    pub path: RootPath,
    /// The version in its name.
    pub version: String,
}

/// Both parts.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Driver {
    /// The kernel module, when one is loaded.
    pub module: Option<Module>,
    /// The libraries, by architecture and path.
    pub libraries: Vec<Library>,
}

/// Looks for the kernel module in `host` and for libraries in the directories of the linkers, which
/// are those of the graphics provider.
pub fn driver(host: &Root, linkers: &[Linker<'_>]) -> Driver {
    let mut libraries: Vec<Library> = linkers.iter().flat_map(libraries).collect();
    libraries.sort_unstable();
    libraries.dedup();
    Driver { module: module(host), libraries }
}

/// The kernel module that is loaded.
pub fn module(host: &Root) -> Option<Module> {
    KERNEL.iter().find_map(|(path, parse)| {
        let from = RootPath::literal(path);
        let text = host.read(&from).ok()?;
        let text = String::from_utf8_lossy(&text);
        Some(Module { version: parse(&text)?, is_open: text.contains("Open Kernel Module"), from })
    })
}

/// `NVRM version: NVIDIA UNIX x86_64 Kernel Module  535.183.01  Sun May 12 …`
fn in_banner(text: &str) -> Option<String> {
    let line = text.lines().find(|line| line.starts_with("NVRM version:"))?;
    line.split_whitespace().find_map(version).map(ToOwned::to_owned)
}

/// Numbers separated by dots, at least two of them.
fn version(text: &str) -> Option<&str> {
    let is_number = |part: &str| !part.is_empty() && part.bytes().all(|b| b.is_ascii_digit());
    let fits = text.len() <= LONGEST && text.contains('.') && text.split('.').all(is_number);
    fits.then_some(text)
}

fn libraries(linker: &Linker<'_>) -> Vec<Library> {
    let mut out = vec![];
    for directory in linker.directories() {
        // A directory that cannot be read is none that drivers are loaded from.
        for entry in linker.root().list(&directory).unwrap_or_default() {
            let Some(version) = in_name(&entry.name) else { continue };
            let Ok(path) = directory.join(&entry.name) else { continue };
            let Ok(elf) = crate::elf::read(linker.root(), &path) else { continue };
            if elf.tuple == Some(linker.tuple()) {
                out.push(Library { tuple: linker.tuple(), path, version: version.into() });
            }
        }
    }
    out
}

fn in_name(name: &OsStr) -> Option<&str> {
    let name = std::str::from_utf8(name.as_bytes()).ok()?;
    LIBRARIES.iter().find_map(|start| version(name.strip_prefix(start)?))
}

impl Driver {
    /// The libraries that do not fit the kernel module: of an architecture that has none of its
    /// version. Where several versions are installed, as Flatpak does, the right one serves.
    pub fn misfits(&self) -> Vec<&Library> {
        let Some(module) = &self.module else { return vec![] };
        let fits = |library: &&Library| library.version == module.version;
        let served = |tuple| self.libraries.iter().filter(fits).any(|l| l.tuple == tuple);
        self.libraries.iter().filter(|library| !served(library.tuple)).collect()
    }

    /// The same for the user to read: a warning for each architecture.
    pub fn problems(&self) -> Vec<Problem> {
        let Some(module) = &self.module else { return vec![] };
        let misfits = self.misfits();
        let mut tuples: Vec<Tuple> = misfits.iter().map(|library| library.tuple).collect();
        tuples.dedup();
        let about = |tuple: Tuple| {
            let mut problem = Problem::warning(Code::NVIDIA_MISMATCH, "");
            let of_tuple = misfits.iter().filter(|library| library.tuple == tuple);
            let mut versions: Vec<&str> = of_tuple.clone().map(|l| l.version.as_str()).collect();
            versions.sort_unstable();
            versions.dedup();
            problem.cause = format!(
                "the NVIDIA kernel module is version {}, the {tuple} libraries are {}: graphics \
                 will not work",
                module.version,
                versions.join(" and ")
            );
            problem = problem.evidence(format!("{} says {}", module.from, module.version));
            for library in of_tuple {
                problem = problem.evidence(format!("{}", library.path));
            }
            problem.hint(
                "restart the machine, so that the module of the installed driver is loaded; if that \
                 does not help, install both parts from one source",
            )
        };
        tuples.into_iter().map(about).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::linker::Options;
    use plan::HostPath;
    use testkit::{ElfBuilder, TreeBuilder};

    const CLOSED: &str = "NVRM version: NVIDIA UNIX x86_64 Kernel Module  535.183.01  Sun May 12 \
                          19:39:15 UTC 2024\nGCC version:  gcc version 12.2.0 (Debian 12.2.0-14) \n";
    const OPEN: &str = "NVRM version: NVIDIA UNIX Open Kernel Module for x86_64  550.54.14  Release \
                        Build  (dvs-builder@U16-A24-23-2)  Thu Feb 22 01:38:45 UTC 2024\n";

    #[test]
    fn versions_in_text() {
        for (text, want) in [
            (CLOSED, Some("535.183.01")),
            (OPEN, Some("550.54.14")),
            ("NVRM version: NVIDIA\n", None),
            ("GCC version: 12.2.0", None),
            ("", None),
        ] {
            assert_eq!(in_banner(text).as_deref(), want, "{text}");
        }
        for (name, want) in [
            ("libnvidia-glcore.so.535.183.01", Some("535.183.01")),
            ("libGLX_nvidia.so.0", None),
            ("libcuda.so.1", None),
            ("libcuda.so.470.256.02", Some("470.256.02")),
            ("libnvidia-ml.so.535.1", None),
            ("libcuda.so.1.x", None),
        ] {
            assert_eq!(in_name(OsStr::new(name)), want, "{name}");
        }
    }

    fn root(table: &str) -> (TreeBuilder, Root) {
        let tree = TreeBuilder::new().unwrap().table(table).unwrap();
        let root = Root::open(HostPath::new(tree.path()).unwrap()).unwrap();
        (tree, root)
    }

    /// What the host has, libraries by architecture, what the problems say.
    type Row = (&'static str, &'static [(Tuple, &'static str)], &'static [&'static str]);

    #[test]
    fn parts_that_do_not_fit() {
        let table: &[Row] = &[
            // Nothing of NVIDIA; a module that is loaded without libraries; libraries without it.
            ("usr/", &[], &[]),
            ("sys/module/nvidia/version = 535.183.01", &[], &[]),
            ("usr/", &[(Tuple::X86_64, "535.183.01")], &[]),
            (
                "sys/module/nvidia/version = 535.183.01",
                &[(Tuple::X86_64, "535.183.01"), (Tuple::I386, "535.183.01")],
                &[],
            ),
            (
                "sys/module/nvidia/version = 535.183.01",
                &[(Tuple::X86_64, "550.54.14"), (Tuple::I386, "550.54.14")],
                &["x86_64-linux-gnu libraries are 550.54.14", "i386-linux-gnu libraries are 550"],
            ),
            // Only the 32-bit libraries were left behind.
            (
                "sys/module/nvidia/version = 550.54.14",
                &[(Tuple::X86_64, "550.54.14"), (Tuple::I386, "535.183.01")],
                &["i386-linux-gnu libraries are 535.183.01"],
            ),
            // An older version beside the right one.
            (
                "sys/module/nvidia/version = 550.54.14",
                &[(Tuple::X86_64, "550.54.14"), (Tuple::X86_64, "535.183.01")],
                &[],
            ),
        ];
        for (host, libraries, want) in table {
            let (_keep, host_root) = root(&format!("usr/\n{host}"));
            let (mut tree, _) = root("usr/lib/");
            for (tuple, version) in *libraries {
                let path = format!("usr/lib/{tuple}/libnvidia-glcore.so.{version}");
                let elf = ElfBuilder::shared(*tuple).build();
                tree = tree.file(&path, &elf).unwrap();
                let ld = ElfBuilder::shared(*tuple).build();
                tree = tree.file(tuple.interpreter().trim_start_matches('/'), &ld).unwrap();
            }
            let provider = Root::open(HostPath::new(tree.path()).unwrap()).unwrap();
            let linkers: Vec<Linker<'_>> = [Tuple::X86_64, Tuple::I386]
                .into_iter()
                .filter_map(|tuple| Linker::new(&provider, tuple, Options::default()).ok())
                .collect();
            let driver = driver(&host_root, &linkers);
            assert_eq!(driver.libraries.len(), libraries.len(), "{host}: {driver:?}");
            let problems = driver.problems();
            assert_eq!(problems.len(), want.len(), "{host}: {problems:?}");
            for (problem, part) in problems.iter().zip(*want) {
                assert_eq!(problem.code, Code::NVIDIA_MISMATCH);
                assert!(problem.cause.contains(part), "{}", problem.cause);
                assert!(problem.evidence.iter().any(|l| l.contains("libnvidia-glcore")));
            }
        }
    }

    #[test]
    fn the_banner_counts_before_the_module_parameter() {
        let table = "usr/\nsys/module/nvidia/version = 1.2";
        let (tree, _) = root(table);
        let tree = tree.file("proc/driver/nvidia/version", OPEN.as_bytes()).unwrap();
        let root = Root::open(HostPath::new(tree.path()).unwrap()).unwrap();
        let module = module(&root).unwrap();
        assert_eq!((module.version.as_str(), module.is_open), ("550.54.14", true));
    }
}

//! Emulators: what the kernel hands foreign programs to, and FEX's files.

use compose::Facts;
use inspect::emulator::{self, Kind, fex};
use inspect::manifest::Environment;
use inspect::root::Root;
use plan::{HostPath, Problem, Tuple};
use serde::Serialize;

/// What is found.
#[derive(Debug, Serialize)]
pub(super) struct Emulators {
    /// Why nothing is known of registrations.
    pub(super) binfmt_misc: Option<String>,
    pub(super) registrations: Vec<Registration>,
    /// Programs of emulators that are installed, registered or not.
    pub(super) programs: Vec<Program>,
    /// Where FEX's configuration says that its root is, and what is there.
    pub(super) fex_rootfs: Option<Rootfs>,
}

/// An entry of `binfmt_misc` for programs of a known architecture.
#[derive(Debug, Serialize)]
pub(super) struct Registration {
    pub(super) name: String,
    pub(super) enabled: bool,
    pub(super) interpreter: String,
    /// `fex`, `qemu`, `box`, `other`.
    pub(super) emulator: &'static str,
    /// The architectures whose programs are handed to it.
    pub(super) tuples: Vec<Tuple>,
    /// As the kernel shows them: `OCPF`.
    pub(super) flags: String,
    /// What is wrong with the interpreter.
    pub(super) trouble: Option<String>,
}

/// A program of an emulator.
#[derive(Debug, Serialize)]
pub(super) struct Program {
    pub(super) path: String,
    pub(super) emulator: &'static str,
    pub(super) r#static: bool,
}

/// FEX's root.
#[derive(Debug, Serialize)]
pub(super) struct Rootfs {
    pub(super) setting: String,
    pub(super) origin: String,
    pub(super) found: Option<String>,
}

/// Programs that are looked for, in the usual directories.
const PROGRAMS: &[&str] = &[
    "FEX",
    "FEXInterpreter",
    "FEXLoader",
    "qemu-x86_64",
    "qemu-x86_64-static",
    "qemu-i386",
    "qemu-i386-static",
    "qemu-aarch64",
    "qemu-aarch64-static",
    "box64",
    "box86",
];
const DIRECTORIES: &[&str] = &["/usr/local/bin", "/usr/bin"];

/// Looks.
pub(super) fn look(facts: &Facts, _: &mut Vec<Problem>) -> Emulators {
    let root = &facts.host;
    let env = Environment::new(facts.environment.iter());
    let (binfmt_misc, registrations) = match emulator::registry(root, &facts.mounts) {
        Ok(registry) => {
            let off = (!registry.enabled).then(|| "switched off as a whole".to_owned());
            let known = registry.registrations.iter().map(|entry| registration(root, entry));
            (off, known.filter(|entry| !entry.tuples.is_empty()).collect())
        }
        Err(absent) => (Some(absent.to_string()), vec![]),
    };
    let config = fex::config(root, &env, None);
    let rootfs = fex::rootfs(root, &env, &config).map(|rootfs| Rootfs {
        setting: rootfs.setting.value.to_string(),
        origin: rootfs.setting.origin.clone(),
        found: rootfs.found.map(|(found, _)| found.path.to_string()),
    });
    Emulators { binfmt_misc, registrations, programs: programs(root), fex_rootfs: rootfs }
}

fn name_of(kind: Kind) -> &'static str {
    match kind {
        Kind::Fex => "fex",
        Kind::Qemu => "qemu",
        Kind::Box => "box",
        Kind::Other => "other",
    }
}

fn registration(root: &Root, entry: &emulator::Registration) -> Registration {
    let flags = &entry.flags;
    let letters = [
        ('O', flags.open_binary),
        ('C', flags.credentials),
        ('P', flags.preserve_argv0),
        ('F', flags.fixed),
    ];
    // With `F` the kernel has the program open, wherever it was.
    let missing = emulator::program(root, &entry.interpreter).err().filter(|_| !flags.fixed);
    Registration {
        name: entry.name.clone(),
        enabled: entry.enabled,
        interpreter: entry.interpreter.to_string(),
        emulator: name_of(Kind::of_interpreter(root, &entry.interpreter)),
        tuples: entry.tuples(),
        flags: letters.iter().filter(|(_, set)| *set).map(|(letter, _)| letter).collect(),
        trouble: missing.map(|error| error.to_string()),
    }
}

fn programs(root: &Root) -> Vec<Program> {
    let paths = DIRECTORIES.iter().flat_map(|directory| {
        PROGRAMS.iter().map(move |name| HostPath::literal(directory).at(name))
    });
    paths
        .filter_map(|path| {
            let program = emulator::program(root, &path).ok()?;
            Some(Program {
                emulator: path.file_name().map_or("other", |name| name_of(Kind::of_name(name))),
                path: path.to_string(),
                r#static: program.is_static(),
            })
        })
        .collect()
}

//! Where qemu-user looks for the program interpreter of a program: what a static probe, which has
//! none, cannot be asked.
//!
//! The program is the probe with a program header changed into `PT_INTERP`. Nothing that a case has
//! is a dynamic linker, and qemu says which it is: not found, or found and no ELF file.

use crate::ask::{Outcome, Programs, Way, ask, command, fixed, questions_file};
use crate::case::{self, Case, PREFIX};
use crate::world::World;
use plan::simulate::{Call, Kind, Namespace, View};
use plan::{ContainerPath, Emulator, Op, Source};
use std::path::{Path, PathBuf};

/// What is below the prefix, as operations; what is beside it; the interpreter.
const ROWS: &[(&[&str], &[&str], &str)] = &[
    (&["x lib/ld"], &[], "/lib/ld"),
    (&[], &["x lib/ld"], "/lib/ld"),
    (&["l lib usr/lib", "x usr/lib/ld"], &["x lib/a"], "/lib/ld"),
    // An absolute link leads out of the prefix …
    (&["l lib/ld /usr/lib/ld", "x usr/lib/ld"], &[], "/lib/ld"),
    // … to what is there.
    (&["l lib/ld /usr/lib/ld"], &["x usr/lib/ld"], "/lib/ld"),
    (&["l lib/ld nothing"], &["x lib/ld"], "/lib/ld"),
    (&["l lib/ld ld"], &["x lib/ld"], "/lib/ld"),
    (&["x lib/ld"], &["x a/ld"], "/lib/../a/ld"),
    (&["x lib/ld"], &[], "lib/ld"),
    (&[], &["x lib/ld"], "lib/ld"),
    (&[], &[], "/lib/ld"),
];

/// Numbers of elf.h.
const PT_INTERP: u32 = 3;
const PT_GNU_STACK: u32 = 0x6474_e551;

fn u64_at(bytes: &[u8], at: usize) -> usize {
    usize::try_from(u64::from_le_bytes(bytes[at..at + 8].try_into().unwrap())).unwrap()
}

/// The 64-bit program, with an interpreter.
fn with_interpreter(program: &[u8], interpreter: &str) -> Vec<u8> {
    let mut bytes = program.to_vec();
    let (table, count) = (u64_at(&bytes, 32), u16::from_le_bytes([bytes[56], bytes[57]]));
    let header = (0..usize::from(count))
        .map(|index| table + index * 56)
        .find(|at| bytes[*at..*at + 4] == PT_GNU_STACK.to_le_bytes())
        .expect("rust-lld makes one");
    let offset = bytes.len() as u64;
    bytes.extend_from_slice(interpreter.as_bytes());
    bytes.push(0);
    let size = interpreter.len() as u64 + 1;
    bytes[header..header + 4].copy_from_slice(&PT_INTERP.to_le_bytes());
    let values = [offset, offset, offset, size, size, 1];
    for (index, value) in values.iter().enumerate() {
        let at = header + 8 + index * 8;
        bytes[at..at + 8].copy_from_slice(&value.to_le_bytes());
    }
    bytes
}

/// Every row: whether qemu opens a file there, and the simulation finds one.
pub(crate) fn check_all(programs: &Programs) -> usize {
    let probe = std::fs::read(&programs.foreign).unwrap();
    for (below, beside, interpreter) in ROWS {
        let entries = |lines: &[&str]| lines.iter().map(|line| case::entry(line)).collect();
        let case = Case { trees: vec![entries(below), entries(beside)], ..Case::default() };
        let world = World::of(&case);
        let program: PathBuf = world.path().join("program");
        std::fs::write(&program, with_interpreter(&probe, interpreter)).unwrap();
        std::fs::set_permissions(&program, std::os::unix::fs::PermissionsExt::from_mode(0o755))
            .unwrap();
        std::fs::write(questions_file(&world), "").unwrap();

        let programs = Programs { foreign: program, ..programs.clone() };
        let mut ops = vec![bind(&world.path().join("t1"), "/"), bind_prefix(world.path())];
        ops.extend(fixed(&Way::Qemu, &programs, &questions_file(&world)));
        let plan = case::plan(&[], ops, command(&Way::Qemu));
        let Outcome::Refused(said) = ask(&Way::Qemu, &programs, &world, &plan, &[]) else {
            panic!("{interpreter} is a dynamic linker");
        };
        let real = match (said.contains("Could not open"), said.contains("Invalid ELF image")) {
            (true, false) => false,
            (false, true) => true,
            _ => panic!("{interpreter}: {said}"),
        };

        let namespace = Namespace::of(&plan).unwrap();
        let view = View::Emulated { rules: Emulator::Qemu, root: ContainerPath::literal(PREFIX) };
        let top = ContainerPath::root();
        let found = namespace.resolve(&view, Call::Interpreter, &top, interpreter.as_bytes());
        let simulated = found.as_ref().is_ok_and(|found| found.kind == Kind::File);
        assert_eq!(simulated, real, "{below:?} {beside:?} {interpreter}: {found:?}\n{said}");
    }
    ROWS.len()
}

fn bind(source: &Path, to: &str) -> Op {
    Op::Bind {
        source: Source::Host(case::host(source)),
        at: case::at(to),
        access: plan::Access::ReadOnly,
        optional: false,
    }
}

fn bind_prefix(world: &Path) -> Op {
    bind(&world.join("t0"), PREFIX)
}

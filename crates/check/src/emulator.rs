//! Whether the emulator itself can start in the container: its program, its program interpreter and
//! its libraries, all in the native view, in which the kernel and its dynamic linker look for them.

use crate::evidence;
use crate::execute::{Obstacle, Program, Wrong};
use crate::libraries;
use crate::scene::{Scene, Who};
use inspect::elf;
use inspect::root::{Filesystem, Resolved};
use plan::simulate::Call;
use plan::{ByteString, Code, Composition, Emulation, Problem, RootPath, Severity};
use std::collections::BTreeSet;
use std::rc::Rc;

const HINT: &str = "install the emulator's package completely, or use a static build of it (Debian: \
                    `qemu-user-static`)";

/// See the module.
pub(crate) fn check(scene: &Scene<'_>) -> Vec<Problem> {
    let Some(emulation) = scene.emulation() else { return vec![] };
    let mut found: Vec<Problem> = match &emulation.composition {
        Composition::Overlay { fixed: true, .. } => held_open(scene, emulation),
        Composition::Overlay { .. } => in_container(scene, emulation.program.as_bytes()),
        Composition::Direct { prefix, container_argv } => {
            let server = emulation.server.iter().filter_map(|s| s.argv.first());
            let words = prefix.first().into_iter().chain(container_argv.first()).chain(server);
            let words: BTreeSet<&ByteString> = words.collect();
            words.into_iter().flat_map(|word| in_container(scene, word.as_bytes())).collect()
        }
    };
    // The command may do without it.
    if !scene.command().is_emulated() {
        found.iter_mut().for_each(|problem| problem.severity = Severity::Warning);
    }
    found
}

/// A program that the container must have.
fn in_container(scene: &Scene<'_>, path: &[u8]) -> Vec<Problem> {
    let shown = ByteString(path.to_vec());
    match scene.execute(Who::Native, path) {
        Ok(run) => match &run.program {
            Some(program) if program.who == Who::Emulated => {
                let why = format!("it is for {}, which it is to run itself", program.tuple);
                vec![problem(&shown, why).hint(HINT)]
            }
            Some(program) => {
                libraries::of_program(scene, program, Some(Code::EMULATOR_CANNOT_START))
            }
            None => vec![],
        },
        Err(obstacle) => vec![explain(&shown, &obstacle)],
    }
}

/// A program that the kernel holds open: its interpreter and libraries are looked for in the container.
fn held_open(scene: &Scene<'_>, emulation: &Emulation) -> Vec<Problem> {
    let Some(program) = RootPath::new(emulation.program.as_path()).ok() else { return vec![] };
    // It may be a file of another root by now.
    let Some(file) = scene.world.host.find(&program) else { return vec![] };
    let Ok(elf) = elf::read_resolved(scene.world.host, &file) else { return vec![] };
    let Some(interpreter) = elf.interpreter.clone() else { return vec![] };
    let Some(tuple) = elf.tuple else { return vec![] };
    let shown = ByteString(emulation.program.as_bytes().to_vec());
    match scene.resolve(Who::Native, Call::Interpreter, interpreter.as_bytes()) {
        Err(failure) => {
            let why = format!("its interpreter `{interpreter}` does not exist in the container");
            return vec![evidence::failed(problem(&shown, why), &failure).hint(HINT)];
        }
        Ok(found) => {
            let start = scene.namespace().content(&found, 64).unwrap_or_default();
            if elf::tuple_of(&start).is_some_and(|t| t != tuple) {
                let why = format!("its interpreter `{interpreter}` is for another architecture");
                return vec![evidence::found(problem(&shown, why), &found).hint(HINT)];
            }
        }
    }
    // Only where the container has it at the same place can the search start from it.
    let same =
        scene.root(Who::Native).find(&program).is_some_and(|f: Resolved| f.host == file.host);
    if !same {
        return vec![];
    }
    let program = Program { who: Who::Native, tuple, file, elf: Rc::new(elf) };
    libraries::of_program(scene, &program, Some(Code::EMULATOR_CANNOT_START))
}

fn problem(program: &ByteString, why: String) -> Problem {
    let cause = format!("the emulator `{program}` cannot start: {why}");
    Problem::blocking(Code::EMULATOR_CANNOT_START, cause)
}

fn explain(program: &ByteString, obstacle: &Obstacle) -> Problem {
    let problem = |why: String| problem(program, why).hint(HINT);
    match obstacle {
        Obstacle::Missing(failure) => {
            evidence::failed(problem("it does not exist in the container".into()), failure)
        }
        Obstacle::Refused(failure) => {
            evidence::failed(problem("it cannot be executed".into()), failure)
        }
        Obstacle::ProgramInterpreter { interpreter, failure, .. } => {
            let name = ByteString(interpreter.clone());
            let why = format!("its interpreter `{name}` does not exist in the container");
            evidence::failed(problem(why), failure)
        }
        Obstacle::WrongInterpreter { interpreter, is, .. } => {
            let is = match is {
                Wrong::For(other) => format!("for {other}"),
                Wrong::NoProgram => "no program".into(),
            };
            let why = format!("its interpreter `{}` is {is}", interpreter.path);
            evidence::found(problem(why), interpreter)
        }
        Obstacle::Foreign { program, header, .. } => {
            let why = format!("it is for {}, which this machine does not run", header.name());
            evidence::found(problem(why), program)
        }
        Obstacle::Handler { program, .. } => {
            evidence::found(problem("it needs an emulator itself".into()), program)
        }
        Obstacle::ScriptInterpreter { script, failure, .. } => {
            let why = format!("it is a script whose interpreter `{}` is missing", failure.at);
            evidence::found(problem(why), script)
        }
        Obstacle::TooManyScripts { .. } => problem("its scripts call each other".into()),
        Obstacle::NotForEmulator { script: file }
        | Obstacle::NoProgram(file)
        | Obstacle::Line { script: file, .. } => {
            evidence::found(problem("it is not a program".into()), file)
        }
    }
}

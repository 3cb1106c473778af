//! What `execve` will do with a file, without doing it.
//!
//! Mirrors Linux' fs/exec.c (`exec_binprm`: at most five scripts, one the interpreter of the other),
//! fs/binfmt_script.c, fs/binfmt_elf.c (`load_elf_binary`, the interpreter's architecture) and
//! fs/binfmt_misc.c, and what emulators do in their place (`plan::simulate`'s rows).

use crate::scene::{Scene, Who};
use inspect::binfmt::Absent;
use inspect::elf::{Elf, Header};
use inspect::root::Resolved;
use inspect::shebang::{self, BUFFER, Line, Refused};
use plan::simulate::{Call, Failure, Found, Kind, Reason};
use plan::{Composition, Emulator, Tuple};
use std::ffi::OsStr;
use std::os::unix::ffi::OsStrExt;
use std::rc::Rc;

/// Scripts that may be each other's interpreters (`exec_binprm`).
const MAX_SCRIPTS: usize = 5;

/// A program that will run.
#[derive(Clone)]
pub(crate) struct Program {
    pub(crate) who: Who,
    pub(crate) tuple: Tuple,
    pub(crate) file: Resolved,
    pub(crate) elf: Rc<Elf>,
}

/// What comes of executing a file.
#[derive(Clone, Default)]
pub(crate) struct Run {
    /// The scripts, the first one first, each with its line.
    pub(crate) scripts: Vec<(Found, Line)>,
    /// The program that runs in the end; `None` where something runs that is not known further.
    pub(crate) program: Option<Program>,
}

/// What an interpreter is that it must not be.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Wrong {
    /// An ELF file for something else.
    For(String),
    /// No ELF file.
    NoProgram,
}

/// Why a file cannot be executed.
pub(crate) enum Obstacle {
    /// It is not there.
    Missing(Failure),
    /// It is there and the kernel refuses it: no file, no permission, `noexec`.
    Refused(Failure),
    /// The interpreter that a script names cannot be had.
    ScriptInterpreter { script: Found, line: Line, failure: Failure },
    /// Scripts that are each other's interpreters.
    TooManyScripts { scripts: Vec<Found> },
    /// The first line of a script is no good; the C library then gives the file to `/bin/sh`.
    Line { script: Found, why: Refused },
    /// The program interpreter of an ELF file cannot be had.
    ProgramInterpreter { program: Found, tuple: Tuple, interpreter: Vec<u8>, failure: Failure },
    /// The program interpreter of an ELF file is there, and of no use.
    WrongInterpreter { program: Found, tuple: Tuple, interpreter: Found, is: Wrong },
    /// It is a program for another architecture, which nobody runs here.
    Foreign { program: Found, header: Header, certain: bool },
    /// It is for an interpreter of `binfmt_misc` that does not exist in the container.
    Handler { program: Found, name: String, failure: Failure },
    /// The emulator runs programs only, and this is a script.
    NotForEmulator { script: Found },
    /// It is neither a program nor a script; the C library then gives it to `/bin/sh`.
    NoProgram(Found),
}

/// What `execvp` does after a failure.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Next {
    /// It looks further along the search path.
    Search,
    /// The same, but the error is EACCES in the end.
    Remember,
    /// It gives the file to the shell.
    Shell,
    /// It gives up.
    Stop,
}

impl Obstacle {
    pub(crate) fn next(&self) -> Next {
        let by_reason = |failure: &Failure| match failure.reason {
            Reason::NotFound | Reason::Whiteout(_) | Reason::NotADirectory => Next::Search,
            Reason::Denied | Reason::NotExecutable => Next::Remember,
            Reason::NoInterpreter => Next::Shell,
            _ => Next::Stop,
        };
        match self {
            Obstacle::Missing(failure)
            | Obstacle::Refused(failure)
            | Obstacle::ScriptInterpreter { failure, .. }
            | Obstacle::ProgramInterpreter { failure, .. }
            | Obstacle::Handler { failure, .. } => by_reason(failure),
            Obstacle::Line { .. } | Obstacle::NoProgram(_) => Next::Shell,
            Obstacle::TooManyScripts { .. }
            | Obstacle::WrongInterpreter { .. }
            | Obstacle::Foreign { .. }
            | Obstacle::NotForEmulator { .. } => Next::Stop,
        }
    }
}

impl Scene<'_> {
    /// What comes of executing the file at `path`.
    pub(crate) fn execute(&self, who: Who, path: &[u8]) -> Result<Run, Box<Obstacle>> {
        let found =
            self.resolve(who, Call::Execute, path).map_err(|failure| match failure.reason {
                Reason::NotFound | Reason::Whiteout(_) | Reason::NotADirectory => {
                    Obstacle::Missing(failure)
                }
                _ => Obstacle::Refused(failure),
            })?;
        let mut run = Run::default();
        self.load(who, path, found, &mut run)?;
        Ok(run)
    }

    fn load(
        &self,
        who: Who,
        path: &[u8],
        found: Found,
        run: &mut Run,
    ) -> Result<(), Box<Obstacle>> {
        let size = u64::try_from(BUFFER).unwrap_or(u64::MAX);
        // What may be executed and not read: nothing can be said of it.
        let Ok(start) = self.namespace().content(&found, size) else { return Ok(()) };
        if let Some(header) = Header::of(&start) {
            return self.load_elf(who, path, found, header, &start, run);
        }
        let line = match shebang::parse(&start) {
            Some(Ok(line)) => line,
            _ if self.handler(path, &start).is_some() => return Ok(()),
            Some(Err(why)) => return Err(Obstacle::Line { script: found, why }.into()),
            None => return Err(Obstacle::NoProgram(found).into()),
        };
        if self.refuses_scripts(who) {
            return Err(Obstacle::NotForEmulator { script: found }.into());
        }
        if run.scripts.len() == MAX_SCRIPTS {
            let scripts = run.scripts.drain(..).map(|(script, _)| script);
            return Err(
                Obstacle::TooManyScripts { scripts: scripts.chain([found]).collect() }.into()
            );
        }
        let interpreter = line.interpreter.clone();
        let next = match self.resolve(who, Call::Shebang, &interpreter) {
            Ok(next) => next,
            Err(failure) => {
                return Err(Obstacle::ScriptInterpreter { script: found, line, failure }.into());
            }
        };
        run.scripts.push((found, line));
        self.load(who, &interpreter, next, run)
    }

    /// qemu-user, where it is prepended to the command, opens the file as a program.
    fn refuses_scripts(&self, who: Who) -> bool {
        who == Who::Emulated
            && self.emulation().is_some_and(|e| {
                e.emulator == Emulator::Qemu && matches!(e.composition, Composition::Direct { .. })
            })
    }

    fn load_elf(
        &self,
        who: Who,
        path: &[u8],
        found: Found,
        header: Header,
        start: &[u8],
        run: &mut Run,
    ) -> Result<(), Box<Obstacle>> {
        let by = match header.tuple() {
            Some(tuple) if self.is_emulated(tuple) && self.reaches_emulator(who) => {
                Some((Who::Emulated, tuple))
            }
            Some(tuple) if self.is_native(tuple) => Some((Who::Native, tuple)),
            _ => None,
        };
        let Some((by, tuple)) = by else {
            return self.load_foreign(path, found, header, start);
        };
        let root = self.root(by);
        // What cannot be read further may run all the same.
        let Ok(file) = root.adopt(found.clone()) else { return Ok(()) };
        let Some(elf) = self.elf(by, &file) else { return Ok(()) };
        if let Some(interpreter) = &elf.interpreter {
            self.interpreter(by, tuple, &found, interpreter.as_bytes())?;
        }
        run.program = Some(Program { who: by, tuple, file, elf });
        Ok(())
    }

    /// Whether a foreign program that is executed comes to the emulator: always where the kernel
    /// starts it; where it is prepended, from below it.
    fn reaches_emulator(&self, who: Who) -> bool {
        self.is_overlay() || who == Who::Emulated
    }

    fn interpreter(
        &self,
        by: Who,
        tuple: Tuple,
        program: &Found,
        interpreter: &[u8],
    ) -> Result<(), Box<Obstacle>> {
        let program = program.clone();
        let found = match self.resolve(by, Call::Interpreter, interpreter) {
            Ok(found) => found,
            Err(failure) => {
                let interpreter = interpreter.to_vec();
                return Err(
                    Obstacle::ProgramInterpreter { program, tuple, interpreter, failure }.into()
                );
            }
        };
        let Ok(start) = self.namespace().content(&found, 64) else { return Ok(()) };
        let is = match Header::of(&start) {
            Some(header) if header.tuple() == Some(tuple) => return Ok(()),
            Some(header) => Wrong::For(header.name()),
            None => Wrong::NoProgram,
        };
        Err(Obstacle::WrongInterpreter { program, tuple, interpreter: found, is }.into())
    }

    fn load_foreign(
        &self,
        path: &[u8],
        program: Found,
        header: Header,
        start: &[u8],
    ) -> Result<(), Box<Obstacle>> {
        let Some(handler) = self.handler(path, start) else {
            // Entries that cannot be seen from here may be there.
            let certain = !matches!(
                (self.world.registry)(),
                Err(Absent::NotMounted | Absent::Unreadable { .. })
            );
            return Err(Obstacle::Foreign { program, header, certain }.into());
        };
        if handler.fixed {
            return Ok(());
        }
        let interpreter = handler.interpreter;
        match self.resolve(Who::Native, Call::Interpreter, &interpreter) {
            Ok(_) => Ok(()),
            Err(failure) => Err(Obstacle::Handler { program, name: handler.name, failure }.into()),
        }
    }

    /// Who in `binfmt_misc` takes the file.
    fn handler(&self, path: &[u8], start: &[u8]) -> Option<Handler> {
        let registry = (self.world.registry)().ok().filter(|registry| registry.enabled)?;
        let name = OsStr::from_bytes(path.rsplit(|b| *b == b'/').next().unwrap_or(path));
        let entries = registry.registrations.iter().filter(|r| r.enabled);
        let mut fitting = entries.filter(|r| r.matches(start, name));
        let first = fitting.next()?;
        // Of several it is not known which comes first: one that needs no file is taken to be it.
        let fixed = first.flags.fixed || fitting.any(|r| r.flags.fixed);
        let interpreter = first.interpreter.as_bytes().to_vec();
        Some(Handler { name: first.name.clone(), interpreter, fixed })
    }
}

struct Handler {
    name: String,
    interpreter: Vec<u8>,
    /// Whether the kernel has it open.
    fixed: bool,
}

/// Whether something was found that is a regular file without any executable bit.
pub(crate) fn lacks_bit(found: &Found) -> bool {
    found.kind == Kind::File && found.mode & 0o111 == 0
}

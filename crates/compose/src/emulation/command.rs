//! The command as the kernel must be told it.
//!
//! The supervisor is native, and so is what the kernel resolves for it: in the overlay composition the
//! runtime's programs have another name there, and in the direct one an emulator stands before them. A
//! script is followed to its interpreter here, because the kernel would look for that among native
//! programs. Mirrors execvp(3); the first line of a script is [`inspect::shebang`]'s.

use crate::draft::Draft;
use crate::facts::Facts;
use crate::named;
use crate::reserved;
use inspect::elf;
use inspect::root::{Kind, Resolved, Root};
use inspect::shebang::{self, Line};
use plan::{ByteString, ContainerPath, RootPath, Tuple};
use std::ffi::OsStr;
use std::io::Read;
use std::os::unix::ffi::OsStrExt;

/// As much of a file as the kernel looks at.
const START: u64 = shebang::BUFFER as u64;

/// Scripts whose interpreter is a script are followed so far (fs/exec.c).
const DEPTH: usize = 4;

/// Where programs are looked for.
pub(crate) struct Programs<'a> {
    pub(crate) facts: &'a Facts,
    pub(crate) runtime: &'a Root,
    /// The directories of `PATH`.
    pub(crate) path: Vec<RootPath>,
    /// Where the command starts.
    pub(crate) working_directory: RootPath,
    /// Whether the host's own system directories are there too, behind the runtime's.
    pub(crate) host_below: bool,
}

/// A program of the runtime or of a shared directory.
#[derive(Debug)]
pub(crate) struct Program {
    /// Its name, as emulated programs know it.
    pub(crate) asked: RootPath,
    /// The file.
    pub(crate) found: Resolved,
    /// Whether the runtime has it.
    pub(crate) of_runtime: bool,
    /// How it starts.
    start: Vec<u8>,
}

/// What executes the command: the program itself, or the interpreter of the script that it is.
#[derive(Debug)]
pub(crate) struct Chain {
    /// What is executed.
    pub(crate) program: Program,
    /// Its arguments, of which the first may be an option of a script's first line.
    pub(crate) arguments: Vec<ByteString>,
    /// Whether a script was followed.
    pub(crate) is_script: bool,
}

impl<'a> Programs<'a> {
    /// With the `PATH` that the command will have.
    pub(crate) fn new(
        facts: &'a Facts,
        runtime: &'a Root,
        draft: &Draft,
        working_directory: &ContainerPath,
    ) -> Self {
        let path = draft.environment.get("PATH").map(|p| p.as_bytes().to_vec());
        let path = path.unwrap_or_else(|| b"/usr/bin:/bin".to_vec());
        let parts = path.split(|b| *b == b':');
        Self {
            facts,
            runtime,
            path: parts.filter_map(|p| RootPath::new(OsStr::from_bytes(p)).ok()).collect(),
            working_directory: RootPath::new(working_directory.as_path())
                .unwrap_or_else(|_| RootPath::root()),
            host_below: draft.has_interpreter_root(),
        }
    }

    /// Follows the command to what is executed; `None` where nothing of that name is found.
    pub(crate) fn follow(&self, command: &[ByteString]) -> Option<Chain> {
        let (word, rest) = command.split_first()?;
        let program = self.search(word)?;
        let mut chain = Chain { program, arguments: rest.to_vec(), is_script: false };
        for _ in 0..DEPTH {
            let Some(Ok(line)) = shebang::parse(&chain.program.start) else { break };
            let Some((program, option)) = self.interpreter(line) else { break };
            let script = chain.program.asked.as_bytes().to_vec().into();
            let mut arguments: Vec<ByteString> = option.into_iter().collect();
            arguments.push(script);
            arguments.append(&mut chain.arguments);
            chain = Chain { program, arguments, is_script: true };
        }
        Some(chain)
    }

    /// The interpreter that a script names. `env NAME` is followed to NAME: what env would start is
    /// looked up by the kernel among native programs.
    fn interpreter(&self, line: Line) -> Option<(Program, Option<ByteString>)> {
        let program = self.search(&line.interpreter.into())?;
        let option = line.argument.map(ByteString::from);
        let is_env = program.asked.file_name() == Some(OsStr::new("env"));
        let name = option.as_ref().filter(|name| {
            is_env && !name.as_bytes().starts_with(b"-") && !name.as_bytes().contains(&b'=')
        });
        match name.and_then(|name| self.search(name)) {
            Some(named) => Some((named, None)),
            None => Some((program, option)),
        }
    }

    /// As execvp(3): along `PATH`, unless the name has a slash.
    fn search(&self, word: &ByteString) -> Option<Program> {
        if word.as_bytes().contains(&b'/') {
            let relative = word.as_bytes().first() != Some(&b'/');
            let base = if relative { self.working_directory.as_bytes() } else { b"" };
            let whole = [base, b"/", word.as_bytes()].concat();
            return self.look(&named::lexical(OsStr::from_bytes(&whole))?, relative);
        }
        let paths: Vec<RootPath> =
            self.path.iter().filter_map(|d| d.join(word.as_os_str()).ok()).collect();
        let executable = |p: &Program| p.found.mode & 0o111 != 0;
        // The runtime's at any of these before the host's at any: see `overlay::adapt`.
        let own = paths.iter().find_map(|p| self.load(self.runtime, p, true).filter(executable));
        own.or_else(|| paths.iter().find_map(|p| self.look(p, false).filter(executable)))
    }

    /// What emulated programs find at a path; relative ones are resolved by the kernel.
    fn look(&self, path: &RootPath, relative: bool) -> Option<Program> {
        let in_runtime = || self.load(self.runtime, path, true);
        let on_host = || {
            let shown = self.host_below || reserved::why(path).is_none();
            shown.then(|| self.load(&self.facts.host, path, false)).flatten()
        };
        if relative && self.host_below { on_host() } else { in_runtime().or_else(on_host) }
    }

    fn load(&self, root: &Root, path: &RootPath, of_runtime: bool) -> Option<Program> {
        let found = root.find(path).filter(|f| f.kind == Kind::File)?;
        let mut start = vec![];
        // What cannot be read may still be executed.
        if let Ok(Some(file)) = root.open_file(&found) {
            let _ = std::fs::File::from(file).take(START).read_to_end(&mut start);
        }
        Some(Program { asked: path.clone(), found, of_runtime, start })
    }
}

impl Program {
    /// Its architecture, if it is an ELF file of a known one.
    pub(crate) fn tuple(&self) -> Option<Tuple> {
        elf::tuple_of(&self.start)
    }

    /// The name of a program of the runtime below `base` for the kernel: as asked, because many
    /// programs do by their name what they do; free of links where one of them would lead out of
    /// the runtime. Links in `relative` directories were made relative.
    pub(crate) fn below(&self, base: &ContainerPath, relative: &[RootPath]) -> ContainerPath {
        let leaves = self.found.trail.iter().any(|step| {
            let text = step.target.as_bytes();
            if step.at.parent().is_some_and(|d| d == RootPath::root() || relative.contains(&d)) {
                return false;
            }
            let up = text.split(|b| *b == b'/').filter(|c| *c == b"..").count();
            let depth = step.at.as_bytes().iter().filter(|b| **b == b'/').count();
            text.first() == Some(&b'/') || up >= depth
        });
        base.lexically(if leaves { &self.found.path } else { &self.asked })
    }
}

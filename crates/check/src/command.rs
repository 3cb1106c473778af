//! Whether the command can be executed: found, a program or a script, its interpreter there and of the
//! right architecture, in the view in which it will run.

use crate::evidence;
use crate::execute::{Obstacle, Program, Run, Wrong, lacks_bit};
use crate::scene::{Scene, Who};
use crate::search::{Outcome, Search};
use inspect::elf::Header;
use inspect::shebang::{self, Line, Refused};
use plan::simulate::{Call, Failure, Found, Kind};
use plan::{ByteString, Code, Composition, Problem, RootPath, Tuple};

/// The command, looked for as it will be.
pub(crate) struct Command {
    /// What an emulator before the command comes to.
    before: Option<Search>,
    /// The command itself.
    own: Search,
    /// Its first word.
    word: Vec<u8>,
    /// What `env` in the first line of a script will look for.
    named: Option<(Vec<u8>, Search)>,
}

impl Command {
    /// Looks for the command of the plan.
    pub(crate) fn of(scene: &Scene<'_>) -> Self {
        let words = &scene.plan().command;
        let prefix = match scene.emulation().map(|e| &e.composition) {
            Some(Composition::Direct { prefix, .. }) => prefix.len().min(words.len()),
            _ => 0,
        };
        let word = |at: usize| words.get(at).map(|w| w.as_bytes().to_vec()).unwrap_or_default();
        let before = (prefix > 0).then(|| scene.search(Who::Native, &word(0), None));
        let who = if prefix > 0 { Who::Emulated } else { Who::Native };
        let own = scene.search(who, &word(prefix), None);
        let named = match &own.outcome {
            Outcome::Runs { run, by_shell: None } => named(scene, who, run),
            _ => None,
        };
        Self { before, own, word: word(prefix), named }
    }

    /// The program that runs in the end, as far as it is known.
    pub(crate) fn program(&self) -> Option<&Program> {
        let last = self.named.as_ref().map_or(&self.own, |(_, search)| search);
        program(last)
    }

    /// Every program that is executed on the way to it, an emulator before it aside.
    pub(crate) fn programs(&self) -> impl Iterator<Item = &Program> {
        let named = self.named.as_ref().map(|(_, search)| search);
        [Some(&self.own), named].into_iter().flatten().filter_map(program)
    }

    /// Whether it is run by the emulator.
    pub(crate) fn is_emulated(&self) -> bool {
        self.before.is_some() || self.programs().any(|p| p.who == Who::Emulated)
    }

    /// The command's first word.
    pub(crate) fn word(&self) -> ByteString {
        ByteString(self.word.clone())
    }
}

fn program(search: &Search) -> Option<&Program> {
    match &search.outcome {
        Outcome::Runs { run, .. } => run.program.as_ref(),
        _ => None,
    }
}

/// What `env` looks for, where it is the interpreter of the script.
fn named(scene: &Scene<'_>, who: Who, run: &Run) -> Option<(Vec<u8>, Search)> {
    let (_, Line { interpreter, argument }) = run.scripts.last()?;
    let base = interpreter.rsplit(|b| *b == b'/').next()?;
    if base != b"env" {
        return None;
    }
    let wanted = shebang::env(argument.as_deref()?)?;
    // Who executes env executes what it names.
    let who = run.program.as_ref().map_or(who, |p| p.who);
    let search = scene.search(who, &wanted.program, wanted.path.as_deref());
    Some((wanted.program, search))
}

/// See the module.
pub(crate) fn check(scene: &Scene<'_>) -> Vec<Problem> {
    let command = scene.command();
    let mut found: Vec<Problem> = vec![];
    if let Some(before) = &command.before {
        let word = scene.plan().command.first().cloned().unwrap_or_default();
        found.extend(outcome(scene, &word, before));
    }
    found.extend(outcome(scene, &command.word(), &command.own));
    if let Some((name, search)) = &command.named {
        let script = command.word();
        found.extend(by_env(&script, name, search, scene));
    }
    found
}

fn outcome(scene: &Scene<'_>, word: &ByteString, search: &Search) -> Option<Problem> {
    match &search.outcome {
        Outcome::Runs { by_shell: None, .. } => None,
        Outcome::Runs { by_shell: Some(obstacle), .. } => match &**obstacle {
            Obstacle::Line { script, why } => Some(bad_line(script, *why)),
            _ => None,
        },
        Outcome::Nowhere => Some(not_found(scene, word, search)),
        Outcome::Fails { path, obstacle } => explain(scene, word, path, obstacle),
    }
}

fn not_found(scene: &Scene<'_>, word: &ByteString, search: &Search) -> Problem {
    let cause = format!("`{word}` does not exist in the container");
    let mut problem = Problem::blocking(Code::COMMAND_NOT_FOUND, cause);
    let mut on_host = false;
    for path in &search.tried {
        let who = if scene.command().before.is_some() { Who::Emulated } else { Who::Native };
        if let Err(failure) = scene.resolve(who, Call::Execute, path) {
            problem = match search.tried.len() {
                1 => evidence::failed(problem, &failure),
                _ => problem.evidence(format!("tried {}", ByteString(path.clone()))),
            };
        }
        on_host |= host_path(path).is_some_and(|path| scene.world.host.find(&path).is_some());
    }
    let has_slash = word.as_bytes().contains(&b'/');
    let hint = match (has_slash && !is_system(word.as_bytes()), on_host) {
        (true, true) => {
            "this machine has it and the container does not: share its directory with \
             `--filesystem DIR`"
        }
        (false, true) => {
            "this machine has it and the runtime does not: use `--runtime host`, or name a program \
             of the runtime"
        }
        (true, false) => "check the path; what is outside of your home is shared by `--filesystem`",
        (false, false) if has_slash => "check the path; the programs there are the runtime's",
        (false, false) => "check the spelling, or name the command by its path in the container",
    };
    problem.hint(hint)
}

fn host_path(path: &[u8]) -> Option<RootPath> {
    RootPath::new(ByteString(path.to_vec()).as_os_str()).ok()
}

/// Whether a path is one that the runtime has the say over.
pub(crate) fn is_system(path: &[u8]) -> bool {
    let top = path.split(|b| *b == b'/').find(|c| !c.is_empty()).unwrap_or_default();
    path.starts_with(b"/")
        && (matches!(top, b"usr" | b"bin" | b"sbin" | b"etc") || top.starts_with(b"lib"))
}

fn explain(
    scene: &Scene<'_>,
    word: &ByteString,
    path: &[u8],
    obstacle: &Obstacle,
) -> Option<Problem> {
    Some(match obstacle {
        Obstacle::Missing(failure) | Obstacle::Refused(failure) => {
            return refused(scene, word, path, failure);
        }
        Obstacle::ScriptInterpreter { script, line, failure } => {
            script_interpreter(script, line, failure)
        }
        Obstacle::TooManyScripts { scripts } => too_many(scripts),
        Obstacle::Line { script, why } => bad_line(script, *why),
        Obstacle::ProgramInterpreter { program, tuple, interpreter, failure } => {
            program_interpreter(scene, program, *tuple, interpreter, failure)
        }
        Obstacle::WrongInterpreter { program, tuple, interpreter, is } => {
            wrong_interpreter(program, *tuple, interpreter, is)
        }
        Obstacle::Foreign { program, header, certain } => foreign(program, header, *certain),
        Obstacle::Handler { program, name, failure } => handler(program, name, failure),
        Obstacle::NotForEmulator { script } => not_for_emulator(script),
        // `/bin/sh` does not run either, of which the check of the shell tells.
        Obstacle::NoProgram(_) => return None,
    })
}

/// `None` where it cannot be said for certain why, so that the kernel is asked.
fn refused(
    scene: &Scene<'_>,
    word: &ByteString,
    path: &[u8],
    failure: &Failure,
) -> Option<Problem> {
    let who = if scene.command().before.is_some() { Who::Emulated } else { Who::Native };
    let found = scene.resolve(who, Call::Stat, path).ok();
    let (why, hint) = match &found {
        Some(found) if found.kind == Kind::Directory => {
            ("it is a directory".to_owned(), "name a program in it".to_owned())
        }
        Some(found) if found.kind != Kind::File => {
            ("it is not a regular file".into(), "name a program".into())
        }
        Some(found) if lacks_bit(found) => {
            let hint = match scene.namespace().host_file(found) {
                Some(host) => format!("if it is a program, make it one: `chmod +x {host}`"),
                None => "name a program".into(),
            };
            ("it is not marked as executable".into(), hint)
        }
        Some(found) => {
            let host = scene.namespace().host_file(found)?;
            return (scene.world.mounted_noexec)(host);
        }
        None if matches!(failure.reason, plan::simulate::Reason::Loop) => {
            ("it is a symbolic link that leads to itself".into(), "mend the link".into())
        }
        None => return None,
    };
    let cause = format!("`{word}` cannot be executed: {why}");
    let problem = Problem::blocking(Code::COMMAND_NOT_EXECUTABLE, cause).hint(hint);
    Some(match &found {
        Some(found) => evidence::found(problem, found),
        None => evidence::failed(problem, failure),
    })
}

fn script_interpreter(script: &Found, line: &Line, failure: &Failure) -> Problem {
    let name = ByteString(line.interpreter.clone());
    let cause = format!(
        "the script `{}` cannot be executed: its interpreter `{name}` does not exist in the container",
        script.path
    );
    let hint = if line.interpreter.ends_with(b"\r") {
        carriage_return(script)
    } else {
        format!(
            "use a runtime that has `{name}`, or `--runtime host` for this machine's programs; or \
             correct the first line of the script"
        )
    };
    let problem = Problem::blocking(Code::INTERPRETER_MISSING, cause);
    evidence::failed(problem.evidence(first_line(line)), failure).hint(hint)
}

fn carriage_return(script: &Found) -> String {
    format!(
        "its lines end as Windows has them, and the carriage return counts as part of the name: \
         `sed -i 's/\\r$//' {}`",
        script.path
    )
}

fn first_line(line: &Line) -> String {
    let argument = line.argument.clone().map(|a| format!(" {}", ByteString(a)));
    let interpreter = ByteString(line.interpreter.clone());
    format!("first line: #!{interpreter}{}", argument.unwrap_or_default())
}

fn by_env(script: &ByteString, name: &[u8], search: &Search, scene: &Scene<'_>) -> Option<Problem> {
    let shown = ByteString(name.to_vec());
    match &search.outcome {
        Outcome::Nowhere => {
            let cause = format!(
                "the script `{script}` cannot be executed: `env` looks for `{shown}`, which does \
                 not exist in the container"
            );
            let problem = Problem::blocking(Code::INTERPRETER_MISSING, cause);
            let tried =
                search.tried.iter().map(|path| format!("tried {}", ByteString(path.clone())));
            let problem = tried.fold(problem, Problem::evidence);
            Some(problem.hint(if name.ends_with(b"\r") {
                "its lines end as Windows has them, and the carriage return counts as part of the \
                 name: remove them with `sed -i 's/\\r$//' FILE`"
                    .to_owned()
            } else if name.contains(&b' ') {
                "`env` takes all of the line as one name: write `#!/usr/bin/env -S …`".into()
            } else {
                format!(
                    "use a runtime that has `{shown}`, or `--runtime host` for this machine's programs"
                )
            }))
        }
        _ => outcome(scene, &shown, search),
    }
}

fn too_many(scripts: &[Found]) -> Problem {
    let first = scripts.first().map(|s| s.path.to_string()).unwrap_or_default();
    let cause = format!(
        "the script `{first}` cannot be executed: its interpreter is a script whose interpreter is \
         a script, more than five times"
    );
    let problem = Problem::blocking(Code::SCRIPT_LINE, cause);
    let lines = scripts.iter().map(|script| format!("{} is a script", script.path));
    lines.fold(problem, Problem::evidence).hint("name a program in the first line of the last one")
}

/// The C library gives such a file to `/bin/sh`, so that it need not fail.
fn bad_line(script: &Found, why: Refused) -> Problem {
    let why = match why {
        Refused::Empty => "it names no interpreter",
        Refused::TooLong => "the interpreter's name does not end within 256 bytes",
    };
    let cause = format!(
        "the kernel does not understand the first line of the script `{}`, as {why}; `/bin/sh` \
         reads it instead",
        script.path
    );
    Problem::warning(Code::SCRIPT_LINE, cause)
        .hint("shorten the line, or make a link to the interpreter")
}

fn program_interpreter(
    scene: &Scene<'_>,
    program: &Found,
    tuple: Tuple,
    interpreter: &[u8],
    failure: &Failure,
) -> Problem {
    let name = ByteString(interpreter.to_vec());
    let cause = format!(
        "`{}` cannot be executed: it is a program for {tuple}, and its interpreter `{name}` does not \
         exist in the container",
        program.path
    );
    let usual = interpreter == tuple.interpreter().as_bytes();
    let hint = if !usual {
        "the program was made for another system; share the interpreter's directory with \
         `--filesystem DIR`, or get a build for usual distributions"
            .to_owned()
    } else if scene.tuples().contains(&tuple) {
        "the runtime is damaged: verify its files in Steam, or unpack it again".into()
    } else {
        format!(
            "the runtime has no part for {tuple}: use one that has, and name {tuple} in \
             `--architectures`"
        )
    };
    evidence::failed(Problem::blocking(Code::INTERPRETER_MISSING, cause), failure).hint(hint)
}

fn wrong_interpreter(program: &Found, tuple: Tuple, interpreter: &Found, is: &Wrong) -> Problem {
    let is = match is {
        Wrong::For(other) => format!("for {other}"),
        Wrong::NoProgram => "not a program".into(),
    };
    let cause = format!(
        "`{}` cannot be executed: it is a program for {tuple}, and its interpreter `{}` is {is}",
        program.path, interpreter.path
    );
    let problem = Problem::blocking(Code::INTERPRETER_WRONG, cause);
    evidence::found(problem, interpreter)
        .hint("the runtime is damaged: verify its files in Steam, or unpack it again")
}

fn foreign(program: &Found, header: &Header, certain: bool) -> Problem {
    let cause = format!(
        "`{}` is a program for {}, which this machine does not run, and there is no emulator for it",
        program.path,
        header.name()
    );
    let problem = if certain {
        Problem::blocking(Code::FOREIGN_COMMAND, cause)
    } else {
        Problem::warning(Code::FOREIGN_COMMAND, cause)
    };
    let bits = if header.is_64_bit { "64-bit" } else { "32-bit" };
    let problem = problem.evidence(format!("its ELF header: {bits}, machine {}", header.machine));
    evidence::found(problem, program).hint(
        "get a build of the program for this machine, or install an emulator (FEX, qemu-user) that \
         is registered with the kernel, or name one with `--emulator`",
    )
}

fn handler(program: &Found, name: &str, failure: &Failure) -> Problem {
    let cause = format!(
        "`{}` cannot be executed: the kernel gives it to `{}` (entry `{name}` of binfmt_misc), which \
         does not exist in the container",
        program.path, failure.at
    );
    evidence::failed(Problem::blocking(Code::INTERPRETER_MISSING, cause), failure).hint(
        "register the interpreter with flag F (Debian: install the package with `-static` or \
         `-binfmt` in its name), or share its directory with `--filesystem DIR`",
    )
}

fn not_for_emulator(script: &Found) -> Problem {
    let cause = format!(
        "`{}` cannot be executed: it is a script, and qemu-user runs programs only",
        script.path
    );
    let problem = Problem::blocking(Code::COMMAND_NOT_EXECUTABLE, cause);
    evidence::found(problem, script)
        .hint("name the script's interpreter before it: `/bin/sh SCRIPT`")
}

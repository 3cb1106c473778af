//! Whether `/bin/sh` and `/usr/bin/env` work, which games' scripts, `system(3)` and nearly every
//! launcher script need.

use crate::evidence;
use crate::execute::Obstacle;
use crate::scene::{Scene, Who};
use plan::{Code, Problem};

/// What every system has at these places.
const SHELLS: &[(&str, &str)] = &[
    ("/bin/sh", "the command cannot start shell scripts"),
    ("/usr/bin/env", "scripts that are started by it do not work"),
];

/// See the module.
pub(crate) fn check(scene: &Scene<'_>) -> Vec<Problem> {
    let command = scene.command();
    let who = if command.is_emulated() { Who::Emulated } else { Who::Native };
    let is_command = |path: &str| command.word().as_bytes() == path.as_bytes();
    let shells = SHELLS.iter().filter(|(path, _)| !is_command(path));
    shells.filter_map(|(path, then)| one(scene, who, path, then)).collect()
}

fn one(scene: &Scene<'_>, who: Who, path: &str, then: &str) -> Option<Problem> {
    let obstacle = scene.execute(who, path.as_bytes()).err()?;
    let problem = |why: String| {
        Problem::warning(Code::SHELL_UNUSABLE, format!("`{path}` {why}: {then}"))
            .hint("use a complete runtime, or verify the files of this one")
    };
    Some(match *obstacle {
        Obstacle::Missing(failure) => {
            evidence::failed(problem("does not exist in the container".into()), &failure)
        }
        Obstacle::Refused(failure) => {
            evidence::failed(problem("cannot be executed".into()), &failure)
        }
        Obstacle::ProgramInterpreter { interpreter, failure, .. } => {
            let name = plan::ByteString(interpreter);
            let why = format!("lacks its interpreter `{name}` in the container");
            evidence::failed(problem(why), &failure)
        }
        Obstacle::WrongInterpreter { interpreter, tuple, .. } => {
            let why = format!("is for {tuple}, and its interpreter is not");
            evidence::found(problem(why), &interpreter)
        }
        Obstacle::Foreign { program, header, .. } => {
            let why = format!("is a program for {}, which nobody runs here", header.name());
            evidence::found(problem(why), &program)
        }
        Obstacle::Handler { program, failure, .. } => {
            let why = format!("needs `{}`, which is not in the container", failure.at);
            evidence::found(problem(why), &program)
        }
        Obstacle::NoProgram(file) | Obstacle::Line { script: file, .. } => {
            evidence::found(problem("is not a program".into()), &file)
        }
        Obstacle::ScriptInterpreter { script, failure, .. } => {
            let why = format!("is a script whose interpreter `{}` does not exist", failure.at);
            evidence::found(problem(why), &script)
        }
        Obstacle::TooManyScripts { .. } | Obstacle::NotForEmulator { .. } => return None,
    })
}

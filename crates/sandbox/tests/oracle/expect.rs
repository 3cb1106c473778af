//! What the simulation says to the questions.

use crate::ask::Way;
use crate::case::PREFIX;
use plan::simulate::{Call, Failure, Found, Kind, Namespace, Reason, View};
use plan::{ByteString, ContainerPath, Emulator};
use testkit::resolve::{Answer, Question};

/// The view that the probe has.
pub(crate) fn view(way: &Way) -> View {
    match way {
        Way::Qemu => View::Emulated { rules: Emulator::Qemu, root: ContainerPath::literal(PREFIX) },
        _ => View::Native,
    }
}

/// The answer; `None` where there is none, because it depends on the process.
pub(crate) fn answer(
    namespace: &Namespace<'_>,
    view: &View,
    question: &Question,
) -> Option<Answer> {
    let from = &question.from;
    let root = ContainerPath::root();
    let entered = namespace.resolve(&View::Native, Call::ChangeDirectory, &root, from.as_bytes());
    let from = match entered {
        Ok(found) if found.mode & 0o100 == 0 => return Some(Answer::NoDirectory(13)),
        Ok(found) => found.path,
        Err(failure) => return failure.reason.errno().map(Answer::NoDirectory),
    };
    let found = namespace.resolve(view, question.call, &from, question.path.as_bytes());
    let answer = found.and_then(|found| told(namespace, view, question.call, &from, found, 0));
    match answer {
        Ok(answer) => Some(answer),
        Err(failure) => failure.reason.errno().map(Answer::Failed),
    }
}

fn told(
    namespace: &Namespace<'_>,
    view: &View,
    call: Call,
    from: &ContainerPath,
    found: Found,
    depth: u32,
) -> Result<Answer, Failure> {
    let at = ByteString(found.path.as_bytes().to_vec());
    let content = |found: &Found| {
        namespace.content(found, u64::MAX).map_err(|errno| Failure {
            reason: Reason::Unreadable(errno.raw_os_error()),
            at: found.path.clone(),
            trail: vec![],
        })
    };
    Ok(match (call, found.kind) {
        (Call::Open, Kind::File) => Answer::File { content: ByteString(content(&found)?), at },
        (Call::Open, Kind::Directory) => {
            let entries = namespace.entries(found)?;
            Answer::Directory {
                entries: entries.into_iter().map(|e| (e.name, e.kind)).collect(),
                at,
            }
        }
        (Call::Open, Kind::Symlink | Kind::Other) => Answer::Special { at },
        (Call::Stat | Call::Lstat, kind) => {
            let size = match kind {
                Kind::File => content(&found)?.len() as u64,
                Kind::Symlink => found.link.as_ref().map_or(0, |l| l.as_bytes().len() as u64),
                _ => 0,
            };
            let mode = if kind == Kind::Symlink { 0 } else { found.mode };
            Answer::Status { kind, mode, size }
        }
        (Call::ReadLink, _) => Answer::Link(found.link.unwrap_or_default()),
        (Call::ChangeDirectory, _) => {
            if found.mode & 0o100 == 0 {
                let (at, trail) = (found.path, found.trail);
                return Err(Failure { reason: Reason::Denied, at, trail });
            }
            Answer::Entered(at)
        }
        (Call::Execute | Call::Interpreter | Call::Shebang, _) => {
            let content = content(&found)?;
            match content.strip_prefix(b"#!") {
                // `exec_binprm`: the sixth script is one too many.
                Some(_) if depth > 4 => {
                    let (at, trail) = (found.path, found.trail);
                    return Err(Failure { reason: Reason::Loop, at, trail });
                }
                Some(line) => {
                    let line = line.split(|b| *b == b'\n').next().unwrap_or_default();
                    let found = namespace.resolve(view, Call::Shebang, from, line)?;
                    return told(namespace, view, call, from, found, depth + 1);
                }
                None => Answer::Executable,
            }
        }
    })
}

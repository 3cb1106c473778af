//! `plan --format bwrap`: a command for a shell, or options for bwrap's `--args`.
//!
//! What the plan needs in the store is prepared for it. Contents of small files are in the store as
//! well: the shell opens them, or, without a shell, they are bound.

use super::prepared;
use crate::args::ShowPlan;
use crate::session::{Session, open_store};
use crate::stop::Stop;
use crate::{report, tidy};
use plan::export::shell::quoted;
use plan::{
    Access, ByteString, Code, HostPath, LayerEntry, LayerName, LayerSpec, Op, Plan, Problem,
    RootPath, Source,
};
use sandbox::{Error, Exported, Features};
use std::ffi::OsString;
use std::os::fd::RawFd;
use std::os::unix::ffi::OsStrExt;
use std::path::{Path, PathBuf};

/// The layer with the contents of the plan's files, under names `0`, `1` … in the plan's order.
const FILES: &str = "bathysphere-files";

/// A bwrap for which the command is made where none is installed: 0.8, as in Debian 12.
const USUAL: &[u8] = b"--perms --as-pid-1";

/// Descriptors up to this number can be opened by every shell.
const EVERY_SHELL: RawFd = 9;

pub(super) fn shown(show: &ShowPlan, session: &mut Session) -> Result<Vec<u8>, Stop> {
    let Command { program, plan, exported, files } =
        command(session, show.launch.store.as_deref(), show.null)?;
    if show.null {
        return Ok(null(&plan, &exported));
    }
    Ok(text(&program, &plan, &exported, &files))
}

/// The whole command for callers that execute it without a shell: each word ended by a NUL byte. Nothing
/// has to be opened for it.
pub(crate) fn argv(session: &mut Session) -> Result<Vec<u8>, Stop> {
    let Command { program, plan, exported, .. } = command(session, None, true)?;
    let mut out = [program.as_os_str().as_bytes(), b"\0"].concat();
    out.extend(null(&plan, &exported));
    out.extend_from_slice(b"--\0");
    for word in &exported.command {
        out.extend_from_slice(word.as_bytes());
        out.push(0);
    }
    Ok(out)
}

/// A command of bwrap, and what it needs.
struct Command {
    program: PathBuf,
    plan: Plan,
    exported: Exported,
    /// To be opened under these numbers.
    files: Vec<(RawFd, HostPath)>,
}

/// `bound`: nothing is to be opened for it.
fn command(session: &mut Session, store: Option<&Path>, bound: bool) -> Result<Command, Stop> {
    let (program, features) = bwrap(session);
    if !features.overlay {
        session.restack("this bwrap mounts no overlays");
    }
    let store = open_store(store, &session.edge)?;
    if store.is_ephemeral() {
        let why = "the store cannot be written, and what the command needs must stay";
        let hint = "name another with `--store`";
        return Err(Problem::blocking(Code::STORE_UNWRITABLE, why).hint(hint).into());
    }
    let (plan, ready) = prepared(session, &store, &|plan| {
        plan.layers.extend(files(plan));
        if bound {
            bind_files(plan);
        }
    })?;
    if ready.built {
        tidy::start(store.path());
    }
    let mut numbers = Numbers { taken: &plan.supervision.pass_fds, opened: vec![] };
    let mut data = |_: &ByteString| Ok::<RawFd, Error>(numbers.next());
    let exported = sandbox::exported(&plan, &ready.directories, features, &mut data)
        .map_err(|error| impossible(&error))?;
    let contents = ready.directories.layers.get(&LayerName(FILES.into()));
    let place = |(n, number)| Some((number, contents?.lexically(&name(n))));
    let files = numbers.opened.into_iter().enumerate().filter_map(place).collect();
    Ok(Command { program, plan, exported, files })
}

/// The bwrap that a launch would use, and what it can do.
fn bwrap(session: &Session) -> (PathBuf, Features) {
    let options = session.edge.options(session.backend);
    match sandbox::installed_bwrap(&options) {
        Ok(installed) => {
            let features = Features::probe(&installed.path);
            (installed.path, features)
        }
        Err(error) => {
            report::notice(&format!("{error}; the command is for bwrap 0.8"));
            ("bwrap".into(), Features::from_help(USUAL, false))
        }
    }
}

fn impossible(error: &Error) -> Stop {
    Problem::blocking(Code::EXPORT_IMPOSSIBLE, error.to_string())
        .hint("start the plan with `bathysphere run`, or keep it as JSON for `run --plan`")
        .into()
}

/// Contents of the plan's files as a layer; `None` when it has no files.
fn files(plan: &Plan) -> Option<LayerSpec> {
    let mut layer = LayerSpec::new(FILES);
    for step in &plan.steps {
        if let Op::File { content, mode, .. } = &step.op {
            let executable = mode & 0o111 != 0;
            let entry = LayerEntry::File { content: content.clone(), executable, modified: None };
            layer.entries.insert(name(layer.entries.len()), entry);
        }
    }
    (!layer.entries.is_empty()).then_some(layer)
}

fn name(n: usize) -> RootPath {
    RootPath::root().at(&n.to_string())
}

/// Binds of the contents in place of files made of them.
fn bind_files(plan: &mut Plan) {
    let mut n = 0;
    for step in &mut plan.steps {
        if let Op::File { at, .. } = &step.op {
            let source = Source::Layer { layer: LayerName(FILES.into()), path: name(n) };
            let at = at.clone();
            step.op = Op::Bind { source, at, access: Access::ReadOnly, optional: false };
            n += 1;
        }
    }
}

/// Numbers for descriptors that the shell opens, beside those that the command is to inherit.
struct Numbers<'p> {
    taken: &'p [RawFd],
    opened: Vec<RawFd>,
}

impl Numbers<'_> {
    fn next(&mut self) -> RawFd {
        let mut number = self.opened.last().map_or(3, |last| last + 1);
        while self.taken.contains(&number) {
            number += 1;
        }
        self.opened.push(number);
        number
    }
}

/// Options alone: bwrap takes the command from its own command line.
fn null(plan: &Plan, exported: &Exported) -> Vec<u8> {
    if exported.command.len() > plan.command.len() {
        report::notice("this bwrap cannot give modes to what it makes: directories have mode 0755");
    }
    let mut out = vec![];
    for word in &exported.options {
        out.extend_from_slice(word.as_bytes());
        out.push(0);
    }
    out
}

/// A shell script of one command, an option in each line.
fn text(program: &Path, plan: &Plan, exported: &Exported, files: &[(RawFd, HostPath)]) -> Vec<u8> {
    // Other shells than bash take one digit for the number of a descriptor.
    let every = files.iter().all(|(number, _)| *number <= EVERY_SHELL);
    let shell: &[u8] = if every { b"#!/bin/sh\n" } else { b"#!/bin/bash\n" };
    let mut out = [shell, b"exec ", &quoted(program.as_os_str().as_bytes())].concat();
    let mut modified = false;
    for word in &exported.options {
        let option = word.as_bytes().starts_with(b"--");
        // A mode belongs to the option after it.
        out.extend_from_slice(if option && !modified { b" \\\n  " } else { b" " });
        modified = word == "--perms" || (modified && !option);
        out.extend(quoted(word.as_bytes()));
    }
    out.extend_from_slice(b" \\\n  --");
    words(&exported.command, &mut out);
    for (number, file) in files {
        out.extend_from_slice(format!(" \\\n  {number}<").as_bytes());
        out.extend(quoted(file.as_bytes()));
    }
    if plan.supervision.null_stdin {
        out.extend_from_slice(b" </dev/null");
    }
    out.push(b'\n');
    out
}

fn words(words: &[OsString], out: &mut Vec<u8>) {
    for word in words {
        out.push(b' ');
        out.extend(quoted(word.as_bytes()));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_leave_those_of_the_command_alone() {
        let mut numbers = Numbers { taken: &[4, 5], opened: vec![] };
        assert_eq!([numbers.next(), numbers.next(), numbers.next()], [3, 6, 7]);
    }

    #[test]
    fn one_option_a_line_with_its_mode() {
        let exported = Exported {
            options: ["--perms", "0700", "--dir", "/a b", "--chdir", "/"]
                .map(OsString::from)
                .into(),
            command: ["game".into(), "it's".into()].into(),
        };
        let plan = Plan {
            supervision: plan::Supervision { null_stdin: true, ..Default::default() },
            ..Plan::new(vec![])
        };
        let files = [(3, HostPath::literal("/s/0"))];
        let text = text("/usr/bin/bwrap".as_ref(), &plan, &exported, &files);
        assert_eq!(
            String::from_utf8(text).unwrap(),
            "#!/bin/sh\nexec /usr/bin/bwrap \\\n  --perms 0700 --dir '/a b' \\\n  --chdir / \\\n  \
             -- game 'it'\\''s' \\\n  3</s/0 </dev/null\n"
        );
    }
}

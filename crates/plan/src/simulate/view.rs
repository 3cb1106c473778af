//! The two views: what a path means to native processes, and to emulated programs.
//!
//! An emulator looks at certain paths of certain calls below its own root first. Which ones, and what
//! it does when there is nothing, differs by emulator and call; each combination is a row here.

use super::Namespace;
use super::found::{Failure, Found, Kind, Origin, Reason, Step};
use super::walk::{Last, Reached, Walk};
use crate::{ByteString, Composition, ContainerPath, Emulator, Plan};
use serde::{Deserialize, Serialize};

/// Who looks at a path.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum View {
    /// A native process: the kernel's own rules.
    Native,
    /// A program under an emulator.
    Emulated {
        /// Whose rules hold.
        rules: Emulator,
        /// The emulator's root in the container.
        root: ContainerPath,
    },
}

/// What is done with a path. Emulators treat these differently.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Call {
    /// `open`, `openat`.
    Open,
    /// `stat`: `newfstatat`.
    Stat,
    /// `lstat`.
    Lstat,
    /// `readlink`.
    ReadLink,
    /// `execve` of a program.
    Execute,
    /// `chdir`.
    ChangeDirectory,
    /// The program interpreter (`PT_INTERP`) of a program that is executed: in the emulated view, of
    /// an emulated one.
    Interpreter,
    /// The interpreter of a script (`#!`).
    Shebang,
}

impl Call {
    /// Every call.
    pub const ALL: [Call; 8] = [
        Call::Open,
        Call::Stat,
        Call::Lstat,
        Call::ReadLink,
        Call::Execute,
        Call::ChangeDirectory,
        Call::Interpreter,
        Call::Shebang,
    ];

    fn last(self) -> Last {
        match self {
            Call::Lstat | Call::ReadLink => Last::Keep,
            _ => Last::Follow,
        }
    }
}

impl View {
    /// The view of the plan's emulated programs; `None` where it has none, or where they see what
    /// native processes see.
    pub fn emulated(plan: &Plan) -> Option<View> {
        let emulation = plan.emulation.as_ref()?;
        match (&emulation.composition, emulation.emulator) {
            (Composition::Direct { .. }, _) | (_, Emulator::Plain) => None,
            (Composition::Overlay { root, .. }, rules) => {
                Some(View::Emulated { rules, root: root.clone() })
            }
        }
    }
}

/// How a path is looked up below the emulator's root.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Below {
    /// Not at all.
    Never,
    /// As if it were `/`: absolute links and `..` stay inside (`RESOLVE_IN_ROOT` of openat2).
    InRoot,
    /// The root's path is put before it. Where that is a link with absolute text, the text is taken
    /// in place of the path, and again; the rest is the kernel's, so that links in other places lead
    /// out.
    LastLinks,
    /// The root's path is put before it, and the kernel does the rest.
    Prefixed,
    /// As `Prefixed`, if something exists there when all links are followed (`access`, `F_OK`).
    IfExists,
}

/// What an emulator does when it finds nothing below its root.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Otherwise {
    /// It takes the path as it is, whatever the error.
    Real,
    /// The same, unless there was something that is no link.
    RealUnlessNoLink,
    /// It fails: the file cannot be executed.
    NotExecutable,
}

struct Rule {
    emulator: Emulator,
    call: Call,
    below: Below,
    otherwise: Otherwise,
    name: &'static str,
}

const fn rule(
    emulator: Emulator,
    call: Call,
    below: Below,
    otherwise: Otherwise,
    name: &'static str,
) -> Rule {
    Rule { emulator, call, below, otherwise, name }
}

/// FEX 2502 to 2608: Source/Tools/LinuxEmulation/LinuxSyscalls/FileManagement.cpp
/// (`GetEmulatedFDPath`), measured for `spec/fex.md`. qemu-user 5 to 8: util/path.c (`path`) and its
/// callers in linux-user/syscall.c and elfload.c; tried with 7.2 by `sandbox/tests/oracle`. `statx`,
/// `faccessat` and the extended attributes are not redirected there (tried), and not modelled.
const RULES: &[Rule] = {
    use Below::*;
    use Call::*;
    use Emulator::*;
    use Otherwise::*;
    &[
        // openat2 with RESOLVE_IN_ROOT since 2501.
        rule(Fex, Open, InRoot, Real, "FEX (open)"),
        rule(Fex, Stat, LastLinks, Real, "FEX (stat)"),
        rule(Fex, Lstat, Prefixed, Real, "FEX (lstat)"),
        rule(Fex, ReadLink, Prefixed, RealUnlessNoLink, "FEX (readlink)"),
        rule(Fex, Execute, LastLinks, Real, "FEX (execve)"),
        rule(Fex, ChangeDirectory, Never, Real, "FEX (chdir)"),
        rule(Fex, Interpreter, LastLinks, Real, "FEX (program interpreter)"),
        rule(Fex, Shebang, LastLinks, NotExecutable, "FEX (interpreter of a script)"),
        rule(Qemu, Open, IfExists, Real, "qemu (open)"),
        rule(Qemu, Stat, IfExists, Real, "qemu (stat)"),
        rule(Qemu, Lstat, IfExists, Real, "qemu (lstat)"),
        rule(Qemu, ReadLink, IfExists, Real, "qemu (readlink)"),
        // The host's kernel executes.
        rule(Qemu, Execute, Never, Real, "qemu (execve)"),
        rule(Qemu, ChangeDirectory, Never, Real, "qemu (chdir)"),
        rule(Qemu, Interpreter, IfExists, Real, "qemu (program interpreter)"),
        rule(Qemu, Shebang, Never, Real, "qemu (interpreter of a script)"),
    ]
};

impl Emulator {
    /// Whether the emulator looks at this path below its root at all.
    fn redirects(self, path: &[u8]) -> bool {
        match self {
            // Exactly `/` is not redirected, any other spelling of it is.
            Emulator::Fex => path.first() == Some(&b'/') && path != b"/",
            Emulator::Qemu => path.first() == Some(&b'/'),
            Emulator::Plain => false,
        }
    }
}

impl<'p> Namespace<'p> {
    /// Finds what a path leads to, for a process whose working directory is `from`.
    ///
    /// # Errors
    /// When the call would fail, or what it finds depends on the process.
    pub fn resolve(
        &self,
        view: &View,
        call: Call,
        from: &ContainerPath,
        path: &[u8],
    ) -> Result<Found, Failure> {
        let mut trail = Vec::new();
        if let View::Emulated { rules, root } = view
            && rules.redirects(path)
            && let Some(rule) = RULES.iter().find(|r| r.emulator == *rules && r.call == call)
            && rule.below != Below::Never
        {
            let to = joined(root, path);
            trail.push(Step::Redirected {
                path: ByteString(path.to_vec()),
                to: ByteString(to.clone()),
                rule: rule.name,
            });
            if rule.below == Below::IfExists {
                // Decided beforehand; what the call itself then says is final.
                match self.native(Call::Stat, &ContainerPath::root(), &to, &mut Vec::new()) {
                    Ok(_) => return self.native(call, from, &to, &mut trail),
                    Err(failure) if failure.reason == Reason::Process => return Err(failure),
                    Err(failure) => {
                        trail.push(Step::FellBack { from: ByteString(to), reason: failure.reason })
                    }
                }
                return self.native(call, from, path, &mut trail);
            }
            match self.below(rule, root, path, &to, &mut trail) {
                Ok(found) => return Ok(found.with_prefix_stripped(*rules, root)),
                Err(failure) => {
                    let missing = Failure { trail: std::mem::take(&mut trail), ..failure };
                    match (rule.otherwise, missing.reason.clone()) {
                        (_, Reason::Process) => return Err(missing),
                        (Otherwise::RealUnlessNoLink, Reason::NotALink) => return Err(missing),
                        (Otherwise::NotExecutable, _) => {
                            return Err(Failure { reason: Reason::NoInterpreter, ..missing });
                        }
                        (_, reason) => {
                            trail = missing.trail;
                            trail.push(Step::FellBack { from: ByteString(to), reason });
                        }
                    }
                }
            }
        }
        self.native(call, from, path, &mut trail)
    }

    /// Below the emulator's root. What was seen there is put at the end of the trail, in failure
    /// too.
    fn below(
        &self,
        rule: &Rule,
        root: &ContainerPath,
        path: &[u8],
        to: &[u8],
        trail: &mut Vec<Step>,
    ) -> Result<Found, Failure> {
        let top = ContainerPath::root();
        let found = match rule.below {
            Below::Never | Below::Prefixed | Below::IfExists => {
                self.native(rule.call, &top, to, trail)
            }
            Below::LastLinks => {
                let to = self.last_links(root, to, trail);
                self.native(rule.call, &top, &to, trail)
            }
            Below::InRoot => {
                let start = self.native(Call::ChangeDirectory, &top, root.as_bytes(), trail)?;
                let relative = [b"./", path].concat();
                let walk = Walk::new(self, start.place.clone(), start.place, trail);
                let reached = walk.run(&relative, rule.call.last());
                reached.and_then(|reached| self.finish(rule.call, reached, trail))
            }
        };
        found.map_err(|mut failure| {
            trail.append(&mut failure.trail);
            failure
        })
    }

    /// While the path is a link with absolute text, the text below the root in its place.
    fn last_links(&self, root: &ContainerPath, to: &[u8], trail: &mut Vec<Step>) -> Vec<u8> {
        let mut to = to.to_vec();
        for _ in 0..=super::walk::MAX_LINKS {
            let link = self.native(Call::Lstat, &ContainerPath::root(), &to, &mut Vec::new());
            match link {
                Ok(Found { link: Some(text), path, .. }) if text.as_bytes().starts_with(b"/") => {
                    to = joined(root, text.as_bytes());
                    trail.push(Step::Link { at: path, target: text });
                }
                _ => break,
            }
        }
        to
    }

    /// By the kernel's rules.
    pub(super) fn native(
        &self,
        call: Call,
        from: &ContainerPath,
        path: &[u8],
        trail: &mut Vec<Step>,
    ) -> Result<Found, Failure> {
        let root = self.root();
        let start = if path.first() == Some(&b'/') || from.file_name().is_none() {
            root.clone()
        } else {
            let walk = Walk::new(self, root.clone(), root.clone(), trail);
            walk.run(from.as_bytes(), Last::Follow)?.place
        };
        let reached = Walk::new(self, root, start, trail).run(path, call.last())?;
        self.finish(call, reached, trail)
    }

    /// What the call makes of what was reached.
    fn finish(
        &self,
        call: Call,
        reached: Reached,
        trail: &mut Vec<Step>,
    ) -> Result<Found, Failure> {
        let Reached { place, node } = reached;
        let path = self.path_of(&place);
        self.note_choice(&place, trail);
        let trail = std::mem::take(trail);
        let fail = |reason, trail| Err(Failure { reason, at: path.clone(), trail });
        match call {
            Call::ReadLink if node.kind != Kind::Symlink => return fail(Reason::NotALink, trail),
            Call::ChangeDirectory if node.kind != Kind::Directory => {
                return fail(Reason::NotADirectory, trail);
            }
            Call::Execute | Call::Interpreter | Call::Shebang
                if !self.is_executable(&place, &node) =>
            {
                return fail(Reason::NotExecutable, trail);
            }
            _ => {}
        }
        let link = match node.kind {
            Kind::Symlink => match self.link(&place) {
                Ok(text) => Some(text),
                Err(errno) => return fail(Reason::of(errno), trail),
            },
            _ => None,
        };
        let origin = match self.branch(&place) {
            Some(branch) => branch.origin(&self.outside, &place.at),
            None => Origin::Made,
        };
        Ok(Found { path, origin, kind: node.kind, link, mode: node.mode, trail, place })
    }
}

/// The path with the root's before it, as emulators put them together.
fn joined(root: &ContainerPath, path: &[u8]) -> Vec<u8> {
    [root.as_bytes(), path].concat()
}

impl Found {
    /// FEX hides its root from the text of links that have it, but for the root itself.
    fn with_prefix_stripped(mut self, rules: Emulator, root: &ContainerPath) -> Self {
        if rules == Emulator::Fex
            && let Some(text) = &self.link
            && let Some(rest) = text.as_bytes().strip_prefix(root.as_bytes())
            && rest.starts_with(b"/")
        {
            self.link = Some(ByteString(rest.to_vec()));
        }
        self
    }
}

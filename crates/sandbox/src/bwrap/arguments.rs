//! The plan in bwrap's words: one row for each operation.
//!
//! bwrap adds `nosuid` and `nodev` to what it binds, as the built-in executor does, resolves sources
//! on the host before it leaves it, and makes missing mount points. The parents of these are asked
//! for one by one, because bwrap from 0.5 on gives mode 0700 to those that it makes for a bind.

use super::Features;
use crate::error::Error;
use crate::run::Prepared;
use plan::{Access, ByteString, ContainerPath, Op, Plan, StackForm};
use std::collections::{BTreeMap, BTreeSet};
use std::ffi::{OsStr, OsString};
use std::os::fd::RawFd;

/// A plan translated.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Arguments {
    /// bwrap's options, without the command.
    pub words: Vec<OsString>,
    /// Modes that this bwrap cannot give to what it makes.
    pub modes: Vec<(ContainerPath, u32)>,
}

/// Mode of what an old bwrap makes, and a new one without `--perms`.
const DEFAULT_MODE: u32 = 0o755;

/// Translates a plan. `data` is given the content of each [`Op::File`], and returns the number of a
/// descriptor from which bwrap will read it.
///
/// # Errors
/// [`Error::OverlayUnsupported`] for an overlay that this bwrap cannot mount,
/// [`Error::Unsupported`], those of `data`, and missing layers or trees.
pub fn arguments(
    plan: &Plan,
    prepared: &Prepared,
    features: Features,
    data: &mut dyn FnMut(&ByteString) -> Result<RawFd, Error>,
) -> Result<Arguments, Error> {
    let mut translation = Translation {
        features,
        links: BTreeMap::new(),
        made: BTreeSet::new(),
        out: Arguments::default(),
    };
    translation.words(["--unshare-user-try", "--die-with-parent", "--cap-drop", "ALL"]);
    if plan.namespaces.pid {
        if !features.as_pid_1 {
            let why = "it has no --as-pid-1, which a PID namespace needs".into();
            return Err(Error::Unsupported { executor: "bwrap".into(), why });
        }
        translation.words(["--unshare-pid", "--as-pid-1"]);
    }
    for step in &plan.steps {
        translation.op(&step.op, prepared, data)?;
    }
    Ok(translation.out)
}

struct Translation<'p> {
    features: Features,
    /// Links made so far. Before 0.9 bwrap refuses one that is there already.
    links: BTreeMap<&'p ContainerPath, &'p ByteString>,
    /// Directories that exist by now.
    made: BTreeSet<ContainerPath>,
    out: Arguments,
}

impl<'p> Translation<'p> {
    fn words<const N: usize>(&mut self, words: [&str; N]) {
        self.out.words.extend(words.map(OsString::from));
    }

    fn option(&mut self, name: &str, values: &[&OsStr]) {
        self.out.words.push(name.into());
        self.out.words.extend(values.iter().map(OsString::from));
    }

    /// For the option that comes next.
    fn mode(&mut self, at: &ContainerPath, mode: u32, default: u32) {
        if self.features.perms {
            self.option("--perms", &[OsStr::new(&format!("{mode:04o}"))]);
        } else if mode != default {
            self.out.modes.push((at.clone(), mode));
        }
    }

    fn op(
        &mut self,
        op: &'p Op,
        prepared: &Prepared,
        data: &mut dyn FnMut(&ByteString) -> Result<RawFd, Error>,
    ) -> Result<(), Error> {
        self.parents(op.at());
        if matches!(op, Op::Bind { .. } | Op::Stack { .. } | Op::Tmpfs { .. } | Op::Proc { .. }) {
            // What is mounted hides what was made, and may be the user's own directory, whose mode
            // is none of our business.
            self.out.modes.retain(|(path, _)| !path.is_within(op.at()));
        }
        let target = op.at().as_path().as_os_str();
        match op {
            Op::Directory { at, mode } => {
                self.mode(at, *mode, DEFAULT_MODE);
                self.option("--dir", &[target]);
            }
            Op::Symlink { at, target: text } => {
                if self.links.insert(at, text) != Some(text) {
                    self.option("--symlink", &[text.as_os_str(), target]);
                }
            }
            Op::File { at, content, mode } => {
                let fd = data(content)?.to_string();
                self.mode(at, *mode, 0o666);
                self.option("--file", &[OsStr::new(&fd), target]);
            }
            Op::Bind { source, access, optional, .. } => {
                let source = prepared.host(source)?;
                self.option(bind(*access, *optional), &[source.as_path().as_os_str(), target]);
            }
            Op::Stack { at, form: StackForm::Tree, .. } => {
                let tree = prepared.tree(at)?;
                self.option("--ro-bind", &[tree.as_path().as_os_str(), target]);
            }
            Op::Stack { at, sources, form: StackForm::Overlay } => {
                self.overlay_is_possible(at)?;
                // bwrap takes the lowest directory first.
                for source in sources.iter().rev() {
                    let source = prepared.host(source)?;
                    self.option("--overlay-src", &[source.as_path().as_os_str()]);
                }
                self.option("--ro-overlay", &[target]);
                // It mounts overlays without nosuid and nodev; remounting adds them.
                self.option("--remount-ro", &[target]);
            }
            Op::Tmpfs { at, mode } => {
                self.mode(at, *mode, DEFAULT_MODE);
                self.option("--tmpfs", &[target]);
            }
            Op::ReadOnly { .. } => self.option("--remount-ro", &[target]),
            Op::Proc { .. } => self.option("--proc", &[target]),
        }
        self.note(op);
        Ok(())
    }

    /// Remembers what exists after the operation.
    fn note(&mut self, op: &Op) {
        match op {
            Op::Directory { at, .. } => {
                self.made.insert(at.clone());
            }
            Op::Symlink { .. } | Op::File { .. } | Op::ReadOnly { .. } => {}
            // What was made there before is hidden now.
            Op::Bind { at, .. } | Op::Stack { at, .. } | Op::Tmpfs { at, .. } | Op::Proc { at } => {
                self.made.retain(|path| !path.is_within(at));
                self.made.insert(at.clone());
            }
        }
    }

    /// Makes missing parents of what is at, or will be made at, `at`.
    fn parents(&mut self, at: &ContainerPath) {
        let mut missing = Vec::new();
        let mut path = at.parent();
        while let Some(parent) = path
            && parent.file_name().is_some()
            && !self.made.contains(&parent)
        {
            path = parent.parent();
            missing.push(parent);
        }
        for parent in missing.into_iter().rev() {
            self.mode(&parent, DEFAULT_MODE, DEFAULT_MODE);
            self.option("--dir", &[parent.as_path().as_os_str()]);
            self.made.insert(parent);
        }
    }

    fn overlay_is_possible(&self, at: &ContainerPath) -> Result<(), Error> {
        let Some(why) = self.features.no_overlay() else { return Ok(()) };
        Err(Error::OverlayUnsupported { at: at.clone(), why: why.into() })
    }
}

fn bind(access: Access, optional: bool) -> &'static str {
    match (access, optional) {
        (Access::ReadOnly, false) => "--ro-bind",
        (Access::ReadOnly, true) => "--ro-bind-try",
        (Access::ReadWrite, false) => "--bind",
        (Access::ReadWrite, true) => "--bind-try",
        (Access::Device, false) => "--dev-bind",
        (Access::Device, true) => "--dev-bind-try",
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use plan::{Access, HostPath, Source, Step};

    fn plan(ops: Vec<Op>) -> Plan {
        Plan {
            steps: ops.into_iter().map(|op| Step { op, reason: "test".into() }).collect(),
            ..Plan::new(vec!["true".into()])
        }
    }

    /// An old bwrap has no `--perms`: modes are set afterwards, but never on what is mounted over the
    /// directory since, which may be the user's home.
    #[test]
    fn modes_are_not_set_through_later_mounts() {
        let directory = |at: &str, mode| Op::Directory { at: ContainerPath::literal(at), mode };
        let bind = |at: &str| Op::Bind {
            source: Source::Host(HostPath::literal(at)),
            at: ContainerPath::literal(at),
            access: Access::ReadWrite,
            optional: false,
        };
        let plan = plan(vec![
            directory("/tmp", 0o1777),
            directory("/home/user", 0o700),
            directory("/var/tmp", 0o1777),
            bind("/tmp"),
            bind("/home"),
        ]);
        let old = Features::from_help(b"--bind --dir --args", false);
        let arguments = arguments(&plan, &Prepared::default(), old, &mut |_| Ok(0)).unwrap();
        let modes: Vec<_> = arguments.modes.iter().map(|(p, m)| (p.to_string(), *m)).collect();
        assert_eq!(modes, [("/var/tmp".to_owned(), 0o1777)]);
    }
}

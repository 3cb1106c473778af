//! A launch written down: what to do, without what it was decided from.
//!
//! Compact bytes (`witness::code`), since reading JSON took longer than anything else of a warm launch. The
//! rare and small parts are JSON all the same. Reasons are left out: who wants to read them has the launch
//! composed.

use plan::{
    Access, ByteString, ContainerPath, Environment, HostPath, LayerName, Op, Plan, RootPath,
    Source, StackForm, Step, Variable,
};
use sandbox::{Backend, Bwrap, Features};
use std::ffi::OsStr;
use std::os::unix::ffi::OsStrExt;
use store::Key;
use witness::Witnesses;
use witness::code::{Damaged, Reader, Writer};

/// Raised whenever older programs' records would be misunderstood. (Other builds have other keys, so this
/// is for those who copy programs with their times.)
const MAGIC: &[u8] = b"launch1\n";

/// The parts of a record: what is needed before it is known whether it holds, and the rest.
pub(super) struct Kept<'b> {
    /// The launch was asked to say how long its phases took.
    pub(super) timings: bool,
    pub(super) witnesses: &'b [u8],
    pub(super) rest: &'b [u8],
}

impl<'b> Kept<'b> {
    pub(super) fn split(bytes: &'b [u8]) -> Result<Self, Damaged> {
        let mut from = Reader(bytes.strip_prefix(MAGIC).ok_or(Damaged)?);
        let timings = from.byte()? != 0;
        let witnesses = from.bytes()?;
        Ok(Self { timings, witnesses, rest: from.0 })
    }
}

/// What a warm launch does.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Record {
    /// Lines that the composed launch showed, and this one must show too.
    pub(super) said: Vec<String>,
    /// Directories of a private home that must exist.
    pub(super) home: Vec<HostPath>,
    /// Which executor served.
    pub(super) backend: Backend,
    /// What is known of the bwrap that served.
    pub(super) bwrap: Option<Bwrap>,
    pub(super) layers: Vec<(LayerName, Key)>,
    pub(super) trees: Vec<(ContainerPath, Key)>,
    /// Without layers, decisions, warnings and reasons.
    pub(super) plan: Plan,
}

/// Parts of the plan that are kept as JSON.
#[derive(serde::Serialize, serde::Deserialize)]
struct Rest {
    working_directory: ContainerPath,
    command: Vec<ByteString>,
    supervision: plan::Supervision,
    namespaces: plan::Namespaces,
    emulation: Option<plan::Emulation>,
}

impl Record {
    /// As bytes, with the witnesses. `None`: something of it cannot be written.
    pub(super) fn write(&self, timings: bool, witnesses: &Witnesses) -> Option<Vec<u8>> {
        let mut out = Writer(MAGIC.to_vec());
        out.byte(timings.into());
        out.bytes(witnesses.as_bytes());
        list(&mut out, &self.said, |out, line| out.bytes(line.as_bytes()));
        list(&mut out, &self.home, |out, path| out.bytes(path.as_bytes()));
        out.byte(match self.backend {
            Backend::Auto => 0,
            Backend::Builtin => 1,
            Backend::Bwrap => 2,
        });
        let bwrap = self.bwrap.as_slice();
        list(&mut out, bwrap, |out, bwrap| {
            out.bytes(bwrap.path.as_os_str().as_bytes());
            out.byte(bwrap.features.to_bits());
        });
        list(&mut out, &self.layers, |out, (name, key)| {
            out.bytes(name.0.as_bytes());
            out.bytes(key.as_str().as_bytes());
        });
        list(&mut out, &self.trees, |out, (at, key)| {
            out.bytes(at.as_bytes());
            out.bytes(key.as_str().as_bytes());
        });
        list(&mut out, &self.plan.steps, |out, step| write_op(out, &step.op));
        let variables: Vec<_> = self.plan.environment.0.iter().collect();
        list(&mut out, &variables, |out, (name, variable)| {
            out.bytes(name.as_bytes());
            match &variable.value {
                None => out.byte(0),
                Some(value) => {
                    out.byte(1);
                    out.bytes(value.as_bytes());
                }
            }
        });
        let rest = Rest {
            working_directory: self.plan.working_directory.clone(),
            command: self.plan.command.clone(),
            supervision: self.plan.supervision.clone(),
            namespaces: self.plan.namespaces,
            emulation: self.plan.emulation.clone(),
        };
        out.0.extend(serde_json::to_vec(&rest).ok()?);
        Some(out.0)
    }

    /// From what [`Kept::split`] left.
    pub(super) fn read(bytes: &[u8]) -> Result<Self, Damaged> {
        let from = &mut Reader(bytes);
        let text = |bytes: &[u8]| String::from_utf8(bytes.to_vec()).map_err(|_| Damaged);
        let key = |bytes: &[u8]| Key::parse(bytes).ok_or(Damaged);
        let said = read_list(from, |from| text(from.bytes()?))?;
        let home = read_list(from, host)?;
        let backend = match from.byte()? {
            0 => Backend::Auto,
            1 => Backend::Builtin,
            2 => Backend::Bwrap,
            _ => return Err(Damaged),
        };
        let bwrap = read_list(from, |from| {
            let path = OsStr::from_bytes(from.bytes()?).into();
            Ok(Bwrap { path, features: Features::from_bits(from.byte()?) })
        })?;
        let layers =
            read_list(from, |from| Ok((LayerName(text(from.bytes()?)?), key(from.bytes()?)?)))?;
        let trees = read_list(from, |from| Ok((container(from)?, key(from.bytes()?)?)))?;
        let steps = read_list(from, |from| Ok(Step { op: read_op(from)?, reason: String::new() }))?;
        let environment = read_list(from, |from| {
            let name = string(from)?;
            let value = if from.byte()? == 0 { None } else { Some(string(from)?) };
            Ok((name, Variable { value, reason: String::new() }))
        })?;
        let rest: Rest = serde_json::from_slice(from.0).map_err(|_| Damaged)?;
        let plan = Plan {
            schema: plan::SCHEMA,
            layers: vec![],
            steps,
            environment: Environment(environment.into_iter().collect()),
            working_directory: rest.working_directory,
            command: rest.command,
            supervision: rest.supervision,
            namespaces: rest.namespaces,
            emulation: rest.emulation,
            decisions: vec![],
            warnings: vec![],
        };
        let bwrap = bwrap.into_iter().next();
        Ok(Self { said, home, backend, bwrap, layers, trees, plan })
    }
}

fn list<T>(out: &mut Writer, items: &[T], mut write: impl FnMut(&mut Writer, &T)) {
    out.number(items.len() as u64);
    items.iter().for_each(|item| write(out, item));
}

fn read_list<'b, T>(
    from: &mut Reader<'b>,
    mut read: impl FnMut(&mut Reader<'b>) -> Result<T, Damaged>,
) -> Result<Vec<T>, Damaged> {
    let count = from.count()?;
    let mut out = Vec::with_capacity(count);
    for _ in 0..count {
        out.push(read(from)?);
    }
    Ok(out)
}

fn path<'b, P>(
    from: &mut Reader<'b>,
    new: impl FnOnce(&'b OsStr) -> Result<P, plan::PathError>,
) -> Result<P, Damaged> {
    new(OsStr::from_bytes(from.bytes()?)).map_err(|_| Damaged)
}

fn host(from: &mut Reader<'_>) -> Result<HostPath, Damaged> {
    path(from, HostPath::new)
}

fn container(from: &mut Reader<'_>) -> Result<ContainerPath, Damaged> {
    path(from, ContainerPath::new)
}

fn string(from: &mut Reader<'_>) -> Result<ByteString, Damaged> {
    Ok(ByteString(from.bytes()?.to_vec()))
}

fn mode(from: &mut Reader<'_>) -> Result<u32, Damaged> {
    u32::try_from(from.number()?).map_err(|_| Damaged)
}

/// An operation: what it is, where, and what else it has.
fn write_op(out: &mut Writer, op: &Op) {
    out.byte(match op {
        Op::Directory { .. } => 0,
        Op::Symlink { .. } => 1,
        Op::File { .. } => 2,
        Op::Bind { .. } => 3,
        Op::Stack { .. } => 4,
        Op::Tmpfs { .. } => 5,
        Op::ReadOnly { .. } => 6,
        Op::Proc { .. } => 7,
    });
    out.bytes(op.at().as_bytes());
    match op {
        Op::Directory { mode, .. } | Op::Tmpfs { mode, .. } => out.number((*mode).into()),
        Op::Symlink { target, .. } => out.bytes(target.as_bytes()),
        Op::File { content, mode, .. } => {
            out.bytes(content.as_bytes());
            out.number((*mode).into());
        }
        Op::Bind { source, access, optional, .. } => {
            write_source(out, source);
            out.byte(match access {
                Access::ReadOnly => 0,
                Access::ReadWrite => 1,
                Access::Device => 2,
            });
            out.byte((*optional).into());
        }
        Op::Stack { sources, form, .. } => {
            list(out, sources, write_source);
            out.byte(match form {
                StackForm::Overlay => 0,
                StackForm::Tree => 1,
            });
        }
        Op::ReadOnly { .. } | Op::Proc { .. } => {}
    }
}

fn read_op(from: &mut Reader<'_>) -> Result<Op, Damaged> {
    let kind = from.byte()?;
    let at = container(from)?;
    Ok(match kind {
        0 => Op::Directory { at, mode: mode(from)? },
        1 => Op::Symlink { at, target: string(from)? },
        2 => Op::File { at, content: string(from)?, mode: mode(from)? },
        3 => {
            let source = read_source(from)?;
            let access = match from.byte()? {
                0 => Access::ReadOnly,
                1 => Access::ReadWrite,
                2 => Access::Device,
                _ => return Err(Damaged),
            };
            Op::Bind { source, at, access, optional: from.byte()? != 0 }
        }
        4 => {
            let sources = read_list(from, read_source)?;
            let form = match from.byte()? {
                0 => StackForm::Overlay,
                1 => StackForm::Tree,
                _ => return Err(Damaged),
            };
            Op::Stack { at, sources, form }
        }
        5 => Op::Tmpfs { at, mode: mode(from)? },
        6 => Op::ReadOnly { at },
        7 => Op::Proc { at },
        _ => return Err(Damaged),
    })
}

fn write_source(out: &mut Writer, source: &Source) {
    match source {
        Source::Host(path) => {
            out.byte(0);
            out.bytes(path.as_bytes());
        }
        Source::Layer { layer, path } => {
            out.byte(1);
            out.bytes(layer.0.as_bytes());
            out.bytes(path.as_bytes());
        }
    }
}

fn read_source(from: &mut Reader<'_>) -> Result<Source, Damaged> {
    match from.byte()? {
        0 => Ok(Source::Host(host(from)?)),
        1 => {
            let layer = String::from_utf8(from.bytes()?.to_vec()).map_err(|_| Damaged)?;
            Ok(Source::Layer { layer: LayerName(layer), path: path(from, RootPath::new)? })
        }
        _ => Err(Damaged),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn record() -> Record {
        let at = ContainerPath::literal;
        let host = |path| Source::Host(HostPath::literal(path));
        let layer = Source::Layer { layer: LayerName("usr".into()), path: RootPath::literal("/x") };
        let bind =
            |access, optional| Op::Bind { source: host("/a"), at: at("/b"), access, optional };
        let ops = vec![
            Op::Directory { at: at("/d"), mode: 0o1777 },
            Op::Symlink { at: at("/l"), target: ByteString(b"\xff/x".to_vec()) },
            Op::File { at: at("/f"), content: ByteString(vec![0; 300]), mode: 0o444 },
            bind(Access::ReadOnly, false),
            bind(Access::ReadWrite, true),
            bind(Access::Device, false),
            Op::Stack {
                at: at("/usr"),
                sources: vec![layer.clone(), host("/r")],
                form: StackForm::Overlay,
            },
            Op::Stack { at: at("/usr"), sources: vec![host("/r"), layer], form: StackForm::Tree },
            Op::Tmpfs { at: at("/t"), mode: 0 },
            Op::ReadOnly { at: at("/t") },
            Op::Proc { at: at("/proc") },
        ];
        let step = |op| Step { op, reason: String::new() };
        let mut environment = Environment::default();
        environment.set("A", "1", "");
        environment.unset("B", "");
        let key = Key::of("x", &[]);
        Record {
            said: vec!["warning: ä".into()],
            home: vec![HostPath::literal("/h/.cache")],
            backend: Backend::Bwrap,
            bwrap: Some(Bwrap { path: "/usr/bin/bwrap".into(), features: Features::from_bits(5) }),
            layers: vec![(LayerName("usr".into()), key.clone())],
            trees: vec![(at("/usr"), key)],
            plan: Plan {
                schema: plan::SCHEMA,
                layers: vec![],
                steps: ops.into_iter().map(step).collect(),
                environment,
                working_directory: at("/w"),
                command: vec!["true".into(), ByteString(vec![0xff])],
                supervision: plan::Supervision {
                    pass_fds: vec![7],
                    locks: vec![HostPath::literal("/r/.ref")],
                    ..plan::Supervision::default()
                },
                namespaces: plan::Namespaces { pid: true },
                emulation: None,
                decisions: vec![],
                warnings: vec![],
            },
        }
    }

    #[test]
    fn what_is_written_is_read() {
        let record = record();
        let bytes = record.write(true, &Witnesses::default()).unwrap();
        let kept = Kept::split(&bytes).unwrap();
        assert!(kept.timings && kept.witnesses.is_empty());
        assert_eq!(Record::read(kept.rest), Ok(record));
    }

    #[test]
    fn damage_is_an_error_and_no_panic() {
        let bytes = record().write(false, &Witnesses::default()).unwrap();
        let read = |bytes: &[u8]| Kept::split(bytes).and_then(|kept| Record::read(kept.rest));
        for length in 0..bytes.len() {
            assert_eq!(read(&bytes[..length]), Err(Damaged), "cut at {length}");
        }
        for position in 0..bytes.len() {
            for value in [0, 1, 0x80, 0xff] {
                let mut bad = bytes.clone();
                bad[position] = value;
                // What comes of it depends on what was hit.
                let _ = read(&bad);
            }
        }
    }
}

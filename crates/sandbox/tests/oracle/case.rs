//! A case: trees, a layer, operations and questions, each with a line of text, so that a case that
//! was found can become a row of [`crate::known`].

use plan::simulate::Call;
use plan::{
    Access, ByteString, ContainerPath, HostPath, LayerEntry, LayerName, LayerSpec, Op, Plan,
    RootPath, Source, StackForm, Step, Tuple,
};
use std::fmt;
use testkit::resolve::Question;

/// One thing in a tree or layer. Paths are relative; names have no spaces.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Thing {
    /// `d MODE PATH`
    Directory(u32),
    /// `opaque PATH`: a directory that hides those below it in a stack.
    Opaque(&'static str),
    /// `f PATH`
    File,
    /// `x PATH`: a file with its executable bits.
    Executable,
    /// `s PATH INTERPRETER`: a script.
    Script(String),
    /// `e TUPLE PATH`: the start of an ELF file.
    Elf(Tuple),
    /// `l PATH TEXT`
    Link(String),
    /// `w PATH`: a whiteout.
    Whiteout,
    /// `m PATH`: a whiteout that is one by an extended attribute.
    Marked,
    /// `c LENGTH PATH`: a directory with a file `f` and a chain of links that leads to it, the first
    /// one called `0`.
    Chain(usize),
}

/// A thing and where it is.
pub(crate) type Entry = (String, Thing);

/// An operation, with sources named `t0/PATH` (a tree) or `l0/PATH` (a layer).
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Act {
    Directory { at: String, mode: u32 },
    Symlink { at: String, text: String },
    File { at: String },
    Bind { source: String, at: String, access: Access, optional: bool },
    Stack { sources: Vec<String>, at: String },
    Tmpfs { at: String, mode: u32 },
    ReadOnly { at: String },
}

#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Case {
    pub(crate) trees: Vec<Vec<Entry>>,
    pub(crate) layers: Vec<Vec<Entry>>,
    pub(crate) acts: Vec<Act>,
    pub(crate) questions: Vec<Question>,
}

/// Where the container has the static programs and the questions; no random path leads there.
pub(crate) const STAGE: &str = "/opt/stage";
pub(crate) const QUESTIONS: &str = "/opt/questions";

/// Where emulated programs look first.
pub(crate) const PREFIX: &str = "/run/ir";

impl fmt::Display for Thing {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Thing::Directory(mode) => write!(f, "d {mode:04o} %"),
            Thing::Opaque(value) => write!(f, "opaque {value} %"),
            Thing::File => f.write_str("f %"),
            Thing::Executable => f.write_str("x %"),
            Thing::Script(interpreter) => write!(f, "s % {interpreter}"),
            Thing::Elf(tuple) => write!(f, "e {tuple} %"),
            Thing::Link(text) => write!(f, "l % {text}"),
            Thing::Whiteout => f.write_str("w %"),
            Thing::Marked => f.write_str("m %"),
            Thing::Chain(length) => write!(f, "c {length} %"),
        }
    }
}

pub(crate) fn shown(entry: &Entry) -> String {
    entry.1.to_string().replace('%', &entry.0)
}

/// Reads what [`shown`] writes.
pub(crate) fn entry(line: &str) -> Entry {
    let words: Vec<&str> = line.split(' ').collect();
    let (path, thing) = match words[..] {
        ["d", mode, path] => (path, Thing::Directory(u32::from_str_radix(mode, 8).unwrap())),
        ["opaque", value, path] => {
            (path, Thing::Opaque(OPAQUE.iter().find(|v| **v == value).unwrap()))
        }
        ["f", path] => (path, Thing::File),
        ["x", path] => (path, Thing::Executable),
        ["s", path, interpreter] => (path, Thing::Script(interpreter.into())),
        ["e", tuple, path] => (path, Thing::Elf(tuple.parse().unwrap())),
        ["l", path, text] => (path, Thing::Link(text.into())),
        ["w", path] => (path, Thing::Whiteout),
        ["m", path] => (path, Thing::Marked),
        ["c", length, path] => (path, Thing::Chain(length.parse().unwrap())),
        _ => panic!("{line}"),
    };
    (path.into(), thing)
}

/// Values of the attribute that makes a directory opaque; only `y` does.
pub(crate) const OPAQUE: &[&str] = &["y", "x", "yy", "n"];

impl fmt::Display for Act {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Act::Directory { at, mode } => write!(f, "dir {mode:04o} {at}"),
            Act::Symlink { at, text } => write!(f, "symlink {at} {text}"),
            Act::File { at } => write!(f, "file {at}"),
            Act::Bind { source, at, access, optional } => {
                write!(f, "bind {access}{} {source} {at}", if *optional { "?" } else { "" })
            }
            Act::Stack { sources, at } => write!(f, "stack {at} {}", sources.join(" ")),
            Act::Tmpfs { at, mode } => write!(f, "tmpfs {mode:04o} {at}"),
            Act::ReadOnly { at } => write!(f, "ro {at}"),
        }
    }
}

/// Reads what `Display` writes.
pub(crate) fn act(line: &str) -> Act {
    let words: Vec<&str> = line.split(' ').collect();
    let mode = |text| u32::from_str_radix(text, 8).unwrap();
    match words[..] {
        ["dir", m, at] => Act::Directory { at: at.into(), mode: mode(m) },
        ["symlink", at, text] => Act::Symlink { at: at.into(), text: text.into() },
        ["file", at] => Act::File { at: at.into() },
        ["bind", how, source, at] => {
            let optional = how.ends_with('?');
            let access = match how.trim_end_matches('?') {
                "ro" => Access::ReadOnly,
                "rw" => Access::ReadWrite,
                _ => panic!("{line}"),
            };
            Act::Bind { source: source.into(), at: at.into(), access, optional }
        }
        ["stack", at, ref sources @ ..] => {
            Act::Stack { sources: sources.iter().map(|s| (*s).into()).collect(), at: at.into() }
        }
        ["tmpfs", m, at] => Act::Tmpfs { at: at.into(), mode: mode(m) },
        ["ro", at] => Act::ReadOnly { at: at.into() },
        _ => panic!("{line}"),
    }
}

/// `CALL DIRECTORY PATH`
pub(crate) fn question(line: &str) -> Question {
    let mut words = line.splitn(3, ' ');
    let call = words.next().unwrap();
    let call = serde_json::from_value(serde_json::Value::String(call.into())).unwrap();
    let from = words.next().unwrap().into();
    let path = words.next().unwrap().into();
    Question { from, call, path }
}

pub(crate) fn shown_question(question: &Question) -> String {
    let call = serde_json::to_value(question.call).unwrap();
    format!("{} {} {}", call.as_str().unwrap(), question.from, question.path)
}

impl fmt::Display for Case {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (name, all) in [("tree", &self.trees), ("layer", &self.layers)] {
            for (index, entries) in all.iter().enumerate() {
                writeln!(f, "{name} {index}:")?;
                for entry in entries {
                    writeln!(f, "    {}", shown(entry))?;
                }
            }
        }
        writeln!(f, "operations:")?;
        self.acts.iter().try_for_each(|act| writeln!(f, "    {act}"))?;
        writeln!(f, "questions:")?;
        self.questions.iter().try_for_each(|q| writeln!(f, "    {}", shown_question(q)))
    }
}

/// What a file contains: where it comes from.
pub(crate) fn content(origin: &str, path: &str, thing: &Thing) -> Vec<u8> {
    match thing {
        Thing::Script(interpreter) => format!("#!{interpreter}\n").into_bytes(),
        Thing::Elf(tuple) => {
            let class = if tuple.is_64_bit() { 2 } else { 1 };
            let mut header = vec![0x7f, b'E', b'L', b'F', class, 1, 1];
            header.resize(16, 0);
            header.extend(3u16.to_le_bytes());
            header.extend(tuple.machine().to_le_bytes());
            header.extend(format!("{origin}:{path}").into_bytes());
            header
        }
        _ => format!("{origin}:{path}").into_bytes(),
    }
}

/// The name of the chain's link, and its text.
pub(crate) fn chain(length: usize) -> impl Iterator<Item = (String, String)> {
    (0..length).map(move |i| {
        let next = if i + 1 == length { "f".into() } else { (i + 1).to_string() };
        (i.to_string(), next)
    })
}

pub(crate) fn host(path: &std::path::Path) -> HostPath {
    HostPath::new(path).unwrap()
}

pub(crate) fn at(path: &str) -> ContainerPath {
    ContainerPath::literal(path)
}

/// The layer as the plan has it.
pub(crate) fn layer(index: usize, entries: &[Entry]) -> LayerSpec {
    let mut spec = LayerSpec::new(&format!("l{index}"));
    for (path, thing) in entries {
        let path = RootPath::literal(&format!("/{path}"));
        // What lies below something that is no directory, or the other way round, is left out.
        let below = |a: &RootPath, b: &RootPath| a.is_within(b) && a != b;
        let clashes = spec.entries.iter().any(|(other, entry)| {
            *other == path
                || (below(&path, other) && !matches!(entry, LayerEntry::Directory { .. }))
                || (below(other, &path) && !matches!(thing, Thing::Directory(_)))
        });
        if clashes {
            continue;
        }
        let text = path.to_string();
        let content = ByteString(content(&format!("l{index}"), &text, thing));
        let entry = match thing {
            Thing::Directory(mode) => LayerEntry::Directory { mode: *mode },
            Thing::File | Thing::Elf(_) => LayerEntry::file(content),
            Thing::Executable | Thing::Script(_) => {
                LayerEntry::File { content, executable: true, modified: None }
            }
            Thing::Link(text) => LayerEntry::Symlink { target: text.as_str().into() },
            Thing::Whiteout => LayerEntry::Whiteout,
            // These do not exist in a description.
            Thing::Opaque(_) | Thing::Marked | Thing::Chain(_) => continue,
        };
        spec.entries.insert(path, entry);
    }
    spec
}

/// `t0/usr` below `world`, a path in a layer, or an absolute path of this machine.
fn source(text: &str, world: &std::path::Path) -> Source {
    let (name, path) = text.split_once('/').unwrap_or((text, ""));
    if name.is_empty() {
        return Source::Host(HostPath::literal(text));
    }
    if name.starts_with('l') {
        Source::Layer {
            layer: LayerName(name.into()),
            path: RootPath::literal(&format!("/{path}")),
        }
    } else {
        Source::Host(host(&world.join(name).join(path)))
    }
}

pub(crate) fn op(act: &Act, index: usize, world: &std::path::Path) -> Op {
    match act {
        Act::Directory { at: to, mode } => Op::Directory { at: at(to), mode: *mode },
        Act::Symlink { at: to, text } => Op::Symlink { at: at(to), target: text.as_str().into() },
        Act::File { at: to } => {
            Op::File { at: at(to), content: format!("op{index}").into(), mode: 0o644 }
        }
        Act::Bind { source: from, at: to, access, optional } => Op::Bind {
            source: source(from, world),
            at: at(to),
            access: *access,
            optional: *optional,
        },
        Act::Stack { sources, at: to } => Op::Stack {
            at: at(to),
            sources: sources.iter().map(|from| source(from, world)).collect(),
            form: StackForm::Overlay,
        },
        Act::Tmpfs { at: to, mode } => Op::Tmpfs { at: at(to), mode: *mode },
        Act::ReadOnly { at: to } => Op::ReadOnly { at: at(to) },
    }
}

/// What every container has, whatever else is in it.
pub(crate) fn fixed(stage: &std::path::Path, questions: &std::path::Path) -> Vec<Op> {
    let bind = |from: &std::path::Path, to: &str| Op::Bind {
        source: Source::Host(host(from)),
        at: at(to),
        access: Access::ReadOnly,
        optional: false,
    };
    vec![Op::Proc { at: at("/proc") }, bind(stage, STAGE), bind(questions, QUESTIONS)]
}

pub(crate) fn plan(layers: &[Vec<Entry>], ops: Vec<Op>, command: Vec<ByteString>) -> Plan {
    Plan {
        layers: layers.iter().enumerate().map(|(i, entries)| layer(i, entries)).collect(),
        steps: ops.into_iter().map(|op| Step { op, reason: "a test".into() }).collect(),
        ..Plan::new(command)
    }
}

/// Calls that can be compared everywhere.
pub(crate) const CALLS: &[Call] =
    &[Call::Open, Call::Stat, Call::Lstat, Call::ReadLink, Call::Execute, Call::ChangeDirectory];

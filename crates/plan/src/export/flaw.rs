//! What makes a plan unusable that is well-formed: for plans that were not made by `compose`.

use crate::{ByteString, ContainerPath, LayerEntry, LayerName, Op, Plan, RootPath, Source};
use std::collections::BTreeSet;
use std::fmt;

/// Most operations, layers or words of a command.
const MOST: usize = 100_000;

/// All bits that `chmod` can set.
const MODE_BITS: u32 = 0o7777;

/// Something that contradicts what a plan promises. Steps and layers are counted from 1 in messages.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Flaw {
    /// `command` is empty, or its first word is.
    NoCommand,
    /// A string that a system call would be given has a NUL byte.
    Nul(String),
    /// A step, or a layer's entry, wants permission bits that do not exist.
    Mode(String, u32),
    /// A step names a layer that the plan does not have.
    NoLayer {
        /// Index of the step.
        step: usize,
        /// The name.
        layer: LayerName,
    },
    /// Two layers have one name.
    LayerTwice(LayerName),
    /// A layer has an entry for its own root.
    LayerRoot(LayerName),
    /// A stack of fewer than two directories.
    Stack {
        /// Index of the step.
        step: usize,
    },
    /// A symbolic link, or a file, that would be the root directory.
    Root {
        /// Index of the step.
        step: usize,
    },
    /// A symbolic link without text.
    EmptyLink(String),
    /// The name of a variable is empty or has a `=`.
    Variable(ByteString),
    /// The path of a source has a `..`, so it was not resolved.
    DotDot {
        /// Index of the step.
        step: usize,
    },
    /// More than [`MOST`] of something.
    TooMany(&'static str),
    /// Emulation without an architecture, a program or a command for it.
    Emulation(&'static str),
}

impl fmt::Display for Flaw {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Flaw::NoCommand => f.write_str("it has no command"),
            Flaw::Nul(what) => write!(f, "{what} contains a NUL byte"),
            Flaw::Mode(what, mode) => write!(f, "{what} has the mode {mode:#o}"),
            Flaw::NoLayer { step, layer } => {
                write!(f, "step {} names the layer `{}`", step + 1, layer.0.escape_debug())?;
                f.write_str(", which the plan does not have")
            }
            Flaw::LayerTwice(name) => {
                write!(f, "two layers are called `{}`", name.0.escape_debug())
            }
            Flaw::LayerRoot(name) => {
                write!(f, "the layer `{}` has an entry for its own root", name.0.escape_debug())
            }
            Flaw::Stack { step } => {
                write!(f, "step {} stacks fewer than two directories", step + 1)
            }
            Flaw::Root { step } => write!(f, "step {} would replace the root directory", step + 1),
            Flaw::EmptyLink(what) => write!(f, "{what} is a symbolic link without text"),
            Flaw::Variable(name) => write!(f, "`{name}` cannot be the name of a variable"),
            Flaw::DotDot { step } => write!(f, "step {} has a source with `..` in it", step + 1),
            Flaw::TooMany(what) => write!(f, "it has more than {MOST} {what}"),
            Flaw::Emulation(what) => write!(f, "its emulation has {what}"),
        }
    }
}

impl Plan {
    /// Everything that is wrong with the plan itself, without a look at the machine. A plan of
    /// `compose` has no flaws.
    pub fn flaws(&self) -> Vec<Flaw> {
        let mut flaws = Vec::new();
        for (what, count) in [
            ("steps", self.steps.len()),
            ("layers", self.layers.len()),
            ("words in its command", self.command.len()),
            ("variables", self.environment.0.len()),
        ] {
            if count > MOST {
                flaws.push(Flaw::TooMany(what));
            }
        }
        if !flaws.is_empty() {
            return flaws;
        }
        command(self, &mut flaws);
        layers(self, &mut flaws);
        let known: BTreeSet<&LayerName> = self.layers.iter().map(|layer| &layer.name).collect();
        for (step, operation) in self.steps.iter().enumerate() {
            check(step, &operation.op, &known, &mut flaws);
        }
        emulation(self, &mut flaws);
        flaws
    }
}

fn nul(what: impl fmt::Display, bytes: &[u8], flaws: &mut Vec<Flaw>) {
    if bytes.contains(&0) {
        flaws.push(Flaw::Nul(what.to_string()));
    }
}

fn command(plan: &Plan, flaws: &mut Vec<Flaw>) {
    if plan.command.first().is_none_or(|word| word.as_bytes().is_empty()) {
        flaws.push(Flaw::NoCommand);
    }
    for word in &plan.command {
        nul("a word of the command", word.as_bytes(), flaws);
    }
    for (name, variable) in &plan.environment.0 {
        if name.as_bytes().is_empty() || name.as_bytes().iter().any(|b| matches!(b, b'=' | 0)) {
            flaws.push(Flaw::Variable(name.clone()));
        }
        if let Some(value) = &variable.value {
            nul(format_args!("the variable `{name}`"), value.as_bytes(), flaws);
        }
    }
    for preload in plan.supervision.ld_preload.iter().chain(&plan.supervision.ld_audit) {
        nul("a preloaded module", preload.module.as_bytes(), flaws);
    }
}

fn layers(plan: &Plan, flaws: &mut Vec<Flaw>) {
    let mut names = BTreeSet::new();
    for layer in &plan.layers {
        if !names.insert(&layer.name) {
            flaws.push(Flaw::LayerTwice(layer.name.clone()));
        }
        if layer.entries.len() > MOST {
            flaws.push(Flaw::TooMany("entries in a layer"));
            continue;
        }
        for (path, entry) in &layer.entries {
            let what = || format!("{path} in the layer `{}`", layer.name);
            if *path == RootPath::root() {
                flaws.push(Flaw::LayerRoot(layer.name.clone()));
            }
            match entry {
                LayerEntry::Directory { mode } if mode & !MODE_BITS != 0 => {
                    flaws.push(Flaw::Mode(what(), *mode));
                }
                LayerEntry::Symlink { target } => link(what(), target, flaws),
                LayerEntry::Directory { .. }
                | LayerEntry::File { .. }
                | LayerEntry::CopyOf { .. }
                | LayerEntry::Whiteout => {}
            }
        }
    }
}

fn link(what: String, target: &ByteString, flaws: &mut Vec<Flaw>) {
    nul(format_args!("the text of {what}"), target.as_bytes(), flaws);
    if target.as_bytes().is_empty() {
        flaws.push(Flaw::EmptyLink(what));
    }
}

fn check(step: usize, op: &Op, known: &BTreeSet<&LayerName>, flaws: &mut Vec<Flaw>) {
    let what = || format!("step {}", step + 1);
    let root = *op.at() == ContainerPath::root();
    match op {
        Op::Directory { mode, .. } | Op::Tmpfs { mode, .. } if mode & !MODE_BITS != 0 => {
            flaws.push(Flaw::Mode(what(), *mode));
        }
        Op::File { mode, .. } if mode & !MODE_BITS != 0 => flaws.push(Flaw::Mode(what(), *mode)),
        Op::Symlink { .. } | Op::File { .. } if root => flaws.push(Flaw::Root { step }),
        Op::Symlink { target, .. } => link(what(), target, flaws),
        Op::Bind { source, .. } => known_source(step, source, known, flaws),
        Op::Stack { sources, .. } => {
            if sources.len() < 2 {
                flaws.push(Flaw::Stack { step });
            }
            sources.iter().for_each(|source| known_source(step, source, known, flaws));
        }
        Op::Directory { .. }
        | Op::File { .. }
        | Op::Tmpfs { .. }
        | Op::ReadOnly { .. }
        | Op::Proc { .. } => {}
    }
}

fn known_source(step: usize, source: &Source, known: &BTreeSet<&LayerName>, flaws: &mut Vec<Flaw>) {
    match source {
        Source::Layer { layer, .. } if !known.contains(layer) => {
            flaws.push(Flaw::NoLayer { step, layer: layer.clone() });
        }
        Source::Host(path) if path.as_bytes().split(|b| *b == b'/').any(|part| part == b"..") => {
            flaws.push(Flaw::DotDot { step });
        }
        Source::Layer { .. } | Source::Host(_) => {}
    }
}

fn emulation(plan: &Plan, flaws: &mut Vec<Flaw>) {
    let Some(emulation) = &plan.emulation else { return };
    if emulation.tuples.is_empty() {
        flaws.push(Flaw::Emulation("no architecture"));
    }
    if let Some(server) = &emulation.server {
        if server.argv.first().is_none_or(|word| word.as_bytes().is_empty()) {
            flaws.push(Flaw::Emulation("a server without a program"));
        }
        let names = server.environment.iter().map(|(name, _)| name);
        let values = server.environment.iter().filter_map(|(_, value)| value.as_ref());
        for word in server.argv.iter().chain(names).chain(values) {
            nul("what the emulator's server is given", word.as_bytes(), flaws);
        }
    }
}

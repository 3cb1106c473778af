//! Random cases. Few names, so that things meet: trees of the three layouts of `/usr`, links of every
//! kind, whiteouts, several ABIs; operations on them; questions about what is there and what is not.

use crate::case::{Act, CALLS, Case, Entry, OPAQUE, PREFIX, Thing};
use plan::{Access, ByteString, Tuple};
use proptest::collection::vec;
use proptest::prelude::*;
use proptest::sample::select;
use testkit::resolve::Question;

const NAMES: &[&str] = &["usr", "lib", "lib64", "bin", "a", "b", "c"];

fn name() -> impl Strategy<Value = String> {
    select(NAMES).prop_map(str::to_owned)
}

fn path(most: usize) -> impl Strategy<Value = String> {
    vec(name(), 1..=most).prop_map(|names| names.join("/"))
}

fn target() -> impl Strategy<Value = String> {
    prop_oneof![
        12 => path(3).prop_map(|path| format!("/{path}")),
        1 => Just("/".to_owned()),
        1 => Just(PREFIX.to_owned()),
        2 => path(2).prop_map(|path| format!("{PREFIX}/{path}")),
    ]
}

fn text() -> impl Strategy<Value = String> {
    prop_oneof![
        4 => path(3),
        5 => path(3).prop_map(|path| format!("/{path}")),
        3 => (1..4usize, path(2)).prop_map(|(up, path)| format!("{}{path}", "../".repeat(up))),
        1 => (path(2), path(1)).prop_map(|(down, path)| format!("{down}/../{path}")),
        1 => path(2).prop_map(|path| format!("{path}/")),
        1 => path(2).prop_map(|path| format!("//{path}//.")),
        1 => path(2).prop_map(|path| format!("{PREFIX}/{path}")),
        1 => path(2).prop_map(|path| format!("/../{path}")),
        2 => select(&["/", ".", "..", "./", "../..", "/..", "//", "a/.."][..]).prop_map(str::to_owned),
    ]
}

/// Where trees lie below an overlay, whoever mounts it may search what its user may not, which cannot
/// be simulated without being that; so only layers have locked directories.
fn thing(locked: u32) -> impl Strategy<Value = Thing> {
    prop_oneof![
        5 => Just(Thing::File),
        2 => Just(Thing::Executable),
        3 => Just(Thing::Directory(0o755)),
        1 => Just(Thing::Directory(locked)),
        9 => text().prop_map(Thing::Link),
        2 => text().prop_map(Thing::Script),
        2 => select(Tuple::ALL).prop_map(Thing::Elf),
        2 => Just(Thing::Whiteout),
        1 => Just(Thing::Marked),
        2 => select(OPAQUE).prop_map(Thing::Opaque),
        1 => (37..44usize).prop_map(Thing::Chain),
    ]
}

/// What is there before the rest: a layout of `/usr`.
fn layout() -> impl Strategy<Value = Vec<Entry>> {
    let link = |path: &str, text: &str| (path.to_owned(), Thing::Link(text.into()));
    let file = |path: &str| (path.to_owned(), Thing::File);
    let merged = vec![
        link("lib", "usr/lib"),
        link("bin", "usr/bin"),
        link("lib64", "usr/lib64"),
        ("usr/bin/sh".to_owned(), Thing::Executable),
        file("usr/lib/a/b"),
        link("usr/lib64", "lib"),
    ];
    let split = vec![
        file("lib/a"),
        file("lib64/a"),
        ("bin/sh".to_owned(), Thing::Executable),
        file("usr/lib/a"),
        link("usr/bin", "/bin"),
        link("usr/lib64/a", "../../lib/a"),
    ];
    let hybrid = vec![
        link("lib", "/usr/lib"),
        file("lib64/a"),
        link("bin", "usr/bin"),
        ("usr/bin/sh".to_owned(), Thing::Executable),
        file("usr/lib/a"),
        link("usr/lib/b", "/lib64/a"),
    ];
    prop_oneof![
        2 => Just(vec![]),
        1 => Just(merged),
        1 => Just(split),
        1 => Just(hybrid),
    ]
}

fn tree() -> impl Strategy<Value = Vec<Entry>> {
    (layout(), vec((path(4), thing(0o755)), 3..14)).prop_map(|(mut entries, more)| {
        entries.extend(more);
        entries
    })
}

fn source() -> impl Strategy<Value = String> {
    prop_oneof![
        6 => (0..3usize).prop_map(|i| format!("t{i}")),
        4 => (0..3usize, path(2)).prop_map(|(i, path)| format!("t{i}/{path}")),
        2 => (0..2usize).prop_map(|i| format!("l{i}")),
        1 => (0..2usize, path(1)).prop_map(|(i, path)| format!("l{i}/{path}")),
    ]
}

fn act() -> impl Strategy<Value = Act> {
    let access = prop_oneof![3 => Just(Access::ReadOnly), 1 => Just(Access::ReadWrite)];
    let mode =
        prop_oneof![6 => Just(0o755u32), 1 => Just(0o700), 1 => Just(0o600), 1 => Just(0o555)];
    let bind = (source(), target(), access, any::<bool>());
    let bind = bind.prop_map(|(source, at, access, optional)| {
        // Layers are the store's: no plan writes to them, and the simulation refuses to.
        let access = if source.starts_with('l') { Access::ReadOnly } else { access };
        Act::Bind { source, at, access, optional }
    });
    let stack =
        (vec(source(), 2..5), target()).prop_map(|(sources, at)| Act::Stack { sources, at });
    prop_oneof![
        2 => (target(), mode).prop_map(|(at, mode)| Act::Directory { at, mode }),
        3 => (target(), text()).prop_map(|(at, text)| Act::Symlink { at, text }),
        2 => target().prop_map(|at| Act::File { at }),
        6 => bind,
        6 => stack,
        1 => target().prop_map(|at| Act::Tmpfs { at, mode: 0o755 }),
        1 => target().prop_map(|at| Act::ReadOnly { at }),
    ]
}

/// Cases with so many questions.
pub(crate) fn case(questions: usize) -> impl Strategy<Value = Case> {
    let worlds = (vec(tree(), 3), vec(vec((path(3), thing(0o600)), 2..8), 2), vec(act(), 1..9));
    (worlds, vec(any::<[u32; 8]>(), questions)).prop_map(|((trees, layers, acts), dice)| {
        let places = Places::of(&trees, &layers, &acts);
        let questions = dice.iter().map(|dice| places.question(dice)).collect();
        Case { trees, layers, acts, questions }
    })
}

/// What questions are made of.
struct Places {
    /// Targets of operations, with what their sources have.
    tops: Vec<(String, Vec<String>)>,
    /// What is anywhere.
    tails: Vec<String>,
}

/// The target of an operation, and its sources.
fn parts(act: &Act) -> (&str, Vec<&str>) {
    match act {
        Act::Bind { source, at, .. } => (at, vec![source]),
        Act::Stack { sources, at } => (at, sources.iter().map(String::as_str).collect()),
        Act::Directory { at, .. }
        | Act::Symlink { at, .. }
        | Act::File { at }
        | Act::Tmpfs { at, .. }
        | Act::ReadOnly { at } => (at, vec![]),
    }
}

/// Paths of what is in a tree, and of the directories that these are in, below one of them.
fn tails(entries: &[Entry], below: &str) -> Vec<String> {
    let mut tails = vec![String::new()];
    for (path, thing) in entries {
        let Some(rest) = path.strip_prefix(below) else { continue };
        let rest = format!("/{}", rest.trim_start_matches('/'));
        if matches!(thing, Thing::Chain(_)) {
            tails.push(format!("{rest}/0"));
        }
        tails.extend(rest.rsplit_once('/').map(|(parent, _)| parent.to_owned()));
        tails.push(rest);
    }
    tails
}

impl Places {
    fn of(trees: &[Vec<Entry>], layers: &[Vec<Entry>], acts: &[Act]) -> Self {
        let all: Vec<_> = trees.iter().chain(layers).flat_map(|t| tails(t, "")).collect();
        let mut tops = vec![(String::new(), all.clone()), (PREFIX.to_owned(), all.clone())];
        for act in acts {
            let (at, sources) = parts(act);
            let at = if at == "/" { "" } else { at };
            let mut own = Vec::new();
            for source in sources {
                let (name, below) = source.split_once('/').unwrap_or((source, ""));
                let index: usize = name[1..].parse().unwrap_or(0);
                let from = if name.starts_with('l') { layers } else { trees };
                own.extend(tails(&from[index], below));
            }
            own.push(String::new());
            tops.push((at.to_owned(), own.clone()));
            if let Some(seen) = at.strip_prefix(PREFIX) {
                // As emulated programs name it.
                tops.push((seen.to_owned(), own.clone()));
                tops.push((seen.to_owned(), own));
            }
        }
        let names = NAMES.iter().map(|name| format!("/{name}"));
        Self { tops, tails: all.into_iter().chain(names).collect() }
    }

    /// A path, likely of something that is there.
    fn path(&self, top: u32, tail: u32) -> String {
        let (at, own) = &self.tops[top as usize % self.tops.len()];
        let all = if tail.is_multiple_of(5) { &self.tails } else { own };
        format!("{at}{}", all[tail as usize / 5 % all.len()])
    }

    fn question(&self, dice: &[u32; 8]) -> Question {
        let pick = |all: &[String], die: u32| all[die as usize % all.len()].clone();
        let mut path = self.path(dice[0], dice[1]);
        let other = pick(&self.tails, dice[2]);
        path = match dice[3] % 24 {
            0 | 1 => format!("{path}{other}"),
            2 => format!("{path}/.."),
            3 => format!("{path}/..{other}"),
            4 => format!("{path}/../../..{other}"),
            5 => format!("{path}/"),
            6 => format!("{path}//"),
            7 => format!("{path}/."),
            8 => format!("//{path}"),
            9 => format!("/..{path}"),
            10 => format!("/./{path}"),
            11 => path.replace('/', "//"),
            12 if dice[4].is_multiple_of(8) => format!("{path}/{}", "n".repeat(255)),
            13 if dice[4].is_multiple_of(8) => format!("{path}/{}", "n".repeat(256)),
            14 if dice[4].is_multiple_of(32) => {
                "/.".repeat(2047 - path.len() / 2 + (dice[5] % 3) as usize) + &path
            }
            15 if dice[4].is_multiple_of(8) => String::new(),
            _ => path,
        };
        let mut from = String::new();
        if dice[6].is_multiple_of(4) {
            from = self.path(dice[7], dice[2]);
            path = path.trim_start_matches('/').to_owned();
            if dice[5].is_multiple_of(3) {
                path = format!("../{path}");
            }
        }
        if from.is_empty() {
            from.push('/');
        }
        let call = CALLS[dice[4] as usize / 32 % CALLS.len()];
        if call == plan::simulate::Call::Execute && !path.contains('/') {
            // Otherwise the search path would matter.
            path = format!("./{path}");
        }
        Question { from: from.into(), call, path: ByteString(path.into_bytes()) }
    }
}

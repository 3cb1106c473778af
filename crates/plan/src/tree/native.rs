//! Which paths get a line in the native view, and what is said about each.

use super::{Node, Shape};
use crate::simulate::{Call, Found, Kind, Namespace, Origin, View};
use crate::{
    Access, ContainerPath, LayerEntry, LayerSpec, Op, Plan, RootPath, Source, StackForm, Step,
    Tuple,
};

/// Programs that a system does not work without, below a root.
const PROGRAMS: &[&str] = &["bin/sh", "usr/bin/sh", "usr/bin/env"];

/// Directories of libraries, in each of which Debian has one for each architecture.
const LIBRARIES: &[&str] = &["lib", "usr/lib"];

/// The tree of what native processes see.
pub(super) fn native(namespace: &Namespace<'_>) -> Node {
    let plan = namespace.plan();
    let mut root = Node { from: "in memory".into(), ..Node::default() };
    let mounts = namespace.mount_points();
    for (at, step) in &mounts {
        mounted(&mut root, namespace, at, *step);
    }
    for step in &plan.steps {
        made(&mut root, namespace, step);
    }
    for (at, step) in &mounts {
        for source in sources(&plan.steps[*step].op) {
            if let Source::Layer { layer, path } = source
                && let Some(spec) = plan.layer(layer)
            {
                contents(&mut root, namespace, at, spec, path);
            }
        }
    }
    landmarks(&mut root, namespace, &ContainerPath::root());
    if let Some(emulator_root) = plan.emulation.as_ref().and_then(|e| e.root()) {
        landmarks(&mut root, namespace, emulator_root);
    }
    root
}

/// What is at a path, the last link not followed.
fn look(namespace: &Namespace<'_>, at: &ContainerPath) -> Option<Found> {
    namespace.resolve(&View::Native, Call::Lstat, &ContainerPath::root(), at.as_bytes()).ok()
}

fn shape(found: &Found) -> Shape {
    match (&found.link, found.kind) {
        (Some(text), _) => Shape::Link(text.clone()),
        (None, Kind::Directory) => Shape::Directory,
        (None, Kind::File | Kind::Symlink | Kind::Other) => Shape::File,
    }
}

fn sources(op: &Op) -> &[Source] {
    match op {
        Op::Bind { source, .. } => std::slice::from_ref(source),
        Op::Stack { sources, .. } => sources,
        Op::Directory { .. }
        | Op::Symlink { .. }
        | Op::File { .. }
        | Op::Tmpfs { .. }
        | Op::ReadOnly { .. }
        | Op::Proc { .. } => &[],
    }
}

fn mounted(root: &mut Node, namespace: &Namespace<'_>, at: &ContainerPath, step: usize) {
    let plan = namespace.plan();
    let Some(found) = look(namespace, at) else { return };
    let Step { op, reason } = &plan.steps[step];
    let node = root.at(&found.path);
    node.shape = shape(&found);
    node.from = origin(plan, op);
    node.why = reason.clone();
    node.group = Some("mounts".into());
    let sealed = plan.steps[step + 1..].iter().any(|later| match &later.op {
        Op::ReadOnly { at: sealed } => sealed == at,
        _ => false,
    });
    if sealed {
        node.from += ", read-only";
    }
}

/// What a mount shows, and what may be done with it.
pub(super) fn origin(plan: &Plan, op: &Op) -> String {
    match op {
        Op::Bind { source, access, .. } => {
            let access = match access {
                Access::ReadOnly => "read-only",
                Access::ReadWrite => "writable",
                Access::Device => "writable, with devices",
            };
            format!("{}, {access}", named(source))
        }
        Op::Stack { sources, form, .. } => {
            let names: Vec<String> = sources.iter().map(named).collect();
            let form = match form {
                StackForm::Overlay => "overlay",
                StackForm::Tree => "prepared tree",
            };
            let hidden: usize = sources.iter().map(|source| whiteouts(plan, source)).sum();
            let hides = if hidden == 0 { String::new() } else { format!(", {hidden} hidden") };
            format!("{} ({form}{hides})", names.join(" over "))
        }
        Op::Tmpfs { .. } => "in memory".into(),
        Op::Proc { .. } => "processes of the container".into(),
        Op::Directory { .. } | Op::Symlink { .. } | Op::File { .. } | Op::ReadOnly { .. } => {
            String::new()
        }
    }
}

fn named(source: &Source) -> String {
    match source {
        Source::Host(path) => path.to_string(),
        Source::Layer { layer, path } if *path == RootPath::root() => format!("layer {layer}"),
        Source::Layer { layer, path } => format!("{path} of layer {layer}"),
    }
}

fn whiteouts(plan: &Plan, source: &Source) -> usize {
    let Source::Layer { layer, path } = source else { return 0 };
    let Some(spec) = plan.layer(layer) else { return 0 };
    let hidden = |(at, entry): &(&RootPath, &LayerEntry)| {
        matches!(entry, LayerEntry::Whiteout) && at.is_within(path)
    };
    spec.entries.iter().filter(hidden).count()
}

/// A directory, link or file that a step makes, where it can still be seen.
fn made(root: &mut Node, namespace: &Namespace<'_>, step: &Step) {
    let size = match &step.op {
        Op::Directory { .. } | Op::Symlink { .. } => None,
        Op::File { content, .. } => Some(content.as_bytes().len()),
        Op::Bind { .. }
        | Op::Stack { .. }
        | Op::Tmpfs { .. }
        | Op::ReadOnly { .. }
        | Op::Proc { .. } => return,
    };
    let Some(found) = look(namespace, step.op.at()) else { return };
    if found.origin != Origin::Made {
        return;
    }
    let node = root.at(&found.path);
    node.shape = shape(&found);
    node.why = step.reason.clone();
    node.group = Some("made".into());
    if let Some(size) = size {
        node.from = format!("{size} bytes");
    }
}

/// Links and files of a layer that is mounted at `at`, with its part `part`.
fn contents(
    root: &mut Node,
    namespace: &Namespace<'_>,
    at: &ContainerPath,
    spec: &LayerSpec,
    part: &RootPath,
) {
    for (path, entry) in &spec.entries {
        if matches!(entry, LayerEntry::Directory { .. } | LayerEntry::Whiteout) {
            continue;
        }
        let Some(inside) = path.below(part).and_then(|rest| at.join(rest).ok()) else { continue };
        let Some(found) = look(namespace, &inside) else { continue };
        match &found.origin {
            Origin::Layer { layer, path: seen } if *layer == spec.name && seen == path => {}
            // Something else is there now.
            _ => continue,
        }
        let node = root.at(&found.path);
        node.shape = shape(&found);
        node.group = Some(format!("layer {}", spec.name));
        node.from = match entry {
            LayerEntry::CopyOf { source, .. } => format!("layer {}, copy of {source}", spec.name),
            _ => format!("layer {}", spec.name),
        };
    }
}

/// Files that every program needs, below a root, where they are; with their architecture.
fn landmarks(root: &mut Node, namespace: &Namespace<'_>, base: &ContainerPath) {
    let interpreters = Tuple::ALL.iter().map(|tuple| tuple.interpreter().to_owned());
    let directories =
        LIBRARIES.iter().flat_map(|lib| Tuple::ALL.iter().map(move |t| format!("{lib}/{t}")));
    let programs = PROGRAMS.iter().map(|program| (*program).to_owned());
    for name in interpreters.chain(directories).chain(programs) {
        let Ok(path) = base.join(&name) else { continue };
        let Some(found) = look(namespace, &path) else { continue };
        let node = root.at(&found.path);
        // What has its own line says more.
        if node.from.is_empty() && node.why.is_empty() && node.children.is_empty() {
            node.shape = shape(&found);
            node.from = namespace.architecture(&found).map(|t| t.to_string()).unwrap_or_default();
        }
    }
}

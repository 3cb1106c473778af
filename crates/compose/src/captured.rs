//! Brings what was captured into the container's directories.

use crate::area::Area;
use crate::capture::Captured;
use crate::draft::Draft;
use crate::emulation;
use crate::facts::Facts;
use plan::{Access, Code, ContainerPath, LayerEntry, Op, Problem, RootPath, Source};

/// Puts links, files and whiteouts into the layers, and takes over environment and record.
pub(crate) fn place(taken: &mut Captured, draft: &mut Draft) {
    for path in &taken.hidden {
        match draft.area_and_raw(path) {
            Some((area, inner, raw)) => area.hide(raw, &inner),
            None => draft.warnings.push(Problem::warning(
                Code::UNREADABLE,
                format!("`{path}` cannot be hidden: it is in no directory of the runtime"),
            )),
        }
    }
    for (path, entry) in std::mem::take(&mut taken.entries) {
        put(draft, path, entry);
    }
    draft.environment.0.append(&mut taken.environment.0);
    draft.decisions.append(&mut taken.decisions);
    draft.warnings.append(&mut taken.warnings);
    for (tuple, why) in &taken.left_out {
        draft.warnings.push(Problem::warning(
            Code::ARCHITECTURE_LEFT_OUT,
            format!("{tuple} is left out: {why}"),
        ));
    }
}

/// An entry of a top-level directory that the runtime does not have makes that directory.
fn put(draft: &mut Draft, path: RootPath, entry: LayerEntry) {
    if draft.area_of(&path).is_none() {
        let top = path.relative().components().next();
        if let Some(top) = top.and_then(|c| RootPath::root().join(c).ok()) {
            draft.area(Area::new(draft.place(&top), None, "captured from the graphics provider"));
        }
    }
    if let Some((area, inner)) = draft.area_of(&path) {
        area.put(inner, entry);
    }
}

/// Mounts what must be seen outside the provider's own place, and hides what would be seen twice.
pub(crate) fn mount(taken: &Captured, facts: &Facts, draft: &mut Draft) {
    for export in &taken.exports {
        if draft.shows_host(&export.at, &export.source) {
            continue;
        }
        let at = export.at.clone();
        if draft.has_interpreter_root() {
            emulation::overlay::export(export, facts, draft);
            continue;
        }
        if RootPath::new(at.as_path()).is_ok_and(|p| crate::reserved::why(&p).is_some()) {
            draft.warnings.push(Problem::warning(
                Code::RESERVED_PATH,
                format!("`{at}` is needed by a driver and cannot be shared at its own place"),
            ));
            continue;
        }
        let source = Source::Host(export.source.clone());
        let op = Op::Bind { source, at, access: Access::ReadOnly, optional: false };
        draft.mount(op, "what a captured link points at");
    }
    for at in &taken.masked {
        // What is not visible in the container needs no mask.
        if !draft.in_memory(at) {
            draft.tmpfs(at.clone(), 0o755, "its layers are imported already");
        }
    }
    device_database(facts, draft);
}

/// The provider's libudev reads the database of the host's udev.
fn device_database(facts: &Facts, draft: &mut Draft) {
    let is_udev = |path: &RootPath| path.file_name() == Some("libudev.so.1".as_ref());
    let overrides = RootPath::literal("/usr/lib/pressure-vessel/overrides");
    let captured = draft.area_of(&overrides).is_some_and(|(area, inner)| {
        area.entries.keys().any(|p| p.is_within(&inner) && is_udev(p))
    });
    let found = facts.host.find(&RootPath::literal("/run/udev")).filter(|_| captured);
    if let Some(found) = found {
        let at = ContainerPath::literal("/run/udev");
        draft.bind_optional(&found, at, Access::ReadOnly, "the database of the host's udev");
    }
}

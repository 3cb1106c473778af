//! Puts the parts together, in an order in which each step finds what it needs.
//!
//! System directories come first, then the views of other roots and the kernel's file systems, then
//! what is shared with the host, then services of the desktop. A later mount lies over an earlier
//! one.

use crate::answer::{self, unreadable};
use crate::capture::Captured;
use crate::draft::Draft;
use crate::emulation::command::Programs;
use crate::emulation::providers::{self, Group, Source as Drivers};
use crate::emulation::{self, Arrangement, choose, overlay};
use crate::etc::{self, Etc};
use crate::exports::{Exports, Mode, Wish};
use crate::facts::Facts;
use crate::memory::Memory;
use crate::preload::{self, Modules, Scene};
use crate::request::{Request, RuntimeChoice, Sharing};
use crate::runtime::{self, Runtime};
use crate::workarounds::Workarounds;
use crate::{
    authorities, captured, direct, environment, fonts, home, loader, named, sockets, system, view,
};
use inspect::root::{Form, Kind, Root};
use plan::{
    Access, ByteString, Code, ContainerPath, Emulation, HostPath, Op, Preload, Problem, RootPath,
    Source,
};

/// Everything but the command.
pub(crate) struct Assembled {
    pub(crate) draft: Draft,
    pub(crate) command: Vec<ByteString>,
    pub(crate) emulation: Option<Emulation>,
    pub(crate) working_directory: ContainerPath,
    pub(crate) lock: Option<HostPath>,
    /// Modules for `LD_PRELOAD`, and those for `LD_AUDIT`.
    pub(crate) preloads: Vec<Preload>,
    pub(crate) audits: Vec<Preload>,
}

/// Makes the steps.
///
/// # Errors
/// Every problem that stops the launch.
pub(crate) fn assemble(
    request: &Request,
    facts: &Facts,
    memory: &dyn Memory,
) -> Result<Assembled, Vec<Problem>> {
    let raw = Root::with_form(HostPath::root(), Form::Full).map_err(|e| vec![unreadable(&e)])?;
    let mut arrangement = Arrangement::Native;
    let runtime = match &request.runtime {
        RuntimeChoice::Host => None,
        RuntimeChoice::Dir(path) => {
            let asked = choose::asked(request, facts);
            let mut runtime = runtime::open(&raw, path, &asked).map_err(|p| vec![p])?;
            arrangement =
                choose::choose(request, facts, &raw, &mut runtime).map_err(|p| vec![p])?;
            Some(runtime)
        }
    };
    let mut draft = Draft::new(raw, arrangement.base());
    let (mut groups, mut late) = (vec![], None);
    match &runtime {
        None => without_runtime(request, facts, &mut draft),
        Some(runtime) => {
            groups = providers::choose(request, facts, draft.raw(), &arrangement, &runtime.tuples)
                .map_err(|p| vec![p])?;
            let inside = (runtime, &arrangement, &groups[..]);
            late = Some(with_runtime(request, facts, memory, inside, &mut draft)?);
        }
    }
    let form = (runtime.as_ref(), &arrangement);
    let scene = Scene::of(request, facts, form, &groups, late.as_ref());
    let modules = preload::find(request, &scene);
    let working_directory =
        shares(request, facts, form, &modules, &mut draft).map_err(|p| vec![p])?;
    if let Some(late) = &late {
        captured::mount(late, facts, &mut draft);
        if !request.sub_sandbox {
            sockets::share(facts, request.import_openxr_runtimes, &mut draft);
        }
    }
    let (preloads, audits) = preload::place(request, &scene, modules, &mut draft);
    if !request.sub_sandbox {
        fonts::share(facts, &mut draft);
    }
    tool(request, &mut draft);
    if !request.sub_sandbox {
        environment::common(facts, &working_directory, &mut draft.environment);
    }
    match &arrangement {
        Arrangement::Native => {}
        Arrangement::Overlay(overlay) => overlay.environment(facts, &mut draft),
        Arrangement::Direct(direct) => direct.environment(&mut draft),
    }
    environment::asked(request, &mut draft.environment);
    let (command, emulation) =
        command(request, facts, (runtime.as_ref(), &arrangement), &working_directory, &mut draft);
    if request.sub_sandbox {
        // Whoever makes it shares files, too.
        draft.warnings.retain(|warning| warning.code != Code::RESERVED_PATH);
    }
    let lock = runtime.as_ref().and_then(|r| r.lock.clone());
    Ok(Assembled { draft, command, emulation, working_directory, lock, preloads, audits })
}

/// The command as it is executed, and what runs it.
fn command(
    request: &Request,
    facts: &Facts,
    (runtime, arrangement): (Option<&Runtime>, &Arrangement),
    working_directory: &ContainerPath,
    draft: &mut Draft,
) -> (Vec<ByteString>, Option<Emulation>) {
    let Some(runtime) = runtime else { return (request.command.clone(), None) };
    let programs = || Programs::new(facts, &runtime.root, draft, working_directory);
    match arrangement {
        Arrangement::Native => (request.command.clone(), None),
        Arrangement::Overlay(overlay) => {
            let mut warnings = vec![];
            let command = overlay.command(&request.command, &programs(), &mut warnings);
            draft.warnings.append(&mut warnings);
            (command, overlay.emulation())
        }
        Arrangement::Direct(direct) => {
            let (command, emulation) = direct.command(&request.command, &programs());
            (command, Some(emulation))
        }
    }
}

const STEAM_RUNTIME: &str = "STEAM_RUNTIME";

/// What the kernel shows, and the host's root where that is asked for.
fn kernel(request: &Request, facts: &Facts, draft: &mut Draft) {
    let writable_sys = request.devel || request.writable_sys;
    view::kernel(facts, writable_sys, request.unshare_pid, draft);
    if let Some(sharing) = request.host_root {
        let access = match sharing {
            Sharing::ReadOnly => Access::ReadOnly,
            Sharing::ReadWrite => Access::ReadWrite,
        };
        let root = Source::Host(facts.host.path().clone());
        let at = ContainerPath::literal("/run/host/root");
        let op = Op::Bind { source: root, at, access, optional: false };
        draft.mount(op, "the host's root, asked for");
    }
}

fn without_runtime(request: &Request, facts: &Facts, draft: &mut Draft) {
    direct::add(facts, draft);
    view::host(facts, draft);
    kernel(request, facts, draft);
    // The library runtime in which the launcher was asked for, and in which the command is to be again.
    let again = request
        .environment_if_host
        .iter()
        .rev()
        .find(|(name, _)| name.as_bytes() == STEAM_RUNTIME.as_bytes());
    let again = again.and_then(|(_, value)| named::lexical(value.as_os_str()));
    if let Some(path) = again.or_else(|| facts.environment.path(STEAM_RUNTIME)) {
        let mut exports = Exports::new(facts);
        exports.share(&path, Mode::ReadOnly, Wish::Named, STEAM_RUNTIME);
        exports.finish(draft);
    }
}

/// The runtime's part, and what of the capture is mounted after the exports.
fn with_runtime(
    request: &Request,
    facts: &Facts,
    memory: &dyn Memory,
    (runtime, arrangement, groups): (&Runtime, &Arrangement, &[Group]),
    draft: &mut Draft,
) -> Result<Captured, Vec<Problem>> {
    draft.warnings.extend(runtime.warnings.iter().cloned());
    draft.decisions.extend(emulation::record::decisions(arrangement, groups, &|t| facts.runs(t)));
    let overlay = match arrangement {
        Arrangement::Overlay(overlay) => Some(overlay),
        Arrangement::Native | Arrangement::Direct(_) => None,
    };
    if let Some(overlay) = overlay {
        overlay.base(facts, draft);
    }
    system::add(runtime, (request.stack, &facts.mounts), draft).map_err(|p| vec![p])?;
    view::host(facts, draft);
    if let Some(overlay) = overlay {
        overlay.emulated_host(draft);
    }
    for group in groups {
        if let Drivers::Root(root) = &group.source {
            view::provider(root, &group.mount, draft);
        }
    }
    kernel(request, facts, draft);
    let root = groups.first().and_then(|g| g.root(facts));
    sockets::user_directory(facts, draft);
    let overrides = answer::OVERRIDES.trim_start_matches('/');
    let short = draft.place(&RootPath::literal("/overrides"));
    draft.symlink(short, overrides, "the overrides, by their short name");
    let mut taken = answer::captured(request, facts, memory, runtime, groups, arrangement)?;
    linker_files(&mut taken, draft);
    captured::place(&mut taken, draft);
    if let Arrangement::Direct(direct) = arrangement {
        direct.registered(facts, &runtime.root, draft);
    }
    let pulse = sockets::pulse_is_shared(facts, draft);
    let etc = Etc { facts, runtime: &runtime.root, provider: root, pulse };
    fill_etc(&etc, draft);
    if overlay.is_some() {
        overlay::machine_files(facts, &runtime.root, pulse, draft);
    }
    etc::bind(&etc, draft);
    authorities::share(facts, draft);
    machine_id_link(draft);
    if let Some(found) = root.and_then(|r| r.find(&RootPath::literal("/run/bumblebee.socket"))) {
        let at = ContainerPath::literal("/run/bumblebee.socket");
        draft.bind_optional(&found, at, Access::ReadOnly, "socket of Bumblebee's daemon");
    }
    let (tuples, paths) = (&taken.tuples, &taken.library_path);
    environment::with_runtime(facts, &runtime.root, tuples, paths, &mut draft.environment);
    Ok(taken)
}

/// The directory in which every linker's cache is, and the links to it.
fn linker_files(taken: &mut Captured, draft: &mut Draft) {
    let cache = std::mem::take(&mut taken.ld_cache);
    let conf = std::mem::take(&mut taken.ld_conf);
    draft.area(loader::area(draft.place(&RootPath::literal(loader::DIRECTORY)), cache, conf));
    let relative = draft.has_interpreter_root();
    if !relative {
        let alias = ContainerPath::literal(loader::ALIAS);
        draft.symlink(alias, loader::ALIAS_TARGET, "the same, by its older name");
    }
    for (path, target) in loader::LINKS {
        let target = loader::text(path, target, relative);
        let path = RootPath::literal(path);
        if let Some((area, inner)) = draft.area_of(&path) {
            area.put(inner, plan::LayerEntry::Symlink { target });
        } else {
            let at = draft.place(&path);
            draft.symlink(at, target, "where some linkers look for their cache");
        }
    }
}

fn fill_etc(etc: &Etc<'_>, draft: &mut Draft) {
    let relative = draft.has_interpreter_root();
    if let Some((area, _, raw)) = draft.area_and_raw(&RootPath::literal("/etc")) {
        etc::fill(etc, area, raw, relative);
    }
}

fn machine_id_link(draft: &mut Draft) {
    let at = ContainerPath::literal("/var/lib/dbus/machine-id");
    draft.symlink(at, "/etc/machine-id", "where older programs look for it");
}

/// What is shared with the host. Gives back where the command starts.
fn shares(
    request: &Request,
    facts: &Facts,
    (runtime, arrangement): (Option<&Runtime>, &Arrangement),
    modules: &Modules,
    draft: &mut Draft,
) -> Result<ContainerPath, Problem> {
    let mut exports = Exports::new(facts);
    home::share(request, facts, &mut exports, draft)?;
    let workarounds = Workarounds::of(facts);
    let whole = runtime.is_none() && !workarounds.limit_shared_dirs;
    if let Some(sharing) = request.host.or(whole.then_some(Sharing::ReadWrite)) {
        direct::share(facts, sharing.into(), &mut exports, draft);
    }
    if runtime.is_some() {
        let tmp = RootPath::literal("/tmp");
        exports.share(&tmp, Mode::ReadWrite, Wish::Usual, "scratch files and sockets");
    }
    for (place, what) in [("/nix", "programs of Nix"), ("/gnu/store", "programs of Guix")] {
        exports.share(&RootPath::literal(place), Mode::ReadOnly, Wish::Usual, what);
    }
    named::share(facts, &mut exports, draft);
    for share in &request.filesystems {
        let mode = if share.read_only { Mode::ReadOnly } else { Mode::ReadWrite };
        match named::lexical(share.path.as_path().as_os_str()) {
            Some(path) => {
                exports.share(&path, mode, Wish::Asked, "asked for");
            }
            None => draft.warnings.push(Problem::warning(
                Code::BAD_VALUE,
                format!("`{}` cannot be shared", share.path),
            )),
        }
    }
    modules.share(facts, &mut exports);
    match arrangement {
        Arrangement::Native => {}
        Arrangement::Overlay(overlay) => overlay.share_program(facts, &mut exports),
        Arrangement::Direct(direct) => direct.share(&mut exports),
    }
    // A native supervisor changes to it, so that it must be there in the native view.
    let system = match (arrangement, runtime) {
        (Arrangement::Overlay(_), _) => Some(&facts.host),
        (_, Some(runtime)) => Some(&runtime.root),
        (_, None) => None,
    };
    let start = working_directory(request, facts, system, &mut exports, draft);
    exports.finish(draft);
    Ok(start)
}

fn working_directory(
    request: &Request,
    facts: &Facts,
    system: Option<&Root>,
    exports: &mut Exports<'_>,
    draft: &mut Draft,
) -> ContainerPath {
    let Some(path) = named::lexical(request.working_directory.as_path().as_os_str()) else {
        return ContainerPath::root();
    };
    let same = ContainerPath::new(path.as_path()).unwrap_or_else(|_| ContainerPath::root());
    if path == RootPath::root() || home::is_home(facts, &path) {
        return same;
    }
    if crate::reserved::why(&path).is_some() {
        let there = system
            .is_none_or(|root| root.find(&path).is_some_and(|found| found.kind == Kind::Directory));
        if there {
            return same;
        }
    } else if let Some(at) =
        exports.share(&path, Mode::ReadWrite, Wish::Named, "the working directory")
    {
        return ContainerPath::new(at.as_path()).unwrap_or(same);
    } else if exports.is_shared(&path) {
        return same;
    }
    draft.warnings.push(
        Problem::warning(
            Code::RESERVED_PATH,
            format!("the working directory `{path}` does not exist in the container"),
        )
        .hint("the command starts in `/`; start it from a directory that is shared"),
    );
    ContainerPath::root()
}

/// This tool's own files, for what starts further commands inside.
fn tool(request: &Request, draft: &mut Draft) {
    let Some(prefix) = &request.tool_prefix else { return };
    let found = RootPath::new(prefix.as_path()).ok().and_then(|p| draft.raw().find(&p));
    if let Some(found) = found {
        let at = ContainerPath::literal("/run/pressure-vessel/pv-from-host");
        draft.bind_optional(&found, at, Access::ReadOnly, "this tool's own files");
    }
}

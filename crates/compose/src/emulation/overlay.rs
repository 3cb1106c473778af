//! The overlay composition: the host's system directories are the container's own, and an emulator
//! that the kernel starts shows the runtime to its programs first, from the interpreter root.
//!
//! What native processes resolve (the kernel that starts the emulator, its program interpreter, its
//! libraries) must be the host's, in the host's own mixture of directories and links; what emulated ones
//! resolve must be the runtime's. The interpreter root has nothing that would hide the real `/proc`,
//! `/sys`, `/dev`, `/tmp` or `/home` from them, and of `/run` only `gfx` and `host`: absolute links
//! inside the root are resolved inside it by FEX.

use super::{INTERPRETER_HOST, INTERPRETER_ROOT, choose, command, fex, qemu};
use crate::approach::relative_link;
use crate::capture::{Captured, Export};
use crate::draft::Draft;
use crate::etc::ASOUND;
use crate::exports::{Exports, Mode, Wish};
use crate::facts::Facts;
use crate::{account, timezone, view};
use inspect::emulator::Registration;
use inspect::root::{Kind, Resolved, Root};
use plan::{
    Access, ByteString, Code, Composition, ContainerPath, Emulation, Emulator, LayerEntry, Op,
    Problem, RootPath, Source, Tuple,
};
use std::os::unix::ffi::OsStrExt;

/// An emulator that the kernel starts.
pub(crate) struct Overlay {
    /// Which.
    pub(crate) kind: Emulator,
    /// The machine's architecture.
    pub(crate) native: Tuple,
    /// The emulator's root on the host, whose drivers are used unless others are named.
    pub(crate) root: Option<Root>,
    /// What names it.
    pub(crate) root_origin: String,
    /// The registration for each architecture; not empty.
    pub(crate) registrations: Vec<(Tuple, Registration)>,
}

/// What of the host's `/etc` native processes need to find libraries: the caches and configurations
/// of every dynamic linker known (see [`crate::loader`]), and where alternatives lead.
const NATIVE_ETC: &[&str] = &[
    "alternatives",
    "ld-aarch64-unknown-linux-gnueabi.cache",
    "ld-i686-pc-linux-gnu.cache",
    "ld-musl-aarch64.path",
    "ld-musl-x86_64.path",
    "ld-x86_64-pc-linux-gnu.cache",
    "ld.so.cache",
    "ld.so.conf",
    "ld.so.conf.d",
];

/// Members of the interpreter root's top that would hide the machine's own.
const NEVER_HIDDEN: &[&str] = &["dev", "home", "proc", "sys", "tmp"];

impl Overlay {
    /// The host's system, which native processes see, before the runtime is laid out.
    pub(crate) fn base(&self, facts: &Facts, draft: &mut Draft) {
        let root = ContainerPath::root();
        view::show(&facts.host, &root, "the host's", draft);
        let place = ContainerPath::literal(INTERPRETER_HOST);
        view::show(&facts.host, &place, "the host's", draft);
        view::show_etc(&facts.host, &place, "the host's", draft);
        for name in NATIVE_ETC {
            native_etc(facts, name, draft);
        }
        if let Some(clear) = facts.host.find(&RootPath::literal("/var/cache/ldconfig")) {
            let at = ContainerPath::literal("/var/cache/ldconfig");
            draft.bind_optional(&clear, at, Access::ReadOnly, "the host's cache of libraries");
        }
    }

    /// What emulated programs see of the emulator's own root: their `/run/host`.
    pub(crate) fn emulated_host(&self, draft: &mut Draft) {
        let Some(root) = &self.root else { return };
        let at = ContainerPath::literal(INTERPRETER_ROOT).at("run/host");
        view::show(root, &at, "the emulator root's", draft);
        view::show_etc(root, &at, "the emulator root's", draft);
    }

    /// Variables of the contained process.
    pub(crate) fn environment(&self, facts: &Facts, draft: &mut Draft) {
        let variable = match self.kind {
            Emulator::Fex => {
                fex::own_server(facts, draft);
                fex::VARIABLE
            }
            Emulator::Qemu | Emulator::Plain => qemu::VARIABLE,
        };
        let why = "what emulated programs see first";
        draft.environment.set(variable, INTERPRETER_ROOT, why);
    }

    /// Shares the emulator's program where it is in none of the host's system directories.
    pub(crate) fn share_program(&self, facts: &Facts, exports: &mut Exports<'_>) {
        for (_, registration) in &self.registrations {
            let path = RootPath::new(registration.interpreter.as_path()).ok();
            let Some(found) = path.as_ref().and_then(|p| facts.host.find(p)) else { continue };
            let is_system = crate::capture::place::Places::is_mounted(&found.path);
            if let (false, Some(directory)) = (is_system, found.path.parent()) {
                exports.share(&directory, Mode::ReadOnly, Wish::Named, "the emulator");
            }
        }
    }

    /// The command as the kernel must be told it.
    pub(crate) fn command(
        &self,
        asked: &[ByteString],
        programs: &command::Programs<'_>,
        warnings: &mut Vec<Problem>,
    ) -> Vec<ByteString> {
        let Some(chain) = programs.follow(asked) else { return asked.to_vec() };
        let base = ContainerPath::literal(INTERPRETER_ROOT);
        if !chain.program.of_runtime {
            return asked.to_vec();
        }
        if chain.is_script && self.kind == Emulator::Qemu {
            let script = asked.first().map(ToString::to_string).unwrap_or_default();
            warnings.push(
                Problem::warning(
                    Code::NATIVE_CHILDREN,
                    format!("`{script}` is a script: what it starts are this machine's programs"),
                )
                .hint("name qemu-user by a manifest (--emulator FILE), or use FEX"),
            );
        }
        let tuples: Vec<Tuple> = self.registrations.iter().map(|(t, _)| *t).collect();
        let relative = linked_directories(programs.runtime, &tuples);
        let program = chain.program.below(&base, &relative);
        let mut command = vec![ByteString(program.as_bytes().to_vec())];
        command.extend(chain.arguments);
        command
    }

    /// The plan's account of it.
    pub(crate) fn emulation(&self) -> Option<Emulation> {
        let (_, first) = self.registrations.first()?;
        let program = ContainerPath::new(first.interpreter.as_path()).ok()?;
        Some(Emulation {
            emulator: self.kind,
            tuples: self.registrations.iter().map(|(tuple, _)| *tuple).collect(),
            native: self.native,
            program,
            composition: Composition::Overlay {
                root: ContainerPath::literal(INTERPRETER_ROOT),
                registrations: self.registrations.iter().map(|(_, r)| r.name.clone()).collect(),
                fixed: self.registrations.iter().all(|(_, r)| r.flags.fixed),
            },
            server: None,
        })
    }

    /// There is no root, and somebody's drivers are wanted.
    pub(crate) fn no_root(&self) -> Problem {
        let (name, looked, hint) = match self.kind {
            Emulator::Fex => (
                "FEX",
                "FEX_ROOTFS is not set, and FEX's configuration names no RootFS",
                "run FEXRootFSFetcher, or name a directory with --emulator-root",
            ),
            Emulator::Qemu | Emulator::Plain => (
                "qemu-user",
                "QEMU_LD_PREFIX is not set, and none of the usual prefixes exists",
                "name a directory with --emulator-root, or say --graphics-provider '' for the \
                 runtime's own drivers",
            ),
        };
        let tuples: Vec<Tuple> = self.registrations.iter().map(|(t, _)| *t).collect();
        Problem::blocking(
            Code::EMULATOR_ROOT_UNUSABLE,
            format!("{name} has no root with drivers for {}", choose::names(&tuples)),
        )
        .evidence(looked)
        .hint(hint)
    }
}

/// One of the host's files in `/etc`: as a link, so that what replaces it is seen, unless it is a link
/// itself, which could lead elsewhere here.
fn native_etc(facts: &Facts, name: &str, draft: &mut Draft) {
    let path = RootPath::literal("/etc").at(name);
    let at = ContainerPath::literal("/etc").at(name);
    let why = "how native programs find libraries";
    match facts.host.lookup(&path) {
        Ok(found) if matches!(found.kind, Kind::File | Kind::Directory) => {
            draft.symlink(at, format!("..{INTERPRETER_HOST}{path}").as_str(), why);
        }
        Ok(_) => {
            if let Some(found) = facts.host.find(&path) {
                draft.bind_optional(&found, at, Access::ReadOnly, why);
            }
        }
        Err(_) => {}
    }
}

/// The files of `/etc` that are about the machine and its users, for native processes; emulated ones
/// see them too where the interpreter root has none.
pub(crate) fn machine_files(facts: &Facts, runtime: &Root, pulse: bool, draft: &mut Draft) {
    let at = |name: &str| ContainerPath::literal("/etc").at(name);
    let accounts = account::accounts(facts);
    draft.file(at("passwd"), accounts.passwd, 0o444, "the user");
    draft.file(at("group"), accounts.group, 0o444, "the user's group");
    let mut name = timezone::time_zone(facts, runtime).name.0;
    name.push(b'\n');
    draft.file(at("timezone"), name, 0o444, "the host's time zone");
    if pulse {
        draft.file(at("asound.conf"), ASOUND, 0o444, "sound goes to the PulseAudio server");
    }
    let path = RootPath::literal("/etc/localtime");
    let why = "the host's time zone";
    match facts.host.lookup(&path) {
        Ok(Resolved { link: Some(text), .. }) => {
            let text = relative_link(&path, text.as_bytes());
            draft.symlink(at("localtime"), text, why);
        }
        Ok(found) if found.kind == Kind::File => {
            draft.bind_optional(&found, at("localtime"), Access::ReadOnly, why);
        }
        _ => {}
    }
}

/// Shows what a captured link points at outside the provider's system directories. What is in the
/// provider's place is there in both views; the user's own directories are native ones; anything
/// else belongs to the runtime's view.
pub(crate) fn export(export: &Export, facts: &Facts, draft: &mut Draft) {
    let Ok(inner) = RootPath::new(export.at.as_path()) else { return };
    let inside = draft.place(&inner);
    let is_host = facts.host.path().lexically(&inner) == export.source;
    let provider = ContainerPath::literal(view::PROVIDER);
    let places = if export.at.is_within(&provider) {
        vec![export.at.clone(), inside]
    } else if is_host {
        vec![export.at.clone()]
    } else if is_never_hidden(&inner) {
        draft.warnings.push(Problem::warning(
            Code::RESERVED_PATH,
            format!("`{inner}` of the graphics provider would hide this machine's own"),
        ));
        vec![]
    } else {
        vec![inside]
    };
    for at in places {
        if !draft.shows_host(&at, &export.source) {
            let source = Source::Host(export.source.clone());
            let op = Op::Bind { source, at, access: Access::ReadOnly, optional: false };
            draft.mount(op, "what a captured link points at");
        }
    }
}

fn is_never_hidden(path: &RootPath) -> bool {
    let top = path.relative().components().next().map(|c| c.as_os_str().to_owned());
    top.is_some_and(|top| NEVER_HIDDEN.iter().any(|n| top == *n) || top == "run")
}

/// Directories of a runtime in which links are that programs and the dynamic linker follow; with the
/// library directories of each architecture.
const LINKED: &[&str] = &["bin", "etc", "etc/alternatives", "lib", "lib32", "lib64", "sbin"];

/// Directories of programs that a merged `/usr` has in one, and those that it has them in.
const PROGRAMS: &[(&str, &str)] = &[("/bin", "/usr/bin"), ("/sbin", "/usr/sbin")];

/// Changes to the runtime for the place below which emulated programs find it.
pub(crate) fn adapt(runtime: &Root, tuples: &[Tuple], taken: &mut Captured) {
    relative_links(runtime, tuples, taken);
    for (directory, merged) in PROGRAMS {
        programs_at_usr(runtime, &RootPath::literal(directory), &RootPath::literal(merged), taken);
    }
}

/// Has the programs of a non-merged `/bin` in `/usr/bin` too. A look along `PATH` for `cat` asks for
/// `/usr/bin/cat` first: if the runtime had it at `/bin/cat` only and the host at `/usr/bin/cat`, the
/// emulator would fall back to the host's.
fn programs_at_usr(runtime: &Root, directory: &RootPath, merged: &RootPath, taken: &mut Captured) {
    let real = |path: &RootPath| runtime.find(path).filter(|f| f.kind == Kind::Directory);
    let Some(from) = real(directory) else { return };
    let to = real(merged).map_or_else(|| merged.clone(), |f| f.path);
    if from.path == to {
        return;
    }
    for entry in runtime.list(&from.path).unwrap_or_default() {
        let (Ok(source), Ok(at)) = (from.path.join(&entry.name), to.join(&entry.name)) else {
            continue;
        };
        if runtime.lookup(&at).is_err() && !is_hidden(taken, &source) {
            let target = relative_link(&at, source.as_bytes());
            taken.entries.entry(at).or_insert(LayerEntry::Symlink { target });
        }
    }
}

/// Makes absolute links below the interpreter root relative, those of the runtime and our own. FEX
/// resolves an absolute link inside its root; qemu-user, and the kernel when it starts a program
/// by a path below the root, outside.
fn relative_links(runtime: &Root, tuples: &[Tuple], taken: &mut Captured) {
    let shown = [view::PROVIDER].map(RootPath::literal);
    for (path, entry) in &mut taken.entries {
        let LayerEntry::Symlink { target } = entry else { continue };
        let ours =
            RootPath::new(target.as_os_str()).is_ok_and(|t| !shown.iter().any(|s| t.is_within(s)));
        if ours {
            *target = relative_link(path, target.as_bytes());
        }
    }
    for directory in linked_directories(runtime, tuples) {
        relative_links_in(runtime, &directory, taken);
    }
}

/// The directories of [`LINKED`] that the runtime has, each once and free of links.
fn linked_directories(runtime: &Root, tuples: &[Tuple]) -> Vec<RootPath> {
    let mut names: Vec<String> = vec![];
    for name in LINKED {
        names.extend([format!("/{name}"), format!("/usr/{name}")]);
        for tuple in tuples {
            names.extend([format!("/{name}/{tuple}"), format!("/usr/{name}/{tuple}")]);
        }
    }
    let mut out: Vec<RootPath> = vec![];
    for name in names {
        let found = RootPath::new(&name).ok().and_then(|d| runtime.find(&d));
        let directory = found.filter(|f| f.kind == Kind::Directory).map(|f| f.path);
        out.extend(directory.filter(|d| !out.contains(d)));
    }
    out
}

/// Whether a path of the runtime is not to be seen; the list is sorted.
fn is_hidden(taken: &Captured, path: &RootPath) -> bool {
    taken.hidden.binary_search(path).is_ok()
}

fn relative_links_in(runtime: &Root, directory: &RootPath, taken: &mut Captured) {
    let links = runtime.list(directory).unwrap_or_default();
    for entry in links.into_iter().filter(|e| e.kind == Kind::Symlink) {
        let Ok(path) = directory.join(&entry.name) else { continue };
        if taken.entries.contains_key(&path) || is_hidden(taken, &path) {
            continue;
        }
        let text = runtime.lookup(&path).ok().and_then(|f| f.link);
        if let Some(text) = text.filter(|t| t.as_bytes().first() == Some(&b'/')) {
            let target: ByteString = relative_link(&path, text.as_bytes());
            taken.entries.insert(path, LayerEntry::Symlink { target });
        }
    }
}

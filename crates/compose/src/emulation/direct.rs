//! The direct composition: the runtime is `/`, and the emulator of a manifest stands before the command.
//!
//! Nothing is registered with the kernel for it. What the emulator itself runs with, the host's dynamic
//! linker and libraries, is captured beside the game's drivers, at places that the runtime does not use.

use super::command::Chain;
use super::providers::{Group, Source};
use super::{choose, command};
use crate::capture::Part;
use crate::capture::place::{Places, position};
use crate::draft::Draft;
use crate::exports::{Exports, Mode, Wish};
use crate::facts::Facts;
use crate::named;
use crate::runtime::Runtime;
use inspect::emulator::manifest::{self, Argv, EmulatorManifest};
use inspect::emulator::{Kind, program, registry};
use inspect::root::{Resolved, Root};
use plan::{
    ByteString, Code, Composition, ContainerPath, Emulation, Emulator, HostPath, LayerEntry,
    Problem, RootPath, Server, Tuple,
};
use std::collections::BTreeMap;

/// The emulator of a manifest.
#[derive(Debug)]
pub(crate) struct Direct {
    manifest: EmulatorManifest,
    /// The architectures of the runtime that it runs.
    emulated: Vec<Tuple>,
    /// The machine's architecture.
    native: Tuple,
    main: Line,
    container: Line,
    server: Option<Line>,
    /// The manifest's directory in the host's root.
    directory: RootPath,
}

/// A command line of the manifest, with its program found.
#[derive(Debug)]
struct Line {
    /// The program in the host's root, as it was named but without `..`.
    asked: RootPath,
    /// The file.
    file: Resolved,
    /// Its architecture, where it needs a dynamic linker and libraries.
    dynamic: Option<Tuple>,
    arguments: Vec<ByteString>,
}

impl Direct {
    /// Reads the manifest at `path`, a path of the host; leaves in `runtime.tuples` what runs with it.
    ///
    /// # Errors
    /// When it cannot be used, or runs nothing of the runtime.
    pub(crate) fn read(
        path: &HostPath,
        facts: &Facts,
        runtime: &mut Runtime,
    ) -> Result<Self, Problem> {
        let wrong = |why: String| {
            Problem::blocking(
                Code::EMULATOR_MANIFEST,
                format!("the emulator's manifest `{path}` cannot be used"),
            )
            .evidence(why)
            .hint("correct it, or name another one with --emulator; docs/emulation.md has examples")
        };
        let asked = named::lexical(path.as_path().as_os_str())
            .ok_or_else(|| wrong("it is not an absolute path".into()))?;
        let manifest = manifest::read(&facts.host, &asked).map_err(|e| wrong(e.to_string()))?;
        let emulates = |t: &Tuple| manifest.emulated_architectures.contains(t) && !facts.runs(*t);
        let emulated: Vec<Tuple> = runtime.tuples.iter().copied().filter(|t| emulates(t)).collect();
        if emulated.is_empty() {
            let runs = choose::names(&manifest.emulated_architectures);
            let has = choose::names(&runtime.tuples);
            return Err(wrong(format!(
                "it runs {runs}; the runtime `{}` is for {has}",
                runtime.path
            )));
        }
        let runs = |t: &Tuple| facts.runs(*t) || emulated.contains(t);
        for tuple in runtime.tuples.iter().filter(|t| !runs(t)) {
            runtime.warnings.push(Problem::warning(
                Code::ARCHITECTURE_LEFT_OUT,
                format!("{tuple} is left out: the emulator of `{path}` does not run it"),
            ));
        }
        runtime.tuples.retain(runs);
        let server = manifest.server_argv.as_ref().map(|argv| Line::find(argv, facts));
        let directory = host_path(facts, &manifest.directory)
            .ok_or_else(|| wrong(format!("its directory `{}` is gone", manifest.directory)))?;
        Ok(Self {
            main: Line::find(manifest.main(), facts)?,
            container: Line::find(manifest.container(), facts)?,
            server: server.transpose()?,
            emulated,
            native: facts.native.unwrap_or(Tuple::X86_64),
            directory,
            manifest,
        })
    }

    /// The architectures of the runtime that it runs.
    pub(crate) fn emulated(&self) -> &[Tuple] {
        &self.emulated
    }

    /// Where the container has its program for the main command.
    pub(crate) fn program(&self) -> ContainerPath {
        self.main.place()
    }

    fn lines(&self) -> impl Iterator<Item = &Line> {
        [&self.main, &self.container].into_iter().chain(&self.server)
    }

    /// Adds the emulator's own architectures, whose provider is the host.
    pub(crate) fn add_group(&self, groups: &mut Vec<Group>) {
        let dynamic = self.lines().filter_map(|line| line.dynamic);
        let mut tuples: Vec<Tuple> = self.manifest.required_architectures.clone();
        tuples.extend(dynamic);
        let guests: Vec<Tuple> = groups.iter().flat_map(|g| g.tuples.clone()).collect();
        let mut seen: Vec<Tuple> = vec![];
        // An architecture that the game has too gets what it needs with the game's.
        tuples.retain(|t| {
            let new = !seen.contains(t) && !guests.contains(t);
            seen.push(*t);
            new
        });
        if tuples.is_empty() {
            return;
        }
        let mut programs: Vec<RootPath> = self.lines().map(|l| l.file.path.clone()).collect();
        programs.dedup();
        groups.push(Group {
            source: Source::Host,
            mount: ContainerPath::literal("/run/host"),
            tuples,
            part: Part::Emulator { libraries: self.manifest.required_libraries.clone(), programs },
            origin: "the emulator's manifest".into(),
            settings: BTreeMap::new(),
            locales: false,
        });
    }

    /// Shares the emulator's files where they are not the host's system's, which `/run/host` has.
    pub(crate) fn share(&self, exports: &mut Exports<'_>) {
        let mut shared = vec![];
        if !Places::is_mounted(&self.directory) {
            shared.push(self.directory.clone());
        }
        for line in self.lines().filter(|line| !Places::is_mounted(&line.file.path)) {
            let directories = [line.asked.parent(), line.file.path.parent()];
            shared.extend(directories.into_iter().flatten());
        }
        for directory in shared {
            exports.share(&directory, Mode::ReadOnly, Wish::Named, "the emulator");
        }
    }

    /// Where the kernel starts the same emulator too (`binfmt_misc`), what emulated programs start runs
    /// by that: qemu-user does not see to it itself. Unless the kernel holds the program open (flag
    /// `F`), it must be where it was registered.
    pub(crate) fn registered(&self, facts: &Facts, runtime: &Root, draft: &mut Draft) {
        let Ok(registry) = registry(&facts.host, &facts.mounts) else { return };
        for registration in self.emulated.iter().flat_map(|t| registry.for_tuple(*t)) {
            let Ok(path) = RootPath::new(registration.interpreter.as_path()) else { continue };
            let kind = Kind::of_interpreter(&facts.host, &registration.interpreter);
            let same =
                self.lines().any(|l| l.file.path.file_name().map(Kind::of_name) == Some(kind));
            let (Some(found), true) = (facts.host.find(&path), same) else { continue };
            let wanted = !registration.flags.fixed
                && Places::is_mounted(&path)
                && Places::is_mounted(&found.path)
                && runtime.lookup(&path).is_err();
            if !wanted {
                continue;
            }
            let target = ContainerPath::literal("/run/host").lexically(&found.path);
            if let Some((area, inner)) = draft.area_of(&position(runtime, &path)) {
                let target = target.as_bytes().to_vec().into();
                area.put(inner, LayerEntry::Symlink { target });
            }
        }
    }

    /// Variables of every emulated process.
    pub(crate) fn environment(&self, draft: &mut Draft) {
        for (name, value) in self.manifest.inside() {
            let why = "the emulator's manifest";
            match value {
                Some(value) => draft.environment.set(&name, value.as_str(), why),
                None => draft.environment.unset(&name, why),
            }
        }
    }

    /// The command as it is executed, and the plan's account of it.
    pub(crate) fn command(
        &self,
        asked: &[ByteString],
        programs: &command::Programs<'_>,
    ) -> (Vec<ByteString>, Emulation) {
        let chain = programs.follow(asked);
        let (prefix, mut rest) = match chain {
            Some(chain) => {
                let tuple = chain.program.tuple();
                let native = tuple.is_some_and(|t| programs.facts.runs(t));
                let prefix = if native { vec![] } else { self.main.words() };
                (prefix, spelled(chain, asked))
            }
            // What is wrong with it is told by the check of the plan.
            None => (self.main.words(), asked.to_vec()),
        };
        let mut command = prefix.clone();
        command.append(&mut rest);
        let emulation = Emulation {
            emulator: self.kind(),
            tuples: self.emulated.clone(),
            native: self.native,
            program: self.main.place(),
            composition: Composition::Direct { prefix, container_argv: self.container.words() },
            server: self
                .server
                .as_ref()
                .map(|line| Server { argv: line.words(), environment: vec![] }),
        };
        (command, emulation)
    }

    fn kind(&self) -> Emulator {
        let names = self.lines().filter_map(|line| line.file.path.file_name().map(Kind::of_name));
        match names.into_iter().find(|k| *k != Kind::Other) {
            Some(Kind::Fex) => Emulator::Fex,
            Some(Kind::Qemu) => Emulator::Qemu,
            _ => Emulator::Plain,
        }
    }
}

/// The command with its program's path written out; a script with its interpreter.
fn spelled(chain: Chain, asked: &[ByteString]) -> Vec<ByteString> {
    let mut out: Vec<ByteString> = match (chain.is_script, asked.first()) {
        // A relative path stays what it is.
        (false, Some(word)) if word.as_bytes().contains(&b'/') => vec![word.clone()],
        _ => vec![chain.program.asked.as_bytes().to_vec().into()],
    };
    out.extend(chain.arguments);
    out
}

impl Line {
    /// # Errors
    /// When the program is missing or none of this machine.
    fn find(argv: &Argv, facts: &Facts) -> Result<Self, Problem> {
        let wrong = |why: String| {
            Problem::blocking(
                Code::EMULATOR_PROGRAM,
                format!("the emulator's program `{}` cannot be used", argv.program),
            )
            .evidence(why)
            .hint("install the emulator again, or name its program itself in the manifest")
        };
        let asked = host_path(facts, &argv.program)
            .ok_or_else(|| wrong("its directory does not exist".into()))?;
        let at = HostPath::root().lexically(&asked);
        let program = program(&facts.host, &at).map_err(|e| wrong(e.to_string()))?;
        let tuple = program.elf.tuple;
        if !tuple.is_some_and(|t| facts.runs(t)) {
            let what = tuple.map_or("an unknown architecture", Tuple::name);
            return Err(wrong(format!("it is for {what}, which this machine does not run")));
        }
        // Where the dynamic linker is not the system's, as in a Nix store, it comes with its libraries.
        let interpreter =
            program.elf.interpreter.as_ref().and_then(|i| RootPath::new(i.as_os_str()).ok());
        let of_system = interpreter.is_none_or(|i| Places::is_mounted(&i));
        let dynamic = tuple.filter(|_| !program.is_static() && of_system);
        let arguments = argv.arguments.iter().map(|a| a.as_str().into()).collect();
        Ok(Self { asked, file: program.file, dynamic, arguments })
    }

    /// Where the container has the program.
    fn place(&self) -> ContainerPath {
        if Places::is_mounted(&self.file.path) {
            // Links of the host could lead elsewhere from there.
            return ContainerPath::literal("/run/host").lexically(&self.file.path);
        }
        let path = if self.file.trail.is_empty() { &self.asked } else { &self.file.path };
        ContainerPath::root().lexically(path)
    }

    fn words(&self) -> Vec<ByteString> {
        let mut out: Vec<ByteString> = vec![self.place().as_bytes().to_vec().into()];
        out.extend(self.arguments.iter().cloned());
        out
    }
}

/// A real path of the host as one of its root, which in tests is any tree.
fn host_path(facts: &Facts, path: &HostPath) -> Option<RootPath> {
    let inner = path.below(facts.host.path()).unwrap_or(path.relative());
    facts.host.without_dot_dot(&RootPath::root(), inner.as_os_str()).ok()
}

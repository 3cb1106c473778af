//! The options of the program, as they are read.

use super::preload::Module;
use crate::interactive::{Shell, Terminal, meaning};
use crate::messages::Messages;
use crate::supervised::{self, Refused};
use crate::{temporary, variable};
use inspect::emulator::manifest::{self, EmulatorManifest};
use inspect::root::Root;
use plan::{HostPath, RootPath, Tuple};
use std::ffi::{OsStr, OsString};
use std::path::{Path, PathBuf};

/// What is asked for.
#[derive(Debug, Default)]
pub(super) struct Asked {
    /// What other programs have, too.
    pub(super) common: supervised::Asked,
    batch: bool,
    shell: Shell,
    /// None: one where there is a shell.
    terminal: Option<Terminal>,
    pub(super) generate_locales: bool,
    /// Whose cache of the dynamic linker is made anew.
    pub(super) cache: Option<PathBuf>,
    /// Directories that it gets beside the runtime's.
    pub(super) paths: Vec<OsString>,
    /// `LD_LIBRARY_PATH` of the command.
    pub(super) library_path: Option<OsString>,
    pub(super) modules: Vec<Module>,
    /// Where libraries and drivers that take the runtime's place are.
    pub(super) overrides: Option<PathBuf>,
    /// Runs helper programs of other architectures.
    pub(super) emulator: Option<EmulatorManifest>,
    /// That of `ldconfig`.
    pub(super) ldconfig: Option<Tuple>,
    /// Where temporary directories are made.
    pub(super) temporary: PathBuf,
    /// The container's, as the environment names them.
    named: Vec<Tuple>,
}

impl Asked {
    /// What the environment asks for.
    pub(super) fn new(environment: &[(OsString, OsString)], messages: &Messages) -> Self {
        let list = variable(environment, "PRESSURE_VESSEL_ARCHITECTURES").unwrap_or_default();
        let list = list.to_string_lossy();
        Self {
            common: supervised::Asked::for_container(),
            batch: messages.boolean(environment, "PRESSURE_VESSEL_BATCH", false),
            temporary: temporary::parent(variable(environment, "TMPDIR")).to_owned(),
            named: list.split(':').filter_map(|name| name.parse().ok()).collect(),
            ..Self::default()
        }
    }

    /// Follows an option.
    ///
    /// # Errors
    /// Why it cannot be followed.
    pub(super) fn take(
        &mut self,
        option: &str,
        value: &OsStr,
        messages: &Messages,
    ) -> Result<(), Refused> {
        if self.common.take(option, value, messages)? {
            return Ok(());
        }
        let path = || Some(PathBuf::from(value)).filter(|path| !path.as_os_str().is_empty());
        match option {
            "add-ld.so-path" => self.paths.push(value.into()),
            "batch" => self.batch = true,
            "emulator" => self.emulator = Some(emulator(value)?),
            "generate-locales" => self.generate_locales = true,
            "no-generate-locales" => self.generate_locales = false,
            "ld-audit" => self.modules.extend(Module::audit(value)?),
            "ld-preload" => self.modules.extend(Module::preload(value)?),
            "ldconfig-architecture" => self.ldconfig = Some(architecture(value)?),
            "overrides-path" => self.overrides = path(),
            "regenerate-ld.so-cache" => self.cache = path(),
            "set-ld-library-path" => self.library_path = Some(value.into()),
            "shell" => {
                self.shell = meaning("--shell", value, Shell::WORDS).map_err(Refused::Usage)?
            }
            "terminal" => {
                self.terminal =
                    meaning("--terminal", value, Terminal::WORDS).map_err(Refused::Usage)?
            }
            // Of no consequence: `prefix`. Seen to elsewhere: `verbose`, `version`.
            _ => {}
        }
        Ok(())
    }

    /// When a shell runs, and where.
    ///
    /// # Errors
    /// When there is to be a shell and no terminal.
    pub(super) fn shell(&self) -> Result<(Shell, Terminal), Refused> {
        match (self.shell, self.terminal) {
            _ if self.batch => Ok((Shell::None, Terminal::None)),
            (Shell::None, terminal) => Ok((Shell::None, terminal.unwrap_or_default())),
            (shell, None) => Ok((shell, Terminal::Xterm)),
            (_, Some(Terminal::None)) => Err(Refused::Unavailable(
                "--shell needs a terminal, and --terminal=none says that there is none".into(),
            )),
            (shell, Some(terminal)) => Ok((shell, terminal)),
        }
    }

    /// The architectures of the container, each once: those that the environment names, else those of
    /// the Steam Runtime and this program's; and those that modules are for.
    pub(super) fn architectures(&self) -> Vec<Tuple> {
        let usual = [Some(Tuple::X86_64), Some(Tuple::I386), Tuple::native()];
        let usual = usual.into_iter().flatten().filter(|_| self.named.is_empty());
        let modules = self.modules.iter().filter_map(|module| module.abi);
        let mut all = Vec::new();
        for tuple in self.named.iter().copied().chain(usual).chain(modules) {
            if !all.contains(&tuple) {
                all.push(tuple);
            }
        }
        all
    }
}

/// An architecture by its tuple.
pub(super) fn architecture(value: &OsStr) -> Result<Tuple, Refused> {
    let parsed: Result<Tuple, _> = value.to_string_lossy().parse();
    parsed.map_err(|error| Refused::Usage(error.to_string()))
}

fn emulator(value: &OsStr) -> Result<EmulatorManifest, Refused> {
    let path = std::path::absolute(Path::new(value)).map_err(|error| error.to_string());
    let path = path.and_then(|path| RootPath::new(path).map_err(|error| error.to_string()));
    let root = Root::open(HostPath::root()).map_err(|error| error.to_string());
    let read = root.and_then(|root| manifest::read(&root, &path?).map_err(|e| e.to_string()));
    read.map_err(|why| Refused::Unavailable(format!("--emulator: {why}")))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn asked(environment: &[(&str, &str)], options: &[(&str, &str)]) -> Result<Asked, Refused> {
        let variables: Vec<_> =
            environment.iter().map(|(name, value)| (name.into(), value.into())).collect();
        let messages = Messages::new("tried", &variables, 0);
        let mut asked = Asked::new(&variables, &messages);
        for (option, value) in options {
            asked.take(option, OsStr::new(value), &messages)?;
        }
        Ok(asked)
    }

    #[test]
    fn shells_need_terminals() {
        use {Shell as S, Terminal as T};
        for (batch, options, want) in [
            ("", &[][..], Some((S::None, T::None))),
            ("", &[("shell", ""), ("terminal", "")], Some((S::None, T::None))),
            ("", &[("shell", "after")], Some((S::After, T::Xterm))),
            ("", &[("shell", "fail"), ("terminal", "tty")], Some((S::Fail, T::Tty))),
            ("", &[("terminal", "xterm")], Some((S::None, T::Xterm))),
            ("", &[("shell", "instead"), ("terminal", "none")], None),
            ("", &[("shell", "no"), ("terminal", "no")], Some((S::None, T::None))),
            ("1", &[("shell", "instead"), ("terminal", "none")], Some((S::None, T::None))),
            ("0", &[("shell", "after"), ("batch", "")], Some((S::None, T::None))),
        ] {
            let asked = asked(&[("PRESSURE_VESSEL_BATCH", batch)], options).unwrap();
            assert_eq!(asked.shell().ok(), want, "{batch} {options:?}");
        }
        for option in ["shell", "terminal", "ldconfig-architecture"] {
            assert!(matches!(asked(&[], &[(option, "what")]), Err(Refused::Usage(_))), "{option}");
        }
        assert!(matches!(asked(&[], &[("emulator", "/none.json")]), Err(Refused::Unavailable(_))));
    }

    #[test]
    fn architectures_are_those_named_and_those_of_modules() {
        let module = [("ld-preload", "/m.so:abi=aarch64-linux-gnu")];
        for (named, options, want) in [
            ("x86_64-linux-gnu", &[][..], &[Tuple::X86_64][..]),
            ("i386-linux-gnu:vax:x86_64-linux-gnu:", &[], &[Tuple::I386, Tuple::X86_64]),
            ("i386-linux-gnu:i386-linux-gnu", &module, &[Tuple::I386, Tuple::Aarch64]),
        ] {
            let asked = asked(&[("PRESSURE_VESSEL_ARCHITECTURES", named)], options).unwrap();
            assert_eq!(asked.architectures(), want, "{named}");
        }
        let usual = asked(&[], &[]).unwrap().architectures();
        assert!(usual.starts_with(&[Tuple::X86_64, Tuple::I386]), "{usual:?}");
    }
}

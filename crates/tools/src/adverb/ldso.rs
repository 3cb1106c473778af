//! The cache of the dynamic linker, made anew from the container's directories and the runtime's.
//!
//! The directory is writable and has `runtime-ld.so.conf`; `ld.so.conf` and `ld.so.cache` in it are what
//! the container's `/etc` links to. Each is replaced in one step, so that whoever starts meanwhile sees
//! the old or the new one.

use crate::supervised::Variables;
use inspect::emulator::manifest::EmulatorManifest;
use plan::{ByteString, Tuple};
use sandbox::{Helper, Outcome, Supervisor};
use std::ffi::OsString;
use std::io::Read;
use std::os::unix::ffi::OsStrExt;
use std::path::Path;

/// The program that makes it, of the container.
const LDCONFIG: &str = "/sbin/ldconfig";

/// What is to be made, and how.
pub(super) struct Cache<'a> {
    pub(super) directory: &'a Path,
    /// Searched before the runtime's.
    pub(super) paths: &'a [OsString],
    /// Runs programs of other architectures.
    pub(super) emulator: Option<&'a EmulatorManifest>,
    /// That of the program that makes it, where it is told.
    pub(super) architecture: Option<Tuple>,
    pub(super) verbose: bool,
}

impl Cache<'_> {
    /// Makes it. The outcome is a signal that came meanwhile, or 0.
    ///
    /// # Errors
    /// Why the old one stays.
    pub(super) fn regenerate(
        &self,
        supervisor: &Supervisor,
        environment: Variables,
    ) -> Result<Outcome, String> {
        let directory = std::path::absolute(self.directory).map_err(|error| error.to_string())?;
        let place = |draft: &str, name: &str| {
            let placed = std::fs::rename(directory.join(draft), directory.join(name));
            placed.map_err(|error| format!("replacing {name} in {}: {error}", directory.display()))
        };
        let text = self.configuration(&directory)?;
        std::fs::write(directory.join("new-ld.so.conf"), text)
            .map_err(|error| format!("writing in {}: {error}", directory.display()))?;
        place("new-ld.so.conf", "ld.so.conf")?;
        let new = directory.join("new-ld.so.cache");
        let outcome = self.ldconfig(supervisor, environment, &directory, &new);
        if outcome == Ok(Outcome::Status(0)) {
            place("new-ld.so.cache", "ld.so.cache")?;
            return outcome;
        }
        // What was begun is of no use; most often there is nothing.
        let _ = std::fs::remove_file(&new);
        match outcome {
            Ok(Outcome::Status(status)) => Err(format!("{LDCONFIG} ended with status {status}")),
            other => other,
        }
    }

    /// The added directories, then what the runtime has.
    fn configuration(&self, directory: &Path) -> Result<Vec<u8>, String> {
        let mut text = Vec::new();
        for path in self.paths {
            let bytes = path.as_bytes();
            if !bytes.starts_with(b"/") || bytes.iter().any(|b| matches!(b, b'\n' | b'\t')) {
                return Err(format!("`{}` cannot be searched for libraries", path.display()));
            }
            text.extend_from_slice(bytes);
            text.push(b'\n');
        }
        // A runtime without one needs none.
        text.extend(std::fs::read(directory.join("runtime-ld.so.conf")).unwrap_or_default());
        Ok(text)
    }

    fn ldconfig(
        &self,
        supervisor: &Supervisor,
        mut environment: Variables,
        directory: &Path,
        new: &Path,
    ) -> Result<Outcome, String> {
        let mut command = self.emulated(&mut environment);
        let configuration = directory.join("ld.so.conf");
        for word in [LDCONFIG.as_ref(), "-f".as_ref(), configuration.as_os_str(), "-C".as_ref()] {
            command.push(word.into());
        }
        command.push(new.as_os_str().into());
        command.push("-X".into());
        if self.verbose {
            command.push("-v".into());
        }
        let helper = Helper {
            command: &command,
            environment: environment.list(),
            directory: directory.as_os_str().as_bytes(),
        };
        supervisor.help(&helper).map_err(|error| error.to_string())
    }

    /// What stands before the program where the emulator runs it, with the environment that it wants.
    fn emulated(&self, environment: &mut Variables) -> Vec<ByteString> {
        let Some(emulator) = self.emulator else { return vec![] };
        let of = self.architecture.or_else(|| of_program(LDCONFIG));
        if !of.is_some_and(|tuple| emulator.emulated_architectures.contains(&tuple)) {
            return vec![];
        }
        for (name, value) in emulator.inside() {
            match value {
                Some(value) => environment.set(name, value),
                None => environment.unset(&name.into()),
            }
        }
        let argv = emulator.container();
        let program = ByteString::from(argv.program.as_path().as_os_str());
        let arguments = argv.arguments.iter().map(|argument| ByteString::from(argument.as_str()));
        std::iter::once(program).chain(arguments).collect()
    }
}

/// The architecture of a program.
fn of_program(path: &str) -> Option<Tuple> {
    let mut header = [0; 20];
    std::fs::File::open(path).ok()?.read_exact(&mut header).ok()?;
    Tuple::of_elf_header(&header)
}

//! What grows while the capture is decided.

use super::abi::Abi;
use super::place::{Places, position};
use super::{Captured, Group, Input, Settings, stub};
use inspect::linker::{Library, Linker, Options};
use inspect::manifest::Place;
use inspect::root::Root;
use plan::{
    ByteString, Candidate, ContainerPath, Decision, LayerEntry, Origin, RootPath, Subject, Tuple,
    Verdict,
};

/// The state of one capture. Everything found goes to `out`.
pub(crate) struct Work<'a> {
    pub(crate) input: &'a Input<'a>,
    pub(crate) group: &'a Group<'a>,
    /// Position of the group: 0 is the one of the primary architecture.
    pub(crate) pass: usize,
    /// The group's provider; where it has none, nothing is asked of this.
    pub(crate) provider: &'a Root,
    pub(crate) places: Places<'a>,
    pub(crate) abis: Vec<Abi<'a>>,
    /// Searches of the runtime for architectures that run without anything of the provider.
    pub(crate) alone: Vec<Linker<'a>>,
    pub(crate) out: Captured,
    /// Libraries of drivers, resolved, beside whose directories Mesa's data may be.
    pub(crate) driver_files: Vec<RootPath>,
    overrides: RootPath,
}

/// A library that was placed in a directory of the overrides.
pub(crate) struct Placed {
    /// Where the real file is in the container.
    pub(crate) target: ContainerPath,
    pub(crate) library: Library,
}

impl<'a> Work<'a> {
    /// `out` is what the groups before came to.
    pub(crate) fn new(
        input: &'a Input<'a>,
        group: &'a Group<'a>,
        pass: usize,
        out: Captured,
    ) -> Self {
        let wanted = RootPath::root().join(input.overrides.relative());
        let wanted = wanted.unwrap_or_else(|_| RootPath::root());
        let provider = group.provider.unwrap_or(input.host);
        Self {
            input,
            group,
            pass,
            provider,
            places: Places::new(provider, &group.mount, input.host),
            abis: vec![],
            alone: vec![],
            out,
            driver_files: vec![],
            overrides: position(input.runtime, &wanted),
        }
    }

    /// What the provider's manifest says of an architecture.
    pub(crate) fn settings(&self, tuple: Tuple) -> Option<&'a Settings> {
        self.group.settings.get(&tuple)
    }

    /// Sets a variable to a list separated by colons, after what earlier groups have put there.
    pub(crate) fn extend(&mut self, name: &str, list: &[Vec<u8>], reason: &str) {
        let mut value = self.out.environment.get(name).map(|v| v.0.clone()).unwrap_or_default();
        for item in list {
            if !value.is_empty() {
                value.push(b':');
            }
            value.extend_from_slice(item);
        }
        self.out.environment.set(name, value, reason);
    }

    /// Unsets a variable, unless an earlier group needs it.
    pub(crate) fn unset(&mut self, name: &str, reason: &str) {
        if self.out.environment.get(name).is_none() {
            self.out.environment.unset(name, reason);
        }
    }

    /// Where the layer has `tail` of the overrides.
    pub(crate) fn overrides(&self, tail: &str) -> RootPath {
        self.overrides.join(tail).unwrap_or_else(|_| self.overrides.clone())
    }

    /// Where the container has `tail` of the overrides.
    pub(crate) fn container(&self, tail: &str) -> ContainerPath {
        let overrides = &self.input.overrides;
        overrides.join(tail).unwrap_or_else(|_| overrides.clone())
    }

    /// Puts a link into the layer.
    pub(crate) fn link(&mut self, at: RootPath, target: &ContainerPath) {
        let target = ByteString(target.as_bytes().to_vec());
        self.out.entries.insert(at, LayerEntry::Symlink { target });
    }

    /// Puts a small file into the layer.
    pub(crate) fn file(&mut self, at: RootPath, content: Vec<u8>) {
        let entry = LayerEntry::file(ByteString(content));
        self.out.entries.insert(at, entry);
    }

    /// Has a file or directory of the provider at the same place in the runtime. `path` may lead
    /// through links of the provider; only what is in `/usr` can be replaced, and anything else is
    /// shared at its own place.
    pub(crate) fn take_in_place(&mut self, path: &RootPath) -> bool {
        let Some(found) = self.provider.find(path) else { return false };
        if Places::is_mounted(path) {
            let target = self.places.provider(&found.path);
            let at = position(self.input.runtime, path);
            // What the primary group's drivers read comes first.
            if !self.out.entries.contains_key(&at) {
                self.link(at, &target);
            }
        } else {
            self.places.share_in_place(path, &found.host);
        }
        true
    }

    /// Finds a library that a manifest names by path, links it below `lib/TUPLE/SUBDIR` of the
    /// overrides and captures what it needs.
    ///
    /// # Errors
    /// Why there is none for this architecture, as the end of a sentence.
    pub(crate) fn place_library(
        &mut self,
        abi: usize,
        place: Place,
        path: &RootPath,
        subdirectory: &str,
    ) -> Result<Placed, String> {
        let host = place == Place::Host && !self.places.provider_is_host();
        let library = if host {
            let tuple = self.abis[abi].tuple;
            let linker = Linker::new(self.input.host, tuple, Options::default());
            let linker = linker.map_err(|e| e.to_string())?;
            linker.load(path).map_err(|e| e.to_string())?
        } else {
            self.abis[abi].provider.load(path).map_err(|e| e.to_string())?
        };
        if self.abis[abi].is_stub(&library) {
            return Err(stub::WHY.into());
        }
        let target = if host {
            self.abis[abi].capture_needed_by(&library);
            self.places.host(&library.file.path)
        } else {
            self.abis[abi].capture_dependencies(&library);
            self.driver_files.push(library.file.path.clone());
            self.places.provider(&library.file.path)
        };
        // Inside an interpreter root an absolute link means something in it, and the user's own
        // directories are not there; the manifest leads there all the same.
        if !(host && self.input.thunks.is_some()) {
            self.link_module(abi, subdirectory, path, &target);
        }
        Ok(Placed { target, library })
    }

    /// Links `target` under the last component of `path`, in a numbered directory where that name is
    /// taken already. Loaders get the target itself from rewritten manifests; the links show a
    /// reader what is in use, as they always have.
    fn link_module(
        &mut self,
        abi: usize,
        subdirectory: &str,
        path: &RootPath,
        target: &ContainerPath,
    ) {
        let Some(name) = path.file_name().map(ToOwned::to_owned) else { return };
        let base = self.overrides(&format!("lib/{}/{subdirectory}", self.abis[abi].tuple));
        let wanted = LayerEntry::Symlink { target: ByteString(target.as_bytes().to_vec()) };
        let numbered = (0..).map(|n: u32| base.join(n.to_string()));
        for directory in std::iter::once(Ok(base.clone())).chain(numbered) {
            let Ok(at) = directory.and_then(|d| d.join(&name)) else { return };
            match self.out.entries.get(&at) {
                Some(there) if *there == wanted => return,
                Some(_) => {}
                None => {
                    self.out.entries.insert(at, wanted);
                    return;
                }
            }
        }
    }

    /// Adds a decision about something of the provider.
    pub(crate) fn decide(
        &mut self,
        subject: Subject,
        candidates: Vec<Candidate>,
        taken_at: Option<String>,
        why: impl Into<String>,
    ) {
        let verdict = match taken_at {
            Some(at) => Verdict::Taken { origin: Origin::Provider, at },
            None => Verdict::Rejected,
        };
        self.out.decisions.push(Decision { subject, candidates, verdict, why: why.into() });
    }
}

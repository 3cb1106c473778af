//! Drivers and layers of the provider, by the interface that they implement.
//!
//! Each family (Vulkan, EGL, OpenXR, OpenCL, modules found by directory) has a file that says what is
//! searched, where it goes and which variable leads the loader there; this one has what they share:
//! from a list of manifests to libraries, rewritten manifests and a decision for each.
//!
//! A manifest whose library is found by name serves all architectures as it is. One that names a
//! path is rewritten for each architecture for which the file at that path is, to name the place where
//! the container has the real file: loaders and drivers look for neighbours beside it.

pub(crate) mod egl;
pub(crate) mod modules;
pub(crate) mod native;
pub(crate) mod opencl;
pub(crate) mod openxr;
pub(crate) mod vulkan;

use crate::capture::abi::candidate;
use crate::capture::patterns::When;
use crate::capture::place::Places;
use crate::capture::work::{Placed, Work};
use inspect::manifest::{Found, LibraryPath, Place, Reason, Verdict};
use plan::{Candidate, Code, ContainerPath, Origin, Problem, RootPath, Subject, Tuple};
use std::collections::BTreeSet;
use std::os::unix::ffi::OsStrExt;

/// Brings every driver and layer.
pub(crate) fn capture(work: &mut Work<'_>) {
    vulkan::drivers(work);
    vulkan::layers(work);
    egl::capture(work);
    openxr::runtimes(work);
    openxr::layers(work);
    opencl::capture(work);
    modules::capture(work);
}

/// What is special about one kind of manifest.
pub(crate) struct Family {
    /// As in [`Subject::Manifest`].
    pub(crate) api: &'static str,
    /// Below `lib/TUPLE` of the overrides: links to the libraries.
    pub(crate) libraries: &'static str,
    /// Below the overrides: the manifests.
    pub(crate) manifests: &'static str,
    pub(crate) naming: Naming,
    /// The library that calls dlopen(3), for `$ORIGIN` in paths.
    pub(crate) loader: &'static str,
}

/// How manifests are named.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Naming {
    /// As the provider's, in a numbered directory where that name is taken.
    Kept,
    /// By position, all in one directory, because the loader reads a directory: `03-TUPLE.json`.
    Numbered,
}

type Suits<'m> = Box<dyn Fn(Tuple) -> Result<(), Reason> + 'm>;
type Rewritten<'m> = Box<dyn Fn(&str, Tuple) -> Vec<u8> + 'm>;

/// One driver or layer of a manifest.
pub(crate) struct Item<'m> {
    pub(crate) file: RootPath,
    pub(crate) place: Place,
    pub(crate) bytes: &'m [u8],
    /// `None`: it has no library of its own.
    pub(crate) library: Option<LibraryPath>,
    /// Whether it is for an architecture at all.
    pub(crate) suits: Suits<'m>,
    /// The same manifest for a library at this path.
    pub(crate) rewritten: Rewritten<'m>,
}

/// A manifest in the container.
pub(crate) struct Written {
    pub(crate) at: ContainerPath,
    /// The item that it is for, by position.
    pub(crate) item: usize,
}

/// Brings the items and writes their manifests. The result is in the order in which the loader is to
/// read them.
pub(crate) fn import(work: &mut Work<'_>, family: &Family, items: &[Item<'_>]) -> Vec<Written> {
    let digits = items.len().saturating_sub(1).to_string().len();
    let mut written = vec![];
    let mut copied: BTreeSet<&RootPath> = BTreeSet::new();
    for (index, item) in items.iter().enumerate() {
        // Later groups come after the primary one.
        let number = match work.pass {
            0 => format!("{index:0digits$}"),
            pass => format!("p{pass}-{index:0digits$}"),
        };
        let mut one =
            One { family, item, index, number, candidates: vec![], notes: vec![], at: vec![] };
        for abi in 0..work.abis.len() {
            one.for_abi(work, abi);
        }
        let as_it_is = one.as_it_is(work);
        if as_it_is && copied.insert(&item.file) {
            one.write(work, None, None);
        }
        written.extend(one.finish(work, as_it_is));
    }
    written
}

/// One item while it is imported.
struct One<'w, 'm> {
    family: &'w Family,
    item: &'w Item<'m>,
    index: usize,
    number: String,
    candidates: Vec<Candidate>,
    /// Why it does not serve, by architecture.
    notes: Vec<String>,
    /// The manifests written, and whether each is for one architecture only.
    at: Vec<ContainerPath>,
}

impl One<'_, '_> {
    /// Libraries named by path: linked, and a manifest written for this architecture.
    fn for_abi(&mut self, work: &mut Work<'_>, abi: usize) {
        let tuple = work.abis[abi].tuple;
        let result = (self.item.suits)(tuple)
            .map_err(|why| why.to_string())
            .and_then(|()| self.place(work, abi));
        match result {
            Ok(None) => {}
            Ok(Some(target)) => self.write(work, Some(tuple), Some(&target)),
            Err(why) => self.notes.push(format!("{tuple}: {why}")),
        }
    }

    /// Where the container has the library, if the manifest names a path.
    fn place(&mut self, work: &mut Work<'_>, abi: usize) -> Result<Option<String>, String> {
        if !matches!(self.item.library, Some(LibraryPath::Absolute(_) | LibraryPath::Dynamic(_))) {
            return Ok(None);
        }
        let placed = by_path(work, abi, self.item, self.family.libraries, self.family.loader)?;
        self.candidates.push(candidate(Origin::Provider, &placed.library));
        let missing = work.abis[abi].unsatisfied(&placed.library);
        if !missing.is_empty() {
            let tuple = work.abis[abi].tuple;
            self.notes.push(format!("{tuple}: nothing has {}", missing.join(", ")));
        }
        text_of(&placed.target).map(Some)
    }

    /// Whether the provider's own manifest serves: it has no library, or one that is found by name.
    fn as_it_is(&mut self, work: &mut Work<'_>) -> bool {
        let name = match &self.item.library {
            None => return work.abis.iter().any(|abi| (self.item.suits)(abi.tuple).is_ok()),
            Some(LibraryPath::Soname(name)) => name,
            Some(_) => return false,
        };
        let why = format!("{} names it", self.item.file);
        let mut any = false;
        for abi in &mut work.abis {
            if (self.item.suits)(abi.tuple).is_err() {
                continue;
            }
            match abi.capture_name(name, When::Always, &why) {
                Ok(library) => {
                    any = true;
                    self.candidates.push(candidate(Origin::Provider, &library));
                    work.driver_files.push(library.file.path.clone());
                }
                Err(missing) => self.notes.push(format!("{}: {missing}", abi.tuple)),
            }
        }
        any
    }

    /// Writes the manifest for one architecture, or the provider's as it is.
    fn write(&mut self, work: &mut Work<'_>, tuple: Option<Tuple>, library: Option<&str>) {
        let tail = self.name(work, tuple);
        let at = work.overrides(&tail);
        match (library, tuple) {
            (Some(library), Some(tuple)) => {
                work.file(at, (self.item.rewritten)(library, tuple));
            }
            _ => {
                let found = match self.item.place {
                    Place::Root => work.provider.find(&self.item.file),
                    Place::Host => None,
                };
                match found.filter(|f| Places::is_mounted(&f.path)) {
                    Some(found) => {
                        let target = work.places.provider(&found.path);
                        work.link(at, &target);
                    }
                    // The place that it is at may be hidden, or not be there at all.
                    None => work.file(at, self.item.bytes.to_vec()),
                }
            }
        }
        self.at.push(work.container(&tail));
    }

    fn name(&self, work: &Work<'_>, tuple: Option<Tuple>) -> String {
        let directory = self.family.manifests;
        let number = match tuple {
            Some(tuple) => format!("{}-{tuple}", self.number),
            None => self.number.clone(),
        };
        let name = self.item.file.file_name().map(|n| n.as_bytes().to_vec());
        // Loaders take lists separated by colons.
        let name = name.and_then(|n| String::from_utf8(n).ok()).filter(|n| !n.contains(':'));
        match (self.family.naming, name) {
            (Naming::Kept, Some(name)) => {
                let plain = format!("{directory}/{name}");
                let taken = work.out.entries.contains_key(&work.overrides(&plain));
                if taken { format!("{directory}/{number}/{name}") } else { plain }
            }
            _ => format!("{directory}/{number}.json"),
        }
    }

    /// Records what became of the item.
    fn finish(self, work: &mut Work<'_>, as_it_is: bool) -> Vec<Written> {
        let subject =
            Subject::Manifest { api: self.family.api.into(), path: self.item.file.to_string() };
        let at: Vec<String> = self.at.iter().map(ToString::to_string).collect();
        let taken = (!at.is_empty() || as_it_is).then(|| at.join(", "));
        let mut why = vec![match (&taken, as_it_is) {
            (None, _) => "its library is for none of the architectures".to_owned(),
            (Some(_), true) => "taken as it is".into(),
            (Some(_), false) => "rewritten to name the library where the container has it".into(),
        }];
        why.extend(self.notes);
        work.decide(subject, self.candidates, taken, why.join("; "));
        let item = self.index;
        self.at.into_iter().map(|at| Written { at, item }).collect()
    }
}

/// Finds and links the library that a manifest names by path.
fn by_path(
    work: &mut Work<'_>,
    abi: usize,
    item: &Item<'_>,
    libraries: &str,
    loader: &str,
) -> Result<Placed, String> {
    let linker = &work.abis[abi].provider;
    let loader = linker.find(loader, None).ok();
    let origin = loader.and_then(|l| l.found.parent());
    let paths = item.library.as_ref().map(|l| l.paths(linker, origin.as_ref()));
    let mut why = "its library_path leads nowhere".to_owned();
    for path in paths.into_iter().flatten() {
        match work.place_library(abi, item.place, &path, libraries) {
            Ok(placed) => return Ok(placed),
            Err(not) => why = not,
        }
    }
    Err(why)
}

/// JSON, and lists separated by colons, have no way to say some paths.
fn text_of(path: &ContainerPath) -> Result<String, String> {
    let text = std::str::from_utf8(path.as_bytes());
    text.map(ToOwned::to_owned).map_err(|_| format!("{path} is not UTF-8"))
}

/// What a manifest for one architecture alone names: the path of its library in the container, or
/// the name under which that is found.
pub(crate) fn library_for(
    work: &mut Work<'_>,
    abi: usize,
    item: &Item<'_>,
    libraries: &str,
    loader: &str,
) -> Result<String, String> {
    if let Some(LibraryPath::Soname(name)) = &item.library {
        let why = format!("{} names it", item.file);
        let found = work.abis[abi].capture_name(name, When::Always, &why);
        return found.map(|_| name.clone()).map_err(|e| e.to_string());
    }
    let placed = by_path(work, abi, item, libraries, loader)?;
    text_of(&placed.target)
}

/// Records the manifests that cannot be used, and gives back the others.
pub(crate) fn usable<'f, T>(
    work: &mut Work<'_>,
    api: &'static str,
    found: &'f [Found<T>],
) -> Vec<(&'f Found<T>, &'f T)> {
    let mut out = vec![];
    for manifest in found {
        if let Some(content) = manifest.loaded() {
            out.push((manifest, content));
            continue;
        }
        let why = manifest.why_not().map(ToString::to_string).unwrap_or_default();
        let subject = Subject::Manifest { api: api.into(), path: manifest.file.to_string() };
        work.decide(subject, vec![], None, why.as_str());
        if !matches!(manifest.verdict, Verdict::Ignored { .. }) {
            let cause = format!("{} is left out: {why}", manifest.file);
            work.out.warnings.push(Problem::warning(Code::MANIFEST_REJECTED, cause));
        }
    }
    out
}

/// Sets a variable to a list separated by colons, or unsets it where the list is empty.
pub(crate) fn set_list(work: &mut Work<'_>, name: &str, list: &[Vec<u8>], reason: &str) {
    if list.is_empty() {
        work.unset(name, "the provider has none");
    } else {
        work.extend(name, list, reason);
    }
}

/// The paths of manifests, for [`set_list`].
pub(crate) fn paths(written: &[Written]) -> Vec<Vec<u8>> {
    written.iter().map(|w| w.at.as_bytes().to_vec()).collect()
}

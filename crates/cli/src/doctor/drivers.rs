//! Graphics drivers, by architecture and interface, with their versions. Files are read, nothing is loaded.

use compose::Facts;
use inspect::elf;
use inspect::linker::{self, Linker};
use inspect::manifest::{
    Environment, Found, LayerKind, LibraryPath, egl, modules, opencl, openxr, vulkan,
};
use inspect::root::{Identity, Resolved, Root};
use inspect::{driver_version, nvidia};
use plan::{Problem, RootPath, Tuple};
use serde::Serialize;
use std::collections::BTreeMap;

/// What is found.
#[derive(Debug, Serialize)]
pub(super) struct Drivers {
    pub(super) architectures: Vec<Architecture>,
    /// The NVIDIA kernel module that is loaded.
    pub(super) nvidia_module: Option<String>,
    /// Manifests that cannot be used.
    pub(super) rejected: Vec<Rejected>,
    /// Names of Vulkan layers that every program gets.
    pub(super) implicit_vulkan_layers: Vec<String>,
}

/// Drivers for programs of one architecture.
#[derive(Debug, Serialize)]
pub(super) struct Architecture {
    pub(super) tuple: Tuple,
    /// The program interpreter, without which no such program starts.
    pub(super) interpreter: Option<String>,
    pub(super) drivers: Vec<Driver>,
}

/// One driver.
#[derive(Debug, Serialize, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Driver {
    /// What it is for: `glx`, `egl`, `gbm`, `dri`, `vulkan`, `va-api`, `vdpau`, `opencl`, `openxr`.
    pub(super) api: &'static str,
    /// Such as `mesa`, `radeon`.
    pub(super) name: String,
    pub(super) library: String,
    /// Version of the driver.
    pub(super) version: Option<String>,
    /// Version of the interface that its manifest says it has.
    pub(super) api_version: Option<String>,
    pub(super) manifest: Option<String>,
}

/// A manifest that cannot be used.
#[derive(Debug, Serialize)]
pub(super) struct Rejected {
    pub(super) manifest: String,
    pub(super) why: String,
}

/// Looks at the drivers of this machine.
pub(super) fn look(facts: &Facts, problems: &mut Vec<Problem>) -> Drivers {
    let root = &facts.host;
    let env = Environment::new(facts.environment.iter());
    let manifests = Manifests::read(root, &env);
    let linkers: Vec<Linker<'_>> = Tuple::ALL
        .iter()
        .filter_map(|tuple| Linker::new(root, *tuple, linker::Options::default()).ok())
        .collect();
    let nvidia = nvidia::driver(root, &linkers);
    problems.extend(nvidia.problems());
    let mut versions = Versions { root, nvidia: &nvidia, known: BTreeMap::new() };
    let architectures = linkers
        .iter()
        .filter(|linker| is_of_interest(linker))
        .map(|linker| Architecture {
            tuple: linker.tuple(),
            interpreter: linker.interpreter().map(|found| found.path.to_string()),
            drivers: Look { root, linker, env: &env, versions: &mut versions }.all(&manifests),
        })
        .collect();
    let layers = vulkan::layers(root, &env, LayerKind::Implicit);
    let mut names: Vec<String> =
        layers.iter().filter_map(Found::loaded).flatten().map(|layer| layer.name.clone()).collect();
    names.sort_unstable();
    names.dedup();
    Drivers {
        architectures,
        nvidia_module: nvidia.module.as_ref().map(|module| module.version.clone()),
        rejected: manifests.rejected(),
        implicit_vulkan_layers: names,
    }
}

/// Those that this machine's processor runs, and others that something is installed for.
fn is_of_interest(linker: &Linker<'_>) -> bool {
    let native = match Tuple::native() {
        Some(Tuple::X86_64 | Tuple::I386) => &[Tuple::X86_64, Tuple::I386][..],
        Some(Tuple::Aarch64) => &[Tuple::Aarch64],
        None => &[],
    };
    native.contains(&linker.tuple()) || linker.interpreter().is_some()
}

/// Manifests that are for every architecture.
struct Manifests {
    vulkan: Vec<Found<vulkan::Icd>>,
    egl: Vec<Found<egl::Icd>>,
    opencl: Vec<Found<opencl::Vendor>>,
}

impl Manifests {
    fn read(root: &Root, env: &Environment) -> Self {
        Self {
            vulkan: vulkan::icds(root, env),
            egl: egl::vendors(root, env),
            opencl: opencl::vendors(root, env),
        }
    }

    fn rejected(&self) -> Vec<Rejected> {
        fn of<T>(found: &[Found<T>]) -> impl Iterator<Item = Rejected> {
            found.iter().filter_map(|manifest| {
                Some(Rejected {
                    manifest: manifest.file.to_string(),
                    why: manifest.why_not()?.to_string(),
                })
            })
        }
        of(&self.vulkan).chain(of(&self.egl)).chain(of(&self.opencl)).collect()
    }
}

/// Looks for the drivers of one architecture.
struct Look<'l, 'r> {
    root: &'r Root,
    linker: &'l Linker<'r>,
    env: &'l Environment,
    versions: &'l mut Versions<'r>,
}

impl Look<'_, '_> {
    fn all(&mut self, manifests: &Manifests) -> Vec<Driver> {
        let mut out = vec![];
        if self.linker.interpreter().is_none() {
            return out;
        }
        self.glx(&mut out);
        for (api, kind) in [
            ("dri", modules::Api::Dri),
            ("gbm", modules::Api::Gbm),
            ("va-api", modules::Api::VaApi),
            ("vdpau", modules::Api::Vdpau),
        ] {
            self.modules(api, kind, &mut out);
        }
        for found in &manifests.vulkan {
            let Some(icd) = found.loaded() else { continue };
            let suits = icd.suits(self.linker.tuple()).is_ok();
            let extra = Some(icd.api_version.clone());
            if suits {
                self.manifest("vulkan", found, &icd.library_path, extra, &mut out);
            }
        }
        for found in &manifests.egl {
            let Some(icd) = found.loaded() else { continue };
            self.manifest("egl", found, &icd.library_path, None, &mut out);
        }
        for found in &manifests.opencl {
            let Some(vendor) = found.loaded() else { continue };
            self.manifest("opencl", found, &vendor.library_path, None, &mut out);
        }
        for found in openxr::runtimes(self.root, self.env, self.linker.tuple()) {
            let Some(runtime) = found.loaded() else { continue };
            self.manifest("openxr", &found, &runtime.library_path, None, &mut out);
        }
        out.sort_unstable();
        out.dedup();
        out
    }

    /// Vendor libraries of libglvnd, which libGLX finds by name.
    fn glx(&mut self, out: &mut Vec<Driver>) {
        for soname in self.linker.matching("libGLX_*.so.0") {
            let Ok(library) = self.linker.find(&soname, None) else { continue };
            // An alias of the vendor that serves indirect rendering.
            if soname == "libGLX_indirect.so.0" {
                continue;
            }
            self.add("glx", &library.file, None, None, out);
        }
    }

    fn modules(&mut self, api: &'static str, kind: modules::Api, out: &mut Vec<Driver>) {
        for module in modules::find(self.root, self.linker, self.env, kind) {
            let version = self.versions.of(self.linker, &module.file);
            let library = module.path.to_string();
            let name = name_of(&module.path);
            let (api_version, manifest) = (None, None);
            out.push(Driver { api, name, library, version, api_version, manifest });
        }
    }

    /// The library of a manifest, if it has this architecture.
    fn manifest<T>(
        &mut self,
        api: &'static str,
        found: &Found<T>,
        path: &LibraryPath,
        api_version: Option<String>,
        out: &mut Vec<Driver>,
    ) {
        let root = self.root;
        let file = match path {
            LibraryPath::Soname(name) => {
                self.linker.find(name, None).ok().map(|library| (*library.file).clone())
            }
            other => other.paths(self.linker, None).iter().find_map(|path| root.find(path)),
        };
        let is_ours = |file: &Resolved| {
            elf::read_resolved(root, file).is_ok_and(|elf| elf.tuple == Some(self.linker.tuple()))
        };
        if let Some(file) = file.filter(is_ours) {
            self.add(api, &file, api_version, Some(found.file.to_string()), out);
        }
    }

    fn add(
        &mut self,
        api: &'static str,
        file: &Resolved,
        api_version: Option<String>,
        manifest: Option<String>,
        out: &mut Vec<Driver>,
    ) {
        let version = self.versions.of(self.linker, file);
        let (name, library) = (name_of(&file.path), file.path.to_string());
        out.push(Driver { api, name, library, version, api_version, manifest });
    }
}

/// What drivers' file names begin and end with, around the name that people know.
const AFFIXES: &[(&str, &str)] = &[
    ("libGLX_", ".so"),
    ("libEGL_", ".so"),
    ("libvulkan_", ".so"),
    ("libvdpau_", ".so"),
    ("", "_dri.so"),
    ("", "_drv_video.so"),
    ("", "_gbm.so"),
    ("lib", ".so"),
];

fn name_of(path: &RootPath) -> String {
    let file = path.file_name().unwrap_or_default().to_string_lossy();
    let between = |(start, end): &(&str, &str)| {
        let rest = file.strip_prefix(start)?;
        let name = &rest[..rest.find(end)?];
        (!name.is_empty()).then(|| name.to_owned())
    };
    AFFIXES.iter().find_map(between).unwrap_or_else(|| file.clone().into_owned())
}

/// Versions of drivers. Many names lead to one file, which is read once.
struct Versions<'r> {
    root: &'r Root,
    nvidia: &'r nvidia::Driver,
    known: BTreeMap<Identity, Option<String>>,
}

impl Versions<'_> {
    fn of(&mut self, linker: &Linker<'_>, file: &Resolved) -> Option<String> {
        if let Some(known) = self.known.get(&file.identity) {
            return known.clone();
        }
        let version = self.look(linker, file);
        self.known.insert(file.identity, version.clone());
        version
    }

    fn look(&self, linker: &Linker<'_>, file: &Resolved) -> Option<String> {
        let nvidia = self.nvidia.libraries.iter().find(|library| library.path == file.path);
        if let Some(library) = nvidia {
            return Some(library.version.clone());
        }
        let by_name = |path: &RootPath| {
            let name = path.file_name()?.to_str()?;
            driver_version::in_name(name).map(ToOwned::to_owned)
        };
        // Since Mesa 24.2 the front ends share one library that has the version in its name; before, the
        // front ends of OpenGL had no version, and the drivers have it among their strings.
        let needed = elf::read_resolved(self.root, file).ok()?.needed;
        let gallium = needed.iter().find(|name| driver_version::in_name(name).is_some());
        by_name(&file.path)
            .or_else(|| {
                gallium.and_then(|name| driver_version::in_name(name)).map(ToOwned::to_owned)
            })
            .or_else(|| driver_version::mesa(self.root, file))
            .or_else(|| self.beside(linker, file))
    }

    /// A part of Mesa without a version (a front end; a driver whose compiler has made instructions of the
    /// text) is as old as what is installed with it: the library that all drivers are in, or the software
    /// driver.
    fn beside(&self, linker: &Linker<'_>, file: &Resolved) -> Option<String> {
        let name = file.path.file_name()?.to_str()?;
        if !FRONT_ENDS.iter().any(|part| name.contains(part)) {
            return None;
        }
        let directories = linker.directories();
        let real = directories.iter().filter_map(|directory| self.root.find(directory));
        let mut holding = real.filter(|directory| file.path.is_within(&directory.path));
        // One that is elsewhere was installed by somebody else.
        holding.next()?;
        for directory in directories {
            let entries = self.root.list(&directory).unwrap_or_default();
            let names = entries.iter().filter_map(|entry| entry.name.to_str());
            if let Some(version) = names.filter_map(driver_version::in_name).next() {
                return Some(version.to_owned());
            }
        }
        let env = Environment::new::<&str, &str>([]);
        let drivers = modules::find(self.root, linker, &env, modules::Api::Dri);
        let software = drivers.iter().find(|m| m.path.as_bytes().ends_with(b"/swrast_dri.so"));
        driver_version::mesa(self.root, &software.or(drivers.first())?.file)
    }
}

/// What names of Mesa's parts have in them: `libGLX_mesa.so.0`, `dri_gbm.so`, `libdril_dri.so`,
/// `libvulkan_lvp.so`. Other vendors' Vulkan drivers have other names.
const FRONT_ENDS: &[&str] = &["_mesa.so", "_gbm.so", "_dri.so", "libvulkan_"];

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names() {
        for (path, want) in [
            ("/usr/lib/x86_64-linux-gnu/libGLX_mesa.so.0.0.0", "mesa"),
            ("/usr/lib/x86_64-linux-gnu/libvulkan_radeon.so", "radeon"),
            ("/usr/lib/x86_64-linux-gnu/dri/iris_dri.so", "iris"),
            ("/usr/lib/x86_64-linux-gnu/dri/radeonsi_drv_video.so", "radeonsi"),
            ("/usr/lib/x86_64-linux-gnu/libnvidia-opencl.so.535.183.01", "nvidia-opencl"),
            ("/usr/lib/libEGL_nvidia.so.0", "nvidia"),
            ("/opt/odd.so", "odd.so"),
        ] {
            assert_eq!(name_of(&RootPath::literal(path)), want, "{path}");
        }
    }
}

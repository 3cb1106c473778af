//! Where each loader looks for its modules, as rows.

use super::Api;
use crate::linker::Linker;
use crate::manifest::dirs::{Candidate, entries};
use crate::manifest::{Directory, Place, Reason, Search};
use plan::{RootPath, Tuple};

/// How the modules of one API are found.
pub(super) struct Rule {
    api: Api,
    /// The variable that replaces the search.
    variable: &'static str,
    /// Whether the variable lists several directories.
    is_list: bool,
    /// Libraries that load the modules. Directories are relative to where these really are.
    loaders: &'static [&'static str],
    /// Directories relative to the loader's, in order.
    tails: &'static [&'static str],
    /// Directories in a Flatpak sandbox, which take the place of the loader's; `TUPLE` is replaced.
    flatpak: &'static [&'static str],
    prefix: &'static str,
    suffixes: &'static [&'static str],
}

const RULES: &[Rule] = &[
    Rule {
        api: Api::Dri,
        variable: "LIBGL_DRIVERS_PATH",
        is_list: true,
        loaders: &["libGLX_mesa.so.0", "libEGL_mesa.so.0", "libGL.so.1"],
        // The second is Slackware's.
        tails: &["dri", "xorg/modules/dri"],
        flatpak: &["/usr/lib/TUPLE/GL/lib/dri"],
        prefix: "",
        suffixes: &["_dri.so"],
    },
    Rule {
        api: Api::Gbm,
        variable: "GBM_BACKENDS_PATH",
        is_list: true,
        loaders: &["libgbm.so.1"],
        tails: &["gbm"],
        flatpak: &["/usr/lib/TUPLE/GL/lib/gbm"],
        prefix: "",
        suffixes: &["_gbm.so"],
    },
    Rule {
        api: Api::VaApi,
        variable: "LIBVA_DRIVERS_PATH",
        is_list: true,
        loaders: &["libva.so.2", "libva.so.1"],
        // The first two are Fedora's, for drivers with patented codecs from RPM Fusion: its libva
        // is built with all three in this order (libva.spec, `driverdir`).
        tails: &["dri-nonfree", "dri-freeworld", "dri"],
        flatpak: &[
            "/usr/lib/TUPLE/dri",
            "/usr/lib/TUPLE/dri/intel-vaapi-driver",
            "/usr/lib/TUPLE/GL/lib/dri",
        ],
        prefix: "",
        suffixes: &["_drv_video.so"],
    },
    Rule {
        api: Api::Vdpau,
        variable: "VDPAU_DRIVER_PATH",
        is_list: false,
        loaders: &["libvdpau.so.1"],
        tails: &["vdpau"],
        flatpak: &[],
        prefix: "libvdpau_",
        suffixes: &[".so", ".so.1"],
    },
];

/// Drivers that libvdpau is asked for by name where no cache lists them.
pub(super) const VDPAU_DRIVERS: &[&str] =
    &["nouveau", "nvidia", "r300", "r600", "radeonsi", "va_gl"];

/// Modules that are left out, by name.
const QUIRKS: &[(Api, &str, &str)] = &[(
    Api::VaApi,
    "nvidia_drv_video.so",
    "nvidia-vaapi-driver is left out, as pressure-vessel has done since 0.20230718",
)];

/// Subdirectories in which older distributions put Mesa's loaders, although the modules are beside
/// the subdirectory (Debian before 10, Ubuntu before 18.04: `/usr/lib/TUPLE/mesa/libGL.so.1`).
const DIVERTED: &str = "mesa";

/// The rule of an API.
pub(super) fn of(api: Api) -> &'static Rule {
    // Every API has its row, which a test checks; the first one is never wrongly used.
    RULES.iter().find(|r| r.api == api).unwrap_or(&RULES[0])
}

impl Rule {
    /// Whether a file name is that of a module.
    pub(super) fn matches(&self, name: &[u8]) -> bool {
        let rest = name.strip_prefix(self.prefix.as_bytes());
        rest.is_some_and(|r| self.suffixes.iter().any(|s| r.ends_with(s.as_bytes())))
    }

    /// Why a module is left out whatever it has in it.
    pub(super) fn quirk(&self, path: &RootPath) -> Option<Reason> {
        let name = path.file_name()?;
        let row = QUIRKS.iter().find(|(api, n, _)| *api == self.api && name == *n)?;
        Some(Reason::Quirk(row.2))
    }
}

/// The directories in search order, and whether a variable replaced the search.
pub(super) fn directories(
    search: &Search<'_>,
    linker: &Linker<'_>,
    rule: &Rule,
) -> (Vec<Directory>, bool) {
    let replaced = if rule.is_list {
        search.listed(rule.variable)
    } else {
        search.env.get(rule.variable).map(|v| search.single(v, rule.variable))
    };
    if let Some(list) = replaced {
        return (search.directories(list, ""), true);
    }
    let mut out = Vec::new();
    let flatpak = search.is_flatpak();
    if flatpak {
        flatpak_directories(search, rule, linker.tuple(), &mut out);
    }
    if !flatpak || rule.flatpak.is_empty() {
        for loader in rule.loaders {
            beside(linker, loader, rule.tails, &mut out);
        }
    }
    if rule.api == Api::Vdpau {
        for entry in search.env.filled("LD_LIBRARY_PATH").into_iter().flat_map(entries) {
            let path = search.absolute(Place::Root, entry);
            let origin = "$LD_LIBRARY_PATH".to_owned();
            out.extend(path.map(|path| Candidate { path, place: Place::Root, origin }));
        }
    }
    (search.directories(out, ""), false)
}

fn flatpak_directories(search: &Search<'_>, rule: &Rule, tuple: Tuple, out: &mut Vec<Candidate>) {
    for directory in rule.flatpak {
        search.fixed(out, &directory.replace("TUPLE", tuple.name()));
    }
}

/// The directories that a loader has compiled in, beside where it really is.
fn beside(linker: &Linker<'_>, loader: &str, tails: &[&str], out: &mut Vec<Candidate>) {
    let Ok(library) = linker.find(loader, None) else { return };
    let Some(directory) = library.file.path.parent() else { return };
    let diverted = directory.file_name().is_some_and(|n| n == DIVERTED);
    let outer = diverted.then(|| directory.parent()).flatten();
    for base in [Some(directory), outer].into_iter().flatten() {
        out.extend(tails.iter().map(|tail| Candidate {
            path: base.at(tail),
            place: Place::Root,
            origin: format!("beside {loader}"),
        }));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_api_has_its_row() {
        for api in [Api::Dri, Api::Gbm, Api::VaApi, Api::Vdpau] {
            assert_eq!(of(api).api, api);
        }
    }

    #[test]
    fn names() {
        for (api, name, want) in [
            (Api::Dri, "iris_dri.so", true),
            (Api::Dri, "libdril_dri.so", true),
            (Api::Dri, "iris_drv_video.so", false),
            (Api::Dri, "iris_dri.so.0", false),
            (Api::Gbm, "dri_gbm.so", true),
            (Api::VaApi, "iHD_drv_video.so", true),
            (Api::Vdpau, "libvdpau_nvidia.so", true),
            (Api::Vdpau, "libvdpau_nvidia.so.1", true),
            (Api::Vdpau, "libvdpau_nvidia.so.1.0", false),
            (Api::Vdpau, "libvdpau.so.1", false),
        ] {
            assert_eq!(of(api).matches(name.as_bytes()), want, "{name}");
        }
    }
}

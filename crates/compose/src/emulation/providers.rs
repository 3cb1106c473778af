//! Whose drivers each architecture has.
//!
//! The first of these that serves an architecture: the option, the variable for that architecture, the
//! variable for all, Steam's variable, the emulator's root, the host.

use super::{Arrangement, choose};
use crate::capture::{Part, Settings};
use crate::facts::Facts;
use crate::named;
use crate::request::{PARENT, ProviderChoice, Request};
use crate::view;
use inspect::manifest::provider::{self, ProviderManifest};
use inspect::root::{Kind, Root};
use plan::{ByteString, Code, ContainerPath, HostPath, Problem, RootPath, Tuple};
use std::collections::BTreeMap;
use std::ffi::OsStr;

/// The variable for all architectures; with `_` and the architecture appended, for one.
const VARIABLE: &str = "PRESSURE_VESSEL_GRAPHICS_PROVIDER";
/// Steam's own.
const STEAM: &str = "STEAM_COMPAT_GRAPHICS_PROVIDER";

/// Some architectures and whose drivers they have.
pub(crate) struct Group {
    pub(crate) source: Source,
    /// Where the container shows the provider.
    pub(crate) mount: ContainerPath,
    pub(crate) tuples: Vec<Tuple>,
    pub(crate) part: Part,
    pub(crate) settings: BTreeMap<Tuple, Settings>,
    /// What names it; empty where nothing does.
    pub(crate) origin: String,
    /// Whether its locales may be used.
    pub(crate) locales: bool,
}

/// A root whose drivers are used.
pub(crate) enum Source {
    /// Nobody's.
    None,
    /// The host's own, at `/run/host`.
    Host,
    /// A root that is shown below `/run/gfx`.
    Root(Box<Root>),
}

impl Group {
    /// The provider's files.
    pub(crate) fn root<'a>(&'a self, facts: &'a Facts) -> Option<&'a Root> {
        match &self.source {
            Source::None => None,
            Source::Host => Some(&facts.host),
            Source::Root(root) => Some(root),
        }
    }
}

/// What was named, and by what.
struct Wish {
    choice: ProviderChoice,
    origin: String,
    /// Whether it is for one architecture.
    single: bool,
}

/// Decides for all architectures of the launch, the primary one's group first.
///
/// # Errors
/// When one that is named cannot be used.
pub(crate) fn choose(
    request: &Request,
    facts: &Facts,
    raw: &Root,
    arrangement: &Arrangement,
    tuples: &[Tuple],
) -> Result<Vec<Group>, Problem> {
    let mut chooser = Chooser { facts, raw, arrangement, groups: vec![], places: vec![] };
    for tuple in tuples {
        chooser.take(request, *tuple)?;
    }
    let mut groups = chooser.groups;
    if let Arrangement::Direct(direct) = arrangement {
        direct.add_group(&mut groups);
    }
    if request.sub_sandbox {
        groups.iter_mut().try_for_each(seen_from_sub_sandbox)?;
    }
    Ok(groups)
}

/// A sub-sandbox has the sandbox that it comes from in one place, and no other root.
fn seen_from_sub_sandbox(group: &mut Group) -> Result<(), Problem> {
    match &group.source {
        Source::None => {}
        Source::Host => group.mount = ContainerPath::literal(PARENT),
        Source::Root(root) => {
            let cause = format!("a sub-sandbox of Flatpak's cannot show `{}`", root.path());
            return Err(Problem::blocking(Code::PROVIDER_UNUSABLE, cause)
                .hint("use the drivers of the Flatpak app's runtime: `--graphics-provider=/`"));
        }
    }
    Ok(())
}

struct Chooser<'a> {
    facts: &'a Facts,
    raw: &'a Root,
    arrangement: &'a Arrangement,
    groups: Vec<Group>,
    /// For each group, what was named for it, whether for one architecture, and its manifest.
    places: Vec<(ProviderChoice, bool, Option<ProviderManifest>)>,
}

impl Chooser<'_> {
    fn take(&mut self, request: &Request, tuple: Tuple) -> Result<(), Problem> {
        for wish in wishes(request, self.facts, tuple)? {
            if self.take_wish(&wish, tuple)? {
                return Ok(());
            }
        }
        let root = match self.arrangement {
            Arrangement::Overlay(overlay) if !self.facts.runs(tuple) => match &overlay.root {
                Some(root) => root.path().clone(),
                None => return Err(overlay.no_root()),
            },
            Arrangement::Direct(_) if !self.facts.runs(tuple) => {
                request.emulator_root.clone().unwrap_or_else(HostPath::root)
            }
            _ => HostPath::root(),
        };
        let wish =
            Wish { choice: ProviderChoice::Root(root), origin: String::new(), single: false };
        self.take_wish(&wish, tuple).map(|_| ())
    }

    /// Whether it serves this architecture.
    fn take_wish(&mut self, wish: &Wish, tuple: Tuple) -> Result<bool, Problem> {
        let known = self.places.iter().position(|p| p.0 == wish.choice && p.1 == wish.single);
        let manifest = match (known, &wish.choice) {
            (_, ProviderChoice::Default) => return Ok(false),
            (Some(known), _) => self.places[known].2.clone(),
            (None, ProviderChoice::Root(path)) => self.manifest(path, &wish.origin)?,
            (None, ProviderChoice::None) => None,
        };
        let mut settings = BTreeMap::new();
        if let Some(manifest) = &manifest {
            let Some(architecture) = manifest.architecture(tuple) else { return Ok(false) };
            settings.insert(tuple, settings_of(architecture));
        }
        if let Some(known) = known {
            self.groups[known].tuples.push(tuple);
            self.groups[known].settings.append(&mut settings);
            return Ok(true);
        }
        let source = match (&wish.choice, &manifest) {
            (ProviderChoice::Root(_), Some(manifest)) => self.open(&manifest.root, &wish.origin)?,
            (ProviderChoice::Root(path), None) => self.open(path, &wish.origin)?,
            (ProviderChoice::None | ProviderChoice::Default, _) => Source::None,
        };
        let locales = manifest.as_ref().is_none_or(|m| m.locales);
        let at = ContainerPath::literal;
        let mount = match &source {
            Source::None | Source::Host => at("/run/host"),
            Source::Root(_) if wish.single || self.has_main() => {
                at(view::PROVIDER).at(tuple.name())
            }
            Source::Root(_) => at(view::PROVIDER),
        };
        let (tuples, part) = (vec![tuple], Part::Guest);
        let origin = wish.origin.clone();
        self.groups.push(Group { source, mount, tuples, part, settings, origin, locales });
        self.places.push((wish.choice.clone(), wish.single, manifest));
        Ok(true)
    }

    /// Whether a provider has the main place already.
    fn has_main(&self) -> bool {
        self.groups.iter().any(|g| g.mount == ContainerPath::literal(view::PROVIDER))
    }

    /// The manifest, where a file is named.
    fn manifest(&self, path: &HostPath, origin: &str) -> Result<Option<ProviderManifest>, Problem> {
        let asked = self.raw.without_dot_dot(&RootPath::root(), path.as_path().as_os_str()).ok();
        let found = asked.as_ref().and_then(|asked| self.raw.find(asked));
        let Some(found) = found.filter(|f| f.kind == Kind::File) else { return Ok(None) };
        provider::read(self.raw, &found.path).map(Some).map_err(|e| {
            Problem::blocking(
                Code::PROVIDER_MANIFEST,
                format!("the graphics provider's manifest `{path}`, named by {origin}, is wrong"),
            )
            .evidence(e.to_string())
            .hint("correct it, or name a directory")
        })
    }

    fn open(&self, path: &HostPath, origin: &str) -> Result<Source, Problem> {
        let is_host = path == self.facts.host.path() || *path == HostPath::root();
        // Where the host's system directories are the container's own, `/run/host` is another root
        // to emulated programs.
        if is_host && !matches!(self.arrangement, Arrangement::Overlay(_)) {
            return Ok(Source::Host);
        }
        let path = if is_host { self.facts.host.path() } else { path };
        let root = choose::open_root(self.raw, path).map_err(|why| {
            let cause = match origin {
                "" => format!("the graphics provider `{path}` is no root"),
                origin => format!("the graphics provider `{path}`, named by {origin}, is no root"),
            };
            Problem::blocking(Code::PROVIDER_UNUSABLE, cause)
                .evidence(why)
                .hint("name a directory that has `usr`, or is one, or use `/`")
        })?;
        Ok(Source::Root(Box::new(root)))
    }
}

fn settings_of(architecture: &provider::Architecture) -> Settings {
    Settings {
        dri: architecture.dri.clone(),
        gbm: architecture.gbm.clone(),
        gconv: architecture.gconv.clone(),
        fallback_library_paths: Some(architecture.fallback_library_paths.clone()),
        no_va_api: !architecture.va_api,
        no_vdpau: !architecture.vdpau,
    }
}

/// What is named for an architecture, the strongest first.
///
/// # Errors
/// When a variable has a relative path.
fn wishes(request: &Request, facts: &Facts, tuple: Tuple) -> Result<Vec<Wish>, Problem> {
    const OPTION: &str = "--graphics-provider";
    let mut out = vec![];
    if let Some(choice) = request.providers.get(&tuple) {
        out.push(Wish { choice: choice.clone(), origin: OPTION.into(), single: true });
    }
    let choice = request.provider.clone();
    out.push(Wish { choice, origin: OPTION.into(), single: false });
    let single = format!("{VARIABLE}_{}", tuple.name().replace('-', "_"));
    for (name, single, empty_is_none) in
        [(single.as_str(), true, true), (VARIABLE, false, true), (STEAM, false, false)]
    {
        let choice = match facts.environment.get(name) {
            Some(value) if value.is_empty() && empty_is_none => Some(ProviderChoice::None),
            Some(value) if value.is_empty() => None,
            Some(value) => Some(ProviderChoice::Root(absolute(value, name)?)),
            None => None,
        };
        out.extend(choice.map(|choice| Wish { choice, origin: name.into(), single }));
    }
    Ok(out)
}

fn absolute(value: &OsStr, name: &str) -> Result<HostPath, Problem> {
    let path = named::lexical(value).and_then(|path| HostPath::new(path.as_path()).ok());
    path.ok_or_else(|| {
        let value = ByteString::from(value);
        let cause = format!("{name} is `{value}`, which is not an absolute path");
        Problem::blocking(Code::PROVIDER_UNUSABLE, cause)
            .hint("name the provider by its whole path")
    })
}

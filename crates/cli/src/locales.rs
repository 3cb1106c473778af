//! Locales that neither the host nor the runtime has, generated once into the store.
//!
//! `localedef` of this machine does it, natively, whatever the architecture of the runtime is; it takes some
//! seconds for each. The files are prepared as a layer of their own, under a key of the locale and of the
//! program and sources that make it, from which later launches take them.

use crate::session::Session;
use inspect::root::{Kind, Resolved};
use plan::{HostPath, LayerEntry, LayerName, LayerSpec, Plan, RootPath};
use std::collections::BTreeMap;
use std::os::unix::fs::DirBuilderExt;
use std::process::{Command, Stdio};
use store::Store;

/// Sources of locales: a distribution's, then those of the runtime (`I18NPATH` of localedef).
const SOURCES: &str = "/usr/share/i18n";

/// Where a locale is in the layer that is made of it.
const PLACE: &str = "/locale";

/// Generates what the plan lacks. `true`: there is something new, and the plan must be made again.
pub(crate) fn generate(session: &mut Session, store: &Store, plan: &Plan) -> bool {
    let missing: Vec<String> =
        plan.warnings.iter().filter_map(compose::locale::missing).map(str::to_owned).collect();
    let mut made = BTreeMap::new();
    for locale in missing {
        if session.request.generated_locales.contains_key(&locale) {
            continue;
        }
        match one(session, store, &locale) {
            Ok(Some(directory)) => {
                made.insert(locale, directory);
            }
            Ok(None) => {}
            Err(why) => log::info!("the locale {locale} is not generated: {why}"),
        }
    }
    let any = !made.is_empty();
    session.request.generated_locales.extend(made);
    any
}

/// The directory with the files of one locale; `None` where this machine cannot make it.
fn one(session: &Session, store: &Store, locale: &str) -> Result<Option<HostPath>, String> {
    let Some((source, charset)) = compose::locale::source_and_charset(locale) else {
        return Ok(None);
    };
    let Some(program) = program(session) else { return Ok(None) };
    let sources = RootPath::literal(SOURCES).at("locales").at(&source);
    let Some(sources) = session.facts.host.find(&sources).filter(|f| f.kind == Kind::File) else {
        return Ok(None);
    };
    let inputs = format!("{locale} {:?} {:?}", program.identity, sources.identity);
    let layer = store.layer_with(inputs.as_bytes(), || {
        log::info!(
            target: "progress",
            "generating the locale {locale}, which nothing here has; this is done once and takes \
             some seconds"
        );
        describe(&program, &source, charset).map_err(Failure::Generating)
    });
    match layer {
        Ok(layer) => Ok(Some(layer.path.at(&PLACE[1..]))),
        Err(Failure::Generating(why)) => Err(why),
        Err(Failure::Store(error)) => Err(error.to_string()),
    }
}

/// Why a locale is not there.
enum Failure {
    Generating(String),
    Store(store::Error),
}

impl From<store::Error> for Failure {
    fn from(error: store::Error) -> Self {
        Failure::Store(error)
    }
}

/// `localedef` in the launcher's search path.
fn program(session: &Session) -> Option<Resolved> {
    let host = &session.facts.host;
    let paths = session.edge.search_path();
    let usual = ["/usr/bin", "/bin"].map(Into::into);
    let directories = paths.into_iter().chain(usual).filter_map(|d| RootPath::new(d).ok());
    directories
        .filter_map(|directory| host.find(&directory.at("localedef")))
        .find(|found| found.kind == Kind::File && found.mode & 0o111 != 0)
}

/// Runs `localedef` and describes what it made.
fn describe(program: &Resolved, source: &str, charset: &str) -> Result<LayerSpec, String> {
    let scratch = Scratch::new()?;
    let out = scratch.0.join("out");
    let mut command = Command::new(program.host.as_path());
    command.args(["--no-archive", "--quiet", "--force", "-i", source, "-f", charset]).arg(&out);
    command.stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null());
    command.env_clear().env("PATH", "/usr/bin:/bin");
    // It says 1 for warnings, having made the locale all the same.
    let status = command.status().map_err(|error| error.to_string())?;
    let mut spec = LayerSpec { name: LayerName("locale".into()), entries: BTreeMap::new() };
    add(&mut spec, &out, &RootPath::literal(PLACE), 0)
        .map_err(|error| format!("localedef made nothing ({status}; {error})"))?;
    Ok(spec)
}

/// The files below a directory, at a place of the layer.
fn add(
    spec: &mut LayerSpec,
    from: &std::path::Path,
    at: &RootPath,
    depth: usize,
) -> Result<(), std::io::Error> {
    for entry in std::fs::read_dir(from)? {
        let entry = entry?;
        let Ok(at) = at.join(entry.file_name()) else { continue };
        if entry.file_type()?.is_dir() && depth < 4 {
            add(spec, &entry.path(), &at, depth + 1)?;
        } else if entry.file_type()?.is_file() {
            let content = std::fs::read(entry.path())?.into();
            spec.entries.insert(at, LayerEntry::file(content));
        }
    }
    Ok(())
}

/// A directory that is deleted at the end.
struct Scratch(std::path::PathBuf);

impl Scratch {
    fn new() -> Result<Self, String> {
        let base = std::env::temp_dir();
        for attempt in 0..100 {
            let name = format!("bathysphere-locale-{}-{attempt}", std::process::id());
            let path = base.join(name);
            match std::fs::DirBuilder::new().mode(0o700).create(&path) {
                Ok(()) => return Ok(Self(path)),
                Err(error) if error.kind() == std::io::ErrorKind::AlreadyExists => {}
                Err(error) => return Err(format!("{}: {error}", path.display())),
            }
        }
        Err("no temporary directory can be made".into())
    }
}

impl Drop for Scratch {
    fn drop(&mut self) {
        // What cannot be deleted is for whoever cleans the directory of temporary files.
        let _ = std::fs::remove_dir_all(&self.0);
    }
}

//! The forms in which a runtime lies on disk, and whether it is one.
//!
//! | found in the directory, in this order | files | form |
//! |---|---|---|
//! | `usr-mtree.txt.gz` or `usr-mtree.txt` | `files` | a depot: the manifest says what `/usr` is |
//! | directory `files` | `files` | as Flatpak has it |
//! | anything else | the directory | as it is |
//!
//! Files with a `usr` directory are a whole sysroot, merged or not; files without one *are* a merged
//! `/usr`. What is needed to run anything at all is looked for: the dynamic linker of an architecture
//! that was asked for.

use inspect::elf;
use inspect::mtree;
use inspect::root::{Error, Form, Identity, Kind, Root};
use plan::{Code, HostPath, Problem, RootPath, Tuple};

/// A runtime, found.
pub(crate) struct Runtime {
    /// The directory that was asked for.
    pub(crate) path: HostPath,
    /// Its files: a sysroot or a merged `/usr`.
    pub(crate) root: Root,
    /// The manifest, of a depot: what tells it from another.
    pub(crate) manifest: Option<Identity>,
    /// The file that is locked while the runtime is in use.
    pub(crate) lock: Option<HostPath>,
    /// The architectures asked for that it has, in the order asked for; all that it has when none
    /// was.
    pub(crate) tuples: Vec<Tuple>,
    /// One warning for each that it lacks.
    pub(crate) warnings: Vec<Problem>,
}

/// A depot's manifest, the compressed form first.
const MANIFESTS: &[(&str, Decompress)] =
    &[("/usr-mtree.txt.gz", mtree::parse_gz), ("/usr-mtree.txt", mtree::parse)];

type Decompress = fn(&[u8]) -> Result<mtree::Manifest, mtree::Error>;

/// Finds the runtime at `path`, a path of the real root `raw`.
pub(crate) fn open(raw: &Root, path: &HostPath, tuples: &[Tuple]) -> Result<Runtime, Problem> {
    let place = directory(raw, path)?;
    let source = Root::with_form(place.clone(), Form::Full).map_err(|e| unreadable(path, &e))?;
    let (files, form) = form(&source, path)?;
    let manifest = form.is_some().then(|| manifest(&source)).flatten().map(|m| m.identity);
    let root = match form {
        Some(form) => Root::with_form(files.clone(), form),
        None => Root::open(files.clone()),
    }
    .map_err(|e| unreadable(path, &e))?;
    let lock = lock_file(raw, &files, files != *source.path());
    let mut runtime =
        Runtime { path: path.clone(), root, manifest, lock, tuples: vec![], warnings: vec![] };
    check(&mut runtime, tuples)?;
    Ok(runtime)
}

/// The lock of `files`. Where they are `delivered` in a directory of their own, it is made if it is missing (content
/// servers drop empty files); nothing is put into a root that may be more than a runtime.
fn lock_file(raw: &Root, files: &HostPath, delivered: bool) -> Option<HostPath> {
    let path = RootPath::new(files.as_path()).ok()?.join(".ref").ok()?;
    match raw.resolve(&path) {
        Ok(found) => (found.kind == Kind::File).then_some(found.host),
        Err(error) => (delivered && error.is_absent()).then(|| files.at(".ref")),
    }
}

/// The directory itself, links resolved.
fn directory(raw: &Root, path: &HostPath) -> Result<HostPath, Problem> {
    let missing = |cause: String| {
        Problem::blocking(Code::RUNTIME_MISSING, cause)
            .hint("name an unpacked runtime with --runtime, or use --runtime host")
    };
    let asked =
        raw.without_dot_dot(&RootPath::root(), path.as_path().as_os_str()).map_err(|e| {
            missing(format!("the runtime `{path}` does not exist")).evidence(e.to_string())
        })?;
    match raw.resolve(&asked) {
        Ok(found) if found.kind == Kind::Directory => Ok(found.host),
        Ok(found) => Err(missing(format!("the runtime `{path}` is not a directory"))
            .evidence(format!("{} is a {}", found.path, kind_name(found.kind)))
            .hint("unpack the archive and name the directory")),
        Err(e) if e.is_absent() => {
            Err(missing(format!("the runtime `{path}` does not exist")).evidence(e.to_string()))
        }
        Err(e) => Err(unreadable(path, &e)),
    }
}

/// A depot's manifest file.
fn manifest(source: &Root) -> Option<inspect::root::Resolved> {
    MANIFESTS.iter().find_map(|(name, _)| source.find(&RootPath::literal(name)))
}

/// Where the files are, and their form where the directory says it.
fn form(source: &Root, path: &HostPath) -> Result<(HostPath, Option<Form>), Problem> {
    let files = source
        .find(&RootPath::literal("/files"))
        .filter(|found| found.kind == Kind::Directory)
        .map(|found| found.host);
    for (name, parse) in MANIFESTS {
        let name = RootPath::literal(name);
        if !source.find(&name).is_some_and(|found| found.kind == Kind::File) {
            continue;
        }
        let bytes = source.read(&name).map_err(|e| unreadable(path, &e))?;
        let manifest = parse(&bytes).map_err(|e| {
            Problem::blocking(
                Code::MTREE_BROKEN,
                format!("the manifest of `{path}` cannot be used"),
            )
            .evidence(format!("{path}{name}: {e}"))
            .hint("download the runtime again")
        })?;
        let files = files.ok_or_else(|| {
            incomplete(path, "has a manifest but no directory `files`").evidence(contents(source))
        })?;
        return Ok((files, Some(Form::Depot(manifest))));
    }
    Ok((files.unwrap_or_else(|| source.path().clone()), None))
}

/// Whether it can run anything of the architectures asked for.
fn check(runtime: &mut Runtime, asked: &[Tuple]) -> Result<(), Problem> {
    let root = &runtime.root;
    let path = &runtime.path;
    let on_disk =
        Root::with_form(root.path().clone(), Form::Full).map_err(|e| unreadable(path, &e))?;
    for needed in ["/usr", "/usr/lib"] {
        if !root.find(&RootPath::literal(needed)).is_some_and(|f| f.kind == Kind::Directory) {
            return Err(incomplete(path, &format!("has no directory `{needed}`"))
                .evidence(contents(&on_disk)));
        }
    }
    let verdicts: Vec<_> = Tuple::ALL.iter().map(|t| (*t, interpreter(root, *t))).collect();
    let has = |tuple: Tuple| verdicts.iter().any(|(t, v)| *t == tuple && v.is_ok());
    let lines = |tuples: &[Tuple]| -> Vec<String> {
        verdicts
            .iter()
            .filter(|(t, _)| tuples.contains(t))
            .filter_map(|(t, v)| v.as_ref().err().map(|why| format!("{t}: {why}")))
            .collect()
    };
    let found: Vec<Tuple> = verdicts.iter().filter(|(_, v)| v.is_ok()).map(|(t, _)| *t).collect();
    if found.is_empty() {
        let problem = incomplete(path, "has no dynamic linker of any known architecture");
        return Err(lines(Tuple::ALL).into_iter().fold(problem, Problem::evidence));
    }
    if asked.is_empty() {
        runtime.tuples = found;
        return Ok(());
    }
    let (kept, lacking): (Vec<Tuple>, Vec<Tuple>) = asked.iter().partition(|t| has(**t));
    if kept.is_empty() {
        let problem = Problem::blocking(
            Code::WRONG_ARCHITECTURE,
            format!("the runtime `{path}` is for {}, not for {}", names(&found), names(asked)),
        );
        return Err(lines(asked)
            .into_iter()
            .fold(problem, Problem::evidence)
            .hint("use a runtime of the architecture of the program"));
    }
    for (tuple, line) in lacking.iter().zip(lines(&lacking)) {
        runtime.warnings.push(
            Problem::warning(
                Code::ARCHITECTURE_LEFT_OUT,
                format!("{tuple} is left out: the runtime has no dynamic linker for it"),
            )
            .evidence(line),
        );
    }
    runtime.tuples = kept;
    Ok(())
}

/// Whether the root has the dynamic linker of `tuple`, and it is one of that architecture.
fn interpreter(root: &Root, tuple: Tuple) -> Result<(), String> {
    let path = RootPath::literal(tuple.interpreter());
    let bytes = root.read(&path).map_err(|e| e.to_string())?;
    match elf::tuple_of(&bytes[..bytes.len().min(64)]) {
        Some(found) if found == tuple => Ok(()),
        Some(found) => Err(format!("`{path}` is of {found}")),
        None => Err(format!("`{path}` is not an ELF file of a known architecture")),
    }
}

fn names(tuples: &[Tuple]) -> String {
    tuples.iter().map(|t| t.name()).collect::<Vec<_>>().join(", ")
}

fn kind_name(kind: Kind) -> &'static str {
    match kind {
        Kind::File => "regular file",
        Kind::Directory => "directory",
        Kind::Symlink => "symbolic link",
        Kind::Other => "special file",
    }
}

fn incomplete(path: &HostPath, what: &str) -> Problem {
    Problem::blocking(Code::RUNTIME_INCOMPLETE, format!("the runtime `{path}` {what}"))
        .hint("unpack or download it again; a directory that is still being unpacked looks so")
}

fn unreadable(path: &HostPath, error: &Error) -> Problem {
    Problem::blocking(Code::UNREADABLE, format!("the runtime `{path}` cannot be read"))
        .evidence(error.to_string())
}

/// What the top of a directory has, for evidence.
fn contents(root: &Root) -> String {
    const SHOWN: usize = 12;
    let entries = root.list(&RootPath::root()).unwrap_or_default();
    if entries.is_empty() {
        return format!("{} is empty", root.path());
    }
    let more = entries.len().saturating_sub(SHOWN);
    let shown: Vec<String> = entries
        .into_iter()
        .take(SHOWN)
        .map(|e| plan::ByteString::from(e.name).to_string())
        .collect();
    let more = if more == 0 { String::new() } else { format!(" and {more} more") };
    format!("{} has {}{more}", root.path(), shown.join(", "))
}

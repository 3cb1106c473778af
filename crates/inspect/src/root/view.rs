//! A container that is still a plan, as one of its processes will see it.
//!
//! Stands on [`plan::simulate`]: a path is resolved by the rules of a view, which for emulated programs
//! are those of their emulator. Remembers what was found. Must not write, and reads the host only where
//! the plan shows it.

use super::error::Error;
use super::filesystem::{Content, Filesystem};
use super::hash::ByPath;
use super::{Entry, Identity, Kind, READ_LIMIT, Resolved, TrailStep, content, stat};
use plan::simulate::{self, Call, Failure, Found, Namespace, Reason, View};
use plan::{ByteString, ContainerPath, HostPath, RootPath};
use rustix::io::Errno;
use std::cell::RefCell;
use std::collections::HashMap;
use std::ffi::OsStr;
use std::os::unix::ffi::OsStrExt;

/// A simulated namespace in one of its views, read like a root. Paths of the emulated view are those
/// that emulated programs use: what lies below the emulator's root is shown without it.
#[derive(Debug)]
pub struct ViewRoot<'n, 'p> {
    namespace: &'n Namespace<'p>,
    view: View,
    seen: RefCell<ByPath<RootPath, Result<Resolved, Error>>>,
    /// What the plan itself has the content of, by the place that [`Resolved::host`] gives for it.
    made: RefCell<HashMap<HostPath, Found>>,
}

/// Below this, [`Resolved::host`] places what no file of the host has: nothing can exist below a file.
const NOWHERE: &str = "/dev/null";

impl<'n, 'p> ViewRoot<'n, 'p> {
    /// The namespace as `view` shows it.
    pub fn new(namespace: &'n Namespace<'p>, view: View) -> Self {
        Self { namespace, view, seen: RefCell::default(), made: RefCell::default() }
    }

    /// The namespace.
    pub fn namespace(&self) -> &'n Namespace<'p> {
        self.namespace
    }

    /// Whose view it is.
    pub fn view(&self) -> &View {
        &self.view
    }

    /// The path by which processes of this view know a file at a path of the namespace.
    pub fn path_of(&self, path: &ContainerPath) -> RootPath {
        let root = match &self.view {
            View::Emulated { root, .. } => root.clone(),
            View::Native => ContainerPath::root(),
        };
        let below = path.below(&root).unwrap_or_else(|| path.relative());
        RootPath::root().join(below).unwrap_or_else(|_| RootPath::root())
    }

    /// A file that the namespace was asked for otherwise, as one of this root.
    ///
    /// # Errors
    /// When the host cannot say what it is.
    pub fn adopt(&self, found: Found) -> Result<Resolved, Error> {
        let path = self.path_of(&found.path);
        let trail = trail(&found.trail);
        let mut identity = Identity::default();
        let host = match self.namespace.host_file(&found) {
            Some(host) => {
                let host = host.clone();
                if found.kind == simulate::Kind::File {
                    let seen = stat::glance(&host).map_err(|e| e.at(&path, &path, &trail))?;
                    identity = seen.1;
                }
                host
            }
            None => self.keep(&found, &mut identity),
        };
        let link = found.link.map(|text| text.as_os_str().to_owned());
        Ok(Resolved { path, host, kind: kind(found.kind), link, identity, mode: found.mode, trail })
    }

    /// Gives a place to something that only the plan has, and its size.
    fn keep(&self, found: &Found, identity: &mut Identity) -> HostPath {
        let nowhere = HostPath::literal(NOWHERE);
        let host = nowhere.join(found.path.relative()).unwrap_or(nowhere);
        if found.kind == simulate::Kind::File {
            let content = self.namespace.content(found, READ_LIMIT + 1).unwrap_or_default();
            identity.size = u64::try_from(content.len()).unwrap_or(u64::MAX);
        }
        self.made.borrow_mut().insert(host.clone(), found.clone());
        host
    }

    fn ask(&self, call: Call, path: &RootPath) -> Result<Resolved, Error> {
        let asked = path.as_bytes();
        let found = self.namespace.resolve(&self.view, call, &ContainerPath::root(), asked);
        found.map_err(|failure| error(path, failure)).and_then(|found| self.adopt(found))
    }
}

impl Filesystem for ViewRoot<'_, '_> {
    fn resolve(&self, path: &RootPath) -> Result<Resolved, Error> {
        if let Some(known) = self.seen.borrow().get(path) {
            return known.clone();
        }
        let found = self.ask(Call::Open, path);
        self.seen.borrow_mut().insert(path.clone(), found.clone());
        found
    }

    fn lookup(&self, path: &RootPath) -> Result<Resolved, Error> {
        self.ask(Call::Lstat, path)
    }

    fn read(&self, path: &RootPath) -> Result<Vec<u8>, Error> {
        let file = self.resolve(path)?;
        if file.identity.inode != 0 {
            return content::read(path, &file);
        }
        match self.open(&file)? {
            Content::Bytes(bytes) => match u64::try_from(bytes.len()) {
                Ok(size) if size > READ_LIMIT => {
                    Err(Error::TooLarge { path: path.clone(), size, limit: READ_LIMIT })
                }
                _ => Ok(bytes),
            },
            Content::Open(_) => content::read(path, &file),
        }
    }

    fn open(&self, file: &Resolved) -> Result<Content, Error> {
        let not_a_file = || Error::NotAFile { path: file.path.clone(), trail: file.trail.clone() };
        if let Some(found) = self.made.borrow().get(&file.host) {
            let content = self.namespace.content(found, READ_LIMIT + 1);
            return content.map(Content::Bytes).map_err(|errno| match errno {
                Errno::ISDIR | Errno::INVAL => not_a_file(),
                errno => io(&file.path, errno, &file.trail),
            });
        }
        let open = content::open(&file.path, file)?;
        Ok(open.map_or_else(|| Content::Bytes(Vec::new()), Content::Open))
    }

    fn list(&self, directory: &RootPath) -> Result<Vec<Entry>, Error> {
        let path = ContainerPath::new(directory.as_path())
            .map_err(|_| Error::NotFound { path: directory.clone(), trail: vec![] })?;
        let entries = self.namespace.list(&self.view, &path).map_err(|f| error(directory, f))?;
        let entry = |e: simulate::Entry| Entry { name: os(&e.name), kind: kind(e.kind) };
        Ok(entries.into_iter().map(entry).collect())
    }

    fn without_dot_dot(&self, base: &RootPath, raw: &OsStr) -> Result<RootPath, Error> {
        let raw = raw.as_bytes();
        let mut whole = if raw.starts_with(b"/") { vec![] } else { base.as_bytes().to_vec() };
        whole.push(b'/');
        whole.extend_from_slice(raw);
        let wanted = |c: &&[u8]| !matches!(*c, b"" | b".");
        let components: Vec<&[u8]> = whole.split(|b| *b == b'/').filter(wanted).collect();
        let split = components.iter().rposition(|c| *c == b"..").map_or(0, |i| i + 1);
        let (head, tail) = components.split_at(split);
        let mut path = RootPath::root();
        if !head.is_empty() {
            let head = [b"/".as_slice(), &head.join(&b'/')].concat();
            let top = ContainerPath::root();
            let found = self.namespace.resolve(&self.view, Call::Open, &top, &head);
            path = self.path_of(&found.map_err(|failure| error(base, failure))?.path);
        }
        let tail = tail.join(&b'/');
        path.join(OsStr::from_bytes(&tail))
            .map_err(|_| Error::NotFound { path: base.clone(), trail: vec![] })
    }
}

fn os(name: &ByteString) -> std::ffi::OsString {
    name.as_os_str().to_owned()
}

fn kind(kind: simulate::Kind) -> Kind {
    match kind {
        simulate::Kind::File => Kind::File,
        simulate::Kind::Directory => Kind::Directory,
        simulate::Kind::Symlink => Kind::Symlink,
        simulate::Kind::Other => Kind::Other,
    }
}

/// The links of a trail.
fn trail(steps: &[simulate::Step]) -> Vec<TrailStep> {
    let link = |step: &simulate::Step| match step {
        simulate::Step::Link { at, target } => {
            let at = RootPath::new(at.as_path()).ok()?;
            Some(TrailStep { at, target: target.as_os_str().to_owned() })
        }
        _ => None,
    };
    steps.iter().filter_map(link).collect()
}

fn io(path: &RootPath, errno: Errno, trail: &[TrailStep]) -> Error {
    Error::Io { path: path.clone(), call: "open", errno, trail: trail.to_vec() }
}

fn error(path: &RootPath, failure: Failure) -> Error {
    let trail = trail(&failure.trail);
    let at = RootPath::new(failure.at.as_path()).unwrap_or_else(|_| path.clone());
    let path = path.clone();
    match failure.reason {
        Reason::NotFound | Reason::Whiteout(_) | Reason::Nul | Reason::Process => {
            Error::NotFound { path, trail }
        }
        Reason::NotADirectory => Error::NotADirectory { path, at, trail },
        Reason::Loop => Error::Loop { path, trail },
        Reason::Denied => Error::Denied { path, at, trail },
        other => {
            let number = other.errno().unwrap_or(Errno::IO.raw_os_error());
            io(&path, Errno::from_raw_os_error(number), &trail)
        }
    }
}

//! The store: a directory of the user's, or, where there can be none, a temporary one.

use crate::dir::Dir;
use crate::ephemeral::Ephemeral;
use crate::key::Hasher;
use crate::node::Node;
use crate::place::Tally;
use crate::slot::{self, Prepared, Shelf};
use crate::union::{Layer, Union, Whiteouts};
use crate::{Error, Key, Refusal, Stack};
use plan::{Code, HostPath, LayerSpec, Problem, RootPath};
use rustix::fs::Mode;
use rustix::io::Errno;
use std::cell::OnceCell;

/// Prepared layers and trees, and memos. Cheap to open: two system calls when it exists.
#[derive(Debug)]
pub struct Store {
    directory: Dir,
    /// Parents for a temporary store that is used when this one cannot be written.
    fallback: Vec<HostPath>,
    scratch: OnceCell<Box<Store>>,
    ephemeral: Option<Ephemeral>,
    /// Why this temporary store is used.
    warning: Option<Problem>,
}

impl Store {
    /// Deepest nesting of directories in a layer or tree.
    pub const MAX_DEPTH: usize = 256;

    /// Opens the store at `path`, making it (mode 0700) and its parents when they are missing.
    ///
    /// # Errors
    /// [`Error::Refused`] for a directory that others could have put things into;
    /// [`Error::Unwritable`] and [`Error::Full`] when it is missing and cannot be made. A store that
    /// exists and is read-only opens: what is prepared in it can be used.
    pub fn open(path: &HostPath) -> Result<Self, Error> {
        let directory = open_or_make(path)?;
        check(&directory)?;
        Ok(Self::of(directory, None))
    }

    /// As [`Self::open`], but where the store cannot be made or written, a private temporary one
    /// below the first suitable of `parents` takes its place: at once when it cannot be opened, later
    /// when something must be built. It is deleted with this value; [`Self::warnings`] has the reason.
    ///
    /// # Errors
    /// [`Error::Refused`] as [`Self::open`]; that of the store when no parent serves either.
    pub fn open_or_ephemeral(path: &HostPath, parents: &[HostPath]) -> Result<Self, Error> {
        match Self::open(path) {
            Ok(mut store) => {
                store.fallback = parents.to_vec();
                Ok(store)
            }
            // What is suspicious is to be seen to, and a full disk too.
            Err(
                e @ (Error::Unwritable { .. }
                | Error::Io { .. }
                | Error::Refused { why: Refusal::NotADirectory, .. }),
            ) => {
                let mut store = Self::ephemeral(parents).map_err(|_| e.clone())?;
                store.warning = Some(instead(&e, store.path()));
                Ok(store)
            }
            Err(e) => Err(e),
        }
    }

    /// A private store in a new directory below the first of `parents` that allows one
    /// (`$XDG_RUNTIME_DIR`, `/tmp`), deleted with this value. What killed processes have left there
    /// is deleted too.
    ///
    /// # Errors
    /// That of the last parent.
    pub fn ephemeral(parents: &[HostPath]) -> Result<Self, Error> {
        let (directory, ephemeral) = Ephemeral::new(parents)?;
        Ok(Self::of(directory, Some(ephemeral)))
    }

    fn of(directory: Dir, ephemeral: Option<Ephemeral>) -> Self {
        Self { directory, fallback: vec![], scratch: OnceCell::new(), ephemeral, warning: None }
    }

    /// Where the store is.
    pub fn path(&self) -> &HostPath {
        self.directory.path()
    }

    /// Whether it is a temporary one, or has had to use one.
    pub fn is_ephemeral(&self) -> bool {
        self.ephemeral.is_some() || self.scratch.get().is_some()
    }

    /// What the user should know: that a temporary store took this one's place, and why.
    pub fn warnings(&self) -> Vec<Problem> {
        let scratch = self.scratch.get().and_then(|s| s.warning.as_ref());
        self.warning.iter().chain(scratch).cloned().collect()
    }

    /// Gives up deleting the temporary store, if there is one, and returns its directory: whoever
    /// lives longest calls [`crate::discard`] on it. Locks that [`Prepared`] has handed out keep others
    /// from deleting it before.
    pub fn keep(mut self) -> Option<HostPath> {
        if let Some(scratch) = self.scratch.take() {
            return scratch.keep();
        }
        self.ephemeral.take().map(|e| e.keep())
    }

    pub(crate) fn directory(&self) -> &Dir {
        &self.directory
    }

    /// The layer that `spec` describes.
    ///
    /// When it exists this costs a few system calls, whatever its size.
    ///
    /// # Errors
    /// [`Error::NoWhiteouts`]: use a tree. [`Error::SourceChanged`]: inspect again.
    /// [`Error::Full`], [`Error::Unwritable`] and others of the file system; nothing is left behind.
    pub fn layer(&self, spec: &LayerSpec) -> Result<Prepared, Error> {
        let key = Key::of_layer(spec);
        self.build(Shelf::Layers, &key, &spec.name.0, &mut |into| fill_layer(spec, into))
    }

    /// Whether any of these layers has to be made, in this very store.
    pub fn lacks(&self, specs: &[LayerSpec]) -> bool {
        let missing = |spec: &LayerSpec| {
            let found = slot::find(self.directory(), Shelf::Layers, &Key::of_layer(spec));
            matches!(found, Ok(None))
        };
        self.ephemeral.is_none() && specs.iter().any(missing)
    }

    /// Makes layers in this very store before anybody needs them, as far as that works: whoever asks for one
    /// that cannot be made hears why.
    pub fn forestall(&self, specs: &[LayerSpec]) {
        for spec in specs {
            let (key, name) = (Key::of_layer(spec), &spec.name.0);
            let made: Result<_, Error> =
                self.slot(Shelf::Layers, &key, name, &mut |into| fill_layer(spec, into));
            if let Err(error) = made {
                log::info!("the layer `{name}` is not made before it is needed: {error}");
            }
        }
    }

    /// As [`Self::layer`], under a key of `inputs`; `describe` is asked only when there is no such
    /// layer yet. `inputs` must cover everything that the description depends on.
    ///
    /// # Errors
    /// As [`Self::layer`], and those of `describe`.
    pub fn layer_with<E: From<Error>>(
        &self,
        inputs: &[u8],
        describe: impl FnOnce() -> Result<LayerSpec, E>,
    ) -> Result<Prepared, E> {
        let key = Key::of("layer-with", &[inputs]);
        let mut describe = Some(describe);
        let mut spec = None;
        self.build(Shelf::Layers, &key, "described later", &mut |into| {
            // Asked once, however often the build has to be repeated.
            if let Some(describe) = describe.take() {
                spec = Some(describe()?);
            }
            let spec = spec.get_or_insert_with(|| LayerSpec::new(""));
            Ok(fill_layer(spec, into)?)
        })
    }

    /// The finished union of `stack`: the same modes, links and contents that an overlay would show.
    ///
    /// The key covers the descriptions, and of each directory what [`crate::StackSource::Directory`]
    /// says, not every file in it.
    ///
    /// # Errors
    /// As [`Self::layer`], but never [`Error::NoWhiteouts`].
    pub fn tree(&self, stack: &Stack<'_>) -> Result<Prepared, Error> {
        self.tree_by(stack, false)
    }

    /// As [`Self::tree`]; with `never_link`, everything is copied: for a place in which hard links to
    /// a runtime are not wanted, and for tests.
    ///
    /// # Errors
    /// As [`Self::tree`].
    pub fn tree_by(&self, stack: &Stack<'_>, never_link: bool) -> Result<Prepared, Error> {
        let mut hasher = Hasher::new("tree");
        hasher.number(u64::from(never_link));
        stack.digest(&mut hasher)?;
        let key = hasher.finish();
        self.build(Shelf::Trees, &key, &stack.describe(), &mut |into| {
            log::info!(
                target: "progress",
                "making a tree of {}; this is done once and may take a minute",
                stack.describe()
            );
            let nodes = stack.nodes()?;
            let mut union = Union::new(Whiteouts::Apply);
            union.placer.never_link = never_link;
            union.fill(&stack.layers(&nodes)?, into)?;
            Ok(union.placer.tally)
        })
    }

    /// Builds in this store, or, when it turns out not to be writable, in a temporary one.
    fn build<E: From<Error>>(
        &self,
        shelf: Shelf,
        key: &Key,
        what: &str,
        build: &mut dyn FnMut(&Dir) -> Result<Tally, E>,
    ) -> Result<Prepared, E> {
        let store = self.directory();
        let mut prepared = match slot::find(store, shelf, key)? {
            Some(found) => found,
            None => match self.scratch()? {
                Some(scratch) => return scratch.build(shelf, key, what, build),
                None => self.slot(shelf, key, what, build)?,
            },
        };
        if let Some(ephemeral) = &self.ephemeral {
            // One lock for the whole temporary store, which is what its collector asks for.
            prepared.lock = ephemeral.lock()?;
        }
        Ok(prepared)
    }

    /// The temporary store in which to build when this one cannot be written and there may be one.
    fn scratch(&self) -> Result<Option<&Store>, Error> {
        if let Some(scratch) = self.scratch.get() {
            return Ok(Some(scratch));
        }
        if self.fallback.is_empty() {
            return Ok(None);
        }
        match writable(self.directory()) {
            Err(e) if e.is_unwritable() => {
                let mut scratch = Self::ephemeral(&self.fallback).map_err(|_| e.clone())?;
                scratch.warning = Some(instead(&e, scratch.path()));
                Ok(Some(self.scratch.get_or_init(|| Box::new(scratch))))
            }
            other => other.map(|()| None),
        }
    }
}

fn fill_layer(spec: &LayerSpec, into: &Dir) -> Result<Tally, Error> {
    let node = Node::of(spec, &RootPath::root())?;
    let mut union = Union::new(Whiteouts::Keep);
    union.fill(&[Layer::Spec(&node)], into)?;
    Ok(union.placer.tally)
}

fn instead(e: &Error, path: &HostPath) -> Problem {
    Problem::warning(
        Code::STORE_UNWRITABLE,
        format!("{e}; a temporary one in {path} is used, and made again by every launch"),
    )
    .hint("set BATHYSPHERE_STORE to a directory that you can write")
}

/// Whether something can be made in the store, found by making the directory that is needed first.
fn writable(store: &Dir) -> Result<(), Error> {
    store.child_or_new(slot::TMP)?;
    let probe = rustix::fs::accessat(
        store,
        slot::TMP,
        rustix::fs::Access::WRITE_OK | rustix::fs::Access::EXEC_OK,
        rustix::fs::AtFlags::EACCESS,
    );
    probe.map_err(|e| Error::writing(store.path_of(slot::TMP), "faccessat", e))
}

/// Refuses a directory into which others could have put things that programs will execute.
pub(crate) fn check(directory: &Dir) -> Result<(), Error> {
    let path = directory.path();
    let stat =
        directory.stat().map_err(|errno| Error::Io { path: path.clone(), call: "fstat", errno })?;
    let refuse = |why| Err(Error::Refused { path: path.clone(), why });
    if stat.st_uid != rustix::process::geteuid().as_raw() {
        return refuse(Refusal::OtherOwner(stat.st_uid));
    }
    if stat.st_mode & 0o002 != 0 {
        return refuse(Refusal::WorldWritable(stat.st_mode & 0o7777));
    }
    Ok(())
}

/// Opens the directory, making it and its parents, all with mode 0700 as the XDG base directory
/// specification wants it, when it is missing.
pub(crate) fn open_or_make(path: &HostPath) -> Result<Dir, Error> {
    let opened = match Dir::open(path) {
        Err(Errno::NOENT) => {
            make_all(path)?;
            Dir::open(path)
        }
        other => other,
    };
    opened.map_err(|errno| match errno {
        Errno::NOTDIR => Error::Refused { path: path.clone(), why: Refusal::NotADirectory },
        errno => Error::writing(path.clone(), "open", errno),
    })
}

fn make_all(path: &HostPath) -> Result<(), Error> {
    match rustix::fs::mkdir(path.as_path(), Mode::RWXU) {
        Ok(()) | Err(Errno::EXIST) => Ok(()),
        Err(Errno::NOENT) => {
            if let Some(parent) = path.parent() {
                make_all(&parent)?;
            }
            match rustix::fs::mkdir(path.as_path(), Mode::RWXU) {
                Ok(()) | Err(Errno::EXIST) => Ok(()),
                Err(e) => Err(Error::writing(path.clone(), "mkdir", e)),
            }
        }
        Err(e) => Err(Error::writing(path.clone(), "mkdir", e)),
    }
}

//! A complete copy of a runtime in a variable directory, for callers that look for one.
//!
//! ```text
//! VAR/tmp-XXXXXX/                 0700
//!   usr/                          what the plan shows as the container's /usr: the runtime, completed from
//!                                 its manifest where it is a depot, with the provider's libraries in
//!                                 lib/pressure-vessel/overrides and without those that they replace
//!   usr/lib/pressure-vessel/from-host/   the tool's own prefix
//!   usr/.ref                      locked shared for as long as the copy is used
//!   .ref -> usr/.ref
//!   bin sbin lib* etc var -> usr/…
//!   overrides -> usr/lib/pressure-vessel/overrides
//! ```
//!
//! A root that is not merged becomes a merged one, and keeps what else it has at its top. Files are hard
//! links where the file system allows it. A file whose mode or time the manifest wants otherwise is copied:
//! pressure-vessel changes the runtime's own file there.

use super::variable::{REF, Variable};
use super::{Error, fold};
use crate::dir::Dir;
use crate::lock::{self, Kind, Missing};
use crate::node::Node;
use crate::place::Tally;
use crate::union::{Layer, Union, Whiteouts};
use crate::{Stack, StackSource, remove};
use plan::{
    ByteString, Code, ContainerPath, HostPath, LayerEntry, LayerSpec, Op, Plan, Problem, RootPath,
};
use rustix::fs::{FileType, OFlags};
use rustix::io::Errno;
use std::ffi::{CStr, CString};
use std::os::fd::OwnedFd;
use std::path::Path;

/// What is copied.
#[derive(Clone, Copy, Debug)]
pub struct CopyRequest<'a> {
    /// The runtime's files, resolved: a root, or a merged `/usr` (for a depot and in Flatpak's layout the
    /// directory `files`). Its `.ref` is locked shared while the copy is made.
    pub files: &'a HostPath,
    /// The plan of a launch with this runtime, whose layers need not be in any store.
    pub plan: &'a Plan,
    /// Where the plan has the root of the runtime: `/`, or an emulator's interpreter root.
    pub base: &'a ContainerPath,
    /// The tool's own prefix, the directory that has its `bin`.
    pub tool: Option<&'a HostPath>,
}

/// A finished copy.
#[derive(Debug)]
pub struct Copied {
    /// The directory `tmp-XXXXXX`.
    pub path: HostPath,
    /// The shared lock on its `usr/.ref`. While this descriptor or a duplicate is open, nobody collects
    /// the copy. Close-on-exec.
    pub lock: OwnedFd,
    /// What was made.
    pub tally: Tally,
}

impl Copied {
    /// What the user should know: that it took more time and space than it could.
    pub fn warning(&self) -> Option<Problem> {
        // A few files have to be copied always.
        let linked = self.tally.linked > 0 || self.tally.cloned > 0;
        (!linked && self.tally.copied > 0).then(|| {
            Problem::warning(
                Code::FILE_SYSTEM_UNSUITED,
                format!("the runtime's files were copied to {}, not linked", self.path),
            )
            .hint("put the variable directory on the file system of the runtime")
        })
    }
}

impl Variable {
    /// Copies a runtime. Waits for a collection that is at work, and keeps others away until it is done.
    ///
    /// # Errors
    /// [`Error::Busy`] when the runtime is being deleted; [`Error::NoRuntime`]; of the file system. Nothing
    /// is left behind.
    pub fn copy(&self, request: &CopyRequest<'_>) -> Result<Copied, Error> {
        let _setup = self.hold()?;
        let _source = source_lock(request.files)?;
        let (name, draft) = self.draft()?;
        match fill(request, &draft) {
            Ok((lock, tally)) => Ok(Copied { path: self.directory.path_of(&name), lock, tally }),
            Err(error) => {
                if let Err(left) = remove::tree(&self.directory, &name) {
                    log::warn!("{left}; a later collection deletes it");
                }
                Err(error)
            }
        }
    }
}

/// Locks the runtime itself. `None`: it has no lock file, and there can be none.
fn source_lock(files: &HostPath) -> Result<Option<OwnedFd>, Error> {
    let path = files.at(".ref");
    let read_only = |error: &lock::Error| {
        matches!(error, lock::Error::Io { errno: Errno::ROFS | Errno::ACCESS | Errno::PERM, .. })
    };
    let locked = match lock::shared(&path, Missing::Create) {
        Err(error) if read_only(&error) => lock::shared(&path, Missing::Fail),
        other => other,
    };
    match locked {
        Ok(lock) => Ok(Some(lock)),
        Err(lock::Error::Io { errno: Errno::NOENT, .. }) => Ok(None),
        Err(error) if read_only(&error) => Ok(None),
        Err(error) => Err(Error::of_lock(error)),
    }
}

fn fill(request: &CopyRequest<'_>, draft: &Dir) -> Result<(OwnedFd, Tally), Error> {
    let mut union = Union::new(Whiteouts::Apply);
    let files = Dir::open(request.files).map_err(|errno| crate::Error::Source {
        path: request.files.clone(),
        call: "open",
        errno,
    })?;
    let is_root = files
        .stat_of(c"usr")
        .is_ok_and(|s| FileType::from_raw_mode(s.st_mode) == FileType::Directory);
    let tops = if is_root { root(&mut union, request, &files, draft)? } else { vec![] };
    let usr = make(draft, c"usr")?;
    usr_from(&mut union, request, &usr)?;
    for top in tops {
        merge(&mut union, request, &top, draft, &usr)?;
    }
    links(draft, &usr, is_root)?;
    if let Some(tool) = request.tool {
        let place = Dir::open(&usr.path().at(FROM_HOST)).map_err(opening(&usr))?;
        let tool = Dir::open(tool).map_err(|errno| crate::Error::Source {
            path: tool.clone(),
            call: "open",
            errno,
        })?;
        union.fill(&[Layer::disk(tool)?], &place)?;
    }
    let lock = usr.open_file(REF, OFlags::RDWR, 0).map_err(opening(&usr))?;
    match lock::try_lock(&lock, Kind::Shared) {
        Ok(true) => Ok((lock, union.placer.tally)),
        Ok(false) => Err(Error::Busy { path: usr.path_of(REF) }),
        Err(errno) => Err(Error::Lock { path: usr.path_of(REF), call: "fcntl", errno }),
    }
}

const FROM_HOST: &str = "lib/pressure-vessel/from-host";

/// The container's `/usr`, with a lock file and the place for the tool's prefix.
fn usr_from(union: &mut Union, request: &CopyRequest<'_>, usr: &Dir) -> Result<(), Error> {
    let shown = shown(request, "usr").ok_or(Error::NoRuntime)?;
    let mut own = LayerSpec::new("copy");
    own.entries.insert(RootPath::literal("/.ref"), LayerEntry::file(ByteString::default()));
    if request.tool.is_some() {
        let place = RootPath::root().at(FROM_HOST);
        own.entries.insert(place, LayerEntry::Directory { mode: 0o755 });
    }
    let own = Node::of(&own, &RootPath::root())?;
    let nodes = shown.nodes()?;
    let mut layers = vec![Layer::Spec(&own)];
    layers.extend(shown.layers(&nodes)?);
    Ok(union.fill(&layers, usr)?)
}

/// What the plan shows at `top` below its base.
fn shown<'a>(request: &CopyRequest<'a>, top: &str) -> Option<Stack<'a>> {
    let wanted = request.base.at(top);
    let sources = request.plan.steps.iter().rev().find_map(|step| match &step.op {
        Op::Stack { at, sources, .. } if *at == wanted => Some(sources.clone()),
        Op::Bind { at, source, .. } if *at == wanted => Some(vec![source.clone()]),
        _ => None,
    })?;
    Stack::of(&sources, &request.plan.layers).ok()
}

/// Fills the copy of a root with what is neither its `/usr` nor merged into that. Gives back which
/// directories still have to be merged.
fn root(
    union: &mut Union,
    request: &CopyRequest<'_>,
    files: &Dir,
    draft: &Dir,
) -> Result<Vec<CString>, Error> {
    let entries = files.entries().map_err(|errno| crate::Error::Source {
        path: request.files.clone(),
        call: "getdents",
        errno,
    })?;
    let mut above = LayerSpec::new("root");
    above.entries.insert(RootPath::root(), LayerEntry::Directory { mode: 0o700 });
    let mut tops = vec![];
    for (name, kind) in entries {
        let bytes = name.to_bytes();
        let merged = fold::is_merged(bytes);
        if merged && kind == FileType::Directory {
            tops.push(name.clone());
        }
        let made = matches!(bytes, b"usr" | b".ref" | b"overrides");
        if made || (merged && kind == FileType::Directory) {
            let Some(path) = RootPath::root().child(bytes) else { continue };
            above.entries.insert(path, LayerEntry::Whiteout);
        }
    }
    let above = Node::of(&above, &RootPath::root())?;
    let files = Dir::open(request.files).map_err(opening(files))?;
    union.fill(&[Layer::Spec(&above), Layer::disk(files)?], draft)?;
    Ok(tops)
}

/// Merges the top directory `name` of a root into the copy's `usr`.
fn merge(
    union: &mut Union,
    request: &CopyRequest<'_>,
    name: &CStr,
    draft: &Dir,
    usr: &Dir,
) -> Result<(), Error> {
    let text = name.to_string_lossy();
    let aside = crate::slot::file_name(&format!(".aside-{text}"));
    let side = make(draft, &aside)?;
    let path = request.files.at(&text);
    let bare = || Stack(vec![StackSource::Directory { path, identity: vec![] }]);
    let stack = shown(request, &text).unwrap_or_else(bare);
    let nodes = stack.nodes()?;
    union.fill(&stack.layers(&nodes)?, &side)?;
    let into = match usr.child(name) {
        Ok(there) => there,
        Err(Errno::NOENT) => make(usr, name)?,
        Err(e) => return Err(crate::Error::writing(usr.path_of(name), "open", e).into()),
    };
    fold::fold(&side, &into, Path::new(&format!("/{text}")))?;
    Ok(remove::tree(draft, &aside)?)
}

/// The links at the top of the copy.
fn links(draft: &Dir, usr: &Dir, is_root: bool) -> Result<(), Error> {
    let link = |text: &[u8], name: &CStr| match rustix::fs::symlinkat(text, draft, name) {
        // A merged root has them already.
        Ok(()) | Err(Errno::EXIST) => Ok(()),
        Err(e) => Err(crate::Error::writing(draft.path_of(name), "symlinkat", e)),
    };
    for (name, _) in usr.entries().map_err(opening(usr))? {
        let bytes = name.to_bytes();
        if fold::is_merged(bytes) || (!is_root && matches!(bytes, b"etc" | b"var")) {
            link(&[b"usr/", bytes].concat(), &name)?;
        }
    }
    link(b"usr/.ref", REF)?;
    link(b"usr/lib/pressure-vessel/overrides", c"overrides")?;
    Ok(())
}

fn make(parent: &Dir, name: &CStr) -> Result<Dir, Error> {
    Ok(parent.child_or_new(name)?)
}

fn opening(dir: &Dir) -> impl Fn(Errno) -> crate::Error + '_ {
    |e| crate::Error::writing(dir.path().clone(), "open", e)
}

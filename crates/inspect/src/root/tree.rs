//! What is at a path that is free of links, for each form of a root; remembers what was seen.

use super::depot::Depot;
use super::error::Fault;
use super::hash::ByPath;
use super::stat::{self, Node};
use super::{Entry, Error, Form, Identity, Kind, layout};
use plan::{HostPath, RootPath};
use rustix::io::Errno;
use std::cell::RefCell;
use std::collections::{BTreeSet, HashMap};
use std::ffi::OsStr;
use std::rc::Rc;

/// The files of a root.
#[derive(Debug)]
pub(super) struct Tree {
    path: HostPath,
    form: Form,
    nodes: RefCell<ByPath<RootPath, Result<Rc<Node>, Fault>>>,
    /// Device number → whether it is a file system of autofs.
    autofs: RefCell<HashMap<u64, bool>>,
}

impl Tree {
    pub(super) fn open(path: HostPath, form: Form) -> Result<Self, Error> {
        check_directory(&path).map_err(|errno| Error::Unusable { host: path.clone(), errno })?;
        Ok(Self { path, form, nodes: RefCell::default(), autofs: RefCell::default() })
    }

    pub(super) fn path(&self) -> &HostPath {
        &self.path
    }

    pub(super) fn form(&self) -> &Form {
        &self.form
    }

    pub(super) fn into_path(self) -> HostPath {
        self.path
    }

    /// What is at `path`, whose parent is free of links.
    pub(super) fn node(&self, path: &RootPath) -> Result<Rc<Node>, Fault> {
        if let Some(known) = self.nodes.borrow().get(path) {
            return known.clone();
        }
        let seen = self.look(path).map(Rc::new);
        self.nodes.borrow_mut().insert(path.clone(), seen.clone());
        seen
    }

    fn look(&self, path: &RootPath) -> Result<Node, Fault> {
        if path.parent().is_none() {
            return Ok(self.top());
        }
        if matches!(self.form, Form::Full) {
            return stat::look(&self.path.lexically(path));
        }
        let usr = RootPath::literal("/usr");
        if let Some(below) = path.below(&usr) {
            let inner = RootPath::root().join(below).map_err(|_| Fault::Missing)?;
            return self.look_in_usr(&inner);
        }
        let name = path.file_name().ok_or(Fault::Missing)?;
        let is_link = is_linked(name) && path.parent() == Some(RootPath::root());
        if !is_link {
            return Err(Fault::Missing);
        }
        let target = usr.join(name).map_err(|_| Fault::Missing)?;
        self.node(&target)?;
        Ok(Node {
            kind: Kind::Symlink,
            link: Some(target.relative().as_os_str().to_owned()),
            identity: Identity::default(),
            mode: 0o777,
            host: self.path.lexically(path),
        })
    }

    /// The top directory. It may be reached through links of the host, which is why it is followed.
    fn top(&self) -> Node {
        let is_top = matches!(self.form, Form::Full);
        let seen = if is_top { stat::look_through(&self.path).ok() } else { None };
        seen.unwrap_or_else(|| virtual_directory(self.path.clone()))
    }

    /// What is at `inner` of the directory that is `/usr`.
    fn look_in_usr(&self, inner: &RootPath) -> Result<Node, Fault> {
        if inner.parent().is_none() {
            return stat::look_through(&self.path);
        }
        match &self.form {
            Form::Depot(manifest) => Depot { files: &self.path, manifest }.look(inner),
            Form::Full | Form::Usr => stat::look(&self.path.lexically(inner)),
        }
    }

    /// Fails where looking for `name` in a directory would trigger an automount: a directory of autofs
    /// is passed only to what is mounted below it already.
    pub(super) fn enter(&self, name: &OsStr, directory: &Node) -> Result<(), Fault> {
        if !self.is_autofs(directory)? {
            return Ok(());
        }
        let child = directory.host.join(name).map_err(|_| Fault::Missing)?;
        let mounts = crate::mountinfo::read().map_err(|_| Fault::Automount)?;
        if mounts.iter().any(|m| m.at == child) { Ok(()) } else { Err(Fault::Automount) }
    }

    /// Asks once for each file system, which its device number tells from others.
    fn is_autofs(&self, directory: &Node) -> Result<bool, Fault> {
        let device = directory.identity.device;
        if directory.identity.inode == 0 {
            return Ok(false);
        }
        if let Some(known) = self.autofs.borrow().get(&device) {
            return Ok(*known);
        }
        let seen = stat::is_autofs(&directory.host)?;
        self.autofs.borrow_mut().insert(device, seen);
        Ok(seen)
    }

    /// The entries of the directory at `path`, which is free of links.
    pub(super) fn list(&self, path: &RootPath, host: &HostPath) -> Result<Vec<Entry>, Fault> {
        // Opening one to read it would mount what it stands for.
        if self.is_autofs(&*self.node(path)?)? {
            return Err(Fault::Automount);
        }
        let mut found = match (&self.form, path.below(&RootPath::literal("/usr"))) {
            (Form::Full, _) | (Form::Usr, Some(_)) => stat::entries(host)?,
            (_, None) => self.list_top()?,
            (Form::Depot(manifest), Some(below)) => {
                let inner = RootPath::root().join(below).map_err(|_| Fault::Missing)?;
                Depot { files: &self.path, manifest }.list(&inner)?
            }
        };
        found.sort_unstable_by(|a, b| a.name.cmp(&b.name));
        Ok(found)
    }

    fn list_top(&self) -> Result<Vec<Entry>, Fault> {
        let usr = RootPath::literal("/usr");
        let names: BTreeSet<_> = self.list(&usr, &self.path)?.into_iter().map(|e| e.name).collect();
        let links = names.into_iter().filter(|name| is_linked(name));
        let mut top: Vec<_> = links.map(|name| Entry { name, kind: Kind::Symlink }).collect();
        top.push(Entry { name: "usr".into(), kind: Kind::Directory });
        Ok(top)
    }
}

/// Which names of a `/usr` are links at the top of a root made of it.
fn is_linked(name: &OsStr) -> bool {
    layout::is_replaced(name) || name == "etc" || name == "var"
}

/// A directory that nothing on disk stands for.
pub(super) fn virtual_directory(host: HostPath) -> Node {
    let identity = Identity::default();
    Node { kind: Kind::Directory, link: None, identity, mode: 0o755, host }
}

fn check_directory(path: &HostPath) -> Result<(), Errno> {
    match stat::look_through(path) {
        Ok(node) if node.kind == Kind::Directory => Ok(()),
        Ok(_) | Err(Fault::NotADirectory) => Err(Errno::NOTDIR),
        Err(Fault::Missing) => Err(Errno::NOENT),
        Err(Fault::Automount) => Err(Errno::ACCESS),
        Err(Fault::Call(_, errno)) => Err(errno),
    }
}

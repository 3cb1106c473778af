//! A plan as a bundle of the OCI runtime specification, version 1.0.2.
//!
//! What the plan makes in memory (directories, links, small files) is in the bundle's `rootfs`; what
//! it mounts is in `config.json`, with a user namespace in which the user has his own number, as the
//! executors have it. Tried with crun 1.8, which needs no further privilege for that.
//!
//! What such a file cannot say is refused or, where the meaning stays, decided now: an optional
//! source that is missing is left out, and the environment is the whole one, because a runtime passes
//! nothing on.

mod items;

use crate::{
    Access, ByteString, ContainerPath, HostPath, LayerName, Op, Plan, RootPath, Source, StackForm,
};
use items::Items;
use serde_json::{Value, json};
use std::collections::BTreeMap;
use std::fmt;

/// The version of the specification.
const VERSION: &str = "1.0.2";

/// A bundle that has not been written yet.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Bundle {
    /// `config.json`.
    pub config: Value,
    /// What is in the directory `rootfs`; parents come before what is in them, and are all listed.
    pub root: BTreeMap<RootPath, Item>,
    /// Variables that are left out because they are not UTF-8, which JSON must be.
    pub left_out: Vec<ByteString>,
}

/// Something in `rootfs`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Item {
    /// A directory.
    Directory {
        /// Permission bits.
        mode: u32,
    },
    /// A symbolic link.
    Symlink {
        /// Its text.
        target: ByteString,
    },
    /// A file.
    File {
        /// What is in it.
        content: ByteString,
        /// Permission bits.
        mode: u32,
    },
}

/// What a bundle depends on beside the plan.
pub struct Surroundings<'a> {
    /// Each layer of the plan: its directory.
    pub layers: &'a BTreeMap<LayerName, HostPath>,
    /// Each stack of the plan that has the form of a tree: the tree.
    pub trees: &'a BTreeMap<ContainerPath, HostPath>,
    /// The environment that the plan's changes are applied to.
    pub environment: Vec<(ByteString, ByteString)>,
    /// The user's number.
    pub uid: u32,
    /// The number of the user's group.
    pub gid: u32,
    /// Whether a path of the host is a directory; `None` where there is nothing.
    pub is_directory: &'a dyn Fn(&HostPath) -> Option<bool>,
}

/// Why a plan cannot be a bundle.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Error {
    /// A path or word is not UTF-8.
    NotText(ByteString),
    /// A directory that was to be prepared is not: a mistake in the caller.
    NotPrepared(String),
    /// A source is missing that is not optional.
    Missing(HostPath),
    /// `config.json` has no word for it.
    Inexpressible(&'static str),
}

impl fmt::Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Error::NotText(bytes) => write!(f, "`{bytes}` is not UTF-8, which JSON must be"),
            Error::NotPrepared(what) => write!(f, "{what} has not been prepared"),
            Error::Missing(path) => write!(f, "`{path}` does not exist"),
            Error::Inexpressible(what) => write!(f, "an OCI bundle cannot have {what}"),
        }
    }
}

impl std::error::Error for Error {}

/// Says the plan in the words of the specification.
///
/// # Errors
/// See [`Error`].
pub fn bundle(plan: &Plan, around: &Surroundings<'_>) -> Result<Bundle, Error> {
    refuse(plan)?;
    let mut writer = Writer {
        around,
        own_pids: plan.namespaces.pid,
        items: Items::default(),
        mounts: vec![],
        read_only: false,
    };
    for step in &plan.steps {
        writer.op(&step.op)?;
    }
    let mut left_out = vec![];
    let process = process(plan, around, &mut left_out)?;
    let read_only = writer.read_only;
    let mounts = writer.mounts.into_iter().map(|mount| mount.value(&writer.items)).collect();
    let mounts: Vec<Value> = mounts;
    let config = json!({
        "ociVersion": VERSION,
        "process": process,
        "root": { "path": "rootfs", "readonly": read_only },
        "mounts": mounts,
        "linux": {
            "namespaces": namespaces(plan),
            "uidMappings": [{ "containerID": around.uid, "hostID": around.uid, "size": 1 }],
            "gidMappings": [{ "containerID": around.gid, "hostID": around.gid, "size": 1 }],
            "rootfsPropagation": "rslave",
        },
    });
    Ok(Bundle { config, root: writer.items.made, left_out })
}

fn refuse(plan: &Plan) -> Result<(), Error> {
    let supervision = &plan.supervision;
    if plan.emulation.as_ref().is_some_and(|emulation| emulation.server.is_some()) {
        return Err(Error::Inexpressible(
            "an emulator's server that is started before the command",
        ));
    }
    if !supervision.pass_fds.is_empty() || !supervision.assign_fds.is_empty() {
        return Err(Error::Inexpressible("descriptors that the command inherits"));
    }
    Ok(())
}

fn text(bytes: &[u8]) -> Result<&str, Error> {
    std::str::from_utf8(bytes).map_err(|_| Error::NotText(ByteString(bytes.to_vec())))
}

fn namespaces(plan: &Plan) -> Value {
    let mut all = vec![json!({ "type": "user" }), json!({ "type": "mount" })];
    if plan.namespaces.pid {
        all.push(json!({ "type": "pid" }));
    }
    all.into()
}

fn process(
    plan: &Plan,
    around: &Surroundings<'_>,
    left_out: &mut Vec<ByteString>,
) -> Result<Value, Error> {
    let mut environment: BTreeMap<ByteString, ByteString> =
        around.environment.iter().cloned().collect();
    for (name, value) in plan.environment_changes() {
        let name = ByteString(name.to_vec());
        match value {
            Some(value) => environment.insert(name, value),
            None => environment.remove(&name),
        };
    }
    let mut variables = vec![];
    for (name, value) in environment {
        match (text(name.as_bytes()), text(value.as_bytes())) {
            (Ok(name), Ok(value)) => variables.push(format!("{name}={value}")),
            _ => left_out.push(name),
        }
    }
    let arguments: Result<Vec<&str>, Error> =
        plan.command.iter().map(|word| text(word.as_bytes())).collect();
    Ok(json!({
        "terminal": false,
        "user": { "uid": around.uid, "gid": around.gid },
        "args": arguments?,
        "env": variables,
        "cwd": text(plan.working_directory.as_bytes())?,
        "capabilities": {
            "bounding": [], "effective": [], "inheritable": [], "permitted": [], "ambient": [],
        },
        "noNewPrivileges": true,
    }))
}

/// One mount of `config.json`.
struct Mount {
    /// Where the plan has it.
    at: ContainerPath,
    kind: &'static str,
    source: String,
    options: Vec<String>,
}

impl Mount {
    fn value(self, items: &Items) -> Value {
        let mut options = self.options;
        if self.kind == "tmpfs" && items.has_below(&self.at) {
            // crun and runc: what `rootfs` has there is copied into it.
            options.push("tmpcopyup".into());
        }
        json!({
            "destination": String::from_utf8_lossy(self.at.as_bytes()),
            "type": self.kind,
            "source": self.source,
            "options": options,
        })
    }
}

struct Writer<'a, 'b> {
    around: &'a Surroundings<'b>,
    own_pids: bool,
    items: Items,
    mounts: Vec<Mount>,
    read_only: bool,
}

impl Writer<'_, '_> {
    fn op(&mut self, op: &Op) -> Result<(), Error> {
        match op {
            Op::Directory { at, mode } => self.make(at, Item::Directory { mode: *mode })?,
            Op::Symlink { at, target } => {
                self.make(at, Item::Symlink { target: target.clone() })?;
            }
            Op::File { at, content, mode } => {
                self.make(at, Item::File { content: content.clone(), mode: *mode })?;
            }
            Op::Bind { source, at, access, optional } => {
                let source = self.host(source)?;
                match (self.around.is_directory)(&source) {
                    Some(directory) => self.bind(at, &source, *access, directory)?,
                    None if *optional => {}
                    None => return Err(Error::Missing(source)),
                }
            }
            Op::Stack { at, form: StackForm::Tree, .. } => {
                let tree = self.around.trees.get(at).cloned();
                let tree = tree.ok_or_else(|| Error::NotPrepared(format!("the tree for {at}")))?;
                self.bind(at, &tree, Access::ReadOnly, true)?;
            }
            Op::Stack { at, sources, form: StackForm::Overlay } => {
                let mut lowers = vec![];
                for source in sources {
                    lowers.push(escaped(text(self.host(source)?.as_bytes())?));
                }
                let lowers = format!("lowerdir={}", lowers.join(":"));
                let options = ["ro", "nosuid", "nodev", "userxattr", &lowers];
                self.mount(at, "overlay", "overlay", &options, true)?;
            }
            Op::Tmpfs { at, mode } => {
                let mode = format!("mode={mode:04o}");
                self.mount(at, "tmpfs", "tmpfs", &["nosuid", "nodev", &mode], true)?;
                self.items.memory(at);
            }
            Op::ReadOnly { at } if *at == ContainerPath::root() => self.read_only = true,
            Op::ReadOnly { at } => {
                let mount = self.mounts.iter_mut().rev().find(|mount| mount.at == *at);
                match mount {
                    Some(mount) => mount.options.push("ro".into()),
                    None => return Err(Error::Inexpressible("a directory that becomes read-only")),
                }
            }
            // Without process IDs of its own, the kernel refuses a new procfs.
            Op::Proc { at } if !self.own_pids => {
                self.bind(at, &HostPath::literal("/proc"), Access::ReadWrite, true)?;
            }
            Op::Proc { at } => {
                self.mount(at, "proc", "proc", &["nosuid", "noexec", "nodev"], true)?;
            }
        }
        Ok(())
    }

    fn make(&mut self, at: &ContainerPath, item: Item) -> Result<(), Error> {
        let made = self.items.make(at, item);
        let what = "something in a file system in memory that lies in a mount";
        if made { Ok(()) } else { Err(Error::Inexpressible(what)) }
    }

    fn host(&self, source: &Source) -> Result<HostPath, Error> {
        match source {
            Source::Host(path) => Ok(path.clone()),
            Source::Layer { layer, path } => match self.around.layers.get(layer) {
                Some(directory) => Ok(directory.lexically(path)),
                None => Err(Error::NotPrepared(format!("the layer {layer}"))),
            },
        }
    }

    fn bind(
        &mut self,
        at: &ContainerPath,
        source: &HostPath,
        access: Access,
        directory: bool,
    ) -> Result<(), Error> {
        let options: &[&str] = match access {
            // `rro` (1.1) reaches the mounts below; a runtime that does not know it has `ro`. crun
            // takes it for directories alone.
            Access::ReadOnly if directory => &["rbind", "rslave", "nosuid", "nodev", "ro", "rro"],
            Access::ReadOnly => &["rbind", "rslave", "nosuid", "nodev", "ro"],
            Access::ReadWrite => &["rbind", "rslave", "nosuid", "nodev"],
            Access::Device => &["rbind", "rslave", "nosuid"],
        };
        self.mount(at, "bind", text(source.as_bytes())?, options, directory)
    }

    fn mount(
        &mut self,
        at: &ContainerPath,
        kind: &'static str,
        source: &str,
        options: &[&str],
        directory: bool,
    ) -> Result<(), Error> {
        text(at.as_bytes())?;
        self.items.mount_point(at, directory);
        let options = options.iter().map(ToString::to_string).collect();
        self.mounts.push(Mount { at: at.clone(), kind, source: source.into(), options });
        Ok(())
    }
}

/// A directory in the options of overlayfs, where `:` and `,` separate (fs/overlayfs/params.c).
fn escaped(path: &str) -> String {
    let mut out = String::with_capacity(path.len());
    for c in path.chars() {
        if matches!(c, ':' | ',' | '\\') {
            out.push('\\');
        }
        out.push(c);
    }
    out
}

#[cfg(test)]
mod tests;

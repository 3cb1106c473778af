//! Scenes: plans made by hand, launched in a process of their own as an ordinary user.

#![allow(dead_code, unreachable_pub, reason = "each test program uses a part")]

use plan::{
    Access, ByteString, ContainerPath, Environment, HostPath, LayerName, Op, Plan, Source,
    StackForm, Step,
};
use serde_json::json;
use std::collections::BTreeMap;
use std::os::unix::ffi::OsStrExt;
use std::os::unix::fs::PermissionsExt;
use std::os::unix::process::CommandExt;
use std::path::{Path, PathBuf};
use std::process::{Command, Output, Stdio};
use testkit::TreeBuilder;

/// The user that a scene is launched as when the tests are run by root.
const NOBODY: u32 = 65534;

/// Where the container has the program of `examples/stage.rs`.
pub const STAGE: &str = "/opt/stage";

pub const BOTH: [&str; 2] = ["builtin", "bwrap"];

pub fn at(path: &str) -> ContainerPath {
    ContainerPath::literal(path)
}

pub fn host(path: impl AsRef<Path>) -> HostPath {
    HostPath::new(path.as_ref()).unwrap()
}

/// The program of `examples/stage.rs`, which cargo builds beside the tests.
pub fn stage() -> PathBuf {
    let own = std::env::current_exe().unwrap();
    let directory = own.parent().unwrap().parent().unwrap();
    let stage = directory.join("examples/stage");
    assert!(stage.symlink_metadata().is_ok(), "{} is not built", stage.display());
    stage
}

pub fn bind(source: impl AsRef<Path>, to: &str, access: Access) -> Op {
    Op::Bind { source: Source::Host(host(source)), at: at(to), access, optional: false }
}

pub fn stack(to: &str, sources: &[&Path], form: StackForm) -> Op {
    let sources = sources.iter().map(|path| Source::Host(host(path))).collect();
    Op::Stack { at: at(to), sources, form }
}

/// The host's programs and libraries, `/proc`, `/dev` and the stage itself.
pub fn base() -> Vec<Op> {
    let mut ops = vec![bind("/usr", "/usr", Access::ReadOnly)];
    for name in ["bin", "sbin", "lib", "lib32", "lib64"] {
        let path = Path::new("/").join(name);
        let to = path.to_str().unwrap();
        match path.symlink_metadata() {
            Ok(meta) if meta.is_symlink() => {
                let target = std::fs::read_link(&path).unwrap().into_os_string().into();
                ops.push(Op::Symlink { at: at(to), target });
            }
            Ok(_) => ops.push(bind(&path, to, Access::ReadOnly)),
            Err(_) => {}
        }
    }
    ops.push(Op::Proc { at: at("/proc") });
    ops.push(bind("/dev", "/dev", Access::Device));
    ops.push(Op::Directory { at: at("/tmp"), mode: 0o1777 });
    ops.push(bind(stage(), STAGE, Access::ReadOnly));
    ops
}

pub struct Scene {
    pub plan: Plan,
    pub layers: BTreeMap<LayerName, HostPath>,
    pub trees: Vec<(ContainerPath, HostPath)>,
    pub backend: &'static str,
    pub bwrap: Vec<PathBuf>,
    pub search_path: Vec<PathBuf>,
    pub inject: String,
    pub by_descriptor: bool,
    /// See `examples/stage.rs`.
    pub confirm: Option<bool>,
    directory: tempfile::TempDir,
}

impl Scene {
    /// The base, then `ops`; runs `command`.
    pub fn new(backend: &'static str, ops: Vec<Op>, command: &[&str]) -> Self {
        let steps =
            base().into_iter().chain(ops).map(|op| Step { op, reason: "a test".into() }).collect();
        let mut environment = Environment::default();
        environment.set("PATH", "/usr/bin:/bin", "a test");
        let plan = Plan {
            steps,
            environment,
            working_directory: at("/tmp"),
            ..Plan::new(command.iter().map(|word| ByteString::from(*word)).collect())
        };
        Self {
            plan,
            layers: BTreeMap::new(),
            trees: vec![],
            backend,
            bwrap: vec![],
            search_path: vec!["/usr/bin".into()],
            inject: String::new(),
            by_descriptor: false,
            confirm: None,
            directory: open_to_all(tempfile::tempdir().unwrap()),
        }
    }

    pub fn shell(backend: &'static str, script: &str) -> Self {
        Self::new(backend, vec![], &["sh", "-c", script])
    }

    /// The launcher, ready to be started.
    pub fn command(&self) -> Command {
        let path = self.directory.path().join("scene.json");
        let scene = json!({
            "plan": self.plan,
            "layers": self.layers,
            "trees": self.trees,
            "backend": self.backend,
            "bwrap": self.bwrap,
            "search_path": self.search_path,
            "inject": self.inject,
            "by_descriptor": self.by_descriptor,
            "confirm": self.confirm,
            "environment": [["INHERITED", "yes"], ["TERM", "dumb"]],
        });
        std::fs::write(&path, serde_json::to_vec(&scene).unwrap()).unwrap();
        let mut command = as_user(stage());
        command.arg("launch").arg(path).stdin(Stdio::null());
        command
    }

    pub fn run(&self) -> Ran {
        Ran::of(self.command().output().unwrap())
    }
}

/// `program`, to be run by an ordinary user.
pub fn as_user(program: impl AsRef<std::ffi::OsStr>) -> Command {
    let mut command = Command::new(program);
    if rustix::process::geteuid().is_root() {
        command.uid(NOBODY).gid(NOBODY);
    }
    command.current_dir("/");
    command
}

/// So that the user who launches can see and change it.
pub fn open_to_all(directory: tempfile::TempDir) -> tempfile::TempDir {
    std::fs::set_permissions(directory.path(), std::fs::Permissions::from_mode(0o777)).unwrap();
    directory
}

pub fn tree(table: &str) -> TreeBuilder {
    let tree = TreeBuilder::new().unwrap().table(table).unwrap();
    std::fs::set_permissions(tree.path(), std::fs::Permissions::from_mode(0o755)).unwrap();
    tree
}

#[derive(Debug)]
pub struct Ran {
    pub status: i32,
    pub out: String,
    pub err: String,
}

impl Ran {
    pub fn of(output: Output) -> Self {
        use std::os::unix::process::ExitStatusExt;
        let status = output.status;
        Self {
            status: status.code().unwrap_or_else(|| -status.signal().unwrap_or(0)),
            out: String::from_utf8_lossy(&output.stdout).into_owned(),
            err: String::from_utf8_lossy(&output.stderr).into_owned(),
        }
    }

    /// Standard output, after checking that all went well.
    #[track_caller]
    pub fn ok(self) -> String {
        assert_eq!(self.status, 0, "{}\n{}", self.out, self.err);
        self.out
    }
}

/// What differs between two walks, for a message.
pub fn difference(a: &str, b: &str) -> String {
    let lines =
        |text: &str| text.lines().map(str::to_owned).collect::<std::collections::BTreeSet<_>>();
    let (a, b) = (lines(a), lines(b));
    let mut out = String::new();
    for line in a.difference(&b) {
        out += &format!("- {line}\n");
    }
    for line in b.difference(&a) {
        out += &format!("+ {line}\n");
    }
    out
}

pub fn bytes(path: &Path) -> &[u8] {
    path.as_os_str().as_bytes()
}

/// Where `cargo xtask lab` makes roots of real distributions.
const LAB: &str = "/var/cache/bathysphere/lab";

/// Every bwrap of the lab, made to run here with the C library of its own root: its name, and a
/// program in `directory`. Empty, with a line that says so, where the lab has not been made.
pub fn lab_bwraps(directory: &Path) -> Vec<(String, PathBuf)> {
    let mut found = Vec::new();
    for name in ["host-bullseye-nonmerged", "host-bookworm", "host-trixie"] {
        let root = Path::new(LAB).join(name);
        let program = root.join("usr/bin/bwrap");
        if program.symlink_metadata().is_err() {
            println!("skipped: {} is missing; make it with `cargo xtask lab`", program.display());
            continue;
        }
        let loader = ["usr/lib64", "lib64", "usr/lib/x86_64-linux-gnu", "lib/x86_64-linux-gnu"]
            .iter()
            .flat_map(|lib| {
                ["ld-linux-x86-64.so.2", "ld-2.31.so"].map(|ld| root.join(lib).join(ld))
            })
            .find(|path| path.symlink_metadata().is_ok_and(|meta| meta.is_file()))
            .unwrap();
        let libraries = ["lib/x86_64-linux-gnu", "usr/lib/x86_64-linux-gnu"].map(|d| root.join(d));
        let script = format!(
            "#!/bin/sh\nexec {} --library-path {}:{} {} \"$@\"\n",
            loader.display(),
            libraries[0].display(),
            libraries[1].display(),
            program.display()
        );
        let own = directory.join(name);
        std::fs::write(&own, script).unwrap();
        std::fs::set_permissions(&own, std::fs::Permissions::from_mode(0o755)).unwrap();
        found.push((name.to_owned(), own));
    }
    found
}

//! A virtual AArch64 machine that runs one command in a root of the laboratory and ends.
//!
//! `qemu-system-aarch64` with Debian's kernel and an initial file system of our own. The root, the laboratory and the
//! programs under test are directories of this machine, shown by 9p; nothing is copied, there is no network, and nothing
//! outside a directory made for the run can be written. The kernel knows `qemu-x86_64` of the root as the emulator of
//! amd64 and i386, without flag `F`: its program and libraries are looked for in each container.

mod initramfs;

use std::ffi::{OsStr, OsString};
use std::fs::{self, File};
use std::os::fd::OwnedFd;
use std::os::unix::net::UnixStream;
use std::path::{Path, PathBuf};
use std::process::{Command, ExitStatus};
use std::time::Duration;

use crate::error::{Context, Problem, Result};
use crate::lab::enter::Bind;
use crate::lab::{Lab, require_root};
use crate::setup::TEST_USER;
use crate::user::TemporaryDir;

/// The root of the laboratory with the kernel.
const KERNEL: &str = "vm-kernel";

/// Roots that can be started, the mission's case first.
pub(crate) const HOSTS: &[&str] = &["vm-host-nonmerged", "vm-host-merged"];

/// What is run by the machine's first process in the root; ends the machine.
const GUEST: &str = include_str!("vm/guest.sh");

/// Memory in MiB: page cache for what is read by 9p, and the programs.
const MEMORY: &str = "3072";

/// One run of the machine.
#[derive(Debug)]
pub(crate) struct Machine {
    root: PathBuf,
    kernel: PathBuf,
    lab: PathBuf,
    uid: u32,
    limit: Duration,
    binds: Vec<Bind>,
    environment: Vec<(OsString, OsString)>,
}

/// What came of a run.
#[derive(Debug)]
pub(crate) struct Ended {
    /// Exit status of the command; `None` when the machine ended without it.
    pub(crate) status: Option<u8>,
    /// Seconds of the machine's clock from the start of its kernel to the command's start and end.
    pub(crate) started: f32,
    /// See `started`.
    pub(crate) ended: f32,
    /// What the kernel and the initial file system said.
    pub(crate) console: String,
}

impl Machine {
    /// A machine with the root of that name, as root.
    pub(crate) fn new(lab: &Lab, root: &str) -> Result<Self> {
        Ok(Self {
            root: lab.root(root)?,
            kernel: lab.root(KERNEL)?,
            lab: lab.dir().to_owned(),
            uid: 0,
            limit: Duration::from_secs(600),
            binds: Vec::new(),
            environment: Vec::new(),
        })
    }

    /// Runs the command as the unprivileged test user instead.
    pub(crate) fn unprivileged(mut self) -> Self {
        self.uid = TEST_USER.uid;
        self
    }

    /// The time after which the machine is ended, whatever it does.
    pub(crate) fn limit(mut self, limit: Duration) -> Self {
        self.limit = limit;
        self
    }

    /// Shows a directory of this machine inside, at a place that exists there.
    pub(crate) fn bind(mut self, bind: Bind) -> Self {
        self.binds.push(bind);
        self
    }

    /// Sets an environment variable.
    pub(crate) fn env(mut self, name: impl Into<OsString>, value: impl Into<OsString>) -> Self {
        self.environment.push((name.into(), value.into()));
        self
    }

    /// Runs the command; `watch` gets the running machine, whose standard output is the command's.
    pub(crate) fn run(
        &self,
        command: &[OsString],
        watch: impl FnOnce(&mut Command) -> std::io::Result<ExitStatus>,
    ) -> Result<Ended> {
        require_root("running the virtual machine")?;
        let work = TemporaryDir::of(0)?;
        let shared = work.path().join("shared");
        fs::create_dir(&shared).at("creating", &shared)?;
        for (name, text) in [("command", &*self.script(command)?), ("guest", GUEST)] {
            fs::write(shared.join(name), text).at("writing", shared.join(name))?;
        }
        let initial = work.path().join("initramfs");
        let file = File::create(&initial).at("creating", &initial)?;
        initramfs::write(&self.kernel, file)?;
        let console = work.path().join("console");
        // At the end of its input the machine would take its output for closed.
        let (input, _open) = UnixStream::pair().context("making the machine's input")?;
        let mut qemu = self.qemu(&shared, &initial, &console);
        qemu.stdin(OwnedFd::from(input));
        let status = watch(&mut qemu)
            .context("starting qemu-system-aarch64")
            .map_err(|problem| problem.hint("run `cargo xtask setup`, which installs it"))?;
        let console = fs::read(&console).unwrap_or_default();
        let console = String::from_utf8_lossy(&console).replace('\r', "");
        if status.code() == Some(124) {
            let limit = self.limit.as_secs();
            let problem = Problem::new(format!("the machine was ended after {limit} s\n{console}"));
            return Err(problem.hint("give it more time with --limit"));
        }
        let result = |name: &str| fs::read_to_string(shared.join(name)).unwrap_or_default();
        let number = |name: &str| result(name).trim().parse().unwrap_or(f32::NAN);
        Ok(Ended {
            status: result("status").trim().parse().ok(),
            started: number("started"),
            ended: number("ended"),
            console,
        })
    }

    /// The shell text that becomes the command, with its environment and what is shown.
    fn script(&self, command: &[OsString]) -> Result<String> {
        let mut text = format!("uid={}\nhome={}\n", self.uid, quote(OsStr::new(TEST_USER.home))?);
        for (index, bind) in self.shares().enumerate() {
            let mode = if bind.writable { "rw" } else { "ro" };
            text += &format!("show share{index} {} {mode}\n", quote(bind.target.as_os_str())?);
        }
        for (name, value) in &self.environment {
            text += &format!("export {}={}\n", name.to_string_lossy(), quote(value)?);
        }
        text += "set --";
        for word in command {
            text += &format!(" {}", quote(word)?);
        }
        Ok(format!("{text}\n"))
    }

    fn shares(&self) -> impl Iterator<Item = Bind> {
        let lab = Bind { source: self.lab.clone(), target: self.lab.clone(), writable: false };
        std::iter::once(lab).chain(self.binds.iter().cloned())
    }

    fn qemu(&self, shared: &Path, initial: &Path, console: &Path) -> Command {
        let mut qemu = Command::new("timeout");
        qemu.args(["--kill-after=5", &self.limit.as_secs().to_string(), "qemu-system-aarch64"]);
        qemu.args(["-machine", "virt", "-cpu", "cortex-a72", "-accel", "tcg,thread=multi"]);
        qemu.args(["-smp", "2", "-m", MEMORY, "-nic", "none", "-no-reboot", "-nodefaults"]);
        qemu.args(["-display", "none", "-monitor", "none"]);
        qemu.arg("-kernel").arg(self.kernel.join("vmlinuz")).arg("-initrd").arg(initial);
        qemu.args(["-append", "console=ttyAMA0 loglevel=4 panic=-1"]);
        qemu.arg("-serial").arg(prefixed("file:", console));
        qemu.args(["-chardev", "stdio,id=out,signal=off", "-device", "virtio-serial-pci"]);
        qemu.args(["-device", "virtserialport,chardev=out,name=out"]);
        share(&mut qemu, "root", &self.root, false);
        share(&mut qemu, "shared", shared, true);
        for (index, bind) in self.shares().enumerate() {
            share(&mut qemu, &format!("share{index}"), &bind.source, bind.writable);
        }
        qemu
    }
}

/// Shows a directory to the machine under a name. Identities and modes are those of this machine; a device's number is
/// made part of the inode's, so that two file systems below one directory cannot be confused.
fn share(qemu: &mut Command, name: &str, directory: &Path, writable: bool) {
    let mut device = prefixed("local,path=", directory);
    device.push(format!(",id={name},security_model=none,multidevs=remap"));
    if !writable {
        device.push(",readonly=on");
    }
    qemu.arg("-fsdev").arg(device);
    qemu.arg("-device").arg(format!("virtio-9p-pci,fsdev={name},mount_tag={name}"));
}

fn prefixed(prefix: &str, path: &Path) -> OsString {
    let mut out = OsString::from(prefix);
    out.push(path);
    out
}

/// A word for a shell.
fn quote(word: &OsStr) -> Result<String> {
    let Some(text) = word.to_str() else {
        return Err(Problem::new(format!("`{}` is not UTF-8", word.to_string_lossy())));
    };
    Ok(format!("'{}'", text.replace('\'', r"'\''")))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn words_are_quoted_for_the_shell() {
        assert_eq!(quote(OsStr::new("a b")).unwrap(), "'a b'");
        assert_eq!(quote(OsStr::new("it's")).unwrap(), r"'it'\''s'");
    }

    #[test]
    fn the_script_has_everything() {
        let machine = Machine {
            root: "/r".into(),
            kernel: "/k".into(),
            lab: "/lab".into(),
            uid: 4242,
            limit: Duration::from_secs(1),
            binds: vec!["/a:/b:rw".parse().unwrap()],
            environment: vec![("X".into(), "1 2".into())],
        };
        let script = machine.script(&["echo".into(), "a b".into()]).unwrap();
        assert!(script.contains("show share0 '/lab' ro\nshow share1 '/b' rw\n"), "{script}");
        assert!(script.ends_with("export X='1 2'\nset -- 'echo' 'a b'\n"), "{script}");
    }
}

//! What is looked at to find what forbids namespaces: contents of files, and answers to calls.

use crate::sys;
use rustix::fs::{Mode, OFlags};
use rustix::io::Errno;
use rustix::mount::MountFlags;
use std::collections::BTreeMap;
use std::io::Read as _;

/// The files, by path. Those that are missing or cannot be read are left out of [`Facts::files`].
pub(super) const STATUS: &str = "/proc/self/status";
pub(super) const UID_MAP: &str = "/proc/self/uid_map";
pub(super) const GID_MAP: &str = "/proc/self/gid_map";
pub(super) const MOUNTS: &str = "/proc/self/mountinfo";
/// Readable for everybody, unlike the rest of what `/proc` has about another user's process.
pub(super) const MOUNTS_OF_INIT: &str = "/proc/1/mountinfo";
pub(super) const LABEL: &str = "/proc/self/attr/apparmor/current";
/// The same before Linux 5.8, and SELinux's context.
pub(super) const CONTEXT: &str = "/proc/self/attr/current";
pub(super) const APPARMOR: &str = "/sys/module/apparmor/parameters/enabled";
pub(super) const RESTRICTED: &str = "/proc/sys/kernel/apparmor_restrict_unprivileged_userns";
pub(super) const ENFORCING: &str = "/sys/fs/selinux/enforce";
pub(super) const CLONE: &str = "/proc/sys/kernel/unprivileged_userns_clone";
pub(super) const MAX_USER: &str = "/proc/sys/user/max_user_namespaces";
pub(super) const MAX_MOUNT: &str = "/proc/sys/user/max_mnt_namespaces";

const FILES: &[&str] = &[
    STATUS,
    UID_MAP,
    GID_MAP,
    MOUNTS,
    MOUNTS_OF_INIT,
    LABEL,
    CONTEXT,
    APPARMOR,
    RESTRICTED,
    ENFORCING,
    CLONE,
    MAX_USER,
    MAX_MOUNT,
];

/// Most that is read of one file, in bytes. Longer mount tables are cut at their end.
const FILE_BYTES: u64 = 1 << 20;

/// `unshare` refuses this bit with EINVAL before it looks at anything else (`check_unshare_flags`):
/// it belongs to the exit signal of `clone`.
const NEVER_A_FLAG: i32 = 1;

/// What the answer to a call says that no kernel refuses in that way.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Answer {
    /// By the kernel.
    Kernel,
    /// By a filter, with this error number.
    Filter(i32),
}

/// What is known about this process and its kernel.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Facts {
    /// Contents of files, without the whitespace at their ends.
    pub files: BTreeMap<&'static str, String>,
    /// Whether `/proc/self/ns/user` is there.
    pub has_user_namespaces: bool,
    /// Effective user and group.
    pub ids: (u32, u32),
    /// Who answers `unshare(CLONE_NEWUSER | 1)`.
    pub unshare: Answer,
    /// Who answers a `mount` at a path that does not exist.
    pub mount: Answer,
    /// Where this program is.
    pub program: String,
    /// The AppArmor label after the attempt that failed, if there was one.
    pub label_after: Option<String>,
}

impl Facts {
    /// Looks.
    pub fn gather() -> Self {
        let program = rustix::fs::readlink("/proc/self/exe", vec![]).ok();
        let program = program.map(|path| path.to_string_lossy().into_owned());
        let (unshare, mount) = answers();
        Self {
            files: FILES.iter().filter_map(|path| Some((*path, read(path)?))).collect(),
            has_user_namespaces: rustix::fs::lstat("/proc/self/ns/user").is_ok(),
            ids: (rustix::process::geteuid().as_raw(), rustix::process::getegid().as_raw()),
            unshare,
            mount,
            program: program.unwrap_or_else(|| "/usr/bin/bathysphere".into()),
            label_after: None,
        }
    }

    /// The content of a file that was looked at.
    pub(super) fn file(&self, path: &str) -> Option<&str> {
        self.files.get(path).map(String::as_str)
    }

    /// A line of `/proc/self/status`, such as `NoNewPrivs`.
    pub(super) fn status(&self, name: &str) -> Option<&str> {
        let mut lines = self.file(STATUS)?.lines();
        lines.find_map(|line| line.strip_prefix(name)?.strip_prefix(':')).map(str::trim)
    }

    /// Whether the process has this capability, by number (linux/capability.h), in effect.
    pub(super) fn is_capable(&self, number: u32) -> bool {
        let set = self.status("CapEff").and_then(|text| u64::from_str_radix(text, 16).ok());
        set.is_some_and(|set| set & (1 << number) != 0)
    }
}

/// The AppArmor label of this process, such as `unconfined` or `docker-default (enforce)`; `None`
/// where AppArmor is not what labels processes.
pub(super) fn apparmor_label() -> Option<String> {
    read(LABEL).or_else(|| read(APPARMOR).filter(|on| on == "Y").and_then(|_| read(CONTEXT)))
}

fn read(path: &str) -> Option<String> {
    let flags = OFlags::RDONLY | OFlags::CLOEXEC | OFlags::NOCTTY;
    let fd = rustix::fs::open(path, flags, Mode::empty()).ok()?;
    let mut content = Vec::new();
    std::fs::File::from(fd).take(FILE_BYTES).read_to_end(&mut content).ok()?;
    // The label of AppArmor may end with a NUL byte.
    let text = String::from_utf8_lossy(&content);
    Some(text.trim_end_matches('\0').trim().to_owned())
}

/// Asks in a child, so that nothing can happen to this process.
fn answers() -> (Answer, Answer) {
    let answer = |errno: Option<Errno>, kernels: &[Errno]| match errno {
        Some(errno) if !kernels.contains(&errno) => Answer::Filter(errno.raw_os_error()),
        _ => Answer::Kernel,
    };
    let ask = || {
        let unshare = sys::process::unshare(libc::CLONE_NEWUSER | NEVER_A_FLAG).err();
        // The path is looked up before rights are (`do_mount`, `path_mount`).
        let flags = MountFlags::empty();
        let mount = rustix::mount::mount("none", "/proc/self/no such entry", "tmpfs", flags, None);
        let mount = mount.err();
        (answer(unshare, &[Errno::INVAL]), answer(mount, &[Errno::NOENT, Errno::ACCESS]))
    };
    ask_in_child(ask).unwrap_or((Answer::Kernel, Answer::Kernel))
}

/// Carries both error numbers out of the child through a pipe: eight bytes, 0 for the kernel.
fn ask_in_child(ask: impl FnOnce() -> (Answer, Answer)) -> Option<(Answer, Answer)> {
    let (reader, writer) = rustix::pipe::pipe_with(rustix::pipe::PipeFlags::CLOEXEC).ok()?;
    let child = sys::process::fork(|| {
        let (unshare, mount) = ask();
        let mut message = [0; 8];
        message[..4].copy_from_slice(&unshare.number().to_ne_bytes());
        message[4..].copy_from_slice(&mount.number().to_ne_bytes());
        u8::from(rustix::io::write(&writer, &message) != Ok(message.len()))
    })
    .ok()?;
    drop(writer);
    let ended = sys::process::wait(Some(child), true);
    let mut message = [0; 8];
    let read = rustix::io::read(&reader, &mut message);
    // A filter may end a process for a call.
    ended.ok().filter(|_| read == Ok(message.len()))?;
    let number = |at: usize| i32::from_ne_bytes([0, 1, 2, 3].map(|i| message[at + i]));
    Some((Answer::of(number(0)), Answer::of(number(4))))
}

impl Answer {
    fn number(self) -> i32 {
        match self {
            Answer::Kernel => 0,
            Answer::Filter(errno) => errno,
        }
    }

    fn of(number: i32) -> Self {
        if number == 0 { Answer::Kernel } else { Answer::Filter(number) }
    }
}

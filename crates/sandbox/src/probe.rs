//! Whether namespaces can be created here, and if not, which rule forbids it.
//!
//! Ubuntu's AppArmor lets `unshare` succeed and takes the capabilities away, so only a mount is
//! proof. The reasons are found by looking at the switches that exist (`/proc/sys`, `/proc/self`),
//! never guessed from the error alone.

use crate::builtin;
use crate::link;
use crate::sys::{self, SysError};
use rustix::fs::{Mode, OFlags};
use rustix::io::Errno;
use serde::{Deserialize, Serialize};
use std::fmt;

/// Why namespaces cannot be created.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Refusal {
    /// The call that failed.
    pub failure: SysError,
    /// The rule that explains it, when one was found.
    pub rule: Option<Rule>,
}

/// A rule of the machine that forbids namespaces.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Rule {
    /// `kernel.apparmor_restrict_unprivileged_userns` is 1 (Ubuntu 23.10 and later).
    AppArmor,
    /// `user.max_user_namespaces` is 0 (RHEL 7, some hardening guides).
    MaxUserNamespaces,
    /// `user.max_mnt_namespaces` is 0.
    MaxMountNamespaces,
    /// `kernel.unprivileged_userns_clone` is 0 (Debian 10, linux-hardened).
    UsernsClone,
    /// This process is in a `chroot`.
    Chroot,
    /// A seccomp filter is active (Docker, Flatpak).
    Seccomp,
    /// The kernel has no user namespaces.
    Kernel,
}

/// A rule's switch: a file whose first word, when it is this, explains the refusal.
const SWITCHES: &[(Rule, &str, &str)] = &[
    (Rule::Kernel, "/proc/self/ns/user", ""),
    (Rule::AppArmor, "/proc/sys/kernel/apparmor_restrict_unprivileged_userns", "1"),
    (Rule::UsernsClone, "/proc/sys/kernel/unprivileged_userns_clone", "0"),
    (Rule::MaxUserNamespaces, "/proc/sys/user/max_user_namespaces", "0"),
    (Rule::MaxMountNamespaces, "/proc/sys/user/max_mnt_namespaces", "0"),
];

/// Longest switch file that is read, in bytes.
const SWITCH_BYTES: usize = 64;

fn first_word(path: &str) -> Option<String> {
    let fd = rustix::fs::open(path, OFlags::RDONLY | OFlags::CLOEXEC, Mode::empty()).ok()?;
    let mut buffer = [0; SWITCH_BYTES];
    let length = rustix::io::read(&fd, &mut buffer).ok()?;
    let text = String::from_utf8_lossy(&buffer[..length]);
    text.split_whitespace().next().map(str::to_owned)
}

/// `Seccomp:` of `/proc/self/status` is 2: a filter decides about calls.
fn has_seccomp_filter() -> bool {
    rustix::thread::secure_computing_mode()
        .is_ok_and(|mode| mode == rustix::thread::SecureComputingMode::Filter)
}

/// The root directory of this process is not the root of its mount namespace. Inside a chroot,
/// `/proc/self/mountinfo` shows no mount at `/`, unless the chroot's directory is a mount of its own.
fn is_chroot() -> bool {
    use std::io::Read;
    let Ok(fd) =
        rustix::fs::open("/proc/self/mountinfo", OFlags::RDONLY | OFlags::CLOEXEC, Mode::empty())
    else {
        return false;
    };
    let mut table = Vec::new();
    let read = std::fs::File::from(fd).take(1 << 20).read_to_end(&mut table);
    read.is_ok()
        && !table.is_empty()
        && !table.split(|&b| b == b'\n').any(|line| line.split(|&b| b == b' ').nth(4) == Some(b"/"))
}

impl Refusal {
    /// Looks for the rule behind `failure`.
    pub(crate) fn explain(failure: SysError) -> Self {
        let by_switch = SWITCHES.iter().find_map(|&(rule, path, value)| match rule {
            Rule::Kernel => {
                rustix::fs::lstat(path).err().filter(|e| *e == Errno::NOENT).map(|_| rule)
            }
            _ => first_word(path).is_some_and(|word| word == value).then_some(rule),
        });
        let rule = by_switch
            .or_else(|| is_chroot().then_some(Rule::Chroot))
            .or_else(|| has_seccomp_filter().then_some(Rule::Seccomp));
        Self { failure, rule }
    }

    /// What the user can do.
    pub(crate) fn hint(&self) -> String {
        match self.rule {
            Some(Rule::AppArmor) => {
                "install `bubblewrap` with its AppArmor profile, or run \
                 `sudo sysctl kernel.apparmor_restrict_unprivileged_userns=0`"
            }
            Some(Rule::MaxUserNamespaces) => {
                "run `sudo sysctl user.max_user_namespaces=15000`, or install a set-uid `bwrap`"
            }
            Some(Rule::MaxMountNamespaces) => "run `sudo sysctl user.max_mnt_namespaces=15000`",
            Some(Rule::UsernsClone) => {
                "run `sudo sysctl kernel.unprivileged_userns_clone=1`, or install a set-uid `bwrap`"
            }
            Some(Rule::Chroot) => "run outside the chroot: the kernel forbids namespaces in it",
            Some(Rule::Seccomp) => {
                "this process runs under a system call filter, as in a container: run it outside, \
                 or allow `unshare` and `mount` in the filter"
            }
            Some(Rule::Kernel) => "use a kernel with CONFIG_USER_NS, or install a set-uid `bwrap`",
            None => "install `bubblewrap` and use `--backend bwrap`",
        }
        .into()
    }

    /// What was looked at.
    pub(crate) fn evidence(&self) -> Vec<String> {
        let rule = self.rule;
        let switch = SWITCHES.iter().find(|(r, ..)| Some(*r) == rule && *r != Rule::Kernel);
        switch.map(|(_, path, value)| format!("{path} is {value}")).into_iter().collect()
    }
}

impl fmt::Display for Refusal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let rule = match self.rule {
            Some(Rule::AppArmor) => "AppArmor restricts user namespaces to listed programs",
            Some(Rule::MaxUserNamespaces) => "user.max_user_namespaces is 0",
            Some(Rule::MaxMountNamespaces) => "user.max_mnt_namespaces is 0",
            Some(Rule::UsernsClone) => "kernel.unprivileged_userns_clone is 0",
            Some(Rule::Chroot) => "this process is in a chroot",
            Some(Rule::Seccomp) => "a seccomp filter is active",
            Some(Rule::Kernel) => "the kernel has no user namespaces",
            None => return write!(f, "{}", self.failure),
        };
        write!(f, "{rule} ({})", self.failure)
    }
}

/// Tries to create namespaces and to mount something in them, in a child that ends at once.
///
/// # Errors
/// [`crate::Error::NoNamespaces`] or [`crate::Error::NoMountApi`] when that is not possible here.
pub fn probe() -> Result<(), crate::Error> {
    let (ours, theirs) = link::pair()?;
    let child = sys::process::fork(|| {
        let attempt = builtin::enter_namespaces(false).and_then(|()| builtin::base().map(drop));
        match attempt {
            Ok(()) => 0,
            Err(error) => {
                theirs.fail(&error);
                125
            }
        }
    });
    let child = link::setup("starting a process", sys::call("fork", "", child))?;
    drop(theirs);
    let ended = sys::process::wait(Some(child), true);
    match ours.failure() {
        Some(error) => Err(error),
        None => {
            link::setup("probing namespaces", sys::call("waitpid", child, ended))?;
            Ok(())
        }
    }
}

//! What this kernel can do of what a launch makes use of, found by doing it in a child.

use crate::link::{self, setup};
use crate::sys::mount::{Attributes, set_attributes};
use crate::sys::{self, SysError, call};
use crate::{Error, builtin};
use plan::HostPath;
use rustix::fs::{Mode, OFlags, ResolveFlags, XattrFlags, mkdirat, open, openat, openat2};
use rustix::io::Errno;
use rustix::mount::{
    FsMountFlags, FsOpenFlags, MountAttrFlags, fsconfig_create, fsconfig_set_flag,
    fsconfig_set_string, fsmount, fsopen,
};
use rustix::process::{PidfdFlags, getpid, pidfd_open};
use std::os::fd::{AsFd, AsRawFd, OwnedFd};

/// Something that a kernel can or cannot do.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Feature {
    /// What.
    pub name: &'static str,
    /// The release of Linux that brought it.
    pub since: &'static str,
    /// The call that failed, where it cannot.
    pub missing: Option<SysError>,
}

/// What is tried; `inside` is a tmpfs in namespaces of our own, where they can be had.
type Try = fn(inside: &OwnedFd) -> Result<(), SysError>;

struct Row {
    name: &'static str,
    since: &'static str,
    attempt: Try,
}

/// Needs no namespaces.
const OUTSIDE: &[Row] = &[
    Row { name: "openat2", since: "5.6", attempt: resolve_beneath },
    Row { name: "pidfd_open", since: "5.3", attempt: process_descriptor },
];

/// Needs namespaces.
const INSIDE: &[Row] = &[
    Row { name: "mount_setattr", since: "5.12", attempt: attributes },
    Row { name: "overlayfs in user namespaces", since: "5.11", attempt: overlay_on_tmpfs },
    Row { name: "lowerdir+ of overlayfs", since: "6.8", attempt: lowerdir_plus },
    Row { name: "user attributes on tmpfs", since: "6.6", attempt: attributes_on_tmpfs },
    Row { name: "binfmt_misc in user namespaces", since: "6.7", attempt: binfmt_misc },
];

/// What comes with the namespaces themselves.
const NAMESPACES: (&str, &str) = ("mount API in user namespaces", "5.2");

/// Tries everything. Where namespaces cannot be had, what needs them is missing for that reason.
///
/// # Errors
/// When no process can be made.
pub fn features() -> Result<Vec<Feature>, Error> {
    let root = setup("looking at the kernel", call("open", "/", directory("/")))?;
    let feature = |row: &Row, missing| Feature { name: row.name, since: row.since, missing };
    let mut found: Vec<Feature> =
        OUTSIDE.iter().map(|row| feature(row, (row.attempt)(&root).err())).collect();
    let entered = inside(|_| Ok(()))?;
    let (name, since) = NAMESPACES;
    found.push(Feature { name, since, missing: entered.clone().err() });
    for row in INSIDE {
        let tried = match &entered {
            Ok(()) => inside(row.attempt)?,
            Err(failure) => Err(failure.clone()),
        };
        found.push(feature(row, tried.err()));
    }
    Ok(found)
}

/// Tries to stack directories, uppermost first, as a launch does. Looks at their file systems, which
/// must not be ones that may not answer.
///
/// # Errors
/// The call that failed, also where namespaces cannot be had; [`Error`] when no process can be made.
pub fn try_overlay(lowers: &[HostPath]) -> Result<Result<(), SysError>, Error> {
    inside(|_| {
        let mut held = vec![];
        for lower in lowers {
            held.push(call("open", lower, directory(lower.as_path()))?);
        }
        overlay(&held)
    })
}

/// Runs `attempt` in a child with namespaces of its own.
fn inside(
    attempt: impl FnOnce(&OwnedFd) -> Result<(), SysError>,
) -> Result<Result<(), SysError>, Error> {
    let (ours, theirs) = link::pair()?;
    let child = sys::process::fork(|| {
        let tried = builtin::enter_namespaces(false).and_then(|()| builtin::base());
        let tried = tried.and_then(|base| setup("trying", attempt(&base)));
        if let Err(error) = &tried {
            theirs.fail(error);
        }
        0
    });
    let child = setup("starting a process", call("fork", "", child))?;
    drop(theirs);
    setup("waiting", call("waitpid", child, sys::process::wait(Some(child), true)))?;
    Ok(match ours.failure() {
        None => Ok(()),
        Some(Error::NoNamespaces(refusal)) => Err(refusal.failure),
        Some(Error::NoMountApi(failure) | Error::Setup { failure, .. }) => Err(failure),
        Some(other) => return Err(other),
    })
}

fn directory(path: impl rustix::path::Arg) -> Result<OwnedFd, Errno> {
    open(path, OFlags::PATH | OFlags::DIRECTORY | OFlags::CLOEXEC, Mode::empty())
}

fn resolve_beneath(root: &OwnedFd) -> Result<(), SysError> {
    let flags = OFlags::PATH | OFlags::CLOEXEC;
    let opened = openat2(root, ".", flags, Mode::empty(), ResolveFlags::IN_ROOT);
    call("openat2", ".", opened).map(drop)
}

fn process_descriptor(_: &OwnedFd) -> Result<(), SysError> {
    call("pidfd_open", "", pidfd_open(getpid(), PidfdFlags::empty())).map(drop)
}

fn attributes(_: &OwnedFd) -> Result<(), SysError> {
    let tree = builtin::tmpfs(0o755)?;
    let set = set_attributes(tree.as_fd(), Attributes::RDONLY, true);
    call("mount_setattr", "tmpfs, MOUNT_ATTR_RDONLY", set)
}

/// Two directories on the tmpfs.
fn lowers(base: &OwnedFd) -> Result<[OwnedFd; 2], SysError> {
    let make = |name: &str| {
        call("mkdirat", name, mkdirat(base, name, Mode::RWXU))?;
        let flags = OFlags::PATH | OFlags::DIRECTORY | OFlags::CLOEXEC;
        call("openat", name, openat(base, name, flags, Mode::empty()))
    };
    Ok([make("a")?, make("b")?])
}

fn overlay_on_tmpfs(base: &OwnedFd) -> Result<(), SysError> {
    overlay(&lowers(base)?)
}

fn path_of(fd: &OwnedFd) -> String {
    format!("/proc/self/fd/{}", fd.as_raw_fd())
}

fn overlay(lowers: &[OwnedFd]) -> Result<(), SysError> {
    let context = context("overlay")?;
    call("fsconfig", "overlay, userxattr", fsconfig_set_flag(context.as_fd(), "userxattr"))?;
    let value = lowers.iter().map(path_of).collect::<Vec<_>>().join(":");
    let set = fsconfig_set_string(context.as_fd(), "lowerdir", value.as_str());
    call("fsconfig", "overlay, lowerdir", set)?;
    mount(&context, "overlay")
}

fn lowerdir_plus(base: &OwnedFd) -> Result<(), SysError> {
    let [upper, _] = lowers(base)?;
    let context = context("overlay")?;
    let set = fsconfig_set_string(context.as_fd(), "lowerdir+", path_of(&upper).as_str());
    call("fsconfig", "overlay, lowerdir+", set)
}

fn attributes_on_tmpfs(base: &OwnedFd) -> Result<(), SysError> {
    let flags = OFlags::RDONLY | OFlags::DIRECTORY | OFlags::CLOEXEC;
    let top = call("openat", ".", openat(base, ".", flags, Mode::empty()))?;
    let set = rustix::fs::fsetxattr(&top, "user.bathysphere", b"y", XattrFlags::CREATE);
    call("fsetxattr", "tmpfs, user.bathysphere", set)
}

fn binfmt_misc(_: &OwnedFd) -> Result<(), SysError> {
    mount(&context("binfmt_misc")?, "binfmt_misc")
}

fn context(kind: &str) -> Result<OwnedFd, SysError> {
    call("fsopen", kind, fsopen(kind, FsOpenFlags::FSOPEN_CLOEXEC))
}

fn mount(context: &OwnedFd, kind: &str) -> Result<(), SysError> {
    call("fsconfig", format_args!("{kind}, create"), fsconfig_create(context.as_fd()))?;
    let flags = FsMountFlags::FSMOUNT_CLOEXEC;
    call("fsmount", kind, fsmount(context.as_fd(), flags, MountAttrFlags::empty())).map(drop)
}

//! A read-only union of directories: overlayfs, or a tree prepared in its place.

use super::root::Kind;
use super::{Failure, Root, bind};
use crate::error::StepKind;
use crate::run::Prepared;
use crate::sys::{SysError, call};
use plan::{Access, ContainerPath, HostPath, Source, StackForm};
use rustix::fs::{Mode, OFlags, open};
use rustix::io::Errno;
use rustix::mount::{
    FsMountFlags, FsOpenFlags, MountAttrFlags, fsconfig_create, fsconfig_set_flag,
    fsconfig_set_string, fsmount, fsopen,
};
use std::os::fd::{AsFd, AsRawFd, OwnedFd};

/// Longest value that `fsconfig` takes, in bytes without the final NUL (fs/fsopen.c).
const VALUE_BYTES: usize = 255;

/// Longest message of a file-system context that is read, in bytes.
const LOG_BYTES: usize = 1024;

/// Most messages that are read.
const LOG_LINES: usize = 8;

pub(super) fn apply(
    root: &mut Root,
    at: &ContainerPath,
    sources: &[Source],
    form: StackForm,
    prepared: &Prepared,
) -> Result<(), Failure> {
    if form == StackForm::Tree {
        let tree = prepared.tree(at)?;
        return Ok(bind::apply(root, &tree, at, Access::ReadOnly, false)?);
    }
    let mut lowers = Vec::new();
    for source in sources {
        lowers.push(root.sources.named(prepared.host(source)?));
    }
    let overlay = match overlay(&lowers, set_lowers) {
        // Before Linux 6.5, overlayfs gets its parameters as one text (fs/fs_context.c, legacy): any is
        // taken, and what is not known makes the creation fail.
        Err((failure, log)) if failure.errno == Errno::INVAL.raw_os_error() => {
            overlay(&lowers, set_all_lowers).map_err(|_| (failure, log))
        }
        other => other,
    };
    let overlay = overlay.map_err(|(failure, log)| refused(failure, log))?;
    root.mount(overlay, at, Kind::Directory)?;
    Ok(())
}

/// How the lower directories are named.
type SetLowers = fn(&OwnedFd, &[HostPath]) -> Result<Vec<OwnedFd>, SysError>;

/// An overlay, or the failure with what overlayfs says about it.
fn overlay(lowers: &[HostPath], set: SetLowers) -> Result<OwnedFd, (SysError, Vec<String>)> {
    let opened = call("fsopen", "overlay", fsopen("overlay", FsOpenFlags::FSOPEN_CLOEXEC));
    let context = opened.map_err(|failure| (failure, vec![]))?;
    mounted(&context, lowers, set).map_err(|failure| (failure, messages(&context)))
}

fn refused(failure: SysError, log: Vec<String>) -> Failure {
    Failure::Call { kind: StepKind::Overlay, failure, log }
}

/// An overlay of `lowers`, uppermost first, that is not mounted anywhere yet.
fn mounted(context: &OwnedFd, lowers: &[HostPath], set: SetLowers) -> Result<OwnedFd, SysError> {
    // Attributes that an unprivileged user can have written: whiteouts and opaque directories of
    // prepared layers.
    call("fsconfig", "overlay, userxattr", fsconfig_set_flag(context.as_fd(), "userxattr"))?;
    let held = set(context, lowers)?;
    let shown = || lowers.iter().map(ToString::to_string).collect::<Vec<_>>().join(" over ");
    let created = fsconfig_create(context.as_fd());
    drop(held);
    created.map_err(|errno| {
        SysError::new("fsconfig", format!("overlay, create, {}", shown()), errno)
    })?;
    let attributes = MountAttrFlags::MOUNT_ATTR_RDONLY
        | MountAttrFlags::MOUNT_ATTR_NOSUID
        | MountAttrFlags::MOUNT_ATTR_NODEV;
    let made = fsmount(context.as_fd(), FsMountFlags::FSMOUNT_CLOEXEC, attributes);
    call("fsmount", "overlay", made)
}

/// Names the directories: one `lowerdir+` each (Linux 6.8), which takes any byte, or all in one
/// `lowerdir`. Where a path is too long, or would need escapes, the path of a descriptor takes its
/// place; the descriptors returned must live until the overlay has been created.
fn set_lowers(context: &OwnedFd, lowers: &[HostPath]) -> Result<Vec<OwnedFd>, SysError> {
    let mut held = Vec::new();
    for (index, lower) in lowers.iter().enumerate() {
        let set = if lower.as_bytes().len() <= VALUE_BYTES {
            fsconfig_set_string(context.as_fd(), "lowerdir+", lower.as_path())
        } else {
            let fd = directory(lower)?;
            let path = path_of(&fd);
            held.push(fd);
            fsconfig_set_string(context.as_fd(), "lowerdir+", path.as_str())
        };
        match set {
            // The parameter is not known. Any later error is about the directory.
            Err(Errno::INVAL) if index == 0 => return set_all_lowers(context, lowers),
            other => call("fsconfig", format_args!("overlay, lowerdir+, {lower}"), other)?,
        }
    }
    Ok(held)
}

fn set_all_lowers(context: &OwnedFd, lowers: &[HostPath]) -> Result<Vec<OwnedFd>, SysError> {
    let mut held = Vec::new();
    for lower in lowers {
        held.push(directory(lower)?);
    }
    let value = held.iter().map(path_of).collect::<Vec<_>>().join(":");
    let set = fsconfig_set_string(context.as_fd(), "lowerdir", value.as_str());
    call("fsconfig", format_args!("overlay, lowerdir, {value}"), set)?;
    Ok(held)
}

fn directory(path: &HostPath) -> Result<OwnedFd, SysError> {
    let flags = OFlags::PATH | OFlags::DIRECTORY | OFlags::CLOEXEC;
    call("open", path, open(path.as_path(), flags, Mode::empty()))
}

fn path_of(fd: &OwnedFd) -> String {
    format!("/proc/self/fd/{}", fd.as_raw_fd())
}

/// What overlayfs has to say (fs/fsopen.c: one message for each read, ENODATA at the end).
fn messages(context: &OwnedFd) -> Vec<String> {
    let mut lines = Vec::new();
    let mut buffer = [0; LOG_BYTES];
    while lines.len() < LOG_LINES {
        match rustix::io::read(context, &mut buffer) {
            Ok(length) if length > 0 => {
                lines.push(String::from_utf8_lossy(&buffer[..length]).trim_end().to_owned());
            }
            _ => break,
        }
    }
    lines
}

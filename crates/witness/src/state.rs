//! What one path was, in a form that can be kept and asked about again.

use crate::code::{Damaged, Reader, Writer};
use crate::look::{FLAGS, Kind, Look, MASK};
use crate::pseudo::{self, Filter};
use rustix::fs::{CWD, statx};
use std::ffi::{CStr, OsStr};
use std::os::fd::OwnedFd;
use std::os::unix::ffi::OsStrExt;
use std::path::Path;

/// What one path was.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum State {
    /// Nothing, or nothing that may be looked at.
    Absent,
    /// A directory that others were looked for in: mode, owner.
    Directory(u32, u32),
    /// A socket, FIFO or device: type, owner.
    Other(u32, u32),
    /// A link: device, inode, modified.
    Link(u64, u64, i64),
    /// A file: device, inode, size, modified, mode.
    File(u64, u64, u64, i64, u32),
    /// A directory with just the entries it had: device, inode, modified, changed.
    Listed(u64, u64, i64, i64),
    /// A file of the kernel's making: its content.
    Content(Vec<u8>),
    /// A directory of which the times tell nothing, or too much: those of its names that count.
    Names(Filter, Vec<u8>),
    /// A link of the kernel's making: its text.
    Target(Vec<u8>),
}

/// `S_IFMT`: the bits of a mode that are the type.
const TYPE: u32 = 0o170_000;

/// Anonymous device numbers, of file systems that are on no block device, are given anew by each mount.
fn lasting(device: u64) -> u64 {
    if rustix::fs::major(device) == 0 { 0 } else { device }
}

impl State {
    pub(crate) fn of(look: &Look) -> Self {
        let device = lasting(look.device);
        match look.kind {
            Kind::Directory => State::Directory(look.mode, look.owner),
            Kind::Other => State::Other(look.mode & TYPE, look.owner),
            Kind::Link => State::Link(device, look.inode, look.modified),
            Kind::File => State::File(device, look.inode, look.size, look.modified, look.mode),
        }
    }

    pub(crate) fn listed(look: &Look) -> Self {
        State::Listed(lasting(look.device), look.inode, look.modified, look.changed)
    }

    /// The time of the change that a further one could hide behind.
    pub(crate) fn time(&self) -> Option<i64> {
        match *self {
            State::Listed(_, _, modified, changed) => Some(modified.max(changed)),
            State::Link(_, _, modified) | State::File(_, _, _, modified, _) => Some(modified),
            _ => None,
        }
    }

    pub(crate) fn write(&self, out: &mut Writer) {
        match self {
            State::Absent => out.byte(0),
            State::Directory(mode, owner) | State::Other(mode, owner) => {
                out.byte(if matches!(self, State::Directory(..)) { 1 } else { 2 });
                out.number((*mode).into());
                out.number((*owner).into());
            }
            State::Link(device, inode, modified) => {
                out.byte(3);
                out.number(*device);
                out.number(*inode);
                out.signed(*modified);
            }
            State::File(device, inode, size, modified, mode) => {
                out.byte(4);
                out.number(*device);
                out.number(*inode);
                out.number(*size);
                out.signed(*modified);
                out.number((*mode).into());
            }
            State::Listed(device, inode, modified, changed) => {
                out.byte(5);
                out.number(*device);
                out.number(*inode);
                out.signed(*modified);
                out.signed(*changed);
            }
            State::Content(bytes) => {
                out.byte(6);
                out.bytes(bytes);
            }
            State::Names(filter, bytes) => {
                out.byte(match filter {
                    Filter::All => 7,
                    Filter::Links => 9,
                    Filter::Prefix(_) => 10,
                });
                if let Filter::Prefix(prefix) = filter {
                    out.bytes(prefix);
                }
                out.bytes(bytes);
            }
            State::Target(bytes) => {
                out.byte(8);
                out.bytes(bytes);
            }
        }
    }

    pub(crate) fn read(from: &mut Reader<'_>) -> Result<Self, Damaged> {
        let mode = |from: &mut Reader<'_>| u32::try_from(from.number()?).map_err(|_| Damaged);
        Ok(match from.byte()? {
            0 => State::Absent,
            1 => State::Directory(mode(from)?, mode(from)?),
            2 => State::Other(mode(from)?, mode(from)?),
            3 => State::Link(from.number()?, from.number()?, from.signed()?),
            4 => State::File(
                from.number()?,
                from.number()?,
                from.number()?,
                from.signed()?,
                mode(from)?,
            ),
            5 => State::Listed(from.number()?, from.number()?, from.signed()?, from.signed()?),
            6 => State::Content(from.bytes()?.to_vec()),
            7 => State::Names(Filter::All, from.bytes()?.to_vec()),
            8 => State::Target(from.bytes()?.to_vec()),
            9 => State::Names(Filter::Links, from.bytes()?.to_vec()),
            10 => State::Names(Filter::Prefix(from.bytes()?.to_vec()), from.bytes()?.to_vec()),
            _ => return Err(Damaged),
        })
    }

    /// Whether this is still what is at `name` in the open directory, which is `path`.
    pub(crate) fn holds(&self, directory: Option<&OwnedFd>, name: &CStr, path: &CStr) -> bool {
        let whole = || Path::new(OsStr::from_bytes(path.to_bytes()));
        match self {
            State::Content(text) => return pseudo::content(whole()).as_ref() == Some(text),
            State::Names(filter, names) => {
                return pseudo::names(whole(), filter).as_ref() == Some(names);
            }
            State::Target(text) => return pseudo::target(whole()).as_ref() == Some(text),
            _ => {}
        }
        let seen = match directory {
            Some(directory) => statx(directory, name, FLAGS, MASK),
            None => statx(CWD, path, FLAGS, MASK),
        };
        let Ok(seen) = seen else { return *self == State::Absent };
        let look = Look::from(&seen);
        match self {
            State::Absent => false,
            State::Listed(..) => look.kind == Kind::Directory && *self == State::listed(&look),
            _ => *self == State::of(&look),
        }
    }
}

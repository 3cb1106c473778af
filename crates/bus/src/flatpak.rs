//! Flatpak's portal, by which a sandboxed program starts another one in a sandbox of its own.
//!
//! Interface `org.freedesktop.portal.Flatpak`; versions and bits as in its introspection data.

use crate::{Arguments, Connection, Error, List, Property, Target, Value};
use std::os::fd::{AsFd, BorrowedFd};
use std::time::Duration;

const NAME: &str = "org.freedesktop.portal.Flatpak";
const PATH: &str = "/org/freedesktop/portal/Flatpak";

/// The bus's signal about a name.
const CHANGED: &str = "NameOwnerChanged";

/// Of a sandbox: what runs in it shares process numbers with the caller (from version 5).
pub const SHARE_PIDS: u32 = 128;
/// Of a sandbox: `/app` is empty (from version 6).
pub const EMPTY_APP: u32 = 256;

/// What the portal can do for this caller, by the bits of its property `supports`: process numbers can be
/// shared or shown.
pub const EXPOSE_PIDS: u32 = 1;

/// A program to start.
#[derive(Debug)]
pub struct Spawn<'a> {
    /// Where it starts.
    pub directory: &'a [u8],
    /// The command.
    pub words: Vec<&'a [u8]>,
    /// Its descriptors.
    pub descriptors: &'a [(u32, BorrowedFd<'a>)],
    /// Variables that are set.
    pub set: &'a [(String, String)],
    /// Variables that are unset.
    pub unset: &'a [String],
    /// [`SHARE_PIDS`] and others.
    pub flags: u32,
    /// What is `/usr` in the sandbox.
    pub usr: Option<BorrowedFd<'a>>,
}

/// The portal.
#[derive(Debug)]
pub struct Portal {
    bus: Connection,
    limit: Duration,
}

impl Portal {
    /// Connects to the session bus at `session`. `limit` is for each call.
    ///
    /// # Errors
    /// When there is no such bus, or it does not pass descriptors.
    pub fn open(session: &[u8], limit: Duration) -> Result<Self, Error> {
        Ok(Self { bus: Connection::open_for_descriptors(session, limit)?, limit })
    }

    /// A property of the portal that is a number: `version` or `supports`.
    ///
    /// # Errors
    /// When there is no portal, or it has no such property.
    pub fn property(&mut self, name: &str) -> Result<u32, Error> {
        let get = Target { interface: "org.freedesktop.DBus.Properties", ..target("Get") };
        self.number(&get, &Arguments::new().text(NAME).text(name))
    }

    /// Starts a program. Gives back the number by which the portal knows it.
    ///
    /// # Errors
    /// What the portal says.
    pub fn spawn(&mut self, spawn: &Spawn<'_>) -> Result<u32, Error> {
        self.watch()?;
        let mut options = vec![];
        if !spawn.unset.is_empty() {
            options.push(("unset-env", Property::Texts(spawn.unset)));
        }
        options.extend(spawn.usr.map(|usr| ("usr-fd", Property::Descriptor(usr))));
        let arguments = Arguments::new()
            .bytes(spawn.directory)
            .all_bytes(spawn.words.iter().copied())
            .numbered_descriptors(spawn.descriptors)
            .named_texts(spawn.set)
            .number(spawn.flags)
            .properties(List::Dictionary, &options);
        self.number(&target("Spawn"), &arguments)
    }

    /// Has the bus tell when the portal ends: what it has started is then unknown to the next one.
    fn watch(&mut self) -> Result<(), Error> {
        let name = "org.freedesktop.DBus";
        let target = Target {
            destination: Some(name),
            path: "/org/freedesktop/DBus",
            interface: name,
            member: "AddMatch",
        };
        let rule = format!("type='signal',sender='{name}',member='{CHANGED}',arg0='{NAME}'");
        self.bus.renew(self.limit);
        self.bus.call(&target, &Arguments::new().text(&rule)).map(drop)
    }

    /// Sends a signal to a program, or to all of its process group.
    ///
    /// # Errors
    /// What the portal says.
    pub fn signal(&mut self, pid: u32, signal: u32, group: bool) -> Result<(), Error> {
        let arguments = Arguments::new().number(pid).number(signal).flag(group);
        self.bus.renew(self.limit);
        self.bus.call(&target("SpawnSignal"), &arguments).map(drop)
    }

    /// The status of a program, as of waitpid(2), if it has ended.
    ///
    /// # Errors
    /// [`Error::Closed`] when the portal or the bus has gone.
    pub fn ended(&mut self, pid: u32) -> Result<Option<u32>, Error> {
        let of_it = self.bus.arrived(|signal| match signal.values.first() {
            Some(Value::Number(of)) => signal.member == "SpawnExited" && *of == pid,
            // That it was started for the first call may be told late: Flatpak's proxy does so.
            Some(Value::Text(name)) => {
                let owner = signal.values.get(2).and_then(Value::text);
                signal.member == CHANGED && name == NAME && owner == Some("")
            }
            None => false,
        })?;
        match of_it {
            Some(signal) if signal.member == CHANGED => Err(Error::Closed),
            other => Ok(other.and_then(|signal| signal.values.get(1).and_then(Value::number))),
        }
    }

    fn number(&mut self, target: &Target<'_>, arguments: &Arguments<'_>) -> Result<u32, Error> {
        self.bus.renew(self.limit);
        let values = self.bus.call(target, arguments)?;
        let number = values.first().and_then(Value::number);
        number.ok_or(Error::Malformed("an answer that is no number"))
    }
}

/// Becomes readable when the portal says something.
impl AsFd for Portal {
    fn as_fd(&self) -> BorrowedFd<'_> {
        self.bus.as_fd()
    }
}

fn target(member: &'static str) -> Target<'static> {
    Target { destination: Some(NAME), path: PATH, interface: NAME, member }
}

//! What the lock file of a finished slot says, for whoever looks at the store.

use crate::place::Tally;
use rustix::io::Errno;
use std::os::fd::OwnedFd;
use std::sync::OnceLock;

/// Lines of a name and a value: `boot`, `bytes`, `entries`, `what`.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Note {
    boot: String,
    /// Bytes that take space of their own.
    pub(crate) bytes: u64,
    entries: u64,
}

/// More than any note has.
const LIMIT: usize = 4096;

/// The identity of this boot of the machine; `None` where the kernel does not say.
fn boot() -> Option<&'static str> {
    static BOOT: OnceLock<Option<String>> = OnceLock::new();
    let read = || {
        let id = std::fs::read_to_string("/proc/sys/kernel/random/boot_id").ok()?;
        Some(id.trim().to_owned()).filter(|id| !id.is_empty())
    };
    BOOT.get_or_init(read).as_deref()
}

impl Note {
    /// Of something made now.
    pub(crate) fn now(tally: &Tally) -> Self {
        let boot = boot().unwrap_or("unknown").into();
        Self { boot, bytes: tally.bytes, entries: tally.entries }
    }

    pub(crate) fn write(&self, fd: &OwnedFd, what: &str) -> Result<(), Errno> {
        let what: String = what.chars().take(LIMIT / 8).filter(|c| !c.is_control()).collect();
        let text = format!(
            "boot {}\nbytes {}\nentries {}\nwhat {what}\n",
            self.boot, self.bytes, self.entries
        );
        let mut rest = text.as_bytes();
        while !rest.is_empty() {
            let n = rustix::io::retry_on_intr(|| rustix::io::write(fd, rest))?;
            rest = rest.get(n..).unwrap_or_default();
        }
        Ok(())
    }

    /// `None` when it is none of ours, or cut short.
    pub(crate) fn read(fd: &OwnedFd) -> Option<Self> {
        let mut buffer = [0; LIMIT];
        let n = rustix::io::pread(fd, &mut buffer, 0).ok()?;
        Self::parse(buffer.get(..n)?)
    }

    fn parse(text: &[u8]) -> Option<Self> {
        let text = std::str::from_utf8(text).ok()?.strip_suffix('\n')?;
        let field = |name: &str| text.lines().find_map(|l| l.strip_prefix(name)?.strip_prefix(' '));
        Some(Self {
            boot: field("boot")?.into(),
            bytes: field("bytes")?.parse().ok()?,
            entries: field("entries")?.parse().ok()?,
        })
    }

    /// Whether it was made since the machine was started.
    pub(crate) fn is_of_this_boot(&self) -> bool {
        boot().is_some_and(|id| id == self.boot)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn round_trip_and_damage() {
        let note = Note { boot: "b".into(), bytes: 7, entries: 8 };
        let whole = b"boot b\nbytes 7\nentries 8\nwhat x\n";
        assert_eq!(Note::parse(whole), Some(note));
        for bad in
            [&b""[..], b"boot b\nbytes 7\n", &[0; 40], b"boot b\nbytes x\nentries 8\n", b"\xff\n"]
        {
            assert_eq!(Note::parse(bad), None, "{}", bad.escape_ascii());
        }
        let fd: OwnedFd = tempfile::tempfile().unwrap().into();
        let tally = Tally { bytes: 3, entries: 4, ..Tally::default() };
        Note::now(&tally).write(&fd, &"odd\nname".repeat(1000)).unwrap();
        assert_eq!(Note::read(&fd), Some(Note::now(&tally)));
    }
}

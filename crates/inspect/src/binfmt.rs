//! Which programs the kernel hands to an interpreter: `binfmt_misc`.
//!
//! Knows the text of an entry and which ELF headers it matches. Must not register anything, and does
//! not look where nothing is mounted: on a host of systemd an automount waits there. Mirrors Linux'
//! fs/binfmt_misc.c (`entry_status`, `search_binfmt_handler`, `create_entry`) and
//! Documentation/admin-guide/binfmt-misc.rst.

use crate::elf;
use crate::mountinfo::Mount;
use crate::root::{self, Kind, Root};
use plan::{ByteString, HostPath, RootPath, Tuple};
use std::ffi::OsStr;
use std::os::unix::ffi::OsStrExt;

/// The most entries that are read.
const MAX_ENTRIES: usize = 4096;

/// The longest magic number: the kernel matches within the first `BINPRM_BUF_SIZE` bytes.
const BUFFER: usize = 256;

/// What the kernel does when it starts an interpreter.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Flags {
    /// `P`: the interpreter also gets the `argv[0]` that the program was started with.
    pub preserve_argv0: bool,
    /// `O`: it gets the program as an open file (`AT_EXECFD`), readable or not.
    pub open_binary: bool,
    /// `C`: credentials are computed from the program, not the interpreter.
    pub credentials: bool,
    /// `F`: the kernel opened the interpreter at registration. It need not exist in a container;
    /// its program interpreter and its libraries must.
    pub fixed: bool,
}

/// What an entry matches.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Rule {
    /// Bytes at an offset of the file.
    Magic {
        /// Where they start.
        offset: usize,
        /// The bytes; 1 to 255.
        magic: Vec<u8>,
        /// Which bits of them count; as long as `magic`, or empty where all do.
        mask: Vec<u8>,
    },
    /// The end of the file's name, without the dot.
    Extension(ByteString),
}

/// One entry.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Registration {
    /// Its name, such as `FEX-x86_64`.
    pub name: String,
    /// Whether it is in force.
    pub enabled: bool,
    /// The interpreter as it was registered. Links are not resolved; with flag `F` it may be a path
    /// of another root.
    pub interpreter: HostPath,
    /// How it is started.
    pub flags: Flags,
    /// What it is started for.
    pub rule: Rule,
}

/// Why an entry is not understood.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Error {
    /// A line that every entry has is missing or not as the kernel writes it.
    #[error("line {line}: {what}")]
    Line {
        /// Counted from 1.
        line: usize,
        /// What is wrong.
        what: &'static str,
    },
    /// The file cannot be read.
    #[error(transparent)]
    File(#[from] root::Error),
}

/// All entries that are in force in this mount namespace's view.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Registry {
    /// Where `binfmt_misc` is mounted.
    pub at: HostPath,
    /// Whether it is switched on as a whole (`status`).
    pub enabled: bool,
    /// The entries, by name.
    pub registrations: Vec<Registration>,
    /// Entries that cannot be read, by name.
    pub unreadable: Vec<(String, Error)>,
}

/// Why there are no entries to look at.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Absent {
    /// It is not mounted. The kernel may have entries all the same, made elsewhere.
    #[error("binfmt_misc is not mounted, so what is registered there cannot be seen")]
    NotMounted,
    /// Looking would mount it: nothing has been registered through this mount point yet.
    #[error(
        "binfmt_misc is not mounted yet at `{0}` (an automount point), so nothing is registered"
    )]
    Automount(HostPath),
    /// It is mounted outside the root that is looked at, or cannot be read.
    #[error("binfmt_misc at `{at}`: {why}")]
    Unreadable {
        /// Where it is mounted.
        at: HostPath,
        /// What prevents reading it.
        why: String,
    },
}

/// Reads an entry as the kernel shows it.
///
/// # Errors
/// At the first line that is not as the kernel writes it.
pub fn parse(name: &str, bytes: &[u8]) -> Result<Registration, Error> {
    let mut lines = bytes.split(|b| *b == b'\n');
    let mut line = 0;
    let mut next = |what| {
        line += 1;
        lines.next().ok_or(Error::Line { line, what })
    };
    let fail = |line, what| Error::Line { line, what };
    let enabled = match next("the state is missing")? {
        b"enabled" => true,
        b"disabled" => false,
        _ => return Err(fail(1, "neither `enabled` nor `disabled`")),
    };
    let interpreter = next("the interpreter is missing")?.strip_prefix(b"interpreter ");
    let interpreter = interpreter.ok_or(fail(2, "the interpreter is missing"))?;
    let interpreter = HostPath::new(OsStr::from_bytes(interpreter))
        .map_err(|_| fail(2, "the interpreter is not an absolute path"))?;
    let flags = next("the flags are missing")?.strip_prefix(b"flags:");
    let flags = flags_of(flags.ok_or(fail(3, "the flags are missing"))?);
    let what = next("what it matches is missing")?;
    let rule = if let Some(extension) = what.strip_prefix(b"extension .") {
        Rule::Extension(ByteString(extension.to_vec()))
    } else {
        let offset = what.strip_prefix(b"offset ").and_then(number);
        let offset = offset.ok_or(fail(4, "neither an offset nor an extension"))?;
        let magic = next("the magic number is missing")?.strip_prefix(b"magic ").and_then(hex);
        let magic = magic.ok_or(fail(5, "the magic number is not hexadecimal"))?;
        let mask = match next("").unwrap_or_default() {
            b"" => vec![],
            text => text
                .strip_prefix(b"mask ")
                .and_then(hex)
                .filter(|mask| mask.len() == magic.len())
                .ok_or(fail(6, "the mask is not as long as the magic number"))?,
        };
        Rule::Magic { offset, magic, mask }
    };
    Ok(Registration { name: name.to_owned(), enabled, interpreter, flags, rule })
}

/// Letters that are not known are left out: a later kernel may have more.
fn flags_of(text: &[u8]) -> Flags {
    let has = |letter| text.contains(&letter);
    Flags {
        preserve_argv0: has(b'P'),
        open_binary: has(b'O'),
        credentials: has(b'C'),
        fixed: has(b'F'),
    }
}

fn number(text: &[u8]) -> Option<usize> {
    std::str::from_utf8(text).ok()?.parse().ok().filter(|n| *n < BUFFER)
}

fn hex(text: &[u8]) -> Option<Vec<u8>> {
    plan::hex::decode(text).filter(|bytes| (1..BUFFER).contains(&bytes.len()))
}

impl Registration {
    /// Whether the kernel would hand it a file that starts with `start` (at most its first 256
    /// bytes) and has this name, were it enabled.
    pub fn matches(&self, start: &[u8], name: &OsStr) -> bool {
        match &self.rule {
            Rule::Magic { offset, magic, mask } => {
                // The kernel's buffer is filled with zeroes after the end of a short file.
                let at = |i: usize| start.get(offset + i).copied().unwrap_or(0);
                let fits = |(i, byte): (usize, &u8)| {
                    let mask = mask.get(i).copied().unwrap_or(0xff);
                    (at(i) ^ byte) & mask == 0
                };
                magic.iter().enumerate().all(fits)
            }
            Rule::Extension(wanted) => {
                let name = name.as_bytes();
                let dot = name.iter().rposition(|b| *b == b'.');
                dot.is_some_and(|dot| &name[dot + 1..] == wanted.as_bytes())
            }
        }
    }

    /// Whether programs of this architecture are handed to it: position-independent ones and others.
    pub fn is_for(&self, tuple: Tuple) -> bool {
        const ET_EXEC: u16 = 2;
        const ET_DYN: u16 = 3;
        let matches = |kind| self.matches(&header(tuple, kind), OsStr::new("program"));
        matches(ET_EXEC) && matches(ET_DYN)
    }

    /// The known architectures whose programs are handed to it.
    pub fn tuples(&self) -> Vec<Tuple> {
        Tuple::ALL.iter().copied().filter(|tuple| self.is_for(*tuple)).collect()
    }
}

/// The start of an ELF file as linkers write it, in the buffer that the kernel compares.
fn header(tuple: Tuple, kind: u16) -> [u8; 64] {
    let class = if tuple.is_64_bit() { 2 } else { 1 };
    let mut header = [0; 64];
    header[..7].copy_from_slice(&[0x7f, b'E', b'L', b'F', class, 1, 1]);
    header[16..18].copy_from_slice(&kind.to_le_bytes());
    header[18..20].copy_from_slice(&tuple.machine().to_le_bytes());
    header[20] = 1;
    debug_assert_eq!(elf::tuple_of(&header), Some(tuple));
    header
}

impl Registry {
    /// The entries in force that programs of this architecture are handed to, by name. With more
    /// than one the kernel takes the one that was registered last, which it does not tell.
    pub fn for_tuple(&self, tuple: Tuple) -> impl Iterator<Item = &Registration> {
        let on = self.enabled;
        self.registrations.iter().filter(move |r| on && r.enabled && r.is_for(tuple))
    }
}

/// Reads the entries of the `binfmt_misc` that is mounted here; `root` is the host's own `/`.
///
/// # Errors
/// When it is not mounted, or cannot be read.
pub fn registry(root: &Root, mounts: &[Mount]) -> Result<Registry, Absent> {
    let at = mounted(mounts)?;
    let unreadable = |why: String| Absent::Unreadable { at: at.clone(), why };
    let below = at.below(root.path()).and_then(|below| RootPath::root().join(below).ok());
    let inside = below.ok_or_else(|| unreadable(format!("it is not below `{}`", root.path())))?;
    let entries = root.list(&inside).map_err(|e| unreadable(e.to_string()))?;
    let mut registry =
        Registry { at: at.clone(), enabled: true, registrations: vec![], unreadable: vec![] };
    let files = entries.iter().filter(|e| e.kind == Kind::File);
    for entry in files.take(MAX_ENTRIES) {
        let name = ByteString::from(entry.name.as_os_str()).to_string();
        let Ok(path) = inside.join(&entry.name) else { continue };
        match name.as_str() {
            "register" => {}
            "status" => {
                registry.enabled = !root.read(&path).is_ok_and(|s| s.starts_with(b"disabled"));
            }
            _ => match root.read(&path).map_err(Error::from).and_then(|b| parse(&name, &b)) {
                Ok(registration) => registry.registrations.push(registration),
                Err(e) => registry.unreadable.push((name, e)),
            },
        }
    }
    Ok(registry)
}

/// Where it is mounted; at its usual place if it is in several.
fn mounted(mounts: &[Mount]) -> Result<HostPath, Absent> {
    let usual = HostPath::literal("/proc/sys/fs/binfmt_misc");
    let found: Vec<_> = mounts.iter().filter(|m| m.fs_type == "binfmt_misc").collect();
    if let Some(mount) = found.iter().find(|m| m.at == usual).or(found.last()) {
        return Ok(mount.at.clone());
    }
    match mounts.iter().rfind(|m| m.at == usual) {
        Some(mount) if mount.is_automount() => Err(Absent::Automount(usual)),
        _ => Err(Absent::NotMounted),
    }
}

#[cfg(test)]
mod tests;

//! The mount table, as `/proc/self/mountinfo` has it (proc_pid_mountinfo(5)).
//!
//! Knows the fields and their escapes, which mount a path is on, and which kinds of mount must not
//! be touched. Looking into the table never touches a mounted file system.

use plan::{ByteString, HostPath};

/// One mount.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Mount {
    /// Its identifier.
    pub id: u32,
    /// The mount that it is mounted on.
    pub parent: u32,
    /// `st_dev` of its files: major and minor number.
    pub device: (u32, u32),
    /// The directory of the file system that is its root. Not always a path: `net:[4026531840]`.
    pub root: ByteString,
    /// Where it is mounted.
    pub at: HostPath,
    /// Options of this mount, such as `rw`, `nosuid`.
    pub options: Vec<String>,
    /// Optional fields, such as `shared:2`, `master:1`.
    pub propagation: Vec<String>,
    /// Kind of file system, such as `ext4`, `fuse.sshfs`.
    pub fs_type: String,
    /// What is mounted: a device, an exported directory, anything.
    pub source: ByteString,
    /// Options of the file system.
    pub super_options: Vec<String>,
}

/// Why a mount table cannot be read.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Error {
    /// A line does not have the fields that it must have.
    #[error("line {line}: {what}")]
    Line {
        /// Counted from 1.
        line: usize,
        /// What is wrong.
        what: &'static str,
    },
    /// The table cannot be read.
    #[error("reading /proc/self/mountinfo: {0}")]
    Io(String),
}

/// The most mounts that are read: the kernel's own limit is 100 000 for a namespace
/// (`fs.mount-max`).
const LIMIT: usize = 200_000;

/// Kinds of file system whose answers come from elsewhere, or from a process that may hang.
/// A `.` at the end stands for everything that starts so.
const NETWORK: &[&str] = &[
    "9p", "afs", "ceph", "cifs", "coda", "fuse.", "gfs2", "lustre", "ncpfs", "nfs", "nfs4",
    "ocfs2", "orangefs", "smb3", "smbfs", "virtiofs",
];

/// FUSE file systems that read a local device or directory.
const LOCAL_FUSE: &[&str] = &[
    "fuse.erofsfuse",
    "fuse.fuse-overlayfs",
    "fuse.lxcfs",
    "fuse.mergerfs",
    "fuse.portal",
    "fuse.snapfuse",
    "fuse.squashfuse",
    "fuse.squashfuse_ll",
];

/// Reads a mount table.
///
/// # Errors
/// At the first line that is not understood.
pub fn parse(bytes: &[u8]) -> Result<Vec<Mount>, Error> {
    let mut mounts = Vec::new();
    for (i, line) in bytes.split(|b| *b == b'\n').enumerate() {
        if line.is_empty() {
            continue;
        }
        let fail = |what| Error::Line { line: i + 1, what };
        if mounts.len() == LIMIT {
            return Err(fail("there are more mounts than any kernel allows"));
        }
        mounts.push(mount(line).map_err(fail)?);
    }
    Ok(mounts)
}

/// One line: six fields, optional ones up to `-`, three more.
fn mount(line: &[u8]) -> Result<Mount, &'static str> {
    let mut fields = line.split(|b| *b == b' ').filter(|f| !f.is_empty());
    let mut next = |what| fields.next().ok_or(what);
    let id = number(next("the mount's identifier is missing")?)?;
    let parent = number(next("the parent's identifier is missing")?)?;
    let device = device(next("the device number is missing")?)?;
    let root = ByteString(unescaped(next("the root is missing")?));
    let at = unescaped(next("the mount point is missing")?);
    let at = HostPath::new(ByteString(at).as_os_str()).map_err(|_| "the mount point is no path")?;
    let options = list(next("the options are missing")?);
    let mut propagation = Vec::new();
    loop {
        match next("there is no `-` after the optional fields")? {
            b"-" => break,
            field => propagation.push(text(field)),
        }
    }
    let fs_type = text(next("the file system's type is missing")?);
    // A file system without a source shows an empty field, which the split above leaves out.
    let rest: Vec<&[u8]> = fields.collect();
    let (source, super_options) = match rest.as_slice() {
        [] => return Err("the file system's options are missing"),
        [options] => (&b""[..], *options),
        [source, options, ..] => (*source, *options),
    };
    Ok(Mount {
        id,
        parent,
        device,
        root,
        at,
        options,
        propagation,
        fs_type,
        source: ByteString(unescaped(source)),
        super_options: list(super_options),
    })
}

fn number(field: &[u8]) -> Result<u32, &'static str> {
    std::str::from_utf8(field).ok().and_then(|f| f.parse().ok()).ok_or("a number was expected")
}

fn device(field: &[u8]) -> Result<(u32, u32), &'static str> {
    let colon = field.iter().position(|b| *b == b':').ok_or("the device number has no `:`")?;
    Ok((number(&field[..colon])?, number(&field[colon + 1..])?))
}

fn text(field: &[u8]) -> String {
    String::from_utf8_lossy(&unescaped(field)).into_owned()
}

fn list(field: &[u8]) -> Vec<String> {
    field.split(|b| *b == b',').map(text).collect()
}

/// Undoes the kernel's `mangle` (fs/seq_file.c): space, tab, newline, backslash and `#` are a
/// backslash and three octal digits. Anything else after a backslash stands for itself.
fn unescaped(field: &[u8]) -> Vec<u8> {
    let mut out = Vec::with_capacity(field.len());
    let mut rest = field;
    while let Some((&first, after)) = rest.split_first() {
        let (byte, after) = match after.first_chunk::<3>() {
            Some(&[a @ b'0'..=b'3', b @ b'0'..=b'7', c @ b'0'..=b'7']) if first == b'\\' => {
                ((a - b'0') << 6 | (b - b'0') << 3 | (c - b'0'), &after[3..])
            }
            _ => (first, after),
        };
        out.push(byte);
        rest = after;
    }
    out
}

/// Reads the mount table of this process.
///
/// # Errors
/// When `/proc` is not there, and as [`parse`].
pub fn read() -> Result<Vec<Mount>, Error> {
    let bytes = std::fs::read("/proc/self/mountinfo").map_err(|e| Error::Io(e.to_string()))?;
    parse(&bytes)
}

/// The mount that `path` is on, lexically: the last one of the longest mount point. `path` should
/// have no links and no `..`.
pub fn covering<'m>(mounts: &'m [Mount], path: &HostPath) -> Option<&'m Mount> {
    mounts.iter().filter(|m| path.is_within(&m.at)).max_by_key(|m| m.at.as_bytes().len())
}

impl Mount {
    /// Whether looking into it can make the kernel mount something, and wait for it.
    pub fn is_automount(&self) -> bool {
        self.fs_type == "autofs"
    }

    /// Whether a server, or another process, has to answer when it is looked at; it may never do so.
    pub fn is_network(&self) -> bool {
        let kind = self.fs_type.as_str();
        let listed = NETWORK.iter().any(|n| kind == *n || n.ends_with('.') && kind.starts_with(n));
        listed && !LOCAL_FUSE.contains(&kind)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    // Lines of Debian 12 in a virtual machine, an Ubuntu 24.04 desktop with snaps and sshfs, and
    // mount points made for this test with mount(8) to see the kernel's escapes.
    const TABLE: &[u8] = include_bytes!("../fixtures/mountinfo/mixed");

    #[test]
    fn reads_every_field() {
        let mounts = parse(TABLE).unwrap();
        let find = |at: &str| mounts.iter().rfind(|m| m.at == HostPath::literal(at)).unwrap();
        let root = find("/");
        assert_eq!((root.id, root.parent, root.device), (28, 1, (254, 1)));
        assert_eq!(root.options, ["rw", "relatime"]);
        assert_eq!(root.propagation, ["shared:1"]);
        assert_eq!((root.fs_type.as_str(), root.source.to_string()), ("ext4", "/dev/vda1".into()));
        assert_eq!(root.super_options, ["rw", "discard", "errors=remount-ro"]);
        assert_eq!(find("/mnt/space tab\tline\nback\\slash#").fs_type, "tmpfs");
        assert_eq!(find("/run/netns/a").root, ByteString::from("net:[4026532281]"));
        assert_eq!(find("/mnt/empty-source").source, ByteString::from(""));
        assert_eq!(find("/mnt/two").propagation, ["shared:5", "master:2"]);
    }

    #[test]
    fn says_what_must_not_be_touched() {
        let mounts = parse(TABLE).unwrap();
        for (at, automount, network) in [
            ("/", false, false),
            ("/proc/sys/fs/binfmt_misc", true, false),
            ("/home/user/server", false, true),
            ("/srv/nfs", false, true),
            ("/run/user/1000/doc", false, false),
        ] {
            let mount = covering(&mounts, &HostPath::literal(at)).unwrap();
            assert_eq!((mount.is_automount(), mount.is_network()), (automount, network), "{at}");
        }
    }

    #[test]
    fn the_last_mount_on_the_longest_path_covers() {
        let mounts = parse(TABLE).unwrap();
        for (path, id) in [
            ("/", 28),
            ("/etc/passwd", 28),
            ("/mnt/twofold/x", 28),
            ("/mnt/two/x", 91),
            ("/mnt/two", 91),
        ] {
            assert_eq!(covering(&mounts, &HostPath::literal(path)).unwrap().id, id, "{path}");
        }
        assert_eq!(covering(&[], &HostPath::root()), None);
    }

    #[test]
    fn reads_the_table_of_this_process() {
        let mounts = read().unwrap();
        assert!(covering(&mounts, &HostPath::root()).is_some());
    }

    #[test]
    fn broken_lines_have_their_number() {
        let good = "1 0 8:1 / / rw - ext4 /dev/a rw\n";
        for (bad, what) in [
            ("x 0 8:1 / / rw - ext4 a rw", "a number was expected"),
            ("1 0 81 / / rw - ext4 a rw", "the device number has no `:`"),
            ("1 0 8:1 / tmp rw - ext4 a rw", "the mount point is no path"),
            ("1 0 8:1 / / rw shared:1", "there is no `-` after the optional fields"),
            ("1 0 8:1 / / rw -", "the file system's type is missing"),
            ("1 0 8:1 / / rw - ext4", "the file system's options are missing"),
            ("1", "the parent's identifier is missing"),
        ] {
            let table = format!("{good}{bad}");
            assert_eq!(parse(table.as_bytes()), Err(Error::Line { line: 2, what }), "{bad}");
        }
    }

    #[test]
    fn odd_escapes_stand_for_themselves() {
        for (raw, want) in [
            (&b"a\\040b"[..], &b"a b"[..]),
            (b"\\134040", b"\\040"),
            (b"\\377", b"\xff"),
            (b"\\477", b"\\477"),
            (b"\\04", b"\\04"),
            (b"\\", b"\\"),
        ] {
            assert_eq!(unescaped(raw), want);
        }
    }
}

//! What the file system of a path can hold, and what its mount allows.
//!
//! Knows what `statvfs`, `statfs`, the inode flags and the mount table say, and which kinds of file system
//! lack what a Unix file system has (Linux: fs/fat, fs/exfat, fs/ntfs3, fs/hfsplus, fs/smb). Writes
//! nothing to find out. Does not touch a file system that may not answer: of a network one only what the mount table
//! has is known, and an automount is not started.

use crate::mountinfo::{self, Mount};
use plan::{Code, HostPath, Problem};
use rustix::fs::{AtFlags, CWD, FileType, IFlags, Mode, OFlags};
use rustix::io::Errno;

/// What a file system lacks.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Lack {
    /// A file can have one name only.
    HardLinks,
    /// Symbolic links.
    Links,
    /// Owners and permission bits of each file.
    Permissions,
    /// `a` and `A` are one name.
    Case,
}

impl Lack {
    /// For a message.
    pub fn name(self) -> &'static str {
        match self {
            Lack::HardLinks => "hard links",
            Lack::Links => "symbolic links",
            Lack::Permissions => "owners and permissions",
            Lack::Case => "names that differ in case",
        }
    }
}

/// What kinds of file system lack. `fuseblk` is mostly NTFS, by ntfs-3g, which has hard links.
const KINDS: &[(&str, &[Lack])] = &[
    ("vfat", &[Lack::HardLinks, Lack::Links, Lack::Permissions, Lack::Case]),
    ("msdos", &[Lack::HardLinks, Lack::Links, Lack::Permissions, Lack::Case]),
    ("exfat", &[Lack::HardLinks, Lack::Links, Lack::Permissions, Lack::Case]),
    ("ntfs", &[Lack::HardLinks, Lack::Links, Lack::Permissions, Lack::Case]),
    ("ntfs3", &[Lack::Permissions]),
    ("fuseblk", &[Lack::Permissions]),
    ("hfs", &[Lack::HardLinks, Lack::Links, Lack::Permissions, Lack::Case]),
    ("hfsplus", &[Lack::Case]),
    ("apfs", &[Lack::Case]),
    ("cifs", &[Lack::Permissions, Lack::Case]),
    ("smb3", &[Lack::Permissions, Lack::Case]),
    ("fuse.sshfs", &[Lack::HardLinks]),
    ("fuse.portal", &[Lack::HardLinks, Lack::Links, Lack::Permissions]),
    ("fuse.gvfsd-fuse", &[Lack::HardLinks, Lack::Permissions]),
    ("fuse.rclone", &[Lack::HardLinks, Lack::Links, Lack::Permissions]),
    ("fuse.mtpfs", &[Lack::HardLinks, Lack::Links, Lack::Permissions]),
    ("squashfs", &[]),
    ("iso9660", &[]),
];

/// `FS_CASEFOLD_FL` of linux/fs.h: names in this directory are compared without case.
const CASEFOLD: IFlags = IFlags::from_bits_retain(0x4000_0000);

/// What is known of the file system of a path.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Disk {
    /// The path, or the nearest parent that exists, free of links where it was looked at.
    pub path: HostPath,
    /// Where it is mounted; `None` where the mount table does not have it, as in a chroot.
    pub mount: Option<HostPath>,
    /// Kind of file system, such as `ext4`; empty where that is not known.
    pub kind: String,
    /// Nothing can be written: the mount or the file system is read-only.
    pub read_only: bool,
    /// No program can be executed.
    pub noexec: bool,
    /// What it lacks.
    pub lacks: Vec<Lack>,
    /// What the directory itself says; `None` where the file system may not answer.
    pub seen: Option<Seen>,
}

/// What was seen by looking at the path.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Seen {
    /// Who owns it.
    pub owner: u32,
    /// Its type and permissions.
    pub mode: u32,
    /// Names in this directory are compared without case.
    pub folds_case: bool,
    /// Size of the file system, and what an ordinary user can still write, in bytes.
    pub size: u64,
    /// See `size`.
    pub free: u64,
}

/// Why nothing is known.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Error {
    /// It would be mounted by looking at it.
    #[error("{at} is an automount, which is not started")]
    Automount {
        /// Where.
        at: HostPath,
    },
    /// The path cannot be looked at.
    #[error("{path}: {call}: {errno}")]
    Call {
        /// Which path.
        path: HostPath,
        /// The call.
        call: &'static str,
        /// Its error.
        errno: Errno,
    },
}

/// What a path is to be used for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Purpose {
    /// The store of prepared layers.
    Store,
    /// The home directory of the game.
    Home,
    /// The program to be started, or its directory.
    Command,
}

/// Looks at the file system of `path`, or of the nearest parent that exists.
///
/// # Errors
/// [`Error`]; a missing path is none.
pub fn of(mounts: &[Mount], path: &HostPath) -> Result<Disk, Error> {
    let mut path = path.clone();
    loop {
        let mount = mountinfo::covering(mounts, &path);
        if let Some(mount) = mount.filter(|m| m.is_automount() && m.at != path) {
            return Err(Error::Automount { at: mount.at.clone() });
        }
        if let Some(mount) = mount.filter(|m| m.is_network()) {
            return Ok(by_table(path, mount));
        }
        match look(mounts, &path) {
            Err(Error::Call { errno: Errno::NOENT, path: missing, call }) => match path.parent() {
                Some(parent) => path = parent,
                None => return Err(Error::Call { errno: Errno::NOENT, path: missing, call }),
            },
            other => return other,
        }
    }
}

fn lacks(kind: &str) -> Vec<Lack> {
    KINDS.iter().find(|(name, _)| *name == kind).map_or_else(Vec::new, |(_, lacks)| lacks.to_vec())
}

/// What the mount table alone tells.
fn by_table(path: HostPath, mount: &Mount) -> Disk {
    let has = |option: &str| mount.options.iter().any(|o| o == option);
    Disk {
        path,
        mount: Some(mount.at.clone()),
        kind: mount.fs_type.clone(),
        read_only: has("ro") || mount.super_options.iter().any(|o| o == "ro"),
        noexec: has("noexec"),
        lacks: lacks(&mount.fs_type),
        seen: None,
    }
}

fn look(mounts: &[Mount], path: &HostPath) -> Result<Disk, Error> {
    let fail = |call| {
        let path = path.clone();
        move |errno| Error::Call { path, call, errno }
    };
    let flags = OFlags::PATH | OFlags::CLOEXEC;
    let fd =
        rustix::fs::open(&*plan::real::name(path), flags, Mode::empty()).map_err(fail("open"))?;
    // Links on the way may have led to another mount; the kernel knows where this is.
    let real = real_path(&fd).unwrap_or_else(|| path.clone());
    let stat = rustix::fs::statat(&fd, "", AtFlags::EMPTY_PATH).map_err(fail("fstatat"))?;
    let system = rustix::fs::fstatvfs(&fd).map_err(fail("fstatvfs"))?;
    let mount = mountinfo::covering(mounts, &real);
    let kind = mount.map(|m| m.fs_type.clone()).unwrap_or_default();
    let is_directory = FileType::from_raw_mode(stat.st_mode) == FileType::Directory;
    let flag = |flag| system.f_flag.contains(flag);
    Ok(Disk {
        mount: mount.map(|m| m.at.clone()),
        read_only: flag(rustix::fs::StatVfsMountFlags::RDONLY),
        noexec: flag(rustix::fs::StatVfsMountFlags::from_bits_retain(ST_NOEXEC)),
        lacks: lacks(&kind),
        kind,
        seen: Some(Seen {
            owner: stat.st_uid,
            mode: stat.st_mode,
            folds_case: is_directory && folds_case(&real),
            size: system.f_blocks.saturating_mul(system.f_frsize),
            free: system.f_bavail.saturating_mul(system.f_frsize),
        }),
        path: real,
    })
}

/// `ST_NOEXEC` (glibc and musl, sys/statvfs.h), which POSIX does not have.
const ST_NOEXEC: u64 = 8;

fn real_path(fd: &rustix::fd::OwnedFd) -> Option<HostPath> {
    use std::os::fd::AsRawFd;
    let link = format!("/proc/self/fd/{}", fd.as_raw_fd());
    let text = rustix::fs::readlink(link, vec![]).ok()?;
    HostPath::new(plan::ByteString(text.into_bytes()).as_os_str()).ok()
}

/// A directory that cannot be opened has no flags that could be read.
fn folds_case(directory: &HostPath) -> bool {
    let flags = OFlags::RDONLY | OFlags::DIRECTORY | OFlags::CLOEXEC | OFlags::NOFOLLOW;
    rustix::fs::openat(CWD, &*plan::real::name(directory), flags, Mode::empty())
        .and_then(rustix::fs::ioctl_getflags)
        .is_ok_and(|flags| flags.contains(CASEFOLD))
}

impl Disk {
    /// What it is and where, for a message: `vfat at /media/stick`.
    fn shown(&self) -> String {
        let kind = if self.kind.is_empty() { "an unknown file system" } else { &self.kind };
        match &self.mount {
            Some(mount) => format!("{kind} at {mount}"),
            None => kind.to_owned(),
        }
    }

    /// What speaks against using it so. `uid` is the user's.
    pub fn problems(&self, purpose: Purpose, uid: u32) -> Vec<Problem> {
        let mut out = vec![];
        match purpose {
            Purpose::Command if self.noexec => out.push(self.not_executable()),
            Purpose::Command => {}
            Purpose::Store => self.store(uid, &mut out),
            Purpose::Home => self.home(uid, &mut out),
        }
        out
    }

    fn not_executable(&self) -> Problem {
        let at = self.mount.as_ref().unwrap_or(&self.path);
        Problem::blocking(
            Code::MOUNTED_NOEXEC,
            format!("{} cannot be executed: it is on {}, mounted with noexec", self.path, self.shown()),
        )
        .evidence(format!("{at} is mounted with noexec"))
        .hint(format!(
            "run `sudo mount -o remount,exec {at}` and take `noexec`, `user` or `users` out of its line \
             in /etc/fstab, or move the game"
        ))
    }

    fn store(&self, uid: u32, out: &mut Vec<Problem>) {
        let mut warn = |what: String| {
            let problem = Problem::warning(
                Code::FILE_SYSTEM_UNSUITED,
                format!("the store in {} is on {}: {what}", self.path, self.shown()),
            );
            out.push(
                problem.hint("name a directory on an ordinary file system in BATHYSPHERE_STORE"),
            );
        };
        if self.read_only {
            warn("it is read-only, so that every launch prepares everything anew".into());
        }
        if !self.lacks.is_empty() {
            let names: Vec<&str> = self.lacks.iter().map(|lack| lack.name()).collect();
            warn(format!("it has no {}", names.join(", no ")));
        }
        if self.noexec {
            warn(
                "it is mounted with noexec, so that programs in a prepared tree cannot be started"
                    .into(),
            );
        }
        let Some(seen) = &self.seen else { return };
        if seen.folds_case {
            warn("the directory folds case, so that overlayfs refuses it".into());
        }
        if seen.owner != uid && seen.mode & 0o002 == 0 {
            warn(format!("it belongs to another user (uid {})", seen.owner));
        }
    }

    fn home(&self, uid: u32, out: &mut Vec<Problem>) {
        let what = match &self.seen {
            _ if self.read_only => "it is read-only".to_owned(),
            // One that everybody may write to, such as /tmp, serves.
            Some(seen) if seen.owner != uid && seen.mode & 0o002 == 0 => {
                format!("it belongs to another user (uid {})", seen.owner)
            }
            _ if self.lacks.contains(&Lack::Links) => "it has no symbolic links".to_owned(),
            _ => return,
        };
        let cause = format!(
            "the home directory {} is on {}: {what}, so that games cannot keep their files there",
            self.path,
            self.shown()
        );
        let problem = Problem::warning(Code::FILE_SYSTEM_UNSUITED, cause);
        out.push(problem.hint("name another one with `--home DIR`"));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const TABLE: &[u8] = b"28 1 254:1 / / rw,relatime - ext4 /dev/vda1 rw\n\
        30 28 8:1 / /media/stick rw,nosuid,nodev,noexec - vfat /dev/sda1 rw,uid=1000\n\
        31 28 0:40 / /mnt/share ro,relatime - cifs //server/share rw\n\
        32 28 0:41 / /net rw - autofs auto.net rw\n";

    /// Nothing of these mounts is there: network file systems and automounts must not be touched.
    #[test]
    fn what_may_not_answer_is_not_touched() {
        let mounts = mountinfo::parse(TABLE).unwrap();
        let share = of(&mounts, &HostPath::literal("/mnt/share/games")).unwrap();
        assert_eq!((share.kind.as_str(), share.read_only, share.seen), ("cifs", true, None));
        assert_eq!(share.lacks, [Lack::Permissions, Lack::Case]);
        let net = of(&mounts, &HostPath::literal("/net/server/x"));
        assert_eq!(net, Err(Error::Automount { at: HostPath::literal("/net") }));
    }

    #[test]
    fn what_each_purpose_minds() {
        let mounts = mountinfo::parse(TABLE).unwrap();
        let disk = |at: &str, seen: Option<Seen>| {
            let mount = mountinfo::covering(&mounts, &HostPath::literal(at)).unwrap();
            Disk { seen, ..by_table(HostPath::literal(at), mount) }
        };
        let own = Seen { owner: 1000, mode: 0o40700, folds_case: false, size: 1, free: 1 };
        let folding = Seen { folds_case: true, ..own.clone() };
        let others = Seen { owner: 0, ..own.clone() };
        let shared = Seen { mode: 0o41777, ..others.clone() };
        let codes = |disk: &Disk, purpose| {
            let problems = disk.problems(purpose, 1000);
            assert!(problems.iter().all(|p| p.hint.is_some()));
            problems.iter().map(|p| p.code.0).collect::<Vec<_>>()
        };
        for (at, seen, store, home, command) in [
            ("/home/user", Some(own.clone()), &[][..], &[][..], &[][..]),
            ("/home/user", Some(folding), &[47], &[], &[]),
            ("/home/user", Some(others), &[47], &[47], &[]),
            ("/home/user", Some(shared), &[], &[], &[]),
            ("/media/stick/x", Some(own), &[47, 47], &[47], &[48]),
            ("/mnt/share/x", None, &[47, 47], &[47], &[]),
        ] {
            let disk = disk(at, seen);
            assert_eq!(codes(&disk, Purpose::Store), store, "{disk:?}");
            assert_eq!(codes(&disk, Purpose::Home), home, "{disk:?}");
            assert_eq!(codes(&disk, Purpose::Command), command, "{disk:?}");
        }
    }

    #[test]
    fn this_machine() {
        let mounts = mountinfo::read().unwrap();
        let tmp = tempfile::tempdir().unwrap();
        let path = HostPath::new(tmp.path()).unwrap();
        let here = of(&mounts, &path).unwrap();
        let missing = of(&mounts, &path.at("not/there")).unwrap();
        assert_eq!(here.path, missing.path);
        let seen = here.seen.as_ref().unwrap();
        assert!(seen.size >= seen.free && !here.kind.is_empty(), "{here:?}");
        let uid = rustix::process::geteuid().as_raw();
        assert_eq!((seen.owner, here.problems(Purpose::Home, uid)), (uid, vec![]));
        let proc = of(&mounts, &HostPath::literal("/proc/self")).unwrap();
        assert_eq!(proc.kind, "proc");
    }
}

//! File systems of which `stat` tells little: those the kernel makes up, and images.

use rustix::fs::{FileType, Mode, OFlags, RawDir, openat, statfs};
use std::ffi::CStr;
use std::io::Read;
use std::mem::MaybeUninit;
use std::path::{Path, PathBuf};

/// Largest content that is kept to be compared, in bytes. Beyond it nothing is remembered.
const CONTENT_LIMIT: u64 = 16 << 10;

/// What a file system is, as far as looking at it is concerned.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Nature {
    /// Inode numbers and times tell.
    Ordinary,
    /// Made up by the kernel: names and contents must be read.
    Pseudo,
    /// Read from an image: the file behind it tells.
    Image,
}

/// `f_type` of file systems (linux/magic.h, and fs/binfmt_misc.c) and their nature.
const KINDS: &[(u64, Nature)] = &[
    (0x9fa0, Nature::Pseudo),      // proc
    (0x6265_6572, Nature::Pseudo), // sysfs
    (0x4249_4e4d, Nature::Pseudo), // binfmt_misc
    (0x6462_6720, Nature::Pseudo), // debugfs
    (0x7472_6163, Nature::Pseudo), // tracefs
    (0x7363_6673, Nature::Pseudo), // securityfs
    (0xf97c_ff8c, Nature::Pseudo), // selinuxfs
    (0x6367_7270, Nature::Pseudo), // cgroup2
    (0x0027_e0eb, Nature::Pseudo), // cgroup
    (0x6265_6570, Nature::Pseudo), // configfs
    (0xde5e_81e4, Nature::Pseudo), // efivarfs
    (0x7371_7368, Nature::Image),  // squashfs
    (0xe0f5_e1e2, Nature::Image),  // erofs
    (0x9660, Nature::Image),       // isofs
];

/// Of the file system that `path` is on.
pub(crate) fn nature(path: &Path) -> Nature {
    // The integer type differs by architecture; the numbers are 32 bits wide.
    #[allow(clippy::unnecessary_cast, clippy::cast_sign_loss)]
    let magic = statfs(path).map_or(0, |s| s.f_type as u64 & 0xffff_ffff);
    KINDS.iter().find(|(m, _)| *m == magic).map_or(Nature::Ordinary, |(_, nature)| *nature)
}

/// Files that tell which image is behind a device: the name, and, where it is a file, that file.
pub(crate) fn behind(device: u64) -> (PathBuf, Option<PathBuf>) {
    let (major, minor) = (rustix::fs::major(device), rustix::fs::minor(device));
    let base = PathBuf::from(format!("/sys/dev/block/{major}:{minor}"));
    let name = base.join("loop/backing_file");
    match content(&name) {
        Some(text) => {
            let file = std::ffi::OsStr::new("").to_owned();
            let mut bytes = std::os::unix::ffi::OsStringExt::into_vec(file);
            bytes.extend_from_slice(text.trim_ascii_end());
            let path = <std::ffi::OsString as std::os::unix::ffi::OsStringExt>::from_vec(bytes);
            (name, Some(PathBuf::from(path)))
        }
        None => (base.join("dm/uuid"), None),
    }
}

/// The content of a file that the kernel makes up. `None` when it cannot be read or is too long.
pub(crate) fn content(path: &Path) -> Option<Vec<u8>> {
    let flags = OFlags::RDONLY | OFlags::CLOEXEC | OFlags::NOFOLLOW | OFlags::NONBLOCK;
    let fd = openat(rustix::fs::CWD, path, flags, Mode::empty()).ok()?;
    let mut bytes = Vec::new();
    std::fs::File::from(fd).take(CONTENT_LIMIT + 1).read_to_end(&mut bytes).ok()?;
    (bytes.len() as u64 <= CONTENT_LIMIT).then_some(bytes)
}

/// Which names of a directory count.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Filter {
    /// All of them.
    All,
    /// Those of symbolic links.
    Links,
    /// Those that begin so.
    Prefix(Vec<u8>),
}

impl Filter {
    fn takes(&self, name: &CStr, kind: FileType) -> bool {
        match self {
            Filter::All => true,
            // Some file systems do not say.
            Filter::Links => matches!(kind, FileType::Symlink | FileType::Unknown),
            Filter::Prefix(prefix) => name.to_bytes().starts_with(prefix),
        }
    }
}

/// The names in a directory that count, sorted, each with a NUL at its end.
pub(crate) fn names(path: &Path, filter: &Filter) -> Option<Vec<u8>> {
    let flags = OFlags::RDONLY | OFlags::DIRECTORY | OFlags::CLOEXEC | OFlags::NOFOLLOW;
    let fd = openat(rustix::fs::CWD, path, flags, Mode::empty()).ok()?;
    let mut buffer = [MaybeUninit::uninit(); 8192];
    let mut entries = RawDir::new(fd, &mut buffer);
    let mut names: Vec<std::ffi::CString> = Vec::new();
    let mut total = 0;
    while let Some(entry) = entries.next() {
        let entry = entry.ok()?;
        let name: &CStr = entry.file_name();
        if name == c"." || name == c".." || !filter.takes(name, entry.file_type()) {
            continue;
        }
        total += name.count_bytes() as u64 + 1;
        if total > CONTENT_LIMIT {
            return None;
        }
        names.push(name.to_owned());
    }
    names.sort_unstable();
    Some(names.into_iter().flat_map(std::ffi::CString::into_bytes_with_nul).collect())
}

/// The text of a link. `None` when it is none.
pub(crate) fn target(path: &Path) -> Option<Vec<u8>> {
    rustix::fs::readlink(path, Vec::new()).ok().map(std::ffi::CString::into_bytes)
}

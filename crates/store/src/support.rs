//! What can be said beforehand about overlayfs over directories of a file system.
//!
//! Mirrors `ovl_mount_dir_noesc`, `ovl_dentry_weird` and `ovl_get_layers` in fs/overlayfs. Whoever
//! asks tries for real as well: a [`Support::No`] saves the attempt, and gives the reason.

use crate::dir::Dir;
use crate::slot::file_name;
use plan::HostPath;
use rustix::fs::{AtFlags, IFlags};
use rustix::io::Errno;

/// The verdict.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Support {
    /// Nothing speaks against it.
    Ok,
    /// It may fail, for this reason: only trying tells.
    Doubtful(String),
    /// It will fail, for this reason.
    No(String),
}

/// What is known of a file system as a lower directory.
enum Known {
    Never,
    Doubtful,
}

/// Magic number (linux/magic.h, or the file system's own source), verdict, name, why.
const KNOWN: &[(u64, Known, &str, &str)] = &[
    (0x4d44, Known::Never, "vfat", "it compares names in its own way"),
    (0x2011_bab0, Known::Never, "exfat", "it compares names in its own way"),
    (0x7366_746e, Known::Never, "ntfs3", "it compares names in its own way"),
    (0x482b, Known::Never, "hfsplus", "it compares names in its own way"),
    (0xf15f, Known::Never, "ecryptfs", "its files cannot be told apart through an overlay"),
    (0x0187, Known::Never, "autofs", "its directories mount themselves"),
    (0x6969, Known::Doubtful, "nfs", "whiteouts need a server that lets users make device files"),
    (0xff53_4d42, Known::Doubtful, "cifs", "it may compare names in its own way"),
    (0xfe53_4d42, Known::Doubtful, "smb2", "it may compare names in its own way"),
    (0x6573_5546, Known::Doubtful, "fuse", "it depends on the program behind it"),
    (0x794c_7630, Known::Doubtful, "overlay", "only two overlays may lie on top of each other"),
];

/// Magic numbers of file systems that have the casefold feature.
const CASEFOLD: &[(u64, &str)] =
    &[(0xef53, "ext4"), (0xf2f5_2010, "f2fs"), (0x0102_1994, "tmpfs"), (0xca45_1a4e, "bcachefs")];

/// First release in which a file system with the casefold *feature* may be a lower one, as long as
/// the directories themselves do not fold case.
const CASEFOLD_LIFTED: (u32, u32) = (6, 17);

/// Looks at the file system of `directory`.
///
/// Whether it has the casefold feature is not visible to users; it is found by trying to set the flag
/// on an empty directory in `scratch`, a writable directory of the same file system, if there is one.
pub fn overlay_support(directory: &HostPath, scratch: Option<&HostPath>) -> Support {
    let Ok(dir) = Dir::open(directory) else {
        return Support::Doubtful(format!("{directory} cannot be opened"));
    };
    let magic = rustix::fs::fstatfs(&dir).map_or(0, |s| {
        #[allow(clippy::unnecessary_cast, clippy::cast_sign_loss)] // differs by architecture
        let magic = s.f_type as u64 & 0xffff_ffff;
        magic
    });
    if let Some((_, known, name, why)) = KNOWN.iter().find(|row| row.0 == magic) {
        let why = format!("{directory} is on {name}: {why}");
        return match known {
            Known::Never => Support::No(why),
            Known::Doubtful => Support::Doubtful(why),
        };
    }
    let Some((_, name)) = CASEFOLD.iter().find(|row| row.0 == magic) else { return Support::Ok };
    if rustix::fs::ioctl_getflags(&dir).is_ok_and(|f| f.contains(casefold_flag())) {
        return Support::No(format!("{directory} folds case"));
    }
    if kernel_release() >= CASEFOLD_LIFTED {
        return Support::Ok;
    }
    match scratch.and_then(|s| same_file_system(&dir, s)).map(|s| has_casefold(&s)) {
        Some(Ok(true)) => Support::No(format!(
            "{directory} is on {name} with the casefold feature, which overlayfs of this kernel \
             refuses"
        )),
        Some(Ok(false)) => Support::Ok,
        Some(Err(_)) | None => Support::Doubtful(format!(
            "{directory} is on {name}, which may have the casefold feature"
        )),
    }
}

fn same_file_system(dir: &Dir, scratch: &HostPath) -> Option<Dir> {
    let scratch = Dir::open(scratch).ok()?;
    (scratch.stat().ok()?.st_dev == dir.stat().ok()?.st_dev).then_some(scratch)
}

/// `FS_CASEFOLD_FL` of linux/fs.h.
fn casefold_flag() -> IFlags {
    IFlags::from_bits_retain(0x4000_0000)
}

/// Whether the file system lets an empty directory fold case: only one with the feature does.
fn has_casefold(scratch: &Dir) -> Result<bool, Errno> {
    let name = file_name(&format!("casefold-{}", std::process::id()));
    scratch.make(&name)?;
    let answer = scratch.child(&name).and_then(|dir| {
        let flags = rustix::fs::ioctl_getflags(&dir)?;
        rustix::fs::ioctl_setflags(&dir, flags | casefold_flag())
    });
    rustix::fs::unlinkat(scratch, &name, AtFlags::REMOVEDIR)?;
    match answer {
        Ok(()) => Ok(true),
        Err(Errno::OPNOTSUPP | Errno::NOTTY | Errno::INVAL) => Ok(false),
        Err(e) => Err(e),
    }
}

/// `6.12.3-foo` is (6, 12).
fn kernel_release() -> (u32, u32) {
    let uname = rustix::system::uname();
    parse_release(&uname.release().to_string_lossy())
}

fn parse_release(text: &str) -> (u32, u32) {
    let mut numbers =
        text.split(|c: char| !c.is_ascii_digit()).map(|n| n.parse().unwrap_or(0)).take(2);
    (numbers.next().unwrap_or(0), numbers.next().unwrap_or(0))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn releases() {
        for (text, want) in [
            ("6.18.44-fc-v595", (6, 18)),
            ("5.10", (5, 10)),
            ("6", (6, 0)),
            ("", (0, 0)),
            ("6.x", (6, 0)),
        ] {
            assert_eq!(parse_release(text), want, "{text}");
        }
    }

    #[test]
    fn known_places() {
        let tmp = tempfile::tempdir().unwrap();
        let path = HostPath::new(tmp.path()).unwrap();
        let support = overlay_support(&path, Some(&path));
        assert!(!matches!(support, Support::No(_)), "{support:?}");
        assert_eq!(std::fs::read_dir(tmp.path()).unwrap().count(), 0, "the probe is cleaned up");
        let missing = overlay_support(&path.at("missing"), None);
        assert!(matches!(missing, Support::Doubtful(_)), "{missing:?}");
    }

    /// The probe comes to an answer wherever directories have flags, and leaves nothing behind.
    #[test]
    fn casefold_probe() {
        let tmp = tempfile::tempdir().unwrap();
        let dir = Dir::open(&HostPath::new(tmp.path()).unwrap()).unwrap();
        let answer = has_casefold(&dir);
        let has_flags = rustix::fs::ioctl_getflags(&dir).is_ok();
        assert!(!has_flags || answer.is_ok(), "{answer:?}");
        assert_eq!(std::fs::read_dir(tmp.path()).unwrap().count(), 0);
    }

    /// No magic number appears twice, or the first row would win unnoticed.
    #[test]
    fn table_is_unambiguous() {
        let mut magics: Vec<u64> =
            KNOWN.iter().map(|r| r.0).chain(CASEFOLD.iter().map(|r| r.0)).collect();
        let count = magics.len();
        magics.sort_unstable();
        magics.dedup();
        assert_eq!(magics.len(), count);
    }
}

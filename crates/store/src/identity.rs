//! Telling whether a directory is still the same one, by `stat` alone.
//!
//! `stat` lies in four ways that are dealt with here. A hard link made to a file changes its change
//! time, so for files only size and modification time count. The device number of btrfs and FUSE changes
//! between mounts, so it is not used. Two images (squashfs, erofs) can have equal inodes and times,
//! so on an image the file behind it counts. And a change that is as recent as the look may be
//! followed by another with the same time stamp, so that a very recent one is salted with the clock:
//! what is built from it is used once and made again.

use crate::clock;
use crate::dir::Dir;
use crate::{Error, place};
use plan::HostPath;
use rustix::fs::Stat;
use std::os::unix::ffi::OsStrExt;

/// Looked at below the directory. Installing, updating or removing anything in a runtime changes at
/// least one: a directory of libraries or manifests, or a record of what is installed.
const INSIDE: &[&str] = &[
    "bin",
    "etc",
    "lib",
    "lib/os-release",
    "lib/x86_64-linux-gnu",
    "lib/i386-linux-gnu",
    "lib/aarch64-linux-gnu",
    "lib32",
    "lib64",
    "share",
    "manifest.dpkg",
    "usr",
    "usr/bin",
    "usr/lib",
    "usr/lib/os-release",
    "usr/lib/x86_64-linux-gnu",
    "usr/lib/i386-linux-gnu",
    "usr/lib/aarch64-linux-gnu",
    "usr/lib32",
    "usr/lib64",
    "usr/share",
    "etc/ld.so.cache",
    "var/lib/dpkg/status",
    "var/lib/rpm/rpmdb.sqlite",
    "var/lib/pacman/local",
];

/// Looked at beside the directory, for a depot's or Flatpak's `files`.
const BESIDE: &[&str] = &["usr-mtree.txt.gz", "usr-mtree.txt", "metadata", "../VERSIONS.txt"];

/// Time stamps may be as coarse as two seconds (FAT), and are as coarse as a tick anywhere.
const GRAIN: i128 = 2;

/// File systems that are read from an image: their magic numbers (linux/magic.h).
const IMAGES: &[u64] =
    &[0x7371_7368 /* squashfs */, 0xe0f5_e1e2 /* erofs */, 0x9660 /* isofs */];

/// The identity of the directory at `path`, by some thirty `stat` calls: equal bytes mean that it has
/// not been replaced, updated or added to. For the `files` of a depot this covers its manifest too.
///
/// Different bytes may mean nothing: see above for what changed in the last two seconds.
///
/// # Errors
/// [`Error::Source`] when the directory cannot be looked at.
pub fn of(path: &HostPath) -> Result<Vec<u8>, Error> {
    let failed = |call| move |errno| Error::Source { path: path.clone(), call, errno };
    let dir = Dir::open(path).map_err(failed("open"))?;
    let top = dir.stat().map_err(failed("fstat"))?;
    let mut out = path.as_bytes().to_vec();
    out.push(0);
    let mut newest = 0;
    let mut add = |stat: Option<Stat>, out: &mut Vec<u8>| match stat {
        Some(stat) => {
            let version = place::version(&stat);
            newest = newest.max(version[2]).max(version[4]);
            out.push(1);
            version.iter().for_each(|n| out.extend_from_slice(&n.to_le_bytes()));
        }
        None => out.push(0),
    };
    add(Some(top), &mut out);
    for name in INSIDE {
        // Links count as what they are: in a root they may be absolute and lead out of it.
        let stat = rustix::fs::statat(&dir, *name, rustix::fs::AtFlags::SYMLINK_NOFOLLOW);
        relied_on(&path.at(name));
        add(stat.ok(), &mut out);
    }
    if path.file_name().is_some_and(|n| n.as_bytes() == b"files") {
        for name in BESIDE {
            let name = format!("../{name}");
            let stat = rustix::fs::statat(&dir, &name, rustix::fs::AtFlags::SYMLINK_NOFOLLOW);
            relied_on(&path.at(&name));
            add(stat.ok(), &mut out);
        }
    }
    add(image_behind(&dir, &top), &mut out);
    let now = clock::now();
    if is_recent(newest, i128::from(now.as_secs())) {
        out.extend_from_slice(&now.as_nanos().to_le_bytes());
    }
    Ok(out)
}

/// Tells whoever records that what is built depends on this.
fn relied_on(path: &HostPath) {
    if witness::stat(path.as_path()).is_some_and(|look| look.kind == witness::Kind::Directory) {
        witness::listed(path.as_path());
    }
}

/// Whether something that changed at `changed` may change again without showing. A time in the future
/// is that of a clock that was set back.
fn is_recent(changed: i128, now: i128) -> bool {
    (now - GRAIN..=now + GRAIN).contains(&changed)
}

/// The file behind a loop device, when the directory is on an image.
fn image_behind(dir: &Dir, top: &Stat) -> Option<Stat> {
    let kind = rustix::fs::fstatfs(dir).ok()?.f_type;
    #[allow(clippy::unnecessary_cast, clippy::cast_sign_loss)]
    // the width depends on the architecture
    let kind = kind as u64 & 0xffff_ffff;
    if !IMAGES.contains(&kind) {
        return None;
    }
    let device = place::device_of(top);
    let (major, minor) = (rustix::fs::major(device), rustix::fs::minor(device));
    let text = std::fs::read(format!("/sys/dev/block/{major}:{minor}/loop/backing_file")).ok()?;
    let file = std::path::Path::new(std::ffi::OsStr::from_bytes(text.trim_ascii_end()));
    rustix::fs::stat(file).ok()
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::fs;

    #[test]
    fn only_the_recent_past_is_doubtful() {
        for (changed, now, want) in [
            (100, 100, true),
            (98, 100, true),
            (97, 100, false),
            (102, 100, true),
            (500, 100, false),
        ] {
            assert_eq!(is_recent(changed, now), want, "{changed} at {now}");
        }
    }

    #[test]
    fn changes_show() {
        let tmp = tempfile::tempdir().unwrap();
        let path = HostPath::new(tmp.path().join("files")).unwrap();
        let at = |name: &str| path.at(name).as_path().to_path_buf();
        fs::create_dir_all(at("lib/x86_64-linux-gnu")).unwrap();
        // Just made: two looks differ, because a change in between might not show.
        assert_ne!(of(&path).unwrap(), of(&path).unwrap());
        std::thread::sleep(std::time::Duration::from_millis(3100));
        let before = of(&path).unwrap();
        assert_eq!(before, of(&path).unwrap());
        let changes: [&dyn Fn(); 3] = [
            &|| fs::write(at("lib/x86_64-linux-gnu/libnew.so"), "").unwrap(),
            &|| fs::write(at("lib/os-release"), "ID=x").unwrap(),
            &|| fs::write(tmp.path().join("usr-mtree.txt.gz"), "").unwrap(),
        ];
        for (i, change) in changes.iter().enumerate() {
            change();
            assert_ne!(before, of(&path).unwrap(), "change {i}");
        }
        assert!(of(&path.at("missing")).is_err());
    }
}

//! An image of a file system, mounted for one launch by a program in user space.
//!
//! FUSE lets an ordinary user mount without a namespace: `squashfuse` or `erofsfuse` serves the image,
//! `fusermount3` (set-uid) makes the mount. Everybody gets a mount of their own in a private
//! directory, so that launches of one image do not depend on each other, and two images never share
//! a name, however equal their device and inode numbers are.
//!
//! A *guard*, this program executed again, starts the server and holds one end of a socket. When the
//! launcher closes the other end, or is killed, the guard takes the mount away from the directory
//! (lazily) and removes that. The server ends by itself when the last container that still has the
//! mount is gone, and the guard with it.

mod guard;

use crate::sys::{SysError, call, std_call};
use plan::{Code, HostPath, Problem};
use rustix::event::{PollFd, PollFlags, poll};
use rustix::fs::{
    Access, AtFlags, CWD, FileType, Mode, StatVfsMountFlags, accessat, mkdirat, stat, statvfs,
};
use rustix::io::Errno;
use rustix::net::{AddressFamily, RecvFlags, SocketFlags, SocketType, recv, socketpair};
use std::fmt;
use std::os::fd::OwnedFd;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

pub(crate) use guard::guard_if_asked;

/// The file system in an image.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ImageFormat {
    /// squashfs.
    Squashfs,
    /// erofs.
    Erofs,
}

impl ImageFormat {
    /// The program that serves it.
    pub fn program(self) -> &'static str {
        match self {
            ImageFormat::Squashfs => "squashfuse",
            ImageFormat::Erofs => "erofsfuse",
        }
    }

    /// What has that program, by distribution.
    fn packages(self) -> &'static str {
        match self {
            ImageFormat::Squashfs => "`squashfuse`",
            ImageFormat::Erofs => "`erofsfuse` (Fedora: `erofs-fuse`)",
        }
    }
}

/// What is needed to mount images.
#[derive(Clone, Debug, Default)]
pub struct ImageMeans {
    /// Directories in which a private one may be made, the best first: `$XDG_RUNTIME_DIR`, `/tmp`.
    pub places: Vec<HostPath>,
    /// Where programs are looked for: `PATH`.
    pub search_path: Vec<PathBuf>,
}

/// Why an image is not mounted.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum ImageError {
    /// A program is missing.
    #[error("the image `{image}` cannot be mounted: there is no {program}")]
    NoProgram {
        /// The image.
        image: HostPath,
        /// The program.
        program: &'static str,
        /// What has it.
        packages: &'static str,
        /// Where it was looked for.
        tried: Vec<PathBuf>,
    },
    /// `/dev/fuse` is missing or forbidden.
    #[error("the image `{image}` cannot be mounted: {failure}")]
    NoDevice {
        /// The image.
        image: HostPath,
        /// The error of looking at it.
        failure: SysError,
    },
    /// The program that serves the image gives up.
    #[error("the image `{image}` cannot be mounted: {program} ended with status {status}")]
    Refused {
        /// The image.
        image: HostPath,
        /// The program.
        program: &'static str,
        /// Its exit status.
        status: i32,
        /// What it wrote to standard error, by line.
        messages: Vec<String>,
    },
    /// It gives up, and the program that makes the mount for it may not make one.
    #[error("the image `{image}` cannot be mounted: `{}` {why}", helper.display())]
    Helpless {
        /// The image.
        image: HostPath,
        /// The program that should make the mount.
        helper: PathBuf,
        /// Why it cannot.
        why: &'static str,
        /// What was written to standard error, by line.
        messages: Vec<String>,
    },
    /// Something on the way failed.
    #[error("the image `{image}` cannot be mounted: {doing}: {failure}")]
    Setup {
        /// The image.
        image: HostPath,
        /// What was being done.
        doing: &'static str,
        /// The call that failed.
        failure: SysError,
    },
}

impl ImageError {
    /// The same for the user to read.
    pub fn problem(&self) -> Problem {
        let (code, evidence, hint) = match self {
            ImageError::NoProgram { tried, packages, .. } => (
                Code::IMAGE_MEANS_MISSING,
                tried.iter().map(|path| format!("no {}", path.display())).collect(),
                format!(
                    "install the package {packages}, or unpack the image and name the directory \
                     with --emulator-root"
                ),
            ),
            ImageError::NoDevice { failure, .. } => (
                Code::IMAGE_MEANS_MISSING,
                vec![],
                if failure.is(&[Errno::ACCESS]) {
                    "let users open it, as udev does elsewhere: sudo chmod 666 /dev/fuse"
                } else {
                    "load the kernel's module: sudo modprobe fuse"
                }
                .into(),
            ),
            ImageError::Refused { messages, .. } => (
                Code::IMAGE_BROKEN,
                messages.clone(),
                "fetch the image again; `unsquashfs -s` or `fsck.erofs` tells whether it is whole"
                    .into(),
            ),
            ImageError::Helpless { helper, messages, .. } => (
                Code::IMAGE_MEANS_MISSING,
                messages.clone(),
                format!(
                    "let it do its work, as its package does: sudo chown root {0} && sudo chmod u+s {0}; \
                     or unpack the image and name the directory with --emulator-root",
                    helper.display()
                ),
            ),
            ImageError::Setup { .. } => (
                Code::IMAGE_MEANS_MISSING,
                vec![],
                "make sure that XDG_RUNTIME_DIR names a directory that can be written".into(),
            ),
        };
        let mut problem = Problem::blocking(code, self.to_string()).hint(hint);
        problem.evidence = evidence;
        problem
    }
}

/// A mounted image. It is let go when this is dropped, or with the process.
#[derive(Debug)]
pub struct MountedImage {
    at: HostPath,
    link: Option<OwnedFd>,
}

impl MountedImage {
    /// Where it is mounted.
    pub fn path(&self) -> &HostPath {
        &self.at
    }
}

impl Drop for MountedImage {
    fn drop(&mut self) {
        let Some(link) = self.link.take() else { return };
        // The guard closes its end when the directory is gone.
        let _ = rustix::net::shutdown(&link, rustix::net::Shutdown::Write);
        while matches!(
            recv(&link, &mut [0; 16], RecvFlags::empty()),
            Ok((1.., _)) | Err(Errno::INTR)
        ) {}
    }
}

/// Mounts an image until the result is dropped.
///
/// # Errors
/// When a program or the device is missing, or the image is not what it should be.
pub fn mount_image(
    image: &HostPath,
    format: ImageFormat,
    means: &ImageMeans,
) -> Result<MountedImage, ImageError> {
    let server = find(image, format.program(), format.packages(), means)?;
    let helper = find(image, "fusermount3", "`fuse3`", means)
        .or_else(|missing| find(image, "fusermount", "`fuse3`", means).map_err(|_| missing))?;
    check_device(image)?;
    let setup = |doing| move |failure| ImageError::Setup { image: image.clone(), doing, failure };
    let at = private_directory(image, means).map_err(setup("making a directory"))?;
    let words = [server, image.as_path().into(), at.as_path().into(), helper.clone()];
    let link = start(&words, format).map_err(setup("starting its guard"))?;
    let mounted = MountedImage { at, link: Some(link) };
    match guard::answer(mounted.link.as_ref()) {
        Ok(guard::Answer::Mounted) => Ok(mounted),
        Ok(guard::Answer::Refused { status, messages }) => {
            let (image, program) = (image.clone(), format.program());
            Err(match helpless(&helper) {
                Some(why) => ImageError::Helpless { image, helper, why, messages },
                None => ImageError::Refused { image, program, status, messages },
            })
        }
        Err(failure) => Err(setup("waiting for its guard")(failure)),
    }
}

/// The first executable file of a name in the search path.
fn find(
    image: &HostPath,
    program: &'static str,
    packages: &'static str,
    means: &ImageMeans,
) -> Result<PathBuf, ImageError> {
    let paths: Vec<PathBuf> = means.search_path.iter().map(|d| d.join(program)).collect();
    let found = paths.iter().find(|path| is_program(path)).cloned();
    let image = image.clone();
    found.ok_or(ImageError::NoProgram { image, program, packages, tried: paths })
}

/// The 64-bit hash FNV-1a, which is enough to tell a handful of files apart.
fn fnv(bytes: &[u8]) -> u64 {
    let step = |hash: u64, byte: &u8| (hash ^ u64::from(*byte)).wrapping_mul(0x0100_0000_01b3);
    bytes.iter().fold(0xcbf2_9ce4_8422_2325, step)
}

fn is_program(path: &Path) -> bool {
    let is_file =
        stat(path).is_ok_and(|s| FileType::from_raw_mode(s.st_mode) == FileType::RegularFile);
    is_file && accessat(CWD, path, Access::EXEC_OK, AtFlags::empty()).is_ok()
}

/// Why a program that must have root's rights has not, where that can be seen.
fn helpless(helper: &Path) -> Option<&'static str> {
    let of = stat(helper).ok()?;
    let no_suid = statvfs(helper).is_ok_and(|v| v.f_flag.contains(StatVfsMountFlags::NOSUID));
    if rustix::process::geteuid().is_root() {
        None
    } else if of.st_uid != 0 || of.st_mode & 0o4000 == 0 {
        Some("is not set-uid root")
    } else {
        no_suid.then_some("is on a file system without set-uid (nosuid)")
    }
}

fn check_device(image: &HostPath) -> Result<(), ImageError> {
    let device = "/dev/fuse";
    let wanted = Access::READ_OK | Access::WRITE_OK;
    call("access", device, accessat(CWD, device, wanted, AtFlags::empty()))
        .map_err(|failure| ImageError::NoDevice { image: image.clone(), failure })
}

/// A new directory that nobody else may enter, in the first place where one can be made. Its name has
/// the identity of the image: files of two images can be equal in all that stat(2) tells, and what
/// is remembered of one must not be taken for the other.
fn private_directory(image: &HostPath, means: &ImageMeans) -> Result<HostPath, SysError> {
    let of = call("stat", image, stat(image.as_path()))?;
    let parts = [
        of.st_dev.to_string(),
        of.st_ino.to_string(),
        of.st_size.to_string(),
        format!("{}.{}", of.st_mtime, of.st_mtime_nsec),
        format!("{}.{}", of.st_ctime, of.st_ctime_nsec),
    ];
    let identity = fnv(parts.join(" ").as_bytes());
    let mut last = SysError::new("mkdir", "no place is known", Errno::NOENT);
    for place in &means.places {
        // Numbers of processes come again; what is there already is somebody's.
        for attempt in 0..64 {
            let own = std::process::id();
            let name = format!("bathysphere-image-{identity:016x}-{own}-{attempt}");
            let Ok(path) = place.join(name) else { continue };
            match mkdirat(CWD, path.as_path(), Mode::RWXU) {
                Ok(()) => return Ok(path),
                Err(Errno::EXIST) => {}
                Err(errno) => {
                    last = SysError::new("mkdir", &path, errno);
                    break;
                }
            }
        }
    }
    Err(last)
}

/// Starts a guard. The socket is its standard input.
fn start(words: &[PathBuf], format: ImageFormat) -> Result<OwnedFd, SysError> {
    let pair = socketpair(AddressFamily::UNIX, SocketType::SEQPACKET, SocketFlags::CLOEXEC, None);
    let (ours, theirs) = call("socketpair", "AF_UNIX", pair)?;
    let mut command = Command::new("/proc/self/exe");
    command.arg(guard::ASKED).arg(format.program()).args(words);
    command.stdin(Stdio::from(theirs)).stdout(Stdio::null()).stderr(Stdio::null());
    // The guard ends long after the launcher: init collects it.
    std_call("execve", "/proc/self/exe", command.spawn())?;
    Ok(ours)
}

impl fmt::Display for ImageFormat {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            ImageFormat::Squashfs => "squashfs",
            ImageFormat::Erofs => "erofs",
        })
    }
}

/// Waits until there is something to read, or the other end is closed.
fn readable(link: &OwnedFd) -> Result<(), SysError> {
    loop {
        match poll(&mut [PollFd::new(link, PollFlags::IN)], None) {
            Ok(_) => return Ok(()),
            Err(Errno::INTR) => {}
            Err(errno) => return Err(SysError::new("poll", "guard", errno)),
        }
    }
}

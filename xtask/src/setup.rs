//! What the project needs of a Debian or Ubuntu machine: packages, compiler targets, an unprivileged user.

use std::os::unix::fs::PermissionsExt;
use std::process::Command;

use crate::error::{Context, Problem, Result};
use crate::lab::is_root;
use crate::progress::{note, step};

/// The user as whom everything is tested.
pub(crate) struct TestUser {
    /// Name in passwd.
    pub(crate) name: &'static str,
    /// Number of the user and of its group, the same in every root of the laboratory.
    pub(crate) uid: u32,
    /// Home directory.
    pub(crate) home: &'static str,
}

/// The user as whom everything is tested.
pub(crate) const TEST_USER: TestUser =
    TestUser { name: "bathysphere-test", uid: 4242, home: "/home/bathysphere-test" };

/// Packages by the program or file that shows them to be installed.
const PACKAGES: &[(&str, &str)] = &[
    ("/usr/bin/bwrap", "bubblewrap"),
    ("/usr/bin/crun", "crun"),
    ("/usr/bin/mmdebstrap", "mmdebstrap"),
    ("/usr/share/keyrings/debian-archive-keyring.gpg", "debian-archive-keyring"),
    ("/usr/bin/Xvfb", "xvfb"),
    ("/usr/bin/xauth", "xauth"),
    ("/usr/bin/xterm", "xterm"),
    ("/usr/bin/import", "imagemagick"),
    ("/usr/bin/xdotool", "xdotool"),
    ("/usr/bin/dbus-daemon", "dbus"),
    ("/usr/bin/strace", "strace"),
    ("/usr/bin/hyperfine", "hyperfine"),
    ("/usr/bin/time", "time"),
    ("/usr/bin/setpriv", "util-linux"),
    ("/usr/bin/glxinfo", "mesa-utils"),
    ("/usr/bin/vulkaninfo", "vulkan-tools"),
    ("/usr/share/vulkan/icd.d/lvp_icd.x86_64.json", "mesa-vulkan-drivers"),
    ("/usr/lib/x86_64-linux-gnu/dri/swrast_dri.so", "libgl1-mesa-dri"),
    ("/usr/bin/vdpauinfo", "vdpauinfo"),
    ("/usr/lib/x86_64-linux-gnu/vdpau/libvdpau_radeonsi.so", "mesa-vdpau-drivers"),
    ("/usr/lib/x86_64-linux-gnu/mangohud/libMangoHud.so", "mangohud"),
    ("/usr/lib/x86_64-linux-gnu/libgamemodeauto.so.0", "libgamemodeauto0"),
    ("/usr/lib/x86_64-linux-gnu/libgamemode.so.0", "libgamemode0"),
    ("/usr/lib/x86_64-linux-gnu/libeatmydata.so", "libeatmydata1"),
    ("/usr/bin/cc", "gcc"),
    ("/usr/bin/qemu-aarch64", "qemu-user"),
    ("/usr/bin/qemu-system-aarch64", "qemu-system-arm"),
    ("/sbin/depmod", "kmod"),
    ("/usr/bin/mksquashfs", "squashfs-tools"),
    ("/usr/bin/squashfuse", "squashfuse"),
    ("/usr/bin/fusermount3", "fuse3"),
    ("/usr/bin/man", "man-db"),
    ("/usr/bin/mandoc", "mandoc"),
    ("/usr/bin/zsh", "zsh"),
    ("/usr/bin/fish", "fish"),
    ("/usr/lib/python3/dist-packages/vdf", "python3-vdf"),
    ("/usr/bin/localedef", "libc-bin"),
    ("/usr/share/i18n/SUPPORTED", "locales"),
    ("/usr/bin/ps", "procps"),
    ("/lib/systemd/systemd", "systemd"),
    ("/usr/lib/python3/dist-packages/gi", "python3-gi"),
];

/// Compiler targets of the static binaries.
pub(crate) const TARGETS: &[&str] =
    &["x86_64-unknown-linux-musl", "i686-unknown-linux-musl", "aarch64-unknown-linux-musl"];

/// Brings the machine to where everything can be built and tested; quick when it is there already.
pub(crate) fn run() -> Result<()> {
    packages()?;
    fuse()?;
    targets()?;
    test_user()?;
    control_group()
}

fn packages() -> Result<()> {
    let missing: Vec<&str> = PACKAGES
        .iter()
        .filter(|(file, _)| !std::path::Path::new(file).exists())
        .map(|(_, package)| *package)
        .collect();
    if missing.is_empty() {
        note("packages: all there");
        return Ok(());
    }
    step(&format!("installing {}", missing.join(" ")), || {
        privileged("apt-get", &["update", "-q"])?;
        let mut arguments = vec!["install", "-q", "-y", "--no-install-recommends"];
        arguments.extend(missing);
        privileged("apt-get", &arguments)
    })
}

/// Lets users open the device of FUSE where no udev has done that.
fn fuse() -> Result<()> {
    const DEVICE: &str = "/dev/fuse";
    let mode = std::fs::metadata(DEVICE).context("looking at /dev/fuse").map_err(|problem| {
        problem.hint("the kernel needs FUSE, perhaps as a module: modprobe fuse")
    })?;
    if mode.permissions().mode() & 0o666 == 0o666 {
        return Ok(());
    }
    step("letting users open /dev/fuse", || privileged("chmod", &["666", DEVICE]))
}

/// Gives the test user a control group in systemd's hierarchy, where that has version 1: only so can an
/// ordinary user start an instance of systemd without being logged in.
fn control_group() -> Result<()> {
    use std::os::unix::fs::MetadataExt;
    const HIERARCHY: &str = "/sys/fs/cgroup/systemd";
    const GROUP: &str = "/sys/fs/cgroup/systemd/bathysphere-test";
    const PROCESSES: &str = "/sys/fs/cgroup/systemd/bathysphere-test/cgroup.procs";
    if std::fs::metadata(HIERARCHY).is_err() {
        note("control group: none, systemd has no hierarchy of its own here");
        return Ok(());
    }
    if std::fs::metadata(PROCESSES).is_ok_and(|found| found.uid() == TEST_USER.uid) {
        note("control group: there");
        return Ok(());
    }
    step("making a control group for the test user", || {
        privileged("mkdir", &["-p", GROUP])?;
        privileged("chown", &[TEST_USER.name, GROUP, PROCESSES])
    })
}

fn targets() -> Result<()> {
    let output = Command::new("rustup").args(["target", "list", "--installed"]).output();
    let output = output.context("starting rustup").map_err(|problem| {
        problem.hint("install Rust with rustup, which has the standard library for musl targets")
    })?;
    let installed = String::from_utf8_lossy(&output.stdout).into_owned();
    let missing: Vec<&str> =
        TARGETS.iter().copied().filter(|t| installed.lines().all(|line| line != *t)).collect();
    if missing.is_empty() {
        note("compiler targets: all there");
        return Ok(());
    }
    step(&format!("adding compiler targets {}", missing.join(" ")), || {
        let mut rustup = Command::new("rustup");
        succeed(rustup.args(["target", "add"]).args(missing))
    })
}

fn test_user() -> Result<()> {
    let TestUser { name, uid, home } = TEST_USER;
    let output = Command::new("getent").args(["passwd", name]).output();
    let entry = String::from_utf8_lossy(&output.context("starting getent")?.stdout).into_owned();
    let uid_text = uid.to_string();
    match entry.split(':').nth(2) {
        Some(found) if found == uid_text => {
            note(&format!("user {name}: there"));
            Ok(())
        }
        Some(found) => {
            let problem =
                Problem::new(format!("the user {name} has the number {found}, not {uid}"));
            Err(problem.hint(format!("remove it with `userdel --remove {name}` and try again")))
        }
        None => step(&format!("creating the user {name}"), || {
            privileged("groupadd", &["--force", "--gid", &uid_text, name])?;
            let about = "Bathysphere test user";
            privileged(
                "useradd",
                &[
                    "-u",
                    &uid_text,
                    "-g",
                    name,
                    "-m",
                    "-d",
                    home,
                    "-s",
                    "/bin/bash",
                    "-c",
                    about,
                    name,
                ],
            )
        }),
    }
}

/// Runs a command as root, through sudo where this process is not root's.
fn privileged(program: &str, arguments: &[&str]) -> Result<()> {
    let mut command = if is_root() {
        let mut command = Command::new(program);
        command.env("DEBIAN_FRONTEND", "noninteractive");
        command
    } else {
        let mut command = Command::new("sudo");
        command.args(["DEBIAN_FRONTEND=noninteractive", program]);
        command
    };
    let line = format!("{program} {}", arguments.join(" "));
    succeed(command.args(arguments))
        .map_err(|problem| problem.hint(format!("as root, run `{line}`, then try again")))
}

fn succeed(command: &mut Command) -> Result<()> {
    let program = command.get_program().to_string_lossy().into_owned();
    let status = command.status().context(format!("starting {program}"))?;
    if status.success() {
        Ok(())
    } else {
        Err(Problem::new(format!("{program} failed ({status})")))
    }
}

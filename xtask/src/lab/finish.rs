//! What package scripts would have done, as far as a game or a launcher can tell.

use std::fs;
use std::os::unix::fs::symlink;
use std::path::Path;
use std::process::Command;

use super::recipe::System;
use crate::error::{Context, Result};
use crate::process;
use crate::setup::TEST_USER;

/// A machine identity, the same in every root so that tests can compare.
const MACHINE_ID: &str = "ba7495f3e0b24d0c8a5c1d2e3f405162\n";

/// Commands run in the root when their program is there; each leaves a cache that a configured system has.
const CACHES: &[&[&str]] = &[
    &["/sbin/ldconfig"],
    &["/usr/bin/glib-compile-schemas", "/usr/share/glib-2.0/schemas"],
    &["/usr/lib/x86_64-linux-gnu/gdk-pixbuf-2.0/gdk-pixbuf-query-loaders", "--update-cache"],
    &["/usr/lib/i386-linux-gnu/gdk-pixbuf-2.0/gdk-pixbuf-query-loaders", "--update-cache"],
    &["/usr/bin/fc-cache", "--system-only"],
];

/// Locales generated in a host, so that more than `C.UTF-8` can be asked for.
const LOCALES: &[&str] = &["en_US", "de_DE"];

/// Directories of a system that some release's packages leave to their scripts; the user's home is also a mount point.
const DIRECTORIES: &[&str] = &[
    "home/bathysphere-test",
    "media",
    "mnt",
    "opt/bathysphere",
    "proc",
    "root",
    "run",
    "srv",
    "sys",
    "var/tmp",
];

/// Completes an unpacked system.
pub(super) fn system(system: &System, root: &Path) -> Result<()> {
    for name in DIRECTORIES {
        fs::create_dir_all(root.join(name)).at("creating", root.join(name))?;
    }
    accounts(root)?;
    if root.join("usr/bin/mawk").exists() {
        replace_link(root, "usr/bin/awk", "mawk")?;
    }
    certificates(root)?;
    if system.is_native() {
        for command in CACHES {
            if root.join(&command[0][1..]).exists() {
                in_root(root, command)?;
            }
        }
    } else {
        linker_cache(root)?;
    }
    if system.host {
        host(root)?;
        if system.is_native() {
            locales(root)?;
        }
    }
    Ok(())
}

/// The linker's cache of a system, made by this machine's `ldconfig`: it knows libraries of other architectures.
pub(super) fn linker_cache(root: &Path) -> Result<()> {
    let old = root.join("etc/ld.so.cache");
    // A tree of hard links must not be written through.
    if old.exists() {
        fs::remove_file(&old).at("removing", &old)?;
    }
    process::output(Command::new("/sbin/ldconfig").arg("-X").arg("-r").arg(root)).map(drop)?;
    // Its notes of what it has seen, by inode, which are another tree's.
    let notes = root.join("var/cache/ldconfig");
    if notes.exists() {
        fs::remove_dir_all(&notes).at("removing", &notes)?;
    }
    Ok(())
}

/// Users, groups, and how they are looked up.
fn accounts(root: &Path) -> Result<()> {
    let (name, uid, home) = (TEST_USER.name, TEST_USER.uid, TEST_USER.home);
    let masters = root.join("usr/share/base-passwd");
    let passwd = read(&masters.join("passwd.master"))?;
    let user = format!("{name}:x:{uid}:{uid}:Bathysphere test user,,,:{home}:/bin/bash\n");
    write(root, "etc/passwd", &passwd.replace(":*:", ":x:"), &user)?;
    let group = read(&masters.join("group.master"))?;
    write(root, "etc/group", &group.replace(":*:", ":x:"), &format!("{name}:x:{uid}:\n"))?;
    let switch = "passwd: files\ngroup: files\nhosts: files dns\nservices: files\n";
    write(root, "etc/nsswitch.conf", switch, "")
}

/// The bundle of certificate authorities that TLS libraries read.
fn certificates(root: &Path) -> Result<()> {
    let authorities = root.join("usr/share/ca-certificates/mozilla");
    let Ok(entries) = fs::read_dir(&authorities) else { return Ok(()) };
    let mut paths = Vec::new();
    for entry in entries {
        paths.push(entry.at("reading", &authorities)?.path());
    }
    paths.sort();
    let bundle: Result<String> = paths.iter().map(|path| read(path)).collect();
    write(root, "etc/ssl/certs/ca-certificates.crt", &bundle?, "")
}

/// What only a machine has: a name, an identity, a time zone.
fn host(root: &Path) -> Result<()> {
    // Where the laboratory is shown in a host. A runtime must not have it: what is shared below a
    // directory of the runtime has nothing to be mounted on.
    let laboratory = root.join("var/cache/bathysphere/lab");
    fs::create_dir_all(&laboratory).at("creating", &laboratory)?;
    write(root, "etc/hostname", "lab\n", "")?;
    write(root, "etc/hosts", "127.0.0.1 localhost lab\n::1 localhost\n", "")?;
    write(root, "etc/machine-id", MACHINE_ID, "")?;
    write(root, "etc/resolv.conf", "nameserver 127.0.0.1\n", "")?;
    write(root, "etc/timezone", "Europe/Berlin\n", "")?;
    replace_link(root, "etc/localtime", "/usr/share/zoneinfo/Europe/Berlin")
}

/// Locales, made by the system's own program.
fn locales(root: &Path) -> Result<()> {
    if !root.join("usr/share/i18n/locales").exists() {
        return Ok(());
    }
    for locale in LOCALES {
        in_root(
            root,
            &["/usr/bin/localedef", "-i", locale, "-f", "UTF-8", &format!("{locale}.UTF-8")],
        )?;
    }
    Ok(())
}

/// Runs a command with `root` as its root directory.
fn in_root(root: &Path, command: &[&str]) -> Result<()> {
    let mut chroot = Command::new("chroot");
    chroot.arg(root).args(command).env_clear();
    chroot.env("PATH", "/usr/sbin:/usr/bin:/sbin:/bin").env("LC_ALL", "C.UTF-8");
    process::output(&mut chroot).map(drop)
}

fn read(path: &Path) -> Result<String> {
    fs::read_to_string(path).at("reading", path)
}

/// Writes a file of the root, its directory included.
fn write(root: &Path, name: &str, content: &str, more: &str) -> Result<()> {
    let path = root.join(name);
    if let Some(parent) = path.parent() {
        fs::create_dir_all(parent).at("creating", parent)?;
    }
    fs::write(&path, format!("{content}{more}")).at("writing", &path)
}

/// Makes `name` a link, whatever it was.
fn replace_link(root: &Path, name: &str, target: &str) -> Result<()> {
    let path = root.join(name);
    if path.symlink_metadata().is_ok() {
        fs::remove_file(&path).at("removing", &path)?;
    }
    symlink(target, &path).at("linking", &path)
}

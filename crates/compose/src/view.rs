//! A root shown whole, for reading, at another place of the container: the host at `/run/host`, a
//! graphics provider at `/run/gfx`.
//!
//! Its own mixture of directories and links beside `usr` is kept. An absolute link would leave the
//! place where it is shown, so it is made relative. Shown are `usr`, `bin`, `sbin`, `lib*` and `etc`.

use crate::approach::relative_link;
use crate::draft::{Draft, is_directory};
use crate::facts::Facts;
use inspect::root::{Resolved, Root, TopLevel};
use plan::{Access, ByteString, ContainerPath, RootPath};
use std::os::unix::ffi::OsStrExt;

/// Shows the root's system directories at `at`. Whose they are is said as in "the host's".
pub(crate) fn show(root: &Root, at: &ContainerPath, whose: &str, draft: &mut Draft) {
    if let Some(usr) = root.find(&RootPath::literal("/usr")).filter(is_directory) {
        draft.bind(&usr, at.at("usr"), Access::ReadOnly, &format!("{whose} /usr"));
    }
    for (name, what) in root.layout().top {
        let (Ok(path), Ok(place)) = (RootPath::root().join(&name), at.join(&name)) else {
            continue;
        };
        match what {
            TopLevel::Link(text) => {
                let text = relative_link(&path, text.as_bytes());
                draft.symlink(place, text, &format!("{whose} {path}"));
            }
            TopLevel::Directory => {
                if let Some(found) = root.find(&path) {
                    draft.bind(&found, place, Access::ReadOnly, &format!("{whose} {path}"));
                }
            }
            TopLevel::Other => {}
        }
    }
}

/// Shows the root's `/etc` at `at`.
pub(crate) fn show_etc(root: &Root, at: &ContainerPath, whose: &str, draft: &mut Draft) {
    if let Some(etc) = root.find(&RootPath::literal("/etc")).filter(is_directory) {
        draft.bind(&etc, at.at("etc"), Access::ReadOnly, &format!("{whose} /etc"));
    }
}

/// What every container has at `/run/host`: the host's system, and who runs the container.
pub(crate) fn host(facts: &Facts, draft: &mut Draft) {
    let at = ContainerPath::literal("/run/host");
    show(&facts.host, &at, "the host's", draft);
    show_etc(&facts.host, &at, "the host's", draft);
    let releases = ["/etc/os-release", "/usr/lib/os-release"];
    let release = releases.iter().find_map(|p| facts.host.find(&RootPath::literal(p)));
    if let Some(release) = release {
        draft.bind_optional(
            &release,
            at.at("os-release"),
            Access::ReadOnly,
            "which system the host is",
        );
    }
    let name = ByteString::from("pressure-vessel\n");
    draft.file(at.at("container-manager"), name, 0o444, "the kind of container");
}

/// Where a graphics provider other than the host is shown.
pub(crate) const PROVIDER: &str = "/run/gfx";

/// The same, by its newer name.
const ALIAS: &str = "/var/pressure-vessel/gfx";

/// Shows a graphics provider, in both views where there are two: the main one at `/run/gfx`, that of one
/// architecture below it.
pub(crate) fn provider(root: &Root, mount: &ContainerPath, draft: &mut Draft) {
    let mut places = vec![mount.clone()];
    if draft.has_interpreter_root()
        && let Ok(inside) = RootPath::new(mount.as_path())
    {
        places.push(draft.place(&inside));
    }
    for place in places {
        if *mount == ContainerPath::literal(PROVIDER) {
            main_provider(root, &place, draft);
        } else {
            show(root, &place, "a graphics provider's", draft);
            show_etc(root, &place, "a graphics provider's", draft);
        }
    }
}

/// Shows the main graphics provider at `main` below `base`, and its members by links beside that: a
/// read-only bind cannot gain entries later, and both `/run/gfx/usr` and `/run/gfx/main/usr` must be
/// true.
fn main_provider(root: &Root, base: &ContainerPath, draft: &mut Draft) {
    let main = base.at("main");
    show(root, &main, "the graphics provider's", draft);
    show_etc(root, &main, "the graphics provider's", draft);
    let why = "the graphics provider, as /run/gfx";
    draft.symlink(base.at("usr"), "main/usr", why);
    if root.find(&RootPath::literal("/etc")).as_ref().is_some_and(is_directory) {
        draft.symlink(base.at("etc"), "main/etc", why);
    }
    for (name, what) in root.layout().top {
        let (Ok(path), Ok(place)) = (RootPath::root().join(&name), base.join(&name)) else {
            continue;
        };
        let text = match what {
            TopLevel::Link(text) => relative_link(&path, text.as_bytes()),
            TopLevel::Directory => {
                let mut text = b"main/".to_vec();
                text.extend_from_slice(name.as_bytes());
                text.into()
            }
            TopLevel::Other => continue,
        };
        draft.symlink(place, text, why);
    }
    let alias = match base.below(&draft.place(&RootPath::root())) {
        Some(_) => draft.place(&RootPath::literal(ALIAS)),
        None => ContainerPath::literal(ALIAS),
    };
    draft.symlink(alias, "../../run/gfx", "the same, by its newer name");
}

/// `/dev`, `/proc`, `/sys`, and the container's own directory in `/run`.
pub(crate) fn kernel(facts: &Facts, writable_sys: bool, unshare_pid: bool, draft: &mut Draft) {
    let find = |path: &str| facts.host.find(&RootPath::literal(path)).filter(is_directory);
    let at = ContainerPath::literal;
    if let Some(dev) = find("/dev") {
        draft.bind(&dev, at("/dev"), Access::Device, "the host's devices");
    }
    if unshare_pid {
        draft.push(plan::Op::Proc { at: at("/proc") }, "processes of the container");
    } else if let Some(proc) = find("/proc") {
        // A fresh procfs needs a PID namespace of our own (EPERM otherwise).
        draft.bind(&proc, at("/proc"), Access::ReadWrite, "processes of the host");
    }
    let access = if writable_sys { Access::ReadWrite } else { Access::ReadOnly };
    if let Some(sys) = find("/sys") {
        draft.bind(&sys, at("/sys"), access, "the kernel's objects");
    }
    let traced = facts.environment.get("STEAM_COMPAT_TRACING").is_some_and(|v| v == "1");
    if traced
        && !writable_sys
        && let Some(tracing) = find("/sys/kernel/tracing")
    {
        let place = at("/sys/kernel/tracing");
        draft.bind(&tracing, place, Access::ReadWrite, "STEAM_COMPAT_TRACING");
    }
    shared_memory(facts, draft);
    draft.directory(at("/run/pressure-vessel"), 0o755, "what is made for this launch");
}

/// Old systems have `/dev/shm` as a link to `/run/shm`, which would dangle.
fn shared_memory(facts: &Facts, draft: &mut Draft) {
    let link = facts.host.lookup(&RootPath::literal("/dev/shm")).ok().and_then(|f| f.link);
    let target =
        link.and_then(|text| facts.host.without_dot_dot(&RootPath::literal("/dev"), &text).ok());
    let place = RootPath::literal("/run/shm");
    if target != Some(place.clone()) {
        return;
    }
    let at = ContainerPath::literal("/run/shm");
    match facts.host.find(&place) {
        Some(shm) => {
            draft.bind(&shm, at, Access::ReadWrite, "shared memory, where /dev/shm leads");
        }
        None => draft.directory(at, 0o1777, "shared memory, where /dev/shm leads"),
    }
}

/// A file or directory of the host at the same place, if it is there.
pub(crate) fn same_place(found: &Resolved, access: Access, reason: &str, draft: &mut Draft) {
    if let Ok(at) = ContainerPath::new(found.path.as_path()) {
        draft.bind_optional(found, at, access, reason);
    }
}

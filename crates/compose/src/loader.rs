//! Where the dynamic linkers of the container find their cache.
//!
//! Distributions patch glibc to keep `ld.so.cache` in different places; the linker that is used may
//! be the runtime's or the provider's, so every known place is a link to one directory.

use crate::approach::relative_link;
use plan::{ByteString, ContainerPath, LayerEntry, RootPath};

/// The directory of the real files.
pub(crate) const DIRECTORY: &str = "/var/pressure-vessel/ldso";

/// Where older programs look for it.
pub(crate) const ALIAS: &str = "/run/pressure-vessel/ldso";

/// The alias as a link from its own directory.
pub(crate) const ALIAS_TARGET: &str = "../../var/pressure-vessel/ldso";

const CACHE: &str = "/var/pressure-vessel/ldso/ld.so.cache";
const CONF: &str = "/var/pressure-vessel/ldso/ld.so.conf";

/// Place → what it links to. Exherbo has a cache per architecture, Clear Linux one in `/var`,
/// Solus its configuration in `/usr`.
pub(crate) const LINKS: &[(&str, &str)] = &[
    ("/etc/ld-aarch64-unknown-linux-gnueabi.cache", CACHE),
    ("/etc/ld-i686-pc-linux-gnu.cache", CACHE),
    ("/etc/ld-x86_64-pc-linux-gnu.cache", CACHE),
    ("/etc/ld.so.cache", CACHE),
    ("/etc/ld.so.conf", CONF),
    ("/usr/share/defaults/etc/ld.so.conf", CONF),
    ("/var/cache/ldconfig/ld.so.cache", CACHE),
];

/// The text of a link at `path` to `target`. Below an interpreter root it is relative: some emulators
/// resolve an absolute one inside their root (FEX), some outside (qemu-user).
pub(crate) fn text(path: &str, target: &str, relative: bool) -> ByteString {
    if relative {
        relative_link(&RootPath::literal(path), target.as_bytes())
    } else {
        target.into()
    }
}

/// The directory's area: what the container's linkers use.
pub(crate) fn area(at: ContainerPath, cache: Vec<u8>, conf: Vec<u8>) -> crate::area::Area {
    let mut area = crate::area::Area::new(at, None, "cache and configuration of ld.so");
    for (name, content) in [("/ld.so.cache", cache), ("/ld.so.conf", conf)] {
        let entry = LayerEntry::file(content.into());
        area.put(RootPath::literal(name), entry);
    }
    area
}

//! Where the container has what is in a root.

use super::Export;
use inspect::root::Root;
use plan::{ContainerPath, HostPath, RootPath};
use std::collections::BTreeSet;
use std::os::unix::ffi::OsStrExt;

/// Directories at the top of a provider, beside `lib*`, that its mount in the container has.
const SHOWN: &[&str] = &["usr", "bin", "sbin", "etc"];

/// Stores whose files refer to each other by absolute paths: they are shared as a whole.
const STORES: &[&str] = &["/nix/store", "/gnu/store"];

/// Translates paths of the provider to paths of the container, and remembers what must be shared for
/// them to be there.
pub(crate) struct Places<'a> {
    provider: &'a Root,
    mount: &'a ContainerPath,
    host: &'a Root,
    exports: BTreeSet<Export>,
}

impl<'a> Places<'a> {
    pub(crate) fn new(provider: &'a Root, mount: &'a ContainerPath, host: &'a Root) -> Self {
        Self { provider, mount, host, exports: BTreeSet::new() }
    }

    /// Whether the provider is the host.
    pub(crate) fn provider_is_host(&self) -> bool {
        self.provider.path() == self.host.path()
    }

    /// Whether the provider's mount in the container has this path, which is free of links.
    pub(crate) fn is_mounted(path: &RootPath) -> bool {
        let top = path.relative().components().next().map(|c| c.as_os_str().as_bytes());
        top.is_some_and(|top| {
            SHOWN.iter().any(|s| s.as_bytes() == top)
                || (top.starts_with(b"lib") && top != b"libexec")
        })
    }

    /// Where the container has a file of the provider. `path` is free of links. What the provider's
    /// mount does not have is noted as to be shared.
    pub(crate) fn provider(&mut self, path: &RootPath) -> ContainerPath {
        if Self::is_mounted(path) {
            return self.mount.lexically(path);
        }
        if self.provider_is_host() {
            return self.host(path);
        }
        let unit = unit(path);
        let at = self.mount.lexically(&unit);
        self.exports.insert(Export { source: self.provider.path().lexically(&unit), at });
        self.mount.lexically(path)
    }

    /// Where the container has a file of the host that is none of the provider: at its own place.
    pub(crate) fn host(&mut self, path: &RootPath) -> ContainerPath {
        let unit = unit(path);
        let at = ContainerPath::root().lexically(&unit);
        self.exports.insert(Export { source: self.host.path().lexically(&unit), at });
        ContainerPath::root().lexically(path)
    }

    /// Notes that a directory of the provider is to be seen at its own place.
    pub(crate) fn share_in_place(&mut self, directory: &RootPath, source: &HostPath) {
        let at = ContainerPath::root().lexically(directory);
        self.exports.insert(Export { source: source.clone(), at });
    }

    /// Everything noted, sorted.
    pub(crate) fn into_exports(self) -> Vec<Export> {
        self.exports.into_iter().collect()
    }
}

/// What is shared for the sake of one file: its directory, where neighbours may be that it loads.
fn unit(path: &RootPath) -> RootPath {
    for store in STORES {
        let store = RootPath::literal(store);
        if path.is_within(&store) {
            return store;
        }
    }
    match path.parent() {
        Some(parent) if parent != RootPath::root() => parent,
        _ => path.clone(),
    }
}

/// The place in the runtime at which `path` is to be replaced: its directories free of the runtime's
/// links as far as they exist; the last component is taken as it is.
pub(crate) fn position(runtime: &Root, path: &RootPath) -> RootPath {
    let mut missing = vec![];
    let mut directory = path.clone();
    while let Some(name) = directory.file_name().map(ToOwned::to_owned) {
        missing.push(name);
        directory = directory.parent().unwrap_or_else(RootPath::root);
        if let Some(found) = runtime.find(&directory) {
            directory = found.path;
            break;
        }
    }
    // The names come from a valid path, so that joining them cannot fail.
    missing.iter().rev().fold(directory, |at, name| at.join(name).unwrap_or(at))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_the_mount_has() {
        for (path, want) in [
            ("/usr/lib/x", true),
            ("/lib/x", true),
            ("/lib64/x", true),
            ("/libx32/x", true),
            ("/etc/alternatives/x", true),
            ("/libexec/x", false),
            ("/opt/x/y", false),
            ("/usrx", false),
        ] {
            assert_eq!(Places::is_mounted(&RootPath::literal(path)), want, "{path}");
        }
    }

    #[test]
    fn what_is_shared_for_a_file() {
        for (path, want) in [
            ("/nix/store/abc-mesa/lib/libGL.so", "/nix/store"),
            ("/opt/mesa/lib/libGL.so", "/opt/mesa/lib"),
            ("/odd.so", "/odd.so"),
        ] {
            assert_eq!(unit(&RootPath::literal(path)), RootPath::literal(want), "{path}");
        }
    }
}

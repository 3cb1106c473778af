//! Paths that the container uses for itself.

use plan::RootPath;

/// Never shared at their own place, nor any directory that contains one of them. The list is that of
/// pressure-vessel since 0.20240422, and `/sys`.
const RESERVED: &[&str] = &[
    "/.flatpak-info",
    "/app",
    "/bin",
    "/dev",
    "/etc",
    "/lib",
    "/lib32",
    "/lib64",
    "/overrides",
    "/proc",
    "/run/flatpak",
    "/run/gfx",
    "/run/host",
    "/run/interpreter-host",
    "/run/parent",
    "/run/pressure-vessel",
    "/sbin",
    "/sys",
    "/usr",
    "/var/cache/ldconfig",
    "/var/lib/dbus",
    "/var/pressure-vessel",
    "/var/run",
];

/// Further directories that a runtime may have at its top (the other ABIs' `lib` directories).
const RUNTIME_TOP: &[&[u8]] = &[b"libx32", b"libo32", b"libn32", b"libilp32"];

/// Why `path` cannot be shared; `None` when it can.
pub(crate) fn why(path: &RootPath) -> Option<String> {
    if *path == RootPath::root() {
        return Some("it is the container's own root directory".into());
    }
    for reserved in RESERVED {
        let reserved = RootPath::literal(reserved);
        if path.is_within(&reserved) {
            return Some(format!("`{reserved}` is the container's own"));
        }
        if reserved.is_within(path) {
            return Some(format!("it contains `{reserved}`, which is the container's own"));
        }
    }
    let top = path.as_bytes()[1..].split(|b| *b == b'/').next().unwrap_or_default();
    RUNTIME_TOP.contains(&top).then(|| "that directory is the runtime's".into())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reserved_paths() {
        for path in
            ["/", "/usr", "/usr/share/games", "/run", "/var", "/var/lib", "/libx32", "/dev/x"]
        {
            assert!(why(&RootPath::literal(path)).is_some(), "{path}");
        }
        for path in ["/opt", "/home", "/run/media", "/var/tmp", "/library", "/libexec", "/usrlocal"]
        {
            assert_eq!(why(&RootPath::literal(path)), None, "{path}");
        }
    }
}

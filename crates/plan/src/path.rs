//! Paths of different worlds have different types.
//!
//! The same text can name three files: one on the host, one in the container, one in a root (a
//! runtime, a graphics provider, an emulator's tree). [`HostPath`], [`ContainerPath`] and
//! [`RootPath`] keep them apart; the few methods that lead from one world to another say which.
//!
//! All three are absolute, and lexically normal: no `.`, no empty component, no trailing slash.
//! `..` is allowed in none but [`HostPath`], where removing it would change the meaning when the
//! component before it is a symbolic link.

use crate::bytes::{self, Escaped};
use serde::{Deserialize, Deserializer, Serialize, Serializer};
use std::cmp::Ordering;
use std::ffi::OsStr;
use std::fmt;
use std::hash::{Hash, Hasher};
use std::os::unix::ffi::{OsStrExt, OsStringExt};
use std::path::{Path, PathBuf};

/// Why bytes are not a path of the wanted kind.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum PathError {
    /// It does not start with `/`.
    NotAbsolute(PathBuf),
    /// It contains a `..` component, where those are not allowed.
    DotDot(PathBuf),
    /// It contains a NUL byte, which no path of the kernel can.
    Nul(PathBuf),
}

impl fmt::Display for PathError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (path, what) = match self {
            Self::NotAbsolute(p) => (p, "is not an absolute path"),
            Self::DotDot(p) => (p, "contains `..`"),
            Self::Nul(p) => (p, "contains a NUL byte"),
        };
        write!(f, "`{}` {what}", Escaped(path.as_os_str().as_bytes()))
    }
}

impl std::error::Error for PathError {}

/// Normalises lexically: one slash between components, no `.`.
fn normal(path: &Path, dot_dot: bool) -> Result<PathBuf, PathError> {
    let raw = path.as_os_str().as_bytes();
    if raw.contains(&0) {
        return Err(PathError::Nul(path.into()));
    }
    if raw.first() != Some(&b'/') {
        return Err(PathError::NotAbsolute(path.into()));
    }
    let mut out = Vec::with_capacity(raw.len());
    for component in raw.split(|b| *b == b'/') {
        match component {
            b"" | b"." => {}
            b".." if !dot_dot => return Err(PathError::DotDot(path.into())),
            _ => {
                out.push(b'/');
                out.extend_from_slice(component);
            }
        }
    }
    if out.is_empty() {
        out.push(b'/');
    }
    Ok(PathBuf::from(std::ffi::OsString::from_vec(out)))
}

/// The order of normal paths, component by component: what is below a directory comes right after it,
/// before siblings whose names begin with its name.
fn compare(a: &[u8], b: &[u8]) -> Ordering {
    let rank = |byte: u8| if byte == b'/' { 0 } else { byte };
    match a.iter().zip(b).find(|(x, y)| x != y) {
        Some((x, y)) => rank(*x).cmp(&rank(*y)),
        None => a.len().cmp(&b.len()),
    }
}

/// What remains of the normal path `path` below `base`, without a leading slash.
fn tail<'p>(path: &'p [u8], base: &[u8]) -> Option<&'p [u8]> {
    let base: &[u8] = if base == b"/" { b"" } else { base };
    match path.strip_prefix(base)? {
        [] => Some(b""),
        [b'/', rest @ ..] => Some(rest),
        _ => None,
    }
}

macro_rules! world {
    ($(#[$doc:meta])* $name:ident, dot_dot: $dot_dot:literal) => {
        $(#[$doc])*
        #[derive(Clone)]
        pub struct $name(PathBuf);

        // By bytes: these paths are normal, and comparing component by component, as the standard
        // library must for any path, took a fifth of the time of a warm launch.
        impl PartialEq for $name {
            fn eq(&self, other: &Self) -> bool {
                self.as_bytes() == other.as_bytes()
            }
        }

        impl Eq for $name {}

        impl Ord for $name {
            fn cmp(&self, other: &Self) -> Ordering {
                compare(self.as_bytes(), other.as_bytes())
            }
        }

        impl PartialOrd for $name {
            fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
                Some(self.cmp(other))
            }
        }

        impl Hash for $name {
            fn hash<H: Hasher>(&self, state: &mut H) {
                self.as_bytes().hash(state);
            }
        }

        impl $name {
            /// Checks and normalises `path`.
            ///
            /// # Errors
            /// When it is relative, contains a NUL byte, or a `..` that this world does not allow.
            pub fn new(path: impl AsRef<Path>) -> Result<Self, PathError> {
                normal(path.as_ref(), $dot_dot).map(Self)
            }

            /// The root directory of this world.
            pub fn root() -> Self {
                Self(PathBuf::from("/"))
            }

            /// For paths written in the source.
            ///
            /// # Panics
            /// When `path` is not a valid path of this world: a mistake in the source.
            #[track_caller]
            pub fn literal(path: &str) -> Self {
                match Self::new(path) {
                    Ok(p) => p,
                    Err(e) => panic!("{e}"),
                }
            }

            /// The path for the file-system functions of this world.
            pub fn as_path(&self) -> &Path {
                &self.0
            }

            /// The bytes of the path.
            pub fn as_bytes(&self) -> &[u8] {
                self.0.as_os_str().as_bytes()
            }

            /// The path without its leading slash; empty for the root.
            pub fn relative(&self) -> &Path {
                Path::new(OsStr::from_bytes(&self.as_bytes()[1..]))
            }

            /// Appends `tail`, which is taken as relative even where it starts with a slash.
            ///
            /// # Errors
            /// As [`Self::new`].
            pub fn join(&self, tail: impl AsRef<Path>) -> Result<Self, PathError> {
                if let Some(child) = self.child(tail.as_ref().as_os_str().as_bytes()) {
                    return Ok(child);
                }
                let mut whole = self.as_bytes().to_vec();
                whole.push(b'/');
                whole.extend_from_slice(tail.as_ref().as_os_str().as_bytes());
                Self::new(Path::new(OsStr::from_bytes(&whole)))
            }

            /// Appends one name; `None` for bytes that are no name. Path look-up does this for every
            /// component, and need not make the rest normal again.
            pub fn child(&self, name: &[u8]) -> Option<Self> {
                if matches!(name, b"" | b"." | b"..") || name.iter().any(|b| matches!(b, b'/' | 0)) {
                    return None;
                }
                let base = if self.as_bytes() == b"/" { b"" } else { self.as_bytes() };
                let whole = [base, b"/", name].concat();
                Some(Self(PathBuf::from(std::ffi::OsString::from_vec(whole))))
            }

            /// Appends a tail written in the source.
            ///
            /// # Panics
            /// When `tail` has a `..` or NUL byte: a mistake in the source.
            #[track_caller]
            pub fn at(&self, tail: &str) -> Self {
                match self.join(tail) {
                    Ok(p) => p,
                    Err(e) => panic!("{e}"),
                }
            }

            /// The directory that contains this path; `None` for the root.
            pub fn parent(&self) -> Option<Self> {
                self.0.parent().map(|p| Self(p.into()))
            }

            /// The last component; `None` for the root.
            pub fn file_name(&self) -> Option<&OsStr> {
                self.0.file_name()
            }

            /// Whether this is `base` or lies below it, component by component.
            pub fn is_within(&self, base: &Self) -> bool {
                tail(self.as_bytes(), base.as_bytes()).is_some()
            }

            /// What remains below `base`; `None` when this is not within it.
            pub fn below(&self, base: &Self) -> Option<&Path> {
                tail(self.as_bytes(), base.as_bytes()).map(|t| Path::new(OsStr::from_bytes(t)))
            }
        }

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                write!(f, "{}", Escaped(self.as_bytes()))
            }
        }

        impl fmt::Debug for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                write!(f, "{self}")
            }
        }

        impl Serialize for $name {
            fn serialize<S: Serializer>(&self, s: S) -> Result<S::Ok, S::Error> {
                bytes::serialize(self.as_bytes(), s)
            }
        }

        impl<'de> Deserialize<'de> for $name {
            fn deserialize<D: Deserializer<'de>>(d: D) -> Result<Self, D::Error> {
                let raw = bytes::deserialize(d)?;
                Self::new(OsStr::from_bytes(&raw)).map_err(serde::de::Error::custom)
            }
        }
    };
}

world!(
    /// A path as the launcher, a process of the host, sees it. May contain `..`.
    HostPath,
    dot_dot: true
);
world!(
    /// A path as a native process in the container will see it.
    ContainerPath,
    dot_dot: false
);
world!(
    /// A path inside a root (runtime, graphics provider, emulator rootfs), as a process with that
    /// root as its `/` would see it.
    RootPath,
    dot_dot: false
);

/// `base` + `inner`, both normal, without a doubled or trailing slash.
fn appended(base: &Path, inner: &RootPath) -> PathBuf {
    if inner.0 == Path::new("/") { base.into() } else { base.join(inner.relative()) }
}

impl HostPath {
    /// Where the host keeps `inner` of the root at this path, lexically: symbolic links inside the
    /// root are not resolved, so this is right only for a path that has already been resolved.
    pub fn lexically(&self, inner: &RootPath) -> HostPath {
        HostPath(appended(&self.0, inner))
    }

    /// The same text in the container, for things shared at their own place.
    ///
    /// # Errors
    /// When the path contains `..`.
    pub fn same_in_container(&self) -> Result<ContainerPath, PathError> {
        ContainerPath::new(&self.0)
    }
}

impl ContainerPath {
    /// Where the container shows `inner` of a root that is mounted at this path, lexically.
    pub fn lexically(&self, inner: &RootPath) -> ContainerPath {
        ContainerPath(appended(&self.0, inner))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn normalises() {
        for (raw, want) in [
            ("/", "/"),
            ("//", "/"),
            ("/a//b/./c/", "/a/b/c"),
            ("/.", "/"),
            ("/with space", "/with space"),
        ] {
            assert_eq!(ContainerPath::new(raw).unwrap().as_path(), Path::new(want), "{raw}");
        }
        assert_eq!(ContainerPath::new("a"), Err(PathError::NotAbsolute("a".into())));
        assert_eq!(ContainerPath::new("/a/.."), Err(PathError::DotDot("/a/..".into())));
        assert_eq!(HostPath::new("/a/../b").unwrap().as_path(), Path::new("/a/../b"));
        assert!(matches!(HostPath::new("/a\0"), Err(PathError::Nul(_))));
    }

    /// As the standard library compares, which is right and slow.
    #[test]
    fn compares_as_components() {
        let names = ["/", "/a", "/a/b", "/a-b", "/a-b/c", "/a.b", "/ab", "/a/b/c", "/b", "/a\u{1}"];
        for a in names {
            for b in names {
                let (x, y) = (RootPath::literal(a), RootPath::literal(b));
                assert_eq!(x.cmp(&y), Path::new(a).cmp(Path::new(b)), "{a} {b}");
                assert_eq!(x == y, a == b);
                assert_eq!(x.is_within(&y), Path::new(a).starts_with(b), "{a} {b}");
                assert_eq!(x.below(&y), Path::new(a).strip_prefix(b).ok(), "{a} {b}");
            }
        }
    }

    #[test]
    fn names_are_appended() {
        let base = RootPath::literal("/usr");
        for (base, name, want) in [
            (&base, &b"lib"[..], Some("/usr/lib")),
            (&RootPath::root(), b"lib", Some("/lib")),
            (&base, b"a b", Some("/usr/a b")),
            (&base, b"...", Some("/usr/...")),
            (&base, b"", None),
            (&base, b".", None),
            (&base, b"..", None),
            (&base, b"a/b", None),
            (&base, b"a\0", None),
        ] {
            assert_eq!(base.child(name), want.map(RootPath::literal), "{name:?}");
        }
    }

    #[test]
    fn joins_between_worlds() {
        let inner = RootPath::literal("/usr/lib");
        assert_eq!(HostPath::root().lexically(&inner), HostPath::literal("/usr/lib"));
        assert_eq!(HostPath::literal("/rt").lexically(&inner), HostPath::literal("/rt/usr/lib"));
        assert_eq!(HostPath::literal("/rt").lexically(&RootPath::root()).as_bytes(), b"/rt");
    }
}

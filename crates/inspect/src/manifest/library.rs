//! The forms that a `library_path` can have.

use super::Reason;
use crate::linker::Linker;
use crate::root::Root;
use plan::{ByteString, RootPath};
use std::ffi::OsStr;

/// Where a manifest says that its library is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum LibraryPath {
    /// At this path; a path relative to the manifest has been made absolute.
    Absolute(RootPath),
    /// Wherever the dynamic linker finds this name.
    Soname(String),
    /// At a path that depends on the loading process: it has `$LIB`, `$ORIGIN` or `$PLATFORM`. It
    /// is absolute, and may have `..`.
    Dynamic(ByteString),
}

/// How a parser of manifests learns what a `library_path` means at the place of the manifest.
pub type Locate<'a> = &'a dyn Fn(&str) -> Result<LibraryPath, Reason>;

/// The tokens that dlopen(3) replaces in a path (ld.so(8), "Dynamic string tokens").
const TOKENS: &[&str] = &["ORIGIN", "LIB", "PLATFORM"];

impl LibraryPath {
    /// What `text` means in a manifest that is in `directory` of `root`.
    ///
    /// # Errors
    /// When it cannot be a path, or leads through `..` of a directory that cannot be reached.
    pub fn locate(root: &Root, directory: &RootPath, text: &str) -> Result<Self, Reason> {
        let bad = || Reason::LibraryPath(text.to_owned());
        if text.is_empty() || text.contains('\0') || text.ends_with('/') {
            return Err(bad());
        }
        if !text.contains('/') {
            return Ok(Self::Soname(text.to_owned()));
        }
        if next_token(text.as_bytes()).is_some() {
            let mut whole = Vec::new();
            if !text.starts_with('/') {
                whole.extend_from_slice(directory.as_bytes());
                whole.push(b'/');
            }
            whole.extend_from_slice(text.as_bytes());
            return Ok(Self::Dynamic(ByteString(whole)));
        }
        let path = root.without_dot_dot(directory, OsStr::new(text)).map_err(Reason::Unreadable)?;
        if path == RootPath::root() { Err(bad()) } else { Ok(Self::Absolute(path)) }
    }

    /// The paths that it can mean to a process of the linker's architecture, the most likely first;
    /// none for a bare name. `origin` is the directory of the library that calls dlopen(3), which
    /// is the loader's; without it, paths with `$ORIGIN` are left out.
    pub fn paths(&self, linker: &Linker<'_>, origin: Option<&RootPath>) -> Vec<RootPath> {
        let raw = match self {
            Self::Absolute(path) => return vec![path.clone()],
            Self::Soname(_) => return vec![],
            Self::Dynamic(raw) => raw,
        };
        let lib = linker.origin_lib();
        let mut out: Vec<RootPath> = Vec::new();
        for platform in linker.tuple().platforms() {
            let value = |token: &str| match token {
                "ORIGIN" => origin.map(|o| o.as_bytes().to_vec()),
                "LIB" => Some(lib.as_bytes().to_vec()),
                _ => Some(platform.as_bytes().to_vec()),
            };
            let Some(expanded) = expanded(raw.as_bytes(), &value) else { continue };
            let expanded = ByteString(expanded);
            let path = linker.root().without_dot_dot(&RootPath::root(), expanded.as_os_str());
            out.extend(path.ok().filter(|p| !out.contains(p)));
        }
        out
    }
}

/// The first token: where it starts, which it is, and where it ends. Without braces, it counts only
/// before a slash.
fn next_token(text: &[u8]) -> Option<(usize, &'static str, usize)> {
    let starts = text.iter().enumerate().filter(|(_, b)| **b == b'$').map(|(i, _)| i);
    starts.into_iter().find_map(|start| {
        let rest = &text[start + 1..];
        TOKENS.iter().find_map(|token| {
            let braced = rest
                .strip_prefix(b"{")
                .and_then(|r| r.strip_prefix(token.as_bytes()))
                .is_some_and(|r| r.first() == Some(&b'}'));
            let bare =
                || rest.strip_prefix(token.as_bytes()).is_some_and(|r| r.first() == Some(&b'/'));
            if braced {
                Some((start, *token, start + token.len() + 3))
            } else if bare() {
                Some((start, *token, start + token.len() + 1))
            } else {
                None
            }
        })
    })
}

/// `text` with its tokens replaced; `None` if one of them has no value.
fn expanded(mut text: &[u8], value: &dyn Fn(&str) -> Option<Vec<u8>>) -> Option<Vec<u8>> {
    let mut out = Vec::new();
    while let Some((start, token, end)) = next_token(text) {
        out.extend_from_slice(&text[..start]);
        out.extend(value(token)?);
        text = &text[end..];
    }
    out.extend_from_slice(text);
    Some(out)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn tokens() {
        let value = |token: &str| match token {
            "ORIGIN" => None,
            "LIB" => Some(b"lib64".to_vec()),
            _ => Some(b"x86_64".to_vec()),
        };
        for (raw, want) in [
            ("/usr/$LIB/x", Some("/usr/lib64/x")),
            ("/usr/${LIB}/${PLATFORM}/x", Some("/usr/lib64/x86_64/x")),
            ("/usr/${LIB}x", Some("/usr/lib64x")),
            ("/usr/$LIBx/$LIB", Some("/usr/$LIBx/$LIB")),
            ("/$HOME/${LIB", Some("/$HOME/${LIB")),
            ("/$$LIB/x", Some("/$lib64/x")),
            ("/a/$ORIGIN/x", None),
        ] {
            let got = expanded(raw.as_bytes(), &value);
            assert_eq!(got.as_deref(), want.map(str::as_bytes), "{raw}");
        }
    }
}

//! Dynamic string tokens: `$ORIGIN`, `$LIB`, `$PLATFORM`, with or without braces (ld.so(8)).

use plan::RootPath;
use std::ffi::OsString;
use std::os::unix::ffi::{OsStrExt, OsStringExt};

/// What the tokens stand for.
pub(super) struct Tokens<'a> {
    /// The directory of the object that has the text; `None` where it is not known.
    pub(super) origin: Option<RootPath>,
    pub(super) lib: &'a str,
    pub(super) platform: &'a str,
}

impl Tokens<'_> {
    /// Replaces every token; `None` where the origin is needed and not known, as glibc then drops
    /// the directory.
    pub(super) fn expand(&self, text: &str) -> Option<OsString> {
        let mut out = Vec::with_capacity(text.len());
        let mut rest = text;
        while let Some(at) = rest.find('$') {
            out.extend_from_slice(&rest.as_bytes()[..at]);
            let after = &rest[at + 1..];
            let (name, length) = token(after);
            match name {
                "ORIGIN" => {
                    out.extend_from_slice(self.origin.as_ref()?.as_path().as_os_str().as_bytes())
                }
                "LIB" => out.extend_from_slice(self.lib.as_bytes()),
                "PLATFORM" => out.extend_from_slice(self.platform.as_bytes()),
                _ => out.push(b'$'),
            }
            rest = if length == 0 { after } else { &after[length..] };
        }
        out.extend_from_slice(rest.as_bytes());
        Some(OsString::from_vec(out))
    }
}

/// What the meaning of a text with tokens depends on.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Depends {
    /// Nothing: there is no dollar sign.
    No,
    /// The architecture (`$LIB`, `$PLATFORM`), and nothing else.
    OnArchitecture,
    /// The program (`$ORIGIN`), or something that the dynamic linker does not replace.
    OnMore,
}

/// See [`Depends`].
pub fn depends(text: &str) -> Depends {
    let dollars = text.match_indices('$').map(|(at, _)| token(&text[at + 1..]).0);
    let each = dollars.map(|name| match name {
        "LIB" | "PLATFORM" => Depends::OnArchitecture,
        _ => Depends::OnMore,
    });
    each.max().unwrap_or(Depends::No)
}

/// The token at the start of what follows a dollar sign, and its length; of length 0 where it is
/// none, in which case the dollar sign means itself.
fn token(after: &str) -> (&str, usize) {
    let braced = after.strip_prefix('{').and_then(|inner| inner.split_once('}'));
    let name = match braced {
        Some((name, _)) => name,
        None => {
            let word = |c: char| c.is_ascii_alphanumeric() || c == '_';
            &after[..after.find(|c| !word(c)).unwrap_or(after.len())]
        }
    };
    match name {
        "ORIGIN" | "LIB" | "PLATFORM" => (name, name.len() + if braced.is_some() { 2 } else { 0 }),
        _ => ("", 0),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn tokens_with_and_without_braces() {
        let tokens = Tokens {
            origin: Some(RootPath::literal("/opt/app")),
            lib: "lib/x86_64-linux-gnu",
            platform: "haswell",
        };
        for (text, want) in [
            ("$ORIGIN/../lib", "/opt/app/../lib"),
            ("${ORIGIN}/$LIB", "/opt/app/lib/x86_64-linux-gnu"),
            ("/usr/$PLATFORM/x", "/usr/haswell/x"),
            ("/usr/$PLATFORMS", "/usr/$PLATFORMS"),
            ("/a$", "/a$"),
            ("/a${LIB", "/a${LIB"),
            ("$${LIB}", "$lib/x86_64-linux-gnu"),
            ("/none", "/none"),
        ] {
            assert_eq!(tokens.expand(text).unwrap(), want, "{text}");
        }
        for (text, want) in [
            ("/usr/lib/x.so", Depends::No),
            ("/usr/$LIB/x.so", Depends::OnArchitecture),
            ("/usr/${LIB}/${PLATFORM}/x.so", Depends::OnArchitecture),
            ("/usr/$LIB/$ORIGIN/x.so", Depends::OnMore),
            ("/usr/$LIBS/x.so", Depends::OnMore),
            ("/a$", Depends::OnMore),
        ] {
            assert_eq!(depends(text), want, "{text}");
        }
        let unknown = Tokens { origin: None, ..tokens };
        assert_eq!(unknown.expand("$ORIGIN/lib"), None);
        assert_eq!(unknown.expand("/lib").unwrap(), "/lib");
    }
}

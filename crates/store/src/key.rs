//! Keys: digests of everything that the content of a layer or tree depends on.

use plan::{LayerEntry, LayerSpec, RootPath};
use sha2::{Digest, Sha256};
use std::fmt;

/// Raised whenever the same description would give other content on disk, so that what an older
/// version has prepared is not used.
const FORMAT: u64 = 1;

/// Names a prepared layer, a tree or a memo.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Key(String);

impl Key {
    /// Hexadecimal digits in a key: 160 bits of SHA-256, so that paths stay short (`lowerdir` has to
    /// fit into a page, with all of its siblings).
    pub const LENGTH: usize = 40;

    /// The key of arbitrary inputs. `domain` keeps the keys of different things apart.
    pub fn of(domain: &str, inputs: &[&[u8]]) -> Self {
        let mut hasher = Hasher::new(domain);
        for input in inputs {
            hasher.bytes(input);
        }
        hasher.finish()
    }

    /// The key of a described layer. Its name is not covered: layers of equal content are one.
    pub fn of_layer(spec: &LayerSpec) -> Self {
        let mut hasher = Hasher::new("layer");
        hasher.layer(spec, &RootPath::root());
        hasher.finish()
    }

    /// A key that was written down; `None` when it is none.
    pub fn parse(text: &[u8]) -> Option<Self> {
        let is_digit = |b: &u8| matches!(b, b'0'..=b'9' | b'a'..=b'f');
        let right = text.len() == Self::LENGTH && text.iter().all(is_digit);
        right.then(|| String::from_utf8(text.to_vec()).ok().map(Self)).flatten()
    }

    /// The key as text: lower-case hexadecimal digits.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for Key {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl fmt::Debug for Key {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// Digests fields, each with its length, so that no two sequences of fields look alike.
pub(crate) struct Hasher(Sha256);

impl Hasher {
    pub(crate) fn new(domain: &str) -> Self {
        let mut new = Self(Sha256::new());
        new.bytes(domain.as_bytes());
        new.number(FORMAT);
        new
    }

    pub(crate) fn number(&mut self, n: u64) {
        self.0.update(n.to_le_bytes());
    }

    pub(crate) fn bytes(&mut self, bytes: &[u8]) {
        self.number(bytes.len() as u64);
        self.0.update(bytes);
    }

    /// The part of `spec` that lies within `base`.
    pub(crate) fn layer(&mut self, spec: &LayerSpec, base: &RootPath) {
        self.bytes(base.as_bytes());
        let entries = || spec.entries.iter().filter(|(path, _)| path.is_within(base));
        self.number(entries().count() as u64);
        for (path, entry) in entries() {
            self.bytes(path.as_bytes());
            self.entry(entry);
        }
    }

    fn entry(&mut self, entry: &LayerEntry) {
        match entry {
            LayerEntry::Directory { mode } => {
                self.number(1);
                self.number(u64::from(*mode));
            }
            LayerEntry::Symlink { target } => {
                self.number(2);
                self.bytes(target.as_bytes());
            }
            LayerEntry::File { content, executable, modified } => {
                self.number(3);
                self.bytes(content.as_bytes());
                self.number(u64::from(*executable));
                self.time(*modified);
            }
            LayerEntry::CopyOf { source, executable, modified, identity } => {
                self.number(4);
                self.bytes(source.as_bytes());
                self.number(u64::from(*executable));
                self.time(*modified);
                self.number(identity.0);
                self.number(identity.1.cast_unsigned());
                self.number(identity.2);
            }
            LayerEntry::Whiteout => self.number(5),
        }
    }

    fn time(&mut self, seconds: Option<i64>) {
        self.number(u64::from(seconds.is_some()));
        self.number(seconds.unwrap_or(0).cast_unsigned());
    }

    pub(crate) fn finish(self) -> Key {
        let digest = self.0.finalize();
        let mut digits = plan::hex::encode(&digest);
        digits.truncate(Key::LENGTH);
        Key(digits)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use plan::{ByteString, HostPath};

    fn spec(entries: &[(&str, LayerEntry)]) -> LayerSpec {
        let mut spec = LayerSpec::new("x");
        for (path, entry) in entries {
            spec.entries.insert(RootPath::literal(path), entry.clone());
        }
        spec
    }

    /// Every field changes the key, and nothing slips from one field into the next.
    #[test]
    fn different_descriptions_have_different_keys() {
        let timed = |content: &[u8], executable, modified| LayerEntry::File {
            content: ByteString(content.to_vec()),
            executable,
            modified,
        };
        let file = |content, executable| timed(content, executable, None);
        let copy = |source: &'static str, executable, modified, identity| LayerEntry::CopyOf {
            source: HostPath::literal(source),
            executable,
            modified,
            identity,
        };
        let link = |target: &str| LayerEntry::Symlink { target: target.into() };
        let all = [
            spec(&[]),
            spec(&[("/", LayerEntry::Directory { mode: 0o755 })]),
            spec(&[("/a", LayerEntry::Directory { mode: 0o755 })]),
            spec(&[("/a", LayerEntry::Directory { mode: 0o700 })]),
            spec(&[("/a", LayerEntry::Whiteout)]),
            spec(&[("/a", link("b"))]),
            spec(&[("/a", link("/b"))]),
            spec(&[("/ab", link(""))]),
            spec(&[("/a", file(b"b", false))]),
            spec(&[("/a", file(b"b", true))]),
            spec(&[("/a", file(b"", false))]),
            spec(&[("/a", timed(b"", false, Some(0)))]),
            spec(&[("/a", timed(b"", false, Some(-1)))]),
            spec(&[("/a", file(b"", false)), ("/b", file(b"", false))]),
            spec(&[("/a", copy("/s", false, None, (1, 2, 3)))]),
            spec(&[("/a", copy("/t", false, None, (1, 2, 3)))]),
            spec(&[("/a", copy("/s", true, None, (1, 2, 3)))]),
            spec(&[("/a", copy("/s", false, Some(0), (1, 2, 3)))]),
            spec(&[("/a", copy("/s", false, Some(-1), (1, 2, 3)))]),
            spec(&[("/a", copy("/s", false, None, (9, 2, 3)))]),
            spec(&[("/a", copy("/s", false, None, (1, 9, 3)))]),
            spec(&[("/a", copy("/s", false, None, (1, 2, 9)))]),
        ];
        let keys: std::collections::BTreeSet<Key> = all.iter().map(Key::of_layer).collect();
        assert_eq!(keys.len(), all.len());
        assert!(keys.iter().all(|k| k.as_str().len() == Key::LENGTH));
        let mut renamed = all[5].clone();
        renamed.name.0 = "other".into();
        assert_eq!(Key::of_layer(&all[5]), Key::of_layer(&renamed));
        assert_ne!(Key::of("a", &[b"bc"]), Key::of("a", &[b"b", b"c"]));
        assert_ne!(Key::of("a", &[b"b"]), Key::of("b", &[b"b"]));
    }
}

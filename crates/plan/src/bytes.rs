//! Byte strings that survive JSON: paths and arguments need not be UTF-8.

use crate::hex;
use serde::{Deserialize, Deserializer, Serialize, Serializer};
use std::ffi::{OsStr, OsString};
use std::fmt;
use std::os::unix::ffi::{OsStrExt, OsStringExt};

/// An argument, environment value or file content. In JSON it is a string where it is valid UTF-8,
/// otherwise an object `{"hex": "…"}`, so that nothing is lost.
#[derive(Clone, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct ByteString(pub Vec<u8>);

impl ByteString {
    /// The same bytes as the standard library's type for arguments and file names.
    pub fn as_os_str(&self) -> &OsStr {
        OsStr::from_bytes(&self.0)
    }

    /// The bytes.
    pub fn as_bytes(&self) -> &[u8] {
        &self.0
    }
}

impl From<&str> for ByteString {
    fn from(s: &str) -> Self {
        Self(s.as_bytes().to_vec())
    }
}

impl From<String> for ByteString {
    fn from(s: String) -> Self {
        Self(s.into_bytes())
    }
}

impl From<OsString> for ByteString {
    fn from(s: OsString) -> Self {
        Self(s.into_vec())
    }
}

impl From<&OsStr> for ByteString {
    fn from(s: &OsStr) -> Self {
        Self(s.as_bytes().to_vec())
    }
}

impl From<Vec<u8>> for ByteString {
    fn from(v: Vec<u8>) -> Self {
        Self(v)
    }
}

impl fmt::Display for ByteString {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}", Escaped(&self.0))
    }
}

impl fmt::Debug for ByteString {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "\"{}\"", Escaped(&self.0))
    }
}

/// Shows bytes in one line: control characters and bytes that are not UTF-8 as `\xNN`, so that a
/// file name can neither break a message apart nor steer the terminal.
pub(crate) struct Escaped<'a>(pub(crate) &'a [u8]);

impl fmt::Display for Escaped<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for chunk in self.0.utf8_chunks() {
            for c in chunk.valid().chars() {
                if c.is_control() {
                    let mut buffer = [0; 4];
                    for b in c.encode_utf8(&mut buffer).bytes() {
                        write!(f, "\\x{b:02x}")?;
                    }
                } else {
                    write!(f, "{c}")?;
                }
            }
            for b in chunk.invalid() {
                write!(f, "\\x{b:02x}")?;
            }
        }
        Ok(())
    }
}

#[derive(Serialize, Deserialize)]
struct Hex {
    hex: String,
}

#[derive(Deserialize)]
#[serde(untagged)]
enum Form {
    Text(String),
    Hex(Hex),
}

pub(crate) fn serialize<S: Serializer>(bytes: &[u8], s: S) -> Result<S::Ok, S::Error> {
    match std::str::from_utf8(bytes) {
        Ok(text) => s.serialize_str(text),
        Err(_) => Hex { hex: hex::encode(bytes) }.serialize(s),
    }
}

pub(crate) fn deserialize<'de, D: Deserializer<'de>>(d: D) -> Result<Vec<u8>, D::Error> {
    match Form::deserialize(d)? {
        Form::Text(t) => Ok(t.into_bytes()),
        Form::Hex(Hex { hex: digits }) => hex::decode(digits.as_bytes())
            .ok_or_else(|| serde::de::Error::custom("`hex` is not pairs of hexadecimal digits")),
    }
}

impl Serialize for ByteString {
    fn serialize<S: Serializer>(&self, s: S) -> Result<S::Ok, S::Error> {
        serialize(&self.0, s)
    }
}

impl<'de> Deserialize<'de> for ByteString {
    fn deserialize<D: Deserializer<'de>>(d: D) -> Result<Self, D::Error> {
        deserialize(d).map(Self)
    }
}

/// Maps whose keys are bytes, as JSON objects, whose keys are text: a key that is not UTF-8 is written
/// as `hex:` and its bytes in hexadecimal digits. One that starts with `hex:` itself, which only the
/// name of a variable can, is written so too.
pub(crate) mod keyed {
    use crate::hex;
    use serde::de::{Error, MapAccess, Visitor};
    use serde::{Deserialize, Deserializer, Serialize, Serializer};
    use std::borrow::Cow;
    use std::collections::BTreeMap;
    use std::fmt;
    use std::marker::PhantomData;

    const MARK: &str = "hex:";

    /// What such a key can be.
    pub(crate) trait Key: Ord + Sized {
        fn bytes(&self) -> &[u8];
        fn of(bytes: Vec<u8>) -> Result<Self, String>;
    }

    impl Key for super::ByteString {
        fn bytes(&self) -> &[u8] {
            &self.0
        }

        fn of(bytes: Vec<u8>) -> Result<Self, String> {
            Ok(Self(bytes))
        }
    }

    impl Key for crate::RootPath {
        fn bytes(&self) -> &[u8] {
            self.as_bytes()
        }

        fn of(bytes: Vec<u8>) -> Result<Self, String> {
            let path = super::ByteString(bytes);
            Self::new(path.as_os_str()).map_err(|error| error.to_string())
        }
    }

    fn written(bytes: &[u8]) -> Cow<'_, str> {
        match std::str::from_utf8(bytes) {
            Ok(text) if !text.starts_with(MARK) => text.into(),
            _ => format!("{MARK}{}", hex::encode(bytes)).into(),
        }
    }

    fn read<K: Key>(text: String) -> Result<K, String> {
        let bytes = match text.strip_prefix(MARK) {
            Some(digits) => hex::decode(digits.as_bytes())
                .ok_or_else(|| format!("`{MARK}` is not followed by hexadecimal digits"))?,
            None => text.into_bytes(),
        };
        K::of(bytes)
    }

    pub(crate) fn serialize<K: Key, V: Serialize, S: Serializer>(
        map: &BTreeMap<K, V>,
        s: S,
    ) -> Result<S::Ok, S::Error> {
        s.collect_map(map.iter().map(|(key, value)| (written(key.bytes()), value)))
    }

    pub(crate) fn deserialize<'de, K: Key, V: Deserialize<'de>, D: Deserializer<'de>>(
        d: D,
    ) -> Result<BTreeMap<K, V>, D::Error> {
        d.deserialize_map(Pairs(PhantomData))
    }

    struct Pairs<K, V>(PhantomData<(K, V)>);

    impl<'de, K: Key, V: Deserialize<'de>> Visitor<'de> for Pairs<K, V> {
        type Value = BTreeMap<K, V>;

        fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
            f.write_str("an object")
        }

        fn visit_map<A: MapAccess<'de>>(self, mut access: A) -> Result<Self::Value, A::Error> {
            let mut map = BTreeMap::new();
            while let Some((key, value)) = access.next_entry::<String, V>()? {
                if map.insert(read(key.clone()).map_err(A::Error::custom)?, value).is_some() {
                    return Err(A::Error::custom(format!(
                        "`{}` is there twice",
                        key.escape_debug()
                    )));
                }
            }
            Ok(map)
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[derive(Debug, PartialEq, Serialize, Deserialize)]
    struct Map(#[serde(with = "keyed")] std::collections::BTreeMap<ByteString, u8>);

    #[test]
    fn keys_survive_json() {
        for (key, text) in [
            (&b"PATH"[..], r#"{"PATH":1}"#),
            (b"a\xff", r#"{"hex:61ff":1}"#),
            (b"hex:", r#"{"hex:6865783a":1}"#),
            (b"", r#"{"":1}"#),
        ] {
            let map = Map([(ByteString(key.to_vec()), 1)].into());
            assert_eq!(serde_json::to_string(&map).unwrap(), text);
            assert_eq!(serde_json::from_str::<Map>(text).unwrap(), map);
        }
        for bad in [r#"{"hex:6":1}"#, r#"{"a":1,"hex:61":2}"#, "[]"] {
            assert!(serde_json::from_str::<Map>(bad).is_err(), "{bad}");
        }
    }

    #[test]
    fn bytes_survive_json() {
        for bytes in [&b""[..], b"plain", b"n\no", b"\xff\x00\x80", "ü\u{7}".as_bytes()] {
            let json = serde_json::to_string(&ByteString(bytes.to_vec())).unwrap();
            let back: ByteString = serde_json::from_str(&json).unwrap();
            assert_eq!(back.0, bytes, "{json}");
        }
        for bad in [r#"{"hex":"0"}"#, r#"{"hex":"zz"}"#, "3"] {
            assert!(serde_json::from_str::<ByteString>(bad).is_err(), "{bad}");
        }
    }

    #[test]
    fn display_stays_on_one_line() {
        assert_eq!(ByteString(b"a\nb\xffc\x1b".to_vec()).to_string(), r"a\x0ab\xffc\x1b");
    }
}

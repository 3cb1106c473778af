//! Members of JSON objects, with a reason where one is not as it must be.

use super::Reason;
use serde_json::{Map, Value};

/// A JSON object.
pub(crate) type Object = Map<String, Value>;

/// The object that a manifest consists of. A byte order mark is left out, as the loaders' parser
/// (cJSON) does; depth is bounded by serde_json at 128.
///
/// A backslash before a character that JSON does not let one escape stands for that character, as in the
/// parser of the Vulkan loader: MangoHud's manifest in Debian 11 has `\$LIB`.
pub(crate) fn parse(bytes: &[u8]) -> Result<Object, Reason> {
    let bytes = bytes.strip_prefix(b"\xef\xbb\xbf").unwrap_or(bytes);
    let value = serde_json::from_slice(bytes)
        .or_else(|e| serde_json::from_slice(&without_stray_backslashes(bytes)).map_err(|_| e));
    let value = value.map_err(|e| {
        let message = e.to_string();
        // serde_json adds the place to the text; it is shown once, in front.
        let message = message.split(" at line ").next().unwrap_or_default().to_owned();
        Reason::Syntax { line: e.line(), column: e.column(), message }
    })?;
    match value {
        Value::Object(object) => Ok(object),
        _ => Err(Reason::Type { member: "the manifest".into(), wanted: "an object" }),
    }
}

/// The text without each backslash that starts no escape sequence of JSON (RFC 8259, section 7).
fn without_stray_backslashes(text: &[u8]) -> Vec<u8> {
    let mut kept = Vec::with_capacity(text.len());
    let mut rest = text.iter().copied();
    while let Some(byte) = rest.next() {
        if byte != b'\\' {
            kept.push(byte);
        } else if let Some(escaped) = rest.next() {
            if b"\"\\/bfnrtu".contains(&escaped) {
                kept.push(byte);
            }
            kept.push(escaped);
        }
    }
    kept
}

/// The object `name`, which must be there.
pub(crate) fn object<'o>(outer: &'o Object, name: &str) -> Result<&'o Object, Reason> {
    match outer.get(name) {
        Some(Value::Object(object)) => Ok(object),
        Some(_) => Err(Reason::Type { member: name.into(), wanted: "an object" }),
        None => Err(Reason::Missing(name.into())),
    }
}

/// The string `name`, which must be there; `path` is what messages call it.
pub(crate) fn string<'o>(o: &'o Object, name: &str, path: &str) -> Result<&'o str, Reason> {
    optional_string(o, name, path)?.ok_or_else(|| Reason::Missing(path.into()))
}

/// The string `name`, if there is a member of that name.
pub(crate) fn optional_string<'o>(
    o: &'o Object,
    name: &str,
    path: &str,
) -> Result<Option<&'o str>, Reason> {
    match o.get(name) {
        Some(Value::String(text)) => Ok(Some(text)),
        Some(_) => Err(Reason::Type { member: path.into(), wanted: "a string" }),
        None => Ok(None),
    }
}

/// The string `name`, which must be there and not be empty.
pub(crate) fn filled<'o>(o: &'o Object, name: &str, path: &str) -> Result<&'o str, Reason> {
    match string(o, name, path)? {
        "" => Err(Reason::Empty(path.into())),
        text => Ok(text),
    }
}

/// `file_format_version`, if `accepts` it; `accepted` is what messages say of it.
pub(crate) fn version(
    o: &Object,
    accepts: impl Fn(&str) -> bool,
    accepted: &'static str,
) -> Result<String, Reason> {
    let version = string(o, "file_format_version", "file_format_version")?;
    if accepts(version) {
        return Ok(version.to_owned());
    }
    Err(Reason::Version { version: version.to_owned(), accepted })
}

/// A manifest of one object beside `file_format_version`, ready to be written.
pub(crate) fn written(version: &str, name: &str, content: Object) -> Vec<u8> {
    let mut whole = Object::new();
    whole.insert("file_format_version".into(), version.into());
    whole.insert(name.into(), Value::Object(content));
    format!("{:#}\n", Value::Object(whole)).into_bytes()
}

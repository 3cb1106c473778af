//! A file of layers.

use crate::manifest::json::{self, Object};
use crate::manifest::{LibraryPath, Locate, Reason};
use plan::Tuple;
use serde_json::Value;

/// A layer.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Layer {
    /// Its name, such as `VK_LAYER_MESA_device_select`.
    pub name: String,
    /// Version of the manifest's format.
    pub file_format_version: String,
    /// Where its library is; `None` for a meta-layer, which only names other layers.
    pub library_path: Option<LibraryPath>,
    /// Layers that a meta-layer consists of.
    pub component_layers: Vec<String>,
    /// `32`, `64`, or absent.
    pub library_arch: Option<String>,
    /// The members that are written again.
    kept: Object,
}

/// Strings that every layer has.
const STRINGS: &[&str] = &["name", "type", "api_version", "implementation_version", "description"];

/// The newest format that is known here, which brought `library_arch`.
const NEWEST: &str = "1.2.1";

/// The most layers that are read from one file.
const COUNT_LIMIT: usize = 256;

/// Reads a file of layers. Where it has several and some cannot be used, these go to `notes`; where
/// none can, the first reason is the error.
///
/// # Errors
/// Why none of it can be used.
pub fn parse_layers(
    bytes: &[u8],
    locate: Locate<'_>,
    notes: &mut Vec<Reason>,
) -> Result<Vec<Layer>, Reason> {
    let manifest = json::parse(bytes)?;
    let version = json::version(&manifest, is_known, "up to 1.2.1")?;
    let list = match manifest.get("layers") {
        None => return Ok(vec![layer(json::object(&manifest, "layer")?, &version, locate)?]),
        Some(Value::Array(list)) => list,
        Some(_) => return Err(Reason::Type { member: "layers".into(), wanted: "an array" }),
    };
    let (mut layers, mut bad) = (Vec::new(), Vec::new());
    for (index, value) in list.iter().take(COUNT_LIMIT).enumerate() {
        let result = match value {
            Value::Object(o) => layer(o, &version, locate),
            _ => Err(Reason::Type { member: "layers".into(), wanted: "an array of objects" }),
        };
        match result {
            Ok(layer) => layers.push(layer),
            Err(why) => bad.push(Reason::Layer { index, why: Box::new(why) }),
        }
    }
    if layers.is_empty() {
        return Err(bad.into_iter().next().unwrap_or(Reason::Empty("layers".into())));
    }
    notes.extend(bad);
    Ok(layers)
}

/// Versions compare number by number, as with strverscmp(3).
fn is_known(version: &str) -> bool {
    let numbers = |v: &str| v.split('.').map(|n| n.parse::<u32>().ok()).collect::<Option<Vec<_>>>();
    numbers(version).is_some_and(|v| Some(v) <= numbers(NEWEST))
}

fn layer(o: &Object, version: &str, locate: Locate<'_>) -> Result<Layer, Reason> {
    for name in STRINGS {
        json::string(o, name, &format!("layer.{name}"))?;
    }
    let name = json::filled(o, "name", "layer.name")?;
    let component_layers = components(o)?;
    let library_path = json::optional_string(o, "library_path", "layer.library_path")?;
    let library_path = match library_path {
        Some("") => return Err(Reason::Empty("layer.library_path".into())),
        Some(_) if !component_layers.is_empty() => {
            return Err(Reason::Both("layer.library_path", "layer.component_layers"));
        }
        Some(text) => Some(locate(text)?),
        None if component_layers.is_empty() => {
            return Err(Reason::Missing("layer.library_path".into()));
        }
        None => None,
    };
    let library_arch = json::optional_string(o, "library_arch", "layer.library_arch")?;
    Ok(Layer {
        name: name.into(),
        file_format_version: version.into(),
        library_path,
        component_layers,
        library_arch: library_arch.map(Into::into),
        kept: kept(o),
    })
}

fn components(o: &Object) -> Result<Vec<String>, Reason> {
    let member = || "layer.component_layers".to_owned();
    match o.get("component_layers") {
        None => Ok(vec![]),
        Some(Value::Array(list)) => list
            .iter()
            .map(|v| v.as_str().map(Into::into))
            .collect::<Option<_>>()
            .ok_or_else(|| Reason::Type { member: member(), wanted: "an array of strings" }),
        Some(_) => Err(Reason::Type { member: member(), wanted: "an array" }),
    }
}

/// The members that are written again, in the order in which they are written. What else a layer
/// may have (settings, features, blacklists) the loader does not need to load it.
fn kept(o: &Object) -> Object {
    let mut out = Object::new();
    let mut keep = |name: &str, value: Option<Value>| {
        out.extend(value.map(|v| (name.to_owned(), v)));
    };
    let text = |name: &str| o.get(name).filter(|v| v.is_string()).cloned();
    const TEXTS: &[&str] =
        &["name", "type", "library_path", "api_version", "implementation_version", "description"];
    for name in TEXTS {
        keep(name, text(name));
    }
    for name in ["functions", "pre_instance_functions"] {
        keep(name, strings(o.get(name), usize::MAX));
    }
    keep("instance_extensions", extensions(o, "instance_extensions", &["name", "spec_version"]));
    let device = ["name", "spec_version", "entrypoints"];
    keep("device_extensions", extensions(o, "device_extensions", &device));
    // The loader reads the first pair of each.
    for name in ["enable_environment", "disable_environment"] {
        keep(name, strings(o.get(name), 1));
    }
    let is_meta = o.get("library_path").is_none();
    keep("component_layers", o.get("component_layers").filter(|_| is_meta).cloned());
    // Last, where it is also put when it is missing.
    keep("library_arch", text("library_arch"));
    out
}

/// The first pairs of an object whose values are strings.
fn strings(value: Option<&Value>, count: usize) -> Option<Value> {
    let pairs = value?.as_object()?.iter().filter(|(_, v)| v.is_string());
    Some(Value::Object(pairs.take(count).map(|(k, v)| (k.clone(), v.clone())).collect()))
}

/// An array of objects with only these members.
fn extensions(o: &Object, name: &str, members: &[&str]) -> Option<Value> {
    let reduced = |extension: &Value| {
        let extension = extension.as_object()?;
        let pairs =
            members.iter().filter_map(|m| Some(((*m).to_owned(), extension.get(*m)?.clone())));
        Some(Value::Object(pairs.collect()))
    };
    Some(Value::Array(o.get(name)?.as_array()?.iter().filter_map(reduced).collect()))
}

impl Layer {
    /// A manifest with only this layer, and its library at `library_path`. It says which word size
    /// it is for, which format 1.2.1 is needed for. A meta-layer has no library: its own manifest
    /// serves.
    pub fn rewritten(&self, library_path: &str, tuple: Tuple) -> Vec<u8> {
        let mut layer = self.kept.clone();
        layer.insert("library_path".into(), library_path.into());
        layer.entry("library_arch").or_insert_with(|| super::arch(tuple).into());
        json::written(NEWEST, "layer", layer)
    }

    /// A manifest with only this layer, and its library as it was. For files with several layers,
    /// of which each is placed by itself; right where the library is a bare name or there is none,
    /// as other paths can be relative to the file.
    pub fn alone(&self) -> Vec<u8> {
        json::written(&self.file_format_version, "layer", self.kept.clone())
    }

    /// Whether the manifest's `library_arch` allows it for `tuple`.
    ///
    /// # Errors
    /// Why not.
    pub fn suits(&self, tuple: Tuple) -> Result<(), Reason> {
        super::check_arch(self.library_arch.as_deref(), tuple)
    }
}

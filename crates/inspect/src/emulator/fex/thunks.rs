//! FEX's library thunks: guest libraries whose work is done by native ones.

use super::config::{Config, Error, Setting, read_file};
use super::places::Places;
use crate::root::Root;
use serde_json::Value;
use std::collections::BTreeMap;

/// What is known about thunks.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Thunks {
    /// `ThunkHostLibs`: the directory of the native halves; by default `<libdir>/fex-emu/HostThunks`.
    pub host_libs: Option<Setting>,
    /// `ThunkGuestLibs`: the directory of the guest halves, which are stubs that must never be taken
    /// for drivers; by default `<prefix>/share/fex-emu/GuestThunks`, and the same with `_32`.
    pub guest_libs: Option<Setting>,
    /// `ThunkConfig`: a file with more switches.
    pub config: Option<Setting>,
    /// Which are switched on or off, by the names of the database.
    pub switches: BTreeMap<String, bool>,
    /// The database: name → the paths that its guest half is laid over, with FEX's placeholders
    /// (`@PREFIX_LIB@`, `@HOME@`).
    pub overlays: BTreeMap<String, Vec<String>>,
}

impl Thunks {
    /// The names that are on.
    pub fn on(&self) -> impl Iterator<Item = &str> {
        self.switches.iter().filter(|(_, on)| **on).map(|(name, _)| name.as_str())
    }
}

/// The most entries, and paths of one entry, that are read.
const MAX_ENTRIES: usize = 4096;

/// Reads a `ThunksDB.json`: object `DB`, in it for each name an object with `Overlay`.
///
/// # Errors
/// When it is not a JSON object. Entries of other types are left out.
pub fn parse_database(bytes: &[u8]) -> Result<BTreeMap<String, Vec<String>>, Error> {
    let value: Value = serde_json::from_slice(bytes).map_err(|e| Error::Syntax(e.to_string()))?;
    let Value::Object(outer) = &value else {
        return Err(Error::Syntax("it is not an object".into()));
    };
    let Some(Value::Object(entries)) = outer.get("DB") else { return Ok(BTreeMap::new()) };
    let mut database = BTreeMap::new();
    for (name, entry) in entries.iter().take(MAX_ENTRIES) {
        let paths = entry.get("Overlay").and_then(Value::as_array);
        let paths = paths.into_iter().flatten().filter_map(Value::as_str).take(MAX_ENTRIES);
        database.insert(name.clone(), paths.map(String::from).collect());
    }
    Ok(database)
}

/// The databases of system and user, the user's entries in place of the system's.
pub(super) fn read_databases(root: &Root, places: &Places, config: &mut Config) {
    for directory in [&places.system].into_iter().chain(&places.config) {
        let path = directory.at("ThunksDB.json");
        let Some(bytes) = read_file(root, path.clone(), config) else { continue };
        match parse_database(&bytes) {
            Ok(database) => config.thunks.overlays.extend(database),
            Err(e) => {
                config.files.pop();
                config.unreadable.push((path, e));
            }
        }
    }
}
